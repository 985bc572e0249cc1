//! What this domain is given.

use config::Settings;
use devloop_http::{Edge, StartError};
use sealing::Cipher;

/// Built once, cloned for each request.
#[derive(Clone, Debug)]
pub struct App {
    /// Table, time, ids.
    pub edge: Edge,
    /// Encrypts account numbers.
    pub cipher: Cipher,
}

impl App {
    /// Puts the parts together.
    pub fn new(settings: &Settings, edge: Edge) -> Result<Self, StartError> {
        let key = settings.account_key.as_ref().ok_or_else(|| StartError("ACCOUNT_KEY is missing".to_owned()))?;
        let cipher = Cipher::new(key).map_err(|error| StartError(error.to_string()))?;
        Ok(Self { edge, cipher })
    }
}

impl AsRef<Edge> for App {
    fn as_ref(&self) -> &Edge {
        &self.edge
    }
}
