use std::sync::Mutex;

use futures::{FutureExt, future::BoxFuture};
use proptest::prelude::*;

use super::*;
use crate::{Status, transport::NoAnswer};

/// Answers every request alike and keeps what it was sent.
#[derive(Debug)]
struct Scripted {
    answer: Result<(u16, Vec<u8>), NoAnswer>,
    sent: Mutex<Vec<Request<Bytes>>>,
}

impl Transport for Scripted {
    fn send(&self, request: Request<Bytes>) -> BoxFuture<'_, Result<http::Response<Bytes>, NoAnswer>> {
        self.sent.lock().unwrap().push(request);
        let answer = self
            .answer
            .clone()
            .map(|(status, body)| http::Response::builder().status(status).body(Bytes::from(body)).unwrap());
        Box::pin(async move { answer })
    }
}

fn toss(answer: Result<(u16, Vec<u8>), NoAnswer>) -> (Toss, Arc<Scripted>) {
    let transport = Arc::new(Scripted { answer, sent: Mutex::default() });
    let base_url = "https://api.tosspayments.com".parse().unwrap();
    (Toss::new(base_url, "test_sk_a1".parse().unwrap(), transport.clone()), transport)
}

fn answering(status: u16, body: &str) -> (Toss, Arc<Scripted>) {
    toss(Ok((status, body.as_bytes().to_vec())))
}

const PAYMENT: &str = r#"{"paymentKey":"pay/1","orderId":"order-1","status":"DONE","totalAmount":1000,"balanceAmount":1000,"currency":"KRW"}"#;

fn won(amount: i64) -> Won {
    Won::new(amount).unwrap()
}

fn now<T>(future: impl Future<Output = T>) -> T {
    future.now_or_never().expect("the scripted transport never waits")
}

#[test]
fn confirm_sends_what_toss_expects() {
    let (toss, transport) = answering(200, PAYMENT);
    let payment = now(toss.confirm("confirm:order-1:1", "pay/1", "order-1", won(1000))).unwrap();
    assert_eq!((payment.status, payment.total_amount), (Status::Done, 1000));

    let sent = transport.sent.lock().unwrap();
    let [request] = sent.as_slice() else { panic!("one call is one request") };
    assert_eq!(request.method(), Method::POST);
    assert_eq!(request.uri(), "https://api.tosspayments.com/v1/payments/confirm");
    assert_eq!(request.headers()["idempotency-key"], "confirm:order-1:1");
    assert_eq!(request.headers()["authorization"], "Basic dGVzdF9za19hMTo=");
    assert_eq!(request.headers()["content-type"], "application/json");
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    assert_eq!(body, json!({ "paymentKey": "pay/1", "orderId": "order-1", "amount": 1000 }));
    assert!(!format!("{toss:?} {request:?}").contains("test_sk_a1"));
}

#[test]
fn cancel_sends_amount_and_lock_only_when_given() {
    let (toss, transport) = answering(200, PAYMENT);
    now(toss.cancel("void:1", "pay/1", "사유", None, None)).unwrap();
    now(toss.cancel("refund:1:1", "pay/1", "사유", Some(won(300)), Some(won(1000)))).unwrap();
    let sent = transport.sent.lock().unwrap();
    let bodies: Vec<Value> = sent.iter().map(|request| serde_json::from_slice(request.body()).unwrap()).collect();
    assert_eq!(
        bodies,
        [
            json!({ "cancelReason": "사유" }),
            json!({ "cancelReason": "사유", "cancelAmount": 300, "refundableAmount": 1000 }),
        ]
    );
    assert!(sent.iter().all(|request| request.uri().path() == "/v1/payments/pay%2F1/cancel"));
}

#[test]
fn cancel_tells_where_a_deposit_goes_and_shows_it_to_nobody_else() {
    let (toss, transport) = answering(200, PAYMENT);
    let account = RefundAccount {
        bank: "88".to_owned(),
        account_number: "110123456789".to_owned(),
        holder_name: "김개발".to_owned(),
    };
    now(toss.cancel_to("refund:1:1", "pay/1", "사유", None, None, Some(&account))).unwrap();
    let unsendable = [
        RefundAccount { bank: String::new(), ..account.clone() },
        RefundAccount { account_number: String::new(), ..account.clone() },
        RefundAccount { account_number: "1".repeat(21), ..account.clone() },
        RefundAccount { account_number: "110-123".to_owned(), ..account.clone() },
        RefundAccount { holder_name: String::new(), ..account.clone() },
        RefundAccount { holder_name: "김".repeat(61), ..account.clone() },
    ];
    for account in &unsendable {
        let sent = now(toss.cancel_to("k", "pay/1", "사유", None, None, Some(account)));
        assert_eq!(sent, Err(Failure::Unsendable("the refund account")));
    }
    let sent = transport.sent.lock().unwrap();
    let [request] = sent.as_slice() else { panic!("what cannot be said was sent") };
    let body: Value = serde_json::from_slice(request.body()).unwrap();
    let expected = json!({ "bank": "88", "accountNumber": "110123456789", "holderName": "김개발" });
    assert_eq!(body, json!({ "cancelReason": "사유", "refundReceiveAccount": expected }));
    assert_eq!(format!("{account:?}"), "RefundAccount(…)");
}

