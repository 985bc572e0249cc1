//! What becomes of files that nothing uses: each step of their end, cut off and done again.

use domain::attachments::AttachmentState::{self, Ready, Released, Used};
use fn_attachments::SweptFiles;
use futures::future::join;
use http::Method;
use serde_json::{Value, json};
use testkit::{Action, Gate};

use super::attachments::{ask, key_of, ready, stored, wanted};
use crate::{
    app::{Account, TestApp, table_is_elsewhere},
    files,
};

const HOUR: i64 = 60 * 60 * 1_000;

async fn sweep(app: &TestApp) -> SweptFiles {
    fn_attachments::sweep(&app.upload_sweeper().await).await.unwrap()
}

async fn set_picture(app: &TestApp, by: &Account, file: &Value) {
    let body = json!({ "attachmentId": file["id"] });
    app.put("/v1/users/me/image").by(by).json(&body).send().await.expect(200);
}

/// Somebody's picture that was replaced a moment ago.
async fn released(app: &TestApp, by: &Account) -> Value {
    let file = ready(app, by, "PROFILE").await;
    set_picture(app, by, &file).await;
    app.delete("/v1/users/me/image").by(by).send().await.expect(204);
    file
}

/// The paths that the CDN's queue was told of since this was last asked.
fn told(app: &TestApp) -> Vec<String> {
    let sent = app.queues.take_sent().into_iter().filter(|sent| sent.queue == "cdn");
    let paths = |sent: crate::queues::Sent| sent.message["paths"].as_array().unwrap().clone();
    sent.flat_map(paths).map(|path| path.as_str().unwrap().to_owned()).collect()
}

async fn state(app: &TestApp, file: &Value) -> Option<AttachmentState> {
    stored(app, file).await.map(|file| file.state)
}

#[tokio::test]
async fn what_is_not_completed_or_not_used_is_gone_within_a_day() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let bytes = files::png(3, 2);
    let asked = ask(&app, &kim, &wanted("PROFILE", "a.png", "image/png", bytes.len())).await.expect(201);
    let uploaded = ask(&app, &kim, &wanted("PROFILE", "a.png", "image/png", bytes.len())).await.expect(201);
    app.upload(&uploaded, &bytes).await;
    let [post, party, project] =
        [ready(&app, &kim, "COMMUNITY").await, ready(&app, &kim, "PARTY").await, ready(&app, &kim, "PWT").await];
    let picture = ready(&app, &kim, "PROFILE").await;
    set_picture(&app, &kim, &picture).await;
    let all = [&asked, &uploaded, &post, &party, &project];

    app.clock.advance(22 * HOUR - 1);
    assert_eq!(sweep(&app).await, SweptFiles::default());
    app.clock.advance(1);
    assert_eq!(sweep(&app).await, SweptFiles { given_up: 5, settled: 1, ..SweptFiles::default() });
    for file in all {
        assert_eq!(state(&app, file).await, Some(Released));
    }
    assert_eq!((app.objects.keys().len(), told(&app)), (5, vec![]));
    app.clock.advance(2 * HOUR - 1);
    assert_eq!(sweep(&app).await, SweptFiles { removed: 5, ..SweptFiles::default() });
    for file in all {
        assert_eq!(state(&app, file).await, None);
    }
    let told = told(&app);
    for file in [&post, &party, &project] {
        assert!(told.contains(&format!("/{}", key_of(&file["url"]))));
    }
    // What is used stays, and is of no interest any more.
    assert_eq!(app.objects.keys(), [key_of(&picture["url"])]);
    assert_eq!(stored(&app, &picture).await.unwrap().due, None);
    app.clock.advance(1_000 * HOUR);
    assert_eq!(sweep(&app).await, SweptFiles::default());
}

