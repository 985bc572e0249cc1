pub mod change_password;
pub mod get_jwks;
pub mod log_in;
pub mod log_out;
pub mod refresh_session;
pub mod sign_up;
pub mod withdraw_account;
