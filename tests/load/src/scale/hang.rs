//! Toss hangs for a minute while people buy: what do the other routes notice? Each run with it is beside one without.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use futures::future::join_all;
use serde_json::{Value, json};

use super::{
    buyer::Sale,
    open_loop::{arrivals, come, percentiles, recorded},
    shop::{Doors, Shop},
};
use crate::client::{Account, Client};

/// How it is measured.
#[derive(Clone, Copy, Debug)]
pub struct Hang {
    pub pairs: usize,
    pub lasts: Duration,
    /// Requests a second of each route that reads.
    pub reads_per_second: f64,
    /// Buyers a second; each orders and confirms.
    pub buyers_per_second: f64,
}

/// A route that only reads.
#[derive(Clone, Copy, Debug)]
struct Read {
    name: &'static str,
    path: fn(&str) -> String,
    signed_in: bool,
}

const READS: [Read; 5] = [
    Read { name: "list_pwts", path: |_| "/v1/pwts".to_owned(), signed_in: false },
    Read { name: "get_pwt", path: |pwt| format!("/v1/pwts/{pwt}"), signed_in: false },
    Read { name: "get_pwt_seats", path: |pwt| format!("/v1/pwts/{pwt}/seats"), signed_in: false },
    Read { name: "get_me", path: |_| "/v1/users/me".to_owned(), signed_in: true },
    Read { name: "list_orders", path: |_| "/v1/orders".to_owned(), signed_in: true },
];

/// Runs the pairs: first without and with, then with and without, and so on.
pub async fn measure(binary: &Path, hang: Hang) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let shop = Shop::open(binary, folder.path()).await;
    let (mut without, mut with) = (vec![], vec![]);
    for pair in 0..hang.pairs {
        for hangs in if pair % 2 == 0 { [false, true] } else { [true, false] } {
            let name = format!("{}-{pair}", if hangs { "with" } else { "without" });
            let run = run(&shop, &hang, hangs, &name, pair as u64).await;
            println!("  {name}: {}", shown(&run));
            if hangs { with.push(run) } else { without.push(run) }
        }
    }
    json!({
        "seconds": hang.lasts.as_secs_f64(), "readsPerSecond": hang.reads_per_second,
        "buyersPerSecond": hang.buyers_per_second, "without": without, "with": with,
    })
}

fn shown(run: &Value) -> String {
    let routes = run.as_object().unwrap().iter();
    routes
        .map(|(route, told)| format!("{route} {:.1} ms", told["p99"].as_f64().unwrap()))
        .collect::<Vec<_>>()
        .join(", ")
}

/// One run: the latencies of each route. Whoever ordered has paid at its end, whatever Toss did.
async fn run(shop: &Shop, hang: &Hang, hangs: bool, name: &str, seed: u64) -> Value {
    let of = |per_second: f64| (hang.lasts.as_secs_f64() * per_second) as usize;
    let accounts: Arc<[Account]> =
        shop.server.api.sign_up_many(&format!("{name}-buyer"), of(hang.buyers_per_second)).await.into();
    let pwt = shop.project(u32::try_from(accounts.len()).unwrap()).await;
    if hangs {
        let fault = json!({ "operation": "any", "kind": "time_out", "seconds": 3_600, "times": 1_000_000 });
        shop.server.toss.post("/sandbox/faults", None, None, &fault).await.expect(200);
    }
    let opened = Instant::now();
    let reading = join_all(READS.iter().zip(1..).map(|(route, n)| {
        let at = arrivals(seed * 10 + n, of(hang.reads_per_second), hang.reads_per_second);
        let (api, path, reader) = (shop.server.api.clone(), (route.path)(&pwt), accounts[0].clone());
        let reader = route.signed_in.then_some(reader);
        tokio::spawn(
            async move { come(opened, &at, |_, due| read(api.clone(), path.clone(), reader.clone(), due)).await },
        )
    }));
    let sale = Sale::new(Doors::of(&shop.server), &pwt, opened);
    let at = arrivals(seed * 10, accounts.len(), hang.buyers_per_second);
    let buying = tokio::spawn({
        let (sale, accounts) = (sale.clone(), accounts.clone());
        async move { come(opened, &at, |n, due| sale.clone().visit(accounts[n].clone(), n, due)).await }
    });
    tokio::time::sleep_until((opened + hang.lasts).into()).await;
    shop.server.toss.delete("/sandbox/faults").await.expect(200);
    let read: Vec<Vec<f64>> = reading.await.into_iter().map(Result::unwrap).collect();
    let visits = buying.await.unwrap();
    let seats = shop.seats(&pwt).await;
    assert_eq!((seats["sold"].as_u64(), visits.len()), (Some(accounts.len() as u64), accounts.len()), "{seats}");
    let mut told = json!({});
    for (route, latencies) in READS.iter().zip(read) {
        told[route.name] = percentiles(&recorded(latencies.into_iter()));
    }
    told["create_order"] = percentiles(&recorded(visits.iter().map(|visit| visit.answered - visit.due)));
    let confirms = visits.iter().filter_map(|visit| Some(visit.paid? - visit.authenticated?));
    told["confirm_payment"] = percentiles(&recorded(confirms));
    told
}

async fn read(api: Client, path: String, reader: Option<Account>, due: Instant) -> f64 {
    drop(api.get_by(&path, reader.as_ref()).await.expect(200));
    due.elapsed().as_secs_f64()
}
