//! Cursors: where a list goes on, sealed so that nobody can make one up or use it elsewhere.

use std::collections::BTreeMap;

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

/// The keys of the last item that was looked at.
pub type Position = BTreeMap<String, String>;

/// Seals and opens cursors under one key.
#[derive(Clone)]
pub struct Seal(hmac::Key);

impl std::fmt::Debug for Seal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Seal(…)")
    }
}

const TAG_LENGTH: usize = 16;

impl Seal {
    /// A seal under `key`.
    pub fn new(key: &[u8]) -> Self {
        Self(hmac::Key::new(hmac::HMAC_SHA256, key))
    }

    fn tag(&self, scope: &str, position: &[u8]) -> Vec<u8> {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(b"cursor\0");
        context.update(scope.as_bytes());
        context.update(b"\0");
        context.update(position);
        context.sign().as_ref().iter().copied().take(TAG_LENGTH).collect()
    }

    /// A cursor that opens under the same `scope` only: operation, caller class, filters, index.
    pub fn seal(&self, scope: &str, position: &Position) -> String {
        let position = serde_json::to_vec(position).unwrap_or_default();
        BASE64_URL_SAFE_NO_PAD.encode([self.tag(scope, &position), position].concat())
    }

    /// The position in a cursor; `None` if we did not seal it for this scope.
    pub fn open(&self, scope: &str, cursor: &str) -> Option<Position> {
        let sealed = BASE64_URL_SAFE_NO_PAD.decode(cursor).ok()?;
        let (tag, position) = sealed.split_at_checked(TAG_LENGTH)?;
        aws_lc_rs::constant_time::verify_slices_are_equal(tag, &self.tag(scope, position)).ok()?;
        serde_json::from_slice(position).ok()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn position() -> impl Strategy<Value = Position> {
        prop::collection::btree_map("[a-z0-9]{1,8}", "\\PC{0,20}", 0..4)
    }

    proptest! {
        #[test]
        fn a_cursor_opens_to_its_position(scope in "\\PC{0,40}", position in position()) {
            let seal = Seal::new(b"key");
            prop_assert_eq!(seal.open(&scope, &seal.seal(&scope, &position)), Some(position));
        }

        #[test]
        fn another_scope_or_key_or_byte_opens_nothing(position in position(), at in any::<prop::sample::Index>(), bit in 0_u8..8) {
            let seal = Seal::new(b"key");
            let cursor = seal.seal("list_pwts", &position);
            prop_assert_eq!(seal.open("list_pwts?level=EASY", &cursor), None);
            prop_assert_eq!(Seal::new(b"other").open("list_pwts", &cursor), None);
            let mut bytes = BASE64_URL_SAFE_NO_PAD.decode(&cursor).unwrap();
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            prop_assert_eq!(seal.open("list_pwts", &BASE64_URL_SAFE_NO_PAD.encode(bytes)), None);
        }

        #[test]
        fn anything_else_opens_nothing(cursor in "\\PC{0,80}") {
            prop_assert_eq!(Seal::new(b"key").open("list_pwts", &cursor), None);
        }
    }
}
