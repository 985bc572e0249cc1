//! Who may do what: every operation against every kind of caller.

mod reactions;

use std::collections::BTreeSet;

use auth::{Claims, Signer, SigningKey};
use clock::Rng;
use domain::{accounts::Role, ids::UserId};
use http::Method;
use serde_json::{Value, json};
use storage::{Write, keys};

use crate::{
    app::{Account, PASSWORD, TestApp, pwt_body},
    files,
};

/// The callers, in the order of the columns below. Those who are refused come first, so that
/// what others change is still there for them to be refused.
const CALLERS: [&str; 10] =
    ["nobody", "forged", "expired", "withdrawn", "other user", "applicant", "other tutor", "user", "tutor", "admin"];

/// A project that is sold and used by everybody below.
pub struct World {
    pub app: TestApp,
    callers: Vec<Option<Account>>,
    /// Free, bought by the user; its schedule has a todo of theirs.
    pub free: String,
    /// The order that bought it.
    pub bought: String,
    pub todo: String,
    /// Where the user's calendar program reads that schedule.
    pub feed: String,
    /// 50,000 won; the user has an unpaid order of it.
    pub paid: String,
    pub order: String,
    /// The user's order of a project that takes nobody back any more; the other user asks for a refund of theirs.
    pub late: String,
    /// Awaits approval.
    pub pending: String,
    pending_etag: String,
    /// Free, with one seat, which the user has; the applicant waits for it.
    pub full: String,
    /// A picture that the user has uploaded and nobody has looked at.
    pub upload: String,
    /// One that was looked at.
    pub picture: String,
    /// The user's community post, with the other user's comment.
    pub question: String,
    pub answer: String,
    /// The user's study party, with the other user's comment and the applicant's application.
    pub party: String,
    pub remark: String,
    /// The applicant's report of the other user's comment on the question; they have a bookmark of that, too.
    pub report: String,
}

