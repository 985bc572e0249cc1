//! Proof of who calls: access tokens, refresh tokens and passwords.
//!
//! What a caller may do to a resource is decided elsewhere.

mod access;
mod passwords;
mod refresh;

pub use access::{Claims, NotValid, Signer, SigningKey, Verifier};
pub use passwords::{Cost, HashFailed, Hasher, is_common};
pub use refresh::{RefreshKey, RefreshToken};
