//! A sale that opens for everybody at once, over real HTTP against the started server.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test that meets something else must stop there"
)]
#![cfg(unix)]

mod started;

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};

use futures::{StreamExt, future::join_all, stream};
use reqwest::Client;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::{Value, json};
use started::{Account, Call, Reply, Server, admin, get, http, post, project, sign_up, tutor};
use tokio::sync::{Barrier, watch};

const PRICE: u32 = 50_000;

/// How one buyer's attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Paid,
    SoldOut,
}

/// Where the server is: it moves when it is killed and started again.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Address {
    api: String,
    toss: String,
}

impl Address {
    fn of(server: &Server) -> Self {
        Self { api: server.api.clone(), toss: server.toss.clone() }
    }
}

/// A sale and everybody who wants a seat.
struct Sale {
    http: Client,
    address: watch::Receiver<Address>,
    pwt: String,
    orders: AtomicU32,
    paid: AtomicU32,
}

impl Sale {
    fn new(http: &Client, address: &watch::Receiver<Address>, pwt: &str) -> Arc<Self> {
        let (orders, paid) = (AtomicU32::new(0), AtomicU32::new(0));
        Arc::new(Self { http: http.clone(), address: address.clone(), pwt: pwt.to_owned(), orders, paid })
    }

    /// Sends a call as a careful client does: again under the same key when no answer came, or
    /// when the answer says that it is not the time.
    async fn persistently(&self, call: &Call, toss: bool) -> Reply {
        let mut address = self.address.clone();
        loop {
            let now = address.borrow_and_update().clone();
            let base = if toss { &now.toss } else { &now.api };
            match call.clone().try_send(&self.http, base).await {
                Ok(reply) if reply.headers.contains_key("retry-after") && !is_sold_out(&reply) => {
                    let seconds = reply.headers["retry-after"].to_str().unwrap().parse().unwrap();
                    tokio::time::sleep(Duration::from_secs(seconds)).await;
                }
                Ok(reply) => return reply,
                // It was killed: the next one is elsewhere, unless it is there already.
                Err(_) => drop(tokio::time::timeout(Duration::from_secs(1), address.changed()).await),
            }
        }
    }

    async fn buy(&self, buyer: &Account) -> Outcome {
        let key = format!("order-{}-{}", self.pwt, buyer.id);
        let order = post("/v1/orders", json!({ "productIds": [self.pwt], "expectedTotal": PRICE })).by(buyer);
        let order = self.persistently(&order.header("idempotency-key", &key), false).await;
        if order.status != 201 {
            assert!(is_sold_out(&order), "{} {}", order.status, order.body);
            return Outcome::SoldOut;
        }
        self.orders.fetch_add(1, Ordering::SeqCst);
        assert_eq!(order.body["total"], PRICE);
        let asked = json!({ "orderId": order.body["id"], "amount": PRICE });
        let authenticated = self.persistently(&post("/sandbox/authenticate", asked), true).await.expect(200);
        let key = format!("confirm-{}", authenticated["paymentKey"].as_str().unwrap());
        let confirm = post("/v1/payments/confirm", authenticated).by(buyer).header("idempotency-key", &key);
        let paid = self.persistently(&confirm, false).await.expect(200);
        assert_eq!(paid["state"], "PAID");
        self.paid.fetch_add(1, Ordering::SeqCst);
        Outcome::Paid
    }

    /// All at once.
    async fn open(self: Arc<Self>, buyers: &[Account]) -> BTreeMap<Outcome, usize> {
        let start = Arc::new(Barrier::new(buyers.len()));
        let attempts = buyers.iter().map(|buyer| {
            let (sale, buyer, start) = (self.clone(), buyer.clone(), start.clone());
            #[expect(clippy::disallowed_methods, reason = "buyers are not in one task")]
            tokio::spawn(async move {
                start.wait().await;
                sale.buy(&buyer).await
            })
        });
        let mut outcomes = BTreeMap::new();
        for outcome in join_all(attempts).await {
            *outcomes.entry(outcome.unwrap()).or_default() += 1;
        }
        outcomes
    }

    async fn seats(&self) -> Value {
        let base = self.address.borrow().api.clone();
        get(&format!("/v1/pwts/{}/seats", self.pwt)).send(&self.http, &base).await.expect(200)
    }

    /// The states of all orders for this project.
    async fn states(&self, buyers: &[Account]) -> BTreeMap<String, usize> {
        let base = self.address.borrow().api.clone();
        let of = |buyer: &Account| get("/v1/orders").by(buyer);
        let lists = stream::iter(buyers.iter().map(|buyer| of(buyer).send(&self.http, &base)));
        let mut states = BTreeMap::new();
        for list in lists.buffer_unordered(16).collect::<Vec<_>>().await {
            for order in list.expect(200)["items"].as_array().unwrap() {
                if order["lines"][0]["productId"] == self.pwt.as_str() {
                    *states.entry(order["state"].as_str().unwrap().to_owned()).or_default() += 1;
                }
            }
        }
        states
    }

    async fn charges(&self) -> Vec<Value> {
        let base = self.address.borrow().toss.clone();
        let charges = get("/sandbox/charges").send(&self.http, &base).await.expect(200);
        charges.as_array().unwrap().clone()
    }

    async fn advance(&self, seconds: u32) {
        let base = self.address.borrow().api.clone();
        post("/_local/clock", json!({ "advanceSeconds": seconds })).send(&self.http, &base).await.expect(200);
    }
}

fn is_sold_out(reply: &Reply) -> bool {
    reply.status == 409 && reply.body["code"] == "SEAT_SOLD_OUT"
}