impl World {
    pub async fn new() -> Self {
        let app = TestApp::start().await;
        let (tutor, other_tutor) = (app.tutor("park").await, app.tutor("jung").await);
        let (admin, user, other) = (app.admin("root").await, app.sign_up("kim").await, app.sign_up("lee").await);
        let applicant = app.sign_up("choi").await;
        let application =
            json!({ "realName": "최지원", "portfolioUrl": "https://github.com/choi", "accountNumber": "110123456789" });
        app.post("/v1/tutor-applications").by(&applicant).json(&application).send().await.expect(201);
        let withdrawn = app.sign_up("han").await;
        let gone = Write::update(keys::user(withdrawn.id.parse().unwrap())).set("standing", "WITHDRAWN");
        app.table.write(gone).await.unwrap();

        let free = app.approved_pwt(&tutor, &admin, json!({ "price": 0 })).await;
        let bought = app.buy_free(&user, &free).await["id"].as_str().unwrap().to_owned();
        let todo =
            json!({ "title": "설계", "content": "", "start": "2027-01-05T00:00:00Z", "end": "2027-01-06T00:00:00Z" });
        let todos = format!("/v1/schedules/{free}/todos");
        let todo = app.post(&todos).by(&user).json(&todo).send().await.expect(201)["id"].as_str().unwrap().to_owned();
        let feed = app.post(&format!("/v1/schedules/{free}/feed")).by(&user).send().await.expect(201);
        let feed = feed["path"].as_str().unwrap().to_owned();
        let paid = app.approved_pwt(&tutor, &admin, json!({})).await;
        let order =
            app.post("/v1/orders").by(&user).header("idempotency-key", "kim").json(&json!({ "productIds": [paid] }));
        let order = order.send().await.expect(201)["id"].as_str().unwrap().to_owned();
        let made = app.post("/v1/pwts").by(&tutor).json(&pwt_body()).send().await;
        let pending_etag = made.header("etag").to_owned();
        let pending = made.expect(201)["id"].as_str().unwrap().to_owned();

        let full = app.approved_pwt(&tutor, &admin, json!({ "price": 0, "maxParticipants": 1 })).await;
        app.buy_free(&user, &full).await;
        app.post(&format!("/v1/pwts/{full}/waitlist")).by(&applicant).send().await.expect(201);

        let (upload, picture) = (upload(&app, &user).await, upload(&app, &user).await);
        app.post(&format!("/v1/attachments/{picture}/complete")).by(&user).send().await.expect(200);
        let content = json!({ "title": "함께 공부해요", "content": "내용", "category": "WEB_DEV" });
        let question = make(&app, "/v1/communities", &user, &content).await;
        let answer =
            make(&app, &format!("/v1/communities/{question}/comments"), &other, &json!({ "content": "답변" })).await;
        let mut recruitment = content.clone();
        recruitment["capacity"] = json!(5);
        let party = make(&app, "/v1/parties", &user, &recruitment).await;
        let remark = make(&app, &format!("/v1/parties/{party}/comments"), &other, &json!({ "content": "질문" })).await;
        let apply = app.post(&format!("/v1/parties/{party}/applications")).by(&applicant).json(&json!({}));
        apply.send().await.expect(201);

        app.put(&format!("/v1/bookmarks/COMMUNITY/{question}")).by(&applicant).send().await.expect(200);
        let of_the_answer =
            json!({ "board": "COMMUNITY", "postId": question, "commentId": answer, "complaint": "ABUSE" });
        let report = make(&app, "/v1/reports", &applicant, &of_the_answer).await;

        let soon = json!({ "price": 0, "deadline": app.parts.clock.now().plus_seconds(1) });
        let over = app.approved_pwt(&tutor, &admin, soon).await;
        let late = app.buy_free(&user, &over).await["id"].as_str().unwrap().to_owned();
        let asked = app.buy_free(&other, &over).await;
        app.clock.advance(1_000);
        let ask = app.post(&format!("/v1/orders/{}/refund-requests", asked["id"].as_str().unwrap())).by(&other);
        let ask = ask.header("idempotency-key", "ask").json(&json!({ "reason": "약속과 다릅니다." }));
        ask.send().await.expect(201);

        let forged = Account {
            token: sign(&SigningKey::generate(&Rng::from_seed(99)).unwrap(), &admin, &app, 0),
            ..admin.clone()
        };
        let ours = SigningKey {
            private_pem: app.parts.settings.token_private_key.clone().unwrap(),
            public_jwks: String::new(),
        };
        let expired = Account { token: sign(&ours, &admin, &app, -Claims::LIFETIME_SECONDS), ..admin.clone() };
        let callers =
            [None, Some(forged), Some(expired), Some(withdrawn), Some(other), Some(applicant), Some(other_tutor)];
        let callers = callers.into_iter().chain([Some(user), Some(tutor), Some(admin)]).collect();
        Self {
            app,
            callers,
            free,
            bought,
            todo,
            feed,
            paid,
            order,
            late,
            pending,
            pending_etag,
            full,
            upload,
            picture,
            question,
            answer,
            party,
            remark,
            report,
        }
    }
}

impl World {
    /// One of [`CALLERS`] who has an account.
    pub fn caller(&self, name: &str) -> &Account {
        let position = CALLERS.iter().position(|caller| *caller == name).unwrap();
        self.callers[position].as_ref().unwrap()
    }
}

/// The id of what somebody makes at `path`.
async fn make(app: &TestApp, path: &str, by: &Account, body: &Value) -> String {
    app.post(path).by(by).json(body).send().await.expect(201)["id"].as_str().unwrap().to_owned()
}

/// The id of a picture that somebody uploads.
async fn upload(app: &TestApp, by: &Account) -> String {
    let bytes = files::png(3, 2);
    let body = json!({ "fileName": "a.png", "contentType": "image/png", "size": bytes.len(), "purpose": "PROFILE" });
    let asked = app.post("/v1/attachments").by(by).json(&body).send().await.expect(201);
    assert_eq!(app.upload(&asked, &bytes).await.status, 200);
    asked["id"].as_str().unwrap().to_owned()
}

/// A token that says that `account` is an admin, issued `seconds` from now.
fn sign(key: &SigningKey, account: &Account, app: &TestApp, seconds: i64) -> String {
    let id: UserId = account.id.parse().unwrap();
    let now = app.parts.clock.now().plus_seconds(seconds);
    let family = app.parts.edge(app.table.clone()).unwrap().ids.id();
    Signer::new(&key.private_pem).unwrap().sign(&Claims::new(id, Role::Admin, family, now)).unwrap()
}

