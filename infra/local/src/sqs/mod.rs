//! A stand-in for SQS, on a port of its own: standard queues as the SDK speaks to them.
//!
//! Its store is on disk and every change is committed before it is answered, so what was
//! acknowledged survives a kill. It lives by the clock that it is handed: move that, and delays and
//! visibility time-outs end.
//!
//! Played: creating queues, sending, receiving with long polling, deleting, visibility, delays,
//! batches with partial failure, retention, dead letters and their way back. Not played: FIFO
//! queues, access policies, signatures, encryption, and the few messages that the real one
//! delivers twice of its own accord.
//!
//! Source: <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/>. Where that is
//! silent, the choice is written at the place that makes it.

mod errors;
mod in_process;
mod protocol;
mod store;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use clock::{Clock, Ids, Rng};
use tokio::sync::Notify;

pub use self::{
    errors::Refused,
    store::{Attributes, CannotOpen, DeadLetter, Delivered, Depth, Location},
};
use self::{
    protocol::QueueUrl,
    store::{Page, Store},
};

/// The stand-in. Clones share the store.
#[derive(Clone, Debug)]
pub struct Sqs(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    store: Store,
    clock: Clock,
    ids: Ids,
    /// Somebody may find a message now who found none before.
    changed: Notify,
    base_url: OnceLock<String>,
}

impl Sqs {
    /// Opens the store at `location`.
    pub fn open(location: &Location, clock: Clock, rng: Rng) -> Result<Self, CannotOpen> {
        let ids = Ids::new(clock.clone(), rng);
        let store = Store::open(location)?;
        Ok(Self(Arc::new(Inner { store, clock, ids, changed: Notify::new(), base_url: OnceLock::new() })))
    }

    /// The protocol, at every path: the SDK posts to `/`, whatever the queue.
    pub fn router(&self) -> axum::Router {
        protocol::router(self)
    }

    /// Where it answers: the beginning of every queue's URL. Only the first call counts.
    pub fn set_base_url(&self, url: &str) {
        self.0.base_url.get_or_init(|| url.trim_end_matches('/').to_owned());
    }

    /// The URL of a queue, whether or not there is one of this name.
    pub fn url(&self, queue: &str) -> String {
        QueueUrl { base: self.0.base_url.get().map_or("http://sqs.local", String::as_str), queue }.to_string()
    }

    /// Makes a queue, or gives one of this name these attributes.
    pub fn declare(&self, queue: &str, attributes: &Attributes) -> Result<(), Refused> {
        self.write(|page| page.put_queue(queue, attributes))
    }

    /// Sends a message of its own accord, as AWS does where something is given up.
    pub(crate) fn post(&self, queue: &str, body: &str) -> Result<(), Refused> {
        let id = self.0.ids.token();
        self.write(|page| page.send(queue, &id, body, &serde_json::json!({}), None))
    }

    /// Takes up to ten messages that are visible now, as a consumer does.
    pub fn receive(&self, queue: &str) -> Result<Vec<Delivered>, Refused> {
        self.receive_for(queue, 10, None)
    }

    fn receive_for(&self, queue: &str, most: u32, visibility: Option<i64>) -> Result<Vec<Delivered>, Refused> {
        self.write(|page| page.receive(queue, most, visibility, &self.0.ids))
    }

    /// Deletes a message by the handle of its last delivery; an older one does nothing.
    pub fn delete(&self, queue: &str, receipt: &str) -> Result<(), Refused> {
        self.write(|page| page.delete(queue, receipt))
    }

    /// How many messages the queues hold, by name.
    pub fn depths(&self) -> Result<Vec<Depth>, Refused> {
        self.write(|page| page.depths(None))
    }

    /// The dead letters, the oldest first, and `most` of them.
    pub fn dead_letters(&self, most: u32) -> Result<Vec<DeadLetter>, Refused> {
        self.write(|page| page.dead_letters(most))
    }

    /// Sends dead letters back where they came from, as if they had never been delivered. Answers
    /// how many.
    pub fn redrive(&self, dead_letters: &str) -> Result<u64, Refused> {
        let moved = self.write(|page| page.redrive(dead_letters, None));
        self.0.changed.notify_waiters();
        moved
    }

    /// Waits until a message may have become visible, or for `most`.
    pub async fn changed(&self, most: Duration) {
        // Not an error: nobody changed anything for so long.
        drop(tokio::time::timeout(most, self.0.changed.notified()).await);
    }

    /// Whoever waits looks again: the clock was moved.
    pub fn clock_moved(&self) {
        self.0.changed.notify_waiters();
    }

    /// Works on the store at the present instant, in one transaction.
    fn write<T>(&self, work: impl FnOnce(&Page<'_>) -> Result<T, Refused>) -> Result<T, Refused> {
        self.0.store.write(self.0.clock.now(), work)
    }
}
