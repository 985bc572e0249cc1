//! Becoming a tutor.

use serde_json::{Value, json};
use storage::{Write, items::TutorApplication, keys};
use testkit::Action;

use crate::app::{Account, TestApp};

fn application() -> Value {
    json!({ "realName": "김튜터", "portfolioUrl": "https://github.com/kim", "accountNumber": "110123456789" })
}

async fn apply(app: &TestApp, account: &Account) -> Value {
    app.post("/v1/tutor-applications").by(account).json(&application()).send().await.expect(201)
}

fn decide(account: &Account, decision: &str) -> String {
    format!("/v1/admin/tutor-applications/{}/{decision}", account.id)
}

async fn stored(app: &TestApp, account: &Account) -> TutorApplication {
    app.table.get_now(keys::tutor_application(account.id.parse().unwrap())).await.unwrap().unwrap()
}

fn applicants(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["userId"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn apply_as_tutor_answers_only_the_end_of_the_account_number() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let reply = app.post("/v1/tutor-applications").by(&kim).json(&application()).send().await;
    assert_eq!(reply.header("location"), "/v1/tutor-applications/me");
    let expected = json!({
        "userId": kim.id, "realName": "김튜터", "portfolioUrl": "https://github.com/kim", "accountLastFour": "6789",
        "state": "PENDING", "reason": null, "createdAt": "2026-11-24T00:00:00.000Z",
    });
    assert_eq!(reply.expect(201), expected);
    assert_eq!(app.get("/v1/tutor-applications/me").by(&kim).send().await.expect(200), expected);
}

#[tokio::test]
async fn apply_as_tutor_encrypts_the_account_number_for_its_user() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    apply(&app, &kim).await;
    let sealed = stored(&app, &kim).await.account_cipher.unwrap();
    let cipher = sealing::Cipher::new(app.parts.settings.account_key.as_ref().unwrap()).unwrap();
    assert_eq!(cipher.open(&sealed, &kim.id).unwrap(), "110123456789");
    assert!(cipher.open(&sealed, &lee.id).is_err());
    assert!(app.wire.take_calls().iter().all(|call| !call.mentions("110123456789")));
}

