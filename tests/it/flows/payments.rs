//! Payments that nobody waits for: reminders, webhooks of Toss, alarms, dead letters.

use devloop_local::{
    queues::{self, PAYMENTS, Played},
    toss_sandbox::{Fault, FaultKind, Leaves, Operation, Outcome},
};
use domain::money::Won;
use serde_json::{Value, json};
use testkit::Action;

use super::sale::{Sale, Swept};
use crate::app::{Account, Reply, table_is_elsewhere};

/// How many messages a queue holds: visible, in flight, delayed.
fn depth(sale: &Sale, queue: &str) -> [u64; 3] {
    let depth = sale.app.sqs.depths().unwrap().into_iter().find(|depth| depth.queue == queue).unwrap();
    [depth.visible, depth.in_flight, depth.delayed]
}

fn of_payment(order: &Value, status: &str) -> Value {
    json!({
        "eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2026-11-24T09:00:00.000000",
        "data": { "paymentKey": "not-believed", "orderId": order["id"], "status": status, "totalAmount": 1 },
    })
}

async fn hook(sale: &Sale, event: &Value) -> Reply {
    sale.app.post("/v1/webhooks/toss").json(event).send().await
}

/// Plays the webhooks that have arrived.
async fn pump(sale: &Sale) -> Played {
    sale.app.clock.advance(5_000);
    sale.app.pump().await
}

/// An order whose confirmation took effect at Toss, and whose answer was lost.
async fn unanswered(sale: &Sale, kim: &Account) -> Value {
    let order = sale.order(kim).await.expect(201);
    let payment_key = sale.authenticate(&order);
    sale.app.sandbox.fail_next(Operation::Confirm, FaultKind::AnswerLost);
    sale.confirm(kim, &order, &payment_key).await.expect(202);
    order
}

const NONE: Played = Played { done: 0, failed: 0 };
const ONE: Played = Played { done: 1, failed: 0 };

#[tokio::test]
async fn a_confirmation_that_nobody_finished_is_finished_after_a_minute() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = unanswered(&sale, &kim).await;
    let sent = sale.app.queues.take_sent();
    assert_eq!((sent.len(), sent[0].delay, &sent[0].message["orderId"]), (1, 60, &order["id"]));
    assert_eq!(depth(&sale, PAYMENTS), [0, 0, 1]);
    sale.app.clock.advance(59_000);
    assert_eq!(sale.app.pump().await, NONE);
    assert_eq!(sale.state(&kim, &order).await, "CONFIRMING");
    sale.app.clock.advance(1_000);
    assert_eq!(sale.app.pump().await, ONE);
    assert_eq!(sale.state(&kim, &order).await, "PAID");
    assert_eq!((sale.captured(), sale.seats().await), (50_000, [3, 2, 0, 1]));
    assert_eq!(depth(&sale, PAYMENTS), [0; 3]);
    assert_eq!(sale.sweep().await, Swept::default());
}

#[tokio::test]
async fn a_reminder_of_a_paid_order_asks_nobody() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    sale.buy(&kim).await.expect(200);
    sale.app.times_toss_was_asked();
    sale.app.clock.advance(60_000);
    assert_eq!((sale.app.pump().await, sale.app.times_toss_was_asked()), (ONE, 0));
}

#[tokio::test]
async fn a_reminder_that_cannot_be_sent_costs_nobody_anything() {
    if table_is_elsewhere() {
        return;
    }
    for how in [Action::LoseRequest, Action::Refuse { status: 400, code: "QueueDoesNotExist" }] {
        let sale = Sale::of(3).await;
        let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
        tokio::time::pause();
        sale.app.queues.rule(move |_| how.clone());
        sale.buy(&kim).await.expect(200);
        let order = unanswered(&sale, &lee).await;
        assert_eq!(depth(&sale, PAYMENTS), [0; 3]);
        tokio::time::resume();
        // The schedule finds what no message told of.
        sale.app.clock.advance(60_000);
        assert_eq!(sale.sweep().await.settled, 1);
        assert_eq!(sale.state(&lee, &order).await, "PAID");
        assert_eq!(sale.captured(), 100_000);
    }
}

#[tokio::test]
async fn a_message_and_the_schedule_at_once_settle_once() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = unanswered(&sale, &kim).await;
    for _ in 0..3 {
        hook(&sale, &of_payment(&order, "DONE")).await.expect(200);
    }
    sale.app.clock.advance(60_000);
    let (_, swept, _) = tokio::join!(sale.app.pump(), sale.try_to_sweep(), sale.app.pump());
    swept.unwrap();
    assert_eq!(sale.state(&kim, &order).await, "PAID");
    assert_eq!((sale.captured(), sale.seats().await), (50_000, [3, 2, 0, 1]));
}