/// One operation: the request that a caller makes, and what each is answered.
pub struct Row {
    operation: &'static str,
    method: Method,
    path: fn(&World) -> String,
    body: Option<fn(&World, &str) -> Value>,
    if_match: Option<fn(&World) -> String>,
    answers: [u16; 10],
}

fn row(operation: &'static str, method: Method, path: fn(&World) -> String, answers: [u16; 10]) -> Row {
    Row { operation, method, path, body: None, if_match: None, answers }
}

impl Row {
    fn body(self, body: fn(&World, &str) -> Value) -> Self {
        Self { body: Some(body), ..self }
    }

    fn if_match(self, if_match: fn(&World) -> String) -> Self {
        Self { if_match: Some(if_match), ..self }
    }
}

const ANYONE: [u16; 10] = [200; 10];
const SIGNED_IN: [u16; 10] = [401, 401, 401, 200, 200, 200, 200, 200, 200, 200];
const MONEY: [u16; 10] = [401, 401, 401, 401, 200, 200, 200, 200, 200, 200];
const ADMIN: [u16; 10] = [401, 401, 401, 401, 403, 403, 403, 403, 403, 200];
/// The tutor of a project that everybody knows, and admins.
const OWNER: [u16; 10] = [401, 401, 401, 401, 403, 403, 403, 403, 200, 200];
const MEMBER: [u16; 10] = [401, 401, 401, 403, 403, 403, 403, 200, 200, 200];

/// Whoever is active and may; the user owns it.
const WRITER: [u16; 10] = [401, 401, 401, 401, 403, 403, 403, 200, 403, 403];
/// The same, and admins.
const WRITER_OR_ADMIN: [u16; 10] = [401, 401, 401, 401, 403, 403, 403, 200, 403, 200];
/// Of the other user's comment on the user's post.
const COMMENTER: [u16; 10] = [401, 401, 401, 401, 200, 403, 403, 403, 403, 403];
const COMMENTER_AUTHOR_OR_ADMIN: [u16; 10] = [401, 401, 401, 401, 200, 403, 403, 200, 403, 200];

/// The user's file: nobody else may know of it.
const OF_UPLOADER: [u16; 10] = [401, 401, 401, 401, 404, 404, 404, 200, 404, 404];

/// The same row where a success has another status.
const fn with(row: [u16; 10], status: u16) -> [u16; 10] {
    let mut changed = row;
    let mut n = 0;
    while n < changed.len() {
        if changed[n] == 200 {
            changed[n] = status;
        }
        n += 1;
    }
    changed
}

