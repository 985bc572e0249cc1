//! `POST /v1/schedules/{scheduleId}/todos`: adds a todo.

use deserr::Deserr;
use devloop_http::{Created, IdempotencyKey, KeyRefused, MaybeIdempotent, Once, Path};
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
    Key(#[from] KeyRefused),
    #[error("the answer could not be written: {0}")]
    Unwritable(#[from] serde_json::Error),
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[Reason::VALIDATION_FAILED];

    fn reason(&self) -> Reason {
        match self {
            Self::Span(errors) => errors.reason(),
            Self::Key(error) => error.reason(),
            Self::Unwritable(_) => Reason::INTERNAL,
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Span(errors) => errors.details(),
            Self::Key(error) => error.details(),
            Self::Unwritable(_) => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

const OPERATION: &str = "create_todo";

/// Writes version 1 of it, once for each key if there is one.
pub async fn create_todo(
    app: App,
    member: ScheduleMember,
    (Path(schedule), MaybeIdempotent { key, body }): (Path<ScheduleId>, MaybeIdempotent<CreateTodo>),
) -> Result<Once<Created<TodoView>>, Refused> {
    let work = Box::pin(create(&app, &member, schedule, key.as_ref(), body));
    app.recorded((member.user, OPERATION, key.as_ref()), work).await
}

async fn create(
    app: &App,
    member: &ScheduleMember,
    schedule: ScheduleId,
    key: Option<&IdempotencyKey>,
    body: CreateTodo,
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
    let write = Write::put(&todo).if_absent();
    let location = format!("/v1/schedules/{schedule}/todos/{}", todo.id);
    let created = Created { location, version: Some(todo.version), body: TodoView::of(todo) };
    let answer = key.map(|_| created.recorded()).transpose()?;
    let record = key.zip(answer).map(|(key, answer)| key.succeed(member.user, OPERATION, answer, now));
    match app.write_recorded(write, record).await {
        Ok(()) => Ok(created),
        Err(WriteError::Storage(error)) => Err(error.into()),
        // The key has a record meanwhile, or somebody else's new todo has the same id: another try tells.
        Err(WriteError::Unmet(_)) => Err(Error::Busy { operation: "PutItem" }.into()),
    }
}
