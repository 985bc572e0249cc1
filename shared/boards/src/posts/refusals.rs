//! Why a post is not published, shown or changed.

use devloop_http::{KeyRefused, stale};
use domain::{
    attachments::{
        ATTACHMENT_FOR_ANOTHER_PURPOSE, ATTACHMENT_IN_USE, ATTACHMENT_NOT_FOUND, ATTACHMENT_NOT_READY, NotUsable,
    },
    ids::AttachmentId,
    quota::TooMany,
    refusal::{Details, Reason, Refusal},
};
use serde_json::Value;
use storage::Error;

use crate::{attachments::NotAttached, limits::TOO_MANY_REQUESTS};

/// There is no such post on this board.
pub const POST_NOT_FOUND: Reason =
    Reason::not_found("POST_NOT_FOUND", "존재하지 않는 글입니다.", "There is no such post.");

/// Places cannot be taken from people who have them.
pub const PLACES_TAKEN: Reason = Reason::conflict(
    "PLACES_TAKEN",
    "이미 참여한 사람보다 정원을 적게 줄일 수 없습니다.",
    "There cannot be fewer places than people who have one.",
);

/// Why nothing was posted.
#[derive(Debug, thiserror::Error)]
pub enum NotPosted {
    /// Too often.
    #[error("too many posts in this minute")]
    TooMany(TooMany),
    /// The key that it was sent under.
    #[error(transparent)]
    Key(#[from] KeyRefused),
    /// One of its files cannot be used.
    #[error("file {0}: {1}")]
    File(AttachmentId, NotUsable),
    /// The table.
    #[error(transparent)]
    Storage(#[from] Error),
}

impl From<NotAttached> for NotPosted {
    fn from(error: NotAttached) -> Self {
        match error {
            NotAttached::NotUsable(id, error) => Self::File(id, error),
            NotAttached::Storage(error) => Self::Storage(error),
        }
    }
}

impl Refusal for NotPosted {
    const REASONS: &'static [Reason] = &[
        TOO_MANY_REQUESTS, ATTACHMENT_NOT_FOUND, ATTACHMENT_NOT_READY, ATTACHMENT_IN_USE,
        ATTACHMENT_FOR_ANOTHER_PURPOSE,
    ];

    fn reason(&self) -> Reason {
        match self {
            Self::TooMany(_) => TOO_MANY_REQUESTS,
            Self::Key(error) => error.reason(),
            Self::File(_, error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::TooMany(too_many) => too_many.details(),
            Self::Key(error) => error.details(),
            Self::File(id, _) => Details::default().with("attachmentId", id.to_string()),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Why there is no post to show.
#[derive(Debug, thiserror::Error)]
pub enum NoPost {
    /// There is none.
    #[error("no such post")]
    NotFound,
    /// The table.
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for NoPost {
    const REASONS: &'static [Reason] = &[POST_NOT_FOUND];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => POST_NOT_FOUND,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotFound => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Why a post is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum Untouched {
    /// There is none.
    #[error("no such post")]
    NotFound,
    /// Somebody else's.
    #[error("somebody else's post")]
    Forbidden,
    /// Another version than the one that was seen: its number, and the present view.
    #[error("another version than the one that was seen")]
    Stale(u64, Value),
    /// People have the places that should go. Boards with places add [`PLACES_TAKEN`] to their reasons.
    #[error("{0} places are taken")]
    PlacesTaken(u32),
    /// One of its files cannot be used. Changes add the reasons of that to theirs.
    #[error("file {0}: {1}")]
    File(AttachmentId, NotUsable),
    /// The table.
    #[error(transparent)]
    Storage(#[from] Error),
}

impl From<NotAttached> for Untouched {
    fn from(error: NotAttached) -> Self {
        match error {
            NotAttached::NotUsable(id, error) => Self::File(id, error),
            NotAttached::Storage(error) => Self::Storage(error),
        }
    }
}

impl From<NoPost> for Untouched {
    fn from(none: NoPost) -> Self {
        match none {
            NoPost::NotFound => Self::NotFound,
            NoPost::Storage(error) => Self::Storage(error),
        }
    }
}

impl Refusal for Untouched {
    const REASONS: &'static [Reason] = &[POST_NOT_FOUND, Reason::FORBIDDEN, Reason::VERSION_CONFLICT];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => POST_NOT_FOUND,
            Self::Forbidden => Reason::FORBIDDEN,
            Self::Stale(..) => Reason::VERSION_CONFLICT,
            Self::PlacesTaken(_) => PLACES_TAKEN,
            Self::File(_, error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotFound | Self::Forbidden => Details::default(),
            Self::Stale(version, current) => stale(*version, current.clone()),
            Self::PlacesTaken(taken) => Details::default().with("taken", *taken),
            Self::File(id, _) => Details::default().with("attachmentId", id.to_string()),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Why a post was not changed.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct NotUpdated(#[from] Untouched);

impl Refusal for NotUpdated {
    const REASONS: &'static [Reason] = &[
        POST_NOT_FOUND,
        Reason::FORBIDDEN,
        Reason::VERSION_CONFLICT,
        ATTACHMENT_NOT_FOUND,
        ATTACHMENT_NOT_READY,
        ATTACHMENT_IN_USE,
        ATTACHMENT_FOR_ANOTHER_PURPOSE,
    ];

    fn reason(&self) -> Reason {
        self.0.reason()
    }

    fn details(&self) -> Details {
        self.0.details()
    }
}