#[test]
fn a_payment_key_stays_one_segment() {
    let odd = "a/../b?c#d%2e";
    let (toss, transport) = answering(200, &PAYMENT.replace("pay/1", odd));
    now(toss.payment(odd)).unwrap();
    now(toss.payment_of_order("order-1")).unwrap();
    let sent = transport.sent.lock().unwrap();
    let uris: Vec<String> = sent.iter().map(|request| request.uri().to_string()).collect();
    assert_eq!(
        uris,
        [
            "https://api.tosspayments.com/v1/payments/a%2F..%2Fb%3Fc%23d%252e",
            "https://api.tosspayments.com/v1/payments/orders/order-1",
        ]
    );
    assert!(
        sent.iter()
            .all(|request| request.method() == Method::GET && !request.headers().contains_key("idempotency-key"))
    );
}

#[test]
fn an_answer_about_another_payment_is_none() {
    let (toss, _) = answering(200, PAYMENT);
    for answer in [now(toss.payment("pay/2")), now(toss.cancel("void:1", "pay/2", "사유", None, None))] {
        assert!(matches!(answer, Err(Failure::NoAnswer { .. })), "{answer:?}");
    }
}

#[test]
fn what_cannot_be_said_is_not_sent() {
    let (toss, transport) = answering(200, &PAYMENT.replace("pay/1", "pay"));
    let (long, longer) = ("a".repeat(201), "a".repeat(301));
    for key in ["", ".", "..", "a b", "a\n", "키", &long] {
        assert!(matches!(now(toss.payment(key)), Err(Failure::Unsendable(_))), "{key:?}");
        assert!(matches!(now(toss.cancel("k", key, "사유", None, None)), Err(Failure::Unsendable(_))), "{key:?}");
        assert!(matches!(now(toss.confirm("k", key, "order-1", won(1))), Err(Failure::Unsendable(_))), "{key:?}");
    }
    for key in ["", "a\r\nb", "키", &longer] {
        assert!(matches!(now(toss.confirm(key, "pay", "order-1", won(1))), Err(Failure::Unsendable(_))), "{key:?}");
    }
    assert!(matches!(now(toss.cancel("k", "pay", "", None, None)), Err(Failure::Unsendable(_))));
    assert!(matches!(now(toss.cancel("k", "pay", &"가".repeat(201), None, None)), Err(Failure::Unsendable(_))));
    now(toss.cancel("k", "pay", &"가".repeat(200), None, None)).unwrap();
    let pathless = Toss::new("mailto:a@b.c".parse().unwrap(), "test_sk_a1".parse().unwrap(), transport.clone());
    assert!(matches!(now(pathless.payment("pay")), Err(Failure::Unsendable(_))));
    assert_eq!(transport.sent.lock().unwrap().len(), 1);
}

