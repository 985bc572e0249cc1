//! Profiles: what users see of themselves and of each other, and what they bought.

mod app;
mod endpoints;
mod images;
mod profiles;

pub use app::App;
use devloop_http::{Operation, Route, mount};
use endpoints::{get_me, get_user, list_my_purchases, remove_profile_image, set_profile_image, update_me};

/// The endpoints of this domain.
pub fn operations() -> Vec<Operation<App>> {
    vec![
        Operation::get("get_me", "/v1/users/me", "The caller's profile", get_me::get_me),
        Operation::patch("update_me", "/v1/users/me", "Changes the caller's username", update_me::update_me),
        Operation::put(
            "set_profile_image",
            "/v1/users/me/image",
            "Makes an uploaded picture the caller's",
            set_profile_image::set_profile_image,
        ),
        Operation::delete(
            "remove_profile_image",
            "/v1/users/me/image",
            "Takes the caller's picture away",
            remove_profile_image::remove_profile_image,
        ),
        Operation::get("get_user", "/v1/users/{userId}", "What everybody sees of a user", get_user::get_user),
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
