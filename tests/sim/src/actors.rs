//! What a buyer can do, and tries again until it is answered.

use std::time::Duration;

use devloop_local::toss_sandbox::{Authentication, ChargeSeen, Outcome};
use http::Method;
use serde_json::{Value, json};

use crate::{
    app::{App, Reply},
    dice,
    world::World,
};

/// What is sold.
#[derive(Clone, Debug)]
pub struct Sale {
    /// The product that everybody wants.
    pub pwt: String,
    /// One of which there is enough.
    pub other: String,
    /// Whether it may be closed before its deadline.
    pub closes: bool,
}

/// Somebody with an account.
#[derive(Debug)]
pub struct Person {
    /// The name, and that of the host.
    pub name: String,
    /// Signs in.
    pub email: String,
    /// Access token.
    pub token: String,
}

/// How long somebody tries before the run counts as stuck.
pub const TRIES: u64 = 400;
/// The password of everybody.
pub const PASSWORD: &str = "correct horse battery";

/// How often somebody who waits looks at the list, and for how long at most.
const LOOKS: u64 = 70;

/// A buyer at work.
#[derive(Debug)]
pub struct Buyer<'a> {
    pub world: &'a World,
    pub app: &'a App,
    pub sale: &'a Sale,
    pub person: Person,
    pub asked: u64,
}

/// What confirms an order, and where it is cancelled.
pub fn confirmation(order: &Value, payment_key: &str) -> (Value, String) {
    let confirm = json!({ "paymentKey": payment_key, "orderId": order["id"], "amount": order["total"] });
    (confirm, format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap()))
}

/// How a request ended.
pub enum Ended {
    Well(Value),
    Refused(Reply),
}

