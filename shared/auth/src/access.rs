//! Access tokens: JWTs of 15 minutes, signed with Ed25519, whose `kid` names the key.

use std::collections::HashMap;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::{Engine, prelude::BASE64_STANDARD};
use clock::Rng;
use config::Secret;
use domain::{
    accounts::Role,
    ids::{FamilyId, UserId},
    time::Time,
};
use jsonwebtoken::{
    Algorithm, DecodingKey, EncodingKey, Header, Validation,
    jwk::{Jwk, JwkSet},
};
use serde::{Deserialize, Serialize};

/// What an access token says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who.
    #[serde(rename = "sub")]
    pub user: UserId,
    /// Their role when it was issued.
    pub role: Role,
    /// The refresh-token family that it belongs to.
    pub family: FamilyId,
    /// When it was issued, in epoch seconds.
    pub iat: i64,
    /// When it ends, in epoch seconds.
    pub exp: i64,
}

impl Claims {
    /// How long an access token is good for.
    pub const LIFETIME_SECONDS: i64 = 15 * 60;

    /// What a token issued at `now` says.
    pub fn new(user: UserId, role: Role, family: FamilyId, now: Time) -> Self {
        let iat = now.unix_seconds();
        Self { user, role, family, iat, exp: iat.saturating_add(Self::LIFETIME_SECONDS) }
    }
}

/// Why an access token proves nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotValid {
    /// It is none of ours.
    #[error("not a token of ours")]
    Unknown,
    /// It was good once.
    #[error("expired")]
    Expired,
}

/// A key that cannot be used. Tells nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the token key is not usable")]
pub struct BadKey;

/// A new signing key, in the forms that settings take.
#[derive(Clone, Debug)]
pub struct SigningKey {
    /// PKCS#8 in PEM.
    pub private_pem: Secret,
    /// A JWK set with the public half.
    pub public_jwks: String,
}

impl SigningKey {
    /// Draws a key.
    pub fn generate(rng: &Rng) -> Result<Self, BadKey> {
        let pair = Ed25519KeyPair::from_seed_unchecked(&rng.bytes::<32>()).map_err(|_rejected| BadKey)?;
        let pkcs8 = pair.to_pkcs8v1().map_err(|_unspecified| BadKey)?;
        let encoded = BASE64_STANDARD.encode(pkcs8.as_ref());
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{encoded}\n-----END PRIVATE KEY-----\n");
        let key = EncodingKey::from_ed_pem(pem.as_bytes()).map_err(|_rejected| BadKey)?;
        let mut jwk = Jwk::from_encoding_key(&key, Algorithm::EdDSA).map_err(|_unsupported| BadKey)?;
        jwk.common.key_id = Some(kid(&pair));
        let public_jwks = serde_json::to_string(&JwkSet { keys: vec![jwk] }).map_err(|_unserialisable| BadKey)?;
        Ok(Self { private_pem: Secret::new(pem), public_jwks })
    }
}

/// The name of a key: a hash of its public half, so that settings cannot disagree on it.
fn kid(pair: &Ed25519KeyPair) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, pair.public_key().as_ref());
    hex::encode(digest.as_ref().first_chunk::<8>().unwrap_or(&[0; 8]))
}

/// Issues access tokens.
#[derive(Clone)]
pub struct Signer {
    key: EncodingKey,
    kid: String,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Signer {
    /// Signs with a private key, PKCS#8 in PEM.
    pub fn new(private_pem: &Secret) -> Result<Self, BadKey> {
        let body: String = private_pem.expose().lines().filter(|line| !line.starts_with("-----")).collect();
        let der = BASE64_STANDARD.decode(body.trim()).map_err(|_not_base64| BadKey)?;
        let pair = Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).map_err(|_rejected| BadKey)?;
        let key = EncodingKey::from_ed_pem(private_pem.expose().as_bytes()).map_err(|_rejected| BadKey)?;
        Ok(Self { key, kid: kid(&pair) })
    }

    /// A token that says `claims`.
    pub fn sign(&self, claims: &Claims) -> Result<String, BadKey> {
        let header = Header { kid: Some(self.kid.clone()), ..Header::new(Algorithm::EdDSA) };
        jsonwebtoken::encode(&header, claims, &self.key).map_err(|_unsignable| BadKey)
    }
}

/// Checks access tokens against the public keys.
#[derive(Clone)]
pub struct Verifier {
    keys: HashMap<String, DecodingKey>,
    validation: Validation,
}

