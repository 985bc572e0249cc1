//! Carts, orders and payments, through the front door and against the sandbox's books.

use std::time::Duration;

use devloop_local::toss_sandbox::{Authentication, Fault, FaultKind, Leaves, Operation, Outcome};
use serde_json::{Value, json};
use testkit::{Action, Gate};

use super::sale::{Sale, Swept};
use crate::app::Account;

#[tokio::test]
async fn a_seat_is_bought_and_paid() {
    let sale = Sale::of(2).await;
    let kim = sale.app.sign_up("kim").await;
    sale.app.put(&format!("/v1/cart/items/{}", sale.pwt)).by(&kim).send().await.expect(200);

    let order = sale.order(&kim).await.expect(201);
    assert_eq!(order["total"], 50_000);
    assert_eq!(order["payment"]["orderName"], "러스트로 만드는 서버리스");
    assert_ne!(order["payment"]["customerKey"], json!(kim.id));
    assert_eq!(sale.seats().await, [2, 1, 1, 0]);

    let payment_key = sale.authenticate(&order);
    let paid = sale.confirm(&kim, &order, &payment_key).await.expect(200);
    assert_eq!(paid["state"], "PAID");
    assert_eq!(sale.seats().await, [2, 1, 0, 1]);
    assert_eq!(sale.captured(), 50_000);

    let cart = sale.app.get("/v1/cart").by(&kim).send().await.expect(200);
    assert_eq!(cart["items"], json!([]));
    let purchases = sale.app.get("/v1/users/me/purchases").by(&kim).send().await.expect(200);
    assert_eq!(purchases["items"][0]["productId"], json!(sale.pwt));
    sale.app.get(&format!("/v1/pwts/{}/schedule", sale.pwt)).by(&kim).send().await.expect(200);
    let orders = sale.app.get("/v1/orders").by(&kim).send().await.expect(200);
    assert_eq!(orders["items"][0]["state"], "PAID");
    assert!(orders["items"][0]["settlement"]["method"].is_string());
    sale.order(&kim).await.refused(409, "ALREADY_PURCHASED");
}

#[tokio::test]
async fn create_order_gives_free_seats_away_at_once() {
    let sale = Sale::with(json!({ "price": 0, "maxParticipants": 1 })).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let order = sale.order(&kim).await.expect(201);
    assert_eq!((order["state"].as_str(), &order["payment"]), (Some("PAID"), &Value::Null));
    assert_eq!(sale.seats().await, [1, 0, 0, 1]);
    sale.order(&lee).await.refused(409, "SEAT_SOLD_OUT");
    sale.order(&kim).await.refused(409, "ALREADY_PURCHASED");
    assert_eq!(sale.captured(), 0);
}

#[tokio::test]
async fn create_order_refuses_what_is_open_own_closed_unknown_or_repeated() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let problem = sale.order(&kim).await.refused(409, "ORDER_OPEN");
    assert_eq!(problem["lines"][0]["orderId"], order["id"]);
    let post =
        |body: Value| sale.app.post("/v1/orders").by(&kim).header("idempotency-key", "another").json(&body).send();
    post(json!({ "productIds": [sale.pwt, sale.pwt] })).await.refused(400, "DUPLICATE_PRODUCT");
    post(json!({ "productIds": ["01ARZ3NDEKTSV4RRFFQ69G5FAV"] })).await.refused(404, "PRODUCT_NOT_FOUND");
    post(json!({ "productIds": [] })).await.refused(400, "VALIDATION_FAILED");
    post(json!({ "fromCart": true, "productIds": [sale.pwt] })).await.refused(400, "VALIDATION_FAILED");
    post(json!({ "fromCart": true })).await.refused(400, "VALIDATION_FAILED");
    let tutor = sale.app.log_in(&Account { email: "park@example.com".to_owned(), ..kim.clone() }).await;
    sale.order(&tutor).await.refused(409, "OWN_PRODUCT");
    let lee = sale.app.sign_up("lee").await;
    let expected = json!({ "productIds": [sale.pwt], "expectedTotal": 49_999 });
    let order = sale.app.post("/v1/orders").by(&lee).header("idempotency-key", "k").json(&expected).send().await;
    assert_eq!(order.refused(409, "PRICE_CHANGED")["total"], 50_000);
    sale.app.clock.advance(40 * 86_400_000);
    let lee = sale.app.log_in(&lee).await;
    sale.order(&lee).await.refused(409, "NOT_FOR_SALE");
}

