use super::*;

#[tokio::test]
async fn a_lost_answer_took_effect_and_its_key_replays_it() {
    let town = town();
    let key = town.authenticated("order-1", 1_000);
    town.sandbox.fail_next(Operation::Confirm, FaultKind::AnswerLost);
    assert!(matches!(town.confirm("k", &key, "order-1", 1_000).await, Err(Failure::NoAnswer { .. })));
    assert_eq!(town.seen(&key).captures, 1);
    assert_eq!(town.confirm("k", &key, "order-1", 1_000).await.unwrap().status, Status::Done);

    town.sandbox.fail_next(Operation::Cancel, FaultKind::AnswerLost);
    let lost = town.toss.cancel("r", &key, "취소", Some(won(100)), Some(won(1_000))).await;
    assert!(matches!(lost, Err(Failure::NoAnswer { .. })));
    let replayed = town.toss.cancel("r", &key, "취소", Some(won(100)), Some(won(1_000))).await.unwrap();
    assert_eq!((replayed.balance_amount, town.seen(&key).cancels), (900, 1));
}

#[tokio::test]
async fn replays_get_lost_too() {
    let town = town();
    let key = town.authenticated("order-1", 1_000);
    let fault = Fault { times: Some(3), ..Fault::once(Operation::Confirm, FaultKind::AnswerLost) };
    town.sandbox.add_fault(fault);
    for _lost in 0..3 {
        assert!(matches!(town.confirm("k", &key, "order-1", 1_000).await, Err(Failure::NoAnswer { .. })));
    }
    assert_eq!(town.confirm("k", &key, "order-1", 1_000).await.unwrap().status, Status::Done);
    assert_eq!(town.seen(&key).captures, 1);
}

#[tokio::test]
async fn a_server_error_may_hide_an_effect() {
    let town = town();
    let key = town.authenticated("order-1", 1_000);
    town.sandbox.fail_next(Operation::Confirm, FaultKind::Status500 { after_effect: true });
    assert!(matches!(town.confirm("k", &key, "order-1", 1_000).await, Err(Failure::NoAnswer { .. })));
    assert_eq!(code(&town.confirm("k", &key, "order-1", 1_000).await.unwrap_err()), "ALREADY_PROCESSED_PAYMENT");
    assert_eq!(town.toss.payment(&key).await.unwrap().status, Status::Done);
}

#[tokio::test]
async fn a_time_out_has_no_effect() {
    let town = town();
    let key = town.authenticated("order-1", 1_000);
    town.sandbox.fail_next(Operation::Any, FaultKind::TimeOut { seconds: 0 });
    assert!(matches!(town.confirm("k", &key, "order-1", 1_000).await, Err(Failure::NoAnswer { .. })));
    assert_eq!(town.seen(&key).captures, 0);
    assert_eq!(town.confirm("k", &key, "order-1", 1_000).await.unwrap().status, Status::Done);
}

#[tokio::test]
async fn an_answer_may_tell_another_amount_or_order() {
    let town = town();
    let (one, other) = (town.authenticated("order-1", 1_000), town.authenticated("order-2", 1_000));
    town.sandbox.fail_next(Operation::Confirm, FaultKind::WrongAmount);
    for _replay in 0..2 {
        assert_eq!(town.confirm("k:1", &one, "order-1", 1_000).await.unwrap().total_amount, 1_001);
    }
    assert_eq!(town.toss.payment(&one).await.unwrap().total_amount, 1_000);
    town.sandbox.fail_next(Operation::Any, FaultKind::WrongOrder);
    assert_ne!(town.confirm("k:2", &other, "order-2", 1_000).await.unwrap().order_id, "order-2");
    assert_eq!(town.toss.payment(&other).await.unwrap().order_id, "order-2");
}

#[tokio::test]
async fn an_error_to_order_has_no_effect_and_is_remembered_like_a_real_one() {
    let town = town();
    let key = town.authenticated("order-1", 1_000);
    let fault = |status, code: &str| FaultKind::Error { status, code: code.into() };
    town.sandbox.fail_next(Operation::Confirm, fault(400, "PROVIDER_ERROR"));
    for _replay in 0..2 {
        assert_eq!(code(&town.confirm("k:1", &key, "order-1", 1_000).await.unwrap_err()), "PROVIDER_ERROR");
    }
    town.sandbox.fail_next(Operation::Confirm, fault(403, "FORBIDDEN_CONSECUTIVE_REQUEST"));
    let waiting = town.confirm("k:2", &key, "order-1", 1_000).await.unwrap_err();
    assert_eq!(waiting, Failure::StillProcessing { code: "FORBIDDEN_CONSECUTIVE_REQUEST".into() });
    assert_eq!(town.confirm("k:2", &key, "order-1", 1_000).await.unwrap().status, Status::Done);
    town.sandbox.fail_next(Operation::Get, fault(404, "NOT_FOUND"));
    assert_eq!(town.toss.payment(&key).await, Err(Failure::NotFound));
}

