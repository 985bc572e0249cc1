//! Batches of changes from the table's stream: in order where order matters.
//!
//! Lambda goes on in the stream from the lowest number that is told to have failed: that record
//! and all after it come again, whether or not they were worked on. So doing a change twice
//! must be as good as once.
//!
//! <https://docs.aws.amazon.com/lambda/latest/dg/services-ddb-batchfailurereporting.html>

use std::{collections::BTreeMap, future::Future, panic::AssertUnwindSafe};

use futures::{FutureExt, future::join_all};
use storage::Change;
use tracing::Instrument;

use crate::{Failed, Failures};

/// Works on changes: those of one partition one after the other, partitions at once. Where one
/// fails or panics, the rest of its partition waits until it comes again.
pub async fn in_order<F>(changes: Vec<Change>, work: impl Fn(Change) -> F) -> Failures
where
    F: Future<Output = Result<(), Failed>>,
{
    let mut partitions: BTreeMap<String, Vec<Change>> = BTreeMap::new();
    for change in changes {
        partitions.entry(change.key.pk.clone()).or_default().push(change);
    }
    let works = partitions.into_values().map(|changes| {
        let work = &work;
        async move {
            for change in changes {
                let number = change.number.clone();
                let span = tracing::info_span!("change", number);
                // Making the future may panic as well as running it.
                let one = AssertUnwindSafe(async { work(change).await }).catch_unwind().instrument(span.clone());
                match one.await {
                    Ok(Ok(())) => continue,
                    Ok(Err(error)) => span.in_scope(|| tracing::error!(%error, "what follows from a change failed")),
                    // What it said went to standard error.
                    Err(_panic) => span.in_scope(|| tracing::error!("a change made its worker panic")),
                }
                return Some(number);
            }
            None
        }
    });
    Failures::of(join_all(works).await.into_iter().flatten())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use serde_json::{Value, json};

    use super::*;
    use crate::Woken;

    fn change(partition: &str, number: u32) -> Value {
        let key = json!({ "pk": { "S": partition }, "sk": { "S": "POST" } });
        json!({ "eventSource": "aws:dynamodb", "dynamodb": { "Keys": key, "SequenceNumber": number.to_string() } })
    }

    fn changes(records: &[Value]) -> Vec<Change> {
        match Woken::read(json!({ "Records": records })) {
            Ok(Woken::ByStream(changes)) => changes,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn a_partition_stops_at_its_first_failure_and_the_others_do_not() {
        let batch = [("A", 1), ("B", 2), ("A", 3), ("C", 4), ("B", 5), ("A", 6), ("C", 7)];
        let batch = batch.map(|(partition, number)| change(partition, number));
        let done = RefCell::new(vec![]);
        let failures = in_order(changes(&batch), |change| {
            let done = &done;
            async move {
                tokio::task::yield_now().await;
                assert_ne!(change.number, "4", "panics");
                if change.number == "3" {
                    return Err(Failed("no luck".to_owned()));
                }
                done.borrow_mut().push(change.number);
                Ok(())
            }
        })
        .await;
        done.borrow_mut().sort_unstable();
        assert_eq!(*done.borrow(), ["1", "2", "5"]);
        assert_eq!(failures.names().collect::<Vec<_>>(), ["3", "4"]);
    }

    #[tokio::test]
    async fn changes_of_one_partition_are_worked_on_in_their_order() {
        let batch: Vec<Value> = (1..=9).map(|number| change("A", number)).collect();
        let done = RefCell::new(vec![]);
        let failures = in_order(changes(&batch), |change| {
            let done = &done;
            async move {
                // The earlier ones take longer.
                for _ in change.number.parse::<u32>().unwrap()..9 {
                    tokio::task::yield_now().await;
                }
                done.borrow_mut().push(change.number.parse::<u32>().unwrap());
                Ok(())
            }
        })
        .await;
        assert!(failures.is_empty());
        assert_eq!(*done.borrow(), (1..=9).collect::<Vec<_>>());
    }

    #[test]
    fn a_record_that_names_no_item_is_no_event_of_ours() {
        let broken = json!({ "eventSource": "aws:dynamodb", "dynamodb": { "SequenceNumber": "1" } });
        assert!(Woken::read(json!({ "Records": [change("A", 1), broken] })).is_err());
    }
}
