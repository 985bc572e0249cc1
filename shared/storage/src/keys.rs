//! Every key string of the table. They are built here and nowhere else.

mod accounts;
mod boards;
mod files;
mod orders;
mod pwts;

use aws_lc_rs::digest;
use aws_sdk_dynamodb::types::AttributeValue;

pub use self::{accounts::*, boards::*, files::*, orders::*, pwts::*};
use crate::table::Item;

/// A primary key.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Key {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl Key {
    fn new(pk: String, sk: impl Into<String>) -> Self {
        Self { pk, sk: sk.into() }
    }

    /// The key of a whole item.
    pub fn of(item: &Item) -> Option<Self> {
        let part = |name| item.get(name)?.as_s().ok().cloned();
        Some(Self { pk: part("pk")?, sk: part("sk")? })
    }
}

impl From<Key> for Item {
    fn from(key: Key) -> Self {
        Self::from([("pk".to_owned(), AttributeValue::S(key.pk)), ("sk".to_owned(), AttributeValue::S(key.sk))])
    }
}

/// The keys of an item in one of the global indexes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IndexKey {
    /// Partition key.
    pub pk: String,
    /// Sort key.
    pub sk: String,
}

impl IndexKey {
    fn new(pk: impl Into<String>, sk: impl Into<String>) -> Self {
        Self { pk: pk.into(), sk: sk.into() }
    }
}

/// All keys of an item.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Keys {
    /// The primary key.
    pub key: Key,
    /// Lists and due work.
    pub gsi1: Option<IndexKey>,
    /// What a user owns.
    pub gsi2: Option<IndexKey>,
    /// Public posts by category.
    pub gsi3: Option<IndexKey>,
    /// When DynamoDB may delete the item, in epoch seconds.
    pub ttl: Option<i64>,
}

impl Keys {
    /// An item in no index that never expires.
    pub fn of(key: Key) -> Self {
        Self { key, gsi1: None, gsi2: None, gsi3: None, ttl: None }
    }
}

/// SHA-256 in hex: for keys that must not tell whose they are.
pub fn hashed(text: &str) -> String {
    hex::encode(digest::digest(&digest::SHA256, text.as_bytes()))
}

/// Something that others told us of, or that we did at theirs, and that is not to count twice.
pub fn seen(source: &str, id: &str) -> Key {
    Key::new(format!("EVENT#{source}#{id}"), "SEEN")
}

#[cfg(test)]
mod tests;