fn rows() -> Vec<Row> {
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    let (patch, delete) = (Method::PATCH, Method::DELETE);
    let mut rows = vec![
        row("sign_up", post.clone(), |_| "/v1/auth/signup".into(), [201; 10])
            .body(|_, who| json!({ "email": format!("{}@example.org", who.replace(' ', "-")), "password": PASSWORD, "username": who })),
        row("log_in", post.clone(), |_| "/v1/auth/login".into(), ANYONE)
            .body(|_, _| json!({ "email": "kim@example.com", "password": PASSWORD })),
        row("refresh_session", post.clone(), |_| "/v1/auth/refresh".into(), ANYONE)
            .body(|world, _| json!({ "refreshToken": world.callers[7].as_ref().unwrap().refresh })),
        row("log_out", post.clone(), |_| "/v1/auth/logout".into(), [204; 10])
            .body(|world, _| json!({ "refreshToken": world.callers[7].as_ref().unwrap().refresh })),
        row("get_jwks", get.clone(), |_| "/.well-known/jwks.json".into(), ANYONE),
        row("change_password", put.clone(), |_| "/v1/auth/password".into(), with(MONEY, 204))
            .body(|_, _| json!({ "oldPassword": PASSWORD, "newPassword": "staple the horse 7" })),
        // The user has an order open, the tutors lead projects that are not over.
        row("withdraw_account", post.clone(), |_| "/v1/auth/withdraw".into(), [401, 401, 401, 401, 204, 204, 204, 409, 409, 204])
            .body(|_, _| json!({ "password": PASSWORD })),
        row("get_me", get.clone(), |_| "/v1/users/me".into(), SIGNED_IN),
        row("update_me", patch.clone(), |_| "/v1/users/me".into(), MONEY).body(|_, _| json!({ "username": "새 이름" })),
        row("set_profile_image", put.clone(), |_| "/v1/users/me/image".into(), OF_UPLOADER)
            .body(|world, _| json!({ "attachmentId": world.picture })),
        row("remove_profile_image", delete.clone(), |_| "/v1/users/me/image".into(), with(MONEY, 204)),
        row("get_user", get.clone(), |world| format!("/v1/users/{}", world.caller("user").id), ANYONE),
        row("list_my_purchases", get.clone(), |_| "/v1/users/me/purchases".into(), SIGNED_IN),
        row("apply_as_tutor", post.clone(), |_| "/v1/tutor-applications".into(), [401, 401, 401, 401, 201, 409, 409, 201, 409, 403])
            .body(|_, _| json!({ "realName": "이름", "portfolioUrl": "https://github.com/x", "accountNumber": "110123456789" })),
        row("get_my_tutor_application", get.clone(), |_| "/v1/tutor-applications/me".into(), [401, 401, 401, 404, 404, 200, 200, 404, 200, 404]),
        row("list_tutor_applications", get.clone(), |_| "/v1/admin/tutor-applications".into(), ADMIN),
        row("approve_tutor_application", post.clone(), |world| format!("/v1/admin/tutor-applications/{}/approve", world.callers[5].as_ref().unwrap().id), ADMIN),
        row("reject_tutor_application", post.clone(), |world| format!("/v1/admin/tutor-applications/{}/reject", world.callers[5].as_ref().unwrap().id), ADMIN)
            .body(|_, _| json!({ "reason": "확인이 필요합니다." })),
        row("create_pwt", post.clone(), |_| "/v1/pwts".into(), [401, 401, 401, 403, 403, 403, 201, 403, 201, 403]).body(|_, _| pwt_body()),
        row("list_pwts", get.clone(), |_| "/v1/pwts".into(), ANYONE),
        row("get_pwt", get.clone(), |world| format!("/v1/pwts/{}", world.pending), [404, 401, 401, 404, 404, 404, 404, 404, 200, 200]),
        row("update_pwt", patch.clone(), |world| format!("/v1/pwts/{}", world.pending), [401, 401, 401, 404, 404, 404, 404, 404, 412, 403])
            .if_match(|_| "\"9\"".into())
            .body(|_, _| json!({ "title": "새 제목" })),
        row("get_pwt_seats", get.clone(), |world| format!("/v1/pwts/{}/seats", world.free), ANYONE),
        row("close_pwt", post.clone(), |world| format!("/v1/pwts/{}/close", world.free), OWNER),
        // Whoever may delete it learns that the version is stale.
        row("delete_pwt", delete.clone(), |world| format!("/v1/pwts/{}", world.pending), [401, 401, 401, 401, 404, 404, 404, 404, 412, 412])
            .if_match(|_| "\"9\"".into()),
        row("list_pwt_buyers", get.clone(), |world| format!("/v1/pwts/{}/buyers", world.free), OWNER),
        row("join_waitlist", post.clone(), |world| format!("/v1/pwts/{}/waitlist", world.full), [401, 401, 401, 401, 201, 200, 201, 409, 409, 201]),
        row("get_my_waitlist_place", get.clone(), |world| format!("/v1/pwts/{}/waitlist/me", world.full), [401, 401, 401, 404, 404, 200, 404, 404, 404, 404]),
        row("leave_waitlist", delete.clone(), |world| format!("/v1/pwts/{}/waitlist/me", world.full), with(SIGNED_IN, 204)),
        row("list_my_pwts", get.clone(), |_| "/v1/users/me/pwts".into(), [401, 401, 401, 403, 403, 403, 200, 403, 200, 403]),
        row("list_pwts_for_admin", get.clone(), |_| "/v1/admin/pwts".into(), ADMIN),
        row("get_pwt_for_admin", get.clone(), |world| format!("/v1/admin/pwts/{}", world.pending), ADMIN),
        row("approve_pwt", post.clone(), |world| format!("/v1/admin/pwts/{}/approve", world.pending), ADMIN).if_match(|world| world.pending_etag.clone()),
        row("reject_pwt", post.clone(), |world| format!("/v1/admin/pwts/{}/reject", world.pending), ADMIN)
            .if_match(|world| world.pending_etag.clone())
            .body(|_, _| json!({ "reason": "설명이 부족합니다." })),
        row("get_schedule", get.clone(), |world| format!("/v1/pwts/{}/schedule", world.free), MEMBER),
        row("list_todos", get.clone(), |world| format!("/v1/schedules/{}/todos", world.free), MEMBER),
        row("create_todo", post.clone(), |world| format!("/v1/schedules/{}/todos", world.free), with(MEMBER, 201))
            .body(|_, _| json!({ "title": "회의", "content": "", "start": "2027-01-05T00:00:00Z", "end": "2027-01-05T01:00:00Z" })),
        row("get_todo", get.clone(), |world| format!("/v1/schedules/{}/todos/{}", world.free, world.todo), MEMBER),
        // Whoever may change it learns that the version is stale.
        row("update_todo", patch, |world| format!("/v1/schedules/{}/todos/{}", world.free, world.todo), with(MEMBER, 412))
            .if_match(|_| "\"9\"".into())
            .body(|_, _| json!({ "title": "새 제목" })),
        row("delete_todo", delete.clone(), |world| format!("/v1/schedules/{}/todos/{}", world.free, world.todo), with(MEMBER, 412)).if_match(|_| "\"9\"".into()),
        row("get_my_calendar", get.clone(), |_| "/v1/users/me/calendar".into(), SIGNED_IN),
        row("issue_schedule_feed", post.clone(), |world| format!("/v1/schedules/{}/feed", world.free), with(MEMBER, 201)),
        row("get_schedule_feed", get.clone(), |world| world.feed.clone(), ANYONE),
        row("get_cart", get.clone(), |_| "/v1/cart".into(), SIGNED_IN),
        row("add_cart_item", put, |world| format!("/v1/cart/items/{}", world.paid), [401, 401, 401, 200, 200, 200, 200, 200, 409, 200]),
        row("remove_cart_item", delete, |world| format!("/v1/cart/items/{}", world.paid), with(SIGNED_IN, 204)),
        row("create_order", post.clone(), |_| "/v1/orders".into(), [401, 401, 401, 401, 201, 201, 201, 409, 409, 201])
            .body(|world, _| json!({ "productIds": [world.paid] })),
        row("list_orders", get.clone(), |_| "/v1/orders".into(), MONEY),
        row("get_order", get.clone(), |world| format!("/v1/orders/{}", world.order), [401, 401, 401, 401, 404, 404, 404, 200, 404, 200]),
        row("cancel_order", post.clone(), |world| format!("/v1/orders/{}/cancel", world.order), [401, 401, 401, 401, 404, 404, 404, 200, 404, 200]).body(|_, _| json!({})),
        // The owner alone learns that the amount is wrong.
        row("confirm_payment", post.clone(), |_| "/v1/payments/confirm".into(), [401, 401, 401, 401, 404, 404, 404, 422, 404, 404])
            .body(|world, _| json!({ "paymentKey": "key", "orderId": world.order, "amount": 1 })),
        row("fail_payment", post, |_| "/v1/payments/fail".into(), [401, 401, 401, 401, 404, 404, 404, 200, 404, 404])
            .body(|world, _| json!({ "orderId": world.order, "code": "PAY_PROCESS_CANCELED" })),
        row("receive_toss_webhook", Method::POST, |_| "/v1/webhooks/toss".into(), ANYONE)
            .body(|world, _| json!({ "eventType": "PAYMENT_STATUS_CHANGED", "data": { "orderId": world.order } })),
        row("quote_refund", get.clone(), |world| format!("/v1/orders/{}/refund-quote", world.bought), [401, 401, 401, 401, 404, 404, 404, 200, 404, 200]),
        row("request_refund", Method::POST, |world| format!("/v1/orders/{}/refund-requests", world.late), [401, 401, 401, 401, 404, 404, 404, 201, 404, 404])
            .body(|_, _| json!({ "reason": "프로젝트가 약속과 다르게 진행됩니다." })),
        row("list_refund_requests", get.clone(), |_| "/v1/admin/refund-requests".into(), ADMIN),
        row("list_ledger", get.clone(), |_| "/v1/admin/ledger".into(), ADMIN),
        row("list_orders_for_admin", get.clone(), |_| "/v1/admin/orders".into(), ADMIN),
        row("get_receipt", get.clone(), |world| format!("/v1/orders/{}/receipt", world.bought), [401, 401, 401, 401, 404, 404, 404, 200, 404, 200]),
        row("list_my_settlements", get.clone(), |_| "/v1/users/me/settlements".into(), [401, 401, 401, 403, 403, 403, 200, 403, 200, 403]),
        row("get_health", get.clone(), |_| "/v1/health".into(), ANYONE),
        row("get_openapi", get.clone(), |_| "/v1/openapi.json".into(), ANYONE),
        row("answer_unknown_route", get, |_| "/v1/nothing".into(), [404; 10]),
    ];
    rows.extend(community_rows());
    rows.extend(party_rows());
    rows.extend(reactions::rows());
    rows.extend(attachment_rows());
    rows
}

