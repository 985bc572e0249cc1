use toss::RefundAccount;

use super::*;

#[tokio::test]
async fn an_authenticated_payment_is_confirmed_once_and_read_back() {
    let town = town();
    let key = town.authenticated("order-1", 10_000);
    assert_eq!(town.toss.payment(&key).await.unwrap().status, Status::InProgress);
    let payment = town.confirm("c:1", &key, "order-1", 10_000).await.unwrap();
    assert_eq!((payment.status, payment.total_amount, payment.balance_amount), (Status::Done, 10_000, 10_000));
    assert_eq!((payment.payment_key.as_str(), payment.order_id.as_str()), (key.as_str(), "order-1"));
    assert_eq!((payment.currency.as_str(), payment.method.as_deref()), ("KRW", Some("카드")));
    assert_eq!(payment.approved_at, Some(town.clock.clock().now()));
    assert!(payment.is_partial_cancelable && payment.secret.is_some() && payment.last_transaction_key.is_some());
    assert_eq!(payment.receipt_url, None);

    town.sandbox.set_public_url("http://localhost:9/".parse().unwrap());
    let again = town.toss.payment(&key).await.unwrap();
    assert_eq!(again.receipt_url.unwrap(), format!("http://localhost:9/charges#{key}"));
    assert_eq!(town.toss.payment_of_order("order-1").await.unwrap().payment_key, key);
    assert_eq!(town.toss.payment("nobody").await, Err(Failure::NotFound));
    assert_eq!(town.toss.payment_of_order("nobodys").await, Err(Failure::NotFound));
    assert_eq!(
        (town.seen(&key).captures, town.seen(&key).approved_at.as_deref()),
        (1, Some("2026-11-23T09:00:00+09:00"))
    );
}

#[tokio::test]
async fn two_confirms_at_once_take_the_money_once() {
    let town = town();
    let key = town.authenticated("order-1", 1_000);
    town.sandbox.set_delay(Duration::from_millis(5));
    let both =
        futures::future::join(town.confirm("c:1", &key, "order-1", 1_000), town.confirm("c:2", &key, "order-1", 1_000));
    let (one, other) = both.await;
    assert_ne!(one.is_ok(), other.is_ok());
    assert_eq!(code(&one.and(other).unwrap_err()), "ALREADY_PROCESSED_PAYMENT");
    assert_eq!(town.seen(&key).captures, 1);
}

#[tokio::test]
async fn what_does_not_fit_is_not_confirmed() {
    let town = town();
    let key = town.authenticated("order-1", 1_000);
    let refused = async |idempotency_key, payment_key, order_id, amount| {
        let failure = town.confirm(idempotency_key, payment_key, order_id, amount).await.unwrap_err();
        code(&failure).to_owned()
    };
    assert_eq!(refused("c:1", "nobody", "order-1", 1_000).await, "NOT_FOUND_PAYMENT");
    assert_eq!(refused("c:2", &key, "order-2", 1_000).await, "NOT_FOUND_PAYMENT_SESSION");
    assert_eq!(refused("c:3", &key, "order-1", 999).await, "INVALID_REQUEST");
    let small = town.authenticated("order-3", 99);
    assert_eq!(refused("c:4", &small, "order-3", 99).await, "BELOW_MINIMUM_AMOUNT");
    for body in [
        "",
        "[]",
        "{}",
        r#"{"paymentKey":"k","orderId":"o","amount":"1"}"#,
        r#"{"paymentKey":1,"orderId":"o","amount":1}"#,
    ] {
        let (status, _, answer) = town.raw(Method::POST, "/v1/payments/confirm", &[], body).await;
        assert_eq!((status, member(&answer, "code")), (400, json!("INVALID_REQUEST")), "{body}");
    }
    town.confirm("c:5", &key, "order-1", 1_000).await.unwrap();
}

#[tokio::test]
async fn an_authentication_lives_ten_minutes() {
    let town = town();
    let (early, late) = (town.authenticated("order-1", 1_000), town.authenticated("order-2", 1_000));
    town.clock.advance(10 * MINUTE - 1);
    town.confirm("c:1", &early, "order-1", 1_000).await.unwrap();
    town.clock.advance(1);
    assert_eq!(town.toss.payment(&late).await.unwrap().status, Status::Expired);
    let failure = town.confirm("c:2", &late, "order-2", 1_000).await.unwrap_err();
    assert!(matches!(&failure, Failure::Refused { code, .. } if code == "NOT_FOUND_PAYMENT_SESSION"));
    assert_eq!((town.seen(&late).status.as_str(), town.seen(&late).captures), ("EXPIRED", 0));
}

