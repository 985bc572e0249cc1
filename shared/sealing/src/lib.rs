//! Texts that are stored encrypted and read again: AES-256-GCM, each bound to what it belongs to.

use std::sync::Arc;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, prelude::BASE64_STANDARD};
use clock::Rng;
use config::Secret;

const KEY_BYTES: usize = 32;

/// Encrypts and decrypts under one key.
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

/// A text could not be encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a text could not be encrypted")]
pub struct Unsealed;

/// Not encrypted under this key for its owner, or changed since.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a text could not be decrypted")]
pub struct Unreadable;

impl Cipher {
    /// A cipher under a key of 32 bytes in hex.
    pub fn new(key: &Secret) -> Result<Self, BadKey> {
        let key = from_hex(key.expose().trim()).ok_or(BadKey)?;
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(|_wrong_length| BadKey)?;
        Ok(Self(Arc::new(LessSafeKey::new(key))))
    }

    /// Encrypts for `owner`, which names one item: nonce, ciphertext and tag, in base64.
    ///
    /// The nonce is drawn: 96 random bits do not repeat in as many texts as one key will see.
    pub fn seal(&self, text: &str, owner: &str, rng: &Rng) -> Result<String, Unsealed> {
        let nonce: [u8; NONCE_LEN] = rng.bytes();
        let mut sealed = text.as_bytes().to_vec();
        self.0
            .seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), Aad::from(owner), &mut sealed)
            .map_err(|_unspecified| Unsealed)?;
        Ok(BASE64_STANDARD.encode([nonce.as_slice(), &sealed].concat()))
    }

    /// Decrypts what was sealed for `owner`: moved into another item, a ciphertext opens to nothing.
    pub fn open(&self, sealed: &str, owner: &str) -> Result<String, Unreadable> {
        let bytes = BASE64_STANDARD.decode(sealed).map_err(|_not_base64| Unreadable)?;
        let (nonce, sealed) = bytes.split_first_chunk::<NONCE_LEN>().ok_or(Unreadable)?;
        let mut sealed = sealed.to_vec();
        let opened = self.0.open_in_place(Nonce::assume_unique_for_key(*nonce), Aad::from(owner), &mut sealed);
        let text = std::str::from_utf8(opened.map_err(|_unspecified| Unreadable)?).map_err(|_not_text| Unreadable)?;
        Ok(text.to_owned())
    }
}

fn from_hex(text: &str) -> Option<[u8; KEY_BYTES]> {
    let mut bytes = [0; KEY_BYTES];
    hex::decode_to_slice(text, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn cipher(key: &str) -> Cipher {
        Cipher::new(&Secret::new(key)).unwrap()
    }

    const ACCOUNT: &str = "110123456789";

    #[test]
    fn what_was_sealed_opens_again_for_its_owner() {
        let sealed = cipher(KEY).seal(ACCOUNT, "Y", &Rng::from_seed(1)).unwrap();
        assert_eq!(cipher(KEY).open(&sealed, "Y"), Ok(ACCOUNT.to_owned()));
        assert_eq!(cipher(KEY).open(&sealed, "Z"), Err(Unreadable));
    }

    #[test]
    fn another_key_or_a_changed_byte_opens_nothing() {
        let sealed = cipher(KEY).seal(ACCOUNT, "Y", &Rng::from_seed(1)).unwrap();
        assert_eq!(cipher(&KEY.replace("00", "ff")).open(&sealed, "Y"), Err(Unreadable));
        let bytes = BASE64_STANDARD.decode(&sealed).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(cipher(KEY).open(&BASE64_STANDARD.encode(changed), "Y"), Err(Unreadable), "byte {at}");
        }
        for nothing in ["", "AAAA", "not base64!"] {
            assert_eq!(cipher(KEY).open(nothing, "Y"), Err(Unreadable), "{nothing:?}");
        }
    }

    #[test]
    fn the_same_text_never_looks_the_same() {
        let rng = Rng::from_seed(1);
        let [first, second] = [(); 2].map(|()| cipher(KEY).seal(ACCOUNT, "Y", &rng).unwrap());
        assert_ne!(first, second);
        assert!(!String::from_utf8_lossy(&BASE64_STANDARD.decode(first).unwrap()).contains(ACCOUNT));
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
