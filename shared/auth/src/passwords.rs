//! Passwords: Argon2id with OWASP's parameters.

use std::{fmt, sync::Arc};

use argon2::{
    Algorithm, Argon2, Params, Version,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use clock::Rng;
use domain::text::Password;

/// What hashing costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes over it.
    pub passes: u32,
}

impl Cost {
    /// The first of the settings that OWASP's Password Storage Cheat Sheet recommends for
    /// Argon2id: 19 MiB, 2 passes, 1 lane.
    /// <https://cheatsheetseries.owasp.org/cheatsheets/Password_Storage_Cheat_Sheet.html>
    pub const OWASP: Self = Self { memory_kib: 19_456, passes: 2 };
    /// Protects nothing: for the local server and tests only.
    pub const TOY: Self = Self { memory_kib: 8, passes: 1 };
}

/// Hashing failed, or a stored hash cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("a password could not be hashed: {0}")]
pub struct HashFailed(String);

/// Hashes and verifies passwords, inline or on a bounded pool.
#[derive(Clone)]
pub struct Hasher {
    argon2: Argon2<'static>,
    pool: Option<Arc<rayon::ThreadPool>>,
    rng: Rng,
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher")
            .field("params", self.argon2.params())
            .field("pooled", &self.pool.is_some())
            .finish_non_exhaustive()
    }
}

impl Hasher {
    /// Hashes on the thread that asks: in a Lambda, which serves one request at a time anyway.
    pub fn inline(cost: Cost, rng: Rng) -> Result<Self, HashFailed> {
        let params = Params::new(cost.memory_kib, cost.passes, 1, None).map_err(|e| HashFailed(e.to_string()))?;
        Ok(Self { argon2: Argon2::new(Algorithm::Argon2id, Version::V0x13, params), pool: None, rng })
    }

    /// Hashes on `threads` threads of its own, so that other requests are not stalled.
    pub fn pooled(cost: Cost, rng: Rng, threads: usize) -> Result<Self, HashFailed> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).thread_name(|n| format!("hasher-{n}")).build();
        let pool = Arc::new(pool.map_err(|error| HashFailed(error.to_string()))?);
        Ok(Self { pool: Some(pool), ..Self::inline(cost, rng)? })
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, HashFailed> {
        let Some(pool) = &self.pool else { return Ok(work()) };
        let (done, result) = tokio::sync::oneshot::channel();
        // Nobody may be waiting any more: then the result is of no use to anybody.
        pool.spawn(move || drop(done.send(work())));
        result.await.map_err(|_dropped| HashFailed("the pool gave up".to_owned()))
    }

    /// The hash to store, as a PHC string.
    pub async fn hash(&self, password: &Password) -> Result<String, HashFailed> {
        let (argon2, password, salt) = (self.argon2.clone(), password.clone(), self.rng.bytes::<16>());
        let hashed = self.run(move || {
            let hash: Result<PasswordHash, _> = argon2.hash_password_with_salt(password.expose().as_bytes(), &salt);
            hash.map(|hash| hash.to_string())
        });
        hashed.await?.map_err(|error| HashFailed(error.to_string()))
    }

    /// Whether `typed` is the password of `stored`. Without a stored hash the same work is done
    /// and the answer is no, so that the time tells nothing.
    pub async fn verify(&self, typed: &str, stored: Option<&str>) -> Result<bool, HashFailed> {
        let Some(stored) = stored else {
            let salt = [0; 16];
            let (argon2, typed) = (self.argon2.clone(), typed.to_owned());
            let same_work = self.run(move || argon2.hash_password_into(typed.as_bytes(), &salt, &mut [0; 32]));
            same_work.await?.map_err(|error| HashFailed(error.to_string()))?;
            return Ok(false);
        };
        let parsed = PasswordHash::new(stored).map_err(|error| HashFailed(error.to_string()))?;
        let (argon2, typed) = (self.argon2.clone(), typed.to_owned());
        self.run(move || argon2.verify_password(typed.as_bytes(), &parsed).is_ok()).await
    }
}

/// Whether a password is among the most common ones, or one of them in thin disguise.
///
/// Judged by zxcvbn's frequency lists: fewer than about 10,000 guesses.
pub fn is_common(password: &Password) -> bool {
    zxcvbn::zxcvbn(password.expose(), &[]).guesses() < 10_000
}

#[cfg(test)]
mod tests {
    use super::*;

    fn password(text: &str) -> Password {
        text.parse().unwrap()
    }

    #[tokio::test]
    async fn a_hash_verifies_its_own_password_only() {
        let hasher = Hasher::inline(Cost::TOY, Rng::from_seed(1)).unwrap();
        let hash = hasher.hash(&password("correct horse")).await.unwrap();
        assert!(hasher.verify("correct horse", Some(&hash)).await.unwrap());
        assert!(!hasher.verify("correct house", Some(&hash)).await.unwrap());
        assert!(!hasher.verify("correct horse", None).await.unwrap());
    }

    #[tokio::test]
    async fn owasp_parameters_are_in_the_stored_hash() {
        let hasher = Hasher::pooled(Cost::OWASP, Rng::from_seed(1), 1).unwrap();
        let hash = hasher.hash(&password("correct horse")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(hasher.verify("correct horse", Some(&hash)).await.unwrap());
    }

    #[test]
    fn common_passwords_are_known_in_disguise_too() {
        for common in ["password", "12345678", "qwertyuiop", "Passw0rd", "iloveyou"] {
            assert!(is_common(&password(common)), "{common}");
        }
        for fine in ["correct horse battery", "개발자들의모임터2026", "x7#kQ9!mPz"] {
            assert!(!is_common(&password(fine)), "{fine}");
        }
    }
}