#[tokio::test]
async fn apply_as_tutor_names_every_bad_field() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let bad =
        json!({ "realName": "", "portfolioUrl": "javascript:alert(1)", "accountNumber": "12-34", "state": "APPROVED" });
    let problem = app.post("/v1/tutor-applications").by(&kim).json(&bad).send().await.refused(400, "VALIDATION_FAILED");
    let mut fields: Vec<_> =
        problem["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["accountNumber", "portfolioUrl", "realName", "state"]);
    app.post("/v1/tutor-applications").json(&application()).send().await.refused(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn apply_as_tutor_is_once_at_a_time_and_for_users() {
    let app = TestApp::start().await;
    let (kim, admin) = (app.sign_up("kim").await, app.admin("root").await);
    apply(&app, &kim).await;
    let again = |by: Account| {
        let app = &app;
        async move { app.post("/v1/tutor-applications").by(&by).json(&application()).send().await }
    };
    again(kim.clone()).await.refused(409, "APPLICATION_EXISTS");
    again(admin.clone()).await.refused(403, "FORBIDDEN");
    app.post(&decide(&kim, "approve")).by(&admin).send().await.expect(200);
    // With the token from before the approval, and with a new one.
    again(kim.clone()).await.refused(409, "ALREADY_TUTOR");
    again(app.log_in(&kim).await).await.refused(409, "ALREADY_TUTOR");
}

#[tokio::test]
async fn apply_as_tutor_works_again_after_a_rejection() {
    let app = TestApp::start().await;
    let (kim, admin) = (app.sign_up("kim").await, app.admin("root").await);
    apply(&app, &kim).await;
    let why = json!({ "reason": "포트폴리오를 열 수 없습니다." });
    let rejected = app.post(&decide(&kim, "reject")).by(&admin).json(&why).send().await.expect(200);
    assert_eq!((&rejected["state"], &rejected["reason"]), (&json!("REJECTED"), &why["reason"]));
    let anew = apply(&app, &kim).await;
    assert_eq!((&anew["state"], &anew["reason"]), (&json!("PENDING"), &Value::Null));
    assert_eq!(stored(&app, &kim).await.version, 3);
    app.post(&decide(&kim, "approve")).by(&admin).send().await.expect(200);
}

#[tokio::test]
async fn apply_as_tutor_has_one_winner_of_a_race() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let mut first = true;
    // The first write has to be sent again, and may come after the other's.
    app.wire.rule(move |call| {
        if call.operation == "PutItem" && std::mem::take(&mut first) { Action::Conflict } else { Action::Pass }
    });
    let send = || app.post("/v1/tutor-applications").by(&kim).json(&application()).send();
    let (one, other) = tokio::join!(send(), send());
    let (won, lost) = if one.status == 201 { (one, other) } else { (other, one) };
    won.expect(201);
    lost.refused(409, "APPLICATION_EXISTS");
}

#[tokio::test]
async fn get_my_tutor_application_is_404_before_the_first() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    app.get("/v1/tutor-applications/me").by(&kim).send().await.refused(404, "TUTOR_APPLICATION_NOT_FOUND");
    app.get("/v1/tutor-applications/me").send().await.refused(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn list_tutor_applications_pages_from_the_oldest() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let mut sent = vec![];
    for name in ["kim", "lee", "choi"] {
        let account = app.sign_up(name).await;
        apply(&app, &account).await;
        app.clock.advance(1_000);
        sent.push(account);
    }
    let first = app.get("/v1/admin/tutor-applications?limit=2").by(&admin).send().await.expect(200);
    assert_eq!(applicants(&first), [&sent[0].id, &sent[1].id]);
    assert_eq!(first["items"][0]["accountLastFour"], "6789");
    let cursor = first["nextCursor"].as_str().unwrap();
    let next = format!("/v1/admin/tutor-applications?limit=2&cursor={cursor}");
    let second = app.get(&next).by(&admin).send().await.expect(200);
    assert_eq!((applicants(&second), &second["nextCursor"]), (vec![sent[2].id.as_str()], &Value::Null));
    app.get(&format!("{next}&state=REJECTED")).by(&admin).send().await.refused(400, "BAD_CURSOR");
    app.get("/v1/admin/tutor-applications?state=NEW").by(&admin).send().await.refused(400, "VALIDATION_FAILED");
}

#[tokio::test]
async fn list_tutor_applications_follows_the_state() {
    let app = TestApp::start().await;
    let admin = app.admin("root").await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    apply(&app, &kim).await;
    apply(&app, &lee).await;
    app.post(&decide(&kim, "approve")).by(&admin).send().await.expect(200);
    app.post(&decide(&lee, "reject")).by(&admin).json(&json!({ "reason": "아직" })).send().await.expect(200);
    for (state, found) in
        [("PENDING", vec![]), ("APPROVED", vec![kim.id.as_str()]), ("REJECTED", vec![lee.id.as_str()])]
    {
        let list = app.get(&format!("/v1/admin/tutor-applications?state={state}")).by(&admin).send().await.expect(200);
        assert_eq!(applicants(&list), found, "{state}");
    }
}

#[tokio::test]
async fn list_tutor_applications_is_for_admins() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    app.get("/v1/admin/tutor-applications").send().await.refused(401, "UNAUTHENTICATED");
    app.get("/v1/admin/tutor-applications").by(&kim).send().await.refused(403, "FORBIDDEN");
}

