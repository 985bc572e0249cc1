//! `$default`: what no route answers is refused as a problem, too.

use devloop_http::{Body, Head, Input, NoContent, Problem, Public, openapi::Description};
use domain::refusal::{Details, Kind, Reason, Refusal};

use crate::{App, routes::methods_of};

/// The path that was asked for.
#[derive(Debug)]
pub struct UnknownRoute {
    path: String,
}

impl Input for UnknownRoute {
    const REASONS: &'static [Reason] = &[];

    fn read(head: &Head, _: &mut Option<Body>) -> Result<Self, Problem> {
        Ok(Self { path: head.path.clone() })
    }

    fn describe(_: &mut Description) {}
}

/// There is no such route, or not for this method.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such route")]
    NotFound,
    #[error("another method is needed: {0}")]
    MethodNotAllowed(String),
}

const ROUTE_NOT_FOUND: Reason =
    Reason::not_found("ROUTE_NOT_FOUND", "존재하지 않는 주소입니다.", "There is no such route.");
const METHOD_NOT_ALLOWED: Reason = Reason::new(
    Kind::MethodNotAllowed,
    "METHOD_NOT_ALLOWED",
    "이 주소에서 허용되지 않는 메서드입니다.",
    "This route does not have this method.",
);

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[ROUTE_NOT_FOUND, METHOD_NOT_ALLOWED];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => ROUTE_NOT_FOUND,
            Self::MethodNotAllowed(_) => METHOD_NOT_ALLOWED,
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::NotFound => Details::default(),
            Self::MethodNotAllowed(methods) => Details { allow: Some(methods.clone()), ..Details::default() },
        }
    }
}

/// Always refuses.
pub async fn answer_unknown_route(_: App, _: Public, request: UnknownRoute) -> Result<NoContent, Refused> {
    let methods = methods_of(&request.path);
    Err(if methods.is_empty() { Refused::NotFound } else { Refused::MethodNotAllowed(methods.join(", ")) })
}
