//! Todos in a calendar: the part that is asked for, and several calendars in one.

use deserr::Deserr;
use devloop_http::{BadCursor, Cursor, Limit};
use domain::{
    ids::{ScheduleId, TodoId, UserId},
    refusal::{Details, Reason, Refusal},
    text::TodoTitle,
    time::Time,
    validation::FieldErrors,
};
use serde::Serialize;
use storage::{Page, cursor::Position, items::Todo, keys};
use utoipa::ToSchema;

use crate::rules::Range;

/// Which part of the calendar.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
pub struct CalendarQuery {
    /// The first instant: now, or 31 days before `to`, unless said otherwise.
    #[deserr(default)]
    pub from: Option<Time>,
    /// The last instant: 31 days after `from` unless said otherwise, at most 366.
    #[deserr(default)]
    pub to: Option<Time>,
    #[deserr(default)]
    #[schema(required = false)]
    pub limit: Limit,
    #[deserr(default)]
    pub cursor: Option<Cursor>,
}

/// A todo in a calendar: all but its content.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "scheduleId": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "title": "1주차 코드 리뷰",
    "start": "2026-12-07T10:00:00.000Z", "end": "2026-12-07T12:00:00.000Z",
    "creatorId": "01KB2M3N4P5Q6R7S8T9V0W1X30", "version": 1,
    "createdAt": "2026-11-23T09:00:00.000Z", "updatedAt": "2026-11-23T09:00:00.000Z",
}))]
pub struct CalendarEntry {
    /// Its id.
    id: TodoId,
    /// On which schedule.
    schedule_id: ScheduleId,
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
    /// What members see of a todo in a list.
    pub fn of(todo: Todo) -> Self {
        Self {
            id: todo.id,
            schedule_id: todo.schedule_id,
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
pub enum NotListed {
    #[error(transparent)]
    Range(#[from] FieldErrors),
    #[error(transparent)]
    Cursor(#[from] BadCursor),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Refusal for NotListed {
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

/// The range of a request: that of the page before, which is taken out of its position. Without
/// it, "from now on" would move between pages.
pub fn range(query: &CalendarQuery, after: &mut Option<Position>, now: Time) -> Result<Range, FieldErrors> {
    let noted = |position: &mut Position| {
        let mut time = |name| position.remove(name)?.parse().ok();
        Some(Range { from: time(FROM)?, to: time(TO)? })
    };
    match after.as_mut().and_then(noted) {
        Some(range) => Ok(range),
        None => Range::asked(query.from, query.to, now),
    }
}

/// Notes the range for the next page.
pub fn note(range: Range, mut position: Position) -> Position {
    position.extend([(FROM.to_owned(), range.from.to_string()), (TO.to_owned(), range.to.to_string())]);
    position
}

const SEEN: &str = "seen";

/// How far the page before had come in all calendars.
pub fn seen(after: &mut Option<Position>) -> Option<String> {
    after.as_mut()?.remove(SEEN)
}

/// One page of several calendars, by start: as far as each of them was read.
pub fn merged(calendars: Vec<Page<Todo>>, limit: usize) -> Page<Todo> {
    let read_until = |calendar: &Page<Todo>| calendar.next.as_ref()?.get("gsi1sk").cloned();
    let horizon = calendars.iter().filter_map(read_until).min();
    let place = |todo: Todo| (keys::todo_at(todo.schedule_id, todo.start, todo.id).sk, todo);
    let mut found: Vec<(String, Todo)> = calendars.into_iter().flat_map(|calendar| calendar.items).map(place).collect();
    found.retain(|(place, _)| horizon.as_ref().is_none_or(|horizon| place <= horizon));
    found.sort_by(|(one, _), (other, _)| one.cmp(other));
    let seen = if found.len() > limit {
        found.truncate(limit);
        found.last().map(|(place, _)| place.clone())
    } else {
        horizon
    };
    let next = seen.map(|seen| Position::from([(SEEN.to_owned(), seen)]));
    Page { items: found.into_iter().map(|(_, todo)| todo).collect(), next }
}