#[tokio::test]
async fn create_order_opens_at_salesfrom() {
    let sale = Sale::with(json!({ "salesFrom": "2026-11-24T00:05:00Z" })).await;
    let kim = sale.app.sign_up("kim").await;
    sale.order(&kim).await.refused(409, "NOT_FOR_SALE");
    sale.app.clock.advance(5 * 60_000);
    sale.order(&kim).await.expect(201);
}

#[tokio::test]
async fn create_order_holds_all_or_none() {
    let sale = Sale::of(1).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let tutor = sale.app.log_in(&Account { email: "park@example.com".to_owned(), ..kim.clone() }).await;
    let other = sale.app.approved_pwt(&tutor, &sale.admin, json!({ "maxParticipants": 60 })).await;
    sale.order(&kim).await.expect(201);
    let both = json!({ "productIds": [other, sale.pwt] });
    let order = || sale.app.post("/v1/orders").by(&lee).header("idempotency-key", "both").json(&both).send();
    let problem = order().await.refused(409, "SEAT_SOLD_OUT");
    assert_eq!(problem["lines"][0]["productId"], json!(sale.pwt));
    assert_eq!(
        (&problem["lines"][0]["held"], &problem["lines"][0]["holdUntil"]),
        (&json!(1), &json!("2026-11-24T00:10:00.000Z"))
    );
    let seats = sale.app.get(&format!("/v1/pwts/{other}/seats")).send().await.expect(200);
    assert_eq!(seats["available"], 60);
    // A refusal is not recorded: the same key may succeed later.
    sale.app.clock.advance(11 * 60_000);
    sale.sweep().await;
    let lee_again = sale.app.log_in(&lee).await;
    let order = sale
        .app
        .post("/v1/orders")
        .by(&lee_again)
        .header("idempotency-key", "both")
        .json(&both)
        .send()
        .await
        .expect(201);
    assert_eq!(order["total"], 100_000);
}

#[tokio::test]
async fn fifty_orders_under_one_key_are_one_order() {
    let sale = Sale::of(60).await;
    let kim = sale.app.sign_up("kim").await;
    let replies = futures::future::join_all((0..50).map(|_| sale.order_under(&kim, "key"))).await;
    let ids: std::collections::BTreeSet<String> =
        replies.into_iter().map(|reply| reply.expect(201)["id"].to_string()).collect();
    assert_eq!(ids.len(), 1);
    assert_eq!(sale.seats().await, [60, 59, 1, 0]);
}

#[tokio::test]
async fn fifty_confirms_under_one_key_are_one_charge() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let body = json!({ "paymentKey": sale.authenticate(&order), "orderId": order["id"], "amount": 50_000 });
    let replies = futures::future::join_all((0..50).map(|_| sale.confirm_under(&kim, "key", &body))).await;
    for reply in replies {
        assert!(matches!(reply.status, 200 | 409), "{}", reply.body);
    }
    let again = sale.confirm_under(&kim, "key", &body).await;
    assert_eq!(again.header("idempotent-replayed"), "true");
    assert_eq!(again.expect(200)["state"], "PAID");
    let charges = sale.app.sandbox.charges().unwrap();
    assert_eq!(charges.iter().map(|charge| charge.captures).sum::<usize>(), 1);
    assert_eq!(sale.seats().await, [3, 2, 0, 1]);
}

