//! A server to sell on, who sells and decides there, and what its books say afterwards.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::TcpListener,
    path::Path,
};

use clock::{Clock, Rng};
use domain::orders::State;
use serde_json::{Value, json};
use storage::{
    Stored, Table,
    items::{Order, pick_all},
};

use crate::{
    client::{Account, Client, text},
    server::{Server, Start, devloop},
    world,
};

/// Won of every seat.
pub const PRICE: i64 = 50_000;

/// A server with an empty table and passwords that are hashed fast.
pub struct Shop {
    pub server: Server,
    admin: Account,
    tutor: Account,
    /// The table, by the SDK, as the functions reach it.
    pub table: Table,
}

impl Shop {
    /// Everything is in `folder`: the data, and the server's log.
    pub async fn open(binary: &Path, folder: &Path) -> Self {
        let data = folder.join("data");
        let options = vec!["--no-demo", "--toy-hashing"];
        let start = Start { ports: free_ports(), options, log: Some(folder.join("server.log")) };
        let server = Server::start_as(binary, &data, start).await;
        let admin = server.api.sign_up("admin").await;
        let promoted = devloop(binary, &data).args(["admin", "create", "--email", &admin.email]).output().unwrap();
        assert!(promoted.status.success(), "{promoted:?}");
        let admin = server.api.log_in(&admin).await;
        let tutor = world::tutor(&server.api, &admin).await;
        let table = table(&server.dynamodb_url).await;
        Self { server, admin, tutor, table }
    }

    /// A project on sale.
    pub async fn project(&self, seats: u32) -> String {
        let api = &self.server.api;
        // Tokens may have expired since.
        let (tutor, admin) = (api.log_in(&self.tutor).await, api.log_in(&self.admin).await);
        world::project(api, &tutor, &admin, "WEB_DEV", seats).await
    }

    pub async fn kill_and_restart(&mut self) {
        self.server.kill_and_restart().await;
        self.table = table(&self.server.dynamodb_url).await;
    }

    /// Moves the clock, and lets the workers do what that brings.
    pub async fn advance(&self, seconds: u32) {
        let body = json!({ "advanceSeconds": seconds });
        self.server.api.post("/_local/clock", None, None, &body).await.expect(200);
    }

    pub async fn seats(&self, pwt: &str) -> Value {
        self.server.api.get(&format!("/v1/pwts/{pwt}/seats")).await.expect(200).json()
    }

    pub async fn orders(&self) -> Vec<Order> {
        pick_all(&self.table.scan(&[Order::TYPE]).await.unwrap()).unwrap()
    }

    pub async fn charges(&self) -> Vec<Value> {
        let charges = self.server.toss.get("/sandbox/charges").await.expect(200).json();
        charges.as_array().unwrap().clone()
    }

    /// Nothing is lost and nothing double: as many paid orders as seats, of as many buyers, and for each of them one
    /// charge of its price that was not given back. Every other charge was, in full.
    pub async fn audit(&self, sales: &[(String, u32)]) -> Value {
        let orders = self.orders().await;
        let mut kept: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for charge in self.charges().await {
            let (captures, balance) = (charge["captures"].as_i64().unwrap(), charge["balanceAmount"].as_i64().unwrap());
            assert!(captures <= 1, "captured twice: {charge}");
            if captures == 1 && balance > 0 {
                kept.entry(text(&charge, "/orderId")).or_default().push(charge);
            }
        }
        let (mut paid_in_all, mut won) = (0, 0);
        for (pwt, seats) in sales {
            let of_it = orders.iter().filter(|order| order.lines[0].product_id.to_string() == *pwt);
            let paid: Vec<&Order> = of_it.filter(|order| order.state == State::Paid).collect();
            let buyers: BTreeSet<_> = paid.iter().map(|order| order.buyer_id).collect();
            assert_eq!(
                (paid.len(), buyers.len()),
                (*seats as usize, *seats as usize),
                "paid orders and buyers of {pwt}"
            );
            for order in &paid {
                let charges = kept.get(&order.id.to_string()).map_or(&[][..], Vec::as_slice);
                assert_eq!(charges.len(), 1, "charges of the paid order {}", order.id);
                let amounts = (charges[0]["totalAmount"].as_i64(), charges[0]["balanceAmount"].as_i64());
                assert_eq!(amounts, (Some(PRICE), Some(PRICE)), "{}", charges[0]);
                won += PRICE;
            }
            let left = self.seats(pwt).await;
            assert_eq!(
                [&left["sold"], &left["available"], &left["held"]],
                [&json!(seats), &json!(0), &json!(0)],
                "{left}"
            );
            paid_in_all += paid.len();
        }
        assert_eq!(kept.len(), paid_in_all, "charges that were kept, and paid orders");
        json!({ "paidOrders": paid_in_all, "chargesKept": kept.len(), "wonKept": won })
    }

    /// What `devloop integrity` finds: each finding, and whether it was repaired.
    pub fn integrity(&self, repair: bool) -> Vec<Value> {
        let mut command = self.server.command();
        let done = command.arg("integrity").args(repair.then_some("--repair")).output().unwrap();
        let told = String::from_utf8(done.stdout).unwrap();
        assert!(told.contains(" were compared, 0 were too busy"), "{told} {}", String::from_utf8_lossy(&done.stderr));
        told.lines().filter(|line| line.starts_with('{')).map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

async fn table(endpoint: &str) -> Table {
    let local = || "local".to_owned();
    let connection = storage::Connection {
        table: "devloop".to_owned(),
        endpoint: Some(endpoint.to_owned()),
        region: "ap-northeast-2".to_owned(),
        credentials: Some((local(), local())),
        http: None,
    };
    Table::connect(connection, &Clock::system(), &Rng::from_system()).await
}

/// Two that nobody uses now: a server that is killed comes back where its clients look for it. Below those that the
/// system gives to clients, one of which might else take the port, or even meet itself, while the server is gone.
fn free_ports() -> [u16; 2] {
    let mut free = (21_000..32_000).filter(|port| TcpListener::bind(("127.0.0.1", *port)).is_ok());
    [free.next().unwrap(), free.next().unwrap()]
}

/// As many connections as there are people who wait at once.
pub fn allow_many_connections() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// The parts that a buyer reaches.
#[derive(Clone, Debug)]
pub struct Doors {
    pub api: Client,
    pub toss: Client,
}

impl Doors {
    pub fn of(server: &Server) -> Self {
        Self { api: server.api.clone(), toss: server.toss.clone() }
    }
}
