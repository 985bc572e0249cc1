//! The local cloud: the whole system in one process, with no account, Docker or download.

pub mod functions;
pub mod toss_sandbox;
