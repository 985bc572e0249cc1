//! `POST /v1/schedules/{scheduleId}/todos`: adds a todo.

use deserr::Deserr;
use devloop_http::{Created, Json, Path};
use domain::{
    ids::ScheduleId,
    refusal::{Details, Reason, Refusal},
    text::{TodoContent, TodoTitle},
    time::Time,
    validation::FieldErrors,
};
use storage::{Error, Write, WriteError, items::Todo};
use utoipa::ToSchema;

use crate::{App, members::ScheduleMember, rules::check_span, todos::TodoView};

/// What is to be done.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({
    "title": "1주차 코드 리뷰", "content": "- 과제 PR 올리기\n- 서로 리뷰하기",
    "start": "2026-12-07T10:00:00Z", "end": "2026-12-07T12:00:00Z",
}))]
pub struct CreateTodo {
    /// One line.
    title: TodoTitle,
    /// Empty unless said otherwise.
    #[deserr(default)]
    #[schema(required = false)]
    content: TodoContent,
    /// When it begins.
    start: Time,
    /// Not before the start, and within 366 days of it.
    end: Time,
}

/// Why no todo was added.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Span(#[from] FieldErrors),
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[Reason::VALIDATION_FAILED];

    fn reason(&self) -> Reason {
        match self {
            Self::Span(errors) => errors.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Span(errors) => errors.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Writes version 1 of it.
pub async fn create_todo(
    app: App,
    member: ScheduleMember,
    (Path(schedule), Json(body)): (Path<ScheduleId>, Json<CreateTodo>),
) -> Result<Created<TodoView>, Refused> {
    check_span(body.start, body.end)?;
    let now = app.clock.now();
    let todo = Todo {
        id: app.ids.id(),
        schedule_id: schedule,
        title: body.title,
        content: Some(body.content),
        start: body.start,
        end: body.end,
        creator_id: member.user,
        version: 1,
        created_at: now,
        updated_at: now,
    };
    // A first try that arrives late must not undo a change made since.
    match app.table.write(Write::put(&todo).if_absent()).await {
        Ok(()) => {}
        Err(WriteError::Storage(error)) => return Err(error.into()),
        // Somebody else's new todo has the same id: another try gets another one.
        Err(WriteError::Unmet(_)) => return Err(Error::Busy { operation: "PutItem" }.into()),
    }
    let location = format!("/v1/schedules/{schedule}/todos/{}", todo.id);
    Ok(Created { location, version: Some(todo.version), body: TodoView::of(todo) })
}
