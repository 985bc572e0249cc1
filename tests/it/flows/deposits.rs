//! Paying by virtual account: the seat waits for a deposit, as long as the sale lets it.

use devloop_local::toss_sandbox::{FaultKind, Operation};
use serde_json::{Value, json};
use storage::{Write, keys};
use testkit::{Action, Gate};

use super::{
    sale::{Sale, Swept},
    steps::seen,
};
use crate::app::{Account, TestApp, settings};

/// How long a seat waits for its deposit in these tests.
pub const HOURS: u32 = 24;
const HOUR: i64 = 60 * 60_000;

/// A sale of three seats that takes deposits.
pub async fn sale() -> Sale {
    with(json!({ "maxParticipants": 3 })).await
}

/// The same with another project.
pub async fn with(changes: Value) -> Sale {
    let mut settings = settings();
    settings.payments.as_mut().unwrap().pwt_deposit_hours = HOURS;
    Sale::at(TestApp::start_with(settings).await, changes).await
}

/// The payment window, left with a virtual account.
pub fn account_for(sale: &Sale, order: &Value, hours: u32) -> String {
    sale.open_account(order, Some(hours))
}

/// An order that waits for its deposit, and the payment's key.
async fn waiting(sale: &Sale, buyer: &Account) -> (Value, String) {
    let order = sale.order(buyer).await.expect(201);
    assert_eq!(order["payment"]["virtualAccountHours"], HOURS);
    let payment_key = account_for(sale, &order, HOURS);
    let order = sale.confirm(buyer, &order, &payment_key).await.expect(200);
    assert_eq!(order["state"], "AWAITING_DEPOSIT");
    (order, payment_key)
}

async fn shown(sale: &Sale, to: &Account, order: &Value) -> Value {
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    sale.app.get(&path).by(to).send().await.expect(200)
}

async fn cancel(sale: &Sale, buyer: &Account, order: &Value) -> crate::app::Reply {
    let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    sale.app.post(&path).by(buyer).json(&json!({})).send().await
}

/// Toss's webhooks arrive and are worked on; answers how many did.
async fn hear(sale: &Sale) -> usize {
    let arrived = sale.app.deliver_webhooks().await;
    sale.app.clock.advance(5_000);
    sale.app.pump().await;
    arrived
}

#[tokio::test]
async fn confirm_payment_tells_the_buyer_alone_where_to_pay_in() {
    let sale = sale().await;
    let kim = sale.app.sign_up("kim").await;
    let (order, payment_key) = waiting(&sale, &kim).await;
    let deposit = &order["deposit"];
    assert_eq!((&deposit["bankCode"], &deposit["accountNumber"]), (&json!("20"), &json!("X1234567890123")));
    assert_eq!((&deposit["holder"], &deposit["dueDate"]), (&json!("테스트"), &json!("2026-11-25T00:00:00.000Z")));
    assert_eq!(order["holdUntil"], deposit["dueDate"]);
    assert_eq!(shown(&sale, &kim, &order).await["deposit"], *deposit);
    let to_admin = shown(&sale, &sale.admin, &order).await;
    assert_eq!((&to_admin["state"], &to_admin["deposit"]), (&json!("AWAITING_DEPOSIT"), &Value::Null));
    // The seat outlives the ten minutes, and the same confirmation is answered the same.
    sale.app.clock.advance(12 * 60_000);
    assert_eq!(sale.sweep().await, Swept::default());
    assert_eq!((sale.seats().await, sale.captured()), ([3, 2, 1, 0], 0));
    assert_eq!(sale.confirm(&kim, &order, &payment_key).await.expect(200)["state"], "AWAITING_DEPOSIT");
    sale.confirm(&kim, &order, "another-key").await.refused(409, "PAYMENT_IN_PROGRESS");
    let problem = sale.order(&kim).await.refused(409, "ORDER_OPEN");
    assert_eq!(problem["lines"][0]["holdUntil"], deposit["dueDate"]);
    let failed = json!({ "orderId": order["id"], "code": "PAY_PROCESS_CANCELED" });
    sale.app.post("/v1/payments/fail").by(&kim).json(&failed).send().await.refused(409, "PAYMENT_IN_PROGRESS");
}

