use domain::{
    boards::Board,
    ids::{PostId, UserId},
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::{
    Write,
    keys::{self, Keys},
};

/// A post that somebody wants to find again. It hangs on the post, and goes with it.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Bookmark {
    /// Whose.
    pub user_id: UserId,
    /// Of what.
    pub card: BookmarkCard,
    /// Since when.
    pub created_at: Time,
}

/// What a bookmark is of.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct BookmarkCard {
    /// On which board.
    pub board: Board,
    /// Which post.
    pub post_id: PostId,
}

impl Stored for Bookmark {
    const TYPE: &'static str = "BOOKMARK";

    fn keys(&self) -> Keys {
        let BookmarkCard { board, post_id } = self.card;
        Keys {
            gsi2: Some(keys::bookmark_of(self.user_id, self.created_at, post_id)),
            ..Keys::of(keys::bookmark(board, post_id, self.user_id))
        }
    }
}

impl Bookmark {
    /// Makes it, unless there is one.
    pub fn set(&self) -> Write {
        Write::put(self).if_absent()
    }
}