fn attachment_rows() -> Vec<Row> {
    vec![
        row("create_attachment", Method::POST, |_| "/v1/attachments".into(), with(MONEY, 201))
            .body(|_, _| json!({ "fileName": "a.png", "contentType": "image/png", "size": 100, "purpose": "PROFILE" })),
        row(
            "complete_attachment",
            Method::POST,
            |world| format!("/v1/attachments/{}/complete", world.upload),
            OF_UPLOADER,
        ),
        row(
            "delete_attachment",
            Method::DELETE,
            |world| format!("/v1/attachments/{}", world.upload),
            with(OF_UPLOADER, 204),
        ),
    ]
}

fn community_rows() -> Vec<Row> {
    let (get, post, put) = (Method::GET, Method::POST, Method::PUT);
    let (patch, delete) = (Method::PATCH, Method::DELETE);
    vec![
        row("create_community_post", post.clone(), |_| "/v1/communities".into(), with(MONEY, 201))
            .body(|_, _| json!({ "title": "질문", "content": "내용", "category": "ETC" })),
        row("list_community_posts", get.clone(), |_| "/v1/communities".into(), ANYONE),
        row("get_community_post", get.clone(), |world| format!("/v1/communities/{}", world.question), ANYONE),
        row("update_community_post", patch.clone(), |world| format!("/v1/communities/{}", world.question), WRITER)
            .body(|_, _| json!({ "title": "새 제목" })),
        // Whoever may delete it learns that the version is stale.
        row(
            "delete_community_post",
            delete.clone(),
            |world| format!("/v1/communities/{}", world.question),
            with(WRITER_OR_ADMIN, 412),
        )
        .if_match(|_| "\"9\"".into()),
        row(
            "create_community_comment",
            post,
            |world| format!("/v1/communities/{}/comments", world.question),
            with(MONEY, 201),
        )
        .body(|_, _| json!({ "content": "댓글" })),
        row("list_community_comments", get, |world| format!("/v1/communities/{}/comments", world.question), ANYONE),
        row(
            "update_community_comment",
            patch,
            |world| format!("/v1/communities/{}/comments/{}", world.question, world.answer),
            COMMENTER,
        )
        .body(|_, _| json!({ "content": "새 댓글" })),
        row(
            "delete_community_comment",
            delete,
            |world| format!("/v1/communities/{}/comments/{}", world.question, world.answer),
            with(COMMENTER_AUTHOR_OR_ADMIN, 412),
        )
        .if_match(|_| "\"9\"".into()),
        row("accept_comment", put, |world| format!("/v1/communities/{}/accepted-comment", world.question), WRITER)
            .body(|world, _| json!({ "commentId": world.answer })),
    ]
}