impl Buyer<'_> {
    pub async fn pause(&mut self, seconds: u64) {
        self.asked += 1;
        let jitter = dice::below(self.world.seed(), &format!("pause {}", self.person.name), self.asked, 3_000);
        tokio::time::sleep(Duration::from_millis(seconds * 1_000 + jitter)).await;
    }

    async fn log_in(&mut self) {
        let body = json!({ "email": self.person.email, "password": PASSWORD });
        let reply = self.app.send(Method::POST, "/v1/auth/login", None, &[], &body).await;
        if let Some(reply) = reply.filter(|reply| reply.status == 200) {
            reply.body["accessToken"].as_str().unwrap().clone_into(&mut self.person.token);
        } else {
            self.pause(2).await;
        }
    }

    /// Asks until there is a final answer: 404 is one, too.
    pub async fn try_until_answered(&mut self, method: Method, path: &str) -> Option<Reply> {
        for _ in 0..TRIES {
            let token = self.person.token.clone();
            match self.app.send(method.clone(), path, Some(&token), &[], &Value::Null).await {
                Some(reply) if reply.status == 401 => self.log_in().await,
                Some(reply) if reply.status < 500 && reply.status != 429 => return Some(reply),
                Some(reply) => self.pause(reply.retry_after.unwrap_or(2)).await,
                None => self.pause(2).await,
            }
        }
        self.stuck(path);
        None
    }

    /// Joins the waitlist; `false` if there is nothing to wait for.
    pub async fn join(&mut self) -> bool {
        let path = format!("/v1/pwts/{}/waitlist", self.sale.pwt);
        loop {
            let Some(reply) = self.try_until_answered(Method::POST, &path).await else { return false };
            match reply.code() {
                _ if reply.status < 300 => return true,
                // One's own order, made by a try that nobody answered, ends by itself.
                "ORDER_OPEN" => self.pause(60).await,
                "SEATS_LEFT" | "ALREADY_PURCHASED" => return false,
                "NOT_FOR_SALE" if self.sale.closes => return false,
                _ => {
                    self.unexpected("join", &reply);
                    return false;
                }
            }
        }
    }

    pub async fn leave(&mut self) {
        let path = format!("/v1/pwts/{}/waitlist/me", self.sale.pwt);
        if let Some(reply) = self.try_until_answered(Method::DELETE, &path).await
            && !matches!(reply.status, 204 | 404)
        {
            self.unexpected("leave", &reply);
        }
    }

    /// Waits until a seat is kept; `false` if the place ended, or patience did.
    async fn until_claimed(&mut self) -> bool {
        let path = format!("/v1/pwts/{}/waitlist/me", self.sale.pwt);
        for _ in 0..LOOKS {
            match self.try_until_answered(Method::GET, &path).await {
                Some(reply) if reply.status == 200 && reply.body["state"] == "CLAIMED" => return true,
                Some(reply) if reply.status == 200 => self.pause(60).await,
                _ => return false,
            }
        }
        self.leave().await;
        false
    }

    /// Asks under one key until there is a final answer.
    pub async fn ask(&mut self, path: &str, key: &str, body: &Value) -> Ended {
        for _ in 0..TRIES {
            let token = self.person.token.clone();
            let reply = self.app.send(Method::POST, path, Some(&token), &[("idempotency-key", key)], body).await;
            let Some(reply) = reply else {
                self.pause(2).await;
                continue;
            };
            match (reply.status, reply.code()) {
                (200 | 201, _) => return Ended::Well(reply.body),
                (401, _) => self.log_in().await,
                (202 | 500.., _) | (409, "REQUEST_IN_PROGRESS" | "PAYMENT_IN_PROGRESS" | "REFUND_IN_PROGRESS") => {
                    self.pause(reply.retry_after.unwrap_or(2)).await;
                }
                (429, _) => self.pause(reply.retry_after.unwrap_or(60)).await,
                _ => return Ended::Refused(reply),
            }
        }
        self.stuck(path);
        Ended::Refused(Reply { status: 0, body: Value::Null, retry_after: None, etag: None })
    }

    pub fn stuck(&self, what: &str) {
        self.world.watch(|watch| watch.violation(format!("{} never got an answer from {what}", self.person.name)));
    }

    pub fn unexpected(&self, what: &str, reply: &Reply) {
        let told = format!("{}: {what} answers {} {}", self.person.name, reply.status, reply.body);
        self.world.watch(|watch| watch.violation(told));
    }

    /// An order, unless everything is sold.
    pub async fn order(&mut self, attempt: u64, products: &[&str]) -> Option<Value> {
        let key = format!("order-{}-{attempt}", self.person.name);
        for tried in 0..TRIES {
            match self.ask("/v1/orders", &key, &json!({ "productIds": products })).await {
                Ended::Well(order) => return Some(order),
                Ended::Refused(reply) => match reply.code() {
                    "SEAT_SOLD_OUT" => {
                        let lines = reply.body["lines"].as_array().cloned().unwrap_or_default();
                        if lines.iter().all(|line| line["held"].as_u64().unwrap_or_default() == 0) {
                            return None;
                        }
                        self.pause(20 + 10 * tried.min(10)).await;
                    }
                    // One of our own that is still open: it ends by itself.
                    "ORDER_OPEN" => self.pause(reply.retry_after.unwrap_or(10)).await,
                    "ALREADY_PURCHASED" => return None,
                    "NOT_FOR_SALE" if self.sale.closes => return None,
                    _ => {
                        self.unexpected("order", &reply);
                        return None;
                    }
                },
            }
        }
        self.stuck("order");
        None
    }

    pub fn authenticate(&self, order: &Value, outcome: Outcome) -> String {
        let id = order["id"].as_str().unwrap();
        let asked = Authentication { outcome, ..Authentication::of(id, order["total"].as_i64().unwrap()) };
        self.world.sandbox().authenticate(asked).unwrap().payment_key
    }

    /// The payment window, left with a virtual account that waits for so many hours.
    pub fn account(&self, order: &Value, hours: i64) -> String {
        let of = Authentication::of(order["id"].as_str().unwrap(), order["total"].as_i64().unwrap());
        let asked = Authentication { method: Some("가상계좌".to_owned()), valid_hours: Some(hours), ..of };
        self.world.sandbox().authenticate(asked).unwrap().payment_key
    }

    /// An order that waits for its deposit, and the key of its payment.
    pub async fn order_by_account(&mut self, hours: i64, at_once: bool) -> Option<(Value, String)> {
        let pwt = self.sale.pwt.clone();
        let order = self.order(0, &[&pwt]).await?;
        let payment_key = self.account(&order, hours);
        if at_once {
            self.world.pays_in_at_once(&payment_key);
        }
        self.confirm(&order, &payment_key).await.then_some((order, payment_key))
    }

    /// Looks at an order, less and less often, until it is in one of these states, or patience ends.
    pub async fn until(&mut self, order: &Value, states: &[&str]) -> bool {
        const LOOKS: u64 = 20;
        let path = format!("/v1/orders/{}", order["id"].as_str().unwrap());
        for looked in 0..LOOKS {
            let Some(reply) = self.try_until_answered(Method::GET, &path).await else { return false };
            if states.contains(&reply.body["state"].as_str().unwrap_or_default()) {
                return true;
            }
            self.pause(60 * (1 + looked.min(9))).await;
        }
        false
    }

    /// The charge that an order was paid by.
    pub fn charge_of(&self, order: &Value) -> Option<ChargeSeen> {
        let charges = self.world.sandbox().charges().unwrap();
        charges.into_iter().find(|charge| order["id"] == charge.order_id.as_str() && charge.captures > 0)
    }

    /// Whether the order was paid, or is as soon as its deposit comes.
    pub async fn confirm(&mut self, order: &Value, payment_key: &str) -> bool {
        let body = json!({ "paymentKey": payment_key, "orderId": order["id"], "amount": order["total"] });
        match self.ask("/v1/payments/confirm", &format!("confirm-{payment_key}"), &body).await {
            Ended::Well(_) => true,
            Ended::Refused(reply) => {
                const KNOWN: [&str; 5] = [
                    "PAYMENT_REFUSED", "PAYMENT_VOIDED", "ORDER_EXPIRED", "ORDER_NOT_PAYABLE",
                    "PAYMENT_METHOD_NOT_ALLOWED",
                ];
                if !KNOWN.contains(&reply.code()) {
                    self.unexpected("confirm", &reply);
                }
                false
            }
        }
    }

    /// Asks once, whatever becomes of it.
    pub async fn once(&self, path: &str, key: &str, body: &Value) -> Option<Reply> {
        let key = format!("{key}-{}", self.person.name);
        self.app.send(Method::POST, path, Some(&self.person.token), &[("idempotency-key", &key)], body).await
    }

    /// Counts what was meant to happen and did.
    pub fn did(&self, what: &str, reply: Option<&Reply>) {
        if reply.is_some_and(|reply| reply.status == 200) {
            self.world.watch(|watch| watch.reached(what));
        }
    }

    pub async fn cancel(&mut self, order: &Value, body: &Value) {
        let id = order["id"].as_str().unwrap();
        let known = ["ALREADY_REFUNDED", "ORDER_NOT_CANCELABLE", "REFUND_REFUSED", "REFUND_ACCOUNT_NEEDED"];
        if let Ended::Refused(reply) = self.ask(&format!("/v1/orders/{id}/cancel"), &format!("cancel-{id}"), body).await
            && !known.contains(&reply.code())
        {
            self.unexpected("cancel", &reply);
        }
    }

    /// Orders and pays, again and again, until it worked or all is sold.
    pub async fn pay(&mut self, products: &[&str]) -> Option<Value> {
        for attempt in 0..TRIES {
            let order = self.order(attempt, products).await?;
            let payment_key = self.authenticate(&order, Outcome::Approve);
            if self.confirm(&order, &payment_key).await {
                return Some(order);
            }
            self.pause(5).await;
        }
        self.stuck("paying");
        None
    }

    /// Buys a seat if one is left just now. `false` if it is worth waiting for one.
    async fn once_ordered(&mut self, pwt: &str) -> bool {
        self.asked += 1;
        let key = format!("order-{}-now-{}", self.person.name, self.asked);
        match self.ask("/v1/orders", &key, &json!({ "productIds": [pwt] })).await {
            Ended::Well(order) => {
                let payment_key = self.authenticate(&order, Outcome::Approve);
                self.confirm(&order, &payment_key).await
            }
            Ended::Refused(reply) => match reply.code() {
                "SEAT_SOLD_OUT" => false,
                "ORDER_OPEN" => {
                    self.pause(reply.retry_after.unwrap_or(10)).await;
                    false
                }
                "ALREADY_PURCHASED" => true,
                "NOT_FOR_SALE" if self.sale.closes => true,
                _ => {
                    self.unexpected("order", &reply);
                    true
                }
            },
        }
    }

    /// Has a seat, as long as there is one.
    pub async fn own(&mut self) -> Value {
        let pwt = self.sale.pwt.clone();
        self.pay(&[&pwt]).await.unwrap()
    }

    /// Gives a seat back after a while.
    pub async fn give_back(mut self, order: Value) {
        self.pause(120).await;
        self.cancel(&order, &json!({})).await;
    }

    /// Buys a seat that is left, or waits for one.
    pub async fn wait_for(&mut self, pwt: &str) {
        for _ in 0..TRIES {
            if self.join().await {
                if self.until_claimed().await {
                    drop(self.pay(&[pwt]).await);
                }
                return;
            }
            if self.once_ordered(pwt).await {
                return;
            }
        }
        self.stuck("waiting");
    }
}
