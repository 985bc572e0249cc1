//! The order-sweeper, woken by a schedule each minute.

use std::process::ExitCode;

use config::Needs;
use fn_orders::{App, sweep};

fn main() -> ExitCode {
    worker::serve_schedule(Needs { payments: true, queues: true, ..Needs::default() }, |settings| {
        Box::pin(async move {
            let app = App::deployed(&settings).await.map_err(|error| worker::Failed(error.to_string()))?;
            let swept = sweep(&app).await.map_err(|error| worker::Failed(error.to_string()))?;
            tracing::info!(?swept, "swept");
            Ok(())
        })
    })
}
