//! Charges without a paid order that Toss refuses to give back: operators hear of them, and what they then do at Toss
//! itself brings the order to its end.

use bytes::Bytes;
use devloop_local::toss_sandbox::{Authentication, FaultKind, Leaves, Operation, Outcome};
use domain::{ledger, money::Won};
use serde_json::{Value, json};
use storage::{Query, items::LedgerEntry, keys};
use testkit::Action;

use super::{
    deposits::{self, HOURS, account_for},
    sale::{Sale, Swept},
};

fn stands(reason: &str) -> (Value, Value) {
    (json!("CHARGE_STANDS"), json!(reason))
}

/// What the ledger says of an order that is not paid: what was taken, and what went back.
async fn entered(sale: &Sale, order: &Value) -> [i64; 2] {
    let order = keys::order(order["id"].as_str().unwrap().parse().unwrap());
    let entries: Vec<LedgerEntry> = sale.app.table.all(&Query::partition(order.pk, "LEDGER#"), 10).await.unwrap();
    let postings: Vec<_> = entries.into_iter().flat_map(|entry| entry.postings).collect();
    [ledger::Account::TossClearing, ledger::Account::RefundClearing]
        .map(|account| ledger::balance(postings.iter().filter(|posting| posting.account == account)))
}

/// What Toss took of an order in the end, whatever it answered on the way.
fn taken(sale: &Sale, order: &Value) -> i64 {
    let charges = sale.app.sandbox.charges().unwrap();
    charges.iter().filter(|charge| order["id"] == charge.order_id.as_str()).map(|charge| charge.total_amount).sum()
}

/// An operator cancels at Toss, and knows where to pay back to.
async fn at_the_console(sale: &Sale, payment_key: &str) {
    let account = json!({ "bank": "20", "accountNumber": "110123456789", "holderName": "김튜터" });
    let request = http::Request::post(format!("http://toss.test/v1/payments/{payment_key}/cancel"))
        // `test_sk_local:`
        .header("authorization", "Basic dGVzdF9za19sb2NhbDo=")
        .header("content-type", "application/json")
        .body(Bytes::from(json!({ "cancelReason": "console", "refundReceiveAccount": account }).to_string()))
        .unwrap();
    let answer = sale.app.sandbox.transport().send(request).await.unwrap();
    assert_eq!(answer.status(), 200, "{:?}", answer.body());
}

#[tokio::test]
async fn a_deposit_for_an_account_that_is_voided_waits_for_an_operator() {
    let sale = deposits::sale().await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let payment_key = account_for(&sale, &order, HOURS + 1);
    // The money comes in between the account and its void.
    let (sandbox, key, mut first) = (sale.app.sandbox.clone(), payment_key.clone(), true);
    sale.app.wire.rule(move |call| {
        let intends = call.by == "confirm_payment" && call.mentions("METHOD_NOT_ALLOWED");
        if intends && std::mem::take(&mut first) {
            sandbox.deposit(&key).unwrap();
        }
        Action::Pass
    });
    sale.confirm(&kim, &order, &payment_key).await.expect(202);
    sale.app.wire.clear();
    let told = (json!("CHARGE_VOIDED"), json!("PAYMENT_METHOD_NOT_ALLOWED"));
    assert_eq!(sale.alarms(), [told, stands("REFUND_ACCOUNT_NEEDED")]);
    // As long as the money stands, so does the seat.
    sale.app.clock.advance(61_000);
    assert_eq!(sale.sweep().await, Swept { postponed: 1, ..Swept::default() });
    assert_eq!((sale.seats().await, sale.alarms()), ([3, 2, 1, 0], vec![stands("REFUND_ACCOUNT_NEEDED")]));
    at_the_console(&sale, &payment_key).await;
    sale.app.clock.advance(61_000);
    assert_eq!(sale.sweep().await.settled, 1);
    assert_eq!((sale.state(&kim, &order).await.as_str(), sale.seats().await), ("FAILED", [3, 3, 0, 0]));
}

#[tokio::test]
async fn a_void_that_toss_refuses_is_asked_for_again_and_told() {
    for code in ["REFUND_REJECTED", "PROVIDER_ERROR"] {
        let sale = deposits::sale().await;
        let kim = sale.app.sign_up("kim").await;
        let order = sale.order(&kim).await.expect(201);
        let payment_key = account_for(&sale, &order, HOURS + 1);
        let refusal = FaultKind::Error { status: 400, code: code.to_owned() };
        sale.app.sandbox.fail_next(Operation::Cancel, refusal);
        sale.confirm(&kim, &order, &payment_key).await.expect(202);
        let told = sale.alarms();
        assert_eq!(told.contains(&stands("CANCEL_REFUSED")), code == "REFUND_REJECTED", "{told:?}");
        // Toss repeats what it answered to one key.
        sale.app.clock.advance(61_000);
        assert_eq!(sale.sweep().await.settled, 1, "{code}");
        assert_eq!((sale.state(&kim, &order).await.as_str(), sale.seats().await), ("FAILED", [3, 3, 0, 0]));
    }
}

