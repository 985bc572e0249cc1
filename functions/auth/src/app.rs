//! What this domain is given.

use auth::{Hasher, RefreshKey, Signer};
use config::Settings;
use devloop_http::{Edge, StartError};

/// Built once, cloned for each request.
#[derive(Clone, Debug)]
pub struct App {
    /// Table, time, ids.
    pub edge: Edge,
    /// Issues access tokens.
    pub signer: Signer,
    /// Seals refresh tokens.
    pub refresh_key: RefreshKey,
    /// Hashes passwords.
    pub hasher: Hasher,
    /// The public keys, as a JWK set.
    pub public_keys: String,
}

impl App {
    /// Puts the parts together.
    pub fn new(settings: &Settings, edge: Edge, hasher: Hasher) -> Result<Self, StartError> {
        let missing = || StartError("the signing settings are missing".to_owned());
        let private_key = settings.token_private_key.as_ref().ok_or_else(missing)?;
        let signer = Signer::new(private_key).map_err(|error| StartError(error.to_string()))?;
        let refresh_key = RefreshKey::new(settings.refresh_key.as_ref().ok_or_else(missing)?);
        Ok(Self { edge, signer, refresh_key, hasher, public_keys: settings.token_public_keys.clone() })
    }
}

impl AsRef<Edge> for App {
    fn as_ref(&self) -> &Edge {
        &self.edge
    }
}
