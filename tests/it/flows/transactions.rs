//! Toss's list of transactions against the orders, both ways.

use std::collections::BTreeSet;

use devloop_local::{
    functions::{Matched, match_transactions},
    toss_sandbox::{Authentication, FaultKind, Operation},
};
use domain::{
    ids::{OrderId, ProductId},
    ledger::{self, Occasion},
    money::Won,
    orders::State,
};
use fn_orders::integrity;
use serde_json::{Value, json};
use storage::{
    Write,
    items::{LedgerEntry, Order},
    keys,
};

use super::{refunds::Bought, sale::Sale};

const QUARTER: i64 = 15 * 60 * 1_000;

async fn matched(sale: &Sale) -> Matched {
    Box::pin(match_transactions(&sale.app.worker("payment_reconciler").await)).await.unwrap()
}

/// The same, when what happened has come to rest.
async fn matched_later(sale: &Sale) -> Matched {
    sale.app.clock.advance(QUARTER + 1_000);
    matched(sale).await
}

/// By the table: tokens have expired by then.
async fn stands(sale: &Sale, order: &Value) -> State {
    let key = keys::order(order["id"].as_str().unwrap().parse().unwrap());
    sale.app.table.get_now::<Order>(key).await.unwrap().unwrap().state
}

/// Somebody takes money for an order, past us.
async fn charge(sale: &Sale, order: &str, amount: i64) -> String {
    let key = sale.app.sandbox.authenticate(Authentication::of(order, amount)).unwrap().payment_key;
    sale.app.parts.toss.confirm(&format!("past-{key}"), &key, order, Won::new(amount).unwrap()).await.unwrap();
    key
}

fn stray() -> Vec<(Value, Value)> {
    vec![(json!("STRAY_CHARGE"), json!("STRAY_CHARGE"))]
}

const ONE_STRAY: Matched = Matched { payments: 1, strays: 1, compared: 0 };

#[tokio::test]
async fn a_charge_for_no_order_of_ours_is_given_back_once() {
    let sale = Sale::of(3).await;
    charge(&sale, "order-of-nobody", 12_000).await;
    // Whoever took it may still be at work.
    assert_eq!((matched(&sale).await, sale.captured()), (Matched::default(), 12_000));
    assert_eq!((matched_later(&sale).await, sale.captured()), (ONE_STRAY, 0));
    // Its cancel is a movement, too.
    assert_eq!(matched_later(&sale).await, ONE_STRAY);
    assert_eq!(matched_later(&sale).await, Matched::default());
    charge(&sale, "01KB2M3N4P5Q6R7S8T9V0W1X2Y", 12_000).await;
    assert_eq!((matched_later(&sale).await, sale.captured()), (ONE_STRAY, 0));
    // Only an id like ours can be told of through the queue; the log tells of both.
    assert_eq!(sale.alarms(), stray());
}

#[tokio::test]
async fn a_second_charge_for_a_paid_order_is_given_back() {
    let bought = Bought::two().await;
    charge(&bought.sale, bought.order["id"].as_str().unwrap(), 80_000).await;
    assert_eq!(matched_later(&bought.sale).await, Matched { payments: 2, strays: 1, compared: 0 });
    assert_eq!((bought.sale.captured(), stands(&bought.sale, &bought.order).await), (80_000, State::Paid));
    assert_eq!(bought.sale.alarms(), stray());
    assert_eq!(bought.books().await, [160_000, -80_000, -72_000, -8_000]);
    assert_eq!(integrity::check(&bought.sale.app.table).await.unwrap().findings, BTreeSet::new());
}

#[tokio::test]
async fn a_charge_for_an_order_that_was_cancelled_is_given_back() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let id = order["id"].as_str().unwrap();
    sale.app.post(&format!("/v1/orders/{id}/cancel")).by(&kim).json(&json!({})).send().await.expect(200);
    charge(&sale, id, 50_000).await;
    assert_eq!((matched_later(&sale).await, sale.captured()), (ONE_STRAY, 0));
    assert_eq!((stands(&sale, &order).await, sale.alarms()), (State::Canceled, stray()));
}

