//! Turns requests into values and refusals into responses. Knows no domain.
//!
//! An endpoint is a plain function `(app, caller, input) -> Result<output, refusal>`. Its
//! signature tells who may call it, what it reads and how it refuses; [`Operation`] adds the
//! route, and both the running service and the OpenAPI document come from it.

mod callers;
pub mod cors;
mod edge;
mod idempotency;
mod input;
mod lists;
pub mod openapi;
mod operation;
mod output;
mod problem;
mod request;
mod router;
mod serve;

pub use callers::{Active, Admin, Anyone, Caller, Public, SignedIn, TOKEN_EXPIRED, Tutor, UNAUTHENTICATED};
pub use edge::Edge;
pub use idempotency::{IdempotencyKey, Idempotent, KeyRefused, MaybeIdempotent, Once};
pub use input::{From, IfMatch, Input, Json, NoBody, Path, PathPair, Query, stale};
pub use lists::{BadCursor, Cursor, Flag, Limit, ListRefused, ListScope, ListView, Paging};
pub use operation::{DEFAULT_ROUTE, Operation, Route, mount, mount_each};
pub use output::{
    Answer, Cacheable, Created, Document, Ensured, Negotiated, NoContent, Output, Private, Raw, Versioned,
};
pub use problem::Problem;
pub use request::{Body, ClientAddress, Head, Language};
pub use router::router;
pub use serve::{Build, StartError, lambda_router, serve};
