pub mod add_bookmark;
pub mod like_post;
pub mod list_my_bookmarks;
pub mod list_reports;
pub mod remove_bookmark;
pub mod report_content;
pub mod resolve_report;
pub mod unlike_post;
