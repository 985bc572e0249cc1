//! The cdn-invalidator: a batch of messages is one invalidation.

use std::{sync::Arc, time::Duration};

use cdn::{Invalidation, NotInvalidated};
use futures::future::join_all;
use jobs::CdnJob;
use storage::keys;
use worker::{Delivered, Failed, Failures, Handler, Message, Woken};

use crate::{App, budget, plan::plan};

/// How long a message waits the first time that no invalidation could be begun; each further time twice as long.
const FIRST_WAIT: Duration = Duration::from_mins(1);
/// And at most: an invalidation takes minutes.
const LONGEST_WAIT: Duration = Duration::from_mins(15);

/// The cdn-invalidator. Only its queue wakes it.
pub fn cdn_invalidator(app: App) -> Handler {
    Arc::new(move |woken| {
        let app = app.clone();
        Box::pin(async move {
            match woken {
                Woken::By(messages) => Ok(work_on(&app, messages).await),
                Woken::BySchedule => Ok(Failures::default()),
                Woken::ByStream(_) => Err(Failed("no stream wakes the cdn-invalidator".to_owned())),
            }
        })
    })
}

/// Has everything forgotten that the messages name. Those that come again were not done.
pub async fn work_on(app: &App, messages: Vec<Message>) -> Failures {
    worker::together(messages, |jobs| invalidate(app, jobs)).await
}

/// Why a batch was not done.
#[derive(Debug, thiserror::Error)]
enum NotDone {
    #[error(transparent)]
    NotInvalidated(#[from] NotInvalidated),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

type Job = Delivered<CdnJob>;

/// Answers the messages that come again.
async fn invalidate(app: &App, jobs: Vec<Job>) -> Vec<String> {
    match ask(app, &jobs).await {
        Ok(()) => vec![],
        // One of them may be what is refused, and keeps the others from it: each is asked for alone.
        Err(NotDone::NotInvalidated(NotInvalidated::Refused { .. })) if jobs.len() > 1 => {
            let mut again = vec![];
            for job in &jobs {
                if let Err(error) = ask(app, std::slice::from_ref(job)).await {
                    again.extend(put_off(app, std::slice::from_ref(job), &error).await);
                }
            }
            again
        }
        Err(error) => put_off(app, &jobs, &error).await,
    }
}

/// One invalidation for all of `jobs`.
async fn ask(app: &App, jobs: &[Job]) -> Result<(), NotDone> {
    let used = budget::used(app).await?;
    let free = app.free_paths.saturating_sub(used);
    let wanted = jobs.iter().flat_map(|job| {
        let CdnJob::Invalidate { paths } = &job.envelope.message;
        paths
    });
    let paths = plan(wanted, free);
    let reference = reference(jobs);
    let asked = app.distribution.invalidate(&reference, &paths).await?;
    // What these very messages were asked for before covers them; what it named is what is counted, then.
    if let Invalidation::Taken(id) = asked {
        budget::count(app, &reference, paths.len()).await?;
        let count = u64::try_from(paths.len()).unwrap_or(u64::MAX);
        // The alarm of `infra/messaging.yaml` reads the first of these.
        tracing::info!(
            cdn_paths_this_month = used.saturating_add(count),
            paths = count,
            messages = jobs.len(),
            id,
            "invalidated"
        );
        if count > free {
            tracing::warn!(free_paths = app.free_paths, "this month's invalidations are not free any more");
        }
    }
    Ok(())
}

/// Names the invalidation of these messages: copies of a message have its id, and the order of delivery does not
/// matter. So a batch that comes again, whose answer was lost, is the same invalidation.
fn reference(jobs: &[Job]) -> String {
    let mut ids: Vec<&str> = jobs.iter().map(|job| job.envelope.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    keys::hashed(&ids.join(" "))
}

/// Has messages wait, the longer the more often they were delivered, and answers their names. What cannot be put off comes again
/// when its time is over.
async fn put_off(app: &App, jobs: &[Job], error: &NotDone) -> Vec<String> {
    match error {
        NotDone::NotInvalidated(NotInvalidated::InProgress) => {
            tracing::warn!(messages = jobs.len(), "as many invalidations are in progress as may be");
        }
        error => tracing::error!(%error, messages = jobs.len(), "nothing was invalidated"),
    }
    let waits = jobs.iter().map(|job| app.queue.put_off(&job.receipt, wait(job.receive_count)));
    for refused in join_all(waits).await.into_iter().filter_map(Result::err) {
        tracing::warn!(%refused, "a message could not be put off");
    }
    jobs.iter().map(|job| job.id.clone()).collect()
}

fn wait(receive_count: u32) -> Duration {
    let doubled = 2_u32.saturating_pow(receive_count.saturating_sub(1));
    FIRST_WAIT.saturating_mul(doubled).min(LONGEST_WAIT)
}

#[cfg(test)]
mod tests {
    use domain::cdn::CdnPath;
    use jobs::Envelope;

    use super::*;

    fn job(id: &str) -> Job {
        let paths = vec![CdnPath::object("/a").unwrap()];
        let envelope = Envelope::new(id.to_owned(), CdnJob::Invalidate { paths });
        Delivered { id: format!("sqs-{id}"), receipt: String::new(), receive_count: 1, envelope }
    }

    #[test]
    fn a_batch_is_named_by_what_is_in_it() {
        let name = |ids: &[&str]| reference(&ids.iter().map(|id| job(id)).collect::<Vec<_>>());
        assert_eq!(name(&["a", "b"]), name(&["b", "a"]));
        assert_eq!(name(&["a", "b"]), name(&["b", "a", "b"]));
        assert_ne!(name(&["a", "b"]), name(&["a"]));
        assert_ne!(name(&["a", "b"]), name(&["ab"]));
    }

    #[test]
    fn who_was_put_off_often_waits_longer() {
        let minutes: Vec<u64> = [1, 2, 3, 4, 5, 6, 100].map(|count| wait(count).as_secs() / 60).into();
        assert_eq!(minutes, [1, 2, 4, 8, 15, 15, 15]);
    }
}
