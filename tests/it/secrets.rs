//! Canaries: secrets that are planted in requests and must turn up nowhere in clear.

use std::{
    io::Write,
    sync::{Arc, Mutex},
};

use devloop_local::toss_sandbox::{FaultKind, Operation};
use serde_json::{Value, json};
use tracing_subscriber::{filter::LevelFilter, layer::SubscriberExt};

use crate::{
    app::{Account, TestApp, settings},
    flows::{deposits, sale::Sale},
};

const PASSWORD: &str = "canary-password-7Q2x";
const ACCOUNT: &str = "98765432109876";
const REFUND_ACCOUNT: &str = "70605040302010";
const HOLDER: &str = "카나리아예금주";

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

/// Where a deposit goes back to: out of place, wrong, refused, and while its refund is at work. The answers.
async fn give_a_deposit_back(sale: &Sale, kim: Account) -> Vec<Value> {
    let mut answers = vec![];
    let order = sale.order(&kim).await.expect(201);
    let payment_key = deposits::account_for(sale, &order, deposits::HOURS);
    sale.confirm(&kim, &order, &payment_key).await.expect(200);
    let cancel = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    let refund_account = json!({ "bank": "88", "accountNumber": REFUND_ACCOUNT, "holderName": HOLDER });
    let back = json!({ "refundAccount": refund_account });
    answers.push(sale.app.post(&cancel).by(&kim).json(&back).send().await.refused(400, "VALIDATION_FAILED"));
    sale.app.sandbox.deposit(&payment_key).unwrap();
    sale.app.clock.advance(60 * 60_000);
    assert_eq!(sale.sweep().await.settled, 1);
    let again = sale
        .app
        .post("/v1/auth/login")
        .json(&json!({ "email": kim.email, "password": PASSWORD }))
        .send()
        .await
        .expect(200);
    let kim = Account { token: again["accessToken"].as_str().unwrap().to_owned(), ..kim };
    let bad = json!({ "bank": HOLDER, "accountNumber": format!("{REFUND_ACCOUNT}x"), "holderName": [HOLDER] });
    let bad = json!({ "refundAccount": bad });
    answers.push(sale.app.post(&cancel).by(&kim).json(&bad).send().await.refused(400, "VALIDATION_FAILED"));
    for fault in [
        FaultKind::Error { status: 400, code: "INVALID_REFUND_ACCOUNT_NUMBER".to_owned() },
        FaultKind::Status500 { after_effect: false },
        FaultKind::AnswerLost,
    ] {
        sale.app.sandbox.fail_next(Operation::Cancel, fault);
        let asked = sale.app.post(&cancel).by(&kim).header("idempotency-key", "back").json(&back).send().await;
        assert!([200, 202, 409].contains(&asked.status), "{}", asked.body);
        answers.push(asked.body);
    }
    sale.app.clock.advance(61_000);
    sale.sweep().await;
    assert_eq!(sale.state(&kim, &order).await, "REFUNDED");
    answers
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

    let mut settings = settings();
    settings.payments.as_mut().unwrap().pwt_deposit_hours = deposits::HOURS;
    let app = TestApp::start_with(settings).await;
    let mut answers = vec![];
    let body = json!({ "email": "kim@example.com", "password": PASSWORD, "username": "kim" });
    let signed_up = app.post("/v1/auth/signup").json(&body).send().await.expect(201);
    let access = signed_up["tokens"]["accessToken"].as_str().unwrap().to_owned();
    let refresh = signed_up["tokens"]["refreshToken"].as_str().unwrap().to_owned();
    let kim = Account {
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

    let sale = Sale { app, pwt, admin };
    answers.extend(give_a_deposit_back(&sale, kim).await);
    let app = sale.app;
    let told: String = app.queues.take_sent().iter().map(|sent| sent.message.to_string()).collect();

    let secret = refresh.split('.').nth(3).unwrap();
    let stored: String = app.wire.take_calls().iter().map(|call| call.body.to_string()).collect();
    let logged = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    let answered: String = answers.iter().map(ToString::to_string).collect();
    assert!(logged.contains("\"operation\":\"sign_up\""), "nothing was logged");
    for canary in [PASSWORD, ACCOUNT, REFUND_ACCOUNT, HOLDER, access.as_str(), refresh.as_str(), secret, feed] {
        assert!(!stored.contains(canary), "stored: {canary}");
        assert!(!logged.contains(canary), "logged: {canary}");
        assert!(!answered.contains(canary), "answered: {canary}");
        assert!(!told.contains(canary), "told: {canary}");
    }
    assert!(stored.contains("accountCipher"), "no refund account was stored");
    assert!(stored.contains("9876"), "the last four digits are kept");
}
