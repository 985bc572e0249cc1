//! What this domain is given.

use devloop_http::Edge;

/// Built once, cloned for each request.
#[derive(Clone, Debug)]
pub struct App {
    /// Table, time, ids.
    pub edge: Edge,
    /// What runs.
    pub build: String,
}

impl AsRef<Edge> for App {
    fn as_ref(&self) -> &Edge {
        &self.edge
    }
}
