//! A buyer: orders a seat and, if there is one, pays for it, however often that has to be asked for.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::shop::{Doors, PRICE};
use crate::client::{Account, Client, Reply, text};

/// More than any call needs, and an end for a program that has gone wrong.
const MOST_TRIES: u32 = 600;
/// How many orders are on their way at once, and how many payments, so that those who pay do not stand in line behind those
/// who come: who waits for a connection waits in the figures, too.
const CONNECTIONS: usize = 256;
const ORDERS: &str = "/v1/orders";

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    Paid,
    SoldOut,
    /// Has a seat, or holds one, by an earlier visit.
    Before,
}

/// When what happened, in seconds since the sale opened.
#[derive(Clone, Copy, Debug)]
pub struct Visit {
    pub due: f64,
    /// The order was answered.
    pub answered: f64,
    /// The payment was authenticated, so that it could be confirmed.
    pub authenticated: Option<f64>,
    /// It was paid.
    pub paid: Option<f64>,
    pub outcome: Outcome,
}

/// A sale, as those who come to it see it. Clones are of the same one.
#[derive(Clone, Debug)]
pub struct Sale {
    doors: Doors,
    pwt: Arc<str>,
    opened: Instant,
    ordering: Arc<Semaphore>,
    paying: Arc<Semaphore>,
    pub sold: Arc<AtomicU32>,
    /// How often a call had to be repeated.
    pub repeated: Arc<AtomicU32>,
}

impl Sale {
    pub fn new(doors: Doors, pwt: &str, opened: Instant) -> Self {
        let [ordering, paying] = [(); 2].map(|()| Arc::new(Semaphore::new(CONNECTIONS)));
        Self { doors, pwt: pwt.into(), opened, ordering, paying, sold: Arc::default(), repeated: Arc::default() }
    }

    /// As a careful client does it: again, under the same key, when no answer came, or one that says when to ask again.
    async fn persistently(
        &self,
        client: &Client,
        path: &str,
        by: Option<&Account>,
        key: Option<&str>,
        body: &Value,
    ) -> Reply {
        let turns = if path == ORDERS { &self.ordering } else { &self.paying };
        for _ in 0..MOST_TRIES {
            let answer = {
                let _turn = turns.acquire().await.unwrap();
                client.try_post(path, by, key, body).await
            };
            match answer {
                Ok(reply) => match reply.retry_after.filter(|_| reply.status != 409 || is_at_work(&reply)) {
                    Some(seconds) => tokio::time::sleep(Duration::from_secs(seconds)).await,
                    None => return reply,
                },
                // It was killed: the next one will be at the same address.
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
            self.repeated.fetch_add(1, Ordering::Relaxed);
        }
        panic!("{path} was never answered");
    }

    /// One visit, the `n`th.
    pub async fn visit(self, buyer: Account, n: usize, due: Instant) -> Visit {
        let since_opening = |at: Instant| at.duration_since(self.opened).as_secs_f64();
        let body = json!({ "productIds": [&*self.pwt], "expectedTotal": PRICE });
        let key = format!("order-{}-{n}", self.pwt);
        let order = self.persistently(&self.doors.api, ORDERS, Some(&buyer), Some(&key), &body).await;
        let mut visit = Visit {
            due: since_opening(due),
            answered: since_opening(Instant::now()),
            authenticated: None,
            paid: None,
            outcome: Outcome::Paid,
        };
        if ![200, 201].contains(&order.status.as_u16()) {
            visit.outcome = match order.json()["code"].as_str() {
                Some("SEAT_SOLD_OUT") => Outcome::SoldOut,
                Some("ORDER_OPEN" | "ALREADY_PURCHASED") => Outcome::Before,
                _ => panic!("{} {}", order.status, order.json()),
            };
            return visit;
        }
        let order = order.json();
        let asked = json!({ "orderId": order["id"], "amount": order["total"] });
        let window = "/sandbox/authenticate";
        let payment = self.persistently(&self.doors.toss, window, None, None, &asked).await.expect(200).json();
        visit.authenticated = Some(since_opening(Instant::now()));
        let key = format!("confirm-{}", text(&payment, "/paymentKey"));
        let (api, confirm) = (&self.doors.api, "/v1/payments/confirm");
        let confirm = self.persistently(api, confirm, Some(&buyer), Some(&key), &payment).await;
        assert_eq!(confirm.expect(200).json()["state"], "PAID");
        visit.paid = Some(since_opening(Instant::now()));
        self.sold.fetch_add(1, Ordering::Relaxed);
        visit
    }
}

/// Whether a conflict only says that the same call is being worked on.
fn is_at_work(reply: &Reply) -> bool {
    let code = reply.json()["code"].as_str().unwrap_or_default().to_owned();
    !["SEAT_SOLD_OUT", "ORDER_OPEN", "ALREADY_PURCHASED"].contains(&code.as_str())
}
