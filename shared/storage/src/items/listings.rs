use domain::{boards::Category, forums::Forum, ids::PostId, text::PostTitle, time::Time};
use serde::{Deserialize, Serialize};

use super::{
    Stored,
    posts::{Card, Counts, Post},
};
use crate::{
    Write,
    keys::{self, Key, Keys, ListedBy},
};

/// A post in a list that its own index keys leave no room for: what lists show of it, copied from the post by the
/// table's stream. It hangs on the post.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct Listing<F: Forum> {
    id: PostId,
    title: PostTitle,
    category: Category,
    card: Card<F>,
    counts: Counts,
    created_at: Time,
    version: u64,
    /// Of the post that this is a copy of; 0 where it was read from a list index.
    #[serde(default)]
    pub rev: u64,
    /// In which list. Its key says it.
    #[serde(skip)]
    by: ListedBy,
}

impl<F: Forum> Stored for Listing<F> {
    const TYPE: &'static str = "LISTING";

    fn keys(&self) -> Keys {
        let (board, published) = (F::BOARD, self.created_at);
        Keys {
            gsi1: Some(keys::listed_post(board, None, self.by, (self.counts.likes, published, self.id))),
            gsi3: Some(keys::listed_post(board, Some(self.category), self.by, (self.counts.likes, published, self.id))),
            ..Keys::of(keys::listing(board, self.id, self.by))
        }
    }
}

impl<F: Forum> Post<F> {
    /// What puts the post as it is into a list, or takes it out of one, if it is not there as it should be.
    /// `rev` is of the copy that is there.
    pub fn list(&self, by: ListedBy, rev: Option<u64>) -> Option<Write> {
        let belongs = match by {
            ListedBy::Likes => true,
            ListedBy::Unanswered => self.counts.comments == 0,
        };
        match rev {
            Some(_) if !belongs => Some(Write::delete(keys::listing(F::BOARD, self.id, by))),
            Some(rev) if rev >= self.rev => None,
            None if !belongs => None,
            Some(_) | None => Some(Write::put(&self.listing(by))),
        }
    }

    /// Requires that the post is still as it was read, counts and all.
    pub fn unmoved(&self) -> Write {
        Write::check(keys::post(F::BOARD, self.id)).if_is("rev", self.rev)
    }

    fn listing(&self, by: ListedBy) -> Listing<F> {
        Listing {
            id: self.id,
            title: self.title.clone(),
            category: self.category,
            card: self.card.clone(),
            counts: self.counts,
            created_at: self.created_at,
            version: self.version,
            rev: self.rev,
            by,
        }
    }
}

impl<F: Forum> From<Listing<F>> for Post<F> {
    fn from(listing: Listing<F>) -> Self {
        let Listing { id, title, category, card, counts, created_at, version, rev, by: _ } = listing;
        Self { id, title, content: None, category, files: vec![], card, counts, created_at, version, rev }
    }
}

/// The keys of a post and of its copies in every list.
pub fn listed_keys<F: Forum>(id: PostId) -> Vec<Key> {
    let copies = ListedBy::ALL.map(|by| keys::listing(F::BOARD, id, by));
    [keys::post(F::BOARD, id)].into_iter().chain(copies).collect()
}
