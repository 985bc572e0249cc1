//! Every order path over a table that fails: at each of the path's calls in turn, in every way, for
//! one attempt and for longer than any call is repeated. Buyers repeat what was not answered, the
//! sweeper runs again, and in the end all is as if nothing had failed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use devloop_local::toss_sandbox::{FaultKind, Leaves, Operation, Outcome};
use futures::future::LocalBoxFuture;
use serde_json::{Value, json};
use testkit::Action;
use tokio::time::Instant;

use crate::{
    app::{Account, Reply, table_is_elsewhere},
    flows::{deposits, sale::Sale},
};

/// Something that a buyer and the sweeper do. Only its calls are met by faults.
type Path = for<'a> fn(&'a Sale, &'a Account) -> LocalBoxFuture<'a, ()>;

/// What is left when nobody has anything to do any more.
#[derive(Debug, PartialEq, Eq)]
struct End {
    orders: Vec<String>,
    purchases: usize,
    seats: [u64; 4],
    captures: usize,
    won: i64,
}

/// Where, how and for how long the table fails.
#[derive(Clone, Debug)]
struct Breakdown {
    call: usize,
    how: Action,
    lasts: Duration,
}

const WAYS: [Action; 5] = [
    Action::Conflict,
    Action::Refuse { status: 400, code: "ProvisionedThroughputExceededException" },
    Action::Refuse { status: 500, code: "InternalServerError" },
    Action::LoseRequest,
    Action::LoseAnswer,
];
/// One attempt, and longer than the storage has patience. Time is paused: nobody waits for it.
const LASTS: [Duration; 2] = [Duration::ZERO, Duration::from_secs(20)];

/// Runs the path over a fresh table, after what happened `before` it without any fault; answers what is left and how many calls were made.
async fn run(before: Path, path: Path, pwt: &Value, breakdown: Option<Breakdown>) -> (End, usize) {
    let sale = deposits::with(pwt.clone()).await;
    let kim = sale.app.sign_up("kim").await;
    before(&sale, &kim).await;
    let calls = Arc::new(AtomicUsize::new(0));
    let counted = calls.clone();
    let mut began: Option<Instant> = None;
    #[expect(clippy::disallowed_methods, reason = "the storage's patience is measured on the runtime's paused clock")]
    let now = Instant::now;
    sale.app.wire.rule(move |call| {
        // A token that has to be renewed on a long path is no part of it.
        if call.by == "log_in" {
            return Action::Pass;
        }
        let n = counted.fetch_add(1, Ordering::Relaxed);
        let Some(breakdown) = &breakdown else { return Action::Pass };
        if n == breakdown.call {
            began = Some(now());
        }
        let broken = began.is_some_and(|began| n == breakdown.call || began.elapsed() < breakdown.lasts);
        let reads = call.operation.ends_with("GetItem") || call.operation.ends_with("Query");
        match &breakdown.how {
            _ if !broken => Action::Pass,
            // Nothing conflicts with a read.
            Action::Conflict if reads => Action::Pass,
            how => how.clone(),
        }
    });
    path(&sale, &kim).await;
    sale.app.wire.clear();
    for _ in 0..4 {
        sale.app.clock.advance(60 * 60_000);
        sale.sweep().await;
    }
    let kim = sale.app.log_in(&kim).await;
    let listed = sale.app.get("/v1/orders").by(&kim).send().await.expect(200);
    let purchases = sale.app.get("/v1/users/me/purchases").by(&kim).send().await.expect(200);
    let end = End {
        orders: listed["items"].as_array().unwrap().iter().map(|order| order["state"].to_string()).collect(),
        purchases: purchases["items"].as_array().unwrap().len(),
        seats: sale.seats().await,
        captures: sale.app.sandbox.charges().unwrap().iter().map(|charge| charge.captures).sum(),
        won: sale.captured(),
    };
    (end, calls.load(Ordering::Relaxed))
}

