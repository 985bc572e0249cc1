//! The integrity-checker, woken by a schedule each night.

use std::process::ExitCode;

use config::Needs;
use devloop_http::Edge;
use fn_orders::integrity;

fn main() -> ExitCode {
    worker::serve_schedule(Needs::default(), |settings| {
        Box::pin(async move {
            let edge = Edge::deployed(&settings).await.map_err(|error| worker::Failed(error.to_string()))?;
            let checked = integrity::check(&edge.table).await.map_err(|error| worker::Failed(error.to_string()))?;
            integrity::report(&checked);
            Ok(())
        })
    })
}
