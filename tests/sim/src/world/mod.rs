//! The world of one run: virtual time, a DynamoDB and a Toss in memory, and one function that every call goes through.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::{self, Write as _},
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
    sqs::{self, Delivered, Sqs},
    toss_sandbox::{Location, TossSandbox},
};
use serde_json::Value;
use testkit::{Call, Embedded};
use tokio::{sync::Notify, time::Instant};

use crate::{
    bugs::Bug,
    dice,
    faults::{Fault, Plan, Service, Step},
    gates::{Gate, Gates},
    replica::{Replica, may_be_stale},
    watch::Watch,
};

mod host;

pub use host::{Host, later};

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
    pays_at_once: BTreeSet<String>,
    taken_back: BTreeSet<String>,
    keys_at_toss: BTreeSet<String>,
    /// How many messages are in the queues, at most.
    queued: u64,
    last_fault: Duration,
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
                pays_at_once: BTreeSet::new(),
                taken_back: BTreeSet::new(),
                keys_at_toss: BTreeSet::new(),
                queued: 0,
                last_fault: Duration::ZERO,
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

    /// The messages of a queue that are to be delivered now. Most of the time there are none at all.
    pub fn receive(&self, queue: &str) -> Vec<Delivered> {
        if self.state().queued == 0 {
            return vec![];
        }
        self.0.sqs.receive(queue).unwrap()
    }

    /// One of them is done.
    pub fn delete(&self, queue: &str, message: &Delivered) {
        self.0.sqs.delete(queue, &message.receipt).unwrap();
        let mut state = self.state();
        state.queued = state.queued.saturating_sub(1);
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

    /// An operator of the shop cancels a payment in full, at Toss and past us. They know an account to pay back to.
    /// `false` if Toss does not.
    pub async fn cancel_at_console(&self, payment_key: &str) -> bool {
        let body = serde_json::json!({
            "cancelReason": "console",
            "refundReceiveAccount": { "bank": "20", "accountNumber": "1", "holderName": "buyer" },
        });
        let request = http::Request::post(format!("http://toss.test/v1/payments/{payment_key}/cancel"))
            .header("authorization", format!("Basic {}", BASE64.encode(format!("{SECRET_KEY}:"))))
            .header("content-type", "application/json")
            .header("idempotency-key", format!("console-{payment_key}"))
            .body(Bytes::from(body.to_string()));
        let answer = self.0.sandbox.transport().send(request.unwrap()).await.unwrap();
        self.note(&format!("cancelled at the console: {}", answer.status()));
        self.0.toss_moved.notify_one();
        answer.status() == http::StatusCode::OK
    }

    /// The money arrives in a virtual account, if it still takes any.
    pub fn pay_in(&self, payment_key: &str) {
        let arrived = self.0.sandbox.deposit(payment_key).is_ok();
        self.note(&format!("paid in: {arrived}"));
        self.0.toss_moved.notify_one();
    }

    /// The money arrives as soon as there is an account, before its buyer is told which.
    pub fn pays_in_at_once(&self, payment_key: &str) {
        self.state().pays_at_once.insert(payment_key.to_owned());
    }

    /// From now on Toss says that it waits for a deposit that it had.
    pub fn take_back(&self, payment_key: &str) {
        self.note("a deposit is taken back");
        self.state().taken_back.insert(payment_key.to_owned());
    }

    /// How long after the beginning the last fault took effect.
    pub fn last_fault(&self) -> Duration {
        self.state().last_fault
    }

    /// How long ago the beginning was.
    pub fn elapsed(&self) -> Duration {
        self.0.started.elapsed()
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
            state.last_fault = self.0.started.elapsed() + fault.lateness();
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
