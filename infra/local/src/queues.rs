//! The queues as they are deployed, and what takes their messages.

use std::{convert::Infallible, sync::Arc, time::Duration};

use config::Queues;
use tokio::sync::Mutex;
use worker::{Failures, Message};

use crate::{
    dependencies::Switch,
    sqs::{Attributes, Delivered, Refused, Sqs},
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
/// Where the stream's mapping tells of what it gave up.
pub const STREAM_DEAD_LETTERS: &str = "stream-dead-letters";
/// How many messages the payment-reconciler is handed at once, at most.
pub const PAYMENTS_BATCH: usize = 10;
/// The same of the cdn-invalidator, which makes one invalidation of them.
pub const CDN_BATCH: usize = 100;
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
    sqs.declare(STREAM_DEAD_LETTERS, &Attributes { retention_seconds: RETENTION_SECONDS, ..Attributes::default() })?;
    Ok(Queues { payments: sqs.url(PAYMENTS), notifications: sqs.url(NOTIFICATIONS) })
}

/// A message of the stand-in as a worker is handed it.
pub fn message(delivered: &Delivered) -> Message {
    Message {
        id: delivered.id.clone(),
        body: delivered.body.clone(),
        receipt: delivered.receipt.clone(),
        receive_count: delivered.received,
    }
}

/// Takes batches out of the queues and plays them into the workers, as Lambda's event source
/// mappings do. Clones share the turns: one batch of a queue at a time, and no queue waits for another.
#[derive(Clone, Debug)]
pub struct Pump(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    sqs: Sqs,
    orders: fn_orders::App,
    cdn: fn_cdn::App,
    switch: Switch,
    payments_turn: Mutex<()>,
    cdn_turn: Mutex<()>,
}

/// A queue that a worker takes messages of.
#[derive(Clone, Copy, Debug)]
enum Lane {
    Payments,
    Cdn,
}

impl Lane {
    const fn queue(self) -> &'static str {
        match self {
            Self::Payments => PAYMENTS,
            Self::Cdn => CDN,
        }
    }

    /// How many messages a batch has at most, as `infra/messaging.yaml` says.
    const fn batch(self) -> usize {
        match self {
            Self::Payments => PAYMENTS_BATCH,
            Self::Cdn => CDN_BATCH,
        }
    }
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

impl Played {
    fn and(self, other: Self) -> Self {
        Self { done: self.done.saturating_add(other.done), failed: self.failed.saturating_add(other.failed) }
    }
}

impl Pump {
    /// From `sqs` to the payment-reconciler over `orders` and the cdn-invalidator over `cdn`.
    pub fn new(sqs: Sqs, orders: fn_orders::App, cdn: fn_cdn::App) -> Self {
        Self::behind(Switch::default(), sqs, orders, cdn)
    }

    /// One that gets messages only while the queues' `switch` lets them through.
    pub(crate) fn behind(switch: Switch, sqs: Sqs, orders: fn_orders::App, cdn: fn_cdn::App) -> Self {
        let (payments_turn, cdn_turn) = (Mutex::default(), Mutex::default());
        Self(Arc::new(Inner { sqs, orders, cdn, switch, payments_turn, cdn_turn }))
    }

    /// Plays everything that is visible now, and what becomes visible by that.
    pub async fn drain(&self) -> Result<Played, Refused> {
        let (payments, cdn) =
            Box::pin(futures::future::join(self.drain_lane(Lane::Payments), self.drain_lane(Lane::Cdn))).await;
        Ok(payments?.and(cdn?))
    }

    async fn drain_lane(&self, lane: Lane) -> Result<Played, Refused> {
        let Inner { sqs, payments_turn, cdn_turn, .. } = &*self.0;
        let _alone = match lane {
            Lane::Payments => payments_turn.lock().await,
            Lane::Cdn => cdn_turn.lock().await,
        };
        let mut played = Played::default();
        loop {
            let batch = self.batch(lane)?;
            if batch.is_empty() {
                return Ok(played);
            }
            let failures = self.work_on(lane, batch.iter().map(message).collect()).await;
            for delivered in batch.iter().filter(|delivered| !failures.contains(&delivered.id)) {
                sqs.delete(lane.queue(), &delivered.receipt)?;
            }
            let failed = failures.len();
            played = played.and(Played { done: batch.len().saturating_sub(failed), failed });
        }
    }

    /// What is visible now of a queue, as much as fits into a batch.
    fn batch(&self, lane: Lane) -> Result<Vec<Delivered>, Refused> {
        let mut batch = vec![];
        // A service that does not answer delivers nothing.
        while self.0.switch.passes() && batch.len() < lane.batch() {
            let more = self.0.sqs.receive(lane.queue())?;
            if more.is_empty() {
                break;
            }
            batch.extend(more);
        }
        Ok(batch)
    }

    async fn work_on(&self, lane: Lane, messages: Vec<Message>) -> Failures {
        match lane {
            Lane::Payments => fn_orders::work_on(&self.0.orders, messages).await,
            Lane::Cdn => fn_cdn::work_on(&self.0.cdn, messages).await,
        }
    }

    /// Plays whatever comes, forever.
    pub async fn run(&self) -> Infallible {
        let (never, _) = Box::pin(futures::future::join(self.run_lane(Lane::Payments), self.run_lane(Lane::Cdn))).await;
        never
    }

    async fn run_lane(&self, lane: Lane) -> Infallible {
        /// Delays and visibility time-outs end without anybody doing anything.
        const LOOK_EVERY: Duration = Duration::from_secs(1);
        loop {
            match self.drain_lane(lane).await {
                Ok(played) if played == Played::default() => {}
                Ok(played) => tracing::info!(?lane, ?played, "messages of a queue"),
                Err(error) => tracing::error!(?lane, %error, "a queue cannot be read"),
            }
            self.0.sqs.changed(LOOK_EVERY).await;
        }
    }
}
