//! What the steps of an order leave behind: what it says of itself, and when it is looked at again.

use devloop_local::toss_sandbox::{Fault, FaultKind, Leaves, Operation, Outcome};
use domain::orders::State;
use serde_json::{Value, json};
use storage::{Write, keys};
use testkit::{Action, Gate};

use super::{
    refunds::Bought,
    sale::{Sale, Swept},
};
use crate::app::Account;

/// An order as operators see it.
pub async fn seen(sale: &Sale, buyer: &Account, order: &Value) -> Value {
    let admin = sale.app.log_in(&sale.admin).await;
    let path = format!("/v1/admin/orders?userId={}", buyer.id);
    let list = sale.app.get(&path).by(&admin).send().await.expect(200);
    list["items"].as_array().unwrap().iter().find(|seen| seen["id"] == order["id"]).unwrap().clone()
}

pub async fn shown(sale: &Sale, to: &Account, order: &Value) -> Value {
    let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
    sale.app.get(&path).by(to).send().await.expect(200)
}

async fn cancel(sale: &Sale, buyer: &Account, order: &Value) -> Value {
    let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    sale.app.post(&path).by(buyer).json(&json!({})).send().await.expect(200)
}

/// An authentication whose card is refused for good.
pub fn refused_card(sale: &Sale, order: &Value) -> String {
    let refusing = Outcome::Refuse { code: "REJECT_CARD_COMPANY".to_owned(), leaves: Leaves::Aborted, times: None };
    sale.authenticate_as(order, refusing)
}

#[tokio::test]
async fn confirm_payment_answers_how_and_when_it_was_paid() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let payment_key = sale.authenticate(&order);
    sale.app.clock.advance(60_000);
    let paid = sale.confirm(&kim, &order, &payment_key).await.expect(200);
    assert_eq!((&paid["state"], &paid["paidAt"]), (&json!("PAID"), &json!("2026-11-24T00:01:00.000Z")));
    assert_eq!(paid["settlement"]["method"], "카드");
    // The answer is what stands in the table.
    assert_eq!(paid, shown(&sale, &kim, &order).await);
    let seen = seen(&sale, &kim, &order).await;
    assert_eq!((&seen["paidAt"], &seen["due"], &seen["setbacks"]), (&paid["paidAt"], &Value::Null, &json!(0)));
}

#[tokio::test]
async fn a_refused_payment_says_why_until_another_one_is_made() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let payment_key = refused_card(&sale, &order);
    sale.confirm(&kim, &order, &payment_key).await.refused(409, "PAYMENT_REFUSED");
    let refused = shown(&sale, &kim, &order).await;
    assert_eq!((&refused["state"], &refused["failure"]), (&json!("PENDING"), &json!("REJECT_CARD_COMPANY")));
    // Half a minute after the hold is over it is let go.
    assert_eq!(seen(&sale, &kim, &order).await["due"], "2026-11-24T00:10:30.000Z");
    let payment_key = sale.authenticate(&order);
    let paid = sale.confirm(&kim, &order, &payment_key).await.expect(200);
    assert_eq!((&paid["state"], &paid["failure"]), (&json!("PAID"), &Value::Null));
    assert_eq!(shown(&sale, &kim, &order).await["failure"], Value::Null);
}

#[tokio::test]
async fn a_refusal_when_the_hold_is_just_over_lets_the_seat_go() {
    for (early, state, available) in [(1_000, "PENDING", 2), (0, "FAILED", 3)] {
        let sale = Sale::of(3).await;
        let kim = sale.app.sign_up("kim").await;
        let order = sale.order(&kim).await.expect(201);
        let payment_key = refused_card(&sale, &order);
        for operation in [Operation::Confirm, Operation::Get] {
            sale.app.sandbox.fail_next(operation, FaultKind::Status500 { after_effect: false });
        }
        sale.confirm(&kim, &order, &payment_key).await.expect(202);
        sale.app.clock.advance(600_000 - early);
        sale.app.sandbox.clear_faults();
        assert_eq!(sale.sweep().await, Swept { settled: 1, ..Swept::default() });
        assert_eq!((sale.state(&kim, &order).await.as_str(), sale.seats().await[1]), (state, available), "{early}");
    }
}