#[test]
fn each_class_of_failure_reaches_the_caller() {
    let confirm =
        |status, body: &str| now(answering(status, body).0.confirm("k", "pay", "order-1", won(1))).unwrap_err();
    let coded = |code: &str| format!(r#"{{"code":"{code}","message":"m"}}"#);
    let refused = confirm(404, &coded("NOT_FOUND_PAYMENT_SESSION"));
    assert_eq!(refused, Failure::Refused { code: "NOT_FOUND_PAYMENT_SESSION".into(), message: "m".into() });
    assert!(refused.is_final());
    let waiting = confirm(409, &coded("IDEMPOTENT_REQUEST_PROCESSING"));
    assert_eq!(waiting, Failure::StillProcessing { code: "IDEMPOTENT_REQUEST_PROCESSING".into() });
    let asking = confirm(400, &coded("ALREADY_PROCESSED_PAYMENT"));
    assert_eq!(asking, Failure::AnsweredUnknown { code: "ALREADY_PROCESSED_PAYMENT".into() });
    let alarming = confirm(401, &coded("UNAUTHORIZED_KEY"));
    assert_eq!(alarming, Failure::Misconfigured { code: "UNAUTHORIZED_KEY".into() });
    for failure in
        [waiting, asking, alarming, confirm(500, &coded("COMMON_ERROR")), confirm(200, "{}"), confirm(201, PAYMENT)]
    {
        assert!(!failure.is_final(), "{failure}");
    }

    let cancel = |status, body: &str| now(answering(status, body).0.cancel("k", "pay", "r", None, None)).unwrap_err();
    let already = cancel(400, &coded("ALREADY_CANCELED_PAYMENT"));
    assert_eq!(already, Failure::AlreadyCanceled { code: "ALREADY_CANCELED_PAYMENT".into() });
    let moved = cancel(400, &coded("NOT_MATCHES_REFUNDABLE_AMOUNT"));
    assert_eq!(moved, Failure::BalanceMoved { code: "NOT_MATCHES_REFUNDABLE_AMOUNT".into() });

    assert_eq!(now(answering(404, &coded("NOT_FOUND")).0.payment("pay")), Err(Failure::NotFound));
    let silent = toss(Err(NoAnswer::new("time-out"))).0;
    assert_eq!(now(silent.payment_of_order("order-1")), Err(Failure::NoAnswer { cause: "time-out".into() }));
}

#[test]
fn transactions_are_asked_for_in_korean_time_and_with_patience() {
    let entry = r#"{"transactionKey":"t1","paymentKey":"pay","orderId":"order-1","status":"DONE","amount":1000,"currency":"KRW","transactionAt":"2026-11-23T09:00:00+09:00","x":{}}"#;
    let (toss, transport) = answering(200, &format!("[{entry}]"));
    let start = "2026-11-22T15:00:00.999Z".parse().unwrap();
    let end = "2026-11-23T14:59:59.001Z".parse().unwrap();
    let list = now(toss.transactions(start, end, Some("t0"), 9_999)).unwrap();
    assert_eq!(list.first().unwrap().transaction_at.unwrap().to_string(), "2026-11-23T00:00:00.000Z");
    let sent = transport.sent.lock().unwrap();
    let request = sent.first().unwrap();
    let url: Url = request.uri().to_string().parse().unwrap();
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let expected = [
        ("startDate", "2026-11-23T00:00:00"),
        ("endDate", "2026-11-24T00:00:00"),
        ("limit", "1000"),
        ("startingAfter", "t0"),
    ];
    assert_eq!(query, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    assert_eq!(request.extensions().get(), Some(&TimeOut::LISTS));
}

#[test]
fn a_list_with_one_unreadable_entry_is_no_list() {
    let now_is = Time::from_unix_millis(0);
    for body in [r#"[{"transactionKey":"t1"}]"#, "{}", "[1]", ""] {
        let list = now(answering(200, body).0.transactions(now_is, now_is, None, 10));
        assert!(matches!(list, Err(Failure::NoAnswer { .. })), "{body}");
    }
}

/// JSON in which the members that are read hold anything.
fn odd_json() -> impl Strategy<Value = Vec<u8>> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        ".{0,20}".prop_map(Value::from),
        prop::sample::select(vec!["DONE", "KRW", "pay", "2026-11-23T09:00:00+09:00", "REJECT_CARD_COMPANY"])
            .prop_map(Value::from),
    ];
    let name = prop::sample::select(vec![
        "paymentKey", "orderId", "status", "totalAmount", "balanceAmount", "currency", "method", "approvedAt",
        "receipt", "url", "cancels", "transactionKey", "cancelAmount", "amount", "failure", "code", "message",
        "secret",
    ]);
    leaf.prop_recursive(4, 64, 12, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::btree_map(name.clone().prop_map(str::to_owned), inner, 0..18)
                .prop_map(|members| Value::Object(members.into_iter().collect())),
        ]
    })
    .prop_map(|value| value.to_string().into_bytes())
}

proptest! {
    #[test]
    fn no_answer_makes_it_panic_and_only_4xx_is_final(
        status in 100u16..600,
        body in prop_oneof![odd_json(), prop::collection::vec(any::<u8>(), 0..200)],
    ) {
        let (toss, _) = toss(Ok((status, body)));
        let time = Time::from_unix_millis(0);
        let calls = [
            now(toss.confirm("k", "pay", "order-1", won(1))),
            now(toss.payment("pay")),
            now(toss.payment_of_order("order-1")),
            now(toss.cancel("k", "pay", "r", None, None)),
        ];
        for call in calls {
            match call {
                Ok(payment) => {
                    prop_assert_eq!(status, 200);
                    prop_assert!(is_payment_key(&payment.payment_key));
                }
                Err(failure) => prop_assert!(!failure.is_final() || (400..500).contains(&status)),
            }
        }
        prop_assert!(now(toss.transactions(time, time, None, 1)).is_ok() <= (status == 200));
    }
}
