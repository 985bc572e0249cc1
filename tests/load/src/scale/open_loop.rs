//! Open loop: who comes, comes when the schedule says so, whether or not anybody was answered before. All latencies
//! count from then, so a server that stalls cannot hide whom it kept waiting (no coordinated omission).

use std::time::{Duration, Instant};

use clock::Rng;
use hdrhistogram::Histogram;
use serde_json::{Value, json};
use tokio::task::JoinHandle;

use crate::measure::histogram;

/// When `count` come: at random and independently of each other, so many a second in the mean (a Poisson process). The
/// same seed gives the same times.
pub fn arrivals(seed: u64, count: usize, per_second: f64) -> Vec<Duration> {
    const PARTS: u64 = 1 << 32;
    let rng = Rng::from_seed(seed);
    let mut at = 0.0;
    let gaps = (0..count).map(|_| {
        let drawn = (rng.below(PARTS) as f64 + 1.0) / PARTS as f64;
        at -= drawn.ln() / per_second;
        Duration::from_secs_f64(at)
    });
    gaps.collect()
}

/// Lets each come in its time, from `opened` on, and waits until all are done.
pub async fn come<F, R, T>(opened: Instant, arrivals: &[Duration], visit: F) -> Vec<T>
where
    F: Fn(usize, Instant) -> R,
    R: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let mut visits: Vec<JoinHandle<T>> = Vec::with_capacity(arrivals.len());
    for (n, after) in arrivals.iter().enumerate() {
        let due = opened + *after;
        tokio::time::sleep_until(due.into()).await;
        visits.push(tokio::spawn(visit(n, due)));
    }
    let mut done = Vec::with_capacity(visits.len());
    for visit in visits {
        done.push(visit.await.unwrap());
    }
    done
}

/// Latencies in seconds as a histogram of microseconds.
pub fn recorded(seconds: impl Iterator<Item = f64>) -> Histogram<u64> {
    let mut latencies = histogram();
    for latency in seconds {
        latencies.record(Duration::from_secs_f64(latency.max(0.0)).as_micros().try_into().unwrap()).unwrap();
    }
    latencies
}

const QUANTILES: [f64; 17] =
    [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 0.995, 0.999, 0.9999, 1.0];

/// Its percentiles, in milliseconds.
pub fn percentiles(latencies: &Histogram<u64>) -> Value {
    let at = |quantile: f64| latencies.value_at_quantile(quantile) as f64 / 1_000.0;
    // Where there are too few, a percentile would be the greatest of all under another name.
    let told = QUANTILES.into_iter().filter(|quantile| (1.0 - quantile) * latencies.len() as f64 > 1.001);
    let curve: Vec<Value> = told.chain([1.0]).map(|quantile| json!([quantile, at(quantile)])).collect();
    json!({ "count": latencies.len(), "p50": at(0.5), "p90": at(0.9), "p99": at(0.99), "max": at(1.0), "curve": curve })
}
