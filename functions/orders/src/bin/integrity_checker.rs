//! The integrity-checker, woken by a schedule each night.

use std::process::ExitCode;

use config::Needs;
use devloop_http::Edge;
use fn_orders::integrity_checker;
use worker::Failed;

fn main() -> ExitCode {
    worker::serve(Needs::default(), |settings| {
        Box::pin(async move {
            let edge = Edge::deployed(&settings).await.map_err(|error| Failed(error.to_string()))?;
            Ok(integrity_checker(edge.table))
        })
    })
}
