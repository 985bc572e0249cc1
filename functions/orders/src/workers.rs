//! The workers of this domain: what they do when they are woken.

use std::{sync::Arc, time::Duration};

use devloop_http::Edge;
use jobs::{Jobs, Notification};
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
            }
        })
    })
}

/// The integrity-checker. A schedule wakes it; what it finds is in the log, and operators are told that there is something.
pub fn integrity_checker(edge: Edge, jobs: Jobs) -> Handler {
    Arc::new(move |_| {
        let (edge, jobs) = (edge.clone(), jobs.clone());
        Box::pin(async move {
            let checked = integrity::check(&edge.table).await.map_err(|error| Failed(error.to_string()))?;
            integrity::report(&checked);
            if !checked.findings.is_empty() {
                let differ = Notification::BooksDiffer { differences: checked.findings.len(), at: edge.clock.now() };
                // Not sent is not told: the run failed, and the schedule's metric of failures says so.
                let sent = jobs.notifications.send(differ, Duration::ZERO).await;
                sent.map_err(|error| Failed(error.to_string()))?;
            }
            Ok(Failures::default())
        })
    })
}
