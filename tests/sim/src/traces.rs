//! Courses of events that would go wrong if one guard were missing, each played with and without it.
//!
//! They were found by exploring a model of the protocol; what the model said of them is told by `Trace::story`.

mod refunds;
mod waitlist;

use std::time::Duration;

use clap::ValueEnum;
use devloop_local::toss_sandbox::{Authentication, FaultKind, Leaves, Operation, Outcome};
use futures::future::join;
use http::Method;
use serde_json::{Value, json};

use crate::{
    actors::{Person, Sale},
    app::{App, Reply},
    books::Expected,
    bugs::Bug,
    faults::{Fault, Plan, Step},
    gates::Gate,
    run::{self, Stage, Wanted},
    workers::Workers,
    world::World,
};

/// One course of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Trace {
    StaleRefusal,
    AttemptInFlight,
    OneKeyForTwo,
    CancelledAtTheConsole,
    RefundRefusedLate,
    VoidAnsweredForDays,
    RefusalDuringVoid,
    CancelledWhileSettling,
    RefusedCardAgain,
    ClaimOverWhileOrdering,
    JoinWhileListEnds,
    LastOneLeaves,
    LeaveAndJoin,
}

/// Who plays.
struct Cast {
    world: World,
    sale: Sale,
    tab1: App,
    tab2: App,
    workers: Workers,
    ann: Person,
    ben: Person,
    cho: Person,
}

impl Trace {
    /// What happens.
    pub fn story(self) -> &'static str {
        match self {
            Self::StaleRefusal => "a refusal is written when the buyer is already paying by another card",
            Self::AttemptInFlight => "a confirmation is asked about while it is still being worked on",
            Self::OneKeyForTwo => "two hosts confirm one payment that is refused the first time",
            Self::CancelledAtTheConsole => "an operator cancels at Toss what is just being refunded",
            Self::RefundRefusedLate => "a refund's refusal is written when its next attempt is on its way",
            Self::VoidAnsweredForDays => "a void is answered with an error that Toss repeats for days",
            Self::RefusalDuringVoid => "a payment that is being voided is read as cancelled by somebody else",
            Self::CancelledWhileSettling => "a charge without a paid order is looked for while its order is being paid",
            Self::RefusedCardAgain => "a payment that was refused is confirmed again",
            Self::ClaimOverWhileOrdering => "a claim ends, and its seat is kept for another, while it is ordered",
            Self::JoinWhileListEnds => "somebody joins the waitlist just when it ends",
            Self::LastOneLeaves => "the last one leaves the waitlist, and nobody says so",
            Self::LeaveAndJoin => "somebody leaves the waitlist and joins again",
        }
    }

    /// What the model of the protocol calls it.
    pub fn in_the_model(self) -> &'static str {
        match self {
            Self::StaleRefusal => "V1",
            Self::AttemptInFlight => "V2",
            Self::OneKeyForTwo => "V3",
            Self::RefundRefusedLate => "V4 a, b",
            Self::CancelledAtTheConsole => "V4 c",
            Self::VoidAnsweredForDays => "V5",
            Self::RefusalDuringVoid => "V6",
            Self::CancelledWhileSettling => "V7 a",
            Self::RefusedCardAgain => "V7 b",
            Self::ClaimOverWhileOrdering => "W-a",
            Self::JoinWhileListEnds => "W-b",
            Self::LastOneLeaves => "W-c",
            Self::LeaveAndJoin => "W-d",
        }
    }

    /// The guard that it needs.
    pub fn bug(self) -> Bug {
        match self {
            Self::StaleRefusal | Self::RefusalDuringVoid => Bug::RefusalUntied,
            Self::AttemptInFlight => Bug::ProcessingIsAnAnswer,
            Self::OneKeyForTwo => Bug::AttemptsOfEachOwn,
            Self::CancelledAtTheConsole => Bug::CancelledIsRefused,
            Self::RefundRefusedLate => Bug::RefundRefusalUntied,
            Self::VoidAnsweredForDays => Bug::VoidKeyKept,
            Self::CancelledWhileSettling => Bug::StrayUnlooked,
            Self::RefusedCardAgain => Bug::RefusedIsForgotten,
            Self::ClaimOverWhileOrdering => Bug::ClaimUntied,
            Self::JoinWhileListEnds => Bug::ListEndsUnchecked,
            Self::LastOneLeaves => Bug::ListForgotten,
            Self::LeaveAndJoin => Bug::WaiterKept,
        }
    }

    /// Plays it to the end, and answers what must not be.
    pub fn play(self, bug: Option<Bug>, verbose: bool) -> Ended {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap();
        runtime.block_on(async {
            let world = World::new(1, bug, verbose);
            let cast = Box::pin(Cast::new(&world)).await;
            Box::pin(self.script(&cast)).await;
            cast.workers.come_to_rest(&world, Expected { persistent: 0 }).await;
            let (off, violations) = world
                .watch(|watch| std::mem::take(&mut watch.violations))
                .into_iter()
                .partition(|violation| violation.starts_with(OFF_SCRIPT));
            Ended { off_script: off, violations, lines: world.told() }
        })
    }

    async fn script(self, cast: &Cast) {
        match self {
            Self::StaleRefusal => cast.stale_refusal().await,
            Self::AttemptInFlight => cast.attempt_in_flight().await,
            Self::OneKeyForTwo => cast.one_key_for_two().await,
            Self::CancelledAtTheConsole => cast.cancelled_at_the_console().await,
            Self::RefundRefusedLate => cast.refund_refused_late().await,
            Self::VoidAnsweredForDays => cast.void_answered_for_days().await,
            Self::RefusalDuringVoid => cast.refusal_during_void().await,
            Self::CancelledWhileSettling => cast.cancelled_while_settling().await,
            Self::RefusedCardAgain => cast.refused_card_again().await,
            Self::ClaimOverWhileOrdering => cast.claim_over_while_ordering().await,
            Self::JoinWhileListEnds => cast.join_while_list_ends().await,
            Self::LastOneLeaves => cast.last_one_leaves().await,
            Self::LeaveAndJoin => cast.leave_and_join().await,
        }
    }
}

