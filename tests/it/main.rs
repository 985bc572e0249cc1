//! The integration tests: they enter by the front door and look at effects.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::missing_panics_doc,
    reason = "a test that meets something else must stop there"
)]

mod app;
mod secrets;
mod conventions;
mod authz;
mod contract;
mod flows;
mod policies;
mod rooms;
mod template;
