//! Todos as members see them, and how a change of one can be refused.

use devloop_http::{IfMatch, stale};
use domain::{
    ids::{ScheduleId, TodoId, UserId},
    refusal::{Details, Reason, Refusal},
    text::{TodoContent, TodoTitle},
    time::Time,
};
use serde::Serialize;
use storage::{Table, WriteError, items::Todo, keys};
use utoipa::ToSchema;

use crate::members::ScheduleMember;

/// There is no such todo on this schedule.
pub const TODO_NOT_FOUND: Reason =
    Reason::not_found("TODO_NOT_FOUND", "존재하지 않는 할 일입니다.", "There is no such todo.");

/// One entry of a schedule.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "scheduleId": "01KB2M3N4P5Q6R7S8T9V0W1X2Z", "title": "1주차 코드 리뷰",
    "content": "- 과제 PR 올리기\n- 서로 리뷰하기", "start": "2026-12-07T10:00:00.000Z", "end": "2026-12-07T12:00:00.000Z",
    "creatorId": "01KB2M3N4P5Q6R7S8T9V0W1X30", "version": 1,
    "createdAt": "2026-11-23T09:00:00.000Z", "updatedAt": "2026-11-23T09:00:00.000Z",
}))]
pub struct TodoView {
    /// Its id.
    id: TodoId,
    /// On which schedule.
    schedule_id: ScheduleId,
    /// Its title.
    title: TodoTitle,
    /// Markdown source, possibly empty.
    content: TodoContent,
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

impl TodoView {
    /// What members see of a todo.
    pub fn of(todo: Todo) -> Self {
        Self {
            id: todo.id,
            schedule_id: todo.schedule_id,
            title: todo.title,
            content: todo.content.unwrap_or_default(),
            start: todo.start,
            end: todo.end,
            creator_id: todo.creator_id,
            version: todo.version,
            created_at: todo.created_at,
            updated_at: todo.updated_at,
        }
    }
}

/// One todo, as it is now.
pub async fn find(table: &Table, schedule: ScheduleId, id: TodoId) -> Result<Option<Todo>, storage::Error> {
    table.get_now(keys::todo(schedule, id)).await
}

/// Why a todo is left as it is.
#[derive(Debug, thiserror::Error)]
pub enum Untouched {
    #[error("no such todo")]
    NotFound,
    #[error("somebody else's todo")]
    NotTheirs,
    #[error("it is version {} by now", .0.version)]
    Stale(Box<Todo>),
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Untouched {
    /// What a failed condition on the version means.
    pub fn because(error: WriteError) -> Self {
        match error {
            WriteError::Unmet(Some(item)) => match storage::decode(item) {
                Ok(todo) => Self::Stale(Box::new(todo)),
                Err(error) => Self::Storage(error),
            },
            WriteError::Unmet(None) => Self::NotFound,
            WriteError::Storage(error) => Self::Storage(error),
        }
    }
}

impl Refusal for Untouched {
    const REASONS: &'static [Reason] = &[TODO_NOT_FOUND, Reason::FORBIDDEN, Reason::VERSION_CONFLICT];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => TODO_NOT_FOUND,
            Self::NotTheirs => Reason::FORBIDDEN,
            Self::Stale(_) => Reason::VERSION_CONFLICT,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotFound | Self::NotTheirs => Details::default(),
            Self::Stale(current) => {
                let view = TodoView::of(Todo::clone(current));
                stale(current.version, serde_json::to_value(view).unwrap_or_default())
            }
            Self::Storage(error) => error.details(),
        }
    }
}

/// The todo that a member means to change, if it is still the version that they saw.
pub async fn to_change(table: &Table, member: &ScheduleMember, id: TodoId, seen: IfMatch) -> Result<Todo, Untouched> {
    let todo = find(table, member.schedule(), id).await?.ok_or(Untouched::NotFound)?;
    if !member.may_change(&todo) {
        return Err(Untouched::NotTheirs);
    }
    if seen.is(todo.version) { Ok(todo) } else { Err(Untouched::Stale(Box::new(todo))) }
}
