//! Accounts: signing up, logging in and out, and the keys that prove it.

mod app;
mod endpoints;
mod log_in_windows;
mod passwords;
mod sessions;
mod withdrawal;

pub use app::App;
use devloop_http::{Operation, Route, mount};
use endpoints::{change_password, get_jwks, log_in, log_out, refresh_session, sign_up, withdraw_account};

/// The endpoints of this domain.
pub fn operations() -> Vec<Operation<App>> {
    vec![
        Operation::post("sign_up", "/v1/auth/signup", "Creates a local account", sign_up::sign_up),
        Operation::post("log_in", "/v1/auth/login", "Answers tokens for email and password", log_in::log_in),
        Operation::post(
            "refresh_session",
            "/v1/auth/refresh",
            "Rotates the refresh token",
            refresh_session::refresh_session,
        ),
        Operation::post("log_out", "/v1/auth/logout", "Revokes the family of a refresh token", log_out::log_out),
        Operation::put(
            "change_password",
            "/v1/auth/password",
            "Changes the password and ends the other sessions",
            change_password::change_password,
        ),
        Operation::post(
            "withdraw_account",
            "/v1/auth/withdraw",
            "Deletes the account and everything personal",
            withdraw_account::withdraw_account,
        ),
        Operation::get("get_jwks", "/.well-known/jwks.json", "The public keys of access tokens", get_jwks::get_jwks),
    ]
}

/// The endpoints, ready to be served.
pub fn routes(app: &App) -> Vec<Route> {
    mount(operations(), app)
}