#[tokio::test]
async fn a_refused_payment_ends_or_stays_as_the_tester_chose() {
    let town = town();
    let aborted = town.refusing("order-1", "REJECT_CARD_COMPANY", Leaves::Aborted, None);
    let failure = town.confirm("c:1", &aborted, "order-1", 1_000).await.unwrap_err();
    assert!(
        matches!(&failure, Failure::Refused { code, message } if code == "REJECT_CARD_COMPANY" && !message.is_empty())
    );
    let payment = town.toss.payment(&aborted).await.unwrap();
    assert_eq!((payment.status, payment.failure.unwrap().code.as_str()), (Status::Aborted, "REJECT_CARD_COMPANY"));
    let failure = town.confirm("c:2", &aborted, "order-1", 1_000).await.unwrap_err();
    assert_eq!(code(&failure), "ALREADY_PROCESSED_PAYMENT");

    // The trap: refused, still open, and taken at the next attempt.
    let open = town.refusing("order-2", "PROVIDER_ERROR", Leaves::InProgress, Some(1));
    let failure = town.confirm("c:3", &open, "order-2", 1_000).await.unwrap_err();
    assert_eq!(failure, Failure::AnsweredUnknown { code: "PROVIDER_ERROR".into() });
    assert_eq!(town.toss.payment(&open).await.unwrap().status, Status::InProgress);
    assert_eq!(town.confirm("c:4", &open, "order-2", 1_000).await.unwrap().status, Status::Done);
    let endless = town.refusing("order-3", "REJECT_CARD_PAYMENT", Leaves::InProgress, None);
    for attempt in 0..3 {
        let failure = town.confirm(&format!("c:5:{attempt}"), &endless, "order-3", 1_000).await.unwrap_err();
        assert_eq!(code(&failure), "REJECT_CARD_PAYMENT");
    }
}

#[tokio::test]
async fn a_virtual_account_waits_for_its_deposit() {
    let town = town();
    let key = town.by("가상계좌", "order-1", 5_000);
    let payment = town.confirm("c:1", &key, "order-1", 5_000).await.unwrap();
    assert_eq!((payment.status, payment.approved_at), (Status::WaitingForDeposit, None));
    assert_eq!(town.seen(&key).captures, 0);
    let partial = town.toss.cancel("r:0", &key, "변심", Some(won(1)), None).await.unwrap_err();
    assert_eq!(code(&partial), "NOT_ALLOWED_PARTIAL_REFUND_WAITING_DEPOSIT");
    town.sandbox.deposit(&key).unwrap();
    assert!(town.sandbox.deposit(&key).is_err());
    assert_eq!(town.toss.payment(&key).await.unwrap().status, Status::Done);
    let without_account = town.toss.cancel("r:1", &key, "변심", None, None).await.unwrap_err();
    assert_eq!(code(&without_account), "INVALID_REFUND_ACCOUNT_INFO");
    let account = RefundAccount {
        bank: "88".to_owned(),
        account_number: "110123456789".to_owned(),
        holder_name: "김개발".to_owned(),
    };
    let back = town.toss.cancel_to("r:1:1", &key, "변심", None, None, Some(&account)).await.unwrap();
    assert_eq!((back.status, back.balance_amount), (Status::Canceled, 0));

    let unpaid = town.by("가상계좌", "order-2", 5_000);
    town.confirm("c:2", &unpaid, "order-2", 5_000).await.unwrap();
    let canceled = town.toss.cancel("r:2", &unpaid, "변심", None, None).await.unwrap();
    assert_eq!((canceled.status, town.seen(&unpaid).captures), (Status::Canceled, 0));
    let forgotten = town.by("가상계좌", "order-3", 5_000);
    town.confirm("c:3", &forgotten, "order-3", 5_000).await.unwrap();
    town.clock.advance(168 * 60 * MINUTE);
    assert_eq!(town.toss.payment(&forgotten).await.unwrap().status, Status::Expired);
}

