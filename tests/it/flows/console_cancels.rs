//! Cancels that an operator makes at Toss's console: the books follow, or operators hear of it.

use devloop_local::toss_sandbox::{FaultKind, Operation};
use domain::money::Won;
use serde_json::json;
use storage::{Query, items::Refund, keys};
use testkit::{Action, Gate};

use super::{refunds::Bought, sale::Swept};

/// Somebody cancels at Toss: everything, or so many won.
async fn at_the_console(bought: &Bought, amount: Option<i64>) {
    let charge = bought.sale.app.sandbox.charges().unwrap().pop().unwrap();
    let (toss, amount) = (&bought.sale.app.parts.toss, amount.map(|amount| Won::new(amount).unwrap()));
    let key = format!("by-hand-{}", charge.cancels);
    toss.cancel(&key, &charge.payment_key, "콘솔에서 취소", amount, None).await.unwrap();
}

/// A webhook that says so arrives.
async fn hook(bought: &Bought, status: &str) {
    let event = json!({
        "eventType": "PAYMENT_STATUS_CHANGED", "createdAt": "2026-11-24T09:00:00.000000",
        "data": { "paymentKey": "not-believed", "orderId": bought.order["id"], "status": status },
    });
    bought.sale.app.post("/v1/webhooks/toss").json(&event).send().await.expect(200);
}

/// It arrives, and is worked on.
async fn hear(bought: &Bought, status: &str) {
    hook(bought, status).await;
    bought.sale.app.clock.advance(11_000);
    bought.sale.app.pump().await;
}

async fn refunds(bought: &Bought) -> Vec<Refund> {
    let order = keys::order(bought.order["id"].as_str().unwrap().parse().unwrap());
    bought.sale.app.table.all(&Query::partition(order.pk, "REFUND#"), 100).await.unwrap()
}

/// Everything was given back, once.
async fn must_be_refunded(bought: &Bought) {
    assert_eq!(bought.stands().await, "REFUNDED");
    assert_eq!((bought.sale.captured(), bought.sale.seats().await), (0, [3, 3, 0, 0]));
    assert_eq!(bought.purchases().await, 0);
    assert!(!bought.may_see_schedule(&bought.sale.pwt).await);
    assert_eq!(bought.books().await, [80_000, -80_000, 0, 0]);
}

#[tokio::test]
async fn a_full_cancel_at_toss_gives_every_line_back() {
    let bought = Bought::two().await;
    at_the_console(&bought, None).await;
    assert_eq!(bought.stands().await, "PAID");
    hear(&bought, "CANCELED").await;
    must_be_refunded(&bought).await;
    assert_eq!(refunds(&bought).await[0].reason, "CANCELED_AT_TOSS");
    bought.sale.app.times_toss_was_asked();
    // Again, and what came before it.
    for status in ["CANCELED", "DONE", "PARTIAL_CANCELED", "CANCELED"] {
        hear(&bought, status).await;
    }
    assert_eq!(bought.sale.app.times_toss_was_asked(), 0);
    must_be_refunded(&bought).await;
    assert_eq!((refunds(&bought).await.len(), bought.sale.told().len()), (1, 0));
    assert_eq!(bought.sale.sweep().await, Swept::default());
    bought.sale.buy(&bought.kim).await.expect(200);
}

#[tokio::test]
async fn the_webhook_of_a_cancel_at_toss_comes_by_itself() {
    let bought = Bought::two().await;
    bought.sale.app.sandbox.send_webhooks_to("http://api.test/v1/webhooks/toss");
    at_the_console(&bought, None).await;
    assert_eq!(bought.sale.app.deliver_webhooks().await, 1);
    bought.sale.app.clock.advance(5_000);
    bought.sale.app.pump().await;
    must_be_refunded(&bought).await;
}

#[tokio::test]
async fn a_partial_cancel_at_toss_is_told_to_operators_and_changes_nothing() {
    let bought = Bought::two().await;
    at_the_console(&bought, Some(30_000)).await;
    hear(&bought, "PARTIAL_CANCELED").await;
    assert_eq!((bought.stands().await.as_str(), bought.purchases().await), ("PAID", 2));
    assert_eq!(bought.books().await, [80_000, 0, -72_000, -8_000]);
    let told = bought.sale.told();
    assert_eq!((told.len(), &told[0]["alarm"]), (1, &json!("PAYMENT_CHANGED")), "{told:?}");
    assert_eq!((&told[0]["reason"], &told[0]["orderId"]), (&json!("PARTIAL_CANCEL_AT_TOSS"), &bought.order["id"]));
    // The rest goes back, too: now it is clear for which lines.
    at_the_console(&bought, Some(50_000)).await;
    hear(&bought, "PARTIAL_CANCELED").await;
    must_be_refunded(&bought).await;
}

#[tokio::test]
async fn what_is_left_after_a_refund_of_ours_may_be_cancelled_at_toss() {
    let bought = Bought::two().await;
    bought.cancel(json!({ "lines": [bought.other] })).await.expect(200);
    // Toss tells of our own refund, too.
    hear(&bought, "PARTIAL_CANCELED").await;
    assert_eq!((bought.stands().await.as_str(), bought.sale.told().len()), ("PARTIALLY_REFUNDED", 0));
    at_the_console(&bought, None).await;
    hear(&bought, "PARTIAL_CANCELED").await;
    must_be_refunded(&bought).await;
    assert_eq!(refunds(&bought).await.len(), 2);
}

