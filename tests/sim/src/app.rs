//! The real handlers of one host, called as a client calls them.

use std::sync::Arc;

use auth::{Cost, Hasher, SigningKey};
use axum::Router;
use clock::Rng;
use config::{Payments, Secret, Settings};
use devloop_http::router;
use devloop_local::{
    functions::{Parts, reconcile, sweep, toss_over},
    queues::Pump,
};
use http::{Method, Request, header};
use http_body_util::BodyExt;
use serde_json::Value;
use storage::Table;
use testkit::{client_through, table_through};
use tower::ServiceExt;

use crate::{
    dice,
    world::{Host, SECRET_KEY, TABLE, World},
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
            pwt_deposit_hours: 0,
        }),
        queues: None,
        sqs_endpoint: None,
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
        let jobs = jobs::Jobs::connect(connection, world.queues(), &clock, &rng).await;
        let settings = Settings { queues: Some(world.queues().clone()), ..settings.clone() };
        let parts = Parts { settings, clock, rng, hasher, toss, jobs };
        let table = table_through(Arc::new(host.clone()), "", TABLE, &parts.clock, &parts.rng).await;
        let routes = parts.routes(&table).unwrap();
        Self { world: world.clone(), host, router: router(routes), table, parts }
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

    /// Works on the messages that are there, which may come again.
    pub async fn hear(&self) {
        let orders = self.parts.orders(self.table.clone()).unwrap();
        self.host.does("payment_reconciler", None);
        let pump = Pump::new(self.world.sqs().clone(), orders);
        let played = self.host.invoke(Box::pin(pump.drain())).await;
        self.world.note(&format!("played {played:?}"));
    }
}

/// The operations that bugs are planted in.
fn operation_of(path: &str) -> &'static str {
    match path {
        "/v1/orders" => "create_order",
        "/v1/payments/confirm" => "confirm_payment",
        "/v1/payments/fail" => "fail_payment",
        path if path.ends_with("/cancel") => "cancel_order",
        _ => "another",
    }
}