fn party_rows() -> Vec<Row> {
    let (get, post) = (Method::GET, Method::POST);
    let (patch, delete) = (Method::PATCH, Method::DELETE);
    vec![
        row("create_party_post", post.clone(), |_| "/v1/parties".into(), with(MONEY, 201))
            .body(|_, _| json!({ "title": "스터디", "content": "내용", "category": "ETC", "capacity": 5 })),
        row("list_party_posts", get.clone(), |_| "/v1/parties".into(), ANYONE),
        row("get_party_post", get.clone(), |world| format!("/v1/parties/{}", world.party), ANYONE),
        row("update_party_post", patch.clone(), |world| format!("/v1/parties/{}", world.party), WRITER)
            .body(|_, _| json!({ "title": "새 제목" })),
        row(
            "delete_party_post",
            delete.clone(),
            |world| format!("/v1/parties/{}", world.party),
            with(WRITER_OR_ADMIN, 412),
        )
        .if_match(|_| "\"9\"".into()),
        row(
            "create_party_comment",
            post.clone(),
            |world| format!("/v1/parties/{}/comments", world.party),
            with(MONEY, 201),
        )
        .body(|_, _| json!({ "content": "댓글" })),
        row("list_party_comments", get.clone(), |world| format!("/v1/parties/{}/comments", world.party), ANYONE),
        row(
            "update_party_comment",
            patch,
            |world| format!("/v1/parties/{}/comments/{}", world.party, world.remark),
            COMMENTER,
        )
        .body(|_, _| json!({ "content": "새 댓글" })),
        row(
            "delete_party_comment",
            delete.clone(),
            |world| format!("/v1/parties/{}/comments/{}", world.party, world.remark),
            with(COMMENTER_AUTHOR_OR_ADMIN, 412),
        )
        .if_match(|_| "\"9\"".into()),
        row(
            "apply_to_party",
            post.clone(),
            |world| format!("/v1/parties/{}/applications", world.party),
            [401, 401, 401, 401, 201, 200, 201, 409, 201, 201],
        )
        .body(|_, _| json!({ "message": "함께하고 싶습니다." })),
        row(
            "list_party_applications",
            get,
            |world| format!("/v1/parties/{}/applications", world.party),
            [401, 401, 401, 403, 403, 403, 403, 200, 403, 403],
        ),
        row(
            "accept_party_application",
            post.clone(),
            |world| format!("/v1/parties/{}/applications/{}/accept", world.party, world.caller("applicant").id),
            WRITER,
        ),
        row(
            "decline_party_application",
            post,
            |world| format!("/v1/parties/{}/applications/{}/decline", world.party, world.caller("applicant").id),
            WRITER,
        ),
        row("leave_party", delete, |world| format!("/v1/parties/{}/applications/me", world.party), with(MONEY, 204)),
    ]
}

