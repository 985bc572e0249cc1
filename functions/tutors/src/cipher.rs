//! Account numbers at rest: AES-256-GCM, bound to the user they belong to.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, prelude::BASE64_STANDARD};
use clock::Rng;
use config::Secret;
use domain::{ids::UserId, text::AccountNumber};

const KEY_BYTES: usize = 32;

/// Encrypts and decrypts account numbers under one key.
#[derive(Clone)]
pub struct Cipher(Arc<LessSafeKey>);

impl std::fmt::Debug for Cipher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Cipher(…)")
    }
}

/// A key that is not 32 bytes in hex. Tells nothing of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("ACCOUNT_KEY must be 32 bytes in hex")]
pub struct BadKey;

/// An account number could not be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an account number could not be encrypted")]
pub struct Unsealed;

/// Not encrypted under this key for this user, or changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an account number could not be decrypted")]
pub struct Unreadable;

impl Cipher {
    /// A cipher under a key of 32 bytes in hex.
    pub fn new(key: &Secret) -> Result<Self, BadKey> {
        let key = from_hex(key.expose().trim()).ok_or(BadKey)?;
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_wrong_length| BadKey)?;
        Ok(Self(Arc::new(LessSafeKey::new(key))))
    }

    /// Encrypts for `user`: nonce, ciphertext and tag, in base64.
    ///
    /// The nonce is drawn: 96 random bits do not repeat in as many applications as one key will see.
    pub fn seal(&self, account: &AccountNumber, user: UserId, rng: &Rng) -> Result<String, Unsealed> {
        let nonce: [u8; NONCE_LEN] = rng.bytes();
        let mut sealed = account.expose().as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), bound_to(user), &mut sealed)
            .map_err(|_unspecified| Unsealed)?;
        Ok(BASE64_STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Decrypts what was sealed for `user`.
    pub fn open(&self, sealed: &str, user: UserId) -> Result<AccountNumber, Unreadable> {
        let bytes = BASE64_STANDARD.decode(sealed).map_err(|_not_base64| Unreadable)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(Unreadable)?;
        let mut sealed = sealed.to_vec();
        let opened = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), bound_to(user), &mut sealed);
        let digits = std::str::from_utf8(opened.map_err(|_unspecified| Unreadable)?).map_err(|_not_text| Unreadable)?;
        digits.parse().map_err(|_not_digits| Unreadable)
    }
}

/// Moved into another account, a ciphertext opens to nothing.
fn bound_to(user: UserId) -> Aad<String> {
    Aad::from(user.to_string())
}

fn from_hex(text: &str) -> Option<[u8; KEY_BYTES]> {
    let digits: Vec<u8> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect::<Option<_>>()?;
    let (pairs, rest) = digits.as_chunks::<2>();
    let bytes: Vec<u8> = pairs.iter().map(|[high, low]| (high << 4) | low).collect();
    if rest.is_empty() { bytes.try_into().ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn cipher(key: &str) -> Cipher {
        Cipher::new(&Secret::new(key)).unwrap()
    }

    fn user(last: char) -> UserId {
        format!("01KB2M3N4P5Q6R7S8T9V0W1X2{last}").parse().unwrap()
    }

    fn account() -> AccountNumber {
        "110123456789".parse().unwrap()
    }

    #[test]
    fn what_was_sealed_opens_again_for_its_user() {
        let sealed = cipher(KEY).seal(&account(), user('Y'), &Rng::from_seed(1)).unwrap();
        assert_eq!(cipher(KEY).open(&sealed, user('Y')), Ok(account()));
        assert_eq!(cipher(KEY).open(&sealed, user('Z')), Err(Unreadable));
    }

    #[test]
    fn another_key_or_a_changed_byte_opens_nothing() {
        let sealed = cipher(KEY).seal(&account(), user('Y'), &Rng::from_seed(1)).unwrap();
        assert_eq!(cipher(&KEY.replace("00", "ff")).open(&sealed, user('Y')), Err(Unreadable));
        let bytes = BASE64_STANDARD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(cipher(KEY).open(&BASE64_STANDARD.encode(changed), user('Y')), Err(Unreadable), "byte {at}");
        }
        for nothing in ["", "AAAA", "not base64!"] {
            assert_eq!(cipher(KEY).open(nothing, user('Y')), Err(Unreadable), "{nothing:?}");
        }
    }

    #[test]
    fn the_same_number_never_looks_the_same() {
        let rng = Rng::from_seed(1);
        let [first, second] = [(); 2].map(|()| cipher(KEY).seal(&account(), user('Y'), &rng).unwrap());
        assert_ne!(first, second);
        assert!(!String::from_utf8_lossy(&BASE64_STANDARD.decode(first).unwrap()).contains("110123456789"));
    }

    #[test]
    fn a_key_is_32_bytes_in_hex() {
        for bad in ["", "00", KEY.get(1..).unwrap(), &format!("{KEY}00"), &KEY.replace('f', "g"), &"é".repeat(64)] {
            assert!(Cipher::new(&Secret::new(bad)).is_err(), "{bad}");
        }
        assert!(Cipher::new(&Secret::new(KEY.to_uppercase())).is_ok());
    }

    #[test]
    fn the_key_does_not_show() {
        assert_eq!(format!("{:?}", cipher(KEY)), "Cipher(…)");
    }
}
