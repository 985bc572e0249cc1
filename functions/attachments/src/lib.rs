//! Uploaded files: where to put them, whether they are what they are said to be, and their end.

mod app;
mod endpoints;
mod rules;
mod sweeper;
mod views;

pub use app::App;
use devloop_http::{Operation, Route, mount};
use endpoints::{complete_attachment, create_attachment, delete_attachment};
pub use sweeper::{Sweeper, SweptFiles, sweep, upload_sweeper};

/// The endpoints of this domain.
pub fn operations() -> Vec<Operation<App>> {
    vec![
        Operation::post(
            "create_attachment",
            "/v1/attachments",
            "Asks for a URL to upload a file to",
            create_attachment::create_attachment,
        ),
        Operation::post(
            "complete_attachment",
            "/v1/attachments/{attachmentId}/complete",
            "Says that the file is there, and has it looked at",
            complete_attachment::complete_attachment,
        ),
        Operation::delete(
            "delete_attachment",
            "/v1/attachments/{attachmentId}",
            "Deletes a file that nothing uses",
            delete_attachment::delete_attachment,
        ),
    ]
}

/// The endpoints, ready to be served.
pub fn routes(app: &App) -> Vec<Route> {
    mount(operations(), app)
}
