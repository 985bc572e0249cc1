//! What each operation asks of DynamoDB when it succeeds: round trips and capacity units, kept in
//! `infra/docs/costs.md`.
//!
//! The units are the embedded database's own account (`ReturnConsumedCapacity`), which follows
//! AWS's rules: 4 KB a read unit, half of it where a read may be a moment old, 1 KB a write unit,
//! indexes by what they project, both doubled in transactions.

use std::{collections::BTreeMap, fmt::Write as _, fs, path::PathBuf};

use config::Reader;
use serde_json::{Value, json};
use testkit::{Action, Cost};

use crate::{
    app::{Account, Call, PASSWORD, Reply, TestApp, pwt_body},
    files,
};

const HOW: &str = "UPDATE_COSTS=1 cargo test --workspace --test it costs";

/// What one operation costs.
struct Row {
    calls: Vec<String>,
    reads: f64,
    writes: f64,
}

impl Row {
    fn of(costs: &[Cost]) -> Self {
        let units = |consumed: &Value| {
            let each = consumed.as_array().cloned().unwrap_or_else(|| vec![consumed.clone()]);
            each.iter().map(|one| one["CapacityUnits"].as_f64().unwrap_or_default()).sum::<f64>()
        };
        let is_read = |cost: &&Cost| cost.operation.contains("Get") || cost.operation == "Query";
        // From 0.0 on, because the sum of nothing is -0.0.
        let sum = |costs: Vec<&Cost>| costs.into_iter().fold(0.0, |sum, cost| sum + units(&cost.consumed));
        let (reads, writes): (Vec<&Cost>, Vec<&Cost>) = costs.iter().partition(is_read);
        let calls = costs.iter().map(|cost| cost.operation.clone()).collect();
        Self { calls, reads: sum(reads), writes: sum(writes) }
    }

    /// The calls in their order, with those in a row counted.
    fn told(&self) -> String {
        let mut counted: Vec<(&str, usize)> = vec![];
        for call in &self.calls {
            match counted.last_mut() {
                Some((last, times)) if last == call => *times += 1,
                _ => counted.push((call, 1)),
            }
        }
        let told =
            |(call, times): &(&str, usize)| if *times == 1 { (*call).to_owned() } else { format!("{times} {call}") };
        counted.iter().map(told).collect::<Vec<_>>().join(", ")
    }
}

/// An app whose calls are accounted for.
struct Accounts {
    app: TestApp,
    rows: BTreeMap<&'static str, Row>,
}

impl Accounts {
    async fn open() -> Self {
        let app = TestApp::start().await;
        app.wire.rule(|call| {
            if let Some(body) = call.body.as_object_mut() {
                body.insert("ReturnConsumedCapacity".to_owned(), "TOTAL".into());
            }
            Action::Pass
        });
        Self { app, rows: BTreeMap::new() }
    }

    /// Notes what the success of `operation` cost.
    async fn note(&mut self, operation: &'static str, call: impl FnOnce(&TestApp) -> Call<'_>) -> Reply {
        self.app.wire.take_costs();
        let reply = call(&self.app).send().await;
        assert!(reply.status < 400 || operation == "answer_unknown_route", "{operation}: {}", reply.body);
        let costs = self.app.wire.take_costs();
        assert!(costs.iter().all(|cost| cost.by == operation), "{operation}: {costs:?}");
        assert!(self.rows.insert(operation, Row::of(&costs)).is_none(), "{operation} is there twice");
        reply
    }

