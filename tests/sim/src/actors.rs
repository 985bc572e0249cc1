//! Who takes part: buyers of every kind, the tutor, an admin, and one who means no good.

use std::time::Duration;

use devloop_local::toss_sandbox::{Authentication, Leaves, Outcome};
use http::Method;
use serde_json::{Value, json};

use crate::{
    app::{App, Reply},
    dice,
    world::World,
};

/// What a buyer does with a seat.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub enum Journey {
    /// Pays, and tries again until paid or told that all is sold.
    Pays,
    /// Is refused once, then pays by another card.
    Declined,
    /// Is refused, though the payment goes on at Toss, and goes away.
    DeclinedAndGone,
    /// Orders and goes away.
    Leaves,
    /// Orders and cancels.
    Cancels,
    /// Orders, and the authentication fails.
    Fails,
    /// Pays, and gives it back.
    Refunds,
    /// Buys two products at once and gives one of them back.
    RefundsOne,
    /// Pays in one tab and cancels in another, at once.
    Wavers,
    /// Pays in three tabs at once, and gives it back in three.
    Hurries,
    /// Joins the waitlist if all is sold, and buys the seat that is kept.
    Waits,
    /// Joins the waitlist, and lets the claim lapse.
    Forgets,
    /// Joins the waitlist, leaves it after a while, and joins again.
    Quits,
}

impl Journey {
    /// All of them.
    pub const ALL: [Self; 13] = [
        Self::Pays,
        Self::Declined,
        Self::DeclinedAndGone,
        Self::Leaves,
        Self::Cancels,
        Self::Fails,
        Self::Refunds,
        Self::RefundsOne,
        Self::Wavers,
        Self::Hurries,
        Self::Waits,
        Self::Forgets,
        Self::Quits,
    ];

    /// Whether it ends with a seat as long as there are any.
    pub fn persists(self) -> bool {
        matches!(self, Self::Pays | Self::Declined)
    }

    /// Whether it needs a sale that is sold out.
    pub fn waits(self) -> bool {
        matches!(self, Self::Waits | Self::Forgets | Self::Quits)
    }

    /// Whether it frees a seat that others may have given up by then.
    pub fn gives_back(self) -> bool {
        // Or is kept one for that it does not take.
        matches!(
            self,
            Self::Refunds | Self::RefundsOne | Self::Wavers | Self::Hurries | Self::Waits | Self::Forgets | Self::Quits
        )
    }
}

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
const TRIES: u64 = 400;
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
fn confirmation(order: &Value, payment_key: &str) -> (Value, String) {
    let confirm = json!({ "paymentKey": payment_key, "orderId": order["id"], "amount": order["total"] });
    (confirm, format!("/v1/orders/{}/cancel", order["id"].as_str().unwrap()))
}

/// How a request ended.
enum Ended {
    Well(Value),
    Refused(Reply),
}

