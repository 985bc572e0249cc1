//! Batches of messages: each is worked on by itself, and only those that failed come again.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-errorhandling.html>

use std::{future::Future, panic::AssertUnwindSafe};

use futures::{FutureExt, future::join_all};
use jobs::Envelope;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tracing::Instrument;

use crate::Failed;

/// What woke a worker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Woken {
    /// A schedule. What it says does not matter: the worker does whatever is due.
    BySchedule,
    /// Messages of a queue.
    By(Vec<Message>),
}

/// A message as a queue delivers it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// The queue's name of this delivery's message.
    pub id: String,
    /// What was sent.
    pub body: String,
    /// The handle of this delivery, for whoever has it come later than it would.
    pub receipt: String,
    /// How often it was delivered, this time included.
    pub receive_count: u32,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Record {
    message_id: String,
    receipt_handle: String,
    body: String,
    attributes: Attributes,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Attributes {
    approximate_receive_count: String,
}

impl Woken {
    /// Reads the event that Lambda hands over: records of a queue, or anything else from a schedule.
    pub fn read(mut event: Value) -> Result<Self, Failed> {
        let Some(records) = event.get_mut("Records").map(Value::take) else { return Ok(Self::BySchedule) };
        let records: Vec<Record> =
            serde_json::from_value(records).map_err(|error| Failed(format!("no event of a queue: {error}")))?;
        let message = |record: Record| Message {
            id: record.message_id,
            body: record.body,
            receipt: record.receipt_handle,
            receive_count: record.attributes.approximate_receive_count.parse().unwrap_or(1),
        };
        Ok(Self::By(records.into_iter().map(message).collect()))
    }
}

/// The messages that come again; none if all went well.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failures {
    batch_item_failures: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
struct Item {
    item_identifier: String,
}

impl Failures {
    /// These come again.
    fn of(ids: impl IntoIterator<Item = String>) -> Self {
        Self { batch_item_failures: ids.into_iter().map(|item_identifier| Item { item_identifier }).collect() }
    }

    /// Whether this message comes again.
    pub fn contains(&self, id: &str) -> bool {
        self.batch_item_failures.iter().any(|item| item.item_identifier == id)
    }

    /// How many come again.
    pub fn len(&self) -> usize {
        self.batch_item_failures.len()
    }

    /// Whether none does.
    pub fn is_empty(&self) -> bool {
        self.batch_item_failures.is_empty()
    }
}

/// Works on each message, all at once, so that one that waits keeps nobody waiting. A message that
/// cannot be read, fails or panics comes again, and the others do not.
pub async fn each<M: jobs::Message, F>(messages: Vec<Message>, work: impl Fn(M) -> F) -> Failures
where
    F: Future<Output = Result<(), Failed>>,
{
    let works = messages.into_iter().map(|message| {
        let span = tracing::info_span!("message", id = message.id, receive_count = message.receive_count);
        let work = &work;
        let one = async move {
            let done = match Envelope::read(&message.body) {
                // Making the future may panic as well as running it.
                Ok(envelope) => AssertUnwindSafe(async { work(envelope.message).await }).catch_unwind().await,
                Err(unreadable) => Ok(Err(Failed(unreadable.to_string()))),
            };
            match done {
                Ok(Ok(())) => None,
                Ok(Err(error)) => {
                    tracing::error!(%error, "a message failed");
                    Some(message.id)
                }
                // What it said went to standard error.
                Err(_panic) => {
                    tracing::error!("a message made its worker panic");
                    Some(message.id)
                }
            }
        };
        one.instrument(span)
    });
    Failures::of(join_all(works).await.into_iter().flatten())
}

/// A message that was read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivered<M> {
    /// As [`Message::id`].
    pub id: String,
    /// As [`Message::receipt`].
    pub receipt: String,
    /// As [`Message::receive_count`].
    pub receive_count: u32,
    /// What was sent.
    pub envelope: Envelope<M>,
}

/// Works on all messages of a batch at once; `work` answers the names of those that come again. So do those that cannot be
/// read, which it is not given, and all that it was given if it panics.
pub async fn together<M: jobs::Message, F>(
    messages: Vec<Message>,
    work: impl FnOnce(Vec<Delivered<M>>) -> F,
) -> Failures
where
    F: Future<Output = Vec<String>>,
{
    let (mut delivered, mut again) = (vec![], vec![]);
    for Message { id, body, receipt, receive_count } in messages {
        match Envelope::read(&body) {
            Ok(envelope) => delivered.push(Delivered { id, receipt, receive_count, envelope }),
            Err(unreadable) => {
                tracing::error!(id, receive_count, %unreadable, "a message failed");
                again.push(id);
            }
        }
    }
    if !delivered.is_empty() {
        let names: Vec<String> = delivered.iter().map(|message| message.id.clone()).collect();
        // Making the future may panic as well as running it.
        let failed = AssertUnwindSafe(async { work(delivered).await }).catch_unwind().await;
        again.extend(failed.unwrap_or_else(|_panic| {
            // What it said went to standard error.
            tracing::error!("a batch made its worker panic");
            names
        }));
    }
    Failures::of(again)
}

