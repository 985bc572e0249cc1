//! The boards that anybody posts on: the community's questions and study parties.

use std::fmt::Debug;

use deserr::Deserr;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use utoipa::ToSchema;

use crate::{boards::Board, ids::CommentId};

/// A board that anybody posts and comments on, without approval. What such boards have in common
/// is written once, over this; what differs is in [`Forum::State`].
pub trait Forum: Copy + Debug + Send + Sync + 'static {
    /// Which board.
    const BOARD: Board;

    /// What its posts have beyond those of other boards: where they stand, and what that hangs on.
    type State: Clone + Debug + PartialEq + Serialize + DeserializeOwned + Send + Sync + 'static;

    /// How many people can join by a post, beside its author.
    fn places(_state: &Self::State) -> u32 {
        0
    }

    /// The state after a comment is gone, where the comment matters to it.
    fn without(_state: &Self::State, _comment: CommentId) -> Option<Self::State> {
        None
    }
}

/// The community board: questions and their answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Community;

/// Whether a question is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum CommunityStatus {
    /// 해결 안됨
    #[deserr(rename = "UNSOLVED")]
    Unsolved,
    /// 해결 완료
    #[deserr(rename = "SOLVED")]
    Solved,
}

/// Where a question stands. One with an accepted comment is solved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Question {
    /// Whether it is answered.
    pub status: CommunityStatus,
    /// The comment that its author accepted as the answer.
    pub accepted_comment_id: Option<CommentId>,
}

impl Question {
    /// A new question.
    pub const OPEN: Self = Self { status: CommunityStatus::Unsolved, accepted_comment_id: None };

    /// The question as its author marks it. What is unsolved has no accepted comment.
    #[must_use]
    pub fn marked(self, status: CommunityStatus) -> Self {
        match status {
            CommunityStatus::Solved => Self { status, ..self },
            CommunityStatus::Unsolved => Self::OPEN,
        }
    }

    /// The question with this accepted comment, or with none.
    #[must_use]
    pub fn answered_by(comment: Option<CommentId>) -> Self {
        comment.map_or(Self::OPEN, |id| Self { status: CommunityStatus::Solved, accepted_comment_id: Some(id) })
    }
}

impl Forum for Community {
    const BOARD: Board = Board::Community;
    type State = Question;

    fn without(question: &Question, comment: CommentId) -> Option<Question> {
        (question.accepted_comment_id == Some(comment)).then_some(Question::OPEN)
    }
}

/// The board of study parties.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Party;

/// Whether a study party takes applications.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum PartyStatus {
    /// 모집중
    #[deserr(rename = "RECRUITING")]
    Recruiting,
    /// 모집완료
    #[deserr(rename = "COMPLETED")]
    Completed,
}

/// Whom a party looks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recruitment {
    /// Whether it takes applications.
    pub status: PartyStatus,
    /// How many may join, beside the author.
    pub capacity: u32,
}

impl Forum for Party {
    const BOARD: Board = Board::Party;
    type State = Recruitment;

    fn places(recruitment: &Recruitment) -> u32 {
        recruitment.capacity
    }
}

/// Where somebody's application to a party stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Admission {
    /// 대기 중
    #[deserr(rename = "PENDING")]
    Pending,
    /// 수락: it has one of the party's places.
    #[deserr(rename = "ACCEPTED")]
    Accepted,
    /// 거절
    #[deserr(rename = "DECLINED")]
    Declined,
}

#[cfg(test)]
mod tests {
    use ulid::Ulid;

    use super::*;

    #[test]
    fn only_the_accepted_comment_matters_to_its_question() {
        let [accepted, other] = [1, 2].map(|n| CommentId::from(Ulid::from_parts(0, n)));
        let solved = Question::answered_by(Some(accepted));
        assert_eq!(Community::without(&solved, accepted), Some(Question::OPEN));
        assert_eq!(Community::without(&solved, other), None);
        let party = Recruitment { status: PartyStatus::Recruiting, capacity: 5 };
        assert_eq!((Party::without(&party, accepted), Party::places(&party)), (None, 5));
        assert_eq!(Community::places(&solved), 0);
    }

    #[test]
    fn what_is_unsolved_has_no_accepted_comment() {
        let accepted = CommentId::from(Ulid::from_parts(0, 1));
        let solved = Question::answered_by(Some(accepted));
        assert_eq!(solved.marked(CommunityStatus::Solved), solved);
        assert_eq!(solved.marked(CommunityStatus::Unsolved), Question::OPEN);
        let by_hand = Question::OPEN.marked(CommunityStatus::Solved);
        assert_eq!((by_hand.status, by_hand.accepted_comment_id), (CommunityStatus::Solved, None));
        assert_eq!(Question::answered_by(None), Question::OPEN);
    }
}
