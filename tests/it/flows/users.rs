//! Profiles, and what users bought.

use domain::{
    boards::Category,
    forums::{Community, Forum, Party, PartyStatus, Question, Recruitment},
    ids::{OrderId, ProductId},
    text::Tags,
    time::Time,
};
use serde_json::{Value, json};
use storage::{
    Write,
    items::{Card, Counts, Post, Purchase},
};
use testkit::Action;
use ulid::Ulid;

use crate::app::{Account, PASSWORD, Reply, TestApp};

/// Purchases as a settled order leaves them, one a day, the last one newest.
async fn purchases(app: &TestApp, account: &Account, titles: &[&str]) {
    for (day, title) in (0..).zip(titles) {
        let purchase = Purchase {
            user_id: account.id.parse().unwrap(),
            product_id: ProductId::from(Ulid::from_parts(day, 1)),
            order_id: OrderId::from(Ulid::from_parts(day, 2)),
            title: title.parse().unwrap(),
            price: domain::money::Price::new(50_000).unwrap(),
            purchased_at: domain::time::Time::from_unix_millis(i64::try_from(day).unwrap() * 86_400_000),
            refunding: false,
        };
        app.table.write(Write::put(&purchase)).await.unwrap();
    }
}

fn titles(list: &Value) -> Vec<String> {
    list["items"].as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn get_me_answers_the_profile() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let me = app.get("/v1/users/me").by(&kim).send().await.expect(200);
    let expected = json!({
        "id": kim.id, "email": "kim@example.com", "username": "kim", "role": "USER",
        "profileImageUrl": "https://cdn.test/defaults/profile.png", "parties": [], "posts": [],
        "tutorApplication": null, "slackLinked": false,
    });
    assert_eq!(me, expected);
}

#[tokio::test]
async fn get_me_shows_the_newest_five_posts_of_each_board() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    for n in 0..6 {
        app.clock.advance(60_000);
        let mut body = json!({ "title": format!("질문 {n}"), "content": "내용", "category": "ETC" });
        app.post("/v1/communities").by(&kim).json(&body).send().await.expect(201);
        body["title"] = json!(format!("스터디 {n}"));
        body["capacity"] = json!(3);
        app.post("/v1/parties").by(&kim).json(&body).send().await.expect(201);
    }
    let me = app.get("/v1/users/me").by(&kim).send().await.expect(200);
    for (board, title, status) in [("posts", "질문", "UNSOLVED"), ("parties", "스터디", "RECRUITING")] {
        let own = me[board].as_array().unwrap();
        let titles: Vec<&str> = own.iter().map(|post| post["title"].as_str().unwrap()).collect();
        assert_eq!(titles, [5, 4, 3, 2, 1].map(|n| format!("{title} {n}")));
        assert_eq!((&own[0]["status"], &own[0]["commentCount"]), (&json!(status), &json!(0)));
    }
    let other = app.get("/v1/users/me").by(&lee).send().await.expect(200);
    assert_eq!((&other["posts"], &other["parties"]), (&json!([]), &json!([])));
}

#[tokio::test]
async fn get_me_tells_of_the_application_and_the_role_as_it_is_now() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let admin = app.admin("root").await;
    let application =
        json!({ "realName": "김튜터", "portfolioUrl": "https://github.com/kim", "accountNumber": "110123456789" });
    app.post("/v1/tutor-applications").by(&kim).json(&application).send().await.expect(201);
    let me = app.get("/v1/users/me").by(&kim).send().await.expect(200);
    assert_eq!(me["tutorApplication"], json!({ "portfolioUrl": "https://github.com/kim", "state": "PENDING" }));
    app.post(&format!("/v1/admin/tutor-applications/{}/approve", kim.id)).by(&admin).send().await.expect(200);
    let me = app.get("/v1/users/me").by(&kim).send().await.expect(200);
    assert_eq!((&me["role"], &me["tutorApplication"]["state"]), (&json!("TUTOR"), &json!("APPROVED")));
}

#[tokio::test]
async fn get_me_answers_null_for_an_account_without_an_address() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let mut account = app.account(&kim).await;
    account.email = None;
    app.table.write(Write::put(&account)).await.unwrap();
    let me = app.get("/v1/users/me").by(&kim).send().await.expect(200);
    assert_eq!(me["email"], Value::Null);
}