impl Buyer<'_> {
    async fn pause(&mut self, seconds: u64) {
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
    async fn try_until_answered(&mut self, method: Method, path: &str) -> Option<Reply> {
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
    async fn join(&mut self) -> bool {
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

    async fn leave(&mut self) {
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
    async fn ask(&mut self, path: &str, key: &str, body: &Value) -> Ended {
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

    fn stuck(&self, what: &str) {
        self.world.watch(|watch| watch.violation(format!("{} never got an answer from {what}", self.person.name)));
    }

    fn unexpected(&self, what: &str, reply: &Reply) {
        let told = format!("{}: {what} answers {} {}", self.person.name, reply.status, reply.body);
        self.world.watch(|watch| watch.violation(told));
    }

    /// An order, unless everything is sold.
    async fn order(&mut self, attempt: u64, products: &[&str]) -> Option<Value> {
        let key = format!("order-{}-{attempt}", self.person.name);
        for _ in 0..TRIES {
            match self.ask("/v1/orders", &key, &json!({ "productIds": products })).await {
                Ended::Well(order) => return Some(order),
                Ended::Refused(reply) => match reply.code() {
                    "SEAT_SOLD_OUT" => {
                        let lines = reply.body["lines"].as_array().cloned().unwrap_or_default();
                        if lines.iter().all(|line| line["held"].as_u64().unwrap_or_default() == 0) {
                            return None;
                        }
                        self.pause(20).await;
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

    fn authenticate(&self, order: &Value, outcome: Outcome) -> String {
        let id = order["id"].as_str().unwrap();
        let asked = Authentication { outcome, ..Authentication::of(id, order["total"].as_i64().unwrap()) };
        self.world.sandbox().authenticate(asked).unwrap().payment_key
    }

    /// Whether the order was paid.
    async fn confirm(&mut self, order: &Value, payment_key: &str) -> bool {
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
    async fn once(&self, path: &str, key: &str, body: &Value) {
        let key = format!("{key}-{}", self.person.name);
        drop(self.app.send(Method::POST, path, Some(&self.person.token), &[("idempotency-key", &key)], body).await);
    }

    async fn cancel(&mut self, order: &Value, body: &Value) {
        let id = order["id"].as_str().unwrap();
        let known = ["ALREADY_REFUNDED", "ORDER_NOT_CANCELABLE"];
        if let Ended::Refused(reply) = self.ask(&format!("/v1/orders/{id}/cancel"), &format!("cancel-{id}"), body).await
            && !known.contains(&reply.code())
        {
            self.unexpected("cancel", &reply);
        }
    }

    /// Orders and pays, again and again, until it worked or all is sold.
    async fn pay(&mut self, products: &[&str]) -> Option<Value> {
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
    async fn wait_for(&mut self, pwt: &str) {
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

    /// Goes the whole way.
    pub async fn go(mut self, journey: Journey) {
        let (pwt, other) = (self.sale.pwt.clone(), self.sale.other.clone());
        let wait = dice::below(self.world.seed(), &format!("begin {}", self.person.name), 0, 20_000);
        tokio::time::sleep(Duration::from_millis(wait)).await;
        match journey {
            Journey::Pays => drop(self.pay(&[&pwt]).await),
            Journey::Declined => {
                let Some(order) = self.order(1_000, &[&pwt]).await else { return };
                let refuse =
                    Outcome::Refuse { code: "REJECT_CARD_COMPANY".to_owned(), leaves: Leaves::Aborted, times: None };
                let refused = self.authenticate(&order, refuse);
                if self.confirm(&order, &refused).await {
                    self.world.watch(|watch| watch.violation("a refused card paid".to_owned()));
                }
                let other_card = self.authenticate(&order, Outcome::Approve);
                if !self.confirm(&order, &other_card).await {
                    drop(self.pay(&[&pwt]).await);
                }
            }
            Journey::DeclinedAndGone => {
                let Some(order) = self.order(0, &[&pwt]).await else { return };
                let refuse = Outcome::Refuse {
                    code: "REJECT_CARD_COMPANY".to_owned(),
                    leaves: Leaves::InProgress,
                    times: Some(1),
                };
                let refused = self.authenticate(&order, refuse);
                self.confirm(&order, &refused).await;
            }
            Journey::Leaves => drop(self.order(0, &[&pwt]).await),
            Journey::Cancels => {
                let Some(order) = self.order(0, &[&pwt]).await else { return };
                self.cancel(&order, &json!({})).await;
            }
            Journey::Fails => {
                let Some(order) = self.order(0, &[&pwt]).await else { return };
                let body = json!({ "orderId": order["id"], "code": "PAY_PROCESS_CANCELED" });
                if let Ended::Refused(reply) = self.ask("/v1/payments/fail", "fail", &body).await
                    && reply.code() != "ORDER_NOT_CANCELABLE"
                {
                    self.unexpected("fail", &reply);
                }
            }
            Journey::Refunds => {
                let Some(order) = self.pay(&[&pwt]).await else { return };
                self.pause(10).await;
                self.cancel(&order, &json!({})).await;
            }
            Journey::Wavers => {
                let Some(order) = self.order(0, &[&pwt]).await else { return };
                let payment_key = self.authenticate(&order, Outcome::Approve);
                let (confirm, path) = confirmation(&order, &payment_key);
                let all = json!({});
                futures::join!(self.once("/v1/payments/confirm", "tab-1", &confirm), self.once(&path, "tab-2", &all),);
                self.confirm(&order, &payment_key).await;
            }
            Journey::Hurries => {
                let Some(order) = self.order(0, &[&pwt]).await else { return };
                let payment_key = self.authenticate(&order, Outcome::Approve);
                let (confirm, path) = confirmation(&order, &payment_key);
                let pay = |key| self.once("/v1/payments/confirm", key, &confirm);
                futures::join!(pay("tab-1"), pay("tab-2"), pay("tab-3"));
                if !self.confirm(&order, &payment_key).await {
                    return;
                }
                let all = json!({});
                let back = |key| self.once(&path, key, &all);
                futures::join!(back("tab-4"), back("tab-5"), back("tab-6"));
                self.cancel(&order, &all).await;
            }
            Journey::Waits => self.wait_for(&pwt).await,
            Journey::Forgets => drop(self.join().await),
            Journey::Quits => {
                if self.join().await {
                    self.pause(100).await;
                    self.leave().await;
                    self.join().await;
                    self.pause(100).await;
                    self.leave().await;
                }
            }
            Journey::RefundsOne => {
                let Some(order) = self.pay(&[&pwt, &other]).await else { return };
                self.pause(10).await;
                self.cancel(&order, &json!({ "lines": [other] })).await;
            }
        }
    }

    /// Repeats, reorders, alters amounts and swaps ids.
    pub async fn mean_no_good(mut self) {
        let pwt = self.sale.pwt.clone();
        let seed = self.world.seed();
        for n in 0..12 {
            self.pause(dice::below(seed, "mean pause", n, 40)).await;
            let charges = self.world.sandbox().charges().unwrap();
            let other = usize::try_from(dice::below(seed, "mean charge", n, 8)).unwrap_or(0);
            let token = self.person.token.clone();
            let post = async |path: &str, key: &str, body: &Value| {
                self.app.send(Method::POST, path, Some(&token), &[("idempotency-key", key)], body).await
            };
            match (dice::below(seed, "mean deed", n, 8), charges.get(other)) {
                // What Toss never said.
                (6 | 7, charge) => {
                    let order = charge.map_or("01KB2M3N4P5Q6R7S8T9V0W1X2Y", |charge| charge.order_id.as_str());
                    let done = json!({ "orderId": order, "paymentKey": "forged", "status": "DONE" });
                    let events = [
                        json!({ "eventType": "PAYMENT_STATUS_CHANGED", "data": done }),
                        json!({ "orderId": order, "status": "DONE", "secret": "forged", "transactionKey": "t" }),
                        json!({ "eventType": "SOMETHING_NEW", "data": { "orderId": order } }),
                    ];
                    for event in &events {
                        let answered = post("/v1/webhooks/toss", "none", event).await;
                        if answered.is_some_and(|reply| !matches!(reply.status, 200 | 503)) {
                            self.world.watch(|watch| watch.violation("a forged event was not taken in".to_owned()));
                        }
                    }
                }
                // Two orders of one product under two keys, at once, and one key twice.
                (0, _) => {
                    let body = json!({ "productIds": [pwt] });
                    let (one, two) = (format!("mean-{n}-1"), format!("mean-{n}-2"));
                    let order = |key| post("/v1/orders", key, &body);
                    futures::join!(order(&one), order(&two), order(&one));
                    order(&one).await;
                }
                // A hundred won for a seat.
                (1 | 2, _) => {
                    let order = post("/v1/orders", &format!("mean-{n}"), &json!({ "productIds": [pwt] })).await;
                    if let Some(order) = order.filter(|order| order.status == 201) {
                        let id = order.body["id"].as_str().unwrap().to_owned();
                        let key = self.world.sandbox().authenticate(Authentication::of(&*id, 100)).unwrap().payment_key;
                        let body = json!({ "paymentKey": key, "orderId": id, "amount": 100 });
                        let paid = post("/v1/payments/confirm", &format!("mean-c-{n}"), &body).await;
                        if paid.is_some_and(|paid| paid.status == 200) {
                            self.world.watch(|watch| watch.violation("a hundred won bought a seat".to_owned()));
                        }
                        let path = format!("/v1/orders/{id}/cancel");
                        let (one, two) = (format!("mean-x-{n}-1"), format!("mean-x-{n}-2"));
                        let all = json!({});
                        futures::join!(post(&path, &one, &all), post(&path, &two, &all));
                    }
                }
                // Somebody else's order, confirmed and cancelled.
                (3 | 4, Some(charge)) => {
                    let body = json!({ "paymentKey": charge.payment_key, "orderId": charge.order_id, "amount": charge.total_amount });
                    let path = format!("/v1/orders/{}/cancel", charge.order_id);
                    for reply in [
                        post("/v1/payments/confirm", &format!("mean-f-{n}"), &body).await,
                        post(&path, &format!("mean-g-{n}"), &json!({})).await,
                    ]
                    .into_iter()
                    .flatten()
                    {
                        if reply.status < 400 && charge.order_id.len() == 26 && !self.is_own(&charge.order_id).await {
                            self.world.watch(|watch| watch.violation("somebody else's order was moved".to_owned()));
                        }
                    }
                }
                // Somebody else's payment for one's own order, twice at once.
                (_, Some(charge)) => {
                    let order = post("/v1/orders", &format!("mean-o-{n}"), &json!({ "productIds": [pwt] })).await;
                    if let Some(order) = order.filter(|order| order.status == 201) {
                        let body = json!({ "paymentKey": charge.payment_key, "orderId": order.body["id"], "amount": order.body["total"] });
                        let (one, two) = (format!("mean-p-{n}-1"), format!("mean-p-{n}-2"));
                        let (one, two) = futures::join!(
                            post("/v1/payments/confirm", &one, &body),
                            post("/v1/payments/confirm", &two, &body)
                        );
                        for reply in [one, two].into_iter().flatten() {
                            if reply.status == 200 {
                                self.world
                                    .watch(|watch| watch.violation("somebody else's payment bought a seat".to_owned()));
                            }
                        }
                    }
                }
                _ => {}
            }
        }
    }

    /// A tutor who adds and takes away seats, and closes the sale in the end if it is one that closes.
    pub async fn lead(mut self) {
        let (seed, path) = (self.world.seed(), format!("/v1/pwts/{}", self.sale.pwt));
        for n in 0..4 {
            self.pause(60 + dice::below(seed, "lead pause", n, 600)).await;
            let Some(found) = self.try_until_answered(Method::GET, &path).await else { return };
            let seats = found.body["maxParticipants"].as_u64().unwrap_or(1);
            let wanted = (seats + dice::below(seed, "lead", n, 4)).saturating_sub(1).max(1);
            let (token, version) = (self.person.token.clone(), found.etag.unwrap_or_default());
            let headers = [("if-match", version.as_str())];
            let change = json!({ "maxParticipants": wanted });
            drop(self.app.send(Method::PATCH, &path, Some(&token), &headers, &change).await);
        }
        if self.sale.closes {
            self.pause(60 + dice::below(seed, "close", 0, 1_200)).await;
            drop(self.try_until_answered(Method::POST, &format!("{path}/close")).await);
        }
    }

    /// An admin who gives money back, whenever anybody asks.
    pub async fn administer(mut self) {
        let seed = self.world.seed();
        for n in 0..3 {
            self.pause(60 + dice::below(seed, "admin pause", n, 900)).await;
            let charges = self.world.sandbox().charges().unwrap();
            let among = charges.len() as u64;
            let Some(charge) =
                charges.get(usize::try_from(dice::below(seed, "admin charge", n, among)).unwrap_or_default())
            else {
                continue;
            };
            let path = format!("/v1/orders/{}/cancel", charge.order_id);
            let body = json!({ "reason": "행사 취소" });
            self.once(&path, &format!("admin-{n}"), &body).await;
        }
    }

    async fn is_own(&self, order: &str) -> bool {
        let path = format!("/v1/orders/{order}");
        let reply = self.app.send(Method::GET, &path, Some(&self.person.token), &[], &Value::Null).await;
        reply.is_none_or(|reply| reply.status != 404)
    }
}
