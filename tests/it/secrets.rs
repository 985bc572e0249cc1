//! Canaries: secrets that are planted in requests and must turn up nowhere in clear.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use serde_json::json;
use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt};

use crate::app::TestApp;

const PASSWORD: &str = "canary-password-7Q2x";
const ACCOUNT: &str = "98765432109876";

/// Everything that is logged on this thread, at every level.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_logged_answered_or_stored_in_clear() {
    let log = Log::default();
    let writer = log.clone();
    let lines = tracing_subscriber::fmt::layer().json().with_writer(move || writer.clone());
    // With a single dispatcher alive, tracing asks the thread that meets a log line first whether
    // anybody listens, and other tests' threads have no listener: a second one makes it ask all.
    let _second = tracing::Dispatch::new(tracing_subscriber::registry());
    let _guard = tracing::subscriber::set_default(tracing_subscriber::registry().with(LevelFilter::TRACE).with(lines));

    let app = TestApp::start().await;
    let mut answers = vec![];
    let body = json!({ "email": "kim@example.com", "password": PASSWORD, "username": "kim" });
    let signed_up = app.post("/v1/auth/signup").json(&body).send().await.expect(201);
    let access = signed_up["tokens"]["accessToken"].as_str().unwrap().to_owned();
    let refresh = signed_up["tokens"]["refreshToken"].as_str().unwrap().to_owned();
    let kim = crate::app::Account {
        id: signed_up["user"]["id"].as_str().unwrap().to_owned(),
        email: "kim@example.com".to_owned(),
        token: access.clone(),
        refresh: refresh.clone(),
    };
    // Right, wrong, and out of place.
    let log_in = json!({ "email": "kim@example.com", "password": PASSWORD });
    app.post("/v1/auth/login").json(&log_in).send().await.expect(200);
    let wrong = json!({ "email": "lee@example.com", "password": PASSWORD });
    answers.push(app.post("/v1/auth/login").json(&wrong).send().await.body);
    answers.push(
        app.post("/v1/auth/signup")
            .json(&json!({ "email": PASSWORD, "password": [PASSWORD], "username": 5 }))
            .send()
            .await
            .body,
    );
    answers.push(
        app.post("/v1/auth/signup")
            .body(format!("{{\"password\": \"{PASSWORD}\""))
            .header("content-type", "application/json")
            .send()
            .await
            .body,
    );
    let application =
        json!({ "realName": "김개발", "portfolioUrl": "https://github.com/kim", "accountNumber": ACCOUNT });
    answers.push(app.post("/v1/tutor-applications").by(&kim).json(&application).send().await.expect(201));
    answers.push(app.get("/v1/tutor-applications/me").by(&kim).send().await.expect(200));
    let admin = app.admin("root").await;
    answers.push(app.get("/v1/admin/tutor-applications").by(&admin).send().await.expect(200));
    let bad = json!({ "realName": "김개발", "portfolioUrl": ACCOUNT, "accountNumber": format!("{ACCOUNT}x") });
    answers.push(app.post("/v1/tutor-applications").by(&kim).json(&bad).send().await.body);
    app.post("/v1/auth/refresh").json(&json!({ "refreshToken": refresh })).send().await.expect(200);
    app.post("/v1/auth/refresh").json(&json!({ "refreshToken": format!("{refresh}x") })).send().await;

    // The address of a calendar: read, replaced, and no good any more.
    let tutor = app.tutor("park").await;
    let pwt = app.approved_pwt(&tutor, &admin, json!({})).await;
    let issue = format!("/v1/schedules/{pwt}/feed");
    let feed = app.post(&issue).by(&tutor).send().await.expect(201)["path"].as_str().unwrap().to_owned();
    app.get(&feed).send().await.expect(200);
    app.post(&issue).by(&tutor).send().await.expect(201);
    answers.push(app.get(&feed).send().await.refused(404, "FEED_NOT_FOUND"));
    // What is no route of ours names the path to whoever sent it, and to no log.
    app.post(&feed).send().await.refused(405, "METHOD_NOT_ALLOWED");
    let feed = feed.rsplit('/').next().unwrap().trim_end_matches(".ics");

    let secret = refresh.split('.').nth(3).unwrap();
    let stored: String = app.wire.take_calls().iter().map(|call| call.body.to_string()).collect();
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let answered: String = answers.iter().map(ToString::to_string).collect();
    assert!(logged.contains("\"operation\":\"sign_up\""), "nothing was logged");
    for canary in [PASSWORD, ACCOUNT, access.as_str(), refresh.as_str(), secret, feed] {
        assert!(!stored.contains(canary), "stored: {canary}");
        assert!(!logged.contains(canary), "logged: {canary}");
        assert!(!answered.contains(canary), "answered: {canary}");
    }
    assert!(stored.contains("9876"), "the last four digits are kept");
}
