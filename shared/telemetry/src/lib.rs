//! Structured logs: one JSON object a line, never a token, password, account number or card.

use tracing_subscriber::{EnvFilter, fmt::MakeWriter, layer::SubscriberExt, util::SubscriberInitExt};

/// Sends this process's events to standard output as JSON, `info` and above unless `RUST_LOG`
/// says otherwise. A second call changes nothing.
pub fn start() {
    start_on(std::io::stdout, "info");
}

/// The same on standard error, for a program that talks to people on standard output; what is
/// logged unless `RUST_LOG` says otherwise is `usual`, in the syntax of that variable.
pub fn start_on_stderr(usual: &str) {
    start_on(std::io::stderr, usual);
}

fn start_on(output: impl for<'a> MakeWriter<'a> + Send + Sync + 'static, usual: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new(usual));
    let lines =
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false).with_writer(output);
    // Only the first subscriber of a process counts; tests may have set one.
    drop(tracing_subscriber::registry().with(filter).with(lines).try_init());
}