#[tokio::test]
async fn confirm_payment_takes_no_amount_but_the_total() {
    let sale = Sale::of(3).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let order = sale.order(&kim).await.expect(201);
    let payment_key = sale.authenticate(&order);
    for amount in
        [json!(0), json!(1), json!(49_999), json!(50_001), json!(100_000), json!(9_000_000_000_000_000_000_i64)]
    {
        sale.confirm_amount(&kim, &order, &payment_key, &amount).await.refused(422, "AMOUNT_MISMATCH");
    }
    for amount in [json!(-1), json!(50_000.5), json!("50000"), json!(null), json!(1e300)] {
        sale.confirm_amount(&kim, &order, &payment_key, &amount).await.refused(400, "VALIDATION_FAILED");
    }
    sale.confirm(&lee, &order, &payment_key).await.refused(404, "ORDER_NOT_FOUND");
    assert_eq!(sale.captured(), 0);
    assert_eq!(sale.state(&kim, &order).await, "PENDING");
    sale.confirm(&kim, &order, &payment_key).await.expect(200);
}

#[tokio::test]
async fn confirm_payment_voids_a_charge_of_another_amount_or_order() {
    for kind in [FaultKind::WrongAmount, FaultKind::WrongOrder] {
        let sale = Sale::of(3).await;
        let kim = sale.app.sign_up("kim").await;
        let order = sale.order(&kim).await.expect(201);
        let payment_key = sale.authenticate(&order);
        sale.app.sandbox.fail_next(Operation::Confirm, kind);
        sale.confirm(&kim, &order, &payment_key).await.refused(409, "PAYMENT_VOIDED");
        assert_eq!(sale.state(&kim, &order).await, "FAILED");
        assert_eq!(sale.captured(), 0);
        assert_eq!(sale.seats().await, [3, 3, 0, 0]);
        sale.buy(&kim).await.expect(200);
    }
}

#[tokio::test]
async fn confirm_payment_voids_a_virtual_account() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let payment_key = sale.open_account(&order, None);
    sale.confirm(&kim, &order, &payment_key).await.refused(409, "PAYMENT_METHOD_NOT_ALLOWED");
    assert_eq!(sale.state(&kim, &order).await, "FAILED");
    assert_eq!(sale.seats().await, [3, 3, 0, 0]);
}

#[tokio::test]
async fn confirm_payment_after_a_refusal_takes_another_card_but_never_the_same_key() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let refused =
        Outcome::Refuse { code: "REJECT_CARD_COMPANY".to_owned(), leaves: Leaves::InProgress, times: Some(1) };
    let payment_key = sale.authenticate_as(&order, refused);
    let problem = sale.confirm(&kim, &order, &payment_key).await.refused(409, "PAYMENT_REFUSED");
    assert_eq!((&problem["provider"]["code"], &problem["payable"]), (&json!("REJECT_CARD_COMPANY"), &json!(true)));
    assert_eq!(sale.state(&kim, &order).await, "PENDING");
    assert_eq!(sale.seats().await, [3, 2, 1, 0]);
    sale.confirm(&kim, &order, &payment_key).await.refused(409, "ORDER_NOT_PAYABLE");
    let other_card = sale.authenticate(&order);
    sale.confirm(&kim, &order, &other_card).await.expect(200);
    assert_eq!(sale.captured(), 50_000);
}

#[tokio::test]
async fn confirm_payment_lets_go_of_an_invented_payment_key() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    sale.confirm(&kim, &order, "invented").await.refused(409, "PAYMENT_REFUSED");
    assert_eq!(sale.state(&kim, &order).await, "PENDING");
    sale.confirm(&kim, &order, "").await.refused(400, "VALIDATION_FAILED");
    sale.confirm(&kim, &order, &"k".repeat(201)).await.refused(400, "VALIDATION_FAILED");
    let payment_key = sale.authenticate(&order);
    sale.confirm(&kim, &order, &payment_key).await.expect(200);
}

#[tokio::test]
async fn confirm_payment_takes_no_payment_key_of_another_order() {
    let sale = Sale::of(3).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let (kims, lees) = (sale.order(&kim).await.expect(201), sale.order(&lee).await.expect(201));
    let payment_key = sale.authenticate(&kims);
    sale.confirm(&kim, &kims, &payment_key).await.expect(200);
    sale.confirm(&lee, &lees, &payment_key).await.refused(409, "ORDER_NOT_PAYABLE");
    assert_eq!(sale.state(&lee, &lees).await, "PENDING");
    assert_eq!(sale.captured(), 50_000);
}

