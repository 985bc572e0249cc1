pub mod apply_as_tutor;
pub mod approve_tutor_application;
pub mod get_my_tutor_application;
pub mod list_tutor_applications;
pub mod reject_tutor_application;
