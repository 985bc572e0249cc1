//! Profiles, and what users bought.

use domain::ids::{OrderId, ProductId};
use serde_json::{Value, json};
use storage::{Write, items::Purchase};
use ulid::Ulid;

use crate::app::{Account, TestApp};

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
        "profileImageUrl": "https://cdn.devloop.kr/defaults/profile.png", "parties": [], "posts": [],
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
