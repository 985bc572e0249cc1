//! A confirmation that is held up before one of its writes, while somebody else works on the same order: it says what
//! has become of the order, and nothing happens twice.

use devloop_local::toss_sandbox::{FaultKind, Operation};
use serde_json::{Value, json};

use super::{
    deposits::{self, HOURS, account_for},
    sale::{Sale, Swept},
    steps::{held_up, refused_card, shown},
};
use crate::app::{Account, Reply};

async fn ordered(sale: &Sale) -> (Account, Value) {
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    (kim, order)
}

/// Confirms while the transaction after the one that begins it is held up; the schedule works on the order meanwhile,
/// and then comes what is given.
async fn overtaken(
    sale: &Sale,
    (kim, order): (&Account, &Value),
    payment_key: &str,
    late: i64,
    then: impl Future<Output = ()>,
) -> Reply {
    let (reached, gate) = held_up(sale, "confirm_payment", "TransactWriteItems", 2);
    let overtaking = async {
        reached.passed().await;
        sale.app.clock.advance(late);
        assert_eq!(sale.sweep().await, Swept { settled: 1, ..Swept::default() });
        then.await;
        gate.open();
    };
    tokio::join!(sale.confirm(kim, order, payment_key), overtaking).0
}

const MINUTE: i64 = 60_000;

#[tokio::test]
async fn a_confirmation_that_the_schedule_has_settled_is_answered_as_paid() {
    let sale = Sale::of(3).await;
    let (kim, order) = ordered(&sale).await;
    let payment_key = sale.authenticate(&order);
    let paid = overtaken(&sale, (&kim, &order), &payment_key, MINUTE, async {}).await.expect(200);
    assert_eq!((&paid["state"], &paid["paidAt"]), (&json!("PAID"), &json!("2026-11-24T00:01:00.000Z")));
    assert_eq!((sale.captured(), sale.seats().await), (50_000, [3, 2, 0, 1]));
}

#[tokio::test]
async fn a_confirmation_whose_account_was_given_out_by_the_schedule_tells_of_it() {
    let sale = deposits::sale().await;
    let (kim, order) = ordered(&sale).await;
    let payment_key = account_for(&sale, &order, HOURS);
    let waits = overtaken(&sale, (&kim, &order), &payment_key, MINUTE, async {}).await.expect(200);
    assert_eq!((&waits["state"], &waits["deposit"]["bankCode"]), (&json!("AWAITING_DEPOSIT"), &json!("20")));
    assert_eq!(sale.seats().await, [3, 2, 1, 0]);
}

#[tokio::test]
async fn a_refusal_that_the_schedule_wrote_down_is_answered_as_one() {
    for (late, state) in [(MINUTE, "PENDING"), (10 * MINUTE, "FAILED")] {
        let sale = Sale::of(3).await;
        let (kim, order) = ordered(&sale).await;
        let payment_key = refused_card(&sale, &order);
        let reply = overtaken(&sale, (&kim, &order), &payment_key, late, async {}).await;
        assert_eq!(reply.refused(409, "PAYMENT_REFUSED")["provider"]["code"], "REJECT_CARD_COMPANY");
        assert_eq!(sale.state(&kim, &order).await, state);
    }
}

#[tokio::test]
async fn a_refused_card_is_not_taken_for_the_one_that_came_after_it() {
    for by_account in [false, true] {
        let sale = deposits::sale().await;
        let (kim, order) = ordered(&sale).await;
        let payment_key = refused_card(&sale, &order);
        let next = async {
            let next = if by_account { account_for(&sale, &order, HOURS) } else { sale.authenticate(&order) };
            if by_account {
                sale.confirm(&kim, &order, &next).await.expect(200);
            } else {
                sale.app.sandbox.fail_next(Operation::Confirm, FaultKind::AnswerLost);
                sale.confirm(&kim, &order, &next).await.expect(202);
            }
        };
        overtaken(&sale, (&kim, &order), &payment_key, MINUTE, next).await.refused(409, "PAYMENT_REFUSED");
        let stands = if by_account { "AWAITING_DEPOSIT" } else { "CONFIRMING" };
        assert_eq!(shown(&sale, &kim, &order).await["state"], stands);
        assert_eq!(sale.seats().await, [3, 2, 1, 0]);
    }
}

