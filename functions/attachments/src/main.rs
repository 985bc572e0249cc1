//! The deployed functions of this domain.

use std::process::ExitCode;

use config::Needs;
use fn_attachments::{App, routes};

fn main() -> ExitCode {
    devloop_http::serve(
        |_operation| Needs { media: true, ..Needs::default() },
        |settings| Box::pin(async move { Ok(routes(&App::deployed(&settings).await?)) }),
    )
}
