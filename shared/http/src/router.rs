//! Routes on axum, which matches paths; everything else about a request is ours.

use std::net::SocketAddr;

use axum::{
    Router,
    extract::{ConnectInfo, FromRequestParts, RawPathParams, Request},
    response::{IntoResponse, Response},
    routing::{MethodFilter, on},
};
use domain::refusal::{Kind, Reason};
use http::{HeaderName, Method, StatusCode};
use http_body_util::{BodyExt, Limited};
use lambda_http::request::RequestContext;

use crate::{
    Answer, Body, ClientAddress, DEFAULT_ROUTE, Head, Language, Problem, Route, input::BODY_TOO_LARGE,
    request::MAX_BODY,
};

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const ROUTE_NOT_FOUND: Reason =
    Reason::not_found("ROUTE_NOT_FOUND", "존재하지 않는 주소입니다.", "There is no such route.");
const UNREADABLE_BODY: Reason =
    Reason::new(Kind::Invalid, "MALFORMED_JSON", "본문을 읽을 수 없습니다.", "The body could not be read.");

/// A router of these routes. What none of them answers goes to the [`DEFAULT_ROUTE`] among them,
/// or is answered 404.
pub fn router(routes: Vec<Route>) -> Router {
    let (defaults, named): (Vec<_>, Vec<_>) = routes.into_iter().partition(|route| route.path == DEFAULT_ROUTE);
    let mut paths = Router::new();
    for route in named {
        let Ok(method) = MethodFilter::try_from(route.method.clone()) else { continue };
        let default = defaults.first().cloned();
        let path = route.path;
        paths = paths.route(
            path,
            on(method, move |request: Request| {
                // axum lets GET answer HEAD, the gateway does not.
                let other = if request.method() == route.method { Some(route.clone()) } else { default.clone() };
                dispatch(other, request)
            }),
        );
    }
    let default = defaults.into_iter().next();
    let fallback = move |request: Request| dispatch(default.clone(), request);
    paths.method_not_allowed_fallback(fallback.clone()).fallback(fallback)
}

async fn dispatch(route: Option<Route>, request: Request) -> Response {
    let Some(route) = route else {
        let problem = serde_json::json!({
            "type": "urn:devloop:problem:ROUTE_NOT_FOUND",
            "title": "Not Found",
            "status": 404,
            "code": ROUTE_NOT_FOUND.code,
            "detail": ROUTE_NOT_FOUND.ko,
            "instance": request.uri().path(),
        });
        let mut answer = Answer::json(StatusCode::NOT_FOUND, &problem);
        answer.set(http::header::CONTENT_TYPE, "application/problem+json");
        return answer.into_response();
    };
    let (mut parts, body) = request.into_parts();
    let parameters = RawPathParams::from_request_parts(&mut parts, &()).await;
    let parameters: Vec<(String, String)> = parameters.map_or_else(
        |_not_utf8| vec![],
        |all| all.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
    );
    let gateway = match parts.extensions.get::<RequestContext>() {
        Some(RequestContext::ApiGatewayV2(context)) => Some(context),
        _ => None,
    };
    let address = match (gateway, parts.extensions.get::<ClientAddress>()) {
        (Some(context), _) => context.http.source_ip.as_deref().and_then(|ip| ip.parse().ok()),
        (None, Some(ClientAddress(address))) => Some(*address),
        (None, None) => parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip()),
    };
    let request_id = gateway.and_then(|context| context.request_id.clone()).unwrap_or_else(|| route.ids.token());
    let head = Head {
        operation: route.id,
        request_id: request_id.clone(),
        now: route.clock.now(),
        language: Language::of(&parts.headers),
        address,
        path: if route.secret_path { route.path } else { parts.uri.path() }.to_owned(),
        parameters,
        query: parts.uri.query().unwrap_or("").to_owned(),
        headers: parts.headers,
    };
    let method = parts.method;
    let body = read(body, &method).await;
    let mut answer = if route.path == DEFAULT_ROUTE {
        let mut head = head;
        head.parameters = vec![("method".to_owned(), method.to_string())];
        (route.call)(head, body).await
    } else {
        (route.call)(head, body).await
    };
    answer.set(REQUEST_ID, &request_id);
    answer.into_response()
}

async fn read(body: axum::body::Body, method: &Method) -> Body {
    if method == Method::GET || method == Method::HEAD {
        return Body(Ok(bytes::Bytes::new()));
    }
    Body(match Limited::new(body, MAX_BODY).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<http_body_util::LengthLimitError>() => Err(Problem::new(BODY_TOO_LARGE)),
        Err(error) => Err(Problem { cause: Some(error.to_string()), ..Problem::new(UNREADABLE_BODY) }),
    })
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = Response::new(axum::body::Body::from(self.body));
        *response.status_mut() = self.status;
        *response.headers_mut() = self.headers;
        response
    }
}
