//! The end of a sale: closed by its tutor, deleted while nobody has a seat, and who has one.

use serde_json::{Value, json};
use testkit::{Action, Gate};

use super::sale::Sale;
use crate::app::{Account, Reply};

/// The tutor of a sale.
async fn tutor(sale: &Sale) -> Account {
    let someone = Account { email: "park@example.com".to_owned(), ..sale.admin.clone() };
    sale.app.log_in(&someone).await
}

async fn close(sale: &Sale, caller: &Account) -> Reply {
    sale.app.post(&format!("/v1/pwts/{}/close", sale.pwt)).by(caller).send().await
}

async fn delete(sale: &Sale, caller: &Account, version: u64) -> Reply {
    let path = format!("/v1/pwts/{}", sale.pwt);
    sale.app.delete(&path).by(caller).header("if-match", &format!("\"{version}\"")).send().await
}

async fn listed(sale: &Sale, filter: &str) -> usize {
    let list = sale.app.get(&format!("/v1/pwts{filter}")).send().await.expect(200);
    list["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn close_pwt_stops_selling_and_honours_what_is_held() {
    let sale = Sale::with(json!({ "maxParticipants": 60 })).await;
    let tutor = tutor(&sale).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let order = sale.order(&kim).await.expect(201);
    sale.app.put(&format!("/v1/cart/items/{}", sale.pwt)).by(&lee).send().await.expect(200);
    let closed = close(&sale, &tutor).await;
    assert_eq!(closed.header("etag"), "\"3\"");
    let closed = closed.expect(200);
    assert_eq!(
        (&closed["onSale"], &closed["status"], &closed["seatsLeft"]),
        (&json!(false), &json!("CLOSED"), &json!(0))
    );
    // Doing it twice changes nothing, whoever does it.
    assert_eq!(close(&sale, &sale.admin).await.header("etag"), "\"3\"");
    assert_eq!((listed(&sale, "?status=RECRUITING").await, listed(&sale, "?status=CLOSED").await), (0, 1));
    sale.order(&lee).await.refused(409, "NOT_FOR_SALE");
    sale.app.put(&format!("/v1/cart/items/{}", sale.pwt)).by(&kim).send().await.refused(409, "NOT_FOR_SALE");
    let cart = sale.app.get("/v1/cart").by(&lee).send().await.expect(200);
    assert_eq!(cart["items"][0]["changes"], json!(["CLOSED"]));
    let payment_key = sale.authenticate(&order);
    sale.confirm(&kim, &order, &payment_key).await.expect(200);
    assert_eq!(sale.seats().await, [60, 59, 0, 1]);
}

#[tokio::test]
async fn a_seat_that_comes_back_does_not_reopen_what_the_tutor_closed() {
    let sale = Sale::of(1).await;
    let tutor = tutor(&sale).await;
    let (kim, lee) = (sale.app.sign_up("kim").await, sale.app.sign_up("lee").await);
    let order = sale.order(&kim).await.expect(201);
    close(&sale, &tutor).await.expect(200);
    let cancel = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    sale.app.post(&cancel).by(&kim).json(&json!({})).send().await.expect(200);
    assert_eq!(sale.seats().await, [1, 1, 0, 0]);
    sale.order(&lee).await.refused(409, "NOT_FOR_SALE");
    assert_eq!(listed(&sale, "?status=RECRUITING").await, 0);
    // Nor does a change of its terms.
    let path = format!("/v1/pwts/{}", sale.pwt);
    let change = json!({ "maxParticipants": 60, "price": 70_000 });
    let changed = sale.app.patch(&path).by(&tutor).header("if-match", "\"3\"").json(&change).send().await.expect(200);
    assert_eq!((&changed["onSale"], &changed["seatsLeft"]), (&json!(false), &json!(0)));
    sale.order(&lee).await.refused(409, "NOT_FOR_SALE");
}

#[tokio::test]
async fn close_pwt_refuses_what_was_never_on_sale() {
    let sale = Sale::of(1).await;
    let tutor = tutor(&sale).await;
    let made = sale.app.post("/v1/pwts").by(&tutor).json(&crate::app::pwt_body()).send().await.expect(201);
    let path = format!("/v1/pwts/{}/close", made["id"].as_str().unwrap());
    sale.app.post(&path).by(&tutor).send().await.refused(409, "PWT_NOT_APPROVED");
    let kim = sale.app.sign_up("kim").await;
    sale.app.post(&path).by(&kim).send().await.refused(404, "PWT_NOT_FOUND");
    close(&sale, &kim).await.refused(403, "FORBIDDEN");
}

/// Closes while an order that read the open sale has yet to write. Answers the order's status.
async fn order_while_closing(strip: bool) -> u16 {
    let sale = Sale::of(3).await;
    let (tutor, kim) = (tutor(&sale).await, sale.app.sign_up("kim").await);
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    sale.app.wire.rule(move |call| {
        if call.by != "create_order" || call.operation != "TransactWriteItems" {
            return Action::Pass;
        }
        if strip {
            call.strip_conditions("SEATS#");
        }
        reaches.open();
        Action::Wait(waits.clone())
    });
    let closing = async {
        reached.passed().await;
        close(&sale, &tutor).await.expect(200);
        gate.open();
    };
    let both = async { tokio::join!(sale.order(&kim), closing) };
    let (ordered, ()) = tokio::time::timeout(std::time::Duration::from_secs(30), both).await.expect("both ended");
    ordered.status
}

#[tokio::test]
async fn no_seat_is_taken_after_the_close() {
    assert_eq!(order_while_closing(false).await, 409);
}

#[tokio::test]
async fn without_the_shards_conditions_a_closed_seat_is_taken() {
    assert_eq!(order_while_closing(true).await, 201);
}

#[tokio::test]
async fn close_pwt_and_update_pwt_at_once_leave_no_shard_on_sale() {
    let sale = Sale::of(10).await;
    let tutor = tutor(&sale).await;
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut first = true;
    sale.app.wire.rule(move |call| {
        if call.by == "close_pwt" && call.operation == "TransactWriteItems" && std::mem::take(&mut first) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    // Growing adds shards that the close, as it read the post, knows nothing of.
    let growing = async {
        reached.passed().await;
        let path = format!("/v1/pwts/{}", sale.pwt);
        let change = json!({ "maxParticipants": 100 });
        sale.app.patch(&path).by(&tutor).header("if-match", "\"2\"").json(&change).send().await.expect(200);
        gate.open();
    };
    let both = async { tokio::join!(close(&sale, &tutor), growing) };
    let (closed, ()) = tokio::time::timeout(std::time::Duration::from_secs(30), both).await.expect("both ended");
    assert_eq!(closed.expect(200)["seatsLeft"], 0);
    let kim = sale.app.sign_up("kim").await;
    sale.order(&kim).await.refused(409, "NOT_FOR_SALE");
}

#[tokio::test]
async fn delete_pwt_takes_it_out_of_lists_carts_and_orders() {
    let sale = Sale::with(json!({ "maxParticipants": 60 })).await;
    let (tutor, kim) = (tutor(&sale).await, sale.app.sign_up("kim").await);
    sale.app.put(&format!("/v1/cart/items/{}", sale.pwt)).by(&kim).send().await.expect(200);
    let path = format!("/v1/pwts/{}", sale.pwt);
    sale.app.delete(&path).by(&tutor).send().await.refused(428, "PRECONDITION_REQUIRED");
    let stale = delete(&sale, &tutor, 1).await;
    assert_eq!(stale.header("etag"), "\"2\"");
    assert_eq!(stale.refused(412, "VERSION_CONFLICT")["current"]["id"], json!(sale.pwt));
    delete(&sale, &kim, 2).await.refused(403, "FORBIDDEN");
    delete(&sale, &tutor, 2).await.expect(204);
    delete(&sale, &tutor, 2).await.refused(404, "PWT_NOT_FOUND");
    sale.app.get(&path).send().await.refused(404, "PWT_NOT_FOUND");
    sale.app.get(&format!("{path}/seats")).send().await.refused(404, "PWT_NOT_FOUND");
    assert_eq!((listed(&sale, "").await, listed(&sale, "?category=WEB_DEV").await), (0, 0));
    let own = sale.app.get("/v1/users/me/pwts").by(&tutor).send().await.expect(200);
    assert_eq!(own["items"], json!([]));
    sale.order(&kim).await.refused(404, "PRODUCT_NOT_FOUND");
    let cart = sale.app.get("/v1/cart").by(&kim).send().await.expect(200);
    assert_eq!((&cart["items"][0]["title"], &cart["items"][0]["changes"]), (&Value::Null, &json!(["CLOSED"])));
    sale.app.delete(&format!("/v1/cart/items/{}", sale.pwt)).by(&kim).send().await.expect(204);
    sale.app.put(&format!("/v1/cart/items/{}", sale.pwt)).by(&kim).send().await.refused(404, "PRODUCT_NOT_FOUND");
}

#[tokio::test]
async fn delete_pwt_refuses_while_somebody_has_a_seat() {
    let sale = Sale::with(json!({ "maxParticipants": 60 })).await;
    let kim = sale.app.sign_up("kim").await;
    let order = sale.order(&kim).await.expect(201);
    delete(&sale, &sale.admin, 2).await.refused(409, "HAS_BUYERS");
    let cancel = format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap());
    sale.app.post(&cancel).by(&kim).json(&json!({})).send().await.expect(200);
    sale.app.clock.advance(1);
    sale.buy(&kim).await.expect(200);
    delete(&sale, &sale.admin, 2).await.refused(409, "HAS_BUYERS");
    assert_eq!(sale.seats().await, [60, 59, 0, 1]);
}

#[tokio::test]
async fn delete_pwt_takes_what_was_never_approved() {
    let sale = Sale::of(1).await;
    let tutor = tutor(&sale).await;
    let made = sale.app.post("/v1/pwts").by(&tutor).json(&crate::app::pwt_body()).send().await.expect(201);
    let path = format!("/v1/pwts/{}", made["id"].as_str().unwrap());
    sale.app.delete(&path).by(&tutor).header("if-match", "\"1\"").send().await.expect(204);
    sale.app.get(&path).by(&tutor).send().await.refused(404, "PWT_NOT_FOUND");
}

/// Deletes while an order takes a seat between the deletion's read and its write. Answers what
/// the deletion is answered, and whether the project is there after it.
async fn delete_while_ordering(strip: bool) -> (u16, u16) {
    let sale = Sale::of(3).await;
    let (tutor, kim) = (tutor(&sale).await, sale.app.sign_up("kim").await);
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    sale.app.wire.rule(move |call| {
        if call.by != "delete_pwt" || call.operation != "TransactWriteItems" {
            return Action::Pass;
        }
        if strip {
            call.strip_conditions("SEATS#");
        }
        reaches.open();
        Action::Wait(waits.clone())
    });
    let ordering = async {
        reached.passed().await;
        let order = sale.order(&kim).await.expect(201);
        let payment_key = sale.authenticate(&order);
        sale.confirm(&kim, &order, &payment_key).await.expect(200);
        gate.open();
    };
    let both = async { tokio::join!(delete(&sale, &tutor, 2), ordering) };
    let (deleted, ()) = tokio::time::timeout(std::time::Duration::from_secs(30), both).await.expect("both ended");
    (deleted.status, sale.app.get(&format!("/v1/pwts/{}", sale.pwt)).send().await.status)
}

#[tokio::test]
async fn delete_pwt_never_takes_a_seat_from_its_buyer() {
    assert_eq!(delete_while_ordering(false).await, (409, 200));
}

#[tokio::test]
async fn without_its_conditions_a_project_with_buyers_is_deleted() {
    assert_eq!(delete_while_ordering(true).await, (204, 404));
}

/// Deletes while an order has read the sale and has yet to write.
#[tokio::test]
async fn an_order_that_meets_a_deleted_project_is_told_so() {
    let sale = Sale::with(json!({ "maxParticipants": 60 })).await;
    let (tutor, kim) = (tutor(&sale).await, sale.app.sign_up("kim").await);
    for operation in ["TransactWriteItems", "BatchGetItem"] {
        let made = sale.app.approved_pwt(&tutor, &sale.admin, json!({ "maxParticipants": 60 })).await;
        let (reached, gate) = (Gate::default(), Gate::default());
        let (reaches, waits) = (reached.clone(), gate.clone());
        let mut reads = 0;
        sale.app.wire.clear();
        sale.app.wire.rule(move |call| {
            if call.by != "create_order" || call.operation != operation {
                return Action::Pass;
            }
            reads += 1;
            // The second batch is that of the shards.
            if (operation == "BatchGetItem" && reads == 2) || (operation != "BatchGetItem" && reads == 1) {
                reaches.open();
                return Action::Wait(waits.clone());
            }
            Action::Pass
        });
        let deleting = async {
            reached.passed().await;
            let path = format!("/v1/pwts/{made}");
            sale.app.delete(&path).by(&tutor).header("if-match", "\"2\"").send().await.expect(204);
            gate.open();
        };
        let order = sale.app.post("/v1/orders").by(&kim).header("idempotency-key", operation);
        let body = json!({ "productIds": [made] });
        let ordering = order.json(&body).send();
        let both = async { tokio::join!(ordering, deleting) };
        let (ordered, ()) = tokio::time::timeout(std::time::Duration::from_secs(30), both).await.expect("both ended");
        ordered.refused(404, "PRODUCT_NOT_FOUND");
    }
}

#[tokio::test]
async fn list_pwt_buyers_pages_through_who_has_a_seat() {
    let sale = Sale::with(json!({ "price": 0, "maxParticipants": 3 })).await;
    let tutor = tutor(&sale).await;
    let mut expected = vec![];
    for name in ["kim", "lee", "jung"] {
        let buyer = sale.app.sign_up(name).await;
        let order = sale.order(&buyer).await.expect(201);
        expected.push((buyer.id, name.to_owned(), order["id"].as_str().unwrap().to_owned()));
    }
    expected.sort();
    let path = format!("/v1/pwts/{}/buyers", sale.pwt);
    let (mut found, mut cursor) = (vec![], String::new());
    loop {
        let page = sale.app.get(&format!("{path}?limit=2{cursor}")).by(&tutor).send().await.expect(200);
        for buyer in page["items"].as_array().unwrap() {
            let text = |name: &str| buyer[name].as_str().unwrap().to_owned();
            assert_eq!(buyer["since"], "2026-11-24T00:00:00.000Z");
            found.push((text("userId"), text("username"), text("orderId")));
        }
        match page["nextCursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => break,
        }
    }
    assert_eq!(found, expected);
    let gone = storage::Write::update(storage::keys::user(expected[0].0.parse().unwrap())).set("standing", "WITHDRAWN");
    sale.app.table.write(gone).await.unwrap();
    let buyers = sale.app.get(&path).by(&sale.admin).send().await.expect(200);
    assert_eq!(buyers["items"][0]["username"], "탈퇴한 사용자");
    let kim = sale.app.sign_up("han").await;
    sale.app.get(&path).by(&kim).send().await.refused(403, "FORBIDDEN");
    sale.app.get(&format!("{path}?cursor=x")).by(&tutor).send().await.refused(400, "BAD_CURSOR");
}
