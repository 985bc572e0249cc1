//! Closed loops: each client sends its next request when the last one was answered.

use std::time::{Duration, Instant};

use futures::future::join_all;
use hdrhistogram::Histogram;

/// How often everything is measured.
pub const RUNS: usize = 5;

/// Latencies of one run.
#[derive(Debug)]
pub struct Run {
    micros: Histogram<u64>,
    elapsed: Duration,
}

pub fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 600_000_000, 3).unwrap()
}

pub fn micros(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_micros()).unwrap()
}

impl Run {
    pub fn new(micros: Histogram<u64>, elapsed: Duration) -> Self {
        Self { micros, elapsed }
    }

    pub fn per_second(&self) -> f64 {
        self.micros.len() as f64 / self.elapsed.as_secs_f64()
    }

    /// A quantile in milliseconds.
    pub fn millis(&self, quantile: f64) -> f64 {
        self.micros.value_at_quantile(quantile) as f64 / 1_000.0
    }
}

/// Lets `clients` send what `request` makes, for as long as `lasts` says.
pub async fn closed_loop<F, R>(clients: usize, lasts: Duration, request: F) -> Run
where
    F: Fn() -> R + Clone + Send + Sync + 'static,
    R: Future<Output = ()> + Send,
{
    let started = Instant::now();
    let loops = (0..clients).map(|_| {
        let request = request.clone();
        tokio::spawn(async move {
            let mut latencies = histogram();
            while started.elapsed() < lasts {
                let sent = Instant::now();
                request().await;
                latencies.record(micros(sent)).unwrap();
            }
            latencies
        })
    });
    let mut all = histogram();
    for latencies in join_all(loops).await {
        all.add(latencies.unwrap()).unwrap();
    }
    Run::new(all, started.elapsed())
}
