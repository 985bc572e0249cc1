//! Pictures of accounts: used, replaced, taken away, and gone with their account.

use domain::attachments::AttachmentState::{self, Ready, Released, Used};
use futures::future::join;
use serde_json::{Value, json};
use testkit::{Action, Gate};

use super::attachments::{ask, ready, stored, wanted};
use crate::app::{Account, CDN, PASSWORD, Reply, TestApp};

const IMAGE: &str = "/v1/users/me/image";

async fn set(app: &TestApp, by: &Account, file: &Value) -> Reply {
    app.put(IMAGE).by(by).json(&json!({ "attachmentId": file["id"] })).send().await
}

async fn state(app: &TestApp, file: &Value) -> AttachmentState {
    stored(app, file).await.unwrap().state
}

/// Where everybody sees the picture of `account`.
async fn shown(app: &TestApp, account: &Account) -> Value {
    let own = app.get("/v1/users/me").by(account).send().await.expect(200)["profileImageUrl"].clone();
    let public = app.get(&format!("/v1/users/{}", account.id)).send().await.expect(200)["profileImageUrl"].clone();
    assert_eq!(own, public);
    own
}

#[tokio::test]
async fn a_picture_is_used_replaced_and_taken_away() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let default = format!("{CDN}/defaults/profile.png");
    assert_eq!(shown(&app, &kim).await, default);
    let (first, second) = (ready(&app, &kim, "PROFILE").await, ready(&app, &kim, "PROFILE").await);
    let reply = set(&app, &kim, &first).await;
    assert_eq!(reply.header("etag"), "\"2\"");
    assert_eq!(reply.expect(200)["profileImageUrl"], first["url"]);
    assert_eq!(shown(&app, &kim).await, first["url"]);
    let item = stored(&app, &first).await.unwrap();
    assert_eq!((item.state, item.used_by), (Used, Some(format!("USER#{}", kim.id))));
    // Again is the same.
    assert_eq!(set(&app, &kim, &first).await.header("etag"), "\"2\"");

    app.clock.advance(60_000);
    assert_eq!(set(&app, &kim, &second).await.expect(200)["profileImageUrl"], second["url"]);
    let item = stored(&app, &first).await.unwrap();
    assert_eq!((item.state, item.used_by, item.due), (Released, None, Some(app.parts.clock.now())));
    for _ in 0..2 {
        app.delete(IMAGE).by(&kim).send().await.expect(204);
        assert_eq!(shown(&app, &kim).await, default);
        assert_eq!(state(&app, &second).await, Released);
    }
    set(&app, &kim, &second).await.refused(404, "ATTACHMENT_NOT_FOUND");
}

#[tokio::test]
async fn a_picture_is_its_owners_completed_and_for_profiles() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    let lees = ready(&app, &lee, "PROFILE").await;
    let for_posts = ready(&app, &kim, "COMMUNITY").await;
    let pending = ask(&app, &kim, &wanted("PROFILE", "a.png", "image/png", 9)).await.expect(201);
    for (file, status, code) in [
        (&json!({ "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y" }), 404, "ATTACHMENT_NOT_FOUND"),
        (&lees, 404, "ATTACHMENT_NOT_FOUND"),
        (&pending, 409, "ATTACHMENT_NOT_READY"),
        (&for_posts, 409, "ATTACHMENT_FOR_ANOTHER_PURPOSE"),
    ] {
        set(&app, &kim, file).await.refused(status, code);
    }
    let post = json!({
        "title": "제목", "content": "내용", "category": "ETC", "attachmentIds": [for_posts["id"]],
    });
    app.post("/v1/communities").by(&kim).json(&post).send().await.expect(201);
    set(&app, &kim, &for_posts).await.refused(409, "ATTACHMENT_IN_USE");
    assert_eq!(state(&app, &lees).await, Ready);

    let own = ready(&app, &kim, "PROFILE").await;
    let body = json!({ "attachmentId": own["id"] });
    let stale = app.put(IMAGE).by(&kim).header("if-match", "\"7\"").json(&body).send().await;
    assert_eq!(stale.refused(412, "VERSION_CONFLICT")["current"]["username"], "kim");
    app.put(IMAGE).by(&kim).header("if-match", "\"1\"").json(&body).send().await.expect(200);
    let path = format!("/v1/attachments/{}", own["id"].as_str().unwrap());
    app.delete(&path).by(&kim).send().await.refused(409, "ATTACHMENT_IN_USE");
    assert_eq!(state(&app, &own).await, Used);
}

/// What becomes of two pictures of which the first is set while the second is being set.
async fn two_at_once(app: &TestApp) -> [AttachmentState; 2] {
    let kim = app.sign_up("kim").await;
    let (first, second) = (ready(app, &kim, "PROFILE").await, ready(app, &kim, "PROFILE").await);
    let (reached, gate) = (Gate::default(), Gate::default());
    let (tell, wait) = (reached.clone(), gate.clone());
    let mut is_first = true;
    app.wire.rule(move |call| {
        let writes = call.by == "set_profile_image" && call.operation == "TransactWriteItems";
        if writes && std::mem::take(&mut is_first) {
            tell.open();
            return Action::Wait(wait.clone());
        }
        Action::Pass
    });
    let meanwhile = async {
        reached.passed().await;
        set(app, &kim, &second).await.expect(200);
        gate.open();
    };
    let (one, ()) = join(set(app, &kim, &first), meanwhile).await;
    assert_eq!(one.expect(200)["profileImageUrl"], first["url"]);
    [state(app, &first).await, state(app, &second).await]
}

#[tokio::test]
async fn of_two_pictures_at_once_the_one_that_is_not_shown_is_released() {
    assert_eq!(two_at_once(&TestApp::start().await).await, [Used, Released]);
}

#[tokio::test]
async fn without_the_condition_on_the_picture_one_would_stay_that_nothing_shows() {
    let app = TestApp::start().await;
    app.wire.rule(|call| {
        if call.by == "set_profile_image" {
            call.strip_conditions("PROFILE");
        }
        Action::Pass
    });
    assert_eq!(two_at_once(&app).await, [Used, Used]);
}

#[tokio::test]
async fn who_leaves_leaves_no_picture_and_no_file_that_nothing_uses() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let picture = ready(&app, &kim, "PROFILE").await;
    set(&app, &kim, &picture).await.expect(200);
    let unused = ready(&app, &kim, "PROFILE").await;
    let pending = ask(&app, &kim, &wanted("PARTY", "카나리아의 이력서.pdf", "application/pdf", 9)).await.expect(201);
    let of_post = ready(&app, &kim, "COMMUNITY").await;
    let post = json!({ "title": "제목", "content": "내용", "category": "ETC", "attachmentIds": [of_post["id"]] });
    let post = app.post("/v1/communities").by(&kim).json(&post).send().await.expect(201);

    app.post("/v1/auth/withdraw").by(&kim).json(&json!({ "password": PASSWORD })).send().await.expect(204);
    for file in [&picture, &unused, &pending] {
        let item = stored(&app, file).await.unwrap();
        assert_eq!((item.state, item.file_name), (Released, None));
        assert!(item.due.is_some());
    }
    // Posts stay, and what is attached to them.
    let post = app.get(&format!("/v1/communities/{}", post["id"].as_str().unwrap())).send().await.expect(200);
    assert_eq!(post["attachments"][0]["url"], of_post["url"]);
    assert_eq!(state(&app, &of_post).await, Used);
    assert!(app.account(&kim).await.image.is_none());
}
