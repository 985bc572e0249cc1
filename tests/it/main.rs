//! The integration tests: they enter by the front door and look at effects.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::large_futures,
    clippy::similar_names,
    reason = "a test that meets something else must stop there"
)]

mod app;
mod authz;
mod contract;
mod conventions;
mod costs;
mod faults;
mod flows;
mod lambda;
mod pages;
mod patience;
mod policies;
mod queues;
mod rooms;
mod secrets;
mod sqs;
mod template;
mod workers;
