//! Selling the seats of one project: what the tests of orders do over and over.

use devloop_local::{
    functions::{reconcile, sweep},
    queues::NOTIFICATIONS,
    toss_sandbox::{Authentication, Outcome},
};
use serde_json::{Value, json};

use crate::app::{Account, Reply, TestApp};

/// What the scheduled workers of orders did, in orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    pub expired: u32,
    pub settled: u32,
    pub laid_down: u32,
    pub refunded: u32,
    pub claimed: u32,
    pub claims_ended: u32,
    pub postponed: u32,
}

/// A sale: an app, a tutor's PWT with these seats at 50,000 won, and the admin who approved it.
pub struct Sale {
    pub app: TestApp,
    pub pwt: String,
    pub admin: Account,
}

impl Sale {
    pub async fn of(seats: u32) -> Self {
        Self::with(json!({ "maxParticipants": seats })).await
    }

    pub async fn with(changes: Value) -> Self {
        Self::at(TestApp::start().await, changes).await
    }

    /// A sale in `app`.
    pub async fn at(app: TestApp, changes: Value) -> Self {
        let tutor = app.tutor("park").await;
        let admin = app.admin("root").await;
        let pwt = app.approved_pwt(&tutor, &admin, changes).await;
        Self { app, pwt, admin }
    }

    pub async fn order(&self, buyer: &Account) -> Reply {
        self.order_under(buyer, &format!("order-{}", self.app.parts.rng.below(u64::MAX))).await
    }

    pub async fn order_under(&self, buyer: &Account, key: &str) -> Reply {
        let order = self.app.post("/v1/orders").by(buyer).header("idempotency-key", key);
        order.json(&json!({ "productIds": [self.pwt] })).send().await
    }

    /// The payment window, approved.
    pub fn authenticate(&self, order: &Value) -> String {
        self.authenticate_as(order, Outcome::Approve)
    }

    pub fn authenticate_as(&self, order: &Value, outcome: Outcome) -> String {
        let asked = Authentication {
            outcome,
            ..Authentication::of(order["id"].as_str().unwrap(), order["total"].as_i64().unwrap())
        };
        self.app.sandbox.authenticate(asked).unwrap().payment_key
    }

    /// The payment window, left with a virtual account; by default as long as the sandbox gives it.
    pub fn open_account(&self, order: &Value, hours: Option<u32>) -> String {
        let asked = Authentication {
            method: Some("가상계좌".to_owned()),
            valid_hours: hours.map(Into::into),
            ..Authentication::of(order["id"].as_str().unwrap(), order["total"].as_i64().unwrap())
        };
        self.app.sandbox.authenticate(asked).unwrap().payment_key
    }

    pub async fn confirm(&self, buyer: &Account, order: &Value, payment_key: &str) -> Reply {
        self.confirm_amount(buyer, order, payment_key, &order["total"]).await
    }

    pub async fn confirm_amount(&self, buyer: &Account, order: &Value, payment_key: &str, amount: &Value) -> Reply {
        let key = format!("confirm-{}", self.app.parts.rng.below(u64::MAX));
        self.confirm_under(buyer, &key, &json!({ "paymentKey": payment_key, "orderId": order["id"], "amount": amount }))
            .await
    }

    pub async fn confirm_under(&self, buyer: &Account, key: &str, body: &Value) -> Reply {
        self.app.post("/v1/payments/confirm").by(buyer).header("idempotency-key", key).json(body).send().await
    }

    /// Orders, authenticates and confirms.
    pub async fn buy(&self, buyer: &Account) -> Reply {
        let order = self.order(buyer).await;
        if order.status != 201 {
            return order;
        }
        let payment_key = self.authenticate(&order.body);
        self.confirm(buyer, &order.body, &payment_key).await
    }

    pub async fn seats(&self) -> [u64; 4] {
        let seats = self.app.get(&format!("/v1/pwts/{}/seats", self.pwt)).send().await.expect(200);
        ["total", "available", "held", "sold"].map(|name| seats[name].as_u64().unwrap())
    }

    pub async fn state(&self, buyer: &Account, order: &Value) -> String {
        let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
        self.app.get(&path).by(buyer).send().await.expect(200)["state"].as_str().unwrap().to_owned()
    }

    /// What operators were told since this was last asked.
    pub fn told(&self) -> Vec<Value> {
        let told = self.app.sqs.receive(NOTIFICATIONS).unwrap();
        told.iter().map(|told| serde_json::from_str(&told.body).unwrap()).collect()
    }

    /// The alarms among it, and their reasons.
    pub fn alarms(&self) -> Vec<(Value, Value)> {
        self.told().into_iter().map(|told| (told["alarm"].clone(), told["reason"].clone())).collect()
    }

    pub async fn sweep(&self) -> Swept {
        self.try_to_sweep().await.unwrap()
    }

    pub async fn try_to_sweep(&self) -> Result<Swept, storage::Error> {
        let swept = Box::pin(sweep(&self.app.worker("order_sweeper").await)).await?;
        let reconciled = Box::pin(reconcile(&self.app.worker("payment_reconciler").await)).await?;
        Ok(Swept {
            expired: swept.expired.saturating_add(reconciled.expired),
            settled: reconciled.settled,
            laid_down: reconciled.laid_down,
            refunded: reconciled.refunded,
            claimed: swept.claimed,
            claims_ended: swept.claims_ended,
            postponed: swept.postponed.saturating_add(reconciled.postponed),
        })
    }

    /// Won that were captured and not given back.
    pub fn captured(&self) -> i64 {
        self.app
            .sandbox
            .charges()
            .unwrap()
            .iter()
            .filter(|charge| charge.captures > 0)
            .map(|charge| charge.balance_amount)
            .sum()
    }
}
