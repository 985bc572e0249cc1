//! What the boards that anybody posts on have in common: posts and comments, who may change them,
//! and how often one may write.
//!
//! Written once over [`Forum`](domain::forums::Forum). A domain says with a [`posts::PostView`] what its board shows, and
//! each of its endpoints calls one function from here with it.

pub mod attachments;
mod authors;
pub mod comments;
mod limits;
pub mod posts;
mod repeats;
mod sorts;

pub use authors::{AuthorView, Authors};
use domain::{boards::Board, ids::PostId};
pub use repeats::Under;
pub use sorts::Sort;

/// For how long caches may keep what everybody sees, in seconds.
const MAX_AGE: u32 = 5;

/// How often a change is worked out again because the post moved meanwhile.
pub const TRIES: usize = 5;

/// Where a post is.
pub fn location(board: Board, id: PostId) -> String {
    let boards = match board {
        Board::Community => "communities",
        Board::Party => "parties",
        Board::Pwt => "pwts",
        Board::Lecture => "lectures",
    };
    format!("/v1/{boards}/{id}")
}