#[tokio::test]
async fn get_me_needs_a_good_token() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    app.get("/v1/users/me").send().await.refused(401, "UNAUTHENTICATED");
    app.get("/v1/users/me").header("authorization", "Bearer nonsense").send().await.refused(401, "UNAUTHENTICATED");
    app.clock.advance(15 * 60 * 1_000);
    app.get("/v1/users/me").by(&kim).send().await.refused(401, "TOKEN_EXPIRED");
}

#[tokio::test]
async fn list_my_purchases_pages_from_the_newest() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    purchases(&app, &kim, &["one", "two", "three"]).await;
    let first = app.get("/v1/users/me/purchases?limit=2").by(&kim).send().await.expect(200);
    assert_eq!(titles(&first), ["three", "two"]);
    assert_eq!(first["items"][0]["price"], 50_000);
    let cursor = first["nextCursor"].as_str().unwrap();
    let second = app.get(&format!("/v1/users/me/purchases?limit=2&cursor={cursor}")).by(&kim).send().await.expect(200);
    assert_eq!((titles(&second), &second["nextCursor"]), (vec!["one".to_owned()], &Value::Null));
    let others = app.get("/v1/users/me/purchases").by(&lee).send().await.expect(200);
    assert_eq!(others, json!({ "items": [], "nextCursor": null }));
}

#[tokio::test]
async fn list_my_purchases_takes_only_its_own_cursors() {
    let app = TestApp::start().await;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    purchases(&app, &kim, &["one", "two"]).await;
    let page = app.get("/v1/users/me/purchases?limit=1").by(&kim).send().await.expect(200);
    let cursor = page["nextCursor"].as_str().unwrap();
    let with = |cursor: &str| format!("/v1/users/me/purchases?cursor={cursor}");
    app.get(&with(cursor)).by(&lee).send().await.refused(400, "BAD_CURSOR");
    app.get(&with(&format!("{cursor}A"))).by(&kim).send().await.refused(400, "BAD_CURSOR");
    app.get("/v1/users/me/purchases?limit=0").by(&kim).send().await.refused(400, "VALIDATION_FAILED");
    app.get("/v1/users/me/purchases").send().await.refused(401, "UNAUTHENTICATED");
}

async fn rename(app: &TestApp, by: &Account, name: &str, seen: Option<&str>) -> Reply {
    let mut call = app.patch("/v1/users/me").by(by).json(&json!({ "username": name }));
    if let Some(seen) = seen {
        call = call.header("if-match", seen);
    }
    call.send().await
}

#[tokio::test]
async fn update_me_changes_the_name_and_its_version() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let before = app.get("/v1/users/me").by(&kim).send().await;
    let seen = before.header("etag").to_owned();
    let renamed = rename(&app, &kim, "  김개발  ", Some(&seen)).await;
    let etag = renamed.header("etag").to_owned();
    assert_ne!(etag, seen);
    let mut expected = before.expect(200);
    expected["username"] = json!("김개발");
    assert_eq!(renamed.expect(200), expected);
    let me = app.get("/v1/users/me").by(&kim).send().await;
    assert_eq!((me.header("etag"), &me.body["username"]), (etag.as_str(), &json!("김개발")));
    // A version need not be named.
    rename(&app, &kim, "김튜터", None).await.expect(200);
    rename(&app, &kim, "김튜터", Some("*")).await.expect(200);
    let problem = rename(&app, &kim, "이개발", Some(&seen)).await.refused(412, "VERSION_CONFLICT");
    assert_eq!(problem["current"]["username"], "김튜터");
}

#[tokio::test]
async fn update_me_refuses_what_is_no_name_and_whatever_else() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    for (name, code) in
        [("k", "LENGTH"), (&*"가".repeat(31), "LENGTH"), ("김\n개발", "CONTROL_CHARACTER"), ("   ", "LENGTH")]
    {
        let problem = rename(&app, &kim, name, None).await.refused(400, "VALIDATION_FAILED");
        assert_eq!((&problem["errors"][0]["field"], &problem["errors"][0]["code"]), (&json!("username"), &json!(code)));
    }
    let more = json!({ "username": "김개발", "role": "ADMIN" });
    app.patch("/v1/users/me").by(&kim).json(&more).send().await.refused(400, "VALIDATION_FAILED");
    app.patch("/v1/users/me").json(&json!({ "username": "김개발" })).send().await.refused(401, "UNAUTHENTICATED");
    assert_eq!(app.account(&kim).await.username.as_str(), "kim");
}

