//! What users see while a dependency is down, hangs or is slow, and what operators see: over real HTTP.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that meets something else must stop there"
)]
#![cfg(unix)]

mod started;

use reqwest::Client;
use serde_json::{Value, json};
use started::{Account, Reply, Server, admin, get, http, post, project, sign_up, tutor};

/// A server with a project on sale, and somebody who ordered a seat of it and went through the payment window.
struct Shop {
    http: Client,
    server: Server,
    kim: Account,
    pwt: String,
    order: Value,
    authenticated: Value,
    _data: tempfile::TempDir,
}

impl Shop {
    async fn open() -> Self {
        let data = tempfile::tempdir().unwrap();
        let http = http();
        let server = Server::start(data.path()).await;
        let admin = admin(&http, &server).await;
        let tutor = tutor(&http, &server.api, &admin).await;
        let pwt = project(&http, &server.api, &tutor, &admin, 10, 50_000).await;
        let kim = sign_up(&http, &server.api, "kim").await;
        let order = post("/v1/orders", json!({ "productIds": [pwt] })).by(&kim).header("idempotency-key", "order");
        let order = order.send(&http, &server.api).await.expect(201);
        let asked = json!({ "orderId": order["id"], "amount": order["total"] });
        let authenticated = post("/sandbox/authenticate", asked).send(&http, &server.toss).await.expect(200);
        Self { http, server, kim, pwt, order, authenticated, _data: data }
    }

    async fn local(&self, path: &str) -> Value {
        get(&format!("/_local/{path}")).send(&self.http, &self.server.api).await.expect(200)
    }

    async fn turn(&self, body: Value) -> Reply {
        post("/_local/dependencies", body).send(&self.http, &self.server.api).await
    }

    /// How one dependency is shown.
    async fn shown(&self, name: &str) -> Value {
        let all = self.local("dependencies").await;
        all.as_array().unwrap().iter().find(|shown| shown["name"] == name).unwrap().clone()
    }

    async fn confirm(&self) -> Reply {
        let confirm = post("/v1/payments/confirm", self.authenticated.clone()).by(&self.kim);
        confirm.header("idempotency-key", "confirm").send(&self.http, &self.server.api).await
    }

    async fn state(&self) -> Value {
        let path = format!("/v1/orders/{}", self.order["id"].as_str().unwrap());
        get(&path).by(&self.kim).send(&self.http, &self.server.api).await.expect(200)["state"].clone()
    }

    async fn page(&self) -> String {
        self.http.get(format!("{}/_local", self.server.api)).send().await.unwrap().text().await.unwrap()
    }

    async fn advance(&self, seconds: u32) -> Value {
        post("/_local/clock", json!({ "advanceSeconds": seconds })).send(&self.http, &self.server.api).await.expect(200)
    }
}

#[tokio::test]
async fn a_table_that_hangs_or_is_down_is_told_as_busy_and_leaves_nobody_stuck() {
    let shop = Shop::open().await;
    for mode in ["hang", "down"] {
        shop.turn(json!({ "name": "dynamodb", "mode": mode })).await.expect(200);
        let seats = format!("/v1/pwts/{}/seats", shop.pwt);
        let asked = (0..40).map(|_| get(&seats).send(&shop.http, &shop.server.api));
        for refused in futures::future::join_all(asked).await {
            assert_eq!((refused.status.as_u16(), refused.text("/code").as_str()), (503, "BUSY"), "{mode}");
            assert_eq!(refused.headers["retry-after"], "1", "{mode}");
            assert_eq!(refused.headers["content-type"], "application/problem+json");
        }
        // Everybody was answered: nothing is held any more but a look at the stream, and operators still see how things are.
        let shown = shop.shown("dynamodb").await;
        assert_eq!(shown["mode"], mode);
        assert!(shown["held"].as_u64().unwrap() <= u64::from(mode == "hang"), "{shown}");
        assert_eq!(shop.local("holds").await["holds"][0]["orderId"], shop.order["id"]);
        let health = get("/v1/health").send(&shop.http, &shop.server.api).await;
        assert_eq!(health.body["table"], "DOWN", "{mode}: {}", health.body);
    }
    shop.turn(json!({ "name": "dynamodb", "mode": "up" })).await.expect(200);
    assert_eq!(shop.confirm().await.expect(200)["state"], "PAID");
}