#[tokio::test]
async fn another_upload_of_a_file_in_use_is_removed_and_the_file_is_not() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let bytes = files::png(3, 2);
    let asked = ask(&app, &kim, &wanted("PROFILE", "a.png", "image/png", bytes.len())).await.expect(201);
    app.upload(&asked, &bytes).await;
    let path = format!("/v1/attachments/{}/complete", asked["id"].as_str().unwrap());
    let file = app.post(&path).by(&kim).send().await.expect(200);
    set_picture(&app, &kim, &file).await;
    app.upload(&asked, &files::png(5, 5)).await;
    assert_eq!(app.objects.keys().len(), 2);
    app.clock.advance(22 * HOUR);
    assert_eq!(sweep(&app).await, SweptFiles { settled: 1, ..SweptFiles::default() });
    assert_eq!(app.objects.keys(), [key_of(&file["url"])]);
    assert_eq!(told(&app), Vec::<String>::new());
}

/// Within its quarter of an hour a URL takes another upload after everything was removed.
#[tokio::test]
async fn what_is_released_while_its_url_is_good_is_looked_at_once_more() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let bytes = files::png(3, 2);
    let asked = ask(&app, &kim, &wanted("PROFILE", "a.png", "image/png", bytes.len())).await.expect(201);
    app.upload(&asked, &bytes).await;
    let path = format!("/v1/attachments/{}/complete", asked["id"].as_str().unwrap());
    let file = app.post(&path).by(&kim).send().await.expect(200);
    set_picture(&app, &kim, &file).await;
    app.delete("/v1/users/me/image").by(&kim).send().await.expect(204);
    assert_eq!(sweep(&app).await, SweptFiles { given_up: 1, ..SweptFiles::default() });
    assert_eq!((app.objects.keys(), told(&app)), (vec![], vec![format!("/{}", key_of(&file["url"]))]));
    app.upload(&asked, &bytes).await;
    app.clock.advance(HOUR);
    assert_eq!(sweep(&app).await, SweptFiles { removed: 1, ..SweptFiles::default() });
    assert_eq!((app.objects.keys(), state(&app, &file).await), (vec![], None));
}

#[tokio::test]
async fn a_removal_that_is_cut_off_at_any_step_is_finished_by_the_next_run() {
    // Paused time and a table elsewhere do not go together.
    if table_is_elsewhere() {
        return;
    }
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    tokio::time::pause();
    let refuse = || Action::Refuse { status: 503, code: "SlowDown" };
    for step in ["upload", "public", "queue", "item", "answer"] {
        app.clock.advance(HOUR);
        let kim = app.log_in(&kim).await;
        let file = released(&app, &kim).await;
        app.clock.advance(HOUR);
        told(&app);
        app.objects.rule(move |call| match (step, call.key.starts_with("uploads/")) {
            ("upload", true) | ("public", false) => refuse(),
            _ => Action::Pass,
        });
        app.queues.rule(move |_| if step == "queue" { refuse() } else { Action::Pass });
        let mut is_first = true;
        app.wire.rule(move |call| match (step, call.operation.as_str()) {
            ("item", "DeleteItem") => Action::LoseRequest,
            ("answer", "DeleteItem") if std::mem::take(&mut is_first) => Action::LoseAnswer,
            _ => Action::Pass,
        });
        let swept = fn_attachments::sweep(&app.upload_sweeper().await).await;
        match step {
            "upload" | "public" | "queue" => {
                assert_eq!(swept.unwrap(), SweptFiles { setbacks: 1, ..SweptFiles::default() }, "{step}");
                assert_eq!(state(&app, &file).await, Some(Released), "{step}");
            }
            "item" => {
                swept.unwrap_err();
                assert_eq!(state(&app, &file).await, Some(Released));
            }
            // The table's own repeats meet what the first try did.
            _ => assert_eq!(swept.unwrap(), SweptFiles { removed: 1, ..SweptFiles::default() }),
        }
        let is_told = !told(&app).is_empty();
        assert_eq!(is_told, ["queue", "item", "answer"].contains(&step), "{step}");
        assert_eq!(app.objects.keys().is_empty(), step != "upload" && step != "public", "{step}");

        app.wire.clear();
        app.objects.rule(|_| Action::Pass);
        app.queues.rule(|_| Action::Pass);
        sweep(&app).await;
        assert_eq!((app.objects.keys(), state(&app, &file).await), (vec![], None), "{step}");
    }
}