#[tokio::test]
async fn the_header_for_tests_forces_an_error() {
    let town = town();
    let key = town.authenticated("order-1", 1_000);
    let body = json!({ "paymentKey": key, "orderId": "order-1", "amount": 1_000 }).to_string();
    for (forced, status) in [
        ("REJECT_CARD_COMPANY", 403),
        ("IDEMPOTENT_REQUEST_PROCESSING", 409),
        ("FAILED_INTERNAL_SYSTEM_PROCESSING", 500),
    ] {
        let headers = [("tosspayments-test-code", forced), ("idempotency-key", forced)];
        let (seen, _, answer) = town.raw(Method::POST, "/v1/payments/confirm", &headers, &body).await;
        assert_eq!((seen, member(&answer, "code")), (status, json!(forced)));
    }
    assert_eq!(town.seen(&key).captures, 0);
    assert_eq!(
        town.confirm("IDEMPOTENT_REQUEST_PROCESSING", &key, "order-1", 1_000).await.unwrap().status,
        Status::Done
    );
}

#[tokio::test]
async fn faults_are_set_listed_and_cleared_as_json() {
    let town = town();
    let fault = r#"{"operation":"confirm","kind":"answer_lost","probability":1}"#;
    let (status, _, body) = town.bare(Method::POST, "/sandbox/faults", &[], fault).await;
    let listed = json!([{ "operation": "confirm", "kind": "answer_lost", "probability": 1.0 }]);
    assert_eq!((status, serde_json::from_slice::<Value>(&body).unwrap()), (200, listed));
    for n in 0..3 {
        let order = format!("order-{n}");
        let key = town.authenticated(&order, 1_000);
        assert!(matches!(town.confirm(&order, &key, &order, 1_000).await, Err(Failure::NoAnswer { .. })));
    }
    assert_eq!(town.bare(Method::DELETE, "/sandbox/faults", &[], "").await.2, "[]");
    assert_eq!(town.bare(Method::GET, "/sandbox/faults", &[], "").await.2, "[]");
    for bad in [
        "",
        "{}",
        r#"{"operation":"refund","kind":"answer_lost"}"#,
        r#"{"operation":"get","kind":"error","status":200,"code":"A"}"#,
        r#"{"operation":"get","kind":"answer_lost","probability":2}"#,
    ] {
        assert_eq!(town.bare(Method::POST, "/sandbox/faults", &[], bad).await.0, 400, "{bad}");
    }
    assert_eq!(town.bare(Method::PUT, "/sandbox/delay", &[], r#"{"milliseconds":7}"#).await.0, 200);
    assert_eq!(town.sandbox.delay(), Duration::from_millis(7));
}

#[tokio::test]
async fn over_a_socket_a_lost_answer_is_a_broken_connection() {
    let town = town();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base_url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
    let toss = Toss::over_https(base_url, SECRET.parse().unwrap()).unwrap();
    let key = town.authenticated("order-1", 1_000);
    town.sandbox.fail_next(Operation::Confirm, FaultKind::AnswerLost);
    let client = async {
        let lost = toss.confirm("k", &key, "order-1", won(1_000)).await.unwrap_err();
        let Failure::NoAnswer { cause } = &lost else { panic!("{lost}") };
        assert!(!cause.contains(&key) && !cause.contains("127.0.0.1"), "{cause}");
        assert_eq!(town.seen(&key).captures, 1);
        assert_eq!(toss.confirm("k", &key, "order-1", won(1_000)).await.unwrap().status, Status::Done);
        assert_eq!(toss.payment(&key).await.unwrap().status, Status::Done);
        assert_eq!(toss.payment("nobody").await, Err(Failure::NotFound));
    };
    let server = axum::serve(listener, town.sandbox.router());
    tokio::select! {
        biased;
        () = client => {}
        ended = server.into_future() => panic!("{ended:?}"),
    }
}