    async fn accounts(&mut self) {
        let body = json!({ "email": "han@example.com", "password": PASSWORD, "username": "han" });
        self.note("sign_up", |app| app.post("/v1/auth/signup").json(&body)).await;
        let body = json!({ "email": "han@example.com", "password": PASSWORD });
        let tokens = self.note("log_in", |app| app.post("/v1/auth/login").json(&body)).await.body;
        let refresh = json!({ "refreshToken": tokens["refreshToken"] });
        let tokens = self.note("refresh_session", |app| app.post("/v1/auth/refresh").json(&refresh)).await.body;
        let refresh = json!({ "refreshToken": tokens["refreshToken"] });
        self.note("log_out", |app| app.post("/v1/auth/logout").json(&refresh)).await;
        let change = json!({ "oldPassword": PASSWORD, "newPassword": "staple the horse 7" });
        let nam = self.app.log_in(&self.app.sign_up("nam").await).await;
        self.note("change_password", |app| app.put("/v1/auth/password").by(&nam).json(&change)).await;
        let proof = json!({ "password": "staple the horse 7" });
        self.note("withdraw_account", |app| app.post("/v1/auth/withdraw").by(&nam).json(&proof)).await;
        self.note("get_jwks", |app| app.get("/.well-known/jwks.json")).await;
    }

    async fn applications(&mut self, admin: &Account) {
        let (choi, seo) = (self.app.sign_up("choi").await, self.app.sign_up("seo").await);
        let application =
            json!({ "realName": "최지원", "portfolioUrl": "https://github.com/choi", "accountNumber": "110123456789" });
        self.note("apply_as_tutor", |app| app.post("/v1/tutor-applications").by(&choi).json(&application)).await;
        self.app.post("/v1/tutor-applications").by(&seo).json(&application).send().await.expect(201);
        self.note("get_my_tutor_application", |app| app.get("/v1/tutor-applications/me").by(&choi)).await;
        self.note("list_tutor_applications", |app| app.get("/v1/admin/tutor-applications").by(admin)).await;
        let path = |who: &Account, verdict: &str| format!("/v1/admin/tutor-applications/{}/{verdict}", who.id);
        self.note("approve_tutor_application", |app| app.post(&path(&choi, "approve")).by(admin)).await;
        let reason = json!({ "reason": "확인이 필요합니다." });
        self.note("reject_tutor_application", |app| app.post(&path(&seo, "reject")).by(admin).json(&reason)).await;
    }

    /// Answers a project on sale.
    async fn projects(&mut self, tutor: &Account, admin: &Account) -> String {
        let made = self.note("create_pwt", |app| app.post("/v1/pwts").by(tutor).json(&pwt_body())).await;
        let (id, etag) = (made.body["id"].as_str().unwrap().to_owned(), made.header("etag").to_owned());
        let (path, for_admin) = (format!("/v1/pwts/{id}"), format!("/v1/admin/pwts/{id}"));
        let change = json!({ "title": "새 제목" });
        let changed = self.note("update_pwt", |app| app.patch(&path).by(tutor).header("if-match", &etag).json(&change));
        let etag = changed.await.header("etag").to_owned();
        self.note("get_pwt_for_admin", |app| app.get(&for_admin).by(admin)).await;
        let approve = format!("{for_admin}/approve");
        self.note("approve_pwt", |app| app.post(&approve).by(admin).header("if-match", &etag)).await;
        let other = self.app.post("/v1/pwts").by(tutor).json(&pwt_body()).send().await;
        let reject = format!("/v1/admin/pwts/{}/reject", other.body["id"].as_str().unwrap());
        let (etag, reason) = (other.header("etag").to_owned(), json!({ "reason": "설명이 부족합니다." }));
        self.note("reject_pwt", |app| app.post(&reject).by(admin).header("if-match", &etag).json(&reason)).await;
        let unwanted = self.app.post("/v1/pwts").by(tutor).json(&pwt_body()).send().await.body;
        let unwanted = format!("/v1/pwts/{}", unwanted["id"].as_str().unwrap());
        self.note("delete_pwt", |app| app.delete(&unwanted).by(tutor).header("if-match", "\"1\"")).await;
        self.note("list_my_pwts", |app| app.get("/v1/users/me/pwts").by(tutor)).await;
        self.note("list_pwts_for_admin", |app| app.get("/v1/admin/pwts?approval=APPROVED").by(admin)).await;
        self.note("list_pwts", |app| app.get("/v1/pwts")).await;
        self.note("get_pwt", |app| app.get(&path)).await;
        self.note("get_pwt_seats", |app| app.get(&format!("{path}/seats"))).await;
        id
    }

