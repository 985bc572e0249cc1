//! What readers do with what others wrote: they like it, bookmark it and report it.

mod endpoints;
mod posts;
mod reports;

use devloop_http::{Operation, Route, mount};
use endpoints::{
    add_bookmark, like_post, list_my_bookmarks, list_reports, remove_bookmark, report_content, resolve_report,
    unlike_post,
};

/// What this domain is given.
pub type App = devloop_http::Edge;

/// The endpoints of this domain.
pub fn operations() -> Vec<Operation<App>> {
    vec![
        Operation::put("like_post", "/v1/likes/{board}/{postId}", "Likes a post", like_post::like_post),
        Operation::delete(
            "unlike_post",
            "/v1/likes/{board}/{postId}",
            "Likes a post no more",
            unlike_post::unlike_post,
        ),
        Operation::put(
            "add_bookmark",
            "/v1/bookmarks/{board}/{postId}",
            "Bookmarks a post",
            add_bookmark::add_bookmark,
        ),
        Operation::delete(
            "remove_bookmark",
            "/v1/bookmarks/{board}/{postId}",
            "Removes a bookmark",
            remove_bookmark::remove_bookmark,
        ),
        Operation::get(
            "list_my_bookmarks",
            "/v1/users/me/bookmarks",
            "The posts that the caller has bookmarked, the latest first",
            list_my_bookmarks::list_my_bookmarks,
        ),
        Operation::post(
            "report_content",
            "/v1/reports",
            "Reports a post or a comment to the admins",
            report_content::report_content,
        ),
        Operation::get(
            "list_reports",
            "/v1/admin/reports",
            "Reports in a state, oldest first",
            list_reports::list_reports,
        ),
        Operation::post(
            "resolve_report",
            "/v1/admin/reports/{reportId}/resolve",
            "Decides on a report, and tells who made it",
            resolve_report::resolve_report,
        ),
    ]
}

/// The endpoints, ready to be served.
pub fn routes(app: &App) -> Vec<Route> {
    mount(operations(), app)
}
