//! What the deployed schedules start, started here.

use std::{convert::Infallible, sync::Arc, time::Duration};

use domain::time::Time;
use fn_attachments::{Sweeper, SweptFiles};
use fn_orders::{Matched, Reconciled, Swept, integrity_checker};
use serde::Serialize;
use tokio::sync::Mutex;
use worker::Woken;

/// As the deployed schedules of the order-sweeper and the payment-reconciler; the upload-sweeper, which is deployed with
/// five minutes, finds less to do each time. The clock runs as fast as the machine's; when it is moved, whoever moves it
/// starts the work at once.
const EVERY: Duration = Duration::from_mins(1);

/// At what second of the day, in UTC, the integrity-checker is started: 04:00 in Seoul, as deployed.
const NIGHT: i64 = 19 * 60 * 60;

/// How many of these nights had begun by `now`.
fn nights(now: Time) -> i64 {
    now.unix_seconds().saturating_sub(NIGHT).div_euclid(24 * 60 * 60)
}

/// Starts the workers that no request wakes.
#[derive(Clone, Debug)]
pub struct Schedules(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    orders: fn_orders::App,
    files: Sweeper,
    /// Two runs at once would do no harm, but the second would only meet the first. Of the nights, the last one whose
    /// books were looked at.
    running: Mutex<i64>,
}

/// What one run of every worker did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ran {
    /// The order-sweeper.
    pub swept: Swept,
    /// The payment-reconciler.
    pub reconciled: Reconciled,
    /// The same, over Toss's list of transactions.
    pub matched: Matched,
    /// The upload-sweeper.
    pub swept_files: SweptFiles,
}

impl Schedules {
    /// The workers over `orders` and `files`.
    pub fn new(orders: fn_orders::App, files: Sweeper) -> Self {
        let checked = nights(orders.edge.clock.now());
        Self(Arc::new(Inner { orders, files, running: Mutex::new(checked) }))
    }

    /// Runs each worker once, and the integrity-checker if a night began since the last run.
    pub async fn run_once(&self) -> Result<Ran, storage::Error> {
        let mut checked = self.0.running.lock().await;
        let swept = fn_orders::sweep(&self.0.orders).await?;
        let reconciled = fn_orders::reconcile(&self.0.orders).await?;
        let matched = Box::pin(fn_orders::match_transactions(&self.0.orders)).await?;
        let swept_files = Box::pin(fn_attachments::sweep(&self.0.files)).await?;
        let night = nights(self.0.orders.edge.clock.now());
        if night > *checked {
            let check = integrity_checker(self.0.orders.edge.clone(), self.0.orders.jobs.clone());
            match check(Woken::BySchedule).await {
                Ok(_) => *checked = night,
                Err(error) => tracing::error!(%error, "the books could not be checked"),
            }
        }
        Ok(Ran { swept, reconciled, matched, swept_files })
    }

    /// Runs everything on its schedule, forever.
    pub async fn run(&self) -> Infallible {
        loop {
            tokio::time::sleep(EVERY).await;
            match self.run_once().await {
                Ok(ran) => tracing::info!(?ran, "the schedules ran"),
                Err(error) => tracing::error!(%error, "a scheduled worker failed"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_night_begins_at_four_in_seoul() {
        let at = |text: &str| nights(text.parse().unwrap());
        let before = at("2026-11-25T18:59:59Z");
        assert_eq!(at("2026-11-25T19:00:00Z"), before + 1);
        assert_eq!(at("2026-11-26T18:59:59Z"), before + 1);
    }
}