    async fn order(&self, buyer: &Account, pwt: &str) -> Value {
        let order = self.app.post("/v1/orders").by(buyer).header("idempotency-key", &format!("order-{}", buyer.id));
        order.json(&json!({ "productIds": [pwt] })).send().await.expect(201)
    }

    async fn orders(&mut self, pwt: &str, admin: &Account) -> Account {
        let (kim, lee, jung) =
            (self.app.sign_up("kim").await, self.app.sign_up("lee").await, self.app.sign_up("jung").await);
        let item = format!("/v1/cart/items/{pwt}");
        self.note("add_cart_item", |app| app.put(&item).by(&kim)).await;
        self.note("get_cart", |app| app.get("/v1/cart").by(&kim)).await;
        self.note("remove_cart_item", |app| app.delete(&item).by(&kim)).await;

        let wanted = json!({ "productIds": [pwt] });
        let order = self
            .note("create_order", |app| app.post("/v1/orders").by(&kim).header("idempotency-key", "kim").json(&wanted));
        let order = order.await.body;
        let id = order["id"].as_str().unwrap().to_owned();
        self.note("get_order", |app| app.get(&format!("/v1/orders/{id}")).by(&kim)).await;
        self.note("list_orders", |app| app.get("/v1/orders").by(&kim)).await;
        let asked = devloop_local::toss_sandbox::Authentication::of(&id, order["total"].as_i64().unwrap());
        let payment_key = self.app.sandbox.authenticate(asked).unwrap().payment_key;
        let confirm = json!({ "paymentKey": payment_key, "orderId": id, "amount": order["total"] });
        let confirmed = self.note("confirm_payment", |app| {
            app.post("/v1/payments/confirm").by(&kim).header("idempotency-key", "confirm").json(&confirm)
        });
        assert_eq!(confirmed.await.body["state"], "PAID");
        self.note("get_receipt", |app| app.get(&format!("/v1/orders/{id}/receipt")).by(&kim)).await;
        self.note("quote_refund", |app| app.get(&format!("/v1/orders/{id}/refund-quote")).by(&kim)).await;
        self.note("list_my_purchases", |app| app.get("/v1/users/me/purchases").by(&kim)).await;

        let canceled = self.order(&lee, pwt).await["id"].as_str().unwrap().to_owned();
        let cancel = format!("/v1/orders/{canceled}/cancel");
        self.note("cancel_order", |app| {
            app.post(&cancel).by(&lee).header("idempotency-key", "cancel").json(&json!({}))
        })
        .await;
        let failed = json!({ "orderId": self.order(&jung, pwt).await["id"], "code": "PAY_PROCESS_CANCELED" });
        self.note("fail_payment", |app| app.post("/v1/payments/fail").by(&jung).json(&failed)).await;
        self.note("list_pwt_buyers", |app| app.get(&format!("/v1/pwts/{pwt}/buyers")).by(admin)).await;
        self.note("close_pwt", |app| app.post(&format!("/v1/pwts/{pwt}/close")).by(admin)).await;
        let event = json!({ "eventType": "PAYMENT_STATUS_CHANGED", "data": { "orderId": id } });
        self.note("receive_toss_webhook", |app| app.post("/v1/webhooks/toss").json(&event)).await;
        kim
    }