impl std::fmt::Debug for Verifier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Verifier").field("kids", &self.keys.keys()).finish_non_exhaustive()
    }
}

impl Verifier {
    /// Trusts the Ed25519 keys of a JWK set.
    pub fn new(public_jwks: &str) -> Result<Self, BadKey> {
        let set: JwkSet = serde_json::from_str(public_jwks).map_err(|_not_a_set| BadKey)?;
        let keyed = |jwk: &Jwk| {
            let kid = jwk.common.key_id.clone().ok_or(BadKey)?;
            Ok((kid, DecodingKey::from_jwk(jwk).map_err(|_unsupported| BadKey)?))
        };
        let keys: HashMap<_, _> = set.keys.iter().map(keyed).collect::<Result<_, BadKey>>()?;
        if keys.is_empty() {
            return Err(BadKey);
        }
        let mut validation = Validation::new(Algorithm::EdDSA);
        // The library reads the machine's clock; ours is handed in.
        validation.validate_exp = false;
        validation.set_required_spec_claims(&["exp", "sub"]);
        Ok(Self { keys, validation })
    }

    /// What a token says, if one of our keys signed it and it has not ended.
    pub fn verify(&self, token: &str, now: Time) -> Result<Claims, NotValid> {
        let header = jsonwebtoken::decode_header(token).map_err(|_not_a_token| NotValid::Unknown)?;
        let key = header.kid.and_then(|kid| self.keys.get(&kid)).ok_or(NotValid::Unknown)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.validation);
        let claims = claims.map_err(|_not_ours| NotValid::Unknown)?.claims;
        if claims.exp > now.unix_seconds() { Ok(claims) } else { Err(NotValid::Expired) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_800_000_000_000;

    fn issue(seed: u64) -> (String, SigningKey) {
        let key = SigningKey::generate(&Rng::from_seed(seed)).unwrap();
        let claims = Claims::new(
            UserId::from(ulid::Ulid::from_parts(1, 2)),
            Role::User,
            FamilyId::from(ulid::Ulid::from_parts(3, 4)),
            Time::from_unix_millis(NOW),
        );
        (Signer::new(&key.private_pem).unwrap().sign(&claims).unwrap(), key)
    }

    #[test]
    fn a_token_is_good_until_its_last_second() {
        let (token, key) = issue(1);
        let verifier = Verifier::new(&key.public_jwks).unwrap();
        let at = |seconds: i64| verifier.verify(&token, Time::from_unix_millis(NOW).plus_seconds(seconds));
        assert!(at(0).is_ok());
        assert!(at(Claims::LIFETIME_SECONDS - 1).is_ok());
        assert_eq!(at(Claims::LIFETIME_SECONDS), Err(NotValid::Expired));
    }

    #[test]
    fn another_key_signs_nothing_of_ours() {
        let (token, _) = issue(1);
        let (_, other) = issue(2);
        let verifier = Verifier::new(&other.public_jwks).unwrap();
        assert_eq!(verifier.verify(&token, Time::from_unix_millis(NOW)), Err(NotValid::Unknown));
    }

    #[test]
    fn two_keys_are_valid_while_rotating() {
        let (old_token, old) = issue(1);
        let (new_token, new) = issue(2);
        let mut both: JwkSet = serde_json::from_str(&old.public_jwks).unwrap();
        both.keys.extend(serde_json::from_str::<JwkSet>(&new.public_jwks).unwrap().keys);
        let verifier = Verifier::new(&serde_json::to_string(&both).unwrap()).unwrap();
        for token in [old_token, new_token] {
            assert!(verifier.verify(&token, Time::from_unix_millis(NOW)).is_ok());
        }
    }

    #[test]
    fn an_unsigned_or_altered_token_is_unknown() {
        let (token, key) = issue(1);
        let verifier = Verifier::new(&key.public_jwks).unwrap();
        let mut parts: Vec<&str> = token.split('.').collect();
        let claims = r#"{"sub":"00000000010000000000000002","role":"ADMIN","family":"00000000030000000000000004","iat":0,"exp":99999999999}"#;
        let forged = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(claims);
        parts[1] = &forged;
        let none = base64::prelude::BASE64_URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        for bad in [parts.join("."), format!("{none}.{forged}."), String::new(), "a.b.c".to_owned()] {
            assert_eq!(verifier.verify(&bad, Time::from_unix_millis(NOW)), Err(NotValid::Unknown), "{bad}");
        }
    }
}
