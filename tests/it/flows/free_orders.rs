//! Orders that cost nothing: paid as soon as they are made, so that one transaction gives all.

use serde_json::{Value, json};
use testkit::{Action, Gate};

use super::sale::Sale;
use crate::app::{Account, Reply};

/// Two projects for nothing, both in the buyer's cart.
async fn two() -> (Sale, String, Account) {
    let sale = Sale::with(json!({ "maxParticipants": 3, "price": 0 })).await;
    let kim = sale.app.sign_up("kim").await;
    let tutor = sale.app.log_in(&Account { email: "park@example.com".to_owned(), ..kim.clone() }).await;
    let other = sale.app.approved_pwt(&tutor, &sale.admin, json!({ "price": 0 })).await;
    for product in [&sale.pwt, &other] {
        sale.app.put(&format!("/v1/cart/items/{product}")).by(&kim).send().await.expect(200);
        sale.app.clock.advance(1);
    }
    (sale, other, kim)
}

async fn order_cart(sale: &Sale, buyer: &Account, key: &str) -> Reply {
    let order = sale.app.post("/v1/orders").by(buyer).header("idempotency-key", key);
    order.json(&json!({ "fromCart": true })).send().await
}

async fn listed(sale: &Sale, buyer: &Account, path: &str) -> usize {
    let list = sale.app.get(path).by(buyer).send().await.expect(200);
    list["items"].as_array().unwrap().len()
}

#[tokio::test]
async fn create_order_gives_a_whole_cart_away() {
    let (sale, _, kim) = two().await;
    let order = order_cart(&sale, &kim, "cart").await.expect(201);
    assert_eq!((&order["state"], &order["payment"]), (&json!("PAID"), &Value::Null));
    assert_eq!(listed(&sale, &kim, "/v1/users/me/purchases").await, 2);
    assert_eq!((listed(&sale, &kim, "/v1/cart").await, sale.seats().await), (0, [3, 2, 0, 1]));
}

/// The cart is ordered while the same buyer gets its second project by another order.
async fn overtaken(sale: &Sale, other: &str, kim: &Account) -> Reply {
    let (reached, gate) = (Gate::default(), Gate::default());
    let (reaches, waits) = (reached.clone(), gate.clone());
    let mut first = true;
    sale.app.wire.rule(move |call| {
        let orders = call.by == "create_order" && call.operation == "TransactWriteItems";
        if orders && std::mem::take(&mut first) {
            reaches.open();
            return Action::Wait(waits.clone());
        }
        Action::Pass
    });
    let overtaking = async {
        reached.passed().await;
        sale.app.buy_free(kim, other).await;
        gate.open();
    };
    tokio::join!(order_cart(sale, kim, "cart"), overtaking).0
}

#[tokio::test]
async fn create_order_gives_nobody_twice_what_costs_nothing() {
    let (sale, other, kim) = two().await;
    let problem = overtaken(&sale, &other, &kim).await.refused(409, "ALREADY_PURCHASED");
    assert_eq!((problem["lines"].as_array().unwrap().len(), &problem["lines"][0]["productId"]), (1, &json!(other)));
    assert_eq!(listed(&sale, &kim, "/v1/users/me/purchases").await, 1);
    assert_eq!((listed(&sale, &kim, "/v1/cart").await, sale.seats().await), (1, [3, 3, 0, 0]));
}

#[tokio::test]
async fn without_the_condition_on_the_purchase_two_seats_are_one_buyers() {
    let (sale, other, kim) = two().await;
    sale.app.wire.standing_rule(|call| {
        if call.by == "create_order" {
            call.strip_conditions("PURCHASE#");
        }
        Action::Pass
    });
    overtaken(&sale, &other, &kim).await.expect(201);
    let seats = sale.app.get(&format!("/v1/pwts/{other}/seats")).send().await.expect(200);
    assert_eq!((listed(&sale, &kim, "/v1/users/me/purchases").await, &seats["sold"]), (2, &json!(2)));
}
