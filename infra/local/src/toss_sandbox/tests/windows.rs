use std::collections::HashMap;

use super::*;

const FORM: [(&str, &str); 1] = [("content-type", "application/x-www-form-urlencoded")];

fn window(changes: &[(&str, &str)]) -> String {
    let mut query: Vec<(&str, &str)> = vec![
        ("clientKey", "test_ck_a"),
        ("customerKey", "customer-1"),
        ("orderId", "order-1"),
        ("orderName", "<b>강의</b> 외 1건"),
        ("amount", "12000"),
        ("successUrl", "https://shop.example/success?from=toss"),
        ("failUrl", "https://shop.example/fail"),
    ];
    query.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).extend_pairs(changes).finish();
    format!("/window?{query}")
}

impl Town {
    /// Opens a window, makes a choice, and answers where the buyer is sent.
    async fn choose(&self, changes: &[(&str, &str)], choice: &str) -> (String, HashMap<String, String>) {
        let (status, _, _) = self.bare(Method::GET, &window(changes), &[], "").await;
        assert_eq!(status, 200);
        let key = self.sandbox.charges().unwrap().first().unwrap().payment_key.clone();
        (key.clone(), self.choose_in(&key, choice).await)
    }

    async fn choose_in(&self, key: &str, choice: &str) -> HashMap<String, String> {
        let (status, headers, _) = self.bare(Method::POST, &format!("/window/{key}"), &FORM, choice).await;
        assert_eq!(status, 303);
        let target: Url = headers.get("location").unwrap().to_str().unwrap().parse().unwrap();
        let mut query: HashMap<String, String> = target.query_pairs().into_owned().collect();
        query.insert("path".into(), target.path().into());
        query
    }
}

#[tokio::test]
async fn the_page_is_korean_escaped_and_self_contained() {
    let town = town();
    let (status, headers, body) = town.bare(Method::GET, &window(&[]), &[], "").await;
    let page = String::from_utf8(body.to_vec()).unwrap();
    assert_eq!(status, 200);
    assert!(headers.get("content-type").unwrap().to_str().unwrap().starts_with("text/html"));
    assert!(page.contains("lang=\"ko\"") && page.contains("12,000원") && page.contains("&lt;b&gt;강의"));
    assert!(!page.contains("<b>강의") && !page.contains("http://") && !page.contains("https://"));
    assert_eq!(town.sandbox.charges().unwrap().first().unwrap().status, "READY");
}

#[tokio::test]
async fn approving_sends_the_buyer_back_with_what_confirm_needs() {
    let town = town();
    let (key, query) = town.choose(&[], "choice=approve&method=%EA%B0%84%ED%8E%B8%EA%B2%B0%EC%A0%9C").await;
    assert_eq!(
        (query["path"].as_str(), query["from"].as_str(), query["paymentType"].as_str()),
        ("/success", "toss", "NORMAL")
    );
    assert_eq!((&query["paymentKey"], query["orderId"].as_str(), query["amount"].as_str()), (&key, "order-1", "12000"));
    let payment = town.confirm("k", &key, "order-1", 12_000).await.unwrap();
    assert_eq!((payment.status, payment.method.as_deref()), (Status::Done, Some("간편결제")));
    // The window cannot be used again.
    assert_eq!(town.choose_in(&key, "choice=approve").await["code"], "PAY_PROCESS_ABORTED");
    assert_eq!(town.choose_in(&key, "choice=fail").await["path"], "/fail");
    assert_eq!(town.seen(&key).status, "DONE");
}

#[tokio::test]
async fn the_other_outcomes() {
    let town = town();
    let (key, query) = town.choose(&[], "choice=refuse&code=EXCEED_MAX_AMOUNT&leaves=IN_PROGRESS&times=1").await;
    assert_eq!(query["path"], "/success");
    assert_eq!(code(&town.confirm("k:1", &key, "order-1", 12_000).await.unwrap_err()), "EXCEED_MAX_AMOUNT");
    assert_eq!(town.confirm("k:2", &key, "order-1", 12_000).await.unwrap().status, Status::Done);

    let (key, _) = town.choose(&[], "choice=virtual_account").await;
    assert_eq!(town.confirm("k:3", &key, "order-1", 12_000).await.unwrap().status, Status::WaitingForDeposit);
    let (status, headers, _) = town.bare(Method::POST, &format!("/charges/{key}/deposit"), &FORM, "").await;
    assert_eq!(
        (status, headers.get("location").unwrap().to_str().unwrap(), town.seen(&key).status.as_str()),
        (303, "/charges", "DONE")
    );

    let (key, query) = town.choose(&[], "choice=fail").await;
    assert_eq!(
        (query["path"].as_str(), query["code"].as_str(), query["orderId"].as_str()),
        ("/fail", "PAY_PROCESS_ABORTED", "order-1")
    );
    assert_eq!(town.seen(&key).status, "ABORTED");

    let (key, query) = town.choose(&[], "choice=close").await;
    assert_eq!(
        (query["code"].as_str(), query.contains_key("message"), query.get("orderId")),
        ("PAY_PROCESS_CANCELED", true, None)
    );
    assert_eq!(town.seen(&key).status, "READY");
    assert_eq!(code(&town.confirm("k:4", &key, "order-1", 12_000).await.unwrap_err()), "NOT_FOUND_PAYMENT_SESSION");
    assert_eq!(town.bare(Method::POST, &format!("/window/{key}"), &FORM, "choice=other").await.0, 400);
    assert_eq!(town.bare(Method::POST, "/window/nobody", &FORM, "choice=approve").await.0, 404);
}

