//! What the deployed schedules start, started here.

use std::{convert::Infallible, sync::Arc, time::Duration};

use fn_orders::Swept;
use tokio::sync::Mutex;

/// As the deployed schedule of the order-sweeper. The clock runs as fast as the machine's; when
/// it is moved, whoever moves it starts the work at once.
const EVERY: Duration = Duration::from_mins(1);

/// Starts the workers that no request wakes.
#[derive(Clone, Debug)]
pub struct Schedules(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    orders: fn_orders::App,
    /// Two sweeps at once would do no harm, but the second would only meet the first.
    sweeping: Mutex<()>,
}

impl Schedules {
    /// The order-sweeper over `orders`.
    pub fn new(orders: fn_orders::App) -> Self {
        Self(Arc::new(Inner { orders, sweeping: Mutex::new(()) }))
    }

    /// Runs the order-sweeper once.
    pub async fn sweep_orders(&self) -> Result<Swept, storage::Error> {
        let _alone = self.0.sweeping.lock().await;
        fn_orders::sweep(&self.0.orders).await
    }

    /// Runs everything on its schedule, forever.
    pub async fn run(&self) -> Infallible {
        loop {
            tokio::time::sleep(EVERY).await;
            match self.sweep_orders().await {
                Ok(swept) => tracing::info!(?swept, "orders swept"),
                Err(error) => tracing::error!(%error, "the order-sweeper failed"),
            }
        }
    }
}
