//! The payment-reconciler, woken by the queue of payments and by a schedule each minute.

use std::{process::ExitCode, sync::Arc};

use config::Needs;
use fn_orders::{App, match_transactions, reconcile, work_on};
use worker::{Failed, Failures, Handler, Woken};

fn main() -> ExitCode {
    worker::serve(Needs { payments: true, queues: true, ..Needs::default() }, |settings| {
        Box::pin(async move {
            let app = App::deployed(&settings).await.map_err(|error| Failed(error.to_string()))?;
            let handler: Handler = Arc::new(move |woken| {
                let app = app.clone();
                Box::pin(async move { run(&app, woken).await })
            });
            Ok(handler)
        })
    })
}

async fn run(app: &App, woken: Woken) -> Result<Failures, Failed> {
    match woken {
        Woken::By(messages) => Ok(work_on(app, messages).await),
        Woken::BySchedule => {
            let reconciled = reconcile(app).await.map_err(|error| Failed(error.to_string()))?;
            // After what is due: Toss may take long over its list.
            let matched = match_transactions(app).await.map_err(|error| Failed(error.to_string()))?;
            tracing::info!(?reconciled, ?matched, "reconciled");
            Ok(Failures::default())
        }
    }
}