    async fn waitlist(&mut self, tutor: &Account, admin: &Account, buyer: &Account) {
        let full = self.app.approved_pwt(tutor, admin, json!({ "price": 0, "maxParticipants": 1 })).await;
        self.app.buy_free(buyer, &full).await;
        let waiter = self.app.sign_up("yoon").await;
        let path = format!("/v1/pwts/{full}/waitlist");
        let own = format!("{path}/me");
        self.note("join_waitlist", |app| app.post(&path).by(&waiter)).await;
        self.note("get_my_waitlist_place", |app| app.get(&own).by(&waiter)).await;
        self.note("leave_waitlist", |app| app.delete(&own).by(&waiter)).await;
    }

    async fn statements(&mut self, tutor: &Account, admin: &Account, buyer: &Account) {
        let soon = json!({ "price": 0, "deadline": self.app.parts.clock.now().plus_seconds(1) });
        let over = self.app.approved_pwt(tutor, admin, soon).await;
        let order = self.app.buy_free(buyer, &over).await["id"].as_str().unwrap().to_owned();
        self.app.clock.advance(1_000);
        let (path, reason) = (format!("/v1/orders/{order}"), json!({ "reason": "약속과 다릅니다." }));
        self.note("request_refund", |app| {
            app.post(&format!("{path}/refund-requests")).by(buyer).header("idempotency-key", "ask").json(&reason)
        })
        .await;
        self.note("list_my_settlements", |app| app.get("/v1/users/me/settlements").by(tutor)).await;
        let (ledger, orders) = ("/v1/admin/ledger", "/v1/admin/orders?state=PAID&limit=1");
        self.note("list_ledger", |app| app.get(ledger).by(admin)).await;
        self.note("list_orders_for_admin", |app| app.get(orders).by(admin)).await;
        self.note("list_refund_requests", |app| app.get("/v1/admin/refund-requests").by(admin)).await;
    }

    /// A picture that was looked at.
    async fn picture(&self, by: &Account) -> Value {
        crate::flows::attachments::ready(&self.app, by, "PROFILE").await
    }

    async fn files(&mut self) {
        let ma = self.app.sign_up("ma").await;
        let bytes = files::png(3, 2);
        let body =
            json!({ "fileName": "a.png", "contentType": "image/png", "size": bytes.len(), "purpose": "PROFILE" });
        let asked = self.note("create_attachment", |app| app.post("/v1/attachments").by(&ma).json(&body)).await.body;
        assert_eq!(self.app.upload(&asked, &bytes).await.status, 200);
        let path = format!("/v1/attachments/{}", asked["id"].as_str().unwrap());
        self.note("complete_attachment", |app| app.post(&format!("{path}/complete")).by(&ma)).await;
        let picture = self.picture(&ma).await;
        let body = json!({ "attachmentId": picture["id"] });
        self.note("set_profile_image", |app| app.put("/v1/users/me/image").by(&ma).json(&body)).await;
        self.note("remove_profile_image", |app| app.delete("/v1/users/me/image").by(&ma)).await;
        self.note("delete_attachment", |app| app.delete(&path).by(&ma)).await;
    }

