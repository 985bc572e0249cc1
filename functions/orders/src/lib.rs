//! Carts, orders and payments: one domain, because settling belongs to all of them.

mod app;

pub use app::{App, Terms};
use devloop_http::{Operation, Route, mount};

/// The endpoints of this domain.
pub fn operations() -> Vec<Operation<App>> {
    vec![]
}

/// The endpoints, ready to be served.
pub fn routes(app: &App) -> Vec<Route> {
    mount(operations(), app)
}