#[tokio::test]
async fn confirm_payment_voids_an_account_that_would_hold_the_seat_for_longer() {
    for (hours, state) in [(HOURS, "AWAITING_DEPOSIT"), (HOURS + 1, "FAILED"), (2_160, "FAILED")] {
        let sale = sale().await;
        let kim = sale.app.sign_up("kim").await;
        let order = sale.order(&kim).await.expect(201);
        let payment_key = account_for(&sale, &order, hours);
        let reply = sale.confirm(&kim, &order, &payment_key).await;
        assert_eq!(sale.state(&kim, &order).await, state, "{hours}: {}", reply.body);
        if state == "FAILED" {
            reply.refused(409, "PAYMENT_METHOD_NOT_ALLOWED");
            assert_eq!(sale.app.sandbox.charges().unwrap()[0].status, "CANCELED");
            assert_eq!(sale.seats().await, [3, 3, 0, 0]);
        }
    }
}

#[tokio::test]
async fn a_deposit_that_toss_tells_of_settles_once() {
    let sale = sale().await;
    sale.app.sandbox.send_webhooks_to("http://api.test/v1/webhooks/toss");
    let kim = sale.app.sign_up("kim").await;
    let (order, payment_key) = waiting(&sale, &kim).await;
    sale.app.clock.advance(HOUR / 2);
    sale.app.sandbox.deposit(&payment_key).unwrap();
    // Both events, the flat one without a name too.
    assert_eq!(hear(&sale).await, 2);
    let kim = sale.app.log_in(&kim).await;
    let paid = shown(&sale, &kim, &order).await;
    assert_eq!((&paid["state"], &paid["deposit"]), (&json!("PAID"), &Value::Null));
    assert_eq!(paid["settlement"]["method"], "가상계좌");
    assert_eq!((sale.captured(), sale.seats().await), (50_000, [3, 2, 0, 1]));
    assert_eq!(sale.app.get(&format!("/v1/pwts/{}/schedule", sale.pwt)).by(&kim).send().await.status, 200);
    sale.app.clock.advance(2 * i64::from(HOURS) * HOUR);
    assert_eq!(sale.sweep().await, Swept::default());
    assert_eq!(sale.seats().await, [3, 2, 0, 1]);
}

#[tokio::test]
async fn a_deposit_that_nobody_tells_of_is_found_within_the_hour() {
    let sale = sale().await;
    let kim = sale.app.sign_up("kim").await;
    let (order, payment_key) = waiting(&sale, &kim).await;
    sale.app.clock.advance(HOUR);
    assert_eq!(sale.sweep().await, Swept::default());
    sale.app.sandbox.deposit(&payment_key).unwrap();
    assert_eq!(sale.sweep().await, Swept::default());
    sale.app.clock.advance(HOUR);
    assert_eq!(sale.sweep().await, Swept { settled: 1, ..Swept::default() });
    let kim = sale.app.log_in(&kim).await;
    assert_eq!(sale.state(&kim, &order).await, "PAID");
}

#[tokio::test]
async fn receive_toss_webhook_about_a_deposit_is_heard_only_with_its_secret() {
    let sale = sale().await;
    let kim = sale.app.sign_up("kim").await;
    let (order, payment_key) = waiting(&sale, &kim).await;
    sale.app.sandbox.deposit(&payment_key).unwrap();
    sale.app.times_toss_was_asked();
    let flat = json!({ "createdAt": "2026-11-24T09:00:00.000000", "status": "DONE", "transactionKey": "t", "orderId": order["id"] });
    for secret in [None, Some("guessed"), Some("")] {
        let mut event = flat.clone();
        event["secret"] = json!(secret);
        sale.app.post("/v1/webhooks/toss").json(&event).send().await.expect(200);
        sale.app.clock.advance(11_000);
        sale.app.pump().await;
    }
    assert_eq!((sale.app.times_toss_was_asked(), sale.state(&kim, &order).await.as_str()), (0, "AWAITING_DEPOSIT"));
    let mut event = flat;
    event["secret"] = json!(sale.app.parts.toss.payment(&payment_key).await.unwrap().secret.unwrap().reveal());
    sale.app.queues.take_sent();
    sale.app.post("/v1/webhooks/toss").json(&event).send().await.expect(200);
    let sent = sale.app.queues.take_sent();
    assert!(!sent[0].message.to_string().contains(event["secret"].as_str().unwrap()), "{sent:?}");
    sale.app.clock.advance(5_000);
    sale.app.pump().await;
    assert_eq!(sale.state(&kim, &order).await, "PAID");
}

