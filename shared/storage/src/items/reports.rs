use domain::{
    boards::Board,
    ids::{CommentId, PostId, ReportId, UserId},
    reports::{Complaint, Outcome, ReportState},
    text::ReportDetail,
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::{
    Write,
    keys::{self, Key, Keys},
};

/// A post, or a comment on one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Target {
    /// On which board.
    pub board: Board,
    /// Which post, or on which post.
    pub post_id: PostId,
    /// Which comment, if it is one.
    pub comment_id: Option<CommentId>,
}

impl Target {
    /// Where it is stored.
    pub fn key(&self) -> Key {
        match self.comment_id {
            Some(id) => keys::comment(self.board, self.post_id, id),
            None => keys::post(self.board, self.post_id),
        }
    }
}

/// Somebody says of a post or a comment that it should not be there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// Its id.
    pub id: ReportId,
    /// Who says so.
    pub user_id: UserId,
    /// Whether an admin has decided.
    pub state: ReportState,
    /// Whatever else lists show.
    pub card: ReportCard,
    /// When it was made.
    pub created_at: Time,
    /// Raised by every change.
    pub version: u64,
}

/// What lists show of a report beyond what the indexes name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportCard {
    /// Of what.
    pub target: Target,
    /// Who wrote that.
    pub author_id: UserId,
    /// What is wrong with it.
    pub complaint: Complaint,
    /// In the reporter's words.
    pub detail: Option<ReportDetail>,
    /// What an admin decided.
    pub outcome: Option<Outcome>,
    /// When.
    pub resolved_at: Option<Time>,
}

impl Stored for Report {
    const TYPE: &'static str = "REPORT";

    fn keys(&self) -> Keys {
        let since = self.card.resolved_at.unwrap_or(self.created_at);
        Keys { gsi1: Some(keys::report_by_state(self.state, since, self.id)), ..Keys::of(keys::report(self.id)) }
    }
}

impl Report {
    /// What keeps its maker from making another one of the same thing.
    pub fn guard(&self) -> ReportGuard {
        ReportGuard { user_id: self.user_id, target: self.card.target, report_id: self.id }
    }

    /// The report as it stands once it was decided on at `now`.
    #[must_use]
    pub fn resolved(&self, outcome: Outcome, now: Time) -> Self {
        let card = ReportCard { outcome: Some(outcome), resolved_at: Some(now), ..self.card.clone() };
        Self { state: ReportState::Resolved, card, version: self.version.saturating_add(1), ..self.clone() }
    }

    /// Forgets what its maker, who leaves, said in their own words. A decision that had read them is made anew.
    pub fn forget_detail(id: ReportId) -> Write {
        Write::update(keys::report(id)).remove("card.detail").add("version", 1).if_present()
    }

    /// Writes it where it still stands as in `read`.
    pub fn replace(&self, read: &Self) -> Write {
        Write::put(self).if_is("version", read.version)
    }
}

/// Which report somebody made of something.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ReportGuard {
    /// Who.
    pub user_id: UserId,
    /// Of what.
    pub target: Target,
    /// Which.
    pub report_id: ReportId,
}

impl Stored for ReportGuard {
    const TYPE: &'static str = "REPORT_GUARD";

    fn keys(&self) -> Keys {
        Keys::of(keys::report_guard(self.user_id, self.target.board, self.target.post_id, self.target.comment_id))
    }
}