/// The path ends as `expected`, whatever fails on the way.
async fn survives(pwt: Value, path: Path, expected: End) {
    survives_after(|_, _| Box::pin(async {}), pwt, path, expected).await;
}

/// The same where something happened before.
async fn survives_after(before: Path, pwt: Value, path: Path, expected: End) {
    if table_is_elsewhere() {
        return;
    }
    tokio::time::pause();
    let (end, calls) = run(before, path, &pwt, None).await;
    assert_eq!(end, expected, "without any fault");
    for call in 0..calls {
        for how in WAYS {
            for lasts in LASTS {
                let breakdown = Breakdown { call, how: how.clone(), lasts };
                let (end, _) = run(before, path, &pwt, Some(breakdown.clone())).await;
                assert_eq!(end, expected, "{breakdown:?} of {calls} calls");
            }
        }
    }
}

/// Asks until there is a final answer, as a frontend does.
async fn patiently(sale: &Sale, ask: impl AsyncFn() -> Reply) -> Reply {
    const NOT_YET: [&str; 2] = ["REQUEST_IN_PROGRESS", "PAYMENT_IN_PROGRESS"];
    for _ in 0..20 {
        let reply = ask().await;
        let not_yet = reply.body["code"].as_str().is_some_and(|code| NOT_YET.contains(&code));
        if reply.status < 500 && reply.status != 202 && !not_yet {
            return reply;
        }
        sale.app.clock.advance(6_000);
    }
    panic!("no final answer");
}

async fn order(sale: &Sale, kim: &Account) -> Value {
    patiently(sale, async || sale.order_under(kim, "order").await).await.expect(201)
}

async fn confirm(sale: &Sale, kim: &Account, order: &Value, payment_key: &str) -> Reply {
    let body = json!({ "paymentKey": payment_key, "orderId": order["id"], "amount": order["total"] });
    let key = format!("confirm-{payment_key}");
    patiently(sale, async || sale.confirm_under(kim, &key, &body).await).await
}

/// The sweeper's schedule: a run that failed is followed by the next one.
async fn sweep(sale: &Sale) {
    for _ in 0..20 {
        if sale.try_to_sweep().await.is_ok_and(|swept| swept.postponed == 0) {
            return;
        }
        sale.app.clock.advance(60_000);
    }
    panic!("the sweeper comes to no end");
}

const ONE_SOLD: [u64; 4] = [3, 2, 0, 1];
const NONE_SOLD: [u64; 4] = [3, 3, 0, 0];

fn three_seats() -> Value {
    json!({ "maxParticipants": 3 })
}

fn ended(state: &str) -> End {
    End { orders: vec![format!("\"{state}\"")], purchases: 0, seats: NONE_SOLD, captures: 0, won: 0 }
}

fn paid() -> End {
    End { purchases: 1, seats: ONE_SOLD, captures: 1, won: 50_000, ..ended("PAID") }
}

#[tokio::test]
async fn an_order_is_paid() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            let order = order(sale, kim).await;
            let payment_key = sale.authenticate(&order);
            confirm(sale, kim, &order, &payment_key).await.expect(200);
        })
    };
    survives(three_seats(), path, paid()).await;
}

#[tokio::test]
async fn a_free_seat_is_given_away() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            order(sale, kim).await;
        })
    };
    survives(json!({ "maxParticipants": 3, "price": 0 }), path, End { captures: 0, won: 0, ..paid() }).await;
}

#[tokio::test]
async fn an_order_is_cancelled() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            let order = order(sale, kim).await;
            let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
            let cancel = async || sale.app.post(&path).by(kim).json(&json!({})).send().await;
            patiently(sale, cancel).await.expect(200);
        })
    };
    survives(three_seats(), path, ended("CANCELED")).await;
}

