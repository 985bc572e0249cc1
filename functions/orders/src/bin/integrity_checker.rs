//! The integrity-checker, woken by a schedule each night.

use std::process::ExitCode;

use config::Needs;
use devloop_http::Edge;
use fn_orders::{integrity_checker, jobs_of};
use worker::Failed;

fn main() -> ExitCode {
    worker::serve(Needs { queues: true, ..Needs::default() }, |settings| {
        Box::pin(async move {
            let edge = Edge::deployed(&settings).await.map_err(|error| Failed(error.to_string()))?;
            let jobs = jobs_of(&settings, &edge).await.map_err(|error| Failed(error.to_string()))?;
            Ok(integrity_checker(edge, jobs))
        })
    })
}
