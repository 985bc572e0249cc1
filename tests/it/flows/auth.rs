//! Signing up, logging in, refreshing and logging out.

use serde_json::json;
use testkit::{Action, Gate};

use crate::app::{Account, PASSWORD, Reply, TestApp};

fn body(email: &str) -> serde_json::Value {
    json!({ "email": email, "password": PASSWORD, "username": "김개발" })
}

#[tokio::test]
async fn sign_up_answers_the_account_and_tokens_that_work() {
    let app = TestApp::start().await;
    let reply = app.post("/v1/auth/signup").json(&body("Kim@Example.com")).send().await;
    assert_eq!(reply.header("location"), "/v1/users/me");
    let account = reply.expect(201);
    assert_eq!(account["user"]["email"], "kim@example.com");
    assert_eq!(account["user"]["role"], "USER");
}

#[tokio::test]
async fn sign_up_takes_no_role() {
    let app = TestApp::start().await;
    let mut body = body("kim@example.com");
    body["role"] = json!("ADMIN");
    let problem = app.post("/v1/auth/signup").json(&body).send().await.refused(400, "VALIDATION_FAILED");
    assert_eq!(
        problem["errors"],
        json!([{ "field": "role", "code": "UNKNOWN_FIELD", "message": "알 수 없는 항목입니다." }])
    );
}

#[tokio::test]
async fn sign_up_refuses_a_taken_address_and_a_common_password() {
    let app = TestApp::start().await;
    app.sign_up("kim").await;
    app.post("/v1/auth/signup").json(&body("KIM@example.com")).send().await.refused(409, "EMAIL_TAKEN");
    let common = json!({ "email": "lee@example.com", "password": "password1", "username": "lee" });
    let problem = app.post("/v1/auth/signup").json(&common).send().await.refused(400, "VALIDATION_FAILED");
    assert_eq!(problem["errors"][0]["code"], "COMMON_PASSWORD");
}

async fn race_for_one_address(app: &TestApp) -> Vec<u16> {
    let racers = (0..8).map(|_| app.post("/v1/auth/signup").json(&body("kim@example.com")).send());
    let mut statuses: Vec<u16> = futures::future::join_all(racers).await.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    statuses
}

#[tokio::test]
async fn sign_up_has_one_winner_of_a_race_for_an_address() {
    let app = TestApp::start().await;
    assert_eq!(race_for_one_address(&app).await, [201, 409, 409, 409, 409, 409, 409, 409]);
}

#[tokio::test]
async fn without_the_email_guard_two_would_have_one_address() {
    let app = TestApp::start().await;
    app.wire.rule(|call| {
        call.strip_conditions("EMAIL#");
        Action::Pass
    });
    assert_eq!(race_for_one_address(&app).await, [201; 8]);
}

#[tokio::test]
async fn log_in_refuses_a_wrong_address_and_a_wrong_password_alike() {
    let app = TestApp::start().await;
    app.sign_up("kim").await;
    for (email, password) in [("kim@example.com", "wrong horse battery"), ("nobody@example.com", PASSWORD)] {
        let body = json!({ "email": email, "password": password });
        let reply = app.post("/v1/auth/login").json(&body).send().await;
        assert!(reply.header("www-authenticate").starts_with("Bearer"));
        reply.refused(401, "INVALID_CREDENTIALS");
    }
}

#[tokio::test]
async fn log_in_makes_a_guesser_wait_but_not_the_owner_elsewhere() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let wrong = json!({ "email": kim.email, "password": "wrong horse battery" });
    for _ in 0..10 {
        app.post("/v1/auth/login").json(&wrong).send().await.refused(401, "INVALID_CREDENTIALS");
    }
    let right = json!({ "email": kim.email, "password": PASSWORD });
    let reply = app.post("/v1/auth/login").json(&right).send().await;
    assert_eq!(reply.header("retry-after"), "900");
    assert_eq!(reply.header("ratelimit"), "\"log_in\";r=0;t=900");
    reply.refused(429, "TOO_MANY_REQUESTS");
    app.post("/v1/auth/login").json(&right).from([198, 51, 100, 1]).send().await.expect(200);
    // The account as a whole is slowed down for everybody.
    app.post("/v1/auth/login").json(&right).from([198, 51, 100, 2]).send().await.refused(429, "TOO_MANY_REQUESTS");
    app.clock.advance(5_000);
    app.post("/v1/auth/login").json(&right).from([198, 51, 100, 2]).send().await.expect(200);
    app.clock.advance(900_000);
    app.post("/v1/auth/login").json(&right).send().await.expect(200);
}

