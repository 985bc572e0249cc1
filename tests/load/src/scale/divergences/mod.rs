//! Divergences between our books and Toss's, made at random: the payment-reconciler and the integrity check have to find every
//! one, and to repair it or tell of it.

mod kinds;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
    time::Instant,
};

use clock::Rng;
use domain::{ids::ProductId, orders::State};
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use storage::items::Order;

use self::kinds::{By, Injected, KINDS, Kind, Makes, On};
use super::shop::{PRICE, Shop};
use crate::client::{Account, text};

/// Buyers have an order for each of so many projects.
const PROJECTS: usize = 10;
/// So many paid orders more than are tampered with: nothing may be said of them.
const SOUND: usize = 100;
const SHARDS: u32 = 32;
/// The fewest seats of a project with so many shards.
const SEATS: u32 = SHARDS * 25;

/// Orders and shards that nothing was done to yet, by what they are for.
type Pools = BTreeMap<On, Vec<Target>>;

#[derive(Clone, Debug)]
struct Target {
    order: Option<Order>,
    product: ProductId,
    shard: u32,
}

/// Injects `count` of them and lets everything be found that is.
pub async fn measure(binary: &Path, count: usize, seed: u64) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(binary, folder.path()).await;
    let rng = Rng::from_seed(seed);
    let drawn: Vec<Kind> = (0..count).map(|_| KINDS[below(&rng, KINDS.len())]).collect();
    let started = Instant::now();
    let mut pools = prepare(&shop, &drawn).await;
    println!("  {} orders in {:.1} s", shop.orders().await.len(), started.elapsed().as_secs_f64());
    assert_eq!(shop.integrity(false), Vec::<Value>::new());
    let mut injected = vec![];
    for (n, kind) in drawn.into_iter().enumerate() {
        let pool = pools.get_mut(&kind.on).unwrap();
        // Orders that are being confirmed were made for their kind.
        let target = match kind.makes {
            Makes::Confirm { .. } => pool.remove(0),
            _ => pool.swap_remove(below(&rng, pool.len())),
        };
        injected.push(shop.inject(kind, target.order.as_ref(), target.product, target.shard, seed + n as u64).await);
    }
    let started = Instant::now();
    let found = shop.integrity(true);
    println!("  the integrity check found {} differences in {:.1} s", found.len(), started.elapsed().as_secs_f64());
    // Past the reminders of confirmations, past the holds, past the match with Toss's list, past the last looks.
    for seconds in [120, 700, 1_000, 1_000] {
        shop.advance(seconds).await;
    }
    let told = Seen::look(&shop, folder.path(), found).await;
    told.says_nothing_of_others(&injected);
    let rows: Vec<Value> = KINDS.iter().map(|kind| row(kind, &injected, &told)).collect();
    for row in &rows {
        println!(
            "  {}: {}, found {}, repaired {}, flagged {}",
            row["kind"].as_str().unwrap(),
            row["injected"],
            row["found"],
            row["repaired"],
            row["flagged"]
        );
    }
    json!({ "count": count, "seed": seed, "kinds": rows })
}

fn below(rng: &Rng, bound: usize) -> usize {
    usize::try_from(rng.below(bound as u64)).unwrap()
}

/// As many of everything as are needed, by the front door.
async fn prepare(shop: &Shop, drawn: &[Kind]) -> Pools {
    let mut plan: Vec<(On, Option<bool>)> = vec![(On::Paid, None); SOUND];
    let mut pools = Pools::new();
    let mut shards = 0_u32;
    for kind in drawn {
        match (kind.on, kind.makes) {
            (On::Shard, _) => shards += 1,
            (On::Nothing, _) => {}
            (On::Confirming, Makes::Confirm { charged }) => plan.push((On::Confirming, Some(charged))),
            (on, _) => plan.push((on, None)),
        }
    }
    let buyers = plan.len().div_ceil(PROJECTS);
    let buyers = shop.server.api.sign_up_many("buyer", buyers).await;
    let mut projects = vec![];
    for _ in 0..PROJECTS {
        projects.push(shop.project(u32::try_from(buyers.len()).unwrap() + 10).await);
    }
    // Only one fault at a time: those that are being confirmed come one after the other.
    let (confirming, others): (Vec<_>, Vec<_>) =
        plan.into_iter().enumerate().partition(|(_, (on, _))| *on == On::Confirming);
    let place = |n: usize| (&buyers[n / PROJECTS], projects[n % PROJECTS].as_str());
    let made = others.into_iter().map(|(n, (on, _))| async move {
        let (buyer, pwt) = place(n);
        (on, make(shop, buyer, pwt, on).await)
    });
    let mut made: Vec<(On, String)> = stream::iter(made).buffer_unordered(16).collect().await;
    for (n, (on, charged)) in confirming {
        let (buyer, pwt) = place(n);
        let fault = json!({ "operation": "confirm", "kind": "status_500", "after_effect": charged });
        shop.server.toss.post("/sandbox/faults", None, None, &fault).await.expect(200);
        made.push((on, make(shop, buyer, pwt, on).await));
    }
    let orders: BTreeMap<String, Order> =
        shop.orders().await.into_iter().map(|order| (order.id.to_string(), order)).collect();
    for (on, id) in made {
        let order = orders[&id].clone();
        let (product, shard) = (order.lines[0].product_id, order.lines[0].shard);
        pools.entry(on).or_default().push(Target { order: Some(order), product, shard });
    }
    for n in 0..shards.div_ceil(SHARDS) {
        let product: ProductId = shop.project(SEATS).await.parse().unwrap();
        let these = (0..SHARDS.min(shards - n * SHARDS)).map(|shard| Target { order: None, product, shard });
        pools.entry(On::Shard).or_default().extend(these);
    }
    let nothing = Target { order: None, product: projects[0].parse().unwrap(), shard: 0 };
    pools.insert(On::Nothing, vec![nothing; drawn.len()]);
    pools
}

