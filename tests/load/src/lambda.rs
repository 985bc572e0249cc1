//! A stand-in for the Lambda service: the Runtime API, as far as one invocation goes.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html>

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::Bytes,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{
    net::TcpListener,
    sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel},
};

use crate::{client::text, machine, world::World};

/// A deployed function: its binary, its settings and an event for it.
#[derive(Debug)]
pub struct Function {
    binary: PathBuf,
    settings: Vec<(&'static str, String)>,
    event: String,
}

/// One cold start.
#[derive(Debug)]
pub struct ColdStart {
    pub first_poll: Duration,
    pub first_answer: Duration,
    /// In MiB.
    pub resident: f64,
}

enum Happened {
    Polled(Instant),
    Answered(Instant, Value),
}

#[derive(Clone)]
struct Service {
    event: Arc<str>,
    invoked: Arc<AtomicBool>,
    happened: UnboundedSender<Happened>,
}

impl Function {
    /// `get_pwt` over the table of `world`.
    pub fn new(world: &World, binary: &Path) -> Self {
        let secrets = std::fs::read(world.server.data.join("secrets.json")).unwrap();
        let secrets: Value = serde_json::from_slice(&secrets).unwrap();
        let settings = vec![
            ("OPERATION", "get_pwt".to_owned()),
            ("TABLE_NAME", "devloop".to_owned()),
            ("AWS_REGION", "ap-northeast-2".to_owned()),
            ("AWS_ENDPOINT_URL_DYNAMODB", world.server.dynamodb_url.clone()),
            ("AWS_ACCESS_KEY_ID", "local".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "local".to_owned()),
            ("TOKEN_PUBLIC_KEYS", text(&secrets, "/tokenPublicKeys")),
            ("CURSOR_KEY", text(&secrets, "/cursorKey")),
            ("CDN_BASE_URL", "https://cdn.devloop.kr".to_owned()),
            ("AWS_LAMBDA_FUNCTION_NAME", "get_pwt".to_owned()),
            ("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST".to_owned()),
            ("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256".to_owned()),
        ];
        Self { binary: binary.to_owned(), settings, event: event(&world.pwt).to_string() }
    }

    /// Starts the process, hands it one event and ends it.
    pub async fn start(&self) -> ColdStart {
        let (happened, mut happens) = unbounded_channel();
        let service = Service { event: self.event.as_str().into(), invoked: Arc::default(), happened };
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(answered))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(failed))
            .with_state(service);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let serving = tokio::spawn(async move { axum::serve(listener, router).await });

        let mut command = Command::new(&self.binary);
        command.env_clear().envs(self.settings.iter().cloned()).env("AWS_LAMBDA_RUNTIME_API", address);
        let started = Instant::now();
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        let waited = tokio::time::timeout(Duration::from_secs(10), first(&mut happens)).await;
        let (polled, answered) = waited.unwrap_or_else(|_| panic!("no answer; ended: {:?}", child.try_wait()));
        let resident = machine::memory(child.id(), "VmRSS");
        child.kill().unwrap();
        child.wait().unwrap();
        serving.abort();
        ColdStart { first_poll: polled - started, first_answer: answered - started, resident }
    }
}

async fn first(happens: &mut UnboundedReceiver<Happened>) -> (Instant, Instant) {
    let mut polled = None;
    loop {
        match happens.recv().await.unwrap() {
            Happened::Polled(at) => polled = polled.or(Some(at)),
            Happened::Answered(at, answer) => {
                assert_eq!(answer["statusCode"], 200, "{answer}");
                return (polled.unwrap(), at);
            }
        }
    }
}

async fn next(State(service): State<Service>) -> Response {
    drop(service.happened.send(Happened::Polled(Instant::now())));
    if service.invoked.swap(true, Ordering::Relaxed) {
        std::future::pending::<()>().await;
    }
    let headers = [
        ("lambda-runtime-aws-request-id", "8476a536-e9f4-11e8-9739-2dfe598c3fcd"),
        ("lambda-runtime-deadline-ms", "4102444800000"),
        ("lambda-runtime-invoked-function-arn", "arn:aws:lambda:ap-northeast-2:000000000000:function:get_pwt"),
        ("lambda-runtime-trace-id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Sampled=0"),
        ("content-type", "application/json"),
    ];
    (headers, service.event.to_string()).into_response()
}

async fn answered(State(service): State<Service>, body: Bytes) -> StatusCode {
    let at = Instant::now();
    let answer = serde_json::from_slice(&body).unwrap_or_else(|_| json!(String::from_utf8_lossy(&body)));
    drop(service.happened.send(Happened::Answered(at, answer)));
    StatusCode::ACCEPTED
}

async fn failed(State(service): State<Service>, body: Bytes) -> StatusCode {
    answered(State(service), body).await
}

/// What API Gateway sends for `GET /v1/pwts/{pwtId}`, payload format 2.0.
fn event(pwt: &str) -> Value {
    let path = format!("/v1/pwts/{pwt}");
    json!({
        "version": "2.0", "routeKey": "GET /v1/pwts/{pwtId}", "rawPath": path, "rawQueryString": "",
        "headers": { "accept": "application/json", "host": "api.example.com", "x-forwarded-for": "203.0.113.7" },
        "pathParameters": { "pwtId": pwt },
        "requestContext": {
            "accountId": "000000000000", "apiId": "api", "domainName": "api.example.com", "domainPrefix": "api",
            "http": {
                "method": "GET", "path": path, "protocol": "HTTP/1.1", "sourceIp": "203.0.113.7", "userAgent": "load",
            },
            "requestId": "JKJaXmPLvHcESHA=", "routeKey": "GET /v1/pwts/{pwtId}", "stage": "$default",
            "time": "24/Nov/2026:00:00:00 +0000", "timeEpoch": 1_795_478_400_000_u64,
        },
        "isBase64Encoded": false,
    })
}