/// How a course of events ended.
#[derive(Debug)]
pub struct Ended {
    /// Where it went another way than it was meant to.
    pub off_script: Vec<String>,
    /// What must never be.
    pub violations: Vec<String>,
    /// What happened, if it was to be told.
    pub lines: Vec<String>,
}

const OFF_SCRIPT: &str = "off the script: ";

/// Refused, and how often before it is approved.
fn refused(times: Option<u32>, leaves: Leaves) -> Outcome {
    Outcome::Refuse { code: "REJECT_CARD_COMPANY".to_owned(), leaves, times }
}

impl Cast {
    async fn new(world: &World) -> Self {
        let names = ["ann", "ben", "cho"].map(str::to_owned);
        let wanted = Wanted { seats: 1, shards: 1, closes: false };
        let Stage { sale, people, .. } = Box::pin(run::prepare(world, &wanted, &names)).await;
        let [ann, ben, cho]: [Person; 3] = people.try_into().unwrap();
        let host = async |name| App::new(world, run::settings(), name, 0).await;
        let (tab1, tab2) = (host("tab1").await, host("tab2").await);
        let workers = Box::pin(Workers::new(world, |_| 0)).await;
        Self { world: world.clone(), sale, tab1, tab2, workers, ann, ben, cho }
    }

    fn expect(&self, so: bool, what: &str) {
        if !so {
            self.world.watch(|watch| watch.violation(format!("{OFF_SCRIPT}{what}")));
        }
    }

    fn violation_if(&self, so: bool, what: &str) {
        if so {
            self.world.watch(|watch| watch.violation(what.to_owned()));
        }
    }

    /// Whether a call came to the gate soon.
    async fn comes_to(gate: &Gate) -> bool {
        tokio::time::timeout(Duration::from_secs(5), gate.reached()).await.is_ok()
    }

