//! The keys of one data folder.

use std::fmt;

use auth::SigningKey;
use clock::Rng;
use devloop_http::StartError;
use serde::{Deserialize, Serialize};

/// What a deployment would have in its secret store.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Secrets {
    /// Signs access tokens: PKCS#8 in PEM.
    pub token_private_key: String,
    /// Its public half, as a JWK set.
    pub token_public_keys: String,
    /// Seals refresh tokens.
    pub refresh_key: String,
    /// Seals cursors.
    pub cursor_key: String,
    /// Encrypts account numbers: 32 bytes in hex.
    pub account_key: String,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// Draws new ones.
    pub fn draw(rng: &Rng) -> Result<Self, StartError> {
        let signing = SigningKey::generate(rng).map_err(|error| StartError(error.to_string()))?;
        let key = || hex::encode(rng.bytes::<32>());
        Ok(Self {
            token_private_key: signing.private_pem.expose().to_owned(),
            token_public_keys: signing.public_jwks,
            refresh_key: key(),
            cursor_key: key(),
            account_key: key(),
        })
    }
}
