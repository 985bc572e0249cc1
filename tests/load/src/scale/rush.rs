//! Rushes: many more come for the seats of one project than it has.

use std::{
    path::Path,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use super::{
    buyer::{Outcome, Sale, Visit},
    open_loop::{arrivals, come, percentiles, recorded},
    shop::{Doors, Shop},
};
use crate::{client::Account, machine::Cpu};

/// A rush.
#[derive(Clone, Copy, Debug)]
pub struct Rush {
    /// Who has an account and comes, each as often as is needed for so many visits.
    pub buyers: usize,
    pub visits: usize,
    pub seats: u32,
    /// How often the server is killed meanwhile.
    pub kills: u32,
}

/// The rushes at full size. The killed one comes last: what it left is looked at when time has passed.
pub const RUSHES: [Rush; 4] = [
    Rush { buyers: 2_000, visits: 2_000, seats: 1, kills: 0 },
    Rush { buyers: 10_000, visits: 10_000, seats: 100, kills: 0 },
    Rush { buyers: 10_000, visits: 50_000, seats: 1_000, kills: 0 },
    Rush { buyers: 10_000, visits: 10_000, seats: 1_000, kills: 2 },
];

/// Points of a curve over time.
const MOMENTS: usize = 200;

impl Rush {
    pub fn smaller(self, times: usize) -> Self {
        let fewer = |count: usize| (count / times).max(1);
        let seats = u32::try_from(fewer(self.seats as usize)).unwrap();
        Self { buyers: fewer(self.buyers), visits: fewer(self.visits), seats, ..self }
    }

    fn name(&self) -> String {
        let who = if self.visits == self.buyers { "buyers" } else { "requests" };
        let killed = match self.kills {
            0 => String::new(),
            2 => ", killed twice".to_owned(),
            kills => format!(", killed {kills} times"),
        };
        let seats = if self.seats == 1 { "seat" } else { "seats" };
        format!("{} {who} for {} {seats}{killed}", grouped(self.visits), grouped(self.seats as usize))
    }
}

/// With commas.
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let commas = |(n, digit): (usize, char)| {
        if n > 0 && (digits.len() - n).is_multiple_of(3) { vec![',', digit] } else { vec![digit] }
    };
    digits.chars().enumerate().flat_map(commas).collect()
}

/// Opens one sale after the other, and looks at the books after each.
pub async fn measure(binary: &Path, rushes: &[Rush], per_second: f64) -> Value {
    let folder = tempfile::tempdir().unwrap();
    let mut shop = Shop::open(binary, folder.path()).await;
    let most = rushes.iter().map(|rush| rush.buyers).max().unwrap();
    let started = Instant::now();
    let buyers: Arc<[Account]> = shop.server.api.sign_up_many("buyer", most).await.into();
    println!("{} buyers signed up in {:.1} s", grouped(most), started.elapsed().as_secs_f64());
    let (mut sales, mut told) = (vec![], vec![]);
    for (n, rush) in rushes.iter().enumerate() {
        let pwt = shop.project(rush.seats).await;
        sales.push((pwt.clone(), rush.seats));
        let mut of_it = open(&mut shop, rush, &pwt, &buyers, per_second, n as u64).await;
        of_it["books"] = shop.audit(&sales).await;
        let latency = |name: &str| format!("{name} p50 {}, p99 {} ms", of_it[name]["p50"], of_it[name]["p99"]);
        println!("  {}, {}, {}", of_it["books"], latency("order"), latency("paid"));
        told.push(of_it);
    }
    // Past the holds, then past the last looks at Toss: whatever was left undone has been done by now.
    for seconds in [631, 1_000, 1_000] {
        shop.advance(seconds).await;
    }
    let books = shop.audit(&sales).await;
    let found = shop.integrity(false);
    assert_eq!(found, Vec::<Value>::new());
    println!("  after the holds: {books}, and the integrity check finds nothing");
    json!({ "perSecond": per_second, "rushes": told, "afterTheHolds": books })
}

async fn open(shop: &mut Shop, rush: &Rush, pwt: &str, buyers: &Arc<[Account]>, per_second: f64, seed: u64) -> Value {
    println!("{}", rush.name());
    let at = arrivals(seed, rush.visits, per_second);
    let before = Cpu::now(shop.server.pid());
    let opened = Instant::now();
    let sale = Sale::new(Doors::of(&shop.server), pwt, opened);
    let coming = tokio::spawn({
        let (sale, buyers, count) = (sale.clone(), buyers.clone(), rush.buyers);
        async move { come(opened, &at, |n, due| sale.clone().visit(buyers[n % count].clone(), n, due)).await }
    });
    let mut killed = vec![];
    for kill in 1..=rush.kills {
        // In the middle of selling.
        while sale.sold.load(Ordering::Relaxed) < rush.seats * kill / (rush.kills + 1) {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let down = opened.elapsed().as_secs_f64();
        shop.kill_and_restart().await;
        killed.push(json!([down, opened.elapsed().as_secs_f64()]));
    }
    let visits = coming.await.unwrap();
    let cores = (rush.kills == 0).then(|| Cpu::now(shop.server.pid()).cores_since(&before));
    let of = |outcome| visits.iter().filter(|visit| visit.outcome == outcome).count();
    assert_eq!(of(Outcome::Paid), rush.seats as usize, "paid visits");
    json!({
        "name": rush.name(), "buyers": rush.buyers, "visits": rush.visits, "seats": rush.seats,
        "soldOut": of(Outcome::SoldOut), "before": of(Outcome::Before),
        "repeated": sale.repeated.load(Ordering::Relaxed), "killed": killed, "cores": cores,
        "lastCame": visits.iter().map(|visit| visit.due).fold(0.0, f64::max),
        "lastAnswered": visits.iter().map(|visit| visit.paid.unwrap_or(visit.answered)).fold(0.0, f64::max),
        "soldOutAfter": visits.iter().filter_map(|visit| visit.paid).fold(0.0, f64::max),
        "order": percentiles(&recorded(visits.iter().map(|visit| visit.answered - visit.due))),
        "confirm": percentiles(&recorded(visits.iter().filter_map(|visit| Some(visit.paid? - visit.authenticated?)))),
        "paid": percentiles(&recorded(visits.iter().filter_map(|visit| Some(visit.paid? - visit.due)))),
        "overTime": over_time(&visits),
    })
}

/// How many had come, were answered and had paid by each of some moments.
fn over_time(visits: &[Visit]) -> Value {
    let end = visits.iter().map(|visit| visit.paid.unwrap_or(visit.answered)).fold(0.0, f64::max);
    let moments = (0..=MOMENTS).map(|n| end * n as f64 / MOMENTS as f64);
    let by = |moment: f64, when: &dyn Fn(&Visit) -> Option<f64>| {
        visits.iter().filter_map(when).filter(|at| *at <= moment).count()
    };
    let points = moments.map(|moment| {
        let came = by(moment, &|visit| Some(visit.due));
        let answered = by(moment, &|visit| Some(visit.answered));
        let sold = by(moment, &|visit| visit.paid);
        json!([(moment * 1_000.0).round() / 1_000.0, came, answered, sold])
    });
    points.collect()
}