async fn race_to_rename(app: &TestApp) -> Vec<u16> {
    let kim = app.sign_up("kim").await;
    let renames = (0..5).map(|n| {
        let kim = kim.clone();
        async move { rename(app, &kim, &format!("kim {n}"), Some("\"1\"")).await.status }
    });
    let mut statuses = futures::future::join_all(renames).await;
    statuses.sort_unstable();
    statuses
}

#[tokio::test]
async fn update_me_has_one_winner_of_a_version() {
    assert_eq!(race_to_rename(&TestApp::start().await).await, [200, 412, 412, 412, 412]);
}

#[tokio::test]
async fn without_the_condition_on_the_version_every_name_wins() {
    let app = TestApp::start().await;
    app.wire.rule(|call| {
        if call.by == "update_me" {
            call.strip_conditions("PROFILE");
        }
        Action::Pass
    });
    assert_eq!(race_to_rename(&app).await, [200; 5]);
}

/// Somebody who left takes another name, with a token that is still good. Answers the name that is stored then.
async fn renamed_after_leaving(app: &TestApp) -> String {
    let kim = app.sign_up("kim").await;
    app.post("/v1/auth/withdraw").by(&kim).json(&json!({ "password": PASSWORD })).send().await.expect(204);
    rename(app, &kim, "김개발", None).await;
    app.account(&kim).await.username.as_str().to_owned()
}

#[tokio::test]
async fn update_me_gives_nobody_who_left_a_name() {
    assert_eq!(renamed_after_leaving(&TestApp::start().await).await, "탈퇴한 사용자");
}

#[tokio::test]
async fn without_the_condition_on_the_standing_a_name_would_come_back() {
    let app = TestApp::start().await;
    app.wire.rule(|call| {
        if call.by == "update_me" {
            call.strip_conditions("PROFILE");
        }
        Action::Pass
    });
    assert_eq!(renamed_after_leaving(&app).await, "김개발");
}

/// Posts of an author, as their board writes them.
async fn posts<F: Forum>(app: &TestApp, author: &Account, state: &F::State, number: u64) {
    for n in 0..number {
        let post = Post::<F> {
            id: Ulid::from_parts(n, 7).into(),
            title: "제목".parse().unwrap(),
            content: None,
            files: vec![],
            category: Category::Etc,
            card: Card {
                author_id: author.id.parse().unwrap(),
                tags: Tags::default(),
                edited_at: None,
                state: state.clone(),
            },
            counts: Counts::default(),
            created_at: Time::from_unix_millis(0),
            version: 1,
            rev: 1,
        };
        app.table.write(Write::put(&post)).await.unwrap();
    }
}

#[tokio::test]
async fn get_user_shows_what_everybody_may_see() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    let recruitment = Recruitment { status: PartyStatus::Recruiting, capacity: 5 };
    posts::<Community>(&app, &kim, &Question::OPEN, 3).await;
    posts::<Party>(&app, &kim, &recruitment, 101).await;
    let path = format!("/v1/users/{}", kim.id);
    let reply = app.get(&path).send().await;
    let etag = reply.header("etag").to_owned();
    assert_eq!(reply.header("cache-control"), "public, max-age=60");
    let expected = json!({
        "id": kim.id, "username": "kim", "role": "USER",
        "profileImageUrl": "https://cdn.test/defaults/profile.png",
        "postCounts": { "community": 3, "party": 100 },
    });
    assert_eq!(reply.expect(200), expected);
    app.get(&path).header("if-none-match", &etag).send().await.expect(304);
    rename(&app, &kim, "김개발", None).await.expect(200);
    let renamed = app.get(&path).header("if-none-match", &etag).send().await.expect(200);
    assert_eq!(renamed["username"], "김개발");
}

#[tokio::test]
async fn get_user_shows_nobody_who_is_not_there_or_left() {
    let app = TestApp::start().await;
    let kim = app.sign_up("kim").await;
    app.get("/v1/users/01KB2M3N4P5Q6R7S8T9V0W1X2Y").send().await.refused(404, "USER_NOT_FOUND");
    app.get("/v1/users/kim").send().await.refused(400, "INVALID_ID");
    app.post("/v1/auth/withdraw").by(&kim).json(&json!({ "password": PASSWORD })).send().await.expect(204);
    app.get(&format!("/v1/users/{}", kim.id)).send().await.refused(404, "USER_NOT_FOUND");
}