#[tokio::test]
async fn log_in_lets_no_guesser_gain_by_asking_all_at_once() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let wrong = json!({ "email": kim.email, "password": "wrong horse battery" });
    let guesses = (0..30).map(|_| app.post("/v1/auth/login").json(&wrong).send());
    let replies = futures::future::join_all(guesses).await;
    assert!(replies.iter().filter(|reply| reply.status == 401).count() <= 10);
}

#[tokio::test]
async fn log_in_allows_an_address_fifty_failures_over_all_accounts() {
    let app = TestApp::start().await;
    for n in 0..50 {
        let body = json!({ "email": format!("nobody{n}@example.com"), "password": PASSWORD });
        app.post("/v1/auth/login").json(&body).send().await.refused(401, "INVALID_CREDENTIALS");
    }
    let body = json!({ "email": "nobody@example.com", "password": PASSWORD });
    app.post("/v1/auth/login").json(&body).send().await.refused(429, "TOO_MANY_REQUESTS");
    app.post("/v1/auth/login").json(&body).from([198, 51, 100, 1]).send().await.refused(401, "INVALID_CREDENTIALS");
}

async fn refresh(app: &TestApp, token: &str) -> Reply {
    app.post("/v1/auth/refresh").json(&json!({ "refreshToken": token })).send().await
}

#[tokio::test]
async fn refresh_session_rotates_and_answers_a_repeat_with_the_same_successor() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let first = refresh(&app, &kim.refresh).await.expect(200);
    let again = refresh(&app, &kim.refresh).await.expect(200);
    assert_eq!(first["refreshToken"], again["refreshToken"]);
    assert_ne!(first["refreshToken"], json!(kim.refresh));
    refresh(&app, first["refreshToken"].as_str().unwrap()).await.expect(200);
}

async fn reuse(app: &TestApp) -> u16 {
    let kim = app.sign_up("kim").await;
    let next = refresh(app, &kim.refresh).await.expect(200);
    app.clock.advance(11_000);
    refresh(app, &kim.refresh).await.refused(401, "UNAUTHENTICATED");
    refresh(app, next["refreshToken"].as_str().unwrap()).await.status
}

#[tokio::test]
async fn refresh_session_ends_the_family_of_a_token_used_again() {
    assert_eq!(reuse(&TestApp::start().await).await, 401);
}

#[tokio::test]
async fn without_the_revocation_a_stolen_family_would_live_on() {
    let app = TestApp::start().await;
    app.wire.rule(|call| {
        let revokes = call.operation == "UpdateItem" && call.mentions("SESSION#") && !call.mentions("secretHash");
        if revokes {
            call.body["Key"]["sk"]["S"] = json!("SESSION#elsewhere");
            call.strip_conditions("SESSION#elsewhere");
        }
        Action::Pass
    });
    assert_eq!(reuse(&app).await, 200);
}

#[tokio::test]
async fn refresh_session_gives_two_tabs_the_same_successor() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let replies = futures::future::join_all((0..5).map(|_| refresh(&app, &kim.refresh))).await;
    let successors: std::collections::BTreeSet<String> =
        replies.into_iter().map(|reply| reply.expect(200)["refreshToken"].to_string()).collect();
    assert_eq!(successors.len(), 1);
}

#[tokio::test]
async fn refresh_session_refuses_what_we_did_not_seal_without_ending_anything() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let forged = format!("{}x", kim.refresh);
    for bad in [forged.as_str(), "", "a.b.c.d.e"] {
        refresh(&app, bad).await.refused(401, "UNAUTHENTICATED");
    }
    refresh(&app, &kim.refresh).await.expect(200);
}

