//! CloudFront's protocol, as far as it is spoken here; nothing of ours.

mod distribution;

pub use distribution::{Connection, Distribution, Invalidation, NotInvalidated, Patience};
