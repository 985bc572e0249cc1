//! The payment-reconciler, woken by the queue of payments and by a schedule each minute.

use std::process::ExitCode;

use config::Needs;
use fn_orders::{App, payment_reconciler};
use worker::Failed;

fn main() -> ExitCode {
    worker::serve(Needs { account_key: true, payments: true, queues: true, ..Needs::default() }, |settings| {
        Box::pin(async move {
            let app = App::deployed(&settings).await.map_err(|error| Failed(error.to_string()))?;
            Ok(payment_reconciler(app))
        })
    })
}