#[tokio::test]
async fn confirm_payment_is_too_late_when_the_hold_is_over() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let payment_key = sale.authenticate(&order);
    sale.app.clock.advance(10 * 60_000);
    sale.confirm(&kim, &order, &payment_key).await.refused(409, "ORDER_EXPIRED");
    assert_eq!(sale.captured(), 0);
    sale.app.clock.advance(30_000);
    assert_eq!(sale.sweep().await.expired, 1);
    assert_eq!(sale.seats().await, [3, 3, 0, 0]);
    let kim = sale.app.log_in(&kim).await;
    sale.confirm(&kim, &order, &payment_key).await.refused(409, "ORDER_EXPIRED");
    let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    sale.app.post(&path).by(&kim).json(&json!({})).send().await.refused(409, "ORDER_NOT_CANCELABLE");
    assert_eq!(sale.sweep().await, Swept::default());
}

#[tokio::test]
async fn confirm_payment_never_takes_an_unknown_outcome_for_a_refusal() {
    let unknown = [
        FaultKind::AnswerLost,
        FaultKind::Status500 { after_effect: true },
        FaultKind::Status500 { after_effect: false },
        FaultKind::Error { status: 400, code: "PROVIDER_ERROR".to_owned() },
        FaultKind::Error { status: 409, code: "IDEMPOTENT_REQUEST_PROCESSING".to_owned() },
        FaultKind::Error { status: 403, code: "FORBIDDEN_CONSECUTIVE_REQUEST".to_owned() },
        FaultKind::Error { status: 401, code: "UNAUTHORIZED_KEY".to_owned() },
        FaultKind::Error { status: 418, code: "SOMETHING_NEW".to_owned() },
    ];
    for kind in unknown {
        let sale = Sale::of(3).await;
        let kim = sale.app.sign_up("kim").await;
        let order = sale.order(&kim).await.expect(201);
        let payment_key = sale.authenticate(&order);
        for operation in [Operation::Confirm, Operation::Get] {
            sale.app.sandbox.fail_next(operation, kind.clone());
        }
        let reply = sale.confirm(&kim, &order, &payment_key).await;
        assert_eq!(reply.header("retry-after"), "5", "{kind:?}");
        assert_eq!(reply.expect(202)["state"], "CONFIRMING", "{kind:?}");
        sale.app.sandbox.clear_faults();
        let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
        sale.app.post(&path).by(&kim).json(&json!({})).send().await.refused(409, "PAYMENT_IN_PROGRESS");
        sale.confirm(&kim, &order, "another-key").await.refused(409, "PAYMENT_IN_PROGRESS");
        // A second confirm settles, or the sweeper does.
        sale.app.clock.advance(6_000);
        assert_eq!(sale.confirm(&kim, &order, &payment_key).await.expect(200)["state"], "PAID", "{kind:?}");
        assert_eq!((sale.captured(), sale.seats().await), (50_000, [3, 2, 0, 1]), "{kind:?}");
    }
}

#[tokio::test]
async fn the_sweeper_finishes_what_a_confirm_left_even_after_the_hold() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let payment_key = sale.authenticate(&order);
    sale.app.clock.advance(9 * 60_000);
    sale.app.sandbox.fail_next(Operation::Confirm, FaultKind::AnswerLost);
    sale.confirm(&kim, &order, &payment_key).await.expect(202);
    sale.app.clock.advance(3 * 60_000);
    assert_eq!(sale.sweep().await.settled, 1);
    let kim = sale.app.log_in(&kim).await;
    assert_eq!(sale.state(&kim, &order).await, "PAID");
    assert_eq!((sale.captured(), sale.seats().await), (50_000, [3, 2, 0, 1]));
}

