//! `GET /v1/openapi.json`: the contract, as it was generated from the endpoints of this build.

use std::convert::Infallible;

use devloop_http::{Public, Raw};

use crate::{App, routes::CONTRACT};

/// The document.
pub async fn get_openapi(_: App, _: Public, (): ()) -> Result<Raw, Infallible> {
    Ok(Raw { content_type: "application/json", max_age: 300, body: CONTRACT.to_owned() })
}
