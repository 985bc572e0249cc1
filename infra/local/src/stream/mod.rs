//! The table's stream, played into the event-router as Lambda's event source mapping plays it.
//!
//! A shard is read from where it was left, in batches, and the next batch comes once the one before
//! is done. Of a batch that fails in part, the lowest number that failed begins the next one; one that
//! fails whole is halved. A record that fails alone is tried again, and in the end given up:
//! then a queue is told where in the stream it is.
//!
//! Where it is, is kept after each batch, so a restart goes on there and may repeat one batch.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-eventsourcemapping.html>

mod event;
mod reader;

use std::{
    collections::BTreeMap,
    convert::Infallible,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use aws_sdk_dynamodbstreams::types::Record;
use clock::Clock;
use serde::{Deserialize, Serialize};
use serde_json::json;
use storage::Connection;
use worker::{Handler, Woken};

pub use self::reader::Unreadable;
use self::{
    event::{event, made_at, number},
    reader::Reader,
};
use crate::{
    data_folder::{DataFolder, FolderError},
    queues::STREAM_DEAD_LETTERS,
    sqs::{Refused, Sqs},
};

/// How many records a batch has at most, as `infra/workers.yaml` says.
pub const BATCH_SIZE: usize = 100;
/// How often a record that fails alone is tried again before it is given up.
pub const MOST_RETRIES: u32 = 100;
/// How old a record may be and still be tried, in seconds: the stream forgets it after a day.
pub const OLDEST_SECONDS: i64 = 72_000;
/// How often somebody looks whether there is more.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// How long a record that failed is left alone.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Why the stream is not played on.
#[derive(Debug, thiserror::Error)]
pub enum NotPlayed {
    /// It cannot be read.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    /// Nobody can be told of what was given up.
    #[error(transparent)]
    Queue(#[from] Refused),
    /// Where it is cannot be kept.
    #[error(transparent)]
    Folder(#[from] FolderError),
}

/// Where a stream was left.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The stream's name.
    stream: String,
    /// The last record of each shard that is done with.
    shards: BTreeMap<String, String>,
}

/// What one round did, in records.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Played {
    /// Followed.
    pub done: usize,
    /// They come again.
    pub failed: usize,
    /// They do not: the queue of dead letters says where they are.
    pub given_up: usize,
}

/// How far a shard was played.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Shown {
    /// Which.
    pub shard: String,
    /// The last record that is done with.
    pub position: Option<String>,
    /// How old the first record is that is not; none if all are.
    pub behind_seconds: Option<i64>,
    /// How often that one failed.
    pub failures: u32,
}

/// The first record of a shard that is not done with.
#[derive(Clone, Copy, Debug)]
struct Trial {
    /// How many records the next batch has at most.
    size: usize,
    /// How often the first of them failed alone.
    failures: u32,
}

impl Default for Trial {
    fn default() -> Self {
        Self { size: BATCH_SIZE, failures: 0 }
    }
}

/// Plays the stream. Clones share the position: one batch of a shard at a time.
#[derive(Clone, Debug)]
pub struct StreamPump(Arc<Inner>);

struct Inner {
    reader: Reader,
    router: Handler,
    sqs: Sqs,
    /// Where the position outlives the process, if anywhere.
    folder: Option<Arc<DataFolder>>,
    position: Mutex<Position>,
    trials: Mutex<BTreeMap<String, Trial>>,
    turn: tokio::sync::Mutex<()>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StreamPump").field("position", &self.position).finish_non_exhaustive()
    }
}

/// What became of a batch: how many of its first records are done with, or none of them.
enum Outcome {
    Done(usize),
    Failed,
}

impl StreamPump {
    /// From the stream of a table to `router`; `sqs` is told of what is given up. It begins at the
    /// stream's start and remembers nothing once it is dropped.
    pub async fn new(connection: Connection, router: Handler, sqs: Sqs) -> Self {
        Self::from(connection, router, sqs, None, Position::default()).await
    }

    /// One that goes on where `folder` says that it was left.
    pub(crate) async fn kept(
        connection: Connection,
        router: Handler,
        sqs: Sqs,
        folder: Arc<DataFolder>,
    ) -> Result<Self, FolderError> {
        let position = folder.stream_position()?.unwrap_or_default();
        Ok(Self::from(connection, router, sqs, Some(folder), position).await)
    }

    async fn from(
        connection: Connection,
        router: Handler,
        sqs: Sqs,
        folder: Option<Arc<DataFolder>>,
        position: Position,
    ) -> Self {
        let reader = Reader::connect(connection).await;
        let (position, trials) = (Mutex::new(position), Mutex::default());
        Self(Arc::new(Inner { reader, router, sqs, folder, position, trials, turn: tokio::sync::Mutex::default() }))
    }

    /// Plays all that is there, up to a record that fails.
    pub async fn drain(&self) -> Result<Played, NotPlayed> {
        let _alone = self.0.turn.lock().await;
        let place = self.0.reader.place().await?;
        let mut played = Played::default();
        for shard in &place.shards {
            self.drain_shard(shard, &mut played).await?;
        }
        Ok(played)
    }