#[tokio::test]
async fn a_charge_that_is_being_confirmed_is_left_to_its_order() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    sale.app.sandbox.fail_next(Operation::Confirm, FaultKind::Status500 { after_effect: true });
    sale.confirm(&kim, &order, &sale.authenticate(&order)).await.expect(202);
    assert_eq!(matched_later(&sale).await, Matched { payments: 1, strays: 0, compared: 0 });
    assert_eq!((sale.captured(), sale.sweep().await.settled), (50_000, 1));
    assert_eq!((stands(&sale, &order).await, sale.alarms()), (State::Paid, vec![]));
}

#[tokio::test]
async fn a_cancel_at_toss_that_no_webhook_told_of_is_found() {
    let bought = Bought::two().await;
    assert_eq!(matched_later(&bought.sale).await, Matched { payments: 1, strays: 0, compared: 0 });
    let key = bought.sale.app.sandbox.charges().unwrap().pop().unwrap().payment_key;
    let cancel = |by_hand: &'static str, amount: Option<i64>| {
        let (toss, key) = (bought.sale.app.parts.toss.clone(), key.clone());
        async move {
            toss.cancel(by_hand, &key, "콘솔에서 취소", amount.map(|won| Won::new(won).unwrap()), None).await.unwrap()
        }
    };
    cancel("part", Some(30_000)).await;
    assert_eq!(matched_later(&bought.sale).await, Matched { payments: 1, strays: 0, compared: 1 });
    assert_eq!(bought.sale.alarms(), [(json!("PAYMENT_CHANGED"), json!("PARTIAL_CANCEL_AT_TOSS"))]);
    cancel("rest", None).await;
    assert_eq!(matched_later(&bought.sale).await, Matched { payments: 1, strays: 0, compared: 1 });
    assert_eq!(stands(&bought.sale, &bought.order).await, State::Refunded);
    assert_eq!(bought.books().await, [80_000, -80_000, 0, 0]);
}

#[tokio::test]
async fn a_paid_order_that_was_never_charged_is_told_to_operators() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let id: OrderId = sale.order(&kim).await.expect(201)["id"].as_str().unwrap().parse().unwrap();
    let paid = Write::update(keys::order(id)).set("state", State::Paid).set("paymentKey", "never-charged");
    sale.app.table.write(paid).await.unwrap();
    let order: Order = sale.app.table.get_now(keys::order(id)).await.unwrap().unwrap();
    let line = &order.lines[0];
    let product_id: Option<ProductId> = Some(line.product_id);
    let entry = LedgerEntry {
        order_id: id,
        id: format!("SALE#{}", line.product_id),
        occasion: Occasion::Sale,
        created_at: sale.app.parts.clock.now(),
        product_id,
        tutor_id: Some(line.tutor_id),
        postings: ledger::sale(line.price, line.fee),
    };
    sale.app.table.write(Write::put(&entry)).await.unwrap();
    assert_eq!(matched_later(&sale).await, Matched { payments: 0, strays: 0, compared: 1 });
    assert_eq!(sale.alarms(), [(json!("PAYMENT_CHANGED"), json!("NO_SUCH_PAYMENT"))]);
    assert_eq!(matched_later(&sale).await, Matched::default());
}

#[tokio::test]
async fn what_toss_does_not_tell_is_asked_for_again() {
    let sale = Sale::of(3).await;
    charge(&sale, "order-of-nobody", 12_000).await;
    for operation in [Operation::Transactions, Operation::Get, Operation::Cancel] {
        sale.app.sandbox.fail_next(operation, FaultKind::Status500 { after_effect: false });
        matched_later(&sale).await;
        assert_eq!(sale.captured(), 12_000);
    }
    sale.app.clock.advance(3 * 24 * 60 * 60 * 1_000);
    matched(&sale).await;
    assert_eq!(sale.captured(), 0);
}

#[tokio::test]
async fn what_toss_refuses_to_give_back_keeps_nobody_from_the_rest() {
    let sale = Sale::of(3).await;
    charge(&sale, "order-of-nobody", 12_000).await;
    let refused = FaultKind::Error { status: 403, code: "NOT_CANCELABLE_PAYMENT".to_owned() };
    sale.app.sandbox.fail_next(Operation::Cancel, refused);
    assert_eq!((matched_later(&sale).await, sale.captured()), (ONE_STRAY, 12_000));
    charge(&sale, "order-of-nobody-else", 30_000).await;
    assert_eq!((matched_later(&sale).await, sale.captured()), (ONE_STRAY, 12_000));
}
