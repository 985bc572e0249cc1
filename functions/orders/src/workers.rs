//! The workers of this domain: what they do when they are woken.

use std::sync::Arc;

use storage::Table;
use worker::{Failed, Failures, Handler, Woken};

use crate::{App, integrity, match_transactions, reconcile, sweep, work_on};

/// The order-sweeper. Only schedules wake it: it does whatever is due.
pub fn order_sweeper(app: App) -> Handler {
    Arc::new(move |_| {
        let app = app.clone();
        Box::pin(async move {
            let swept = sweep(&app).await.map_err(|error| Failed(error.to_string()))?;
            tracing::info!(?swept, "swept");
            Ok(Failures::default())
        })
    })
}

/// The payment-reconciler. Its queue wakes it, and a schedule that finds what messages missed.
pub fn payment_reconciler(app: App) -> Handler {
    Arc::new(move |woken| {
        let app = app.clone();
        Box::pin(async move {
            match woken {
                Woken::By(messages) => Ok(work_on(&app, messages).await),
                Woken::BySchedule => {
                    let reconciled = reconcile(&app).await.map_err(|error| Failed(error.to_string()))?;
                    // After what is due: Toss may take long over its list.
                    let matched = match_transactions(&app).await.map_err(|error| Failed(error.to_string()))?;
                    tracing::info!(?reconciled, ?matched, "reconciled");
                    Ok(Failures::default())
                }
                Woken::ByStream(_) => Err(Failed("no stream wakes the payment-reconciler".to_owned())),
            }
        })
    })
}

/// The integrity-checker. A schedule wakes it; what it finds is in the log.
pub fn integrity_checker(table: Table) -> Handler {
    Arc::new(move |_| {
        let table = table.clone();
        Box::pin(async move {
            let checked = integrity::check(&table).await.map_err(|error| Failed(error.to_string()))?;
            integrity::report(&checked);
            Ok(Failures::default())
        })
    })
}
