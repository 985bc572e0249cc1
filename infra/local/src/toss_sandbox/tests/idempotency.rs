use super::*;

const CONFIRM: &str = "/v1/payments/confirm";

fn body(payment_key: &str, order_id: &str, amount: i64) -> String {
    json!({ "paymentKey": payment_key, "orderId": order_id, "amount": amount }).to_string()
}

#[tokio::test]
async fn the_same_key_gives_the_first_answer_whatever_the_body() {
    let town = town();
    let (one, other) = (town.authenticated("order-1", 1_000), town.authenticated("order-2", 2_000));
    let first = town.raw(Method::POST, CONFIRM, &[("idempotency-key", "k")], &body(&one, "order-1", 1_000)).await;
    assert_eq!((first.0, first.1.get("idempotency-key").unwrap().to_str().unwrap()), (200, "k"));
    town.clock.advance(MINUTE);
    let second = town.raw(Method::POST, CONFIRM, &[("idempotency-key", "k")], &body(&other, "order-2", 2_000)).await;
    assert_eq!((first.0, first.1, first.2), second);
    assert_eq!(town.seen(&other).captures, 0);

    // Another path is another identity, and a query has none.
    let cancel = format!("/v1/payments/{one}/cancel");
    let canceled = town.raw(Method::POST, &cancel, &[("idempotency-key", "k")], r#"{"cancelReason":"a"}"#).await;
    assert_eq!(member(&canceled.2, "status"), json!("CANCELED"));
    let read = town.raw(Method::GET, &format!("/v1/payments/{one}"), &[("idempotency-key", "k")], "").await;
    assert_eq!((member(&read.2, "status"), read.1.get("idempotency-key")), (json!("CANCELED"), None));
}

#[tokio::test]
async fn refusals_are_replayed_to_the_byte_for_fifteen_days() {
    let town = town();
    let key = town.authenticated("order-1", 1_000);
    let refused = town.raw(Method::POST, CONFIRM, &[("idempotency-key", "k")], &body(&key, "order-1", 999)).await;
    assert_eq!(refused.0, 400);
    let corrected = town.raw(Method::POST, CONFIRM, &[("idempotency-key", "k")], &body(&key, "order-1", 1_000)).await;
    assert_eq!(refused, corrected);
    town.clock.advance(15 * 24 * 60 * MINUTE - 1);
    assert_eq!(
        town.raw(Method::POST, CONFIRM, &[("idempotency-key", "k")], &body(&key, "order-1", 1_000)).await.0,
        400
    );
    town.clock.advance(1);
    let later = town.raw(Method::POST, CONFIRM, &[("idempotency-key", "k")], &body(&key, "order-1", 1_000)).await;
    assert_eq!((later.0, member(&later.2, "code")), (404, json!("NOT_FOUND_PAYMENT_SESSION")));
}

#[tokio::test]
async fn a_server_error_is_not_remembered() {
    let town = town();
    let key = town.authenticated("order-1", 1_000);
    town.sandbox.fail_next(Operation::Confirm, FaultKind::Status500 { after_effect: false });
    assert!(matches!(town.confirm("k", &key, "order-1", 1_000).await, Err(Failure::NoAnswer { .. })));
    assert_eq!(town.seen(&key).captures, 0);
    assert_eq!(town.confirm("k", &key, "order-1", 1_000).await.unwrap().status, Status::Done);
}

#[tokio::test]
async fn a_key_in_use_is_told_to_wait_and_is_free_when_its_client_leaves() {
    let town = town();
    let key = town.authenticated("order-1", 1_000);
    town.sandbox.fail_next(Operation::Confirm, FaultKind::Delay { milliseconds: 3_600_000 });
    {
        let slow = std::pin::pin!(town.confirm("k", &key, "order-1", 1_000));
        assert!(futures::poll!(slow).is_pending());
        let waiting = town.confirm("k", &key, "order-1", 1_000).await.unwrap_err();
        assert_eq!(waiting, Failure::StillProcessing { code: "IDEMPOTENT_REQUEST_PROCESSING".into() });
    }
    assert_eq!(town.confirm("k", &key, "order-1", 1_000).await.unwrap().status, Status::Done);
    assert_eq!(town.seen(&key).captures, 1);
}

#[tokio::test]
async fn a_key_has_at_most_300_characters() {
    let town = town();
    for (length, status) in [(300, 404), (301, 400)] {
        let long = "k".repeat(length);
        let (seen, _, answer) =
            town.raw(Method::POST, CONFIRM, &[("idempotency-key", &long)], &body("a", "order-1", 1)).await;
        assert_eq!(seen, status, "{length}");
        assert_eq!(member(&answer, "code") == json!("INVALID_IDEMPOTENCY_KEY"), status == 400);
    }
}
