//! The deployed functions of this domain.

use std::process::ExitCode;

use config::Needs;
use fn_orders::{App, routes};

fn main() -> ExitCode {
    devloop_http::serve(Needs { account_key: true, payments: true, queues: true, ..Needs::default() }, |settings| {
        Box::pin(async move { Ok(routes(&App::deployed(&settings).await?)) })
    })
}