#[tokio::test]
async fn a_toss_that_hangs_or_is_down_is_told_as_not_yet_known() {
    for mode in ["hang", "down"] {
        let shop = Shop::open().await;
        shop.turn(json!({ "name": "toss", "mode": mode })).await.expect(200);
        let confirm = shop.confirm().await;
        assert!(!confirm.headers["retry-after"].is_empty(), "{mode}");
        assert_eq!(confirm.expect(202)["state"], "CONFIRMING", "{mode}");
        let holds = shop.local("holds").await;
        assert_eq!((&holds["confirming"], &holds["holds"][0]["until"]), (&json!(1), &Value::Null), "{mode}: {holds}");
        // Everything that needs no payment goes on.
        let lee = sign_up(&shop.http, &shop.server.api, "lee").await;
        let order = post("/v1/orders", json!({ "productIds": [shop.pwt] })).by(&lee).header("idempotency-key", "lee");
        order.send(&shop.http, &shop.server.api).await.expect(201);
        shop.turn(json!({ "name": "toss", "mode": "up" })).await.expect(200);
        shop.advance(120).await;
        assert_eq!(shop.state().await, "PAID", "{mode}");
        let charges = get("/sandbox/charges").send(&shop.http, &shop.server.toss).await.expect(200);
        assert_eq!(charges[0]["captures"], 1, "{mode}");
    }
}

#[tokio::test]
async fn queues_that_are_down_keep_no_buyer_waiting() {
    for mode in ["hang", "down"] {
        let shop = Shop::open().await;
        shop.turn(json!({ "name": "sqs", "mode": mode })).await.expect(200);
        assert_eq!(shop.confirm().await.expect(200)["state"], "PAID", "{mode}");
        let event = json!({ "eventType": "PAYMENT_STATUS_CHANGED", "data": { "orderId": shop.order["id"] } });
        let refused = post("/v1/webhooks/toss", event.clone()).send(&shop.http, &shop.server.api).await;
        assert_eq!((refused.status.as_u16(), &refused.headers["retry-after"]), (503, &"1".parse().unwrap()), "{mode}");
        shop.turn(json!({ "name": "sqs", "mode": "up" })).await.expect(200);
        post("/v1/webhooks/toss", event).send(&shop.http, &shop.server.api).await.expect(200);
    }
}

