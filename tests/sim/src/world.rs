//! The world of one run: virtual time, a DynamoDB and a Toss in memory, and one function that every call goes through.

use std::{
    collections::BTreeMap,
    fmt::{self, Write as _},
    future::pending,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use aws_lc_rs::digest;
use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use bytes::Bytes;
use clock::{Clock, Now, Rng};
use config::Queues;
use devloop_local::{
    queues,
    sqs::{self, Sqs},
    toss_sandbox::{FaultKind, Location, Operation, TossSandbox},
};
use futures::future::BoxFuture;
use http_body_util::BodyExt;
use serde_json::Value;
use testkit::{Call, Embedded, Lost, Passage};
use tokio::{sync::Notify, time::Instant};
use toss::{NoAnswer, TimeOut, Transport};
use tower::ServiceExt;

use crate::{
    bugs::Bug,
    dice,
    faults::{Fault, Plan, Service, Step, latency},
    gates::{Gate, Gates},
    replica::{Replica, may_be_stale},
    watch::Watch,
};

/// The table's name.
pub const TABLE: &str = "devloop";
/// The sandbox's secret key.
pub const SECRET_KEY: &str = "test_sk_sim";
/// Where Toss sends its webhooks.
const WEBHOOKS: &str = "http://api.test/v1/webhooks/toss";
/// When every run begins: 2026-11-24T00:00:00Z.
const EPOCH_MILLIS: i64 = 1_795_478_400_000;

/// By how many milliseconds a clock may be ahead or behind.
pub const LARGEST_SKEW: i64 = 5_000;

/// A run's world. Clones share it.
#[derive(Clone)]
pub struct World(Arc<Inner>);

struct Inner {
    seed: u64,
    started: Instant,
    dynamo: Embedded,
    sandbox: TossSandbox,
    sqs: Sqs,
    queues: Queues,
    bug: Option<Bug>,
    toss_moved: Notify,
    state: Mutex<State>,
}

struct State {
    plan: Plan,
    over: bool,
    counts: BTreeMap<String, u64>,
    services: BTreeMap<Step, Service>,
    struck: BTreeMap<Step, Fault>,
    history: digest::Context,
    lines: Option<Vec<String>>,
    watch: Watch,
    gates: Gates,
    replica: Replica,
    writes: u64,
    stale: bool,
    /// What is due first, after how many writes.
    due: Option<(u64, Option<String>)>,
}

impl fmt::Debug for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World").field("seed", &self.0.seed).finish_non_exhaustive()
    }
}

/// Virtual time, as one machine has it.
#[derive(Debug)]
struct Virtual {
    started: Instant,
    skew_millis: i64,
}

impl Now for Virtual {
    fn unix_millis(&self) -> i64 {
        let elapsed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        EPOCH_MILLIS.saturating_add(elapsed).saturating_add(self.skew_millis)
    }
}

impl World {
    /// A new world. Must be made inside of a runtime whose time is paused.
    pub fn new(seed: u64, bug: Option<Bug>, verbose: bool) -> Self {
        #[expect(clippy::disallowed_methods, reason = "the runtime's clock is virtual here")]
        let started = Instant::now();
        let clock = Clock::new(Virtual { started, skew_millis: 0 });
        let sandbox =
            TossSandbox::open(&Location::Memory, clock.clone(), Rng::from_seed(seed ^ 1), SECRET_KEY).unwrap();
        let sqs = Sqs::open(&sqs::Location::Memory, clock, Rng::from_seed(seed ^ 2)).unwrap();
        let queues = queues::declare(&sqs).unwrap();
        sandbox.send_webhooks_to(WEBHOOKS);
        Self(Arc::new(Inner {
            seed,
            started,
            dynamo: Embedded::memory(),
            sandbox,
            sqs,
            queues,
            bug,
            toss_moved: Notify::new(),
            state: Mutex::new(State {
                plan: Plan::Calm,
                over: false,
                counts: BTreeMap::new(),
                services: BTreeMap::new(),
                struck: BTreeMap::new(),
                history: digest::Context::new(&digest::SHA256),
                lines: verbose.then(Vec::new),
                watch: Watch::default(),
                gates: Gates::default(),
                replica: Replica::new(),
                writes: 0,
                stale: false,
                due: None,
            }),
        }))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.0.seed
    }