#[tokio::test]
async fn a_seat_whose_deposit_is_overdue_goes_back_after_toss_has_taken_the_account_back() {
    let sale = sale().await;
    let kim = sale.app.sign_up("kim").await;
    let (order, payment_key) = waiting(&sale, &kim).await;
    sale.app.clock.advance(i64::from(HOURS) * HOUR + 31_000);
    // While Toss does not say, the seat stays.
    sale.app.sandbox.fail_next(Operation::Get, FaultKind::Status500 { after_effect: false });
    assert_eq!(sale.sweep().await, Swept { postponed: 1, ..Swept::default() });
    assert_eq!(sale.seats().await, [3, 2, 1, 0]);
    sale.app.clock.advance(61_000);
    assert_eq!(sale.sweep().await, Swept { expired: 1, ..Swept::default() });
    let kim = sale.app.log_in(&kim).await;
    assert_eq!((sale.state(&kim, &order).await.as_str(), sale.seats().await), ("EXPIRED", [3, 3, 0, 0]));
    assert!(sale.app.sandbox.deposit(&payment_key).is_err());
    sale.app.clock.advance(13 * 60_000);
    assert_eq!(sale.sweep().await, Swept { laid_down: 1, ..Swept::default() });
    sale.buy(&kim).await.expect(200);
}

#[tokio::test]
async fn a_deposit_that_came_in_wins_over_the_due_date() {
    let sale = sale().await;
    let kim = sale.app.sign_up("kim").await;
    let (order, payment_key) = waiting(&sale, &kim).await;
    sale.app.clock.advance(i64::from(HOURS) * HOUR - 1_000);
    sale.app.sandbox.deposit(&payment_key).unwrap();
    sale.app.clock.advance(32_000);
    assert_eq!(sale.sweep().await, Swept { settled: 1, ..Swept::default() });
    let kim = sale.app.log_in(&kim).await;
    assert_eq!((sale.state(&kim, &order).await.as_str(), sale.seats().await), ("PAID", [3, 2, 0, 1]));
}

#[tokio::test]
async fn cancel_order_gives_an_account_up_before_the_deposit() {
    let sale = sale().await;
    let kim = sale.app.sign_up("kim").await;
    let (order, payment_key) = waiting(&sale, &kim).await;
    // Toss first: while it does not say, the seat stays.
    sale.app.sandbox.fail_next(Operation::Cancel, FaultKind::Status500 { after_effect: false });
    cancel(&sale, &kim, &order).await.refused(409, "PAYMENT_IN_PROGRESS");
    assert_eq!(sale.seats().await, [3, 2, 1, 0]);
    // The same key once more is a replay of nothing that took effect.
    let canceled = cancel(&sale, &kim, &order).await.expect(200);
    assert_eq!((&canceled["state"], &canceled["deposit"]), (&json!("CANCELED"), &Value::Null));
    assert_eq!(sale.seats().await, [3, 3, 0, 0]);
    assert!(sale.app.sandbox.deposit(&payment_key).is_err());
    assert_eq!(cancel(&sale, &kim, &order).await.expect(200)["state"], "CANCELED");
    sale.buy(&kim).await.expect(200);
}

#[tokio::test]
async fn cancel_order_finds_the_deposit_that_nobody_told_of() {
    let sale = sale().await;
    let kim = sale.app.sign_up("kim").await;
    let (order, payment_key) = waiting(&sale, &kim).await;
    sale.app.sandbox.deposit(&payment_key).unwrap();
    let problem = cancel(&sale, &kim, &order).await.refused(409, "ORDER_NOT_CANCELABLE");
    assert_eq!(problem["state"], "PAID");
    assert_eq!((sale.seats().await, sale.captured()), ([3, 2, 0, 1], 50_000));
}

