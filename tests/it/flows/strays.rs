//! Charges that come to be after their order was given up: they are looked for until nothing of them is left.

use devloop_local::{
    queues::NOTIFICATIONS,
    toss_sandbox::{Authentication, Leaves, Outcome},
};
use domain::money::Won;
use serde_json::{Value, json};

use super::{
    sale::{Sale, Swept},
    steps::seen,
};
use crate::app::Account;

/// The reasons that operators were told since they were asked last.
fn told(sale: &Sale) -> Vec<Value> {
    let told = sale.app.sqs.receive(NOTIFICATIONS).unwrap();
    told.iter().map(|told| serde_json::from_str::<Value>(&told.body).unwrap()["reason"].clone()).collect()
}

/// An order whose first try was refused, which was cancelled, and whose payment Toss then takes all the same.
async fn late(sale: &Sale, method: Option<&str>) -> (Account, Value, String) {
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let id = order["id"].as_str().unwrap();
    let outcome =
        Outcome::Refuse { code: "REJECT_CARD_COMPANY".to_owned(), leaves: Leaves::InProgress, times: Some(1) };
    let asked = Authentication { outcome, method: method.map(str::to_owned), ..Authentication::of(id, 50_000) };
    let payment_key = sale.app.sandbox.authenticate(asked).unwrap().payment_key;
    sale.confirm(&kim, &order, &payment_key).await.refused(409, "PAYMENT_REFUSED");
    sale.app.post(&format!("/v1/orders/{id}/cancel")).by(&kim).json(&json!({})).send().await.expect(200);
    sale.app.parts.toss.confirm("late", &payment_key, id, Won::new(50_000).unwrap()).await.unwrap();
    (kim, order, payment_key)
}

/// Somebody of the shop gives a part back.
async fn at_the_console(sale: &Sale, payment_key: &str, amount: i64) {
    let (key, amount) = (format!("by-hand-{amount}"), Won::new(amount).unwrap());
    sale.app.parts.toss.cancel(&key, payment_key, "콘솔에서 취소", Some(amount), None).await.unwrap();
}

const LAST_LOOK: i64 = 12 * 60_000;

#[tokio::test]
async fn the_rest_of_a_charge_that_was_given_back_in_part_goes_back_too() {
    let sale = Sale::of(3).await;
    let (kim, order, payment_key) = late(&sale, None).await;
    at_the_console(&sale, &payment_key, 20_000).await;
    assert_eq!(sale.captured(), 30_000);
    sale.app.clock.advance(LAST_LOOK);
    assert_eq!(sale.sweep().await, Swept { laid_down: 1, ..Swept::default() });
    assert_eq!((sale.captured(), told(&sale)), (0, vec![json!("STRAY_CHARGE")]));
    assert_eq!(seen(&sale, &kim, &order).await["due"], Value::Null);
}

#[tokio::test]
async fn a_charge_of_which_nothing_is_left_is_no_alarm() {
    let sale = Sale::of(3).await;
    let (kim, order, payment_key) = late(&sale, None).await;
    for amount in [20_000, 30_000] {
        at_the_console(&sale, &payment_key, amount).await;
    }
    sale.app.times_toss_was_asked();
    sale.app.clock.advance(LAST_LOOK);
    assert_eq!(sale.sweep().await, Swept { laid_down: 1, ..Swept::default() });
    assert_eq!((sale.app.times_toss_was_asked(), told(&sale)), (1, vec![]));
    assert_eq!(seen(&sale, &kim, &order).await["due"], Value::Null);
}

#[tokio::test]
async fn an_account_without_an_order_is_watched_until_it_takes_no_money_any_more() {
    let sale = Sale::of(3).await;
    let (kim, order, payment_key) = late(&sale, Some("가상계좌")).await;
    sale.app.clock.advance(LAST_LOOK);
    // Nobody has paid in, and somebody may.
    assert_eq!(sale.sweep().await, Swept { postponed: 1, ..Swept::default() });
    assert!(seen(&sale, &kim, &order).await["due"].is_string());
    sale.app.sandbox.deposit(&payment_key).unwrap();
    sale.app.clock.advance(61_000);
    assert_eq!(sale.sweep().await, Swept { postponed: 1, ..Swept::default() });
    assert_eq!(told(&sale), [json!("STRAY_CHARGE"), json!("REFUND_ACCOUNT_NEEDED")]);
}

#[tokio::test]
async fn a_void_takes_one_call_to_toss() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let payment_key = sale.open_account(&order, None);
    sale.app.times_toss_was_asked();
    sale.confirm(&kim, &order, &payment_key).await.refused(409, "PAYMENT_METHOD_NOT_ALLOWED");
    // The confirmation, and the cancel that is answered with the order's own payment.
    assert_eq!(sale.app.times_toss_was_asked(), 2);
}