#[tokio::test]
async fn cancelling_in_full_and_twice() {
    let town = town();
    let key = town.paid("order-1", 1_000).await;
    let canceled = town.toss.cancel("void:1", &key, "무효", None, Some(won(1_000))).await.unwrap();
    assert_eq!((canceled.status, canceled.total_amount, canceled.balance_amount), (Status::Canceled, 1_000, 0));
    assert_eq!((canceled.cancels.len(), canceled.cancels.first().unwrap().amount), (1, 1_000));
    assert!(town.toss.payment(&key).await.unwrap().is_fully_refunded());
    let twice = town.toss.cancel("void:2", &key, "무효", None, None).await.unwrap_err();
    assert_eq!(twice, Failure::AlreadyCanceled { code: "ALREADY_CANCELED_PAYMENT".into() });
    let unpaid = town.authenticated("order-2", 1_000);
    assert_eq!(
        code(&town.toss.cancel("void:3", &unpaid, "무효", None, None).await.unwrap_err()),
        "NOT_CANCELABLE_PAYMENT"
    );
    assert_eq!(code(&town.toss.cancel("void:4", "nobody", "무효", None, None).await.unwrap_err()), "NOT_FOUND_PAYMENT");
    assert_eq!((town.seen(&key).captures, town.seen(&key).cancels), (1, 1));
}

#[tokio::test]
async fn parts_that_add_up_stay_partial_with_nothing_left() {
    let town = town();
    let key = town.paid("order-1", 1_000).await;
    let half = town.toss.cancel("r:1", &key, "일부", Some(won(400)), Some(won(1_000))).await.unwrap();
    assert_eq!((half.status, half.balance_amount), (Status::PartialCanceled, 600));
    let moved = town.toss.cancel("r:2", &key, "일부", Some(won(600)), Some(won(1_000))).await.unwrap_err();
    assert_eq!(moved, Failure::BalanceMoved { code: "NOT_MATCHES_REFUNDABLE_AMOUNT".into() });
    let much = town.toss.cancel("r:3", &key, "일부", Some(won(601)), Some(won(600))).await.unwrap_err();
    assert_eq!(much, Failure::BalanceMoved { code: "NOT_CANCELABLE_AMOUNT".into() });
    let rest = town.toss.cancel("r:4", &key, "나머지", None, Some(won(600))).await.unwrap();
    assert_eq!(
        (rest.status.clone(), rest.balance_amount, rest.is_fully_refunded()),
        (Status::PartialCanceled, 0, true)
    );
    let keys: Vec<&str> = rest.cancels.iter().map(|cancel| cancel.transaction_key.as_str()).collect();
    assert_eq!(keys.len(), 2);
    assert_ne!(keys.first(), keys.last());

    let phone = town.by("휴대폰", "order-2", 1_000);
    assert!(!town.confirm("c:2", &phone, "order-2", 1_000).await.unwrap().is_partial_cancelable);
    let part = town.toss.cancel("r:5", &phone, "일부", Some(won(1)), None).await.unwrap_err();
    assert_eq!(code(&part), "NOT_ALLOWED_PARTIAL_REFUND");
}

#[tokio::test]
async fn a_cancel_needs_a_reason_and_a_whole_amount() {
    let town = town();
    let key = town.paid("order-1", 1_000).await;
    let long = json!({ "cancelReason": "가".repeat(201) }).to_string();
    for body in [
        "{}",
        r#"{"cancelReason":""}"#,
        r#"{"cancelReason":"a","cancelAmount":0}"#,
        r#"{"cancelReason":"a","cancelAmount":0.5}"#,
        &long,
    ] {
        let (status, _, answer) = town.raw(Method::POST, &format!("/v1/payments/{key}/cancel"), &[], body).await;
        assert_eq!((status, member(&answer, "code")), (400, json!("INVALID_REQUEST")), "{body}");
    }
}

