//! What this domain is given.

use config::Settings;
use devloop_http::{Edge, StartError};
use sealing::Cipher;

/// Built once, cloned for each request.
#[derive(Clone, Debug)]
pub struct App {
    /// Table, time, ids.
    pub edge: Edge,
    /// Encrypts account numbers, where they are sent.
    pub cipher: Option<Cipher>,
}

impl App {
    /// Puts the parts together.
    pub fn new(settings: &Settings, edge: Edge) -> Result<Self, StartError> {
        let cipher = settings.account_key.as_ref().map(Cipher::new).transpose();
        let cipher = cipher.map_err(|error| StartError(error.to_string()))?;
        Ok(Self { edge, cipher })
    }
}

impl AsRef<Edge> for App {
    fn as_ref(&self) -> &Edge {
        &self.edge
    }
}
