//! Operating DevLoop: health, the contract, and the answer to what no route answers.

mod app;
mod endpoints;
mod routes;

pub use app::App;
use devloop_http::{DEFAULT_ROUTE, Operation, Route, mount};
use endpoints::{answer_unknown_route, get_health, get_openapi};

/// The endpoints of this domain.
pub fn operations() -> Vec<Operation<App>> {
    vec![
        Operation::get(
            "get_health",
            "/v1/health",
            "Tells the build and whether each dependency answers",
            get_health::get_health,
        ),
        Operation::get("get_openapi", "/v1/openapi.json", "This document", get_openapi::get_openapi),
        Operation::get(
            "answer_unknown_route",
            DEFAULT_ROUTE,
            "Refuses unknown routes and methods",
            answer_unknown_route::answer_unknown_route,
        ),
    ]
}

/// The endpoints, ready to be served.
pub fn routes(app: &App) -> Vec<Route> {
    mount(operations(), app)
}
