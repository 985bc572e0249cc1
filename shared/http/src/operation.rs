//! An operation: a route and the function that answers it.

use std::{future::Future, sync::Arc};

use domain::refusal::Refusal;
use futures::future::BoxFuture;
use http::Method;

use crate::{Answer, Body, Caller, Edge, Head, Input, Output, Problem, openapi::Description, problem};

type Handler<A> = Arc<dyn Fn(A, Head, Body) -> BoxFuture<'static, Answer> + Send + Sync>;

/// The path of the operation that answers what no route does.
pub const DEFAULT_ROUTE: &str = "$default";

/// One endpoint of a domain whose app is `A`.
pub struct Operation<A> {
    id: &'static str,
    method: Method,
    path: &'static str,
    summary: &'static str,
    handler: Handler<A>,
    describe: fn(&mut Description),
    secret_path: bool,
}

impl<A: AsRef<Edge> + Clone + Send + Sync + 'static> Operation<A> {
    fn new<C, I, O, R, F>(
        method: Method,
        id: &'static str,
        path: &'static str,
        summary: &'static str,
        endpoint: fn(A, C, I) -> F,
    ) -> Self
    where
        C: Caller<A> + 'static,
        I: Input + 'static,
        O: Output + 'static,
        R: Refusal,
        F: Future<Output = Result<O, R>> + Send + 'static,
    {
        let handler: Handler<A> = Arc::new(move |app, head, body| {
            Box::pin(async move {
                let mut user = None;
                let answered = answer::<A, C, I, O, R, F>(app, &head, body, endpoint, &mut user).await;
                let (answer, problem) = match answered {
                    Ok(output) => (output.answer(&head), None),
                    Err(problem) => {
                        let logged = (problem.reason.code, problem.cause.clone());
                        (problem.answer(&head), Some(logged))
                    }
                };
                log(&head, user, &answer, problem);
                answer
            })
        });
        Self { id, method, path, summary, handler, describe: describe::<A, C, I, O, R>, secret_path: false }
    }

    /// The same where a parameter of the path is a secret: whatever tells of a request names the
    /// route instead of its path.
    #[must_use]
    pub fn with_secret_path(self) -> Self {
        Self { secret_path: true, ..self }
    }

    /// `GET path`.
    pub fn get<C, I, O, R, F>(
        id: &'static str,
        path: &'static str,
        summary: &'static str,
        endpoint: fn(A, C, I) -> F,
    ) -> Self
    where
        C: Caller<A> + 'static,
        I: Input + 'static,
        O: Output + 'static,
        R: Refusal,
        F: Future<Output = Result<O, R>> + Send + 'static,
    {
        Self::new(Method::GET, id, path, summary, endpoint)
    }

    /// `POST path`.
    pub fn post<C, I, O, R, F>(
        id: &'static str,
        path: &'static str,
        summary: &'static str,
        endpoint: fn(A, C, I) -> F,
    ) -> Self
    where
        C: Caller<A> + 'static,
        I: Input + 'static,
        O: Output + 'static,
        R: Refusal,
        F: Future<Output = Result<O, R>> + Send + 'static,
    {
        Self::new(Method::POST, id, path, summary, endpoint)
    }

    /// `PUT path`.
    pub fn put<C, I, O, R, F>(
        id: &'static str,
        path: &'static str,
        summary: &'static str,
        endpoint: fn(A, C, I) -> F,
    ) -> Self
    where
        C: Caller<A> + 'static,
        I: Input + 'static,
        O: Output + 'static,
        R: Refusal,
        F: Future<Output = Result<O, R>> + Send + 'static,
    {
        Self::new(Method::PUT, id, path, summary, endpoint)
    }

    /// `PATCH path`.
    pub fn patch<C, I, O, R, F>(
        id: &'static str,
        path: &'static str,
        summary: &'static str,
        endpoint: fn(A, C, I) -> F,
    ) -> Self
    where
        C: Caller<A> + 'static,
        I: Input + 'static,
        O: Output + 'static,
        R: Refusal,
        F: Future<Output = Result<O, R>> + Send + 'static,
    {
        Self::new(Method::PATCH, id, path, summary, endpoint)
    }

    /// `DELETE path`.
    pub fn delete<C, I, O, R, F>(
        id: &'static str,
        path: &'static str,
        summary: &'static str,
        endpoint: fn(A, C, I) -> F,
    ) -> Self
    where
        C: Caller<A> + 'static,
        I: Input + 'static,
        O: Output + 'static,
        R: Refusal,
        F: Future<Output = Result<O, R>> + Send + 'static,
    {
        Self::new(Method::DELETE, id, path, summary, endpoint)
    }
}

