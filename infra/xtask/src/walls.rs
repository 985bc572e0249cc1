//! `check`: what is quick to know before a commit.

use crate::{Failed, call, openapi};

/// Stops at the first that fails.
pub fn run() -> Result<(), Failed> {
    call("cargo", &["fmt", "--all", "--check"])?;
    call("cargo", &["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"])?;
    openapi::run(true)?;
    call("cargo", &["test", "--workspace", "--test", "it", "--", "rooms::", "template::", "contract::"])
}