#[tokio::test]
async fn an_order_that_is_left_unpaid_is_looked_at_once_more_only_if_toss_was_ever_asked() {
    let sale = Sale::of(3).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let (untried, tried) = (sale.order(&kim).await.expect(201), sale.order(&lee).await.expect(201));
    cancel(&sale, &kim, &untried).await;
    assert_eq!(seen(&sale, &kim, &untried).await["due"], Value::Null);
    let payment_key = refused_card(&sale, &tried);
    sale.confirm(&lee, &tried, &payment_key).await.refused(409, "PAYMENT_REFUSED");
    let canceled = cancel(&sale, &lee, &tried).await;
    // Why the payment failed is still said.
    assert_eq!((&canceled["state"], &canceled["failure"]), (&json!("CANCELED"), &json!("REJECT_CARD_COMPANY")));
    assert_eq!(seen(&sale, &lee, &tried).await["due"], "2026-11-24T00:12:00.000Z");
    sale.app.times_toss_was_asked();
    sale.app.clock.advance(12 * 60_000);
    assert_eq!(sale.sweep().await, Swept { laid_down: 1, ..Swept::default() });
    assert_eq!((sale.app.times_toss_was_asked(), &seen(&sale, &lee, &tried).await["due"]), (1, &Value::Null));
}

/// Toss answers each such call like this, from now on.
fn always(sale: &Sale, operation: Operation, kind: FaultKind) {
    sale.app.sandbox.add_fault(Fault { operation, kind, times: Some(1_000), probability: None });
}

#[tokio::test]
async fn toss_is_asked_about_one_order_once_in_five_seconds() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let payment_key = sale.authenticate(&order);
    always(&sale, Operation::Confirm, FaultKind::Error { status: 400, code: "SOMETHING_NEW".to_owned() });
    always(&sale, Operation::Get, FaultKind::Status500 { after_effect: false });
    // The confirmation, whose answer says nothing, and then a question.
    for (pause, calls) in [(0, 2), (0, 1), (4_999, 1), (1, 2), (5_000, 2)] {
        sale.app.clock.advance(pause);
        sale.app.times_toss_was_asked();
        sale.confirm(&kim, &order, &payment_key).await.expect(202);
        assert_eq!(sale.app.times_toss_was_asked(), calls, "{pause}");
    }
    // So it is with the schedule: at the end of the pause it asks, and within it the order is due again later.
    for (pause, early, calls) in [(45_000, 5_000, 2), (58_000, 2_000, 0)] {
        sale.app.clock.advance(pause);
        sale.confirm(&kim, &order, &payment_key).await.expect(202);
        sale.app.times_toss_was_asked();
        sale.app.clock.advance(early);
        assert_eq!(sale.sweep().await, Swept { postponed: 1, ..Swept::default() });
        assert_eq!(sale.app.times_toss_was_asked(), calls, "{early}");
    }
    sale.app.sandbox.clear_faults();
    sale.app.clock.advance(120_000);
    assert_eq!(sale.sweep().await, Swept { settled: 1, ..Swept::default() });
    assert_eq!((sale.state(&kim, &order).await.as_str(), sale.captured()), ("PAID", 50_000));
}

#[tokio::test]
async fn a_refund_that_toss_does_not_answer_about_is_asked_about_ever_later() {
    let bought = Bought::two().await;
    let sale = &bought.sale;
    always(sale, Operation::Any, FaultKind::Status500 { after_effect: false });
    bought.cancel(json!({})).await.expect(202);
    for pause in [60_000, 60_000, 120_000, 240_000] {
        sale.app.clock.advance(pause - 1_000);
        assert_eq!(sale.sweep().await, Swept::default());
        sale.app.clock.advance(1_000);
        assert_eq!(sale.sweep().await, Swept { postponed: 1, ..Swept::default() });
    }
    sale.app.sandbox.clear_faults();
    sale.app.clock.advance(480_000);
    assert_eq!(sale.sweep().await, Swept { refunded: 1, ..Swept::default() });
    assert_eq!((sale.captured(), sale.seats().await), (0, [3, 3, 0, 0]));
}