#[tokio::test]
async fn a_webhook_that_lies_about_a_paid_order_changes_nothing_and_is_no_amplifier() {
    let bought = Bought::two().await;
    bought.sale.app.times_toss_was_asked();
    for _ in 0..50 {
        hook(&bought, "CANCELED").await;
    }
    bought.sale.app.clock.advance(5_000);
    bought.sale.app.pump().await;
    assert_eq!(bought.sale.app.times_toss_was_asked(), 1);
    assert_eq!((bought.stands().await.as_str(), bought.purchases().await, bought.sale.told().len()), ("PAID", 2, 0));
    // Those that got no turn are made up for by one look.
    bought.sale.app.clock.advance(3_600_000);
    assert_eq!((bought.sale.sweep().await, bought.sale.app.times_toss_was_asked()), (Swept::default(), 1));
    bought.sale.app.clock.advance(3_600_000);
    assert_eq!((bought.sale.sweep().await, bought.sale.app.times_toss_was_asked()), (Swept::default(), 0));
}

#[tokio::test]
async fn a_cancel_right_after_a_look_is_found_by_the_schedule() {
    let bought = Bought::two().await;
    hook(&bought, "CANCELED").await;
    bought.sale.app.clock.advance(5_000);
    bought.sale.app.pump().await;
    at_the_console(&bought, None).await;
    hook(&bought, "CANCELED").await;
    bought.sale.app.clock.advance(5_000);
    bought.sale.app.pump().await;
    assert_eq!(bought.stands().await, "PAID");
    bought.sale.app.clock.advance(61_000);
    bought.sale.sweep().await;
    must_be_refunded(&bought).await;
}

#[tokio::test]
async fn a_cancel_that_toss_does_not_answer_about_is_asked_about_again() {
    let bought = Bought::two().await;
    at_the_console(&bought, None).await;
    bought.sale.app.sandbox.fail_next(Operation::Get, FaultKind::Status500 { after_effect: false });
    hear(&bought, "CANCELED").await;
    assert_eq!(bought.stands().await, "PAID");
    bought.sale.app.clock.advance(61_000);
    bought.sale.sweep().await;
    must_be_refunded(&bought).await;
}

/// The buyer gives the order back while the reconciler, which has seen that it is cancelled at Toss,
/// is about to write that down. Answers how many refunds were begun.
async fn met_by_the_buyer(bought: &Bought) -> usize {
    at_the_console(bought, None).await;
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut first = true;
    bought.sale.app.wire.rule(move |call| {
        let writes = call.by == "payment_reconciler" && call.operation == "TransactWriteItems";
        if writes && std::mem::take(&mut first) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let overtaking = async {
        reached.passed().await;
        bought.sale.app.sandbox.fail_next(Operation::Cancel, FaultKind::Status500 { after_effect: false });
        bought.cancel(json!({})).await.expect(202);
        gate.open();
    };
    tokio::join!(hear(bought, "CANCELED"), overtaking);
    refunds(bought).await.len()
}

#[tokio::test]
async fn a_cancel_at_toss_and_the_buyers_own_are_one_refund() {
    let bought = Bought::two().await;
    assert_eq!(met_by_the_buyer(&bought).await, 1);
    bought.sale.app.clock.advance(61_000);
    assert_eq!(bought.sale.sweep().await.refunded, 1);
    must_be_refunded(&bought).await;
}

#[tokio::test]
async fn without_the_condition_on_the_order_they_are_two() {
    let bought = Bought::two().await;
    bought.sale.app.wire.rule(|call| {
        if call.by == "payment_reconciler" {
            call.strip_conditions("ORDER#");
        }
        Action::Pass
    });
    assert_eq!(met_by_the_buyer(&bought).await, 2);
}

#[tokio::test]
async fn a_payment_that_changed_while_toss_was_asked_is_no_alarm() {
    let bought = Bought::two().await;
    at_the_console(&bought, Some(30_000)).await;
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    // The order is read for the message, and once more before operators are told.
    let mut reads = 0;
    bought.sale.app.wire.rule(move |call| {
        if call.by == "payment_reconciler" && call.operation == "GetItem" {
            reads += 1;
            if reads == 2 {
                reaches.open();
                return Action::Wait(waits.clone());
            }
        }
        Action::Pass
    });
    let overtaking = async {
        reached.passed().await;
        bought.sale.app.sandbox.fail_next(Operation::Cancel, FaultKind::Status500 { after_effect: false });
        bought.cancel(json!({ "lines": [bought.other] })).await.expect(202);
        gate.open();
    };
    tokio::join!(hear(&bought, "PARTIAL_CANCELED"), overtaking);
    // Its state is the same; that a refund was begun since is what counts.
    assert_eq!((bought.stands().await.as_str(), bought.sale.told().len()), ("PAID", 0));
}

#[tokio::test]
async fn a_refund_that_meets_another_balance_waits_for_an_operator() {
    // Toss says so itself, or nothing that is understood.
    for answer in [None, Some("SOMETHING_NEW")] {
        let bought = Bought::two().await;
        at_the_console(&bought, Some(10_000)).await;
        if let Some(code) = answer {
            let kind = FaultKind::Error { status: 400, code: code.to_owned() };
            bought.sale.app.sandbox.fail_next(Operation::Cancel, kind);
        }
        bought.sale.app.times_toss_was_asked();
        bought.cancel(json!({ "lines": [bought.other] })).await.expect(202);
        // Once to give back, and once how much is left: another key would change nothing.
        assert_eq!(bought.sale.app.times_toss_was_asked(), 2);
        let refunds = refunds(&bought).await;
        assert_eq!((refunds.len(), refunds[0].n, bought.sale.captured()), (1, 1, 70_000));
        assert_eq!(bought.stands().await, "PAID");
    }
}
