//! Who else takes part: the tutor, an admin, and one who means no good.

use devloop_local::toss_sandbox::Authentication;
use http::Method;
use serde_json::{Value, json};

use crate::{actors::Buyer, dice};

impl Buyer<'_> {
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
            let changed = self.app.send(Method::PATCH, &path, Some(&token), &headers, &change).await;
            self.did("seats changed by the tutor", changed.as_ref());
        }
        if self.sale.closes {
            self.pause(60 + dice::below(seed, "close", 0, 1_200)).await;
            let closed = self.try_until_answered(Method::POST, &format!("{path}/close")).await;
            self.did("closed by the tutor", closed.as_ref());
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
            let given_back = self.once(&path, &format!("admin-{n}"), &body).await;
            self.did("given back by an admin", given_back.as_ref());
        }
    }

    async fn is_own(&self, order: &str) -> bool {
        let path = format!("/v1/orders/{order}");
        let reply = self.app.send(Method::GET, &path, Some(&self.person.token), &[], &Value::Null).await;
        reply.is_none_or(|reply| reply.status != 404)
    }
}