#[tokio::test]
async fn an_order_is_let_go_after_a_failed_authentication() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            let order = order(sale, kim).await;
            let fail = json!({ "orderId": order["id"], "code": "PAY_PROCESS_CANCELED", "message": "취소" });
            let tell = async || sale.app.post("/v1/payments/fail").by(kim).json(&fail).send().await;
            patiently(sale, tell).await.expect(200);
        })
    };
    survives(three_seats(), path, ended("CANCELED")).await;
}

#[tokio::test]
async fn an_order_is_paid_by_another_card_than_the_refused_one() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            let order = order(sale, kim).await;
            let refused =
                Outcome::Refuse { code: "REJECT_CARD_COMPANY".to_owned(), leaves: Leaves::Aborted, times: None };
            let payment_key = sale.authenticate_as(&order, refused);
            let reply = confirm(sale, kim, &order, &payment_key).await;
            // An answer that was lost after the refusal was stored says that this key is used up.
            assert!(["PAYMENT_REFUSED", "ORDER_NOT_PAYABLE"].contains(&reply.body["code"].as_str().unwrap()));
            let other_card = sale.authenticate(&order);
            confirm(sale, kim, &order, &other_card).await.expect(200);
        })
    };
    survives(three_seats(), path, paid()).await;
}

#[tokio::test]
async fn a_charge_that_nobody_may_keep_is_voided() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            let order = order(sale, kim).await;
            let payment_key = sale.open_account(&order, None);
            let reply = confirm(sale, kim, &order, &payment_key).await;
            assert_eq!(reply.status, 409);
        })
    };
    survives(three_seats(), path, ended("FAILED")).await;
}

#[tokio::test]
async fn an_unpaid_order_expires() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            order(sale, kim).await;
            sale.app.clock.advance(11 * 60_000);
            sweep(sale).await;
        })
    };
    survives(three_seats(), path, ended("EXPIRED")).await;
}

#[tokio::test]
async fn an_overdue_order_makes_way_for_the_next() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            order(sale, kim).await;
            sale.app.clock.advance(11 * 60_000);
            let next = async || sale.order_under(kim, "the-next").await;
            patiently(sale, next).await.expect(201);
        })
    };
    let both = vec!["\"EXPIRED\"".to_owned(), "\"EXPIRED\"".to_owned()];
    survives(three_seats(), path, End { orders: both, ..ended("EXPIRED") }).await;
}

#[tokio::test]
async fn the_sweeper_settles_what_toss_left_unanswered() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            let order = order(sale, kim).await;
            let payment_key = sale.authenticate(&order);
            sale.app.sandbox.fail_next(Operation::Confirm, FaultKind::AnswerLost);
            let body = json!({ "paymentKey": payment_key, "orderId": order["id"], "amount": 50_000 });
            // The buyer tries until Toss was asked, and then goes away.
            for n in 0.. {
                let reply = sale.confirm_under(kim, &format!("confirm-{n}"), &body).await;
                if [200, 202].contains(&reply.status) {
                    break;
                }
                sale.app.clock.advance(6_000);
            }
            sale.app.clock.advance(2 * 60_000);
            sweep(sale).await;
        })
    };
    survives(three_seats(), path, paid()).await;
}

#[tokio::test]
async fn a_stray_charge_is_given_back() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            let order = order(sale, kim).await;
            let refused =
                Outcome::Refuse { code: "REJECT_CARD_COMPANY".to_owned(), leaves: Leaves::InProgress, times: Some(1) };
            let payment_key = sale.authenticate_as(&order, refused);
            assert_eq!(confirm(sale, kim, &order, &payment_key).await.status, 409);
            let total = domain::money::Won::new(50_000).unwrap();
            let late = sale.app.parts.toss.confirm("late", &payment_key, order["id"].as_str().unwrap(), total);
            late.await.unwrap();
            sale.app.clock.advance(11 * 60_000);
            sweep(sale).await;
            sale.app.clock.advance(13 * 60_000);
            sweep(sale).await;
        })
    };
    survives(three_seats(), path, End { captures: 1, ..ended("EXPIRED") }).await;
}

