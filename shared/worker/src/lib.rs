//! Runs workers: functions that no client calls.

use std::process::ExitCode;

use config::{Needs, Reader, Settings};
use futures::future::BoxFuture;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::Value;

/// Why a worker's run came to nothing. The schedule tries again; nothing else does.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub String);

/// One run of a worker.
pub type Run = fn(Settings) -> BoxFuture<'static, Result<(), Failed>>;

/// Runs a worker that a schedule wakes, until the runtime ends it. What woke it does not matter:
/// it does whatever is due. Not generic, so that its weight is compiled once.
pub fn serve_schedule(needs: Needs, run: Run) -> ExitCode {
    telemetry::start();
    let served = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failed(error.to_string()))
        .and_then(|runtime| runtime.block_on(serve(needs, run)));
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the worker does not run");
            ExitCode::FAILURE
        }
    }
}

async fn serve(needs: Needs, run: Run) -> Result<(), Failed> {
    let settings = Settings::read(Reader::from_environment(), needs).map_err(|error| Failed(error.to_string()))?;
    let woken = service_fn(move |_: LambdaEvent<Value>| {
        let run = run(settings.clone());
        async move { run.await.map_err(lambda_runtime::Error::from) }
    });
    lambda_runtime::run(woken).await.map_err(|error| Failed(error.to_string()))
}