#[tokio::test]
async fn the_sweeper_keeps_a_confirming_order_until_toss_answers() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let payment_key = sale.authenticate(&order);
    sale.app.sandbox.add_fault(Fault {
        operation: Operation::Any,
        kind: FaultKind::Status500 { after_effect: false },
        times: Some(3),
        probability: None,
    });
    sale.confirm(&kim, &order, &payment_key).await.expect(202);
    for _ in 0..2 {
        sale.app.clock.advance(5 * 60_000);
        assert_eq!(sale.sweep().await.postponed, 1);
        assert_eq!(sale.seats().await, [3, 2, 1, 0]);
    }
    // By now the authentication has lapsed at Toss, which says so for good.
    sale.app.clock.advance(60 * 60_000);
    assert_eq!(sale.sweep().await.settled, 1);
    let kim = sale.app.log_in(&kim).await;
    assert_eq!(sale.state(&kim, &order).await, "FAILED");
    assert_eq!((sale.captured(), sale.seats().await), (0, [3, 3, 0, 0]));
    sale.app.clock.advance(12 * 60_000);
    assert_eq!(sale.sweep().await.laid_down, 1);
}

#[tokio::test]
async fn a_last_look_finds_a_charge_that_landed_late() {
    let sale = Sale::of(3).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    // Refused once, but left in progress: an old request may still land.
    let refused =
        Outcome::Refuse { code: "REJECT_CARD_COMPANY".to_owned(), leaves: Leaves::InProgress, times: Some(1) };
    let payment_key = sale.authenticate_as(&order, refused);
    sale.confirm(&kim, &order, &payment_key).await.refused(409, "PAYMENT_REFUSED");
    let late = sale.app.parts.toss.confirm(
        "late",
        &payment_key,
        order["id"].as_str().unwrap(),
        domain::money::Won::new(50_000).unwrap(),
    );
    late.await.unwrap();
    assert_eq!(sale.captured(), 50_000);
    sale.app.clock.advance(11 * 60_000);
    assert_eq!(sale.sweep().await.expired, 1);
    sale.app.clock.advance(13 * 60_000);
    assert_eq!(sale.sweep().await.laid_down, 1);
    assert_eq!(sale.captured(), 0);
}

#[tokio::test]
async fn cancel_and_fail_give_the_seats_back_once() {
    let sale = Sale::of(3).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let order = sale.order(&kim).await.expect(201);
    let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    sale.app.post(&path).by(&lee).json(&json!({})).send().await.refused(404, "ORDER_NOT_FOUND");
    for _ in 0..2 {
        let canceled = sale.app.post(&path).by(&kim).json(&json!({ "reason": "일정 변경" })).send().await.expect(200);
        assert_eq!(canceled["state"], "CANCELED");
    }
    assert_eq!(sale.seats().await, [3, 3, 0, 0]);
    // Orders of one millisecond have no order among themselves.
    sale.app.clock.advance(1);
    let order = sale.order(&kim).await.expect(201);
    let fail = json!({ "orderId": order["id"], "code": "PAY_PROCESS_CANCELED", "message": "취소" });
    sale.app.post("/v1/payments/fail").by(&lee).json(&fail).send().await.refused(404, "ORDER_NOT_FOUND");
    for _ in 0..2 {
        let failed = sale.app.post("/v1/payments/fail").by(&kim).json(&fail).send().await.expect(200);
        assert_eq!(
            (failed["state"].as_str(), failed["failure"].as_str()),
            (Some("CANCELED"), Some("PAY_PROCESS_CANCELED"))
        );
    }
    assert_eq!(sale.seats().await, [3, 3, 0, 0]);
    sale.app.clock.advance(1);
    sale.buy(&kim).await.expect(200);
    let orders = sale.app.get("/v1/orders?limit=1").by(&kim).send().await.expect(200);
    let next = format!("/v1/orders?cursor={}", orders["nextCursor"].as_str().unwrap());
    assert_eq!(sale.app.get(&next).by(&kim).send().await.expect(200)["items"].as_array().unwrap().len(), 2);
    sale.app.get(&next).by(&lee).send().await.refused(400, "BAD_CURSOR");
}

