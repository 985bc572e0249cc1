use std::fmt::Debug;

use domain::{
    boards::{Board, Category},
    forums::Forum,
    ids::{CommentId, PostId, UserId},
    quota::Window,
    text::{CommentContent, PostContent, PostTitle, Tags},
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::{PublicFile, Stored};
use crate::{
    Write,
    keys::{self, Keys},
};

/// A post on a board that anybody posts on. Lists read it without its content.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct Post<F: Forum> {
    /// Its id.
    pub id: PostId,
    /// Its title.
    pub title: PostTitle,
    /// Markdown; absent where it was read from a list index.
    pub content: Option<PostContent>,
    /// What it is about.
    pub category: Category,
    /// What is attached to it; absent where it was read from a list index.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<PublicFile>,
    /// Whatever else lists show.
    pub card: Card<F>,
    /// What is counted of it by others than its author.
    pub counts: Counts,
    /// When it was made, which is when it became public.
    pub created_at: Time,
    /// Raised by every change of the post itself: what `If-Match` names.
    pub version: u64,
    /// Raised by every change and every count; 0 where it was read from a list index.
    #[serde(default)]
    pub rev: u64,
}

/// What lists show of a post beyond what the indexes name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", bound = "")]
pub struct Card<F: Forum> {
    /// Who wrote it.
    pub author_id: UserId,
    /// What it is found by.
    pub tags: Tags,
    /// When its author changed it last.
    pub edited_at: Option<Time>,
    /// What only its board's posts have.
    #[serde(flatten)]
    pub state: F::State,
}

/// What is counted of a post. Counting raises `rev`, not `version`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Comments on it: kept with each comment's own transaction.
    #[serde(default)]
    pub comments: u32,
    /// Places that nobody has yet: kept with each acceptance's own transaction.
    #[serde(default)]
    pub places: u32,
    /// People who like it: follows the likes by the table's stream.
    #[serde(default)]
    pub likes: u32,
}

impl<F: Forum> Stored for Post<F> {
    const TYPE: &'static str = F::BOARD.as_str();

    fn keys(&self) -> Keys {
        let (board, published) = (F::BOARD, self.created_at);
        Keys {
            gsi1: Some(keys::public_post(board, published, self.id)),
            gsi2: Some(keys::post_of(self.card.author_id, board, self.id)),
            gsi3: Some(keys::public_post_in_category(board, self.category, published, self.id)),
            ..Keys::of(keys::post(board, self.id))
        }
    }
}

impl<F: Forum> Post<F> {
    /// Writes all that its author may change, where the post is still as `seen`. Places that are
    /// more or fewer than then are added or taken away, as long as nobody has them.
    pub fn revise(&self, seen: &Self) -> Write {
        let Keys { key, gsi3, .. } = self.keys();
        let write = Write::update(key)
            .set("title", &self.title)
            .set("content", &self.content)
            .set("category", self.category)
            .set("files", &self.files)
            .set("card", &self.card)
            .set("version", self.version)
            .add("rev", 1)
            .set_or_remove("gsi3pk", gsi3.as_ref().map(|index| &index.pk))
            .set_or_remove("gsi3sk", gsi3.as_ref().map(|index| &index.sk))
            .if_is("version", seen.version);
        let places = |post: &Self| i64::from(F::places(&post.card.state));
        let more = places(self).saturating_sub(places(seen));
        if more == 0 {
            return write;
        }
        write.add("counts.places", more).if_at_least("counts.places", more.saturating_neg().max(0))
    }

    /// Puts its state where `card` has it, where the post is still as it was read.
    pub fn stand(&self, state: &F::State) -> Write {
        let card = Card::<F> { state: state.clone(), ..self.card.clone() };
        self.unchanged().set("card", card).add("version", 1).add("rev", 1)
    }

    /// Changes nothing but counts, where the post is still as it was read.
    pub fn unchanged(&self) -> Write {
        Write::update(keys::post(F::BOARD, self.id)).if_is("version", self.version)
    }

    /// Deletes it where it is still as it was read, but for counts. What hangs on it goes later.
    pub fn delete(&self) -> Write {
        Write::delete(keys::post(F::BOARD, self.id)).if_is("version", self.version)
    }

    /// Counts `change` more comments on a post that is there.
    pub fn count_comment(id: PostId, change: i64) -> Write {
        Write::update(keys::post(F::BOARD, id)).add("counts.comments", change).add("rev", 1).if_present()
    }

    /// Takes one of the places that nobody has.
    pub fn take_place(id: PostId) -> Write {
        Write::update(keys::post(F::BOARD, id)).add("counts.places", -1).add("rev", 1).if_at_least("counts.places", 1)
    }

    /// Gives a place back to a post that is there.
    pub fn give_place(id: PostId) -> Write {
        Write::update(keys::post(F::BOARD, id)).add("counts.places", 1).add("rev", 1).if_present()
    }
}

/// A comment on a post.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Comment {
    /// Its id.
    pub id: CommentId,
    /// On which board.
    pub board: Board,
    /// On which post.
    pub post_id: PostId,
    /// Who wrote it.
    pub author_id: UserId,
    /// Markdown.
    pub content: CommentContent,
    /// When it was written.
    pub created_at: Time,
    /// When its writer changed it last.
    pub edited_at: Option<Time>,
    /// Raised by every change.
    pub version: u64,
}

impl Stored for Comment {
    const TYPE: &'static str = "COMMENT";

    fn keys(&self) -> Keys {
        Keys::of(self.key())
    }
}

impl Comment {
    fn key(&self) -> keys::Key {
        keys::comment(self.board, self.post_id, self.id)
    }

    /// Requires that it is there.
    pub fn exists(board: Board, post: PostId, id: CommentId) -> Write {
        Write::check(keys::comment(board, post, id)).if_present()
    }

    /// Writes what its writer may change, where it is still at version `seen`.
    pub fn revise(&self, seen: u64) -> Write {
        Write::update(self.key())
            .set("content", &self.content)
            .set("editedAt", self.edited_at)
            .set("version", self.version)
            .if_is("version", seen)
    }

    /// Deletes it where it is still as it was read.
    pub fn delete(&self) -> Write {
        Write::delete(self.key()).if_is("version", self.version)
    }
}

/// How often a user posted something of one kind in a window of time.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PostingWindow {
    /// Who.
    pub user_id: UserId,
    /// What.
    pub kind: String,
    /// When the window opened.
    pub since: Time,
    /// How often.
    pub times: u32,
}

impl Stored for PostingWindow {
    const TYPE: &'static str = "POSTING_WINDOW";

    fn keys(&self) -> Keys {
        Keys::of(keys::posting_window(self.user_id, &self.kind, self.since))
    }
}

impl PostingWindow {
    /// Counts once more, unless it is `limit` already. The count may go when the window is long over.
    pub fn count(user: UserId, kind: &str, window: Window, limit: u32) -> Write {
        Write::update(keys::posting_window(user, kind, window.since))
            .set("type", Self::TYPE)
            .set("userId", user)
            .set("kind", kind)
            .set("since", window.since)
            .set("ttl", window.ends().plus_seconds(60 * 60).unix_seconds())
            .add("times", 1)
            .if_missing_or_at_most("times", limit.saturating_sub(1))
    }
}
