//! The upload-sweeper, woken by a schedule every five minutes.

use std::process::ExitCode;

use config::Needs;
use fn_attachments::{Sweeper, upload_sweeper};
use worker::Failed;

fn main() -> ExitCode {
    worker::serve(Needs { media: true, cdn_queue: true, ..Needs::default() }, |settings| {
        Box::pin(async move {
            let sweeper = Sweeper::deployed(&settings).await.map_err(|error| Failed(error.to_string()))?;
            Ok(upload_sweeper(sweeper))
        })
    })
}
