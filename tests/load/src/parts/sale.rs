//! A sale: 1,000 seats of one project, 64 buyers at a time.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Instant,
};

use futures::future::join_all;
use hdrhistogram::Histogram;
use serde_json::{Value, json};

use crate::{
    client::{Account, text},
    figures::{Against, Results},
    machine::Cpu,
    measure::{RUNS, Run, histogram, micros},
    world::{World, project},
};

const AT_ONCE: usize = 64;

/// Latencies of the three steps, and of the buyer's two together.
struct Latencies {
    order: Histogram<u64>,
    authenticate: Histogram<u64>,
    confirm: Histogram<u64>,
    sale: Histogram<u64>,
}

impl Latencies {
    fn new() -> Self {
        Self { order: histogram(), authenticate: histogram(), confirm: histogram(), sale: histogram() }
    }

    fn all(&mut self) -> [&mut Histogram<u64>; 4] {
        [&mut self.order, &mut self.authenticate, &mut self.confirm, &mut self.sale]
    }
}

pub async fn measure(world: &World, results: &mut Results) {
    let (mut runs, mut cores) = ([vec![], vec![], vec![], vec![]], vec![]);
    for _ in 0..RUNS {
        let seats = u32::try_from(world.buyers.len()).unwrap();
        let pwt = project(&world.server.api, &world.tutor, &world.admin, "WEB_DEV", seats).await;
        let (before, started) = (Cpu::now(world.server.pid()), Instant::now());
        let mut latencies = sell(world, &pwt).await;
        let elapsed = started.elapsed();
        cores.push(Cpu::now(world.server.pid()).cores_since(&before));
        for (runs, latencies) in runs.iter_mut().zip(latencies.all()) {
            runs.push(Run::new(latencies.clone(), elapsed));
        }
        let seats = world.server.api.get(&format!("/v1/pwts/{pwt}/seats")).await.expect(200).json();
        assert_eq!(seats["sold"], world.buyers.len(), "{seats}");
    }
    let [order, authenticate, confirm, sale] = runs;
    results.begin("Sale: 1,000 seats, 64 buyers at a time");
    let against = [Against { aim: "≥ 735", before: "147" }, Against::default(), Against { aim: "", before: "1,700" }];
    results.note_runs("order and confirm", &sale, against);
    for (name, runs) in [("order", order), ("confirm", confirm), ("authentication in the sandbox", authenticate)] {
        let of = |quantile| runs.iter().map(|run| run.millis(quantile)).collect::<Vec<_>>();
        results.note(&format!("{name}: p50"), "ms", &of(0.5), Against::default());
        results.note(&format!("{name}: p99"), "ms", &of(0.99), Against::default());
    }
    results.note_cores("sale", &sale, &cores);
    results.note("resident after the sales", "MiB", &[world.server.resident()], Against::default());
}

async fn sell(world: &World, pwt: &str) -> Latencies {
    let (next, buyers) = (Arc::new(AtomicUsize::new(0)), Arc::new(world.buyers.clone()));
    let at_once = (0..AT_ONCE).map(|_| {
        let (next, buyers, pwt) = (next.clone(), buyers.clone(), pwt.to_owned());
        let (api, toss) = (world.server.api.clone(), world.server.toss.clone());
        tokio::spawn(async move {
            let mut latencies = Latencies::new();
            while let Some(buyer) = buyers.get(next.fetch_add(1, Ordering::Relaxed)) {
                buy(&api, &toss, buyer, &pwt, &mut latencies).await;
            }
            latencies
        })
    });
    let mut all = Latencies::new();
    for latencies in join_all(at_once).await {
        for (all, some) in all.all().into_iter().zip(latencies.unwrap().all()) {
            all.add(&*some).unwrap();
        }
    }
    all
}

async fn buy(
    api: &crate::client::Client,
    toss: &crate::client::Client,
    buyer: &Account,
    pwt: &str,
    latencies: &mut Latencies,
) {
    let started = Instant::now();
    let order = json!({ "productIds": [pwt], "expectedTotal": 50_000 });
    let order = api.post("/v1/orders", Some(buyer), Some(&format!("order-{pwt}")), &order).await.expect(201).json();
    let ordered = micros(started);
    let started = Instant::now();
    let asked = json!({ "orderId": order["id"], "amount": 50_000 });
    let payment: Value = toss.post("/sandbox/authenticate", None, None, &asked).await.expect(200).json();
    let authenticated = micros(started);
    let started = Instant::now();
    let key = format!("confirm-{}", text(&order, "/id"));
    let paid = api.post("/v1/payments/confirm", Some(buyer), Some(&key), &payment).await.expect(200).json();
    let confirmed = micros(started);
    assert_eq!(paid["state"], "PAID");
    let [of_order, of_authenticate, of_confirm, of_sale] = latencies.all();
    of_order.record(ordered).unwrap();
    of_authenticate.record(authenticated).unwrap();
    of_confirm.record(confirmed).unwrap();
    of_sale.record(ordered + confirmed).unwrap();
}
