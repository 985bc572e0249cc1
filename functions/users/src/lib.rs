//! What users see of themselves: their profile and what they bought.

mod app;
mod endpoints;

pub use app::App;
use devloop_http::{Operation, Route, mount};
use endpoints::{get_me, list_my_purchases};

/// The endpoints of this domain.
pub fn operations() -> Vec<Operation<App>> {
    vec![
        Operation::get("get_me", "/v1/users/me", "The caller's profile", get_me::get_me),
        Operation::get(
            "list_my_purchases",
            "/v1/users/me/purchases",
            "What the caller bought, newest first",
            list_my_purchases::list_my_purchases,
        ),
    ]
}

/// The endpoints, ready to be served.
pub fn routes(app: &App) -> Vec<Route> {
    mount(operations(), app)
}