#[tokio::test]
async fn refresh_session_ends_after_fourteen_days() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    app.clock.advance(14 * 24 * 3_600_000);
    refresh(&app, &kim.refresh).await.refused(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn log_out_revokes_the_family_and_may_be_repeated() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for _ in 0..2 {
        app.post("/v1/auth/logout").json(&json!({ "refreshToken": kim.refresh })).send().await.expect(204);
    }
    refresh(&app, &kim.refresh).await.refused(401, "UNAUTHENTICATED");
    app.post("/v1/auth/logout").json(&json!({ "refreshToken": "x" })).send().await.refused(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn get_jwks_is_cacheable_and_shows_public_halves_only() {
    let app = TestApp::start().await;
    let reply = app.get("/.well-known/jwks.json").send().await;
    let etag = reply.header("etag").to_owned();
    assert_eq!(reply.header("cache-control"), "public, max-age=300");
    let keys = reply.expect(200);
    assert_eq!(keys["keys"][0]["crv"], "Ed25519");
    assert!(keys["keys"][0].get("d").is_none());
    app.get("/.well-known/jwks.json").header("if-none-match", &etag).send().await.expect(304);
}

const OTHER: &str = "staple the horse 7";

async fn change(app: &TestApp, by: &Account, old: &str, new: &str) -> Reply {
    let body = json!({ "oldPassword": old, "newPassword": new });
    app.put("/v1/auth/password").by(by).json(&body).send().await
}

async fn log_in_with(app: &TestApp, account: &Account, password: &str) -> Reply {
    app.post("/v1/auth/login").json(&json!({ "email": account.email, "password": password })).send().await
}

#[tokio::test]
async fn change_password_ends_the_other_sessions_and_keeps_the_callers() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let phone = app.log_in(&kim).await;
    change(&app, &phone, PASSWORD, OTHER).await.expect(204);
    log_in_with(&app, &kim, PASSWORD).await.refused(401, "INVALID_CREDENTIALS");
    let tablet = log_in_with(&app, &kim, OTHER).await.expect(200);
    refresh(&app, &kim.refresh).await.refused(401, "UNAUTHENTICATED");
    for open in [phone.refresh.as_str(), tablet["refreshToken"].as_str().unwrap()] {
        let next = refresh(&app, open).await.expect(200);
        refresh(&app, next["refreshToken"].as_str().unwrap()).await.expect(200);
    }
    // And once more: each change ends what came between.
    change(&app, &phone, OTHER, PASSWORD).await.expect(204);
    refresh(&app, tablet["refreshToken"].as_str().unwrap()).await.refused(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn change_password_refuses_a_wrong_old_and_a_bad_new_one() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    change(&app, &kim, OTHER, "correct horse 8").await.refused(401, "INVALID_CREDENTIALS");
    let problem = change(&app, &kim, PASSWORD, "password1").await.refused(400, "VALIDATION_FAILED");
    assert_eq!(
        problem["errors"][0],
        json!({
            "field": "newPassword", "code": "COMMON_PASSWORD", "message": "너무 흔한 비밀번호입니다. 다른 비밀번호를 사용해 주세요.",
        })
    );
    let problem = change(&app, &kim, "short", &"x".repeat(129)).await.refused(400, "VALIDATION_FAILED");
    let mut fields: Vec<&str> =
        problem["errors"].as_array().unwrap().iter().map(|error| error["field"].as_str().unwrap()).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["newPassword", "oldPassword"]);
    app.put("/v1/auth/password").json(&json!({})).send().await.refused(401, "UNAUTHENTICATED");
    log_in_with(&app, &kim, PASSWORD).await.expect(200);
}

#[tokio::test]
async fn change_password_needs_a_session_that_is_open() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let (lost, gone) = (app.log_in(&kim).await, app.log_in(&kim).await);
    app.post("/v1/auth/logout").json(&json!({ "refreshToken": gone.refresh })).send().await.expect(204);
    change(&app, &gone, PASSWORD, OTHER).await.refused(401, "UNAUTHENTICATED");
    change(&app, &kim, PASSWORD, OTHER).await.expect(204);
    // Its access token is still good, and whoever has it knows the new password: it stays over.
    change(&app, &lost, OTHER, PASSWORD).await.refused(401, "UNAUTHENTICATED");
    refresh(&app, &lost.refresh).await.refused(401, "UNAUTHENTICATED");
}

