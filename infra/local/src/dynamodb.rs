//! The embedded DynamoDB: a file, spoken to over its wire protocol like the real one.

use std::{
    fmt, io,
    net::{Ipv4Addr, TcpListener},
    path::Path,
    thread::{self, JoinHandle},
    time::Duration,
};

use dynoxide::{
    Database,
    actions::update_time_to_live::{TimeToLiveSpecification, UpdateTimeToLiveRequest},
};
use tokio::sync::oneshot;

/// The attribute that says when an item may go.
const TTL: &str = "ttl";
/// AWS takes up to days. Whoever reads an item checks its end anyway.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// The table's file cannot be used, or its server does not start.
#[derive(Debug, thiserror::Error)]
#[error("The embedded DynamoDB does not start: {0}. If its file is broken, start anew with --fresh.")]
pub struct NotEmbedded(String);

impl NotEmbedded {
    fn because(cause: impl std::fmt::Display) -> Self {
        Self(cause.to_string())
    }
}

/// The running database. It stops when this is dropped or stopped.
pub struct Embedded {
    database: Database,
    endpoint: String,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<()>,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Embedded").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}

impl Embedded {
    /// Opens the file and serves it on a free port of the loopback interface.
    pub fn open(file: &Path) -> Result<Self, NotEmbedded> {
        let path = file.to_str().ok_or_else(|| NotEmbedded::because("its path is not UTF-8"))?;
        let database = Database::new(path).map_err(NotEmbedded::because)?;
        // This sets `synchronous=NORMAL` beside the write-ahead log and leaves the rest at its
        // defaults. A killed process loses nothing that it had written: the log is with the
        // operating system by then. Only a power cut could take the last commits; in return no
        // write waits for the disk, which on a slow one is most of its time.
        database.disable_bulk_loading().map_err(NotEmbedded::because)?;
        index_stream(file).map_err(NotEmbedded::because)?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(NotEmbedded::because)?;
        listener.set_nonblocking(true).map_err(NotEmbedded::because)?;
        let endpoint = format!("http://{}", listener.local_addr().map_err(NotEmbedded::because)?);
        let (stop, stopped) = oneshot::channel();
        let served = database.clone();
        // It works on the threads that poll it, so it has threads and a runtime of its own: the
        // API's never wait for a disk.
        let thread = thread::Builder::new().name("dynamodb".to_owned()).spawn(move || {
            if let Err(error) = serve(listener, &served, stopped) {
                tracing::error!(%error, "the embedded DynamoDB ended");
            }
        });
        Ok(Self { database, endpoint, stop, thread: thread.map_err(NotEmbedded::because)? })
    }

    /// Where it answers.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// Lets items of `table` go when their time is up, as the deployed table does.
    pub fn expire_items(&self, table: &str) -> Result<(), NotEmbedded> {
        let request = UpdateTimeToLiveRequest {
            table_name: table.to_owned(),
            time_to_live_specification: TimeToLiveSpecification { attribute_name: TTL.to_owned(), enabled: true },
        };
        self.database.update_time_to_live(request).map(drop).map_err(NotEmbedded::because)
    }

    /// Lets running requests finish, then closes the file. A client that hangs does not keep it
    /// open for long: the process ends anyway, and the log survives that.
    pub async fn stop(self) {
        // The thread may have ended by itself; then there is nobody to tell.
        let _nobody = self.stop.send(());
        for _ in 0..100 {
            if self.thread.is_finished() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
}

/// Every written item goes to the table's stream under the next number, and the database looks
/// through the whole stream for the last one. With this it need not, and a write takes as long
/// after a hundred thousand others as after ten.
fn index_stream(file: &Path) -> rusqlite::Result<()> {
    rusqlite::Connection::open(file)?.execute_batch(
        "CREATE INDEX IF NOT EXISTS devloop_stream_numbers
         ON _stream_records (table_name, CAST(sequence_number AS INTEGER))",
    )
}

fn serve(listener: TcpListener, database: &Database, stopped: oneshot::Receiver<()>) -> Result<(), io::Error> {
    let runtime = tokio::runtime::Builder::new_multi_thread().thread_name("dynamodb").enable_all().build()?;
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let stopped = async {
            // A dropped sender means the same.
            drop(stopped.await);
        };
        let served = dynoxide::server::serve_with_shutdown(listener, database.clone(), stopped);
        tokio::select! {
            biased;
            served = served => served.map_err(io::Error::other),
            never = sweep(database) => match never {},
        }
    })
}

async fn sweep(database: &Database) -> std::convert::Infallible {
    loop {
        tokio::time::sleep(SWEEP_EVERY).await;
        match database.sweep_ttl() {
            Ok(0) => {}
            Ok(deleted) => tracing::debug!(deleted, "items whose time was up are gone"),
            Err(error) => tracing::warn!(%error, "items whose time is up could not be deleted"),
        }
    }
}