async fn join(sale: &Sale, who: &Account) {
    let path = format!("/v1/pwts/{}/waitlist", sale.pwt);
    let joined = patiently(sale, async || sale.app.post(&path).by(who).send().await).await;
    assert!([200, 201].contains(&joined.status), "{}", joined.body);
}

/// The sweeper runs until `who` has a claim.
async fn claimed(sale: &Sale, who: &Account) {
    let path = format!("/v1/pwts/{}/waitlist/me", sale.pwt);
    for _ in 0..10 {
        let place = patiently(sale, async || sale.app.get(&path).by(who).send().await).await.expect(200);
        if place["state"] == "CLAIMED" {
            return;
        }
        // A run that fails is followed by the next one.
        let _swept = sale.try_to_sweep().await;
        sale.app.clock.advance(60_000);
    }
    panic!("no seat is kept");
}

async fn pay(sale: &Sale, who: &Account) {
    let order = order(sale, who).await;
    let payment_key = sale.authenticate(&order);
    confirm(sale, who, &order, &payment_key).await.expect(200);
}

const THE_ONE_SOLD: [u64; 4] = [1, 0, 0, 1];

#[tokio::test]
async fn a_seat_is_waited_for_claimed_and_paid() {
    let before: Path = |sale, _| {
        Box::pin(async move {
            sale.order_under(&sale.admin, "held").await.expect(201);
        })
    };
    let path: Path = |sale, kim| {
        Box::pin(async move {
            join(sale, kim).await;
            // The key's first answer says which order it is.
            let held = patiently(sale, async || sale.order_under(&sale.admin, "held").await).await.expect(201);
            let path = format!("/v1/orders/{}/cancel", held["id"].as_str().unwrap());
            let cancel = async || sale.app.post(&path).by(&sale.admin).json(&json!({})).send().await;
            patiently(sale, cancel).await.expect(200);
            claimed(sale, kim).await;
            pay(sale, kim).await;
        })
    };
    survives_after(before, json!({ "maxParticipants": 1 }), path, End { seats: THE_ONE_SOLD, ..paid() }).await;
}

#[tokio::test]
async fn who_left_and_came_again_gets_the_claim_that_nobody_ordered() {
    let before: Path = |sale, _| {
        Box::pin(async move {
            sale.order_under(&sale.admin, "held").await.expect(201);
            let lee = sale.app.sign_up("lee").await;
            join(sale, &lee).await;
            sale.app.clock.advance(1_000);
        })
    };
    let path: Path = |sale, kim| {
        Box::pin(async move {
            join(sale, kim).await;
            let path = format!("/v1/pwts/{}/waitlist/me", sale.pwt);
            patiently(sale, async || sale.app.delete(&path).by(kim).send().await).await.expect(204);
            join(sale, kim).await;
            // The hold ends, and lee is told; half an hour later it is kim's turn.
            sale.app.clock.advance(11 * 60_000);
            sweep(sale).await;
            sale.app.clock.advance(32 * 60_000);
            let kim = sale.app.log_in(kim).await;
            claimed(sale, &kim).await;
            pay(sale, &kim).await;
        })
    };
    survives_after(before, json!({ "maxParticipants": 1 }), path, End { seats: THE_ONE_SOLD, ..paid() }).await;
}

#[tokio::test]
async fn a_paid_order_is_given_back() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            let order = order(sale, kim).await;
            let payment_key = sale.authenticate(&order);
            confirm(sale, kim, &order, &payment_key).await.expect(200);
            let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
            let cancel = async || {
                let call = sale.app.post(&path).by(kim).header("idempotency-key", "back");
                call.json(&json!({})).send().await
            };
            let reply = patiently(sale, cancel).await;
            // An answer that was lost after the last step says that it is done.
            assert!(reply.status == 200 || reply.body["code"] == "ALREADY_REFUNDED", "{}", reply.body);
        })
    };
    survives(three_seats(), path, End { captures: 1, ..ended("REFUNDED") }).await;
}