#[tokio::test]
async fn transactions_are_listed_by_time_and_by_cursor() {
    let town = town();
    let start = town.clock.clock().now();
    let first = town.paid("order-1", 1_000).await;
    town.clock.advance(MINUTE);
    let second = town.paid("order-2", 2_000).await;
    town.toss.cancel("r:1", &first, "취소", Some(won(300)), None).await.unwrap();
    let end = town.clock.clock().now();

    let all = town.toss.transactions(start, end, None, 100).await.unwrap();
    let seen: Vec<_> =
        all.iter().map(|entry| (entry.payment_key.as_str(), entry.status.as_str(), entry.amount)).collect();
    let expected =
        [(first.as_str(), "DONE", 1_000), (second.as_str(), "DONE", 2_000), (first.as_str(), "PARTIAL_CANCELED", -300)];
    assert_eq!(seen, expected);
    let page = town.toss.transactions(start, end, None, 2).await.unwrap();
    assert_eq!(page, all.iter().take(2).cloned().collect::<Vec<_>>());
    let cursor = page.last().map(|entry| entry.transaction_key.clone());
    let rest = town.toss.transactions(start, end, cursor.as_deref(), 2).await.unwrap();
    assert_eq!(rest, all.iter().skip(2).cloned().collect::<Vec<_>>());
    assert_eq!(town.toss.transactions(end, end, None, 100).await.unwrap().len(), 2);
    assert!(
        town.toss.transactions(Time::from_unix_millis(0), Time::from_unix_millis(1), None, 9).await.unwrap().is_empty()
    );
    for query in
        ["", "?startDate=2026-11-23&endDate=x", "?startDate=2026-11-23T00:00:00&endDate=2026-11-24T00:00:00&limit=5001"]
    {
        assert_eq!(town.raw(Method::GET, &format!("/v1/transactions{query}"), &[], "").await.0, 400, "{query}");
    }
}

#[tokio::test]
async fn only_the_secret_key_with_its_colon_is_let_in() {
    let town = town();
    let key = town.authenticated("order-1", 1_000);
    let uri = format!("/v1/payments/{key}");
    let cases = [
        (None, 401, "UNAUTHORIZED_KEY"),
        (Some("Bearer a"), 401, "UNAUTHORIZED_KEY"),
        // `test_sk_sandbox` without a colon, with a password, `test_sk_other:`, and a byte order mark.
        (Some("Basic dGVzdF9za19zYW5kYm94"), 403, "INCORRECT_BASIC_AUTH_FORMAT"),
        (Some("Basic dGVzdF9za19zYW5kYm94OnB3"), 401, "UNAUTHORIZED_KEY"),
        (Some("Basic dGVzdF9za19vdGhlcjo="), 401, "UNAUTHORIZED_KEY"),
        (Some("Basic 77u/dGVzdF9za19zYW5kYm94Og=="), 401, "UNAUTHORIZED_KEY"),
    ];
    for (header, status, expected) in cases {
        let headers: Vec<_> = header.map(|value| ("authorization", value)).into_iter().collect();
        let (seen, _, body) = town.bare(Method::GET, &uri, &headers, "").await;
        assert_eq!((seen, member(&body, "code")), (status, json!(expected)), "{header:?}");
    }
    let stranger =
        Toss::new("http://sandbox".parse().unwrap(), "test_sk_other".parse().unwrap(), town.sandbox.transport());
    assert_eq!(stranger.payment(&key).await, Err(Failure::Misconfigured { code: "UNAUTHORIZED_KEY".into() }));
    for secret in ["live_sk_a", "anything"] {
        let clock = town.clock.clock();
        assert!(matches!(
            TossSandbox::open(&Location::Memory, clock, Rng::from_seed(1), secret),
            Err(CannotOpen::NotATestKey)
        ));
    }
}

#[tokio::test]
async fn the_books_outlive_a_process_that_was_not_closed() {
    let directory = tempfile::tempdir().unwrap();
    let location = Location::File(directory.path().join("toss.sqlite"));
    let before = town_at(&location, 1);
    let paid = before.paid("order-1", 1_000).await;
    let open = before.authenticated("order-2", 1_000);
    before.toss.cancel("r:1", &paid, "일부", Some(won(300)), None).await.unwrap();
    before.sandbox.fail_next(Operation::Confirm, FaultKind::AnswerLost);
    assert!(matches!(before.confirm("c:2", &open, "order-2", 1_000).await, Err(Failure::NoAnswer { .. })));
    // Neither closed nor checkpointed: what the log holds is all there is, as after a kill.
    std::mem::forget(before);

    let after = town_at(&location, 2);
    let payment = after.toss.payment(&paid).await.unwrap();
    assert_eq!((payment.status, payment.balance_amount), (Status::PartialCanceled, 700));
    assert_eq!(after.confirm("c:2", &open, "order-2", 1_000).await.unwrap().status, Status::Done);
    let again = after.confirm("c:3", &open, "order-2", 1_000).await.unwrap_err();
    assert_eq!(code(&again), "ALREADY_PROCESSED_PAYMENT");
    assert_eq!(after.seen(&open).captures, 1);
    let replayed = after.toss.cancel("r:1", &paid, "일부", Some(won(300)), None).await.unwrap();
    assert_eq!(replayed.balance_amount, 700);
}