#[tokio::test]
async fn every_caller_gets_what_the_table_says() {
    let mut wrong = vec![];
    for row in rows() {
        let world = World::new().await;
        for ((caller, account), expected) in CALLERS.iter().zip(&world.callers).zip(row.answers) {
            let mut call = world.app.request(row.method.clone(), &(row.path)(&world));
            if let Some(account) = account {
                call = call.by(account);
            }
            if let Some(body) = row.body {
                call = call.json(&body(&world, caller)).header("idempotency-key", &caller.replace(' ', "-"));
            }
            if let Some(if_match) = row.if_match {
                call = call.header("if-match", &if_match(&world));
            }
            let reply = call.send().await;
            if reply.status != expected {
                wrong.push(format!(
                    "{} by {caller}: {} instead of {expected}: {}",
                    row.operation, reply.status, reply.body["code"]
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn every_operation_has_a_row() {
    let app = TestApp::start().await;
    let operations: BTreeSet<&str> = app.routes.iter().map(|route| route.id).collect();
    let with_row: BTreeSet<&str> = rows().iter().map(|row| row.operation).collect();
    assert_eq!(operations, with_row);
}

#[tokio::test]
async fn losing_a_role_or_an_account_takes_effect_at_once_where_it_matters() {
    let world = World::new().await;
    let (user, admin) = (world.callers[7].as_ref().unwrap(), world.callers[9].as_ref().unwrap());
    world.app.get("/v1/admin/pwts").by(admin).send().await.expect(200);
    let demoted = Write::update(keys::user(admin.id.parse().unwrap())).set("role", "USER");
    world.app.table.write(demoted).await.unwrap();
    world.app.get("/v1/admin/pwts").by(admin).send().await.refused(403, "FORBIDDEN");
    world.app.get(&format!("/v1/orders/{}", world.order)).by(user).send().await.expect(200);
    let gone = Write::update(keys::user(user.id.parse().unwrap())).set("standing", "WITHDRAWN");
    world.app.table.write(gone).await.unwrap();
    world.app.get(&format!("/v1/orders/{}", world.order)).by(user).send().await.refused(401, "UNAUTHENTICATED");
}