/// Holds a call of `by` up, the `nth` of its kind: the gate that it reaches, and the one that lets it go on.
pub fn held_up(sale: &Sale, by: &'static str, operation: &'static str, nth: usize) -> (Gate, Gate) {
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut calls = 0;
    sale.app.wire.rule(move |call| {
        if call.by == by && call.operation == operation {
            calls += 1;
            if calls == nth {
                reaches.open();
                return Action::Wait(waits.clone());
            }
        }
        Action::Pass
    });
    (reached, gate)
}

#[tokio::test]
async fn cancel_order_that_is_overtaken_says_by_what() {
    for (what, status, code) in [
        ("cancel", 200, None),
        ("confirm", 409, Some("PAYMENT_IN_PROGRESS")),
        ("expire", 409, Some("ORDER_NOT_CANCELABLE")),
    ] {
        let sale = Sale::of(3).await;
        let kim = sale.app.sign_up("kim").await;
        let order = sale.order(&kim).await.expect(201);
        let payment_key = sale.authenticate(&order);
        let (reached, gate) = held_up(&sale, "cancel_order", "TransactWriteItems", 1);
        let overtaking = async {
            reached.passed().await;
            match what {
                "cancel" => drop(cancel(&sale, &kim, &order).await),
                "confirm" => {
                    sale.app.sandbox.fail_next(Operation::Confirm, FaultKind::AnswerLost);
                    sale.confirm(&kim, &order, &payment_key).await.expect(202);
                }
                _ => {
                    sale.app.clock.advance(631_000);
                    assert_eq!(sale.sweep().await.expired, 1);
                }
            }
            gate.open();
        };
        let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
        let call = sale.app.post(&path).by(&kim).json(&json!({})).send();
        let (slow, ()) = tokio::join!(call, overtaking);
        assert_eq!((slow.status, slow.body["code"].as_str()), (status, code), "{what}: {}", slow.body);
        let held = u64::from(what == "confirm");
        assert_eq!(sale.seats().await, [3, 3 - held, held, 0], "{what}");
    }
}

#[tokio::test]
async fn cancel_order_names_an_amount_only_where_something_is_left() {
    let bought = Bought::two().await;
    let sent = || {
        let sent = bought.sale.app.last_sent_to_toss();
        (sent["cancelAmount"].clone(), sent["refundableAmount"].clone())
    };
    bought.cancel(json!({ "lines": [bought.other] })).await.expect(200);
    assert_eq!(sent(), (json!(30_000), json!(80_000)));
    // Not every method gives back parts: what is left goes back whole.
    bought.cancel(json!({})).await.expect(200);
    assert_eq!(sent(), (Value::Null, json!(50_000)));
}

#[tokio::test]
async fn the_order_sweeper_leaves_alone_what_has_moved_on_since_the_index_was_read() {
    let sale = Sale::of(3).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let stuck = sale.order(&kim).await.expect(201);
    let payment_key = sale.authenticate(&stuck);
    sale.app.sandbox.fail_next(Operation::Confirm, FaultKind::AnswerLost);
    sale.confirm(&kim, &stuck, &payment_key).await.expect(202);
    let lapsed = sale.order(&lee).await.expect(201);
    sale.app.clock.advance(631_000);
    // As if the index said of the one what was true of the other.
    let [of, instead] = [&lapsed, &stuck].map(|order| format!("ORDER#{}", order["id"].as_str().unwrap()));
    sale.app.wire.rule(move |call| {
        if call.by == "order_sweeper" && call.operation == "GetItem" && call.mentions(&of) {
            call.body["Key"]["pk"] = json!({ "S": instead });
        }
        Action::Pass
    });
    assert_eq!(sale.sweep().await, Swept { settled: 1, ..Swept::default() });
    sale.app.wire.clear();
    assert_eq!(sale.sweep().await, Swept { expired: 1, ..Swept::default() });
    assert_eq!((sale.captured(), sale.seats().await), (50_000, [3, 2, 0, 1]));
}

