//! The deployed functions of this domain.

use std::process::ExitCode;

use config::Needs;
use devloop_http::Edge;
use fn_pwts::routes;

fn main() -> ExitCode {
    devloop_http::serve(
        |_operation| Needs::default(),
        |settings| Box::pin(async move { Ok(routes(&Edge::deployed(&settings).await?)) }),
    )
}