    async fn boards(&mut self, admin: &Account) {
        let (yoon, lim) = (self.app.sign_up("yoon-sora").await, self.app.sign_up("lim").await);
        let post = json!({ "title": "제목", "content": "내용", "category": "WEB_DEV", "tags": ["rust"] });
        let made = self.note("create_community_post", |app| app.post("/v1/communities").by(&yoon).json(&post)).await;
        let path = format!("/v1/communities/{}", made.body["id"].as_str().unwrap());
        let (comments, said) = (format!("{path}/comments"), json!({ "content": "댓글" }));
        let made = self.note("create_community_comment", |app| app.post(&comments).by(&lim).json(&said)).await;
        let comment = format!("{comments}/{}", made.body["id"].as_str().unwrap());
        let like = format!("/v1/likes/COMMUNITY/{}", path.rsplit('/').next().unwrap());
        self.note("like_post", |app| app.put(&like).by(&lim)).await;
        self.note("unlike_post", |app| app.delete(&like).by(&lim)).await;
        let bookmark = like.replace("likes", "bookmarks");
        self.note("add_bookmark", |app| app.put(&bookmark).by(&lim)).await;
        self.note("list_my_bookmarks", |app| app.get("/v1/users/me/bookmarks").by(&lim)).await;
        self.note("remove_bookmark", |app| app.delete(&bookmark).by(&lim)).await;
        let report = json!({ "board": "COMMUNITY", "postId": path.rsplit('/').next().unwrap(), "complaint": "SPAM" });
        let report = self.note("report_content", |app| app.post("/v1/reports").by(&lim).json(&report)).await;
        self.note("list_reports", |app| app.get("/v1/admin/reports").by(admin)).await;
        let resolve = format!("/v1/admin/reports/{}/resolve", report.body["id"].as_str().unwrap());
        let outcome = json!({ "outcome": "DISMISSED" });
        self.note("resolve_report", |app| app.post(&resolve).by(admin).json(&outcome)).await;
        self.note("list_community_posts", |app| app.get("/v1/communities")).await;
        self.note("get_community_post", |app| app.get(&path)).await;
        self.note("list_community_comments", |app| app.get(&comments)).await;
        let change = json!({ "title": "새 제목" });
        self.note("update_community_post", |app| app.patch(&path).by(&yoon).json(&change)).await;
        self.note("update_community_comment", |app| app.patch(&comment).by(&lim).json(&said)).await;
        let (accepted, answer) = (format!("{path}/accepted-comment"), json!({ "commentId": made.body["id"] }));
        self.note("accept_comment", |app| app.put(&accepted).by(&yoon).json(&answer)).await;
        self.note("delete_community_comment", |app| app.delete(&comment).by(&lim)).await;
        self.note("delete_community_post", |app| app.delete(&path).by(&yoon)).await;

        let mut party = post.clone();
        party["capacity"] = json!(5);
        let made = self.note("create_party_post", |app| app.post("/v1/parties").by(&yoon).json(&party)).await;
        let path = format!("/v1/parties/{}", made.body["id"].as_str().unwrap());
        let comments = format!("{path}/comments");
        let made = self.note("create_party_comment", |app| app.post(&comments).by(&lim).json(&said)).await;
        let comment = format!("{comments}/{}", made.body["id"].as_str().unwrap());
        self.note("list_party_posts", |app| app.get("/v1/parties")).await;
        self.note("get_party_post", |app| app.get(&path)).await;
        self.note("list_party_comments", |app| app.get(&comments)).await;
        self.note("update_party_post", |app| app.patch(&path).by(&yoon).json(&change)).await;
        self.note("update_party_comment", |app| app.patch(&comment).by(&lim).json(&said)).await;
        self.note("delete_party_comment", |app| app.delete(&comment).by(&lim)).await;
        let applications = format!("{path}/applications");
        let decide = |verdict| format!("{applications}/{}/{verdict}", lim.id);
        self.note("apply_to_party", |app| app.post(&applications).by(&lim).json(&json!({}))).await;
        self.note("list_party_applications", |app| app.get(&applications).by(&yoon)).await;
        self.note("decline_party_application", |app| app.post(&decide("decline")).by(&yoon)).await;
        self.note("accept_party_application", |app| app.post(&decide("accept")).by(&yoon)).await;
        self.note("leave_party", |app| app.delete(&format!("{applications}/me")).by(&lim)).await;
        self.note("delete_party_post", |app| app.delete(&path).by(&yoon)).await;
    }