    async fn drain_shard(&self, shard: &str, played: &mut Played) -> Result<(), NotPlayed> {
        loop {
            let trial = self.trial(shard);
            let records = self.0.reader.after(shard, self.position(shard).as_deref(), trial.size).await?;
            let Some(first) = records.first() else { return Ok(()) };
            match self.hand_over(&records).await {
                Outcome::Done(done) if done > 0 => {
                    let last = records.get(done.saturating_sub(1)).map_or_else(|| number(first), number);
                    self.done_with(shard, last)?;
                    played.done = played.done.saturating_add(done);
                }
                // Whichever it is that fails: not all of them.
                Outcome::Failed if records.len() > 1 => {
                    self.try_next(shard, Trial { size: records.len() / 2, ..trial });
                }
                Outcome::Done(_) if records.len() > 1 => self.try_next(shard, Trial { size: 1, ..trial }),
                Outcome::Done(_) | Outcome::Failed => {
                    let failures = trial.failures.saturating_add(1);
                    if failures <= MOST_RETRIES && !is_too_old(first) {
                        self.try_next(shard, Trial { size: 1, failures });
                        played.failed = played.failed.saturating_add(1);
                        return Ok(());
                    }
                    self.give_up(shard, first, failures).await?;
                    self.done_with(shard, number(first))?;
                    played.given_up = played.given_up.saturating_add(1);
                }
            }
        }
    }

    /// One call of the function.
    async fn hand_over(&self, records: &[Record]) -> Outcome {
        let arn = self.0.reader.place().await.map_or("", |place| &place.arn);
        let answer = match Woken::read(event(records, arn)) {
            Ok(woken) => (self.0.router)(woken).await,
            Err(unreadable) => Err(unreadable),
        };
        match answer {
            Ok(failures) => {
                let first_failed = records.iter().position(|record| failures.contains(number(record)));
                Outcome::Done(first_failed.unwrap_or(records.len()))
            }
            Err(error) => {
                tracing::error!(%error, "a batch of the stream failed");
                Outcome::Failed
            }
        }
    }

    fn position(&self, shard: &str) -> Option<String> {
        let arn = self.0.reader.place_known()?;
        let position = self.0.position.lock().unwrap_or_else(PoisonError::into_inner);
        // What was kept of another table says nothing about this one.
        position.shards.get(shard).filter(|_| position.stream == arn).cloned()
    }

    fn done_with(&self, shard: &str, last: &str) -> Result<(), FolderError> {
        let arn = self.0.reader.place_known().unwrap_or_default();
        let kept = {
            let mut position = self.0.position.lock().unwrap_or_else(PoisonError::into_inner);
            if position.stream != arn {
                *position = Position { stream: arn.to_owned(), shards: BTreeMap::new() };
            }
            position.shards.insert(shard.to_owned(), last.to_owned());
            position.clone()
        };
        self.0.trials.lock().unwrap_or_else(PoisonError::into_inner).remove(shard);
        self.0.folder.as_ref().map_or(Ok(()), |folder| folder.keep_stream_position(&kept))
    }

    fn trial(&self, shard: &str) -> Trial {
        self.0.trials.lock().unwrap_or_else(PoisonError::into_inner).get(shard).copied().unwrap_or_default()
    }

    fn try_next(&self, shard: &str, trial: Trial) {
        self.0.trials.lock().unwrap_or_else(PoisonError::into_inner).insert(shard.to_owned(), trial);
    }

    /// Tells the queue where the record is, as Lambda tells it: not what it says.
    /// <https://docs.aws.amazon.com/lambda/latest/dg/services-dynamodb-errors.html>
    async fn give_up(&self, shard: &str, record: &Record, failures: u32) -> Result<(), NotPlayed> {
        let place = self.0.reader.place().await?;
        let condition = if failures > MOST_RETRIES { "RetryAttemptsExhausted" } else { "MaximumRecordAgeExceeded" };
        let (at, number) = (made_at(record), number(record));
        tracing::error!(shard, number, condition, "a record of the stream is given up");
        let told = json!({
            "requestContext": {
                "requestId": record.event_id(), "functionArn": "event-router", "condition": condition,
                "approximateInvokeCount": failures,
            },
            "responseContext": { "statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled" },
            "version": "1.0",
            "timestamp": Clock::system().now(),
            "DDBStreamBatchInfo": {
                "shardId": shard, "startSequenceNumber": number, "endSequenceNumber": number,
                "approximateArrivalOfFirstRecord": at, "approximateArrivalOfLastRecord": at, "batchSize": 1,
                "streamArn": place.arn,
            },
        });
        Ok(self.0.sqs.post(STREAM_DEAD_LETTERS, &told.to_string())?)
    }

    /// How far each shard was played.
    pub async fn shown(&self) -> Result<Vec<Shown>, Unreadable> {
        let mut shown = vec![];
        for shard in &self.0.reader.place().await?.shards {
            let position = self.position(shard);
            let next = self.0.reader.after(shard, position.as_deref(), 1).await?;
            let behind_seconds = next.first().map(|record| age_seconds(record).unwrap_or_default());
            let failures = self.trial(shard).failures;
            shown.push(Shown { shard: shard.clone(), position, behind_seconds, failures });
        }
        Ok(shown)
    }

    /// Plays whatever comes, forever.
    pub async fn run(&self) -> Infallible {
        loop {
            let pause = match self.drain().await {
                Ok(Played { failed: 0, done, given_up }) => {
                    if done > 0 || given_up > 0 {
                        tracing::info!(done, given_up, "changes of the table were followed");
                    }
                    LOOK_EVERY
                }
                Ok(_) => RETRY_AFTER,
                Err(error) => {
                    tracing::error!(%error, "the table's stream is not played");
                    RETRY_AFTER
                }
            };
            tokio::time::sleep(pause).await;
        }
    }
}

/// By the machine's clock, as the table dates its records.
fn age_seconds(record: &Record) -> Option<i64> {
    let now = Clock::system().now();
    Some(now.unix_seconds().saturating_sub(made_at(record)?.unix_seconds()).max(0))
}

fn is_too_old(record: &Record) -> bool {
    age_seconds(record).is_some_and(|seconds| seconds > OLDEST_SECONDS)
}
