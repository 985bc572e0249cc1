//! `cargo run`: the local cloud.

use std::{process::ExitCode, time::Instant};

use clap::Parser;
use devloop_local::cli::Arguments;
use mimalloc::MiMalloc;

/// The embedded table allocates a lot, and each password's hash takes 19 MiB for a moment: the
/// system's allocator is slow at the first and keeps what the second gave back.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    #[expect(clippy::disallowed_methods, reason = "how long it takes to be ready is told to people")]
    let started = Instant::now();
    let arguments = Arguments::parse();
    // The embedded table warns of every condition that does not hold, and that is how sales are decided.
    telemetry::start_on_stderr("warn,dynoxide=error");
    match devloop_local::run(arguments, started) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            #[expect(clippy::print_stderr, reason = "a command tells its caller why it ends")]
            {
                eprintln!("devloop: {failed}");
            }
            ExitCode::FAILURE
        }
    }
}
