//! The deployed functions of this domain.

use std::process::ExitCode;

use fn_orders::{App, needs, routes};

fn main() -> ExitCode {
    devloop_http::serve(needs, |settings| Box::pin(async move { Ok(routes(&App::deployed(&settings).await?)) }))
}