    /// Toss.
    pub fn sandbox(&self) -> &TossSandbox {
        &self.0.sandbox
    }

    /// The queues.
    pub fn sqs(&self) -> &Sqs {
        &self.0.sqs
    }

    /// Where they are.
    pub fn queues(&self) -> &Queues {
        &self.0.queues
    }

    /// The database, for those who look at it from outside.
    pub fn dynamo(&self) -> &Embedded {
        &self.0.dynamo
    }

    /// A clock that is `skew_millis` ahead of the world's.
    pub fn clock(&self, skew_millis: i64) -> Clock {
        Clock::new(Virtual { started: self.0.started, skew_millis })
    }

    /// From now on steps go wrong as planned.
    pub fn plan(&self, plan: Plan) {
        self.state().plan = plan;
    }

    /// From now on nothing goes wrong, and steps are not counted any more.
    pub fn calm_down(&self) {
        let mut state = self.state();
        state.plan = Plan::Calm;
        state.over = true;
    }

    /// How often the table was written to.
    pub fn writes(&self) -> u64 {
        self.state().writes
    }

    /// Whether a schedule has something to do now, or has within the difference between clocks.
    /// One that has not changes nothing.
    pub fn has_due(&self) -> bool {
        let mut state = self.state();
        let writes = state.writes;
        let (_, due) = state.due.take_if(|(of, _)| *of == writes).unwrap_or_else(|| (writes, self.next_due()));
        let now = self.clock(LARGEST_SKEW).now();
        let has_due = due.as_ref().is_some_and(|due| *due <= format!("{now}~"));
        state.due = Some((writes, due));
        has_due
    }

    /// The first of what schedules look for.
    fn next_due(&self) -> Option<String> {
        let (_, answer) = self.0.dynamo.answer("Scan", &serde_json::json!({ "TableName": TABLE }));
        let answer: Value = serde_json::from_str(&answer).unwrap();
        let text = |item: &Value, name: &str| item[name]["S"].as_str().unwrap_or_default().to_owned();
        let items = answer["Items"].as_array().unwrap();
        items.iter().filter(|item| text(item, "gsi1pk").contains("_DUE")).map(|item| text(item, "gsi1sk")).min()
    }

    /// What befell whom.
    pub fn struck(&self) -> BTreeMap<Step, Fault> {
        self.state().struck.clone()
    }

    /// Every step and what it was for.
    pub fn steps(&self) -> BTreeMap<Step, Service> {
        self.state().services.clone()
    }

    /// Forgets the steps so far, those of the preparation. From now on reads may be stale.
    pub fn begin(&self) {
        let mut state = self.state();
        state.counts.clear();
        state.services.clear();
        state.stale = true;
    }

    /// Stops the next call of `actor` that mentions `text` before it has any effect, until it is let through.
    pub fn hold(&self, actor: &str, text: &str) -> Gate {
        self.state().gates.hold(actor, text)
    }

    /// Waits until a payment was moved at Toss, or for a minute.
    pub async fn toss_moved(&self) {
        tokio::select! {
            biased;
            () = self.0.toss_moved.notified() => {}
            () = tokio::time::sleep(Duration::from_mins(1)) => {}
        }
    }

