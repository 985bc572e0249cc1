//! The deployed functions of this domain.

use std::process::ExitCode;

use config::Needs;
use devloop_http::Edge;
use fn_tutors::{App, routes};

fn main() -> ExitCode {
    devloop_http::serve(Needs { account_key: true, ..Needs::default() }, |settings| {
        Box::pin(async move {
            let edge = Edge::deployed(&settings).await?;
            Ok(routes(&App::new(&settings, edge)?))
        })
    })
}