/// An order that comes to stand as wanted.
async fn make(shop: &Shop, buyer: &Account, pwt: &str, on: On) -> String {
    let (api, toss) = (&shop.server.api, &shop.server.toss);
    let body = json!({ "productIds": [pwt], "expectedTotal": PRICE });
    let key = format!("order-{pwt}");
    let order = api.post("/v1/orders", Some(buyer), Some(&key), &body).await.expect(201).json();
    let id = text(&order, "/id");
    let cancel = format!("/v1/orders/{id}/cancel");
    if matches!(on, On::Paid | On::Refunded | On::Confirming) {
        let asked = json!({ "orderId": id, "amount": PRICE });
        let payment = toss.post("/sandbox/authenticate", None, None, &asked).await.expect(200).json();
        let confirmed = api.post("/v1/payments/confirm", Some(buyer), Some(&key), &payment).await;
        confirmed.expect(if on == On::Confirming { 202 } else { 200 });
    }
    if matches!(on, On::Canceled | On::Refunded) {
        api.post(&cancel, Some(buyer), None, &json!({})).await.expect(200);
    }
    id
}

/// What was found, and how everything stands afterwards.
struct Seen {
    first: Vec<Value>,
    second: Vec<Value>,
    states: BTreeMap<String, State>,
    balances: BTreeMap<String, i64>,
    /// Orders that operators were told of.
    told: BTreeSet<String>,
}

impl Seen {
    async fn look(shop: &Shop, folder: &Path, first: Vec<Value>) -> Self {
        let log = fs::read_to_string(folder.join("server.log")).unwrap();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let alarms = lines.filter(|line| line["alarm"] == true);
        let charges = shop.charges().await;
        Self {
            first,
            second: shop.integrity(false),
            states: shop.orders().await.into_iter().map(|order| (order.id.to_string(), order.state)).collect(),
            balances: charges
                .iter()
                .map(|charge| (text(charge, "/paymentKey"), charge["balanceAmount"].as_i64().unwrap()))
                .collect(),
            told: alarms.filter_map(|alarm| alarm["order"].as_str().map(str::to_owned)).collect(),
        }
    }

    /// Whether it was found, and whether it was repaired.
    fn of(&self, injected: &Injected) -> (bool, bool) {
        let gone = || injected.payment_key.as_ref().is_some_and(|key| self.balances[key] == 0);
        match injected.kind.by {
            By::Check(kind) => {
                let is_it = |told: &&Value| told["finding"]["kind"] == kind && is_about(injected, &told["finding"]);
                let found = self.first.iter().find(is_it);
                let repaired = found.is_some_and(|told| told["repaired"] == true);
                let left =
                    found.is_some_and(|found| self.second.iter().any(|told| told["finding"] == found["finding"]));
                assert!(!repaired || !left, "said to be repaired and still there: {injected:?}");
                (found.is_some(), repaired)
            }
            By::Stray => (self.told.contains(&injected.order), gone()),
            By::Standing(state) => {
                let stands = self.states.get(&injected.order) == Some(&state);
                let money = if state == State::Refunded { gone() } else { self.balances_of(injected) == PRICE };
                (stands, stands && money)
            }
            By::Alarm => (self.told.contains(&injected.order), false),
        }
    }

    fn balances_of(&self, injected: &Injected) -> i64 {
        injected.payment_key.as_ref().map_or(0, |key| self.balances[key])
    }

    /// Everything that was found is about something that was done.
    fn says_nothing_of_others(&self, injected: &[Injected]) {
        for told in self.first.iter().chain(&self.second) {
            assert!(injected.iter().any(|injected| is_about(injected, &told["finding"])), "{told}");
        }
        let orders: BTreeSet<&String> = injected.iter().map(|injected| &injected.order).collect();
        assert!(self.told.iter().all(|order| orders.contains(order)), "{:?}", self.told);
    }
}

/// By its order, or by its seats: what is done to an order shows in the counts of its shard, too.
fn is_about(injected: &Injected, finding: &Value) -> bool {
    let order = finding["orderId"].as_str().is_some_and(|order| injected.id.is_some() && order == injected.order);
    let of_shard = finding["orderId"].is_null() && finding["productId"] == injected.product.to_string();
    order || (of_shard && (finding["shard"].is_null() || finding["shard"] == injected.shard))
}

fn row(kind: &Kind, injected: &[Injected], seen: &Seen) -> Value {
    let of_kind = injected.iter().filter(|injected| injected.kind.name == kind.name);
    let (mut all, mut found, mut repaired) = (0, 0, 0);
    for injected in of_kind {
        let (is_found, is_repaired) = seen.of(injected);
        assert_eq!((is_found, is_repaired), (true, kind.repaired), "found, and repaired: {injected:?}");
        all += 1;
        found += u32::from(is_found);
        repaired += u32::from(is_found && is_repaired);
    }
    let by = match kind.by {
        By::Check(_) => "integrity check",
        By::Stray | By::Standing(_) | By::Alarm => "payment-reconciler",
    };
    json!({ "kind": kind.name, "by": by, "injected": all, "found": found, "repaired": repaired, "flagged": found - repaired })
}
