use domain::{
    boards::Board,
    ids::{PostId, UserId},
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::{
    Write,
    keys::{self, Key, Keys},
};

/// Somebody's like of a post: one for each user and post.
///
/// The post's count is the number of its likes that are marked as counted, because mark and count change together
/// or not at all. A like that was taken back stays until the post counts it no more.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Like {
    /// On which board.
    pub board: Board,
    /// Which post.
    pub post_id: PostId,
    /// Who likes it.
    pub user_id: UserId,
    /// Whether they still do.
    pub liked: bool,
    /// Whether the post counts it: the mark is there or not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub counted: bool,
    /// Since when they do, or did.
    pub since: Time,
}

impl Stored for Like {
    const TYPE: &'static str = "LIKE";

    fn keys(&self) -> Keys {
        Keys::of(self.key())
    }
}

impl Like {
    fn key(&self) -> Key {
        keys::like(self.board, self.post_id, self.user_id)
    }

    /// Likes a post, unless that is so.
    pub fn give(board: Board, post: PostId, user: UserId, now: Time) -> Write {
        Write::update(keys::like(board, post, user))
            .set("type", Self::TYPE)
            .set("board", board)
            .set("postId", post)
            .set("userId", user)
            .set("liked", true)
            .set("since", now)
            .if_absent_or_is("liked", false)
    }

    /// Likes it no more, where that was so.
    pub fn take_back(board: Board, post: PostId, user: UserId) -> Write {
        Write::update(keys::like(board, post, user)).set("liked", false).if_is("liked", true)
    }

    /// Marks it as counted, where it stands and is not.
    pub fn count(&self) -> Write {
        Write::update(self.key()).set("counted", true).if_is("liked", true).if_missing("counted")
    }

    /// Removes one that was taken back, counted or not as it was read.
    pub fn forget(&self) -> Write {
        let write = Write::delete(self.key()).if_is("liked", false);
        if self.counted { write.if_has("counted") } else { write.if_missing("counted") }
    }

    /// Counts `change` more likes on a post that is there.
    pub fn count_on_post(&self, change: i64) -> Write {
        let post = Write::update(keys::post(self.board, self.post_id));
        post.add("counts.likes", change).add("rev", 1).if_present()
    }
}
