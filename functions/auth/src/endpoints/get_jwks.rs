//! `GET /.well-known/jwks.json`: the public keys of access tokens.

use std::convert::Infallible;

use devloop_http::{Public, Raw};

use crate::App;

/// The present key and, while rotating, its predecessor or successor.
pub async fn get_jwks(app: App, _: Public, (): ()) -> Result<Raw, Infallible> {
    Ok(Raw { content_type: "application/json", max_age: 300, body: app.public_keys })
}
