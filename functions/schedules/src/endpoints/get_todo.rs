//! `GET /v1/schedules/{scheduleId}/todos/{todoId}`: tells one todo.

use devloop_http::{PathPair, Versioned};
use domain::{
    ids::{ScheduleId, TodoId},
    refusal::{Details, Reason, Refusal},
};

use crate::{
    App,
    members::ScheduleMember,
    todos::{TODO_NOT_FOUND, TodoView, find},
};

/// Why no todo is told.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such todo")]
    NotFound,
    #[error(transparent)]
    Storage(#[from] storage::Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[TODO_NOT_FOUND];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => TODO_NOT_FOUND,
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

/// Reads it from the table itself, so that one's own write is seen.
pub async fn get_todo(
    app: App,
    member: ScheduleMember,
    PathPair(_, id): PathPair<ScheduleId, TodoId>,
) -> Result<Versioned<TodoView>, Refused> {
    let todo = find(&app.table, member.schedule(), id).await?.ok_or(Refused::NotFound)?;
    Ok(Versioned { version: todo.version, body: TodoView::of(todo) })
}
