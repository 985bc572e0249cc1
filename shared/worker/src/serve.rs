//! A deployed worker behind the Lambda runtime.

use std::{process::ExitCode, sync::Arc};

use config::{Needs, Reader, Settings};
use futures::future::BoxFuture;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

use crate::{Failures, Woken};

/// Why a worker's run came to nothing. The schedule or the queue tries again; nothing else does.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub String);

/// One run of a worker.
pub type Run = fn(Settings) -> BoxFuture<'static, Result<(), Failed>>;

/// A worker that schedules and queues wake.
pub type Handler = Arc<dyn Fn(Woken) -> BoxFuture<'static, Result<Failures, Failed>> + Send + Sync>;

/// Builds a worker from its settings.
pub type Build = fn(Settings) -> BoxFuture<'static, Result<Handler, Failed>>;

/// Runs a worker that a schedule wakes, until the runtime ends it. What woke it does not matter:
/// it does whatever is due. Not generic, so that its weight is compiled once.
pub fn serve_schedule(needs: Needs, run: Run) -> ExitCode {
    start(async move {
        let settings = read(needs)?;
        let woken = service_fn(move |_: LambdaEvent<Value>| {
            let run = run(settings.clone());
            async move { run.await.map_err(lambda_runtime::Error::from) }
        });
        lambda_runtime::run(woken).await.map_err(|error| Failed(error.to_string()))
    })
}

/// Runs a worker that queues wake as well as schedules, until the runtime ends it. It is built
/// once; a batch is answered with the messages that failed.
pub fn serve(needs: Needs, build: Build) -> ExitCode {
    start(async move {
        let handler = build(read(needs)?).await?;
        let woken = service_fn(move |event: LambdaEvent<Value>| {
            let woken = Woken::read(event.payload).map(|woken| handler(woken));
            async move { woken?.await.map_err(lambda_runtime::Error::from) }
        });
        lambda_runtime::run(woken).await.map_err(|error| Failed(error.to_string()))
    })
}

fn read(needs: Needs) -> Result<Settings, Failed> {
    Settings::read(Reader::from_environment(), needs).map_err(|error| Failed(error.to_string()))
}

fn start(serving: impl Future<Output = Result<(), Failed>>) -> ExitCode {
    telemetry::start();
    let served = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failed(error.to_string()))
        .and_then(|runtime| runtime.block_on(serving));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the worker does not run");
            ExitCode::FAILURE
        }
    }
}