#[tokio::test]
async fn a_window_is_open_for_thirty_minutes() {
    let town = town();
    town.bare(Method::GET, &window(&[]), &[], "").await;
    let key = town.sandbox.charges().unwrap().first().unwrap().payment_key.clone();
    town.clock.advance(30 * MINUTE);
    assert_eq!(town.choose_in(&key, "choice=approve").await["path"], "/fail");
    assert_eq!(town.seen(&key).status, "EXPIRED");
}

#[tokio::test]
async fn a_client_key_of_another_family_is_found_out_at_confirm() {
    let town = town();
    let (key, _) = town.choose(&[("clientKey", "test_gck_a")], "choice=approve").await;
    let failure = town.confirm("k", &key, "order-1", 12_000).await.unwrap_err();
    assert_eq!(failure, Failure::Misconfigured { code: "INVALID_API_KEY".into() });
}

#[tokio::test]
async fn a_window_needs_its_facts_and_goes_back_to_the_web_only() {
    let town = town();
    for bad in [
        ("orderId", "short"),
        ("orderId", "with space"),
        ("orderName", ""),
        ("amount", "0"),
        ("amount", "1.5"),
        ("customerKey", "a b"),
        ("successUrl", "javascript:alert(1)"),
        ("failUrl", "/fail"),
    ] {
        assert_eq!(town.bare(Method::GET, &window(&[bad]), &[], "").await.0, 400, "{bad:?}");
    }
    assert_eq!(town.bare(Method::GET, "/window", &[], "").await.0, 400);
    assert!(town.sandbox.charges().unwrap().is_empty());
}

#[tokio::test]
async fn the_same_as_json() {
    let town = town();
    let asked = r#"{"orderId":"order-1","amount":1000,"outcome":{"refuse":{"code":"REJECT_CARD_COMPANY","leaves":"IN_PROGRESS"}}}"#;
    let (status, _, body) = town.bare(Method::POST, "/sandbox/authenticate", &[], asked).await;
    assert_eq!((status, member(&body, "orderId"), member(&body, "amount")), (200, json!("order-1"), json!(1000)));
    let key = member(&body, "paymentKey").as_str().unwrap().to_owned();
    assert_eq!(code(&town.confirm("k", &key, "order-1", 1_000).await.unwrap_err()), "REJECT_CARD_COMPANY");
    assert_eq!(town.toss.payment(&key).await.unwrap().status, Status::InProgress);

    let (_, _, body) = town.bare(Method::POST, "/sandbox/fail", &[], r#"{"orderId":"order-2","amount":1000}"#).await;
    assert_eq!((member(&body, "code"), member(&body, "orderId")), (json!("PAY_PROCESS_ABORTED"), json!("order-2")));
    let closed = r#"{"orderId":"order-3","amount":1000,"code":"PAY_PROCESS_CANCELED"}"#;
    let (_, _, body) = town.bare(Method::POST, "/sandbox/fail", &[], closed).await;
    assert_eq!((member(&body, "code"), member(&body, "orderId")), (json!("PAY_PROCESS_CANCELED"), Value::Null));

    let account = r#"{"orderId":"order-4","amount":1000,"method":"가상계좌","outcome":"approve"}"#;
    let (_, _, body) = town.bare(Method::POST, "/sandbox/authenticate", &[], account).await;
    let key = member(&body, "paymentKey").as_str().unwrap().to_owned();
    town.confirm("k:2", &key, "order-4", 1_000).await.unwrap();
    let deposited = json!({ "paymentKey": key }).to_string();
    assert_eq!(town.bare(Method::POST, "/sandbox/deposit", &[], &deposited).await.0, 200);

    let (_, _, body) = town.bare(Method::GET, "/sandbox/charges", &[], "").await;
    let charges: Value = serde_json::from_slice(&body).unwrap();
    let newest = &charges[0];
    assert_eq!(
        (&newest["paymentKey"], &newest["status"], &newest["captures"]),
        (&json!(key), &json!("DONE"), &json!(1))
    );
    assert_eq!((&newest["totalAmount"], &newest["balanceAmount"]), (&json!(1000), &json!(1000)));
    for bad in ["", "{}", r#"{"orderId":"order-1","amount":0}"#, r#"{"orderId":"order-1","amount":1,"method":"현금"}"#]
    {
        assert_eq!(town.bare(Method::POST, "/sandbox/authenticate", &[], bad).await.0, 400, "{bad}");
    }
}

#[tokio::test]
async fn the_list_shows_every_charge_and_waiting_fault() {
    let town = town();
    let empty = town.bare(Method::GET, "/", &[], "").await;
    assert!(String::from_utf8(empty.2.to_vec()).unwrap().contains("아직 결제가 없습니다"));
    let key = town.paid("order-1", 1_000).await;
    town.sandbox.fail_next(Operation::Get, FaultKind::AnswerLost);
    let (status, _, body) = town.bare(Method::GET, "/charges", &[], "").await;
    let page = String::from_utf8(body.to_vec()).unwrap();
    assert_eq!(status, 200);
    assert!(page.contains(&key) && page.contains("1,000원") && page.contains("answer_lost"));
    assert_eq!(town.bare(Method::GET, "/v1/nothing", &[], "").await.0, 404);
}
