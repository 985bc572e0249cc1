//! The deployed functions of this domain.

use std::process::ExitCode;

use auth::{Cost, Hasher};
use config::Needs;
use devloop_http::{Edge, StartError};
use fn_auth::{App, routes};

fn main() -> ExitCode {
    devloop_http::serve(
        |_operation| Needs { signing: true, ..Needs::default() },
        |settings| {
            Box::pin(async move {
                let edge = Edge::deployed(&settings).await?;
                let hasher =
                    Hasher::inline(Cost::OWASP, edge.rng.clone()).map_err(|error| StartError(error.to_string()))?;
                Ok(routes(&App::new(&settings, edge, hasher)?))
            })
        },
    )
}
