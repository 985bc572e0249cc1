//! An S3 on a port of its own: `s3s` and `s3s-fs` over a folder, behind a door of ours.
//!
//! What is ours is what those leave open, or cannot know: who asks is proved by AWS's signatures,
//! checked by the clock that is handed over, so that moving it ends upload URLs; nothing is
//! answered to anybody else; reading only what has, or has not, a certain `ETag` works; and browsers
//! of the frontends' pages may come from other origins. Behind the door objects, ranges, copies and
//! the joining of parts are theirs. Ours is whether an upload in parts is there, is whose it is said
//! to be, and has the parts that are named; which uploads are unfinished; tags; and the rules after
//! which uploads and objects are over, by the same clock.
//!
//! Sources: <https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html>,
//! <https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html>.

mod conditions;
mod cors;
mod errors;
mod files;
mod in_process;
mod lifecycle;
mod multipart;
mod objects;
mod signature;
mod tagging;
mod uploads;

use std::{fs, path::Path, sync::Arc};

use aws_smithy_types::{DateTime, date_time::Format};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, header},
    response::{IntoResponse, Response},
};
use clock::Clock;
use s3s::service::{S3Service, S3ServiceBuilder};
use s3s_fs::FileSystem;

use self::{cors::Origins, errors::Refused, files::Files};

/// The largest body: parts of large uploads are far smaller.
const LONGEST_BODY: usize = 256 * 1024 * 1024;

/// The folder cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct CannotOpen(String);

/// Who may ask: an access key and its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// The access key's id.
    pub id: String,
    /// Its secret.
    pub secret: String,
}

impl Access {
    /// What the local server's own clients use; it opens nothing but this stand-in.
    pub fn local() -> Self {
        Self { id: "local".to_owned(), secret: "local".to_owned() }
    }
}

/// The stand-in. Clones share the folder.
#[derive(Clone)]
pub struct S3(Arc<Inner>);

struct Inner {
    service: S3Service,
    clock: Clock,
    access: Access,
    origins: Origins,
}

impl std::fmt::Debug for S3 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3").field("origins", &self.0.origins).finish_non_exhaustive()
    }
}

impl S3 {
    /// Opens `folder`, and makes `bucket` in it unless it is there. Pages of `origins` may ask.
    pub fn open(
        folder: &Path,
        bucket: &str,
        access: Access,
        origins: &[String],
        clock: Clock,
    ) -> Result<Self, CannotOpen> {
        let cannot = |error: &dyn std::fmt::Display| CannotOpen(format!("{}: {error}", folder.display()));
        fs::create_dir_all(folder.join(bucket)).map_err(|error| cannot(&error))?;
        let files = FileSystem::new(folder).map_err(|error| cannot(&format!("{error:?}")))?;
        let service = S3ServiceBuilder::new(Files::new(files, folder, clock.clone())).build();
        Ok(Self(Arc::new(Inner { service, clock, access, origins: Origins::new(origins) })))
    }

    /// The protocol, at every path.
    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    async fn serve(&self, request: Request) -> Result<Response, Refused> {
        let (mut parts, body) = request.into_parts();
        let body = axum::body::to_bytes(body, LONGEST_BODY).await.map_err(|_too_long| Refused::ENTITY_TOO_LARGE)?;
        whole(&parts.headers, &body)?;
        signature::check(&parts, &body, &self.0.access, self.0.clock.now())?;
        signature::remove(&mut parts);
        if let Some(unmet) = self.unmet(&parts).await? {
            return Ok(unmet);
        }
        self.pass(http::Request::from_parts(parts, body)).await
    }

    /// Hands a request on to `s3s`.
    async fn pass(&self, request: http::Request<Bytes>) -> Result<Response, Refused> {
        let response = self.0.service.call(request.map(s3s::Body::from)).await.map_err(|error| {
            tracing::error!(?error, "the embedded S3 failed");
            Refused::INTERNAL
        })?;
        Ok(response.map(Body::new))
    }
}

/// A body that is shorter than was said is one that broke off.
fn whole(headers: &HeaderMap, body: &Bytes) -> Result<(), Refused> {
    let said = headers.get(header::CONTENT_LENGTH).and_then(|length| length.to_str().ok()?.parse::<usize>().ok());
    if said.is_some_and(|said| said != body.len()) { Err(Refused::INCOMPLETE_BODY) } else { Ok(()) }
}

async fn answer(State(s3): State<S3>, request: Request) -> Response {
    let asked = s3.0.origins.ask(request.method(), request.headers());
    if let Some(preflight) = asked.preflight() {
        return preflight;
    }
    let mut response = s3.serve(request).await.unwrap_or_else(IntoResponse::into_response);
    asked.mark(&mut response);
    // Clients correct what they sign by the date that they are told, so it is that of the clock that checks it.
    let now = DateTime::from_millis(s3.0.clock.now().unix_millis()).fmt(Format::HttpDate);
    if let Some(date) = now.ok().and_then(|date| date.parse().ok()) {
        response.headers_mut().insert(header::DATE, date);
    }
    response
}
