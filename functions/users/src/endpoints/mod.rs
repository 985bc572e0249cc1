pub mod get_me;
pub mod get_user;
pub mod list_my_purchases;
pub mod update_me;