#[tokio::test]
async fn approve_tutor_application_gives_the_role_and_may_be_repeated() {
    let app = TestApp::start().await;
    let (kim, admin) = (app.sign_up("kim").await, app.admin("root").await);
    apply(&app, &kim).await;
    for _ in 0..2 {
        let approved = app.post(&decide(&kim, "approve")).by(&admin).send().await.expect(200);
        assert_eq!(approved["state"], "APPROVED");
        let account = app.account(&kim).await;
        assert_eq!((account.role, account.version), (domain::accounts::Role::Tutor, 2));
    }
    let why = json!({ "reason": "늦었습니다" });
    app.post(&decide(&kim, "reject")).by(&admin).json(&why).send().await.refused(409, "APPLICATION_APPROVED");
}

#[tokio::test]
async fn approve_tutor_application_at_once_by_two_takes_effect_once() {
    let app = TestApp::start().await;
    let (kim, admin) = (app.sign_up("kim").await, app.admin("root").await);
    apply(&app, &kim).await;
    let mut first = true;
    app.wire.rule(move |call| {
        let decides = call.by == "approve_tutor_application" && call.operation == "TransactWriteItems";
        if decides && std::mem::take(&mut first) { Action::Conflict } else { Action::Pass }
    });
    let path = decide(&kim, "approve");
    let send = || app.post(&path).by(&admin).send();
    let (one, other) = tokio::join!(send(), send());
    assert_eq!(one.expect(200), other.expect(200));
    assert_eq!((app.account(&kim).await.version, stored(&app, &kim).await.version), (2, 2));
}

#[tokio::test]
async fn approve_tutor_application_refuses_the_rejected_the_withdrawn_and_the_unknown() {
    let app = TestApp::start().await;
    let (kim, lee, admin) = (app.sign_up("kim").await, app.sign_up("lee").await, app.admin("root").await);
    app.post(&decide(&kim, "approve")).by(&admin).send().await.refused(404, "TUTOR_APPLICATION_NOT_FOUND");
    app.post("/v1/admin/tutor-applications/kim/approve").by(&admin).send().await.refused(400, "INVALID_ID");
    app.post(&decide(&kim, "approve")).by(&lee).send().await.refused(403, "FORBIDDEN");
    apply(&app, &kim).await;
    apply(&app, &lee).await;
    app.post(&decide(&kim, "reject")).by(&admin).json(&json!({ "reason": "아직" })).send().await.expect(200);
    app.post(&decide(&kim, "approve")).by(&admin).send().await.refused(409, "APPLICATION_REJECTED");
    let withdrawn = Write::update(keys::user(lee.id.parse().unwrap())).set("standing", "WITHDRAWN");
    app.table.write(withdrawn).await.unwrap();
    app.post(&decide(&lee, "approve")).by(&admin).send().await.refused(409, "APPLICANT_NOT_ELIGIBLE");
    assert_eq!(stored(&app, &lee).await.version, 1);
}

#[tokio::test]
async fn reject_tutor_application_keeps_its_first_reason() {
    let app = TestApp::start().await;
    let (kim, admin) = (app.sign_up("kim").await, app.admin("root").await);
    let why = |reason: &str| json!({ "reason": reason });
    let missing = app.post(&decide(&kim, "reject")).by(&admin).json(&why("아직")).send().await;
    missing.refused(404, "TUTOR_APPLICATION_NOT_FOUND");
    apply(&app, &kim).await;
    app.post(&decide(&kim, "reject")).by(&admin).json(&why("")).send().await.refused(400, "VALIDATION_FAILED");
    app.post(&decide(&kim, "reject")).by(&kim).json(&why("아직")).send().await.refused(403, "FORBIDDEN");
    for reason in ["아직", "다시"] {
        let rejected = app.post(&decide(&kim, "reject")).by(&admin).json(&why(reason)).send().await.expect(200);
        assert_eq!(rejected["reason"], "아직");
    }
    assert_eq!(app.get("/v1/tutor-applications/me").by(&kim).send().await.expect(200)["reason"], "아직");
}
