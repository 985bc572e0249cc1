//! How often one may write: so many posts and comments a minute, fewer while an account is new.

use domain::{
    quota::{TooMany, Window},
    refusal::{Kind, Reason},
    time::Time,
};
use storage::{
    Write,
    items::{PostingWindow, User},
};

/// Somebody writes faster than people do.
pub(crate) const TOO_MANY_REQUESTS: Reason = Reason::new(
    Kind::TooManyRequests,
    "TOO_MANY_REQUESTS",
    "글이나 댓글을 너무 자주 올리고 있습니다. 잠시 후 다시 시도해 주세요.",
    "You are posting too often; please try again shortly.",
);

const WINDOW_SECONDS: u32 = 60;

/// An account is new for a day.
const NEW_SECONDS: i64 = 24 * 60 * 60;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    /// Posts, on both boards together.
    Post,
    /// Comments, on both boards together.
    Comment,
}

impl Written {
    fn as_str(self) -> &'static str {
        match self {
            Self::Post => "POST",
            Self::Comment => "COMMENT",
        }
    }

    /// How many a minute.
    fn limit(self, is_new: bool) -> u32 {
        match (self, is_new) {
            (Self::Post, true) => 3,
            (Self::Comment, true) | (Self::Post, false) => 10,
            (Self::Comment, false) => 30,
        }
    }

    /// The write that counts one more of it by `author`, and what it means if that is refused.
    pub(crate) fn count(self, author: &User, now: Time) -> (Write, TooMany) {
        let limit = self.limit(now < author.created_at.plus_seconds(NEW_SECONDS));
        let window = Window::at(now, WINDOW_SECONDS);
        (PostingWindow::count(author.id, self.as_str(), window, limit), window.used_up(limit, now))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn new_accounts_write_less_and_comments_are_more_than_posts() {
        for written in [Written::Post, Written::Comment] {
            assert!(written.limit(true) < written.limit(false), "{written:?}");
        }
        for is_new in [true, false] {
            assert!(Written::Post.limit(is_new) < Written::Comment.limit(is_new), "{is_new}");
        }
    }
}
