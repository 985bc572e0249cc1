//! What money must refuse, in one table: each with its own answer, and with nothing changed by it, neither in the
//! table, nor in the queues, nor at Toss.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use storage::{Item, Stored, keys};

use super::{refunds::Bought, sale::Sale};
use crate::app::{Account, Call, Reply, TestApp};

/// Every kind of item that a request which is made once can change.
const KINDS: [&str; 27] = [
    "REFUND", "REFUND_REQUEST", "LEDGER_ENTRY", "NOTE", "USER", "WAITLIST", "WAITLIST_PLACE", "WAITER",
    "IDEMPOTENCY_RECORD", "PWT", "SEATS", "CART_LINE", "ORDER", "PAYMENT", "PAYMENT_KEY_GUARD", "OPEN_ORDER", "LAPSES",
    "PURCHASE", "BUYER", "TODO", "TUTOR_APPLICATION", "COMMUNITY", "PARTY", "COMMENT", "PARTY_APPLICATION", "REPORT",
    "REPORT_GUARD",
];

/// How everything stands.
#[derive(Debug, PartialEq)]
pub struct Standing {
    items: BTreeMap<String, Value>,
    queues: String,
    charges: String,
}

/// Any item, once its kind is taken off.
#[derive(Debug, Deserialize, Serialize)]
struct Any(Value);

impl Stored for Any {
    const TYPE: &'static str = "nothing";

    fn keys(&self) -> keys::Keys {
        unreachable!("nobody writes it")
    }
}

impl Standing {
    pub async fn of(app: &TestApp) -> Self {
        let items = app.table.scan(&KINDS).await.unwrap();
        Self {
            items: items.into_iter().map(keyed_by_itself).collect(),
            queues: format!("{:?}", app.sqs.depths().unwrap()),
            charges: format!("{:?}", app.sandbox.charges().unwrap()),
        }
    }
}

fn keyed_by_itself(mut item: Item) -> (String, Value) {
    item.remove("type");
    let Any(value) = storage::decode(item).unwrap();
    (format!("{} {}", value["pk"], value["sk"]), value)
}

/// The call is refused like this, and nothing changes.
async fn refused(app: &TestApp, what: &str, call: Call<'_>, (status, code): (u16, &str)) -> Value {
    let before = Standing::of(app).await;
    let reply = call.send().await;
    assert_eq!((reply.status, reply.body["code"].as_str()), (status, Some(code)), "{what}: {}", reply.body);
    assert_eq!(reply.header("content-type"), "application/problem+json", "{what}");
    assert_eq!(Standing::of(app).await, before, "{what} changed something");
    reply.body
}

fn keyed<'a>(app: &'a TestApp, path: &str, by: &Account, body: &Value) -> Call<'a> {
    app.post(path).by(by).header("idempotency-key", "refused").json(body)
}

fn cancel_of(order: &Value) -> String {
    format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap())
}

fn confirm_of(order: &Value, payment_key: &str) -> Value {
    json!({ "paymentKey": payment_key, "orderId": order["id"], "amount": order["total"] })
}

