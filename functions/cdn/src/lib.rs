//! The cdn-invalidator: has the CDN forget what has changed or is gone.

mod app;
mod budget;
mod invalidator;
mod plan;

pub use app::App;
pub use invalidator::{cdn_invalidator, work_on};