#[tokio::test]
async fn two_unpaid_expiries_make_a_buyer_wait() {
    let sale = Sale::of(3).await;
    let mut kim = sale.app.sign_up("kim").await;
    for _ in 0..2 {
        sale.order(&kim).await.expect(201);
        // The next order meets the overdue one and lets it go itself.
        sale.app.clock.advance(11 * 60_000);
        kim = sale.app.log_in(&kim).await;
    }
    let reply = sale.order(&kim).await;
    assert_eq!(reply.header("retry-after"), "1800");
    reply.refused(429, "TOO_MANY_REQUESTS");
    assert_eq!(sale.seats().await, [3, 3, 0, 0]);
    sale.app.clock.advance(30 * 60_000);
    let kim = sale.app.log_in(&kim).await;
    sale.order(&kim).await.expect(201);
}

/// Sixteen buyers for four seats, each paying as soon as it has one.
async fn rush(sale: &Sale) -> Vec<u16> {
    let buyers = futures::future::join_all((0..16).map(|n| {
        let app = &sale.app;
        async move { app.sign_up(&format!("buyer{n}")).await }
    }))
    .await;
    let bought = futures::future::join_all(buyers.iter().map(|buyer| sale.buy(buyer))).await;
    let mut statuses: Vec<u16> = bought.iter().map(|reply| reply.status).collect();
    statuses.sort_unstable();
    statuses
}

#[tokio::test]
async fn a_rush_sells_every_seat_once() {
    let sale = Sale::of(4).await;
    assert_eq!(rush(&sale).await, [[200; 4].as_slice(), &[409; 12]].concat());
    assert_eq!((sale.captured(), sale.seats().await), (200_000, [4, 0, 0, 4]));
}

#[tokio::test]
async fn without_the_seat_condition_a_rush_oversells() {
    let sale = Sale::of(4).await;
    sale.app.wire.rule(|call| {
        // Everybody believes to have read a free seat, and nothing checks it.
        if call.operation == "TransactWriteItems" {
            call.strip_conditions("SEATS#");
        }
        Action::Pass
    });
    let statuses = rush(&sale).await;
    assert!(statuses.iter().filter(|status| **status == 200).count() > 4, "{statuses:?}");
}

#[tokio::test]
async fn a_rush_on_a_shaken_table_sells_every_seat_once() {
    let sale = Sale::of(4).await;
    let mut n = 0_u32;
    sale.app.wire.rule(move |call| {
        n += 1;
        match (n % 11, call.operation.as_str()) {
            (1, "TransactWriteItems") => Action::Conflict,
            (2, _) => Action::Refuse { status: 400, code: "ProvisionedThroughputExceededException" },
            (3, _) => Action::LoseAnswer,
            (4, _) => Action::LoseRequest,
            (5, _) => Action::Refuse { status: 500, code: "InternalServerError" },
            _ => Action::Pass,
        }
    });
    let statuses = rush(&sale).await;
    sale.app.wire.clear();
    assert_eq!(statuses, [[200; 4].as_slice(), &[409; 12]].concat());
    assert_eq!((sale.captured(), sale.seats().await), (200_000, [4, 0, 0, 4]));
}