#[tokio::test]
async fn a_void_that_the_schedule_finished_is_answered_as_one() {
    let sale = Sale::of(3).await;
    let (kim, order) = ordered(&sale).await;
    let payment_key = sale.open_account(&order, None);
    // The intent is the first write of one item.
    let (reached, gate) = held_up(&sale, "confirm_payment", "UpdateItem", 1);
    let overtaking = async {
        reached.passed().await;
        sale.app.clock.advance(MINUTE);
        assert_eq!(sale.sweep().await, Swept { settled: 1, ..Swept::default() });
        gate.open();
    };
    let (slow, ()) = tokio::join!(sale.confirm(&kim, &order, &payment_key), overtaking);
    slow.refused(409, "PAYMENT_METHOD_NOT_ALLOWED");
    assert_eq!((sale.state(&kim, &order).await.as_str(), sale.seats().await), ("FAILED", [3, 3, 0, 0]));
}

#[tokio::test]
async fn a_confirmation_whose_next_attempt_another_began_goes_on_with_that() {
    let sale = Sale::of(3).await;
    let (kim, order) = ordered(&sale).await;
    let payment_key = sale.authenticate(&order);
    let unclear = || FaultKind::Error { status: 400, code: "SOMETHING_NEW".to_owned() };
    sale.app.sandbox.fail_next(Operation::Confirm, unclear());
    // First it takes its turn to ask, then it counts the attempt up.
    let (reached, gate) = held_up(&sale, "confirm_payment", "UpdateItem", 2);
    let overtaking = async {
        reached.passed().await;
        sale.app.clock.advance(MINUTE);
        // The first attempt is answered as before; the next one is not answered.
        sale.app.sandbox.fail_next(Operation::Confirm, unclear());
        sale.app.sandbox.fail_next(Operation::Confirm, FaultKind::Status500 { after_effect: false });
        assert_eq!(sale.sweep().await, Swept { postponed: 1, ..Swept::default() });
        gate.open();
    };
    let (slow, ()) = tokio::join!(sale.confirm(&kim, &order, &payment_key), overtaking);
    assert_eq!(slow.expect(200)["state"], "PAID");
    assert_eq!((sale.captured(), sale.seats().await), (50_000, [3, 2, 0, 1]));
}

#[tokio::test]
async fn a_payment_that_toss_does_not_find_is_refused_only_if_the_confirmation_said_so_too() {
    let missing = || FaultKind::Error { status: 404, code: "NOT_FOUND_PAYMENT".to_owned() };
    let unclear = FaultKind::Error { status: 400, code: "SOMETHING_NEW".to_owned() };
    for (answer, status, state) in [(unclear, 202, "CONFIRMING"), (missing(), 409, "PENDING")] {
        let sale = Sale::of(3).await;
        let (kim, order) = ordered(&sale).await;
        let payment_key = sale.authenticate(&order);
        sale.app.sandbox.fail_next(Operation::Confirm, answer);
        sale.app.sandbox.fail_next(Operation::Get, missing());
        let reply = sale.confirm(&kim, &order, &payment_key).await;
        assert_eq!((reply.status, sale.state(&kim, &order).await.as_str()), (status, state), "{}", reply.body);
    }
}

#[tokio::test]
async fn an_account_for_another_amount_is_given_up() {
    let sale = deposits::sale().await;
    let (kim, order) = ordered(&sale).await;
    let payment_key = account_for(&sale, &order, HOURS);
    sale.app.sandbox.fail_next(Operation::Confirm, FaultKind::WrongAmount);
    sale.confirm(&kim, &order, &payment_key).await.refused(409, "PAYMENT_VOIDED");
    assert_eq!((sale.state(&kim, &order).await.as_str(), sale.seats().await), ("FAILED", [3, 3, 0, 0]));
    assert!(sale.app.sandbox.deposit(&payment_key).is_err());
}
