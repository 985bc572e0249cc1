//! Refresh tokens: `userId.family.n.secret`, sealed with an HMAC.
//!
//! Each token's secret is derived from its predecessor's, so that a repeated refresh can be
//! answered with the same successor although only hashes of secrets are stored: whoever reads
//! the table learns no token, and whoever holds our key alone learns none either.

use aws_lc_rs::{constant_time, digest, hmac};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use clock::Rng;
use config::Secret;
use domain::ids::{FamilyId, UserId};

/// A refresh token whose seal was good. Its `Debug` shows nothing of the secret.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshToken {
    /// Whose.
    pub user: UserId,
    /// Of which log-in.
    pub family: FamilyId,
    /// Its number in the family, from 1.
    pub n: u64,
    secret: [u8; 32],
}

impl std::fmt::Debug for RefreshToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RefreshToken").field("family", &self.family).field("n", &self.n).finish_non_exhaustive()
    }
}

impl RefreshToken {
    /// SHA-256 of the secret in hex: what is stored.
    pub fn secret_hash(&self) -> String {
        hex::encode(digest::digest(&digest::SHA256, &self.secret))
    }

    /// Whether `stored` is this token's [`RefreshToken::secret_hash`].
    pub fn matches(&self, stored: &str) -> bool {
        constant_time::verify_slices_are_equal(self.secret_hash().as_bytes(), stored.as_bytes()).is_ok()
    }
}

/// The key that seals refresh tokens and derives their successors.
#[derive(Clone)]
pub struct RefreshKey(hmac::Key);

impl std::fmt::Debug for RefreshKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("RefreshKey(…)")
    }
}

impl RefreshKey {
    /// A key made of a secret.
    pub fn new(secret: &Secret) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, secret.expose().as_bytes()))
    }

    /// The first token of a new family.
    pub fn first(&self, user: UserId, family: FamilyId, rng: &Rng) -> RefreshToken {
        RefreshToken { user, family, n: 1, secret: rng.bytes() }
    }

    /// The token after `token`: always the same one.
    pub fn successor(&self, token: &RefreshToken) -> RefreshToken {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"successor\0");
        context.update(&token.secret);
        let mut secret = [0; 32];
        for (byte, derived) in secret.iter_mut().zip(context.sign().as_ref()) {
            *byte = *derived;
        }
        RefreshToken { n: token.n.saturating_add(1), secret, ..*token }
    }

    fn tag(&self, sealed: &str) -> hmac::Tag {
        hmac::sign(&self.0, format!("refresh\0{sealed}").as_bytes())
    }

    /// The text that the client keeps.
    pub fn seal(&self, token: &RefreshToken) -> Secret {
        let RefreshToken { user, family, n, secret } = token;
        let body = format!("{user}.{family}.{n}.{}", BASE64_URL_SAFE_NO_PAD.encode(secret));
        let tag = BASE64_URL_SAFE_NO_PAD.encode(self.tag(&body));
        Secret::new(format!("{body}.{tag}"))
    }

    /// The token in a text; `None` if we did not seal it.
    pub fn open(&self, text: &str) -> Option<RefreshToken> {
        let (body, tag) = text.rsplit_once('.')?;
        let tag = BASE64_URL_SAFE_NO_PAD.decode(tag).ok()?;
        hmac::verify(&self.0, format!("refresh\0{body}").as_bytes(), &tag).ok()?;
        let mut parts = body.split('.');
        let (user, family, n, secret) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        Some(RefreshToken {
            user: user.parse().ok()?,
            family: family.parse().ok()?,
            n: n.parse().ok()?,
            secret: BASE64_URL_SAFE_NO_PAD.decode(secret).ok()?.try_into().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> RefreshKey {
        RefreshKey::new(&Secret::new("key"))
    }

    fn first() -> RefreshToken {
        let id = ulid::Ulid::from_parts(1, 2);
        key().first(id.into(), id.into(), &Rng::from_seed(1))
    }

    #[test]
    fn a_sealed_token_opens_to_itself() {
        assert_eq!(key().open(key().seal(&first()).expose()), Some(first()));
    }

    #[test]
    fn a_successor_is_always_the_same_and_never_its_predecessor() {
        let next = key().successor(&first());
        assert_eq!(next, key().successor(&first()));
        assert_eq!(next.n, 2);
        assert!(!next.matches(&first().secret_hash()));
    }

    #[test]
    fn what_we_did_not_seal_opens_nothing() {
        let text = key().seal(&first()).expose().to_owned();
        let altered = text.replacen(".1.", ".2.", 1);
        for bad in [altered.as_str(), "", "a.b.c.d.e", text.get(1..).unwrap()] {
            assert_eq!(key().open(bad), None);
        }
        assert_eq!(RefreshKey::new(&Secret::new("other")).open(&text), None);
    }
}
