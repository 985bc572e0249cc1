//! What this domain is given.

/// The table, time, ids: nothing beyond what every domain has.
pub type App = devloop_http::Edge;
