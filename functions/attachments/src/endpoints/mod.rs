pub mod complete_attachment;
pub mod create_attachment;
pub mod delete_attachment;
