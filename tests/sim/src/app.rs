//! The real handlers of one host, called as a client calls them.

use std::sync::Arc;

use auth::{Cost, Hasher, SigningKey};
use axum::Router;
use bytes::Bytes;
use clock::Rng;
use config::{Payments, Secret, Settings};
use devloop_http::router;
use devloop_local::{
    functions::{Parts, reconcile, sweep, toss_over, work_on},
    queues::{CDN, PAYMENTS},
};
use futures::future::BoxFuture;
use http::{Method, Request, header};
use http_body_util::BodyExt;
use serde_json::Value;
use storage::Table;
use testkit::{client_through, table_through};
use toss::{NoAnswer, Transport};
use tower::ServiceExt;
use worker::Message;

use crate::{
    dice,
    faults::{Fault, Service},
    world::{Host, SECRET_KEY, TABLE, World, later},
};

const TOSS: &str = "http://toss.test";

/// Settings, made once: a signing key takes longer than a whole run.
pub fn settings() -> Settings {
    let key = SigningKey::generate(&Rng::from_seed(1)).unwrap();
    Settings {
        table: TABLE.to_owned(),
        region: "ap-northeast-2".to_owned(),
        dynamodb_endpoint: None,
        token_private_key: Some(key.private_pem),
        token_public_keys: key.public_jwks,
        refresh_key: Some(Secret::new("refresh-key-of-the-simulation")),
        cursor_key: Secret::new("cursor-key-of-the-simulation"),
        account_key: Some(Secret::new("00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff")),
        payments: Some(Payments {
            toss_base_url: TOSS.to_owned(),
            toss_secret_key: Secret::new(SECRET_KEY),
            toss_client_key: "test_ck_sim".to_owned(),
            success_url: "http://localhost/pay/success".to_owned(),
            fail_url: "http://localhost/pay/fail".to_owned(),
            max_order_total: 500_000_000,
            commission: 1_000,
            supplier: config::Supplier::default(),
            pwt_deposit_hours: 1,
        }),
        queues: None,
        cdn_queue: None,
        sqs_endpoint: None,
        cdn_base_url: "https://cdn.test".to_owned(),
        media_bucket: None,
        s3_endpoint: None,
        build: "sim".to_owned(),
    }
}

/// An answer that arrived.
#[derive(Clone, Debug)]
pub struct Reply {
    /// HTTP status.
    pub status: u16,
    /// JSON; null if there is none.
    pub body: Value,
    /// Seconds.
    pub retry_after: Option<u64>,
    /// Of the body.
    pub etag: Option<String>,
}

impl Reply {
    /// The stable code of a refusal.
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }
}

/// One host and its handlers.
#[derive(Debug)]
pub struct App {
    world: World,
    host: Host,
    parts: Parts,
    table: Table,
    router: Router,
}

impl App {
    /// All handlers, on a host whose clock is `skew_millis` ahead.
    pub async fn new(world: &World, settings: &Settings, name: &str, skew_millis: i64) -> Self {
        let host = Host::new(world, name);
        let rng = Rng::from_seed(dice::draw(world.seed(), &format!("host {name}"), 0));
        let toss = toss_over(Arc::new(host.clone()), TOSS, SECRET_KEY).unwrap();
        let hasher = Hasher::inline(Cost::TOY, rng.clone()).unwrap();
        let clock = world.clock(skew_millis);
        let connection = jobs::Connection {
            endpoint: Some("http://sqs.test".to_owned()),
            region: "ap-northeast-2".to_owned(),
            credentials: Some(("test".to_owned(), "test".to_owned())),
            http: Some(client_through(Arc::new(host.clone()), "")),
        };
        let cdn = jobs::Queue::connect(connection.clone(), &world.sqs().url(CDN), &clock, &rng).await;
        let jobs = jobs::Jobs::connect(connection, world.queues(), &clock, &rng).await;
        let settings = Settings { queues: Some(world.queues().clone()), ..settings.clone() };
        // Nobody uploads anything here.
        let nowhere = media::Connection {
            bucket: "nowhere".to_owned(),
            endpoint: Some("http://s3.test".to_owned()),
            region: "ap-northeast-2".to_owned(),
            credentials: Some(("test".to_owned(), "test".to_owned())),
            http: Some(client_through(Arc::new(host.clone()), "")),
        };
        let bucket = media::Bucket::connect(nowhere, &clock, &rng).await;
        let parts = Parts { settings, clock, rng, hasher, toss, jobs, cdn, bucket };
        let table = table_through(Arc::new(host.clone()), "", TABLE, &parts.clock, &parts.rng).await;
        let routes = parts.routes(&table).unwrap();
        Self { world: world.clone(), host, router: router(routes), table, parts }
    }

