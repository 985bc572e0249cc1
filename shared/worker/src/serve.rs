//! A deployed worker behind the Lambda runtime.

use std::{process::ExitCode, sync::Arc};

use config::{Needs, Reader, Settings};
use futures::future::BoxFuture;
use lambda_runtime::{LambdaEvent, Service, service_fn};
use serde_json::Value;

use crate::{Failures, Woken};

/// Why a worker's run came to nothing. What woke it tries again; nothing else does.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Failed(pub String);

/// A worker that schedules, queues and the stream wake.
pub type Handler = Arc<dyn Fn(Woken) -> BoxFuture<'static, Result<Failures, Failed>> + Send + Sync>;

/// Builds a worker from its settings.
pub type Build = fn(Settings) -> BoxFuture<'static, Result<Handler, Failed>>;

/// Runs a worker until the runtime ends it. It is built once. Not generic, so that its weight is
/// compiled once.
pub fn serve(needs: Needs, build: Build) -> ExitCode {
    start(async move {
        let handler = build(read(needs)?).await?;
        lambda_runtime::run(adapter(handler)).await.map_err(|error| Failed(error.to_string()))
    })
}

/// The worker as Lambda's runtime calls it: an event in, the messages that come again out. A
/// schedule reads no answer.
pub fn adapter(
    handler: Handler,
) -> impl Service<LambdaEvent<Value>, Response = Failures, Error = lambda_runtime::Error> {
    service_fn(move |event: LambdaEvent<Value>| {
        let woken = Woken::read(event.payload).map(|woken| handler(woken));
        async move { woken?.await.map_err(lambda_runtime::Error::from) }
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