    async fn must_come_to(&self, gate: &Gate, which: &str) {
        self.expect(Self::comes_to(gate).await, which);
    }

    async fn ask(&self, app: &App, who: &Person, path: &str, key: &str, body: &Value) -> Reply {
        let reply = app.send(Method::POST, path, Some(&who.token), &[("idempotency-key", key)], body).await;
        self.expect(reply.is_some(), path);
        reply.unwrap_or(Reply { status: 0, body: Value::Null, retry_after: None, etag: None })
    }

    async fn order(&self, app: &App, who: &Person) -> Reply {
        self.ask(app, who, "/v1/orders", &format!("order-{}", who.name), &json!({ "productIds": [self.sale.pwt] }))
            .await
    }

    fn authenticate(&self, order: &Value, outcome: Outcome) -> String {
        let of = Authentication::of(order["id"].as_str().unwrap(), order["total"].as_i64().unwrap());
        self.world.sandbox().authenticate(Authentication { outcome, ..of }).unwrap().payment_key
    }

    async fn confirm(&self, app: &App, order: &Value, payment_key: &str, key: &str) -> Reply {
        let body = json!({ "paymentKey": payment_key, "orderId": order["id"], "amount": order["total"] });
        self.ask(app, &self.ann, "/v1/payments/confirm", key, &body).await
    }

    async fn cancel(&self, app: &App, order: &Value, key: &str) -> Reply {
        let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
        self.ask(app, &self.ann, &path, key, &json!({})).await
    }

    /// Ann's order, waiting for payment.
    async fn ordered(&self) -> Value {
        let order = self.order(&self.tab1, &self.ann).await;
        self.expect(order.status == 201, "the order");
        order.body
    }

    /// Ann's order, paid, and its payment key.
    async fn paid(&self) -> (Value, String) {
        let order = self.ordered().await;
        let payment_key = self.authenticate(&order, Outcome::Approve);
        let paid = self.confirm(&self.tab1, &order, &payment_key, "pay").await;
        self.expect(paid.status == 200, "the payment");
        (order, payment_key)
    }

    fn next_answer(&self, operation: Operation, status: u16, code: &str) {
        self.world.sandbox().fail_next(operation, FaultKind::Error { status, code: code.to_owned() });
    }

    async fn stale_refusal(&self) {
        let order = self.ordered().await;
        let first_card = self.authenticate(&order, refused(None, Leaves::Aborted));
        let refusal = self.world.hold("tab1", "refusedKeys");
        let others = async {
            self.must_come_to(&refusal, "the first refusal").await;
            let again = self.confirm(&self.tab2, &order, &first_card, "again").await;
            self.expect(again.code() == "PAYMENT_REFUSED", "the second refusal");
            let second_card = self.authenticate(&order, Outcome::Approve);
            let charge = self.world.hold("tab2", "/confirm");
            let meanwhile = async {
                self.must_come_to(&charge, "the second card").await;
                refusal.open();
                tokio::time::sleep(Duration::from_millis(500)).await;
                let third_card = self.authenticate(&order, Outcome::Approve);
                self.confirm(&self.tab1, &order, &third_card, "third").await;
                charge.open();
            };
            join(self.confirm(&self.tab2, &order, &second_card, "second"), meanwhile).await;
        };
        join(self.confirm(&self.tab1, &order, &first_card, "first"), others).await;
    }

    async fn attempt_in_flight(&self) {
        let order = self.ordered().await;
        let card = self.authenticate(&order, refused(Some(1), Leaves::InProgress));
        let attempt = self.world.hold("tab1", "/confirm");
        let others = async {
            self.must_come_to(&attempt, "the first attempt").await;
            self.next_answer(Operation::Confirm, 409, "IDEMPOTENT_REQUEST_PROCESSING");
            self.confirm(&self.tab2, &order, &card, "again").await;
            let second_card = self.authenticate(&order, Outcome::Approve);
            self.confirm(&self.tab2, &order, &second_card, "second").await;
            attempt.open();
        };
        join(self.confirm(&self.tab1, &order, &card, "first"), others).await;
    }