#[tokio::test]
async fn the_operators_page_shows_what_is_broken_held_and_given_up() {
    let shop = Shop::open().await;
    for (body, told) in [
        (json!({ "name": "kafka", "mode": "down" }), "cloudfront, dynamodb, s3, sqs, toss"),
        (json!({ "name": "toss", "mode": "slow" }), "milliseconds"),
        (json!({ "name": "toss", "mode": "hang", "milliseconds": 5 }), "milliseconds"),
    ] {
        let refused = shop.turn(body).await.expect(400);
        assert!(refused["message"].as_str().unwrap().contains(told), "{refused}");
    }
    shop.turn(json!({ "name": "toss", "mode": "broken" })).await.expect(422);
    shop.turn(json!({ "name": "toss", "mode": "slow", "milliseconds": 30 })).await.expect(200);
    let slow = json!({ "name": "toss", "mode": "slow", "milliseconds": 30, "held": 0 });
    assert_eq!(shop.shown("toss").await, slow);
    let holds = shop.local("holds").await;
    let order = shop.order["id"].as_str().unwrap();
    let hold = json!({
        "orderId": order, "state": "PENDING", "until": shop.order["holdUntil"],
        "products": [{ "id": shop.pwt, "title": "10석 프로젝트" }],
    });
    assert_eq!((&holds["held"], &holds["holds"]), (&json!(1), &json!([hold])));
    assert_eq!(shop.local("dead-letters").await, json!([]));

    // A message that nobody can read: five deliveries later it is a dead letter.
    let sqs = shop.local("places").await["sqs"].as_str().unwrap().to_owned();
    let body = json!({
        "QueueUrl": format!("{sqs}/000000000000/payments"),
        "MessageBody": json!({ "version": 999, "kind": "CheckPayment", "orderId": order, "email": "canary" }).to_string(),
    });
    let send = shop.http.post(&sqs).header("x-amz-target", "AmazonSQS.SendMessage").body(body.to_string());
    assert!(send.send().await.unwrap().status().is_success());
    for _ in 0..6 {
        shop.advance(331).await;
    }
    let letters = shop.local("dead-letters").await;
    let letter = &letters.as_array().unwrap()[0];
    assert_eq!(
        (&letter["queue"], &letter["source"], &letter["kind"], &letter["orderId"], &letter["receives"]),
        (&json!("payments-dead-letters"), &json!("payments"), &json!("CheckPayment"), &json!(order), &json!(5)),
    );
    let page = shop.page().await;
    for shown in [order, "느림 (+30ms)", "CheckPayment", "payments-dead-letters", "되돌려 보내기"] {
        assert!(page.contains(shown), "{shown} in {page}");
    }
    assert!(!page.contains("canary") && !letters.to_string().contains("canary"), "{letters}");
    let redrive = post("/_local/queues/redrive", json!({ "queue": "payments-dead-letters" }));
    assert_eq!(redrive.send(&shop.http, &shop.server.api).await.expect(200), json!({ "moved": 1 }));
    assert_eq!(shop.local("dead-letters").await, json!([]));
}

#[tokio::test]
async fn an_uploaded_file_outlives_a_kill_and_an_s3_that_is_down() {
    let data = tempfile::tempdir().unwrap();
    let http = http();
    let server = Server::start(data.path()).await;
    let kim = sign_up(&http, &server.api, "kim").await;
    let bytes = b"%PDF-1.7\n%%EOF\n".as_slice();
    let body =
        json!({ "purpose": "PARTY", "fileName": "a.pdf", "contentType": "application/pdf", "size": bytes.len() });
    let asked = post("/v1/attachments", body).by(&kim).send(&http, &server.api).await.expect(201);
    let url = asked["upload"]["url"].as_str().unwrap();
    let put = async |content_type: &str| {
        let put = http.put(url).header("content-type", content_type).header("origin", "http://localhost:3000");
        let answer = put.body(bytes).send().await.unwrap();
        let origin = answer.headers().get("access-control-allow-origin").cloned();
        (answer.status().as_u16(), origin.map(|origin| origin.to_str().unwrap().to_owned()))
    };
    let allowed = Some("http://localhost:3000".to_owned());
    assert_eq!(put("text/html").await, (403, allowed.clone()));
    assert_eq!(put("application/pdf").await, (200, allowed));
    server.kill();

    let server = Server::start(data.path()).await;
    let complete = format!("/v1/attachments/{}/complete", asked["id"].as_str().unwrap());
    let complete = || post(&complete, json!({})).by(&kim).send(&http, &server.api);
    let turn = async |mode: &str| {
        let turn = post("/_local/dependencies", json!({ "name": "s3", "mode": mode }));
        turn.send(&http, &server.api).await.expect(200)
    };
    turn("down").await;
    let busy = complete().await;
    assert_eq!(busy.headers["retry-after"], "1");
    busy.expect(503);
    turn("up").await;
    assert_eq!(complete().await.expect(200)["state"], "READY");
    // Nothing uses it: two hourly runs later it is gone.
    for _ in 0..2 {
        post("/_local/clock", json!({ "advanceSeconds": 22 * 60 * 60 })).send(&http, &server.api).await.expect(200);
    }
    let folder = data.path().join("s3/devloop-media");
    let left = std::fs::read_dir(folder).unwrap().flat_map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap());
    assert_eq!(left.count(), 0);
}
