//! What the deployed schedules start, started here.

use std::{convert::Infallible, sync::Arc, time::Duration};

use fn_attachments::{Sweeper, SweptFiles};
use fn_orders::{Matched, Reconciled, Swept};
use serde::Serialize;
use tokio::sync::Mutex;

/// As the deployed schedules of the order-sweeper and the payment-reconciler; the upload-sweeper, which is deployed with
/// an hour, finds nothing to do meanwhile. The clock runs as fast
/// as the machine's; when it is moved, whoever moves it starts the work at once.
const EVERY: Duration = Duration::from_mins(1);

/// Starts the workers that no request wakes.
#[derive(Clone, Debug)]
pub struct Schedules(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    orders: fn_orders::App,
    files: Sweeper,
    /// Two runs at once would do no harm, but the second would only meet the first.
    running: Mutex<()>,
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
        Self(Arc::new(Inner { orders, files, running: Mutex::new(()) }))
    }

    /// Runs each worker once.
    pub async fn run_once(&self) -> Result<Ran, storage::Error> {
        let _alone = self.0.running.lock().await;
        let swept = fn_orders::sweep(&self.0.orders).await?;
        let reconciled = fn_orders::reconcile(&self.0.orders).await?;
        let matched = Box::pin(fn_orders::match_transactions(&self.0.orders)).await?;
        let swept_files = Box::pin(fn_attachments::sweep(&self.0.files)).await?;
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