#[tokio::test]
async fn receive_toss_webhook_settles_what_was_left_unanswered() {
    let deposit = |order: &Value| json!({ "createdAt": "2026-11-24T09:00:00.000000", "secret": "s", "status": "DONE", "transactionKey": "t", "orderId": order["id"] });
    for event in [|order: &Value| of_payment(order, "DONE"), |order: &Value| of_payment(order, "EXPIRED"), deposit] {
        let sale = Sale::of(3).await;
        let kim = sale.app.sign_up("kim").await;
        let order = unanswered(&sale, &kim).await;
        assert_eq!(hook(&sale, &event(&order)).await.expect(200), json!({ "received": true }));
        assert_eq!(pump(&sale).await, ONE);
        // Whatever it said: Toss was asked.
        assert_eq!(sale.state(&kim, &order).await, "PAID");
        assert_eq!(sale.captured(), 50_000);
    }
}

#[tokio::test]
async fn receive_toss_webhook_repeated_changes_nothing() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = unanswered(&sale, &kim).await;
    for status in ["DONE", "DONE", "IN_PROGRESS", "ABORTED", "CANCELED"] {
        hook(&sale, &of_payment(&order, status)).await.expect(200);
    }
    assert_eq!(pump(&sale).await, Played { done: 5, failed: 0 });
    sale.app.times_toss_was_asked();
    for status in ["EXPIRED", "DONE"] {
        sale.app.clock.advance(60_000);
        hook(&sale, &of_payment(&order, status)).await.expect(200);
        pump(&sale).await;
    }
    // A paid order is not asked about any more.
    assert_eq!(sale.app.times_toss_was_asked(), 0);
    assert_eq!(sale.state(&kim, &order).await, "PAID");
    assert_eq!((sale.captured(), sale.seats().await), (50_000, [3, 2, 0, 1]));
}

/// Fifty webhooks at once about an order that Toss does not answer about. How often was it asked?
async fn asked_after_fifty_webhooks(sale: &Sale) -> usize {
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let payment_key = sale.authenticate(&order);
    let never = FaultKind::Error { status: 409, code: "IDEMPOTENT_REQUEST_PROCESSING".to_owned() };
    sale.app.sandbox.add_fault(Fault { operation: Operation::Any, kind: never, times: Some(1_000), probability: None });
    sale.confirm(&kim, &order, &payment_key).await.expect(202);
    sale.app.times_toss_was_asked();
    for _ in 0..50 {
        hook(sale, &of_payment(&order, "DONE")).await.expect(200);
    }
    assert_eq!(pump(sale).await, Played { done: 50, failed: 0 });
    let asked = sale.app.times_toss_was_asked();
    assert_eq!(sale.state(&kim, &order).await, "CONFIRMING");
    hook(sale, &of_payment(&order, "DONE")).await.expect(200);
    pump(sale).await;
    asked + sale.app.times_toss_was_asked()
}

#[tokio::test]
async fn receive_toss_webhook_is_no_amplifier() {
    // The fifty-first comes within ten seconds, too.
    assert_eq!(asked_after_fifty_webhooks(&Sale::of(3).await).await, 1);
}

#[tokio::test]
async fn without_the_turn_every_webhook_asks_toss() {
    let sale = Sale::of(3).await;
    sale.app.wire.rule(|call| {
        if call.by == "payment_reconciler" && call.mentions("nextLookAt") {
            call.strip_conditions("ORDER#");
        }
        Action::Pass
    });
    assert_eq!(asked_after_fifty_webhooks(&sale).await, 51);
}

#[tokio::test]
async fn receive_toss_webhook_passes_over_what_is_not_ours() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let pending = sale.order(&kim).await.expect(201);
    sale.app.times_toss_was_asked();
    for nothing in [
        json!({}),
        json!({ "eventType": "PAYMENT_STATUS_CHANGED", "data": { "orderId": "order-of-another-shop" } }),
        json!({ "eventType": "PAYMENT_STATUS_CHANGED", "data": {} }),
        json!({ "eventType": "CANCEL_STATUS_CHANGED", "data": { "transactionKey": "t", "cancelStatus": "DONE" } }),
        json!({ "eventType": "SOMETHING_NEW", "data": { "orderId": pending["id"], "more": [1, { "deep": null }] } }),
    ] {
        hook(&sale, &nothing).await.expect(200);
        assert_eq!(depth(&sale, PAYMENTS), [0; 3], "{nothing}");
    }
    // Queued, and then found to have nothing to say.
    for order in [&pending, &json!({ "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV" })] {
        hook(&sale, &of_payment(order, "DONE")).await.expect(200);
        assert_eq!(pump(&sale).await, ONE);
    }
    assert_eq!(sale.app.times_toss_was_asked(), 0);
    assert_eq!(sale.state(&kim, &pending).await, "PENDING");
}

