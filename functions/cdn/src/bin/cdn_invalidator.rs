//! The cdn-invalidator, woken by the queue of paths that the CDN is to forget.

use std::process::ExitCode;

use config::Needs;
use fn_cdn::{App, cdn_invalidator};
use worker::Failed;

fn main() -> ExitCode {
    worker::serve(Needs { cdn_queue: true, invalidation: true, ..Needs::default() }, |settings| {
        Box::pin(async move {
            let app = App::deployed(&settings).await.map_err(|error| Failed(error.to_string()))?;
            Ok(cdn_invalidator(app))
        })
    })
}