    async fn one_key_for_two(&self) {
        let order = self.ordered().await;
        let card = self.authenticate(&order, refused(Some(1), Leaves::InProgress));
        let attempt = self.world.hold("tab1", "/confirm");
        let others = async {
            self.must_come_to(&attempt, "the first attempt").await;
            let again = self.confirm(&self.tab2, &order, &card, "again").await;
            self.expect(again.code() == "PAYMENT_REFUSED", "the refusal");
            let second_card = self.authenticate(&order, Outcome::Approve);
            self.confirm(&self.tab2, &order, &second_card, "second").await;
            attempt.open();
        };
        join(self.confirm(&self.tab1, &order, &card, "first"), others).await;
    }

    async fn void_answered_for_days(&self) {
        let order = self.ordered().await;
        let card = self.authenticate(&order, Outcome::Approve);
        let charge = self.world.hold("tab1", "/confirm");
        let void = self.world.hold("tab1", "/cancel");
        let toss = async {
            self.must_come_to(&charge, "the charge").await;
            self.world.sandbox().fail_next(Operation::Confirm, FaultKind::WrongAmount);
            charge.open();
            self.must_come_to(&void, "the void").await;
            self.next_answer(Operation::Cancel, 400, "PROVIDER_ERROR");
            void.open();
        };
        join(self.confirm(&self.tab1, &order, &card, "first"), toss).await;
    }

    async fn refusal_during_void(&self) {
        let order = self.ordered().await;
        let card = self.authenticate(&order, Outcome::Approve);
        let sent = self.world.hold("tab2", "/confirm");
        let question = self.world.hold("tab2", "GET /v1/payments/");
        let others = async {
            self.must_come_to(&sent, "the first attempt").await;
            self.next_answer(Operation::Confirm, 400, "PROVIDER_ERROR");
            sent.open();
            self.must_come_to(&question, "the question").await;
            // Nobody asks twice in five seconds.
            tokio::time::sleep(Duration::from_secs(6)).await;
            let second = self.world.hold("tab1", &format!("confirm:{}:2", order["id"].as_str().unwrap()));
            let end = self.world.hold("tab1", "LEDGER#VOID");
            let voiding = async {
                self.must_come_to(&second, "the second attempt").await;
                self.world.sandbox().fail_next(Operation::Confirm, FaultKind::WrongAmount);
                second.open();
                self.must_come_to(&end, "the end of the void").await;
                question.open();
                tokio::time::sleep(Duration::from_secs(1)).await;
                end.open();
            };
            join(self.confirm(&self.tab1, &order, &card, "first"), voiding).await;
        };
        join(self.confirm(&self.tab2, &order, &card, "again"), others).await;
    }

    async fn cancelled_while_settling(&self) {
        let order = self.ordered().await;
        let card = self.authenticate(&order, Outcome::Approve);
        // Toss acts at once, and its answer takes ten seconds.
        let next = (0..20).map(|n| (Step { actor: "tab1".to_owned(), n }, Fault::Slow));
        self.world.plan(Plan::Given(next.collect()));
        let meanwhile = async {
            self.world.toss_moved().await;
            self.workers.listen().await;
            // The look that its webhook asks for is put off by a few seconds.
            tokio::time::sleep(Duration::from_secs(6)).await;
            self.workers.hear().await;
        };
        let (reply, ()) = join(self.confirm(&self.tab1, &order, &card, "first"), meanwhile).await;
        self.expect(reply.status == 200, "the payment");
    }

    async fn refused_card_again(&self) {
        let order = self.ordered().await;
        let card = self.authenticate(&order, refused(Some(1), Leaves::InProgress));
        let refusal = self.confirm(&self.tab1, &order, &card, "first").await;
        self.expect(refusal.code() == "PAYMENT_REFUSED", "the refusal");
        let again = self.confirm(&self.tab1, &order, &card, "again").await;
        self.violation_if(again.code() != "ORDER_NOT_PAYABLE", "a payment that was let go of is confirmed again");
    }
}
