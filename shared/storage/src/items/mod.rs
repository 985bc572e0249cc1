//! What the table holds: one type per kind of item.

mod accounts;
mod applications;
mod attachments;
mod bookmarks;
mod cdn;
mod feeds;
mod idempotency;
mod ledger;
mod likes;
mod listings;
mod notes;
mod orders;
mod posts;
mod pwts;
mod refunds;
mod reports;
mod todos;
mod waitlist;

use aws_sdk_dynamodb::types::AttributeValue;
use serde::{Serialize, de::DeserializeOwned};

pub use self::{
    accounts::{EmailGuard, LogInWindow, Session, TutorApplication, User},
    applications::{Application, ApplicationCard},
    attachments::{Attachment, PublicFile},
    bookmarks::{Bookmark, BookmarkCard},
    cdn::{CountedInvalidation, ForgottenPaths},
    feeds::{Feed, FeedGuard},
    idempotency::{Answer, IdempotencyRecord, Progress},
    ledger::{LedgerEntry, MatchedUntil},
    likes::Like,
    listings::{Listing, listed_keys},
    notes::{Note, NoteKind},
    orders::{
        Buyer, CartLine, Deposit, Lapses, OpenOrder, Order, OrderLine, Payment, PaymentKeyGuard, Purchase, Settlement,
        Void,
    },
    posts::{Card, Comment, Counts, Post, PostingWindow},
    pwts::{Pwt, SaleFacts, SeatShard},
    refunds::{Refund, RefundRequest},
    reports::{Report, ReportCard, ReportGuard, Target},
    todos::Todo,
    waitlist::{Claim, Place, Waiter, Waitlist},
};
use crate::{
    Error,
    keys::{IndexKey, Keys},
    table::Item,
};

/// Something that is stored as one item.
pub trait Stored: Serialize + DeserializeOwned {
    /// The item's `type`.
    const TYPE: &'static str;

    /// Where it is stored and listed.
    fn keys(&self) -> Keys;
}

/// The item that stores `value`: its attributes, its type and its keys.
pub fn encode<T: Stored>(value: &T) -> Result<Item, Error> {
    let mut item: Item = serde_dynamo::to_item(value).map_err(|error| Error::Malformed(error.to_string()))?;
    let keys = value.keys();
    item.extend(Item::from(keys.key));
    item.insert("type".to_owned(), AttributeValue::S(T::TYPE.to_owned()));
    for (index, key) in [("gsi1", keys.gsi1), ("gsi2", keys.gsi2), ("gsi3", keys.gsi3)] {
        if let Some(IndexKey { pk, sk }) = key {
            item.insert(format!("{index}pk"), AttributeValue::S(pk));
            item.insert(format!("{index}sk"), AttributeValue::S(sk));
        }
    }
    if let Some(ttl) = keys.ttl {
        item.insert("ttl".to_owned(), AttributeValue::N(ttl.to_string()));
    }
    Ok(item)
}

/// The one item of a kind among items of several.
pub fn pick<T: Stored>(items: &[Item]) -> Result<Option<T>, Error> {
    of_kind::<T>(items).next().cloned().map(decode).transpose()
}

/// All items of a kind among items of several.
pub fn pick_all<T: Stored>(items: &[Item]) -> Result<Vec<T>, Error> {
    of_kind::<T>(items).cloned().map(decode).collect()
}

fn of_kind<T: Stored>(items: &[Item]) -> impl Iterator<Item = &Item> {
    items.iter().filter(|item| item.get("type").and_then(|kind| kind.as_s().ok()).is_some_and(|kind| kind == T::TYPE))
}

/// Reads an item of a known kind.
pub fn decode<T: Stored>(item: Item) -> Result<T, Error> {
    let kind = item.get("type").and_then(|kind| kind.as_s().ok()).map_or("nothing", String::as_str);
    if kind != T::TYPE {
        return Err(Error::Corrupt(format!("expected {}, found {kind}", T::TYPE)));
    }
    serde_dynamo::from_item(item).map_err(|error| Error::Corrupt(format!("{}: {error}", T::TYPE)))
}