#[tokio::test]
async fn cancel_order_of_what_is_overdue_lets_it_expire() {
    let sale = sale().await;
    let kim = sale.app.sign_up("kim").await;
    let (order, _) = waiting(&sale, &kim).await;
    sale.app.clock.advance(i64::from(HOURS) * HOUR + 31_000);
    let kim = sale.app.log_in(&kim).await;
    assert_eq!(cancel(&sale, &kim, &order).await.expect(200)["state"], "EXPIRED");
    assert_eq!(sale.seats().await, [3, 3, 0, 0]);
}

#[tokio::test]
async fn deposits_that_lapse_twice_within_the_hour_make_the_buyer_wait() {
    // The shortest wait that Toss has is an hour, so one expiry by ten minutes comes between.
    let sale = sale().await;
    let kim = sale.app.sign_up("kim").await;
    waiting(&sale, &kim).await;
    sale.app.clock.advance(i64::from(HOURS) * HOUR + 31_000);
    assert_eq!(sale.sweep().await.expired, 1);
    let kim = sale.app.log_in(&kim).await;
    sale.order(&kim).await.expect(201);
    sale.app.clock.advance(11 * 60_000);
    assert_eq!(sale.sweep().await.expired, 1);
    sale.order(&kim).await.refused(429, "TOO_MANY_REQUESTS");
}

