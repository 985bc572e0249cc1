//! `GET /v1/schedules/{scheduleId}/todos`: the todos that overlap a range, by their start.

use deserr::Deserr;
use devloop_http::{BadCursor, Cursor, Json, Limit, ListScope, ListView, Path, Query};
use domain::{
    ids::{ScheduleId, TodoId, UserId},
    refusal::{Details, Reason, Refusal},
    text::TodoTitle,
    time::Time,
    validation::FieldErrors,
};
use serde::Serialize;
use storage::{cursor::Position, items::Todo, keys};
use utoipa::ToSchema;

use crate::{App, members::ScheduleMember, rules::Range};

/// Which part of the calendar.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct ListTodos {
    /// The first instant: now, or 31 days before `to`, unless said otherwise.
    #[deserr(default)]
    from: Option<Time>,
    /// The last instant: 31 days after `from` unless said otherwise, at most 366.
    #[deserr(default)]
    to: Option<Time>,
    #[deserr(default)]
    #[schema(required = false)]
    limit: Limit,
    #[deserr(default)]
    cursor: Option<Cursor>,
}

/// A todo in a calendar: all but its content.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "title": "1주차 코드 리뷰",
    "start": "2026-12-07T10:00:00.000Z", "end": "2026-12-07T12:00:00.000Z",
    "creatorId": "01KB2M3N4P5Q6R7S8T9V0W1X30", "version": 1,
    "createdAt": "2026-11-23T09:00:00.000Z", "updatedAt": "2026-11-23T09:00:00.000Z",
}))]
pub struct CalendarEntry {
    /// Its id.
    id: TodoId,
    /// Its title.
    title: TodoTitle,
    /// When it begins.
    start: Time,
    /// When it ends.
    end: Time,
    /// Who made it.
    creator_id: UserId,
    /// What `If-Match` names.
    version: u64,
    /// When it was made.
    created_at: Time,
    /// When it was changed last.
    updated_at: Time,
}

impl CalendarEntry {
    fn of(todo: Todo) -> Self {
        Self {
            id: todo.id,
            title: todo.title,
            start: todo.start,
            end: todo.end,
            creator_id: todo.creator_id,
            version: todo.version,
            created_at: todo.created_at,
            updated_at: todo.updated_at,
        }
    }
}

/// Why nothing is listed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Range(#[from] FieldErrors),
    #[error(transparent)]
    Cursor(#[from] BadCursor),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[Reason::VALIDATION_FAILED, BadCursor::REASON];

    fn reason(&self) -> Reason {
        match self {
            Self::Range(errors) => errors.reason(),
            Self::Cursor(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Range(errors) => errors.details(),
            Self::Cursor(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

const FROM: &str = "from";
const TO: &str = "to";

/// The range that the page before was of. Without it, "from now on" would move between pages.
fn noted(position: &mut Position) -> Option<Range> {
    let mut time = |name| position.remove(name)?.parse().ok();
    Some(Range { from: time(FROM)?, to: time(TO)? })
}

fn note(range: Range, mut position: Position) -> Position {
    position.extend([(FROM.to_owned(), range.from.to_string()), (TO.to_owned(), range.to.to_string())]);
    position
}

/// Reads those that begin within a todo's greatest span before the range, and drops those that
/// end before it.
pub async fn list_todos(
    app: App,
    member: ScheduleMember,
    (Path(schedule), Query(query)): (Path<ScheduleId>, Query<ListTodos>),
) -> Result<Json<ListView<CalendarEntry>>, Refused> {
    let scope = ListScope::new("list_todos", member.schedule(), (query.from, query.to));
    let mut after = app.position(&scope, query.cursor.as_ref())?;
    let range = match after.as_mut().and_then(noted) {
        Some(range) => range,
        None => Range::asked(query.from, query.to, app.clock.now())?,
    };
    let (first, last) = keys::todos_between(range.earliest_start(), range.to);
    let calendar = storage::Query::index("gsi1", keys::schedule_partition(schedule)).between(first, last);
    let reaches = |todo: &Todo| range.is_reached_by(todo.end);
    let mut page = app.table.page(&calendar, after, query.limit.get(), reaches).await?;
    page.next = page.next.map(|position| note(range, position));
    Ok(Json(app.list(&scope, page.map(CalendarEntry::of))))
}