async fn answer<A, C, I, O, R, F>(
    app: A,
    head: &Head,
    body: Body,
    endpoint: fn(A, C, I) -> F,
    user: &mut Option<domain::ids::UserId>,
) -> Result<O, Problem>
where
    A: AsRef<Edge> + Sync,
    C: Caller<A>,
    I: Input,
    R: Refusal,
    F: Future<Output = Result<O, R>> + Send,
{
    // Who calls comes first: a stranger learns nothing of what a body should look like.
    let caller = C::identify(&app, head).await?;
    *user = caller.user();
    let input = I::read(head, &mut Some(body))?;
    Ok(endpoint(app, caller, input).await?)
}

fn describe<A, C: Caller<A>, I: Input, O: Output, R: Refusal>(description: &mut Description) {
    if C::SIGNED_IN {
        description.needs_token();
    }
    description.refuses(C::REASONS);
    I::describe(description);
    O::describe(description);
    description.refuses(R::REASONS);
}

/// One line for each request: the only place that logs refusals.
fn log(
    head: &Head,
    user: Option<domain::ids::UserId>,
    answer: &Answer,
    problem: Option<(&'static str, Option<String>)>,
) {
    let (code, cause) = problem.unzip();
    let (code, cause) = (code.unwrap_or_default(), cause.flatten().unwrap_or_default());
    let user = user.map(|user| user.to_string()).unwrap_or_default();
    let (operation, request_id, status) = (head.operation, head.request_id.as_str(), answer.status.as_u16());
    if answer.status.is_server_error() {
        tracing::error!(operation, request_id, status, user, code, cause, "request");
    } else {
        tracing::info!(operation, request_id, status, user, code, cause, "request");
    }
}

/// An operation with its app: ready to be routed to.
#[derive(Clone)]
pub struct Route {
    /// Its operation id.
    pub id: &'static str,
    /// Its method; meaningless on [`DEFAULT_ROUTE`].
    pub method: Method,
    /// Its path, with `{parameters}`.
    pub path: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    pub(crate) call: Arc<dyn Fn(Head, Body) -> BoxFuture<'static, Answer> + Send + Sync>,
    pub(crate) clock: clock::Clock,
    pub(crate) ids: clock::Ids,
    pub(crate) secret_path: bool,
    describe: fn(&mut Description),
}

impl std::fmt::Debug for Route {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} ({})", self.method, self.path, self.id)
    }
}

impl Route {
    /// What the OpenAPI document says of it.
    pub fn description(&self) -> Description {
        let mut description = Description::new(self.path);
        (self.describe)(&mut description);
        // Every operation reads the table or could be overloaded.
        description.refuses(&[domain::refusal::Reason::INTERNAL, domain::refusal::Reason::BUSY]);
        description
    }
}

/// Gives each operation its app.
pub fn mount<A: AsRef<Edge> + Clone + Send + Sync + 'static>(operations: Vec<Operation<A>>, app: &A) -> Vec<Route> {
    mount_each(operations, |_operation| app.clone())
}

/// The routes of a domain whose operations do not all have the same: `app_of` one is what it is given.
pub fn mount_each<A: AsRef<Edge> + Clone + Send + Sync + 'static>(
    operations: Vec<Operation<A>>,
    app_of: impl Fn(&str) -> A,
) -> Vec<Route> {
    let route = |operation: Operation<A>| {
        let Operation { id, method, path, summary, handler, describe, secret_path } = operation;
        let app = app_of(id);
        let edge = app.as_ref();
        let (clock, ids) = (edge.clock.clone(), edge.ids.clone());
        Route {
            id,
            method,
            path,
            summary,
            call: Arc::new(move |head, body| handler(app.clone(), head, body)),
            clock,
            ids,
            secret_path,
            describe,
        }
    };
    operations.into_iter().map(route).collect()
}

/// The status of a reason, for the document.
pub(crate) fn status(reason: &domain::refusal::Reason) -> http::StatusCode {
    problem::status(reason.kind)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// A request for tests of inputs and problems.
    pub fn head(query: &str) -> Head {
        Head {
            operation: "test",
            request_id: "test".to_owned(),
            now: domain::time::Time::from_unix_millis(0),
            language: crate::Language::English,
            address: None,
            path: "/v1/test".to_owned(),
            parameters: vec![],
            query: query.to_owned(),
            headers: http::HeaderMap::new(),
        }
    }
}
