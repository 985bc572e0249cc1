//! Reports as their maker and admins see them.

use boards::{AuthorView, Authors};
use devloop_http::Edge;
use domain::{
    boards::Board,
    forums::{Community, Party},
    ids::{CommentId, PostId, ReportId, UserId},
    refusal::Reason,
    reports::{Complaint, Outcome, ReportState},
    text::ReportDetail,
    time::Time,
};
use serde::Serialize;
use storage::{
    Error, Item,
    items::{Comment, Post, Report, Target},
    pick_all,
};
use utoipa::ToSchema;

/// There is no such report.
pub const REPORT_NOT_FOUND: Reason =
    Reason::not_found("REPORT_NOT_FOUND", "존재하지 않는 신고입니다.", "There is no such report.");

/// A report.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X31", "board": "COMMUNITY", "postId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "commentId": null,
    "complaint": "SPAM", "detail": "같은 광고를 여러 번 올렸습니다.", "state": "OPEN", "outcome": null,
    "createdAt": "2026-11-24T00:00:00.000Z", "resolvedAt": null,
}))]
pub struct ReportView {
    id: ReportId,
    board: Board,
    post_id: PostId,
    /// The comment on the post that is meant, unless it is the post itself.
    #[schema(required)]
    comment_id: Option<CommentId>,
    complaint: Complaint,
    /// In the reporter's words.
    #[schema(required)]
    detail: Option<ReportDetail>,
    state: ReportState,
    /// What an admin decided.
    #[schema(required)]
    outcome: Option<Outcome>,
    created_at: Time,
    #[schema(required)]
    resolved_at: Option<Time>,
}

impl ReportView {
    /// What its maker sees.
    pub fn of(report: Report) -> Self {
        let Report { id, state, card, created_at, .. } = report;
        let Target { board, post_id, comment_id } = card.target;
        Self {
            id,
            board,
            post_id,
            comment_id,
            complaint: card.complaint,
            detail: card.detail,
            state,
            outcome: card.outcome,
            created_at,
            resolved_at: card.resolved_at,
        }
    }
}

/// A report with who made it, and of what.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X31", "board": "COMMUNITY", "postId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "commentId": null,
    "complaint": "SPAM", "detail": "같은 광고를 여러 번 올렸습니다.", "state": "OPEN", "outcome": null,
    "createdAt": "2026-11-24T00:00:00.000Z", "resolvedAt": null,
    "reporter": { "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "username": "김개발" },
    "author": { "id": "01KB2M3N4P5Q6R7S8T9V0W1X30", "username": "이코딩" }, "content": "지금 바로 구매하세요!",
}))]
pub struct AdminReportView {
    #[serde(flatten)]
    report: ReportView,
    /// Who made it.
    reporter: AuthorView,
    /// Who wrote what is meant.
    author: AuthorView,
    /// What is meant, as it is now: Markdown source. Null once it is gone.
    #[schema(required)]
    content: Option<String>,
}

/// Reports as admins see them, with all that is read for it in two batches.
pub async fn views(app: &Edge, reports: Vec<Report>) -> Result<Vec<AdminReportView>, Error> {
    let mut targets: Vec<Target> = vec![];
    for target in reports.iter().map(|report| report.card.target) {
        // One batch may name a key only once.
        if !targets.contains(&target) {
            targets.push(target);
        }
    }
    let found = app.table.get_mixed(targets.iter().map(Target::key)).await?;
    let people = reports.iter().flat_map(|report| [report.user_id, report.card.author_id]);
    let authors = Authors::read(&app.table, people).await?;
    let contents = Contents::of(&found)?;
    let view = |report: Report| AdminReportView {
        reporter: authors.view(report.user_id),
        author: authors.view(report.card.author_id),
        content: contents.find(&report.card.target).map(|(_, content)| content),
        report: ReportView::of(report),
    };
    Ok(reports.into_iter().map(view).collect())
}

/// What can be reported, as it was read.
pub struct Contents {
    questions: Vec<Post<Community>>,
    parties: Vec<Post<Party>>,
    comments: Vec<Comment>,
}

impl Contents {
    /// Those among items of several kinds.
    pub fn of(found: &[Item]) -> Result<Self, Error> {
        Ok(Self { questions: pick_all(found)?, parties: pick_all(found)?, comments: pick_all(found)? })
    }

    /// Who wrote one of them, and what; none if it is not there.
    pub fn find(&self, target: &Target) -> Option<(UserId, String)> {
        if let Some(id) = target.comment_id {
            let comment = self.comments.iter().find(|comment| comment.id == id)?;
            return Some((comment.author_id, comment.content.as_str().to_owned()));
        }
        let text =
            |content: Option<&domain::text::PostContent>| content.map_or("", |content| content.as_str()).to_owned();
        match target.board {
            Board::Community => {
                let post = self.questions.iter().find(|post| post.id == target.post_id)?;
                Some((post.card.author_id, text(post.content.as_ref())))
            }
            Board::Party => {
                let post = self.parties.iter().find(|post| post.id == target.post_id)?;
                Some((post.card.author_id, text(post.content.as_ref())))
            }
            Board::Pwt | Board::Lecture => None,
        }
    }
}
