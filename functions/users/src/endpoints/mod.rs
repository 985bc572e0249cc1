pub mod get_me;
pub mod get_user;
pub mod list_my_purchases;
pub mod remove_profile_image;
pub mod set_profile_image;
pub mod update_me;