    async fn schedule(&mut self, pwt: &str, member: &Account) {
        self.note("get_schedule", |app| app.get(&format!("/v1/pwts/{pwt}/schedule")).by(member)).await;
        let todos = format!("/v1/schedules/{pwt}/todos");
        let todo =
            json!({ "title": "회의", "content": "", "start": "2027-01-05T00:00:00Z", "end": "2027-01-05T01:00:00Z" });
        let made = self.note("create_todo", |app| app.post(&todos).by(member).json(&todo)).await;
        let (path, etag) = (format!("{todos}/{}", made.body["id"].as_str().unwrap()), made.header("etag").to_owned());
        self.note("list_todos", |app| app.get(&todos).by(member)).await;
        self.note("get_todo", |app| app.get(&path).by(member)).await;
        let change = json!({ "title": "새 제목" });
        let changed =
            self.note("update_todo", |app| app.patch(&path).by(member).header("if-match", &etag).json(&change));
        let etag = changed.await.header("etag").to_owned();
        self.note("get_my_calendar", |app| app.get("/v1/users/me/calendar").by(member)).await;
        let feed = format!("/v1/schedules/{pwt}/feed");
        let feed = self.note("issue_schedule_feed", |app| app.post(&feed).by(member)).await.body;
        self.note("get_schedule_feed", |app| app.get(feed["path"].as_str().unwrap())).await;
        self.note("delete_todo", |app| app.delete(&path).by(member).header("if-match", &etag)).await;
    }

    fn table(&self) -> String {
        let mut text =
            "# What an operation costs\n\nRound trips to DynamoDB and capacity units of each operation where it \
             succeeds: one line in an order, one item in a\nlist, ten seats in one shard. Units are the embedded \
             database's account by AWS's rules, indexes included, summed over the calls.\nA test makes this table and \
             fails when it is no longer true; this writes it anew:\n\n```sh\n"
                .to_owned();
        text.push_str(HOW);
        text.push_str(
            "\n```\n\n| operation | round trips | read units | write units | calls |\n|---|---|---|---|---|\n",
        );
        for (operation, row) in &self.rows {
            let (trips, told) = (row.calls.len(), row.told());
            writeln!(text, "| `{operation}` | {trips} | {} | {} | {told} |", row.reads, row.writes).unwrap();
        }
        text
    }
}

#[tokio::test]
async fn every_operation_costs_what_is_written_down() {
    let mut environment = Reader::from_environment();
    // Another DynamoDB gives no account on this wire.
    if environment.optional::<String>("TEST_DYNAMODB").is_some() {
        return;
    }
    let mut accounts = Accounts::open().await;
    let (tutor, admin) = (accounts.app.tutor("park").await, accounts.app.admin("root").await);
    accounts.accounts().await;
    accounts.applications(&admin).await;
    let pwt = accounts.projects(&tutor, &admin).await;
    let buyer = accounts.orders(&pwt, &admin).await;
    accounts.waitlist(&tutor, &admin, &buyer).await;
    accounts.schedule(&pwt, &buyer).await;
    accounts.statements(&tutor, &admin, &buyer).await;
    accounts.boards(&admin).await;
    accounts.files().await;
    accounts.note("get_me", |app| app.get("/v1/users/me").by(&buyer)).await;
    let name = json!({ "username": "새 이름" });
    accounts.note("update_me", |app| app.patch("/v1/users/me").by(&buyer).json(&name)).await;
    accounts.note("get_user", |app| app.get(&format!("/v1/users/{}", buyer.id))).await;
    accounts.note("get_health", |app| app.get("/v1/health")).await;
    accounts.note("get_openapi", |app| app.get("/v1/openapi.json")).await;
    accounts.note("answer_unknown_route", |app| app.get("/v1/nothing")).await;

    let with_row: Vec<&str> = accounts.rows.keys().copied().collect();
    let mut operations: Vec<&str> = accounts.app.routes.iter().map(|route| route.id).collect();
    operations.sort_unstable();
    assert_eq!(with_row, operations, "each operation has a row");

    let file = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/docs/costs.md"));
    let table = accounts.table();
    if environment.optional::<String>("UPDATE_COSTS").is_some() {
        fs::write(&file, &table).unwrap();
    }
    let committed = fs::read_to_string(&file).unwrap_or_default();
    assert!(committed == table, "infra/docs/costs.md is not true any more; {HOW}\n{table}");
}