    /// The world that it is in.
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The table, as this host reaches it.
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// Sends a request. `None` if no answer came: the host died, or was cut off.
    pub async fn send(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        headers: &[(&'static str, &str)],
        body: &Value,
    ) -> Option<Reply> {
        self.host.does(operation_of(path), body["amount"].as_i64());
        let mut request = Request::new(axum::body::Body::from(body.to_string()));
        *request.method_mut() = method.clone();
        *request.uri_mut() = path.parse().unwrap();
        request.headers_mut().insert(header::CONTENT_TYPE, "application/json".parse().unwrap());
        if let Some(token) = token {
            request.headers_mut().insert(header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
        }
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let answered = self.host.invoke(async {
            let response = self.router.clone().oneshot(request).await.unwrap();
            let (parts, body) = response.into_parts();
            (parts, body.collect().await.unwrap().to_bytes())
        });
        let Some((parts, bytes)) = answered.await else {
            self.world.note(&format!("{method} {path} is not answered"));
            return None;
        };
        let text =
            |name| parts.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok()).map(str::to_owned);
        let reply = Reply {
            status: parts.status.as_u16(),
            body: serde_json::from_slice(&bytes).unwrap_or(Value::Null),
            retry_after: text(header::RETRY_AFTER).and_then(|seconds| seconds.parse().ok()),
            etag: text(header::ETAG),
        };
        self.world.note(&format!("{method} {path} {} {}", reply.status, reply.code()));
        if (path, reply.status) == ("/v1/orders", 201) {
            let (id, key) = (reply.body["id"].to_string(), headers.iter().find(|(name, _)| *name == "idempotency-key"));
            self.world.watch(|watch| watch.ordered(key.map(|(_, key)| *key).unwrap_or_default(), &id));
        }
        if reply.status == 500 {
            self.world.watch(|watch| watch.violation(format!("{method} {path} answers 500")));
        }
        Some(reply)
    }

    /// One run of each scheduled worker, which may die in it.
    pub async fn work(&self) {
        let orders = self.parts.orders(self.table.clone()).unwrap();
        self.host.does("order_sweeper", None);
        let swept = self.host.invoke(Box::pin(sweep(&orders))).await;
        self.host.does("payment_reconciler", None);
        let reconciled = self.host.invoke(Box::pin(reconcile(&orders))).await;
        self.world.note(&format!("swept {swept:?}, reconciled {reconciled:?}"));
    }

    /// Works on the messages that are there, as Lambda hands them over. Some come again.
    pub async fn hear(&self) {
        let orders = self.parts.orders(self.table.clone()).unwrap();
        self.host.does("payment_reconciler", None);
        loop {
            let batch = self.world.receive(PAYMENTS);
            if batch.is_empty() {
                return;
            }
            let (step, fault) = self.world.step("queue", Service::Delivery);
            self.world.note(&format!("{step} delivers {} {fault:?}", batch.len()));
            let mut messages: Vec<Message> = batch
                .iter()
                .map(|one| Message { id: one.id.clone(), body: one.body.clone(), receive_count: one.received })
                .collect();
            match fault {
                Some(Fault::RequestLost) => continue,
                Some(Fault::Reordered) => messages.reverse(),
                Some(Fault::Twice) => drop(self.host.invoke(Box::pin(work_on(&orders, messages.clone()))).await),
                _ => {}
            }
            let failures = self.host.invoke(Box::pin(work_on(&orders, messages))).await;
            self.world.note(&format!("heard, {:?} failed", failures.as_ref().map(worker::Failures::len)));
            // Who died, or whose answer is lost, has them delivered again when their time is over.
            if let Some(failures) = failures.filter(|_| fault != Some(Fault::AnswerLost)) {
                for one in batch.iter().filter(|one| !failures.contains(&one.id)) {
                    self.world.delete(PAYMENTS, one);
                }
            }
        }
    }

    /// Hears from Toss what Toss has to tell.
    pub async fn listen(&self) {
        let arrived = self.world.sandbox().deliver_webhooks(&Webhooks(self)).await.unwrap();
        if arrived > 0 {
            self.world.note(&format!("{arrived} webhooks arrived"));
        }
    }
}

/// The way of Toss's webhooks to their endpoint.
struct Webhooks<'a>(&'a App);

impl std::fmt::Debug for Webhooks<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhooks")
    }
}

impl Transport for Webhooks<'_> {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, NoAnswer>> {
        Box::pin(self.carry(request))
    }
}

impl Webhooks<'_> {
    async fn carry(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, NoAnswer> {
        let App { world, host, router, .. } = self.0;
        let (step, fault) = world.step("toss", Service::Webhook);
        world.note(&format!("{step} tells {fault:?} {}", String::from_utf8_lossy(request.body())));
        let lost = || NoAnswer::new("lost on the wire");
        let copy = || {
            let mut copy = http::Request::new(axum::body::Body::from(request.body().clone()));
            *copy.method_mut() = request.method().clone();
            *copy.uri_mut() = request.uri().path().parse().unwrap();
            *copy.headers_mut() = request.headers().clone();
            copy
        };
        host.does("receive_toss_webhook", None);
        match fault {
            Some(Fault::RequestLost) => return Err(lost()),
            Some(fault @ (Fault::Late | Fault::VeryLate)) => {
                let (host, answer) = (host.clone(), router.clone().oneshot(copy()));
                later(fault.lateness(), async move { drop(host.invoke(answer).await) });
                return Err(lost());
            }
            Some(Fault::Twice) => drop(host.invoke(router.clone().oneshot(copy())).await),
            _ => {}
        }
        let answer = host.invoke(router.clone().oneshot(copy())).await.ok_or_else(lost)?.unwrap();
        if fault == Some(Fault::AnswerLost) {
            return Err(lost());
        }
        Ok(answer.map(|_| Bytes::new()))
    }
}

/// The operations that bugs are planted in.
fn operation_of(path: &str) -> &'static str {
    match path {
        "/v1/orders" => "create_order",
        "/v1/payments/confirm" => "confirm_payment",
        "/v1/payments/fail" => "fail_payment",
        path if path.ends_with("/cancel") => "cancel_order",
        path if path.ends_with("/waitlist") => "join_waitlist",
        path if path.ends_with("/waitlist/me") => "leave_waitlist",
        _ => "another",
    }
}