/// Charges that took money which was not given back, and were of the right amount.
fn kept(charges: &[Value]) -> usize {
    for charge in charges {
        let (captures, cancels) = (charge["captures"].as_u64().unwrap(), charge["cancels"].as_u64().unwrap());
        assert!(captures <= 1 && cancels <= captures, "{charge}");
        assert_eq!(charge["totalAmount"], PRICE, "{charge}");
    }
    let kept = charges.iter().filter(|charge| charge["captures"] == 1 && charge["cancels"] == 0);
    kept.inspect(|charge| assert_eq!((&charge["status"], &charge["balanceAmount"]), (&json!("DONE"), &json!(PRICE))))
        .count()
}

/// Lets Toss take its time, so that many payments are on their way at each moment.
async fn slow_down(http: &Client, server: &Server) {
    let delay = http.put(format!("{}/sandbox/delay", server.toss)).json(&json!({ "milliseconds": 150 }));
    assert_eq!(delay.send().await.unwrap().status(), 200);
}

/// As many connections as buyers.
fn allow_many_connections() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

struct Shop {
    http: Client,
    server: Server,
    admin: Account,
    tutor: Account,
}

impl Shop {
    async fn open(data: &Path) -> Self {
        allow_many_connections();
        let http = http();
        let server = Server::start(data).await;
        let admin = admin(&http, &server).await;
        let tutor = tutor(&http, &server.api, &admin).await;
        Self { http, server, admin, tutor }
    }

    async fn project(&self, seats: u32) -> String {
        project(&self.http, &self.server.api, &self.tutor, &self.admin, seats, PRICE).await
    }

    async fn buyers(&self, count: u32) -> Vec<Account> {
        let names = (0..count).map(|n| format!("buyer-{n}"));
        let sign_ups = names.map(|name| async move { sign_up(&self.http, &self.server.api, &name).await });
        stream::iter(sign_ups).buffer_unordered(32).collect().await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_buyers_get_ten_seats_and_ten_charges() {
    let data = tempfile::tempdir().unwrap();
    let shop = Shop::open(data.path()).await;
    let pwt = shop.project(10).await;
    let buyers = shop.buyers(200).await;
    let (_moves, address) = watch::channel(Address::of(&shop.server));
    let sale = Sale::new(&shop.http, &address, &pwt);
    let outcomes = sale.clone().open(&buyers).await;
    assert_eq!(outcomes, BTreeMap::from([(Outcome::Paid, 10), (Outcome::SoldOut, 190)]));
    assert_eq!(sale.states(&buyers).await, BTreeMap::from([("PAID".to_owned(), 10)]));
    let charges = sale.charges().await;
    assert_eq!((charges.len(), kept(&charges)), (10, 10));
    sale.advance(700).await;
    let seats = sale.seats().await;
    assert_eq!([&seats["sold"], &seats["available"], &seats["held"]], [10, 0, 0], "{seats}");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_thousand_buyers_get_one_seat_and_three_hundred() {
    let data = tempfile::tempdir().unwrap();
    let shop = Shop::open(data.path()).await;
    let buyers = shop.buyers(2_000).await;
    let (_moves, address) = watch::channel(Address::of(&shop.server));
    let mut all = 0;
    for seats in [1, 300] {
        let sale = Sale::new(&shop.http, &address, &shop.project(seats).await);
        let outcomes = sale.clone().open(&buyers).await;
        let seats = usize::try_from(seats).unwrap();
        assert_eq!(outcomes, BTreeMap::from([(Outcome::Paid, seats), (Outcome::SoldOut, 2_000 - seats)]));
        assert_eq!(sale.states(&buyers).await, BTreeMap::from([("PAID".to_owned(), seats)]));
        all += seats;
        let charges = sale.charges().await;
        assert_eq!((charges.len(), kept(&charges)), (all, all));
        let left = sale.seats().await;
        assert_eq!([&left["sold"], &left["available"], &left["held"]], [&json!(seats), &json!(0), &json!(0)], "{left}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sale_survives_kill_9_in_its_middle() {
    let data = tempfile::tempdir().unwrap();
    let shop = Shop::open(data.path()).await;
    let pwt = shop.project(10).await;
    let buyers = shop.buyers(200).await;
    let Shop { http, mut server, .. } = shop;
    slow_down(&http, &server).await;
    let (moves, address) = watch::channel(Address::of(&server));
    let sale = Sale::new(&http, &address, &pwt);
    let opened = {
        let (sale, buyers) = (sale.clone(), buyers.clone());
        #[expect(clippy::disallowed_methods, reason = "the server is killed while they buy")]
        tokio::spawn(async move { sale.open(&buyers).await })
    };
    // Among the first orders, between orders and payments, and among the payments.
    for (orders, paid) in [(1, 0), (8, 0), (10, 3)] {
        while sale.orders.load(Ordering::SeqCst) < orders || sale.paid.load(Ordering::SeqCst) < paid {
            tokio::time::sleep(Duration::from_micros(200)).await;
        }
        server.kill();
        server = Server::start(data.path()).await;
        slow_down(&http, &server).await;
        moves.send(Address::of(&server)).unwrap();
    }
    let outcomes = opened.await.unwrap();
    assert_eq!(outcomes, BTreeMap::from([(Outcome::Paid, 10), (Outcome::SoldOut, 190)]));
    // Past the holds, then past the last looks at Toss.
    for seconds in [631, 1_000] {
        sale.advance(seconds).await;
        let seats = sale.seats().await;
        assert_eq!([&seats["sold"], &seats["available"], &seats["held"]], [10, 0, 0], "{seats}");
        assert_eq!(kept(&sale.charges().await), 10);
        if seconds == 631 {
            assert_eq!(sale.states(&buyers).await, BTreeMap::from([("PAID".to_owned(), 10)]));
        }
    }
}