#[tokio::test]
async fn receive_toss_webhook_answers_only_when_the_message_is_safe() {
    let sale = Sale::of(3).await;
    let event = of_payment(&json!({ "id": "01ARZ3NDEKTSV4RRFFQ69G5FAV" }), "DONE");
    tokio::time::pause();
    sale.app.queues.rule(|_| Action::LoseRequest);
    #[expect(clippy::disallowed_methods, reason = "the patience is measured on the runtime's paused clock")]
    let began = tokio::time::Instant::now();
    let reply = hook(&sale, &event).await;
    assert!(began.elapsed() <= std::time::Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(reply.header("retry-after"), "1");
    reply.refused(503, "BUSY");
    assert_eq!(depth(&sale, PAYMENTS), [0; 3]);
    sale.app.queues.rule(|_| Action::Pass);
    hook(&sale, &event).await.expect(200);
    assert_eq!(depth(&sale, PAYMENTS), [0, 0, 1]);
}

#[tokio::test]
async fn a_webhook_brings_a_stray_charge_back_at_once_and_operators_hear_of_it() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let id = order["id"].as_str().unwrap();
    let refused =
        Outcome::Refuse { code: "REJECT_CARD_COMPANY".to_owned(), leaves: Leaves::InProgress, times: Some(1) };
    let payment_key = sale.authenticate_as(&order, refused);
    sale.confirm(&kim, &order, &payment_key).await.refused(409, "PAYMENT_REFUSED");
    sale.app.post(&format!("/v1/orders/{id}/cancel")).by(&kim).json(&json!({})).send().await.expect(200);
    sale.app.parts.toss.confirm("late", &payment_key, id, Won::new(50_000).unwrap()).await.unwrap();
    assert_eq!(sale.captured(), 50_000);
    for _ in 0..2 {
        hook(&sale, &of_payment(&order, "DONE")).await.expect(200);
    }
    pump(&sale).await;
    assert_eq!(sale.captured(), 0);
    let told = sale.told();
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(
        (&told[0]["kind"], &told[0]["alarm"], &told[0]["orderId"]),
        (&json!("OperatorAlarm"), &json!("STRAY_CHARGE"), &order["id"])
    );
    // The last look comes all the same.
    sale.app.clock.advance(13 * 60_000);
    assert_eq!(sale.sweep().await.laid_down, 1);
}

#[tokio::test]
async fn a_void_is_an_alarm_and_happens_without_one_too() {
    for told in [true, false] {
        let sale = Sale::of(3).await;
        if !told {
            sale.app.queues.rule(|_| Action::Refuse { status: 400, code: "QueueDoesNotExist" });
        }
        let kim = sale.app.sign_up("kim").await;
        let order = sale.order(&kim).await.expect(201);
        let payment_key = sale.open_account(&order, None);
        sale.confirm(&kim, &order, &payment_key).await.refused(409, "PAYMENT_METHOD_NOT_ALLOWED");
        assert_eq!(sale.state(&kim, &order).await, "FAILED");
        let expected: &[Value] = if told { &[json!("CHARGE_VOIDED")] } else { &[] };
        let alarms: Vec<Value> = sale.alarms().into_iter().map(|(alarm, _)| alarm).collect();
        assert_eq!(alarms, expected);
    }
}