/// The buyer gives up while the schedule does the same, and is held up before the last step. A
/// second buyer's seat is in the same shard: how are the seats in the end?
async fn given_up_twice(sale: &Sale) -> [u64; 4] {
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let (order, _) = waiting(sale, &kim).await;
    waiting(sale, &lee).await;
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut first = true;
    sale.app.wire.rule(move |call| {
        if call.by == "cancel_order" && call.operation == "TransactWriteItems" && std::mem::take(&mut first) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let overtaking = async {
        reached.passed().await;
        cancel(sale, &kim, &order).await.expect(200);
        gate.open();
    };
    let (slow, ()) = tokio::join!(cancel(sale, &kim, &order), overtaking);
    assert_eq!(slow.expect(200)["state"], "CANCELED");
    sale.seats().await
}

#[tokio::test]
async fn a_seat_goes_back_once_however_many_give_it_up() {
    assert_eq!(given_up_twice(&sale().await).await, [3, 2, 1, 0]);
}

#[tokio::test]
async fn without_the_condition_on_the_order_a_strangers_seat_goes_back_too() {
    let sale = sale().await;
    sale.app.wire.standing_rule(|call| {
        if call.by == "cancel_order" {
            call.strip_conditions("ORDER#");
        }
        Action::Pass
    });
    assert_eq!(given_up_twice(&sale).await, [3, 3, 0, 0]);
}

#[tokio::test]
async fn a_deposit_is_looked_for_each_hour_and_when_it_is_overdue() {
    let sale = sale().await;
    let kim = sale.app.sign_up("kim").await;
    let (order, _) = waiting(&sale, &kim).await;
    assert_eq!(seen(&sale, &kim, &order).await["due"], "2026-11-24T01:00:00.000Z");
    sale.app.times_toss_was_asked();
    for minutes in [60, 1, 58] {
        sale.app.clock.advance(minutes * 60_000);
        assert_eq!(sale.sweep().await, Swept::default());
    }
    assert_eq!(sale.app.times_toss_was_asked(), 1);
    assert_eq!(seen(&sale, &kim, &order).await["due"], "2026-11-24T02:00:00.000Z");
    sale.app.clock.advance(22 * HOUR - HOUR / 2 + 60_000);
    assert_eq!(sale.sweep().await, Swept::default());
    assert_eq!(seen(&sale, &kim, &order).await["due"], "2026-11-25T00:00:30.000Z");
}

#[tokio::test]
async fn a_deposit_of_another_amount_settles_nothing() {
    let sale = sale().await;
    let kim = sale.app.sign_up("kim").await;
    let (order, payment_key) = waiting(&sale, &kim).await;
    sale.app.sandbox.deposit(&payment_key).unwrap();
    sale.app.clock.advance(HOUR);
    sale.app.sandbox.fail_next(Operation::Get, FaultKind::WrongAmount);
    assert_eq!(sale.sweep().await, Swept { postponed: 1, ..Swept::default() });
    let kim = sale.app.log_in(&kim).await;
    assert_eq!((sale.state(&kim, &order).await.as_str(), sale.seats().await), ("AWAITING_DEPOSIT", [3, 2, 1, 0]));
    // What Toss says when it is asked anew counts.
    sale.app.clock.advance(61_000);
    assert_eq!(sale.sweep().await, Swept { settled: 1, ..Swept::default() });
    assert_eq!(sale.state(&kim, &order).await, "PAID");
}

#[tokio::test]
async fn a_deposit_that_is_taken_back_is_told_to_operators_and_moves_nothing() {
    let sale = sale().await;
    sale.app.sandbox.send_webhooks_to("http://api.test/v1/webhooks/toss");
    let kim = sale.app.sign_up("kim").await;
    let (order, payment_key) = waiting(&sale, &kim).await;
    sale.app.sandbox.deposit(&payment_key).unwrap();
    assert_eq!((hear(&sale).await, sale.state(&kim, &order).await.as_str()), (2, "PAID"));
    sale.app.clock.advance(11_000);
    sale.app.sandbox.fail_next(Operation::Get, FaultKind::DepositTakenBack);
    let event = json!({
        "eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2026-11-24T09:00:00.000000",
        "data": { "paymentKey": payment_key, "orderId": order["id"], "status": "WAITING_FOR_DEPOSIT" },
    });
    sale.app.post("/v1/webhooks/toss").json(&event).send().await.expect(200);
    sale.app.clock.advance(11_000);
    sale.app.pump().await;
    let told = sale.told();
    assert_eq!((told.len(), &told[0]["alarm"]), (1, &json!("PAYMENT_CHANGED")), "{told:?}");
    assert_eq!((&told[0]["reason"], &told[0]["orderId"]), (&json!("DEPOSIT_TAKEN_BACK"), &order["id"]));
    assert_eq!((sale.state(&kim, &order).await.as_str(), sale.seats().await), ("PAID", [3, 2, 0, 1]));
}

#[tokio::test]
async fn a_deposit_that_two_find_is_settled_for_both() {
    let sale = sale().await;
    let kim = sale.app.sign_up("kim").await;
    let (order, payment_key) = waiting(&sale, &kim).await;
    sale.app.sandbox.deposit(&payment_key).unwrap();
    sale.app.clock.advance(HOUR);
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut first = true;
    sale.app.wire.rule(move |call| {
        let settles = call.by == "payment_reconciler" && call.operation == "TransactWriteItems";
        if settles && std::mem::take(&mut first) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let overtaking = async {
        reached.passed().await;
        assert_eq!(sale.sweep().await, Swept { settled: 1, ..Swept::default() });
        gate.open();
    };
    let (slow, ()) = tokio::join!(sale.sweep(), overtaking);
    assert_eq!(slow, Swept { settled: 1, ..Swept::default() });
    let kim = sale.app.log_in(&kim).await;
    assert_eq!((sale.state(&kim, &order).await.as_str(), sale.seats().await), ("PAID", [3, 2, 0, 1]));
}

#[tokio::test]
async fn a_deposit_that_cannot_be_settled_stays_due() {
    let sale = sale().await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let (order, payment_key) = waiting(&sale, &kim).await;
    sale.app.sandbox.deposit(&payment_key).unwrap();
    // The buyer's guard is another order's: nothing of ours makes that happen.
    let guard = keys::open_order(kim.id.parse().unwrap(), sale.pwt.parse().unwrap());
    let guarded = |by: &Value| Write::update(guard.clone()).set("orderId", by);
    sale.app.table.write(guarded(&sale.order(&lee).await.expect(201)["id"])).await.unwrap();
    sale.app.clock.advance(HOUR);
    let swept = sale.sweep().await;
    assert_eq!((swept.settled, swept.postponed), (0, 1));
    let kim = sale.app.log_in(&kim).await;
    assert_eq!(sale.state(&kim, &order).await, "AWAITING_DEPOSIT");
    sale.app.table.write(guarded(&order["id"])).await.unwrap();
    sale.app.clock.advance(61_000);
    assert_eq!(sale.sweep().await, Swept { settled: 1, ..Swept::default() });
    assert_eq!(sale.state(&kim, &order).await, "PAID");
}
