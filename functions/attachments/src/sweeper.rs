//! The upload-sweeper: removes files that were never completed, never used, or released.
//!
//! What a file leaves behind goes in an order that survives a crash at each step: nobody may use it
//! any more, its objects go, the CDN is told, its item goes. As long as the item is there, it is due
//! again. Each step can be done twice, so running it twice, or two at once, is fine.

use std::{sync::Arc, time::Duration};

use config::Settings;
use devloop_http::StartError;
use domain::{
    attachments::{AttachmentState, gone_for_good},
    cdn::CdnPath,
    ids::AttachmentId,
    time::Time,
};
use jobs::{CdnJob, NotSent, Queue};
use serde::{Deserialize, Serialize};
use storage::{
    Error, Query, Stored, WriteError,
    items::Attachment,
    keys::{self, Keys},
};
use worker::{Failed, Failures, Handler};

use crate::App;

/// How many files are looked at in one run; the rest is due in the next one.
const FILES: usize = 1_000;
/// After so many setbacks in a row S3, or the queue, is down: the rest waits for the next run.
const MOST_SETBACKS: u32 = 3;

/// What the sweeper is given.
#[derive(Clone, Debug)]
pub struct Sweeper {
    /// Table, time and files.
    pub app: App,
    /// Takes paths that the CDN is to forget.
    pub cdn: Queue<CdnJob>,
}

impl Sweeper {
    /// What runs in a deployed function.
    pub async fn deployed(settings: &Settings) -> Result<Self, StartError> {
        let app = App::deployed(settings).await?;
        let url = settings.cdn_queue.as_ref().ok_or_else(|| StartError("the CDN's queue is missing".to_owned()))?;
        let connection = jobs::Connection {
            endpoint: settings.sqs_endpoint.clone(),
            region: settings.region.clone(),
            credentials: None,
            http: None,
        };
        let cdn = Queue::connect(connection, url, &app.edge.clock, &app.edge.rng).await;
        Ok(Self { app, cdn })
    }
}

/// What one run did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SweptFiles {
    /// Files that nobody completed or used in time; they are removed in a later run.
    pub given_up: u32,
    /// Files that are gone, objects and all.
    pub removed: u32,
    /// Files in use whose upload, if there was another one, is gone.
    pub settled: u32,
    /// Files that are due again: S3 or the queue did not answer.
    pub setbacks: u32,
}

/// Why a file stays due.
#[derive(Debug, thiserror::Error)]
enum Setback {
    #[error(transparent)]
    Files(#[from] media::Error),
    #[error(transparent)]
    NotSent(#[from] NotSent),
    #[error(transparent)]
    Storage(#[from] Error),
}

/// As the index lists it.
#[derive(Debug, Serialize, Deserialize)]
struct DueFile {
    id: AttachmentId,
}

impl Stored for DueFile {
    const TYPE: &'static str = Attachment::TYPE;

    fn keys(&self) -> Keys {
        Keys::of(keys::attachment(self.id))
    }
}

/// The worker: only schedules wake it.
pub fn upload_sweeper(sweeper: Sweeper) -> Handler {
    Arc::new(move |_| {
        let sweeper = sweeper.clone();
        Box::pin(async move {
            let swept = sweep(&sweeper).await.map_err(|error| Failed(error.to_string()))?;
            tracing::info!(?swept, "swept");
            Ok(Failures::default())
        })
    })
}

/// Does what is due now.
pub async fn sweep(sweeper: &Sweeper) -> Result<SweptFiles, Error> {
    let now = sweeper.app.edge.clock.now();
    // `~` sorts after every id: all that are due up to this very instant.
    let due = Query::index("gsi1", keys::ATTACHMENTS_DUE).between("0", format!("{now}~"));
    let listed: Vec<DueFile> = sweeper.app.edge.table.all(&due, FILES).await?;
    let mut swept = SweptFiles::default();
    let mut in_a_row = 0;
    for DueFile { id } in listed {
        match Box::pin(work_on(sweeper, id, now, &mut swept)).await {
            Ok(()) => in_a_row = 0,
            Err(Setback::Storage(error)) => return Err(error),
            Err(setback) => {
                tracing::error!(attachment = %id, error = %setback, "a file is due again");
                swept.setbacks = swept.setbacks.saturating_add(1);
                in_a_row = u32::saturating_add(in_a_row, 1);
            }
        }
        if in_a_row >= MOST_SETBACKS {
            break;
        }
    }
    Ok(swept)
}

async fn work_on(sweeper: &Sweeper, id: AttachmentId, now: Time, swept: &mut SweptFiles) -> Result<(), Setback> {
    let table = &sweeper.app.edge.table;
    // The index may be behind.
    let found: Option<Attachment> = table.get_now(keys::attachment(id)).await?;
    let Some(file) = found.filter(|file| file.due.is_some_and(|due| due <= now)) else { return Ok(()) };
    let (write, counter) = match file.state {
        AttachmentState::Pending | AttachmentState::Ready => {
            (file.give_up(gone_for_good(file.upload_until, now)), &mut swept.given_up)
        }
        AttachmentState::Used => {
            sweeper.app.bucket.delete(&file.upload_key).await?;
            (file.settle(), &mut swept.settled)
        }
        AttachmentState::Released => {
            remove(sweeper, &file).await?;
            if file.upload_until < now {
                (file.delete(), &mut swept.removed)
            } else {
                // It was used and released within a quarter of an hour: another upload may come.
                (file.put_off(gone_for_good(file.upload_until, now)), &mut swept.given_up)
            }
        }
    };
    match table.write(write).await {
        Ok(()) => *counter = counter.saturating_add(1),
        // It moved on: what it is now is due when that says so.
        Err(WriteError::Unmet(_)) => {}
        Err(WriteError::Storage(error)) => return Err(error.into()),
    }
    Ok(())
}

/// Deletes the objects, then has the CDN forget the public one.
async fn remove(sweeper: &Sweeper, file: &Attachment) -> Result<(), Setback> {
    sweeper.app.bucket.delete(&file.upload_key).await?;
    sweeper.app.bucket.delete(&file.public_key).await?;
    match CdnPath::object(&format!("/{}", file.public_key)) {
        Ok(path) => drop(sweeper.cdn.send(CdnJob::Invalidate { paths: vec![path] }, Duration::ZERO).await?),
        // Our keys are paths.
        Err(error) => tracing::error!(attachment = %file.id, %error, "a key is no path of the CDN"),
    }
    Ok(())
}
