//! Structured logs: one JSON object a line, never a token, password, account number or card.

use tracing_subscriber::{EnvFilter, layer::SubscriberExt, util::SubscriberInitExt};

/// Sends this process's events to standard output as JSON, `info` and above unless `RUST_LOG`
/// says otherwise. A second call changes nothing.
pub fn start() {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_unset| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt::layer().json().flatten_event(true).with_current_span(false);
    // Only the first subscriber of a process counts; tests may have set one.
    drop(tracing_subscriber::registry().with(filter).with(lines).try_init());
}