#[tokio::test]
async fn refunds_that_nobody_may_have() {
    let bought = Bought::two().await;
    let Bought { sale, kim, other, order } = &bought;
    let (app, path) = (&sale.app, bought.path());
    let lee = app.sign_up("lee").await;
    let unpaid = sale.order(&lee).await.expect(201);
    let (all, request) = (json!({}), json!({ "reason": "약속과 다릅니다." }));
    let requests_of = |order: &Value| format!("/v1/orders/{}/refund-requests", order["id"].as_str().unwrap());

    for lines in [json!([other, other]), json!([lee.id]), json!([])] {
        let more = json!({ "lines": lines });
        let problem =
            refused(app, "more than was paid", keyed(app, &path, kim, &more), (400, "VALIDATION_FAILED")).await;
        assert_eq!((&problem["errors"][0]["field"], &problem["errors"][0]["code"]), (&json!("lines"), &json!("LINES")));
    }
    let amount = json!({ "amount": 90_000 });
    refused(app, "an amount above the price", keyed(app, &path, kim, &amount), (400, "VALIDATION_FAILED")).await;
    refused(app, "of another's order", keyed(app, &path, &lee, &all), (404, "ORDER_NOT_FOUND")).await;
    refused(app, "of another's, by asking", keyed(app, &requests_of(order), &lee, &request), (404, "ORDER_NOT_FOUND"))
        .await;
    let lines = json!({ "lines": [sale.pwt] });
    let problem =
        refused(app, "of an unpaid order", keyed(app, &cancel_of(&unpaid), &lee, &lines), (400, "VALIDATION_FAILED"))
            .await;
    assert_eq!(problem["errors"][0]["code"], "WHOLE_ORDER_ONLY");
    refused(
        app,
        "of an unpaid order, by asking",
        keyed(app, &requests_of(&unpaid), &lee, &request),
        (409, "ORDER_NOT_PAID"),
    )
    .await;
    refused(app, "by an admin without a reason", keyed(app, &path, &sale.admin, &all), (400, "VALIDATION_FAILED"))
        .await;
    refused(app, "without need to ask", keyed(app, &requests_of(order), kim, &request), (409, "REFUND_WINDOW_OPEN"))
        .await;

    // What is not refused does change something: the comparison sees it.
    let before = Standing::of(app).await;
    bought.cancel(json!({ "lines": [other] })).await.expect(200);
    assert_ne!(Standing::of(app).await, before);
    let again = json!({ "lines": [other] });
    refused(app, "of one line twice", keyed(app, &path, kim, &again), (409, "ALREADY_REFUNDED")).await;

    // The deadline of both is 2026-12-24.
    app.clock.advance(31 * 86_400_000);
    let kim = &app.log_in(kim).await;
    refused(app, "after the deadline", keyed(app, &path, kim, &all), (409, "REFUND_WINDOW_OVER")).await;
    let admin = &app.log_in(&sale.admin).await;
    bought.cancel_by(admin, json!({ "reason": "폐강" })).await.expect(200);
    refused(app, "twice", keyed(app, &path, kim, &all), (409, "ALREADY_REFUNDED")).await;
    refused(app, "twice by an admin", keyed(app, &path, admin, &request), (409, "ALREADY_REFUNDED")).await;
    let of_nothing = keyed(app, &requests_of(order), kim, &request);
    refused(app, "of nothing that is left, by asking", of_nothing, (409, "ALREADY_REFUNDED")).await;
}

#[tokio::test]
async fn confirmations_that_nobody_may_have() {
    let sale = Sale::of(6).await;
    let app = &sale.app;
    let (kim, lee) = (app.sign_up("kim").await, app.sign_up("lee").await);
    let path = "/v1/payments/confirm";
    let order = sale.order(&kim).await.expect(201);
    let payment_key = sale.authenticate(&order);
    let body = confirm_of(&order, &payment_key);
    refused(app, "of a foreign order", keyed(app, path, &lee, &body), (404, "ORDER_NOT_FOUND")).await;
    let mut low = body.clone();
    low["amount"] = json!(100);
    refused(app, "of another amount", keyed(app, path, &kim, &low), (422, "AMOUNT_MISMATCH")).await;
    low["amount"] = json!(-1);
    refused(app, "of no amount", keyed(app, path, &kim, &low), (400, "VALIDATION_FAILED")).await;

    app.post(&cancel_of(&order)).by(&kim).json(&json!({})).send().await.expect(200);
    refused(app, "of a cancelled order", keyed(app, path, &kim, &body), (409, "ORDER_NOT_PAYABLE")).await;

    let paid = sale.buy(&kim).await.expect(200);
    let foreign_key =
        app.sandbox.charges().unwrap().into_iter().find(|charge| charge.captures > 0).unwrap().payment_key;
    let other_key = sale.authenticate(&paid);
    refused(
        app,
        "of a paid order by another payment",
        keyed(app, path, &kim, &confirm_of(&paid, &other_key)),
        (409, "ORDER_NOT_PAYABLE"),
    )
    .await;
    let lees = sale.order(&lee).await.expect(201);
    refused(
        app,
        "by the payment of another order",
        keyed(app, path, &lee, &confirm_of(&lees, &foreign_key)),
        (409, "ORDER_NOT_PAYABLE"),
    )
    .await;

    let late_key = sale.authenticate(&lees);
    app.clock.advance(601_000);
    refused(app, "after the hold", keyed(app, path, &lee, &confirm_of(&lees, &late_key)), (409, "ORDER_EXPIRED")).await;
    app.clock.advance(30_000);
    sale.sweep().await;
    refused(app, "of an expired order", keyed(app, path, &lee, &confirm_of(&lees, &late_key)), (409, "ORDER_EXPIRED"))
        .await;
    refused(
        app,
        "a cancel of an expired order",
        keyed(app, &cancel_of(&lees), &lee, &json!({})),
        (409, "ORDER_NOT_CANCELABLE"),
    )
    .await;
}