#[tokio::test]
async fn a_seat_that_is_freed_at_the_deadline_is_nobodys_turn() {
    let sale = Sale::of(1).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    sale.order(&kim).await.expect(201);
    sale.app.post(&format!("/v1/pwts/{}/waitlist", sale.pwt)).by(&lee).send().await.expect(201);
    sale.app.clock.advance(30 * 24 * 60 * 60_000);
    assert_eq!(sale.app.parts.clock.now().to_string(), "2026-12-24T00:00:00.000Z");
    assert_eq!(sale.sweep().await, Swept { expired: 1, ..Swept::default() });
    assert_eq!(sale.seats().await, [1, 1, 0, 0]);
    let lee = sale.app.log_in(&lee).await;
    let place = sale.app.get(&format!("/v1/pwts/{}/waitlist/me", sale.pwt)).by(&lee).send().await;
    place.refused(404, "WAITLIST_PLACE_NOT_FOUND");
}

#[tokio::test]
async fn a_refund_of_a_part_by_an_admin_answers_the_request_and_says_how_the_order_stands() {
    let bought = Bought::two().await;
    let sale = &bought.sale;
    sale.app.clock.advance(31 * 24 * 60 * 60_000);
    let (kim, admin) = (sale.app.log_in(&bought.kim).await, sale.app.log_in(&sale.admin).await);
    let path = format!("/v1/orders/{}/refund-requests", bought.order["id"].as_str().unwrap());
    let ask =
        sale.app.post(&path).by(&kim).header("idempotency-key", "ask").json(&json!({ "reason": "약속과 다릅니다." }));
    let asked = ask.send().await.expect(201);
    assert_eq!(shown(sale, &kim, &bought.order).await["refundRequest"], asked["id"]);
    let body = json!({ "lines": [bought.other], "reason": "확인했습니다." });
    let given = bought.cancel_by(&admin, body).await.expect(200);
    assert_eq!((&given["state"], &given["refundRequest"]), (&json!("PARTIALLY_REFUNDED"), &Value::Null));
    assert_eq!(given, shown(sale, &admin, &bought.order).await);
}

#[tokio::test]
async fn a_refund_whose_answer_says_nothing_is_asked_for_under_the_next_key() {
    let bought = Bought::two().await;
    let unclear = FaultKind::Error { status: 400, code: "SOMETHING_NEW".to_owned() };
    bought.sale.app.sandbox.fail_next(Operation::Cancel, unclear);
    bought.sale.app.times_toss_was_asked();
    bought.cancel(json!({})).await.expect(200);
    // That, whether anything has moved, and the next attempt.
    assert_eq!((bought.sale.app.times_toss_was_asked(), bought.sale.captured()), (3, 0));
}

#[tokio::test]
async fn a_refunded_order_that_is_due_has_nothing_to_be_done() {
    let bought = Bought::two().await;
    bought.cancel(json!({})).await.expect(200);
    assert_eq!(bought.stands().await, "REFUNDED");
    let (app, id) = (&bought.sale.app, bought.order["id"].as_str().unwrap().parse().unwrap());
    let due = app.parts.clock.now();
    let index = keys::order_by_work(id, State::Refunded, Some(due));
    let order = Write::update(keys::order(id)).set("due", due).set("gsi1pk", index.pk).set("gsi1sk", index.sk);
    app.table.write(order).await.unwrap();
    assert_eq!(bought.sale.sweep().await, Swept::default());
    assert_eq!(seen(&bought.sale, &bought.kim, &bought.order).await["due"], Value::Null);
    assert_eq!(bought.stands().await, "REFUNDED");
}
