//! `PATCH /v1/schedules/{scheduleId}/todos/{todoId}`: changes a todo, if it is still the version
//! that was seen.
//!
//! The version is the condition of the one write: of many changes of one version one succeeds.

use deserr::Deserr;
use devloop_http::{IfMatch, Json, PathPair, Versioned};
use domain::{
    ids::{ScheduleId, TodoId},
    refusal::{Details, Reason, Refusal},
    text::{TodoContent, TodoTitle},
    time::Time,
    validation::FieldErrors,
};
use storage::{Write, items::Todo};
use utoipa::ToSchema;

use crate::{
    App,
    members::ScheduleMember,
    rules::check_span,
    todos::{TODO_NOT_FOUND, TodoView, Untouched, to_change},
};

/// What changes; the rest stays.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "title": "1주차 코드 리뷰 (연기)", "start": "2026-12-08T10:00:00Z", "end": "2026-12-08T12:00:00Z" }))]
pub struct UpdateTodo {
    /// One line.
    #[deserr(default)]
    title: Option<TodoTitle>,
    /// Possibly empty.
    #[deserr(default)]
    content: Option<TodoContent>,
    /// When it begins.
    #[deserr(default)]
    start: Option<Time>,
    /// Not before the start, and within 366 days of it.
    #[deserr(default)]
    end: Option<Time>,
}

/// Why nothing changed.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Untouched(#[from] Untouched),
    #[error(transparent)]
    Span(#[from] FieldErrors),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] =
        &[TODO_NOT_FOUND, Reason::FORBIDDEN, Reason::VERSION_CONFLICT, Reason::VALIDATION_FAILED];

    fn reason(&self) -> Reason {
        match self {
            Self::Untouched(untouched) => untouched.reason(),
            Self::Span(errors) => errors.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Untouched(untouched) => untouched.details(),
            Self::Span(errors) => errors.details(),
        }
    }
}

/// Replaces the todo by its next version; its place in the calendar follows its start.
pub async fn update_todo(
    app: App,
    member: ScheduleMember,
    (PathPair(_, id), seen, Json(change)): (PathPair<ScheduleId, TodoId>, IfMatch, Json<UpdateTodo>),
) -> Result<Versioned<TodoView>, Refused> {
    let todo = to_change(&app.table, &member, id, seen).await?;
    let changed = Todo {
        title: change.title.unwrap_or(todo.title),
        content: change.content.or(todo.content),
        start: change.start.unwrap_or(todo.start),
        end: change.end.unwrap_or(todo.end),
        version: todo.version.saturating_add(1),
        updated_at: app.clock.now(),
        ..todo
    };
    check_span(changed.start, changed.end)?;
    let write = Write::put(&changed).if_is("version", todo.version);
    app.table.write(write).await.map_err(Untouched::because)?;
    Ok(Versioned { version: changed.version, body: TodoView::of(changed) })
}