#[tokio::test]
async fn change_password_gives_a_guesser_no_more_tries_than_log_in_does() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for n in 0..10 {
        let reply =
            if n % 2 == 0 { change(&app, &kim, OTHER, OTHER).await } else { log_in_with(&app, &kim, OTHER).await };
        reply.refused(401, "INVALID_CREDENTIALS");
    }
    let reply = change(&app, &kim, PASSWORD, OTHER).await;
    assert_eq!((reply.header("retry-after"), reply.header("ratelimit")), ("900", "\"change_password\";r=0;t=900"));
    reply.refused(429, "TOO_MANY_REQUESTS");
    log_in_with(&app, &kim, PASSWORD).await.refused(429, "TOO_MANY_REQUESTS");
}

async fn race_to_change(app: &TestApp) -> Vec<u16> {
    let kim = app.sign_up("kim").await;
    let changes = (0..5).map(|n| {
        let kim = kim.clone();
        async move { change(app, &kim, PASSWORD, &format!("staple the horse {n}")).await.status }
    });
    let mut statuses = futures::future::join_all(changes).await;
    statuses.sort_unstable();
    statuses
}

#[tokio::test]
async fn change_password_has_one_winner() {
    assert_eq!(race_to_change(&TestApp::start().await).await, [204, 401, 401, 401, 401]);
}

#[tokio::test]
async fn without_the_condition_on_the_old_password_every_change_wins() {
    let app = TestApp::start().await;
    app.wire.rule(|call| {
        if call.by == "change_password" {
            call.strip_conditions("PROFILE");
        }
        Action::Pass
    });
    assert_eq!(race_to_change(&app).await, [204; 5]);
}

/// A log-in with the old password that lands after the change. Answers what its session is good for.
async fn log_in_late(app: &TestApp) -> u16 {
    let kim = app.sign_up("kim").await;
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    app.wire.rule(move |call| {
        if call.by == "log_in" && call.operation == "PutItem" {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let overtaking = async {
        reached.passed().await;
        change(app, &kim, PASSWORD, OTHER).await.expect(204);
        gate.open();
    };
    let (late, ()) = tokio::join!(log_in_with(app, &kim, PASSWORD), overtaking);
    refresh(app, late.expect(200)["refreshToken"].as_str().unwrap()).await.status
}

#[tokio::test]
async fn a_log_in_with_the_old_password_opens_nothing_that_lasts() {
    assert_eq!(log_in_late(&TestApp::start().await).await, 401);
}

#[tokio::test]
async fn without_the_version_of_the_password_an_old_log_in_would_last() {
    let app = TestApp::start().await;
    app.wire.rule(|call| {
        if call.by == "log_in" && call.operation == "PutItem" {
            call.body["Item"]["passwordVersion"] = json!({ "N": "9" });
        }
        Action::Pass
    });
    assert_eq!(log_in_late(&app).await, 200);
}

#[tokio::test]
async fn a_refresh_beside_a_change_of_the_password_keeps_the_session() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    app.wire.rule(move |call| {
        if call.by == "refresh_session" && call.operation == "UpdateItem" {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let changing = async {
        reached.passed().await;
        change(&app, &kim, PASSWORD, OTHER).await.expect(204);
        gate.open();
    };
    let (next, ()) = tokio::join!(refresh(&app, &kim.refresh), changing);
    app.wire.clear();
    refresh(&app, next.expect(200)["refreshToken"].as_str().unwrap()).await.expect(200);
}