#[tokio::test]
async fn the_sweeper_finishes_a_refund_that_toss_left_unanswered() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            let order = order(sale, kim).await;
            let payment_key = sale.authenticate(&order);
            confirm(sale, kim, &order, &payment_key).await.expect(200);
            sale.app.sandbox.fail_next(Operation::Cancel, FaultKind::AnswerLost);
            let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
            // The buyer tries until Toss was asked, and then goes away.
            while ![200, 202].contains(&sale.app.post(&path).by(kim).json(&json!({})).send().await.status) {
                sale.app.clock.advance(6_000);
            }
            sale.app.clock.advance(2 * 60_000);
            sweep(sale).await;
        })
    };
    survives(three_seats(), path, End { captures: 1, ..ended("REFUNDED") }).await;
}

#[tokio::test]
async fn a_refused_refund_leaves_everything_with_the_buyer() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            let order = order(sale, kim).await;
            let payment_key = sale.authenticate(&order);
            confirm(sale, kim, &order, &payment_key).await.expect(200);
            let refused = FaultKind::Error { status: 400, code: "REFUND_REJECTED".to_owned() };
            sale.app.sandbox.fail_next(Operation::Cancel, refused);
            let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
            // Whether the refusal reached the buyer or the sweeper: asking again would be another refund.
            while ![202, 409].contains(&sale.app.post(&path).by(kim).json(&json!({})).send().await.status) {
                sale.app.clock.advance(61_000);
                sweep(sale).await;
                if sale.state(kim, &order).await == "PAID" {
                    break;
                }
            }
        })
    };
    survives(three_seats(), path, paid()).await;
}

/// What Toss tells of arrives and is worked on, however often that takes.
async fn hear(sale: &Sale) {
    for _ in 0..3 {
        sale.app.deliver_webhooks().await;
        sale.app.clock.advance(61_000);
        let _played = sale.app.pump().await;
        // Longer than a message that failed stays unseen.
        sale.app.clock.advance(331_000);
        let _played = sale.app.pump().await;
    }
}

/// An order that waits for its deposit, and the payment's key.
async fn await_deposit(sale: &Sale, kim: &Account) -> String {
    let order = order(sale, kim).await;
    let payment_key = deposits::account_for(sale, &order, deposits::HOURS);
    let waits = confirm(sale, kim, &order, &payment_key).await.expect(200);
    assert_eq!(waits["state"], "AWAITING_DEPOSIT");
    payment_key
}

#[tokio::test]
async fn a_deposit_that_toss_tells_of_is_settled() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            sale.app.sandbox.send_webhooks_to("http://api.test/v1/webhooks/toss");
            let payment_key = await_deposit(sale, kim).await;
            sale.app.sandbox.deposit(&payment_key).unwrap();
            hear(sale).await;
        })
    };
    survives(three_seats(), path, paid()).await;
}

#[tokio::test]
async fn a_deposit_that_does_not_come_expires() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            await_deposit(sale, kim).await;
            sale.app.clock.advance(i64::from(deposits::HOURS) * 60 * 60_000 + 31_000);
            sweep(sale).await;
        })
    };
    survives(three_seats(), path, ended("EXPIRED")).await;
}

#[tokio::test]
async fn a_cancel_at_toss_is_followed() {
    let path: Path = |sale, kim| {
        Box::pin(async move {
            pay(sale, kim).await;
            sale.app.sandbox.send_webhooks_to("http://api.test/v1/webhooks/toss");
            let charge = sale.app.sandbox.charges().unwrap().pop().unwrap();
            sale.app.parts.toss.cancel("by-hand", &charge.payment_key, "콘솔에서 취소", None, None).await.unwrap();
            hear(sale).await;
        })
    };
    survives(three_seats(), path, End { captures: 1, ..ended("REFUNDED") }).await;
}