#[tokio::test]
async fn a_message_that_keeps_failing_is_kept_among_the_dead_letters_and_can_be_sent_back() {
    let sale = Sale::of(3).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let (poisoned, healthy) = (unanswered(&sale, &kim).await, unanswered(&sale, &lee).await);
    let partition = format!("ORDER#{}", poisoned["id"].as_str().unwrap());
    sale.app.wire.rule(move |call| {
        let struck = call.by == "payment_reconciler" && call.mentions(&partition);
        if struck { Action::Refuse { status: 400, code: "ValidationException" } } else { Action::Pass }
    });
    sale.app.clock.advance(60_000);
    assert_eq!(sale.app.pump().await, Played { done: 1, failed: 1 });
    assert_eq!(sale.state(&lee, &healthy).await, "PAID");
    assert_eq!(depth(&sale, PAYMENTS), [0, 1, 0]);
    for _ in 0..4 {
        assert_eq!(sale.app.pump().await, NONE);
        sale.app.clock.advance(330_000);
        assert_eq!(sale.app.pump().await, Played { done: 0, failed: 1 });
    }
    sale.app.clock.advance(330_000);
    assert_eq!(sale.app.pump().await, NONE);
    let dead_letters = queues::dead_letters_of(PAYMENTS);
    assert_eq!((depth(&sale, PAYMENTS), depth(&sale, &dead_letters)), ([0; 3], [1, 0, 0]));
    sale.app.wire.clear();
    assert_eq!(sale.app.sqs.redrive(&dead_letters).unwrap(), 1);
    assert_eq!(sale.app.pump().await, ONE);
    let kim = sale.app.log_in(&kim).await;
    assert_eq!(sale.state(&kim, &poisoned).await, "PAID");
    assert_eq!((sale.captured(), sale.seats().await), (100_000, [3, 1, 0, 2]));
}

#[tokio::test]
async fn the_sandbox_tells_of_changes_as_toss_does_and_repeats_what_is_not_answered() {
    let sale = Sale::of(3).await;
    sale.app.sandbox.send_webhooks_to("http://api.test/v1/webhooks/toss");
    let kim = sale.app.sign_up("kim").await;
    let order = unanswered(&sale, &kim).await;
    let due = || {
        let webhooks = sale.app.sandbox.webhooks().unwrap();
        assert_eq!(webhooks.len(), 1, "{webhooks:?}");
        (webhooks[0].transmission_id.clone(), webhooks[0].retried, webhooks[0].due)
    };
    let (id, _, first) = due();
    assert_eq!(first, Some(sale.app.parts.clock.now()));
    sale.app.queues.rule(|_| Action::Refuse { status: 400, code: "QueueDoesNotExist" });
    assert_eq!(sale.app.deliver_webhooks().await, 0);
    for minutes in [1, 4] {
        let (same, _, next) = due();
        assert_eq!((same, next), (id.clone(), Some(sale.app.parts.clock.now().plus_seconds(60 * minutes))));
        sale.app.clock.advance(60_000 * minutes - 1);
        assert_eq!(sale.app.deliver_webhooks().await, 0);
        sale.app.clock.advance(1);
        if minutes == 4 {
            sale.app.queues.rule(|_| Action::Pass);
        }
        assert_eq!(sale.app.deliver_webhooks().await, usize::from(minutes == 4));
    }
    assert_eq!(due(), (id, 2, None));
    pump(&sale).await;
    assert_eq!(sale.state(&kim, &order).await, "PAID");
    // Nobody answers: seven repeats, and then no more.
    sale.app.queues.rule(|_| Action::Refuse { status: 400, code: "QueueDoesNotExist" });
    let lee = sale.app.sign_up("lee").await;
    sale.buy(&lee).await.expect(200);
    for n in 0..12 {
        sale.app.deliver_webhooks().await;
        sale.app.clock.advance(4_096 * 60_000);
        let last = sale.app.sandbox.webhooks().unwrap().pop().unwrap();
        assert_eq!((last.retried, last.due.is_some(), last.arrived), (7.min(n + 1), n < 7, false));
    }
}

#[tokio::test]
async fn a_seat_that_comes_back_late_is_in_the_list_again() {
    let sale = Sale::of(1).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let order = sale.order(&kim).await.expect(201);
    let payment_key = sale.authenticate(&order);
    sale.app.sandbox.fail_next(Operation::Confirm, FaultKind::Status500 { after_effect: false });
    sale.confirm(&kim, &order, &payment_key).await.expect(202);
    sale.order(&lee).await.refused(409, "SEAT_SOLD_OUT");
    let recruiting = async || {
        let list = sale.app.get("/v1/pwts?status=RECRUITING").send().await.expect(200);
        list["items"].as_array().unwrap().len()
    };
    assert_eq!(recruiting().await, 0);
    // By now the authentication has lapsed at Toss, which says so for good.
    sale.app.clock.advance(11 * 60_000);
    assert_eq!(sale.app.pump().await, ONE);
    assert_eq!((recruiting().await, sale.seats().await), (1, [1, 1, 0, 0]));
}
