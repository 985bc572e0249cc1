//! In which order a board is read.

use deserr::Deserr;
use serde::Serialize;
use storage::keys::ListedBy;
use utoipa::ToSchema;

/// In which order a board is read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema, Deserr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Sort {
    /// The newest first.
    #[default]
    #[deserr(rename = "NEWEST")]
    Newest,
    /// Those that most people like first, and of those the newest. Counts may be a moment old.
    #[deserr(rename = "MOST_LIKED")]
    MostLiked,
    /// Only those that nobody has commented on, the newest first. May be a moment old.
    #[deserr(rename = "UNANSWERED")]
    Unanswered,
}

impl Sort {
    /// The list that has the order, where it is not the board's own.
    pub(crate) fn list(self) -> Option<ListedBy> {
        match self {
            Self::Newest => None,
            Self::MostLiked => Some(ListedBy::Likes),
            Self::Unanswered => Some(ListedBy::Unanswered),
        }
    }
}
