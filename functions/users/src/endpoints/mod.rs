pub mod get_me;
pub mod list_my_purchases;