#[tokio::test]
async fn claims_out_of_turn() {
    let sale = Sale::of(1).await;
    let app = &sale.app;
    let holder = app.sign_up("holder").await;
    let held = sale.order(&holder).await.expect(201);
    let waits = async |who: &Account| {
        app.clock.advance(1_000);
        app.post(&format!("/v1/pwts/{}/waitlist", sale.pwt)).by(who).send().await.expect(201);
    };
    let (first, second, stranger) =
        (app.sign_up("first").await, app.sign_up("second").await, app.sign_up("stranger").await);
    waits(&first).await;
    waits(&second).await;
    let body = json!({ "productIds": [sale.pwt] });
    let order = |who: &Account| keyed(app, "/v1/orders", who, &body);
    // Meeting what is sold out once leaves a hint in the list of projects; only the hint.
    order(&stranger).send().await.refused(409, "SEAT_SOLD_OUT");
    refused(app, "before a seat is free", order(&first), (409, "SEAT_SOLD_OUT")).await;
    app.post(&cancel_of(&held)).by(&holder).json(&json!({})).send().await.expect(200);
    sale.sweep().await;
    refused(app, "by a stranger", order(&stranger), (409, "SEAT_SOLD_OUT")).await;
    refused(app, "by the second in line", order(&second), (409, "SEAT_SOLD_OUT")).await;
    app.clock.advance(1_000);
    let again = app.post(&format!("/v1/pwts/{}/waitlist", sale.pwt)).by(&holder).send().await;
    assert_eq!(again.expect(201)["position"], 2, "whoever had it waits behind the others");
    app.clock.advance(31 * 60_000);
    let [first, second] = [app.log_in(&first).await, app.log_in(&second).await];
    refused(app, "after the claim", order(&first), (409, "SEAT_SOLD_OUT")).await;
    sale.sweep().await;
    refused(app, "after the next was served", order(&first), (409, "SEAT_SOLD_OUT")).await;
    sale.order(&second).await.expect(201);
}

#[tokio::test]
async fn webhooks_that_say_nothing() {
    let sale = Sale::of(3).await;
    let app = &sale.app;
    let kim = app.sign_up("kim").await;
    sale.order(&kim).await.expect(201);
    let event = include_str!("../../../events/toss/payment_status_changed.json");
    let post =
        |body: &[u8]| app.post("/v1/webhooks/toss").header("content-type", "application/json").body(body.to_vec());
    let huge =
        json!({ "eventType": "PAYMENT_STATUS_CHANGED", "data": { "orderId": "x".repeat(256 * 1024) } }).to_string();
    let form = app.post("/v1/webhooks/toss").header("content-type", "application/x-www-form-urlencoded");
    for (what, call, answer) in [
        ("cut within a character", post(&event.as_bytes()[..=event.find("카드").unwrap()]), (400, "MALFORMED_JSON")),
        ("no UTF-8", post(b"{\"eventType\":\"\xff\"}"), (400, "MALFORMED_JSON")),
        ("huge", post(huge.as_bytes()), (413, "BODY_TOO_LARGE")),
        ("a form", form.body("orderId=1"), (415, "UNSUPPORTED_MEDIA_TYPE")),
    ] {
        refused(app, what, call, answer).await;
    }
    for cut in [0, 1, 40, event.len() / 2, event.trim_end().len() - 1] {
        refused(app, &format!("truncated at {cut}"), post(&event.as_bytes()[..cut]), (400, "MALFORMED_JSON")).await;
    }
    for broken in ["paymentKey=1", "\u{feff}{}", "[1,"] {
        refused(app, broken, post(broken.as_bytes()), (400, "MALFORMED_JSON")).await;
    }
    for other in ["[]", "null", "\"text\"", "{\"data\":[]}", "{\"eventType\":5}", "{\"data\":{\"orderId\":7}}"] {
        refused(app, other, post(other.as_bytes()), (400, "VALIDATION_FAILED")).await;
    }
    // What Toss may send and does not concern us is taken, lest Toss repeat it, and dropped.
    for (what, event) in [
        ("cancelled abroad", include_str!("../../../events/toss/cancel_status_changed.json")),
        ("a billing key", include_str!("../../../events/toss/billing_deleted.json")),
        ("unknown", r#"{"eventType":"INVENTED_BY_SOMEBODY","data":{"orderId":"01KB2M3N4P5Q6R7S8T9V0W1X2Y"}}"#),
    ] {
        let before = Standing::of(app).await;
        assert_eq!(post(event.as_bytes()).send().await.expect(200), json!({ "received": true }), "{what}");
        assert_eq!(Standing::of(app).await, before, "{what}");
    }
    // A payment and a deposit of an order that nobody knows are looked up, which changes nothing either.
    for event in [event, include_str!("../../../events/toss/deposit_callback.json")] {
        post(event.as_bytes()).send().await.expect(200);
    }
    let before = Standing::of(app).await.items;
    app.clock.advance(5_000);
    assert_eq!(app.pump().await.done, 2);
    assert_eq!((Standing::of(app).await.items, app.times_toss_was_asked()), (before, 0));
}

/// For tables that look at replies.
pub fn is_success(reply: &Reply) -> bool {
    (200..300).contains(&reply.status)
}
