//! The deployed functions of this domain.

use std::process::ExitCode;

use devloop_http::Edge;
use fn_tutors::{App, needs, routes};

fn main() -> ExitCode {
    devloop_http::serve(needs, |settings| {
        Box::pin(async move {
            let edge = Edge::deployed(&settings).await?;
            Ok(routes(&App::new(&settings, edge)?))
        })
    })
}