/// A cancel that lands between a confirm's read and its write. Answers the confirm's status and
/// how often money was taken.
async fn cancel_during_confirm(sale: &Sale) -> (u16, usize) {
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let payment_key = sale.authenticate(&order);
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut first = true;
    sale.app.wire.rule(move |call| {
        if call.by == "confirm_payment" && call.operation == "TransactWriteItems" && std::mem::take(&mut first) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let cancel = async {
        reached.passed().await;
        let path = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
        sale.app.post(&path).by(&kim).json(&json!({})).send().await.expect(200);
        gate.open();
    };
    let both = async { tokio::join!(sale.confirm(&kim, &order, &payment_key), cancel) };
    let (confirmed, ()) = tokio::time::timeout(Duration::from_secs(30), both).await.expect("confirm reached its write");
    (confirmed.status, sale.app.sandbox.charges().unwrap().iter().map(|charge| charge.captures).sum())
}

#[tokio::test]
async fn a_cancelled_order_is_not_charged() {
    let sale = Sale::of(3).await;
    assert_eq!(cancel_during_confirm(&sale).await, (409, 0));
    assert_eq!(sale.seats().await, [3, 3, 0, 0]);
}

#[tokio::test]
async fn without_the_state_condition_a_cancelled_order_is_charged() {
    let sale = Sale::of(3).await;
    sale.app.wire.rule(|call| {
        if call.by == "confirm_payment" {
            call.strip_conditions("ORDER#");
        }
        Action::Pass
    });
    assert_eq!(cancel_during_confirm(&sale).await.1, 1);
}

/// Somebody who authenticates a hundred won at Toss, the least that it takes, and confirms that.
async fn pay_a_hundred_won(sale: &Sale, lowered: bool) -> u16 {
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    let id = order["id"].as_str().unwrap();
    if lowered {
        // What the amount is compared with no longer is what the order costs.
        let key = storage::keys::order(id.parse().unwrap());
        sale.app.table.write(storage::Write::update(key).set("total", 100)).await.unwrap();
    }
    let payment_key = sale.app.sandbox.authenticate(Authentication::of(id, 100)).unwrap().payment_key;
    sale.confirm_amount(&kim, &order, &payment_key, &json!(100)).await.status
}

#[tokio::test]
async fn a_hundred_won_buy_nothing() {
    let sale = Sale::of(3).await;
    assert_eq!(pay_a_hundred_won(&sale, false).await, 422);
    assert_eq!(sale.captured(), 0);
}

#[tokio::test]
async fn without_the_total_to_compare_with_a_hundred_won_buy_a_seat() {
    let sale = Sale::of(3).await;
    assert_eq!(pay_a_hundred_won(&sale, true).await, 200);
    assert_eq!(sale.seats().await, [3, 2, 0, 1]);
}

#[tokio::test]
async fn without_the_owner_on_the_order_a_stranger_reads_it() {
    let sale = Sale::of(3).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let order = sale.order(&kim).await.expect(201);
    let id = order["id"].as_str().unwrap();
    let path = format!("/v1/orders/{id}");
    sale.app.get(&path).by(&lee).send().await.refused(404, "ORDER_NOT_FOUND");
    let key = storage::keys::order(id.parse().unwrap());
    sale.app.table.write(storage::Write::update(key).set("buyerId", &lee.id)).await.unwrap();
    sale.app.get(&path).by(&lee).send().await.expect(200);
}

#[tokio::test]
async fn without_the_purchase_check_a_seat_is_bought_twice() {
    for (strip, status) in [(false, 409), (true, 201)] {
        let sale = Sale::of(3).await;
        let kim = sale.app.sign_up("kim").await;
        sale.buy(&kim).await.expect(200);
        // The purchase is not seen by the read before the transaction.
        sale.app.wire.rule(move |call| {
            if call.by == "create_order" {
                if strip {
                    call.strip_conditions("PURCHASE#");
                }
                if call.operation == "BatchGetItem"
                    && let Some(keys) = call.body["RequestItems"].as_object_mut()
                {
                    for asked in keys.values_mut() {
                        asked["Keys"].as_array_mut().unwrap().retain(|key| !key.to_string().contains("PURCHASE#"));
                    }
                }
            }
            Action::Pass
        });
        assert_eq!(sale.order(&kim).await.status, status);
    }
}

#[tokio::test]
async fn cancel_order_and_fail_payment_put_a_sold_out_product_back_into_the_list() {
    let sale = Sale::of(1).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let recruiting = async || {
        let list = sale.app.get("/v1/pwts?status=RECRUITING").send().await.expect(200);
        list["items"].as_array().unwrap().len()
    };
    for give_back in ["cancel", "fail"] {
        let order = sale.order(&kim).await.expect(201);
        sale.order(&lee).await.refused(409, "SEAT_SOLD_OUT");
        assert_eq!(recruiting().await, 0);
        let id = order["id"].as_str().unwrap();
        let reply = if give_back == "cancel" {
            sale.app.post(&format!("/v1/orders/{id}/cancel")).by(&kim).json(&json!({})).send().await
        } else {
            let fail = json!({ "orderId": id, "code": "PAY_PROCESS_CANCELED", "message": "취소" });
            sale.app.post("/v1/payments/fail").by(&kim).json(&fail).send().await
        };
        reply.expect(200);
        assert_eq!(recruiting().await, 1, "{give_back}");
    }
}
