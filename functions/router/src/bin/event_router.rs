//! The event-router, woken by the table's stream.

use std::process::ExitCode;

use config::Needs;
use fn_router::{App, event_router};
use worker::Failed;

fn main() -> ExitCode {
    worker::serve(Needs::default(), |settings| {
        Box::pin(async move {
            let app = App::deployed(&settings).await.map_err(|error| Failed(error.to_string()))?;
            Ok(event_router(app))
        })
    })
}