    /// An operator of the shop cancels a payment in full, at Toss and past us.
    pub async fn cancel_at_console(&self, payment_key: &str) {
        let request = http::Request::post(format!("http://toss.test/v1/payments/{payment_key}/cancel"))
            .header("authorization", format!("Basic {}", BASE64.encode(format!("{SECRET_KEY}:"))))
            .header("content-type", "application/json")
            .header("idempotency-key", format!("console-{payment_key}"))
            .body(Bytes::from_static(br#"{"cancelReason":"console"}"#));
        let answer = self.0.sandbox.transport().send(request.unwrap()).await.unwrap();
        assert_eq!(answer.status(), 200, "{:?}", answer.body());
        self.note("cancelled at the console");
        self.0.toss_moved.notify_one();
    }

    /// What was seen to be wrong, and what was reached.
    pub fn watch<T>(&self, look: impl FnOnce(&mut Watch) -> T) -> T {
        look(&mut self.state().watch)
    }

    /// The hash of everything that happened.
    pub fn hash(&self) -> String {
        hex::encode(self.state().history.clone().finish())
    }

    /// What happened, if it was to be told.
    pub fn told(&self) -> Vec<String> {
        self.state().lines.clone().unwrap_or_default()
    }

    /// Notes something in the history.
    pub fn note(&self, line: &str) {
        let at = self.0.started.elapsed().as_millis();
        let mut state = self.state();
        state.history.update(format!("{at} {line}\n").as_bytes());
        if let Some(lines) = &mut state.lines {
            lines.push(format!(
                "{:>9.3} s  {}",
                Duration::from_millis(u64::try_from(at).unwrap_or(0)).as_secs_f64(),
                line.chars().take(400).collect::<String>()
            ));
        }
    }

    /// Counts a call and decides what befalls it.
    pub fn step(&self, actor: &str, service: Service) -> (Step, Option<Fault>) {
        let mut state = self.state();
        let count = state.counts.entry(actor.to_owned()).or_default();
        let step = Step { actor: actor.to_owned(), n: *count };
        *count += 1;
        if !state.over {
            state.services.insert(step.clone(), service);
        }
        let fault = state.plan.at(&step, service);
        if let Some(fault) = fault {
            state.struck.insert(step.clone(), fault);
            state.watch.reached(&format!("fault {fault:?}"));
        }
        (step, fault)
    }

    fn dynamo_effect(&self, call: &Call) -> (u16, String) {
        /// How far reads may be behind, in milliseconds: mostly, and once in a while.
        const LAG: [u64; 2] = [1_500, 30_000];
        let mut state = self.state();
        let State { replica, watch, writes, stale, .. } = &mut *state;
        #[expect(clippy::disallowed_methods, reason = "the runtime's clock is virtual here")]
        let now = Instant::now();
        if *stale && may_be_stale(call) {
            return replica.answer(call, now);
        }
        let (status, json) = self.0.dynamo.answer(&call.operation, &call.body);
        if status == 200 && !is_read(&call.operation) {
            *writes += 1;
            let longest = LAG[usize::from(dice::below(self.0.seed, "long lag", *writes, 40) == 0)];
            let lag = if *stale { dice::below(self.0.seed, "lag", *writes, longest) } else { 0 };
            replica.follow(call, now, Duration::from_millis(lag));
            watch.after(&self.0.dynamo, &self.0.sandbox, call, self.0.started.elapsed());
        } else if json.contains("ValidationException") {
            watch.violation(format!("DynamoDB refuses {}: {json}", call.operation));
        }
        (status, json)
    }
}

fn is_read(operation: &str) -> bool {
    matches!(operation, "GetItem" | "BatchGetItem" | "Query" | "TransactGetItems" | "DescribeTable")
}

/// One process that makes calls: it can die at any of them, and be started anew.
#[derive(Clone, Debug)]
pub struct Host {
    world: World,
    name: Arc<str>,
    doing: Arc<Mutex<(&'static str, Option<i64>)>>,
    killed: Arc<Notify>,
}

impl Host {
    /// A host whose steps are counted under `name`.
    pub fn new(world: &World, name: &str) -> Self {
        Self { world: world.clone(), name: name.into(), doing: Arc::default(), killed: Arc::default() }
    }

    /// What it is about to do: the operation that its calls are labelled with, and the amount
    /// that the client says is to be paid.
    pub fn does(&self, operation: &'static str, amount: Option<i64>) {
        *self.doing.lock().unwrap_or_else(PoisonError::into_inner) = (operation, amount);
    }

    /// Runs one invocation until it ends, dies or is cut off after 28 seconds.
    pub async fn invoke<T>(&self, work: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            () = self.killed.notified() => None,
            done = work => Some(done),
            () = tokio::time::sleep(Duration::from_secs(28)) => None,
        }
    }

    /// Waits where a scenario wants it to.
    async fn pass_gate(&self, told: &str) {
        let gate = self.world.state().gates.meet(&self.name, told);
        if let Some(gate) = gate {
            self.world.note(&format!("{} is held", self.name));
            gate.wait().await;
        }
    }

    async fn die(&self) -> ! {
        self.world.note(&format!("{} dies", self.name));
        self.killed.notify_one();
        pending().await
    }

    async fn dynamo(&self, mut call: Call) -> Result<(u16, String), Lost> {
        let world = &self.world;
        let (operation, amount) = *self.doing.lock().unwrap_or_else(PoisonError::into_inner);
        call.by = operation;
        let service = match call.operation.as_str() {
            "BatchGetItem" => Service::BatchRead,
            operation if is_read(operation) => Service::Read,
            _ => Service::Write,
        };
        let (step, fault) = world.step(&self.name, service);
        if let Some(bug) = world.0.bug {
            bug.alter(&mut call);
        }
        let told = format!(
            "{step} {} {} {}",
            call.operation,
            fault.map_or(String::new(), |fault| format!("{fault:?}")),
            sorted(&call.body)
        );
        tokio::time::sleep(latency(world.seed(), &step, "to")).await;
        world.note(&told);
        self.pass_gate(&told).await;
        let effect = || world.dynamo_effect(&call);
        let answer = match fault {
            None => effect(),
            Some(Fault::CrashBefore) => self.die().await,
            Some(Fault::CrashAfter) => {
                effect();
                self.die().await
            }
            Some(Fault::AnswerLost | Fault::BrokenAfter) => {
                let _unheard = effect();
                if fault == Some(Fault::AnswerLost) {
                    return Err(Lost);
                }
                error(500, "InternalServerError")
            }
            Some(Fault::Late | Fault::VeryLate) => {
                let wait = if fault == Some(Fault::Late) { 3 } else { 25 };
                let (world, call) = (world.clone(), call.clone());
                later(Duration::from_secs(wait), async move {
                    world.note(&format!("late {} {}", call.operation, sorted(&call.body)));
                    let _unheard = world.dynamo_effect(&call);
                });
                tokio::time::sleep(Duration::from_secs(2)).await;
                return Err(Lost);
            }
            Some(Fault::Throttled) => error(400, "ProvisionedThroughputExceededException"),
            Some(Fault::Conflict) => conflict(&call),
            Some(Fault::Broken) => error(500, "InternalServerError"),
            Some(Fault::Unprocessed) => {
                let unread = serde_json::json!({ "Responses": {}, "UnprocessedKeys": call.body["RequestItems"] });
                (200, unread.to_string())
            }
            Some(_) => return Err(Lost),
        };
        tokio::time::sleep(latency(world.seed(), &step, "back")).await;
        world.note(&format!("{step} {}", answer.0));
        let answer = match world.0.bug {
            Some(bug) => bug.alter_answer(&call, amount, answer),
            None => answer,
        };
        Ok(answer)
    }

    /// A message on its way into a queue.
    async fn queue(&self, call: Call) -> Result<(u16, String), Lost> {
        let world = &self.world;
        let (step, fault) = world.step(&self.name, Service::Queue);
        tokio::time::sleep(latency(world.seed(), &step, "to")).await;
        world.note(&format!("{step} {} {fault:?} {}", call.operation, sorted(&call.body)));
        let send = async || {
            let mut request = http::Request::new(axum::body::Body::from(call.body.to_string()));
            *request.method_mut() = http::Method::POST;
            let target = format!("AmazonSQS.{}", call.operation);
            request.headers_mut().insert("x-amz-target", target.parse().unwrap());
            request.headers_mut().insert("content-type", "application/x-amz-json-1.0".parse().unwrap());
            let response = world.sqs().router().oneshot(request).await.unwrap();
            let status = response.status().as_u16();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            (status, String::from_utf8_lossy(&body).into_owned())
        };
        let answer = match fault {
            None => send().await,
            Some(Fault::CrashBefore) => self.die().await,
            Some(Fault::CrashAfter) => {
                send().await;
                self.die().await
            }
            Some(Fault::AnswerLost) => {
                send().await;
                return Err(Lost);
            }
            Some(Fault::Twice) => {
                send().await;
                send().await
            }
            Some(Fault::Broken) => error(500, "InternalError"),
            Some(_) => return Err(Lost),
        };
        tokio::time::sleep(latency(world.seed(), &step, "back")).await;
        Ok(answer)
    }

    async fn toss(&self, request: http::Request<Bytes>) -> Result<http::Response<Bytes>, NoAnswer> {
        let world = &self.world;
        let TimeOut(limit) = request.extensions().get().copied().unwrap_or(TimeOut::USUAL);
        let posts = request.method() == http::Method::POST;
        let service = if posts { Service::TossPost } else { Service::TossQuery };
        let (step, fault) = world.step(&self.name, service);
        let request = match world.0.bug {
            Some(bug) => bug.alter_toss(request, &step),
            None => request,
        };
        let path = request.uri().path().to_owned();
        let key = request.headers().get("idempotency-key").and_then(|key| key.to_str().ok()).unwrap_or("").to_owned();
        tokio::time::sleep(latency(world.seed(), &step, "to")).await;
        let told =
            format!("{step} {} {path} {key} {} {fault:?}", request.method(), String::from_utf8_lossy(request.body()));
        world.note(&told);
        self.pass_gate(&told).await;
        let none = || NoAnswer::new("lost on the wire");
        let operation = match (posts, path.ends_with("/cancel")) {
            (true, true) => Operation::Cancel,
            (true, false) => Operation::Confirm,
            (false, _) => Operation::Get,
        };
        let strike = |status, code: &str| {
            world.sandbox().fail_next(operation, FaultKind::Error { status, code: code.to_owned() });
        };
        match fault {
            Some(Fault::CrashBefore) => self.die().await,
            Some(Fault::RequestLost) => {
                tokio::time::sleep(limit).await;
                return Err(none());
            }
            Some(Fault::Late | Fault::VeryLate) => {
                let wait = if fault == Some(Fault::Late) { 3 } else { 25 };
                let (world, copy) = (world.clone(), copy(&request));
                later(Duration::from_secs(wait), async move {
                    world.note("late at Toss");
                    let _unheard = world.sandbox().transport().send(copy).await;
                    world.0.toss_moved.notify_one();
                });
                tokio::time::sleep(limit).await;
                return Err(none());
            }
            Some(Fault::Broken) => return Ok(broken()),
            Some(Fault::Twice) => drop(world.sandbox().transport().send(copy(&request)).await),
            Some(Fault::ProviderError) => strike(400, "PROVIDER_ERROR"),
            Some(Fault::StillProcessing) => strike(409, "IDEMPOTENT_REQUEST_PROCESSING"),
            Some(Fault::TooSoon) => strike(403, "FORBIDDEN_CONSECUTIVE_REQUEST"),
            Some(Fault::WrongAmount) => world.sandbox().fail_next(operation, FaultKind::WrongAmount),
            _ => {}
        }
        let answer = match world.0.bug {
            Some(bug) if bug.fakes(&request) => Ok(bug.fake(&request)),
            _ => world.sandbox().transport().send(request).await,
        };
        // One that found nothing to strike must not strike another call.
        world.sandbox().clear_faults();
        if posts {
            world.0.toss_moved.notify_one();
        }
        match fault {
            Some(Fault::CrashAfter) => self.die().await,
            Some(Fault::AnswerLost) => {
                tokio::time::sleep(limit).await;
                return Err(none());
            }
            Some(Fault::BrokenAfter) => return Ok(broken()),
            Some(Fault::Slow) => tokio::time::sleep(Duration::from_secs(10)).await,
            _ => {}
        }
        let answer = match (world.0.bug, answer) {
            (Some(bug), Ok(answer)) => Ok(bug.alter_toss_answer(&path, answer)),
            (_, answer) => answer,
        };
        tokio::time::sleep(latency(world.seed(), &step, "back")).await;
        world.note(&format!("{step} {}", answer.as_ref().map_or(0, |answer| answer.status().as_u16())));
        answer
    }
}

impl Passage for Host {
    fn pass(&self, call: Call) -> BoxFuture<'_, Result<(u16, String), Lost>> {
        if call.operation == "SendMessage" {
            return Box::pin(self.queue(call));
        }
        Box::pin(self.dynamo(call))
    }
}

impl Transport for Host {
    fn send(&self, request: http::Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, NoAnswer>> {
        Box::pin(self.toss(request))
    }
}

/// Does something after a while, whatever becomes of who asked for it.
pub fn later(wait: Duration, work: impl Future<Output = ()> + Send + 'static) {
    #[expect(clippy::disallowed_methods, reason = "what was sent arrives, whatever becomes of the sender")]
    tokio::spawn(async move {
        tokio::time::sleep(wait).await;
        work.await;
    });
}

fn copy(request: &http::Request<Bytes>) -> http::Request<Bytes> {
    let mut copy = http::Request::new(request.body().clone());
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    copy
}

fn broken() -> http::Response<Bytes> {
    let body = r#"{"code":"FAILED_INTERNAL_SYSTEM_PROCESSING","message":""}"#;
    let mut response = http::Response::new(Bytes::from_static(body.as_bytes()));
    *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
    response
}

fn error(status: u16, code: &str) -> (u16, String) {
    (
        status,
        serde_json::json!({ "__type": format!("com.amazonaws.dynamodb.v20120810#{code}"), "message": "injected" })
            .to_string(),
    )
}

fn conflict(call: &Call) -> (u16, String) {
    let Some(writes) = call.body.get("TransactItems").and_then(Value::as_array) else {
        return error(400, "TransactionConflictException");
    };
    let reasons: Vec<Value> = (0..writes.len())
        .map(|n| serde_json::json!({ "Code": if n == 0 { "TransactionConflict" } else { "None" } }))
        .collect();
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    (400, serde_json::json!({ "__type": kind, "message": "injected", "CancellationReasons": reasons }).to_string())
}

/// JSON with its members in order: maps have none of their own.
pub fn sorted(value: &Value) -> String {
    let mut text = String::new();
    write_sorted(value, &mut text);
    text
}

fn write_sorted(value: &Value, text: &mut String) {
    match value {
        Value::Object(members) => {
            let mut members: Vec<_> = members.iter().collect();
            members.sort_unstable_by_key(|(name, _)| *name);
            let mut before = '{';
            for (name, value) in members {
                text.push(before);
                write_sorted(&Value::from(name.as_str()), text);
                text.push(':');
                write_sorted(value, text);
                before = ',';
            }
            text.push_str(if before == '{' { "{}" } else { "}" });
        }
        Value::Array(values) => {
            text.push('[');
            for (n, value) in values.iter().enumerate() {
                text.push_str(if n == 0 { "" } else { "," });
                write_sorted(value, text);
            }
            text.push(']');
        }
        other => {
            write!(text, "{other}").unwrap();
        }
    }
}