#[tokio::test]
async fn a_stray_charge_that_toss_refuses_to_cancel_is_asked_for_again_and_told() {
    for code in ["REFUND_REJECTED", "PROVIDER_ERROR"] {
        let sale = Sale::of(3).await;
        let kim = sale.app.sign_up("kim").await;
        let order = sale.order(&kim).await.expect(201);
        let id = order["id"].as_str().unwrap();
        let refused =
            Outcome::Refuse { code: "REJECT_CARD_COMPANY".to_owned(), leaves: Leaves::InProgress, times: Some(1) };
        let asked = Authentication { outcome: refused, ..Authentication::of(id, 50_000) };
        let payment_key = sale.app.sandbox.authenticate(asked).unwrap().payment_key;
        sale.confirm(&kim, &order, &payment_key).await.refused(409, "PAYMENT_REFUSED");
        sale.app.post(&format!("/v1/orders/{id}/cancel")).by(&kim).json(&json!({})).send().await.expect(200);
        sale.app.parts.toss.confirm("late", &payment_key, id, Won::new(50_000).unwrap()).await.unwrap();
        let refusal = FaultKind::Error { status: 400, code: code.to_owned() };
        sale.app.sandbox.fail_next(Operation::Cancel, refusal);
        sale.app.clock.advance(13 * 60_000);
        assert_eq!(sale.sweep().await, Swept { postponed: 1, ..Swept::default() });
        assert_eq!(sale.alarms().contains(&stands("CANCEL_REFUSED")), code == "REFUND_REJECTED");
        sale.app.clock.advance(61_000);
        assert_eq!((sale.sweep().await.laid_down, sale.captured()), (1, 0), "{code}");
    }
}

#[tokio::test]
async fn cancel_order_of_an_account_asks_toss_anew_each_time() {
    let sale = deposits::sale().await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let payment_key = account_for(&sale, &order, HOURS);
    sale.confirm(&kim, &order, &payment_key).await.expect(200);
    let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    let refusal = FaultKind::Error { status: 400, code: "PROVIDER_ERROR".to_owned() };
    sale.app.sandbox.fail_next(Operation::Cancel, refusal);
    sale.app.post(&path).by(&kim).json(&json!({})).send().await.refused(409, "PAYMENT_IN_PROGRESS");
    let canceled = sale.app.post(&path).by(&kim).json(&json!({})).send().await.expect(200);
    assert_eq!((&canceled["state"], sale.seats().await), (&json!("CANCELED"), [3, 3, 0, 0]));
}

/// A charge that is voided: what the ledger says of it and what Toss took, if Toss answers its cancel like this and,
/// when it is asked anew, so many times, too.
async fn voided(cancel: FaultKind, anew: usize) -> ([i64; 2], i64) {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let payment_key = sale.authenticate(&order);
    sale.app.sandbox.fail_next(Operation::Confirm, FaultKind::WrongAmount);
    for _ in 0..anew {
        sale.app.sandbox.fail_next(Operation::Get, cancel.clone());
    }
    sale.app.sandbox.fail_next(Operation::Cancel, cancel);
    sale.confirm(&kim, &order, &payment_key).await.refused(409, "PAYMENT_VOIDED");
    assert_eq!((sale.state(&kim, &order).await.as_str(), sale.captured()), ("FAILED", 0));
    (entered(&sale, &order).await, taken(&sale, &order))
}

#[tokio::test]
async fn a_void_whose_answer_names_another_amount_is_read_anew_before_it_is_entered() {
    for kind in [FaultKind::WrongAmount, FaultKind::WrongOrder] {
        assert_eq!(voided(kind.clone(), 0).await, ([50_000, -50_000], 50_000), "{kind:?}");
    }
    // What is entered is what was read anew, and nothing else: here that is wrong, too.
    assert_eq!(voided(FaultKind::WrongAmount, 1).await, ([50_001, -50_001], 50_000));
}

#[tokio::test]
async fn a_stray_whose_cancel_names_another_amount_is_read_anew_before_it_is_entered() {
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
    sale.app.sandbox.fail_next(Operation::Cancel, FaultKind::WrongAmount);
    sale.app.clock.advance(13 * 60_000);
    assert_eq!((sale.sweep().await.laid_down, sale.captured()), (1, 0));
    assert_eq!((entered(&sale, &order).await, taken(&sale, &order)), ([50_000, -50_000], 50_000));
}
