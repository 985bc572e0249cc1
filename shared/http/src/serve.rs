//! A deployed function: one operation of one domain, behind the Lambda runtime.

use std::process::ExitCode;

use axum::{Router, body::Body, middleware::map_response, response::Response};
use config::{Needs, Reader, Settings};
use futures::future::BoxFuture;
use http::header::CONTENT_LENGTH;
use http_body_util::{BodyExt, Collected};

use crate::{Route, router};

/// Why a function does not start.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct StartError(pub String);

impl From<config::Incomplete> for StartError {
    fn from(error: config::Incomplete) -> Self {
        Self(error.to_string())
    }
}

/// What the function of an operation needs: nothing that only its siblings use.
pub type NeedsOf = fn(operation: &str) -> Needs;

/// Builds the routes of a domain from its settings.
pub type Build = fn(Settings) -> BoxFuture<'static, Result<Vec<Route>, StartError>>;

/// The router of the one operation that `OPERATION` names, so that a mis-wired route meets a
/// 404 and never a sibling under the wrong policy.
pub fn lambda_router(routes: Vec<Route>, operation: &str) -> Router {
    let routes = routes.into_iter().filter(|route| route.id == operation).collect();
    router(routes).layer(map_response(double_byte_order_mark))
}

/// The adapter of Lambda decodes texts, and with that drops a byte order mark at their beginning. A table that begins
/// with one, for spreadsheets, is therefore handed to it with two.
async fn double_byte_order_mark(response: Response) -> Response {
    const MARK: &[u8] = b"\xEF\xBB\xBF";
    let (mut parts, body) = response.into_parts();
    // Answers are complete and in memory: nothing is waited for, and nothing can fail.
    let bytes = body.collect().await.map(Collected::to_bytes).unwrap_or_default();
    if !bytes.starts_with(MARK) {
        return Response::from_parts(parts, Body::from(bytes));
    }
    // As long as it leaves the adapter.
    parts.headers.insert(CONTENT_LENGTH, bytes.len().into());
    Response::from_parts(parts, Body::from([MARK, &bytes].concat()))
}

/// Runs a domain's function until the runtime ends it. Not generic, so that its weight is
/// compiled once and not for every domain.
pub fn serve(needs: NeedsOf, build: Build) -> ExitCode {
    telemetry::start();
    let started = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match started {
        Ok(runtime) => runtime.block_on(run(needs, build)),
        Err(error) => Err(StartError(error.to_string())),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!(%error, "the function does not start");
            ExitCode::FAILURE
        }
    }
}

async fn run(needs: NeedsOf, build: Build) -> Result<(), StartError> {
    let mut reader = Reader::from_environment();
    let operation: String = reader.required("OPERATION").unwrap_or_default();
    let settings = Settings::read(reader, needs(&operation))?;
    let routes = build(settings).await?;
    let service = lambda_router(routes, &operation);
    lambda_http::run(service).await.map_err(|error| StartError(error.to_string()))
}