#[tokio::test]
async fn two_runs_at_once_are_as_good_as_one() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let mut gone = vec![];
    for _ in 0..4 {
        gone.push(released(&app, &kim).await);
    }
    app.clock.advance(HOUR);
    let (one, other) = join(sweep(&app), sweep(&app)).await;
    assert!(one.removed + other.removed >= 4 && one.setbacks + other.setbacks == 0, "{one:?} {other:?}");
    for file in &gone {
        assert_eq!(state(&app, file).await, None);
    }
    assert_eq!(app.objects.keys(), Vec::<String>::new());
}

#[tokio::test]
async fn one_file_that_cannot_be_removed_keeps_no_other_from_it() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let (poisoned, healthy) = (released(&app, &kim).await, released(&app, &kim).await);
    app.clock.advance(HOUR);
    let key = key_of(&poisoned["url"]);
    app.objects.rule(move |call| match call.method {
        Method::DELETE if call.key == key => Action::Refuse { status: 403, code: "AccessDenied" },
        _ => Action::Pass,
    });
    assert_eq!(sweep(&app).await, SweptFiles { removed: 1, setbacks: 1, ..SweptFiles::default() });
    assert_eq!((state(&app, &poisoned).await, state(&app, &healthy).await), (Some(Released), None));

    // An S3 that is down is not asked a thousand times.
    let mut more = vec![];
    for _ in 0..4 {
        more.push(released(&app, &app.log_in(&kim).await).await);
    }
    app.clock.advance(HOUR);
    app.objects.take_asked();
    app.objects.rule(|_| Action::Refuse { status: 403, code: "AccessDenied" });
    assert_eq!(sweep(&app).await, SweptFiles { setbacks: 3, ..SweptFiles::default() });
    assert_eq!(app.objects.take_asked().len(), 3);
}

/// A picture that is set in the very moment in which the sweeper gives it up.
async fn used_at_the_last_moment(app: &TestApp) -> (u16, Option<AttachmentState>) {
    let kim = app.sign_up("kim").await;
    let file = ready(app, &kim, "PROFILE").await;
    app.clock.advance(22 * HOUR);
    let kim = app.log_in(&kim).await;
    let (reached, gate) = (Gate::default(), Gate::default());
    let (tell, wait) = (reached.clone(), gate.clone());
    app.wire.rule(move |call| {
        if call.by == "upload_sweeper" && call.operation == "UpdateItem" {
            tell.open();
            return Action::Wait(wait.clone());
        }
        Action::Pass
    });
    let meanwhile = async {
        reached.passed().await;
        let body = json!({ "attachmentId": file["id"] });
        let status = app.put("/v1/users/me/image").by(&kim).json(&body).send().await.status;
        gate.open();
        status
    };
    let (_, status) = join(sweep(app), meanwhile).await;
    (status, state(app, &file).await)
}

#[tokio::test]
async fn a_file_that_is_used_at_the_last_moment_stays() {
    assert_eq!(used_at_the_last_moment(&TestApp::start().await).await, (200, Some(Used)));
}

#[tokio::test]
async fn without_the_condition_on_its_state_a_picture_in_use_would_be_given_up() {
    let app = TestApp::start().await;
    app.wire.rule(|call| {
        if call.by == "upload_sweeper" {
            call.strip_conditions("ATTACHMENT#");
        }
        Action::Pass
    });
    assert_eq!(used_at_the_last_moment(&app).await, (200, Some(Released)));
}

#[tokio::test]
async fn a_file_in_use_by_nobody_else_is_not_given_up_early() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let file = ready(&app, &kim, "PARTY").await;
    app.clock.advance(HOUR);
    assert_eq!((sweep(&app).await, state(&app, &file).await), (SweptFiles::default(), Some(Ready)));
}
