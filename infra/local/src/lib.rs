//! The local cloud: the whole system in one process, with no account, Docker or download.

mod banner;
pub mod cli;
pub mod cloudfront;
mod commands;
pub mod contract;
mod controls;
mod controls_page;
mod data_folder;
mod delivery;
mod demo;
mod dependencies;
mod dynamodb;
mod environment;
pub mod functions;
mod listening;
mod operator;
mod overview;
mod pages;
pub mod queues;
pub mod s3;
mod schedules;
mod secrets;
mod server;
pub mod sqs;
pub mod toss_sandbox;

pub use commands::{Failed, run};
