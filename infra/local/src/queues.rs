//! The queues as they are deployed, and what takes their messages.

use std::{convert::Infallible, sync::Arc, time::Duration};

use config::Queues;
use tokio::sync::Mutex;
use worker::Message;

use crate::{
    dependencies::Switch,
    sqs::{Attributes, Refused, Sqs},
};

/// What the payment-reconciler is told.
pub const PAYMENTS: &str = "payments";
/// What people are told.
pub const NOTIFICATIONS: &str = "notifications";
/// What the cdn-invalidator is told.
pub const CDN: &str = "cdn";
/// Every queue with dead letters, as `infra/messaging.yaml` has them: how long a message stays
/// away once it was delivered, in seconds, and how often it is delivered before it is given up.
pub const QUEUES: [(&str, i64, u32); 3] = [(PAYMENTS, 330, 5), (NOTIFICATIONS, 330, 5), (CDN, 330, 10)];
/// How long they and their dead letters are kept, in seconds: as long as SQS can.
pub const RETENTION_SECONDS: i64 = 14 * 24 * 60 * 60;

/// The queue of the messages that `queue` gave up.
pub fn dead_letters_of(queue: &str) -> String {
    format!("{queue}-dead-letters")
}

/// Makes the queues and answers the URLs of those of orders and payments; [`Sqs::url`] tells that of any other.
pub fn declare(sqs: &Sqs) -> Result<Queues, Refused> {
    for (name, visibility_seconds, most_receives) in QUEUES {
        let kept = Attributes { retention_seconds: RETENTION_SECONDS, ..Attributes::default() };
        let dead_letters = dead_letters_of(name);
        sqs.declare(&dead_letters, &kept)?;
        let dead_letters = Some((dead_letters, most_receives));
        sqs.declare(name, &Attributes { visibility_seconds, dead_letters, ..kept })?;
    }
    Ok(Queues { payments: sqs.url(PAYMENTS), notifications: sqs.url(NOTIFICATIONS) })
}

/// Takes batches out of the queues and plays them into the workers, as Lambda's event source
/// mappings do. Clones share the turn: one batch at a time.
#[derive(Clone, Debug)]
pub struct Pump(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sqs: Sqs,
    orders: fn_orders::App,
    switch: Switch,
    turn: Mutex<()>,
}

/// What one round did, in messages.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Played {
    /// Worked on and deleted.
    pub done: usize,
    /// They come again when their visibility time-out is over.
    pub failed: usize,
}

impl Pump {
    /// From `sqs` to the payment-reconciler over `orders`.
    pub fn new(sqs: Sqs, orders: fn_orders::App) -> Self {
        Self::behind(Switch::default(), sqs, orders)
    }

    /// One that gets messages only while the queues' `switch` lets them through.
    pub(crate) fn behind(switch: Switch, sqs: Sqs, orders: fn_orders::App) -> Self {
        Self(Arc::new(Inner { sqs, orders, switch, turn: Mutex::new(()) }))
    }

    /// Plays everything that is visible now, and what becomes visible by that.
    pub async fn drain(&self) -> Result<Played, Refused> {
        let Inner { sqs, orders, switch, turn } = &*self.0;
        let _alone = turn.lock().await;
        let mut played = Played::default();
        loop {
            // A service that does not answer delivers nothing.
            let batch = if switch.passes() { sqs.receive(PAYMENTS)? } else { vec![] };
            if batch.is_empty() {
                return Ok(played);
            }
            let message = |delivered: &crate::sqs::Delivered| Message {
                id: delivered.id.clone(),
                body: delivered.body.clone(),
                receive_count: delivered.received,
            };
            let failures = fn_orders::work_on(orders, batch.iter().map(message).collect()).await;
            for delivered in batch.iter().filter(|delivered| !failures.contains(&delivered.id)) {
                sqs.delete(PAYMENTS, &delivered.receipt)?;
            }
            played.failed = played.failed.saturating_add(failures.len());
            played.done = played.done.saturating_add(batch.len().saturating_sub(failures.len()));
        }
    }

    /// Plays whatever comes, forever.
    pub async fn run(&self) -> Infallible {
        /// Delays and visibility time-outs end without anybody doing anything.
        const LOOK_EVERY: Duration = Duration::from_secs(1);
        loop {
            match self.drain().await {
                Ok(played) if played == Played::default() => {}
                Ok(played) => tracing::info!(?played, "messages of payments"),
                Err(error) => tracing::error!(%error, "the queue of payments cannot be read"),
            }
            self.0.sqs.changed(LOOK_EVERY).await;
        }
    }
}