#[cfg(test)]
mod tests {
    use domain::ids::OrderId;
    use jobs::PaymentJob;
    use serde_json::json;
    use ulid::Ulid;

    use super::*;

    fn order(n: u128) -> OrderId {
        Ulid::from_parts(1, n).into()
    }

    fn message(id: &str, body: String) -> Message {
        Message { id: id.to_owned(), body, receipt: format!("receipt of {id}"), receive_count: 1 }
    }

    fn check(n: u128) -> String {
        serde_json::to_string(&Envelope::new(n.to_string(), PaymentJob::CheckPayment { order_id: order(n) })).unwrap()
    }

    #[tokio::test]
    async fn one_bad_message_leaves_the_others_alone() {
        let batch = vec![
            message("good", check(1)),
            message("fails", check(2)),
            message("panics", check(3)),
            message("panics at once", check(4)),
            message("unreadable", "{".to_owned()),
            message("good, too", check(5)),
        ];
        let done = std::cell::RefCell::new(vec![]);
        let failures = each(batch, |job: PaymentJob| {
            let PaymentJob::CheckPayment { order_id } = job else { unreachable!() };
            assert_ne!(order_id, order(4), "at once");
            let done = &done;
            async move {
                // The others go on while this one waits.
                tokio::task::yield_now().await;
                assert_ne!(order_id, order(3), "later");
                if order_id == order(2) {
                    return Err(Failed("no luck".to_owned()));
                }
                done.borrow_mut().push(order_id);
                Ok(())
            }
        })
        .await;
        assert_eq!(*done.borrow(), [order(1), order(5)]);
        let told = json!({ "batchItemFailures": [
            { "itemIdentifier": "fails" }, { "itemIdentifier": "panics" }, { "itemIdentifier": "panics at once" },
            { "itemIdentifier": "unreadable" },
        ] });
        assert_eq!(serde_json::to_value(&failures).unwrap(), told);
    }

    #[tokio::test]
    async fn a_batch_that_went_well_says_so_in_the_shape_that_lambda_wants() {
        let failures = each(vec![message("good", check(1))], async |_: PaymentJob| Ok(())).await;
        assert_eq!(serde_json::to_string(&failures).unwrap(), r#"{"batchItemFailures":[]}"#);
    }

    #[tokio::test]
    async fn of_a_batch_that_is_worked_on_at_once_those_come_again_that_are_named() {
        let batch = || {
            let mut batch: Vec<Message> = (1..4).map(|n| message(&format!("m{n}"), check(n))).collect();
            batch.push(message("unreadable", "{".to_owned()));
            batch
        };
        let failures = together(batch(), async |jobs: Vec<Delivered<PaymentJob>>| {
            let told: Vec<_> = jobs.iter().map(|job| (job.envelope.id.as_str(), job.receipt.as_str())).collect();
            assert_eq!(told, [("1", "receipt of m1"), ("2", "receipt of m2"), ("3", "receipt of m3")]);
            vec!["m2".to_owned()]
        });
        let failures = failures.await;
        assert!(failures.contains("m2") && failures.contains("unreadable") && failures.len() == 2, "{failures:?}");
        let all = together(batch(), async |_: Vec<Delivered<PaymentJob>>| panic!("for the test")).await;
        assert_eq!(all.len(), 4);
        let none = together(vec![], async |_: Vec<Delivered<PaymentJob>>| panic!("nobody asks")).await;
        assert!(none.is_empty());
    }

    #[test]
    fn events_of_queues_are_told_from_schedules() {
        let event = include_str!("../../../events/sqs/payments.json");
        let Ok(Woken::By(messages)) = Woken::read(serde_json::from_str(event).unwrap()) else { panic!("a batch") };
        assert_eq!(messages.len(), 2);
        assert_eq!(messages.iter().map(|message| message.receive_count).collect::<Vec<_>>(), [1, 3]);
        for message in &messages {
            Envelope::<PaymentJob>::read(&message.body).unwrap();
        }
        let schedule = json!({ "source": "aws.events", "detail-type": "Scheduled Event" });
        assert_eq!(Woken::read(schedule).unwrap(), Woken::BySchedule);
        assert!(Woken::read(json!({ "Records": [{ "messageId": "1" }] })).is_err());
    }
}
