//! What is told of money: quotes, requests, receipts, settlements and the books, through the front door.

use serde_json::{Value, json};

use super::sale::Sale;
use crate::app::{Account, Reply};

/// A project of 91 days, thirty of them in its first month, and a buyer who paid 91,000 won for it.
struct Paid {
    sale: Sale,
    kim: Account,
    order: Value,
}

impl Paid {
    async fn one() -> Self {
        Self::with(json!({})).await
    }

    async fn with(changes: Value) -> Self {
        let mut project = json!({
            "price": 91_000, "maxParticipants": 3, "deadline": "2027-08-20T15:00:00Z",
            "startsAt": "2027-08-31T15:00:00Z", "endsAt": "2027-11-30T15:00:00Z",
        });
        project.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        let sale = Sale::with(project).await;
        let kim = sale.app.sign_up("kim").await;
        let order = sale.buy(&kim).await.expect(200);
        Self { sale, kim, order }
    }

    fn path(&self, what: &str) -> String {
        format!("/v1/orders/{}/{what}", self.order["id"].as_str().unwrap())
    }

    /// Goes on to a Korean day's first instant, and logs the buyer in anew.
    async fn at(&mut self, day: &str) {
        let day: domain::time::Time = format!("{day}T00:00:00+09:00").parse().unwrap();
        let now = self.sale.app.parts.clock.now();
        self.sale.app.clock.advance(day.unix_millis() - now.unix_millis());
        self.kim = self.sale.app.log_in(&self.kim).await;
        self.sale.admin = self.sale.app.log_in(&self.sale.admin).await;
    }

    async fn quote(&self) -> Value {
        self.sale.app.get(&self.path("refund-quote")).by(&self.kim).send().await.expect(200)
    }

    async fn give_back(&self, caller: &Account) -> Reply {
        self.sale.app.post(&self.path("cancel")).by(caller).json(&json!({ "reason": "튜터 사정" })).send().await
    }
}

#[tokio::test]
async fn quote_refund_tells_our_rule_and_the_laws() {
    let mut paid = Paid::one().await;
    for (day, granted, statutory, row) in [
        ("2027-08-20", 91_000, 91_000, "BEFORE_START"),
        ("2027-08-21", 0, 91_000, "BEFORE_START"),
        ("2027-09-11", 0, 81_000, "BY_MONTH"),
        ("2027-10-17", 0, 30_000, "BY_MONTH"),
        ("2027-12-01", 0, 0, "BY_MONTH"),
    ] {
        paid.at(day).await;
        let quote = paid.quote().await;
        let told = (&quote["granted"], &quote["statutory"], &quote["lines"][0]["statutoryRow"]);
        assert_eq!(told, (&json!(granted), &json!(statutory), &json!(row)), "{day}");
    }
    assert!(paid.quote().await["notice"].as_str().unwrap().contains("법률 자문이 아닙니다"));
    let english = paid.sale.app.get(&paid.path("refund-quote")).by(&paid.sale.admin).header("accept-language", "en");
    assert!(english.send().await.expect(200)["notice"].as_str().unwrap().contains("no legal advice"));
}

#[tokio::test]
async fn quote_refund_is_of_what_is_left_of_a_paid_order() {
    let paid = Paid::one().await;
    let lee = paid.sale.app.sign_up("lee").await;
    paid.sale.app.get(&paid.path("refund-quote")).by(&lee).send().await.refused(404, "ORDER_NOT_FOUND");
    let unpaid = paid.sale.order(&lee).await.expect(201);
    let path = format!("/v1/orders/{}/refund-quote", unpaid["id"].as_str().unwrap());
    let problem = paid.sale.app.get(&path).by(&lee).send().await.refused(409, "ORDER_NOT_PAID");
    assert_eq!(problem["state"], "PENDING");
    paid.give_back(&paid.kim).await.expect(200);
    let quote = paid.quote().await;
    assert_eq!((&quote["lines"], &quote["granted"], &quote["statutory"]), (&json!([]), &json!(0), &json!(0)));
}
