//! `POST /v1/reports`: shows admins a post or a comment that should not be there.
//!
//! One transaction writes the report, what keeps its maker from making another one of the same
//! thing, and the count against their limit. Who has reported it already is answered where that stands.

use deserr::Deserr;
use devloop_http::{Active, Created, Ensured, KeyRefused, MaybeIdempotent, Once};
use domain::{
    boards::Board,
    ids::{CommentId, PostId},
    quota::{TooMany, Window},
    refusal::{Details, Kind, Reason, Refusal},
    reports::{Complaint, ReportState},
    text::ReportDetail,
    validation::FieldErrors,
};
use storage::{
    Error, Tx, TxError, Write,
    items::{PostingWindow, Report, ReportCard, ReportGuard, Target},
    keys,
};
use utoipa::ToSchema;

use crate::{
    App,
    posts::is_open,
    reports::{Contents, ReportView},
};

/// What is reported.
#[derive(Clone, Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({
    "board": "COMMUNITY", "postId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "complaint": "SPAM",
    "detail": "같은 광고를 여러 번 올렸습니다.",
}))]
pub struct ReportContent {
    board: Board,
    /// The post, or the one that the comment is on.
    post_id: PostId,
    /// The comment, if it is one.
    #[deserr(default)]
    comment_id: Option<CommentId>,
    complaint: Complaint,
    /// For the admin who decides.
    #[deserr(default)]
    detail: Option<ReportDetail>,
}

/// Why nothing was reported.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such post or comment")]
    NotFound,
    #[error("the caller's own")]
    Own,
    #[error("too many reports in this hour")]
    TooMany(TooMany),
    #[error(transparent)]
    Key(#[from] KeyRefused),
    #[error(transparent)]
    Storage(#[from] Error),
}

const CONTENT_NOT_FOUND: Reason =
    Reason::not_found("CONTENT_NOT_FOUND", "존재하지 않는 글이나 댓글입니다.", "There is no such post or comment.");
const OWN_CONTENT: Reason = Reason::conflict(
    "OWN_CONTENT",
    "내가 쓴 글이나 댓글은 신고할 수 없습니다. 직접 수정하거나 삭제해 주세요.",
    "This is your own: change or delete it.",
);
const TOO_MANY_REQUESTS: Reason = Reason::new(
    Kind::TooManyRequests,
    "TOO_MANY_REQUESTS",
    "신고를 너무 자주 하고 있습니다. 잠시 후 다시 시도해 주세요.",
    "You are reporting too often; please try again later.",
);

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[CONTENT_NOT_FOUND, OWN_CONTENT, TOO_MANY_REQUESTS];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => CONTENT_NOT_FOUND,
            Self::Own => OWN_CONTENT,
            Self::TooMany(_) => TOO_MANY_REQUESTS,
            Self::Key(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotFound | Self::Own => Details::default(),
            Self::TooMany(too_many) => too_many.details(),
            Self::Key(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

const OPERATION: &str = "report_content";
const HOUR_SECONDS: u32 = 60 * 60;
/// How many an hour.
const MOST: u32 = 10;
/// How often it is looked for again that the caller has reported it.
const TRIES: usize = 3;

/// Which part did not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lost {
    Report,
    Limit,
}

/// Reports it, once for each key if there is one.
pub async fn report_content(
    app: App,
    reporter: Active,
    MaybeIdempotent { key, body }: MaybeIdempotent<ReportContent>,
) -> Result<Once<Ensured<ReportView>>, Refused> {
    let user = reporter.id();
    let work = Box::pin(report(&app, &reporter, body));
    match key {
        // A view is written as JSON in every answer; without a record a repeat finds the report.
        Some(key) => app.once((user, OPERATION, &key), work, |report| report.recorded().ok()).await,
        None => work.await.map(Once::Fresh),
    }
}

async fn report(app: &App, reporter: &Active, body: ReportContent) -> Result<Ensured<ReportView>, Refused> {
    let ReportContent { board, post_id, comment_id, complaint, detail } = body;
    let target = Target { board, post_id, comment_id };
    if !is_open(board) {
        return Err(Refused::NotFound);
    }
    for _ in 0..TRIES {
        let guard = keys::report_guard(reporter.id(), board, post_id, comment_id);
        // The post is looked for, too: comments of one that is gone are there for a while.
        let mut wanted = vec![keys::post(board, post_id)];
        wanted.extend(comment_id.map(|_| target.key()));
        let found = app.table.get_mixed_now(wanted).await?;
        let contents = Contents::of(&found)?;
        let post = Target { comment_id: None, ..target };
        contents.find(&post).ok_or(Refused::NotFound)?;
        let (author_id, _) = contents.find(&target).ok_or(Refused::NotFound)?;
        if author_id == reporter.id() {
            return Err(Refused::Own);
        }
        if let Some(guard) = app.table.get_now::<ReportGuard>(guard).await?
            && let Some(made) = app.table.get_now::<Report>(keys::report(guard.report_id)).await?
        {
            return Ok(Ensured::Found(ReportView::of(made)));
        }
        let now = app.clock.now();
        let card =
            ReportCard { target, author_id, complaint, detail: detail.clone(), outcome: None, resolved_at: None };
        let made = Report {
            id: app.ids.id(),
            user_id: reporter.id(),
            state: ReportState::Open,
            card,
            created_at: now,
            version: 1,
        };
        let window = Window::at(now, HOUR_SECONDS);
        let tx = Tx::once(app.ids.token())
            .and(Write::put(&made).if_absent(), Lost::Report)
            .and(Write::put(&made.guard()).if_absent(), Lost::Report)
            .and(PostingWindow::count(reporter.id(), "REPORT", window, MOST), Lost::Limit);
        match tx.commit(&app.table).await {
            Ok(()) => {
                let location = format!("/v1/admin/reports/{}", made.id);
                return Ok(Ensured::Created(Created { location, version: None, body: ReportView::of(made) }));
            }
            // Reported twice at once: look again.
            Err(TxError::Unmet(unmet)) if unmet.iter().any(|unmet| unmet.refusal == Lost::Report) => {}
            Err(TxError::Unmet(_)) => return Err(Refused::TooMany(window.used_up(MOST, now))),
            Err(TxError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(Error::Busy { operation: "TransactWriteItems" }.into())
}
