//! The community board: questions, comments, and the one that is accepted as the answer.
//!
//! What it has in common with the board of study parties is in `shared/boards`.

mod endpoints;
mod views;

use devloop_http::{Operation, Route, mount};
use endpoints::{
    accept_comment, create_community_comment, create_community_post, delete_community_comment, delete_community_post,
    get_community_post, list_community_comments, list_community_posts, update_community_comment, update_community_post,
};

/// What this domain is given.
pub type App = devloop_http::Edge;

/// The endpoints of this domain.
pub fn operations() -> Vec<Operation<App>> {
    vec![
        Operation::post(
            "create_community_post",
            "/v1/communities",
            "Asks the community",
            create_community_post::create_community_post,
        ),
        Operation::get(
            "list_community_posts",
            "/v1/communities",
            "Community posts, newest first or sorted otherwise",
            list_community_posts::list_community_posts,
        ),
        Operation::get(
            "get_community_post",
            "/v1/communities/{postId}",
            "A community post",
            get_community_post::get_community_post,
        ),
        Operation::patch(
            "update_community_post",
            "/v1/communities/{postId}",
            "Changes a community post",
            update_community_post::update_community_post,
        ),
        Operation::delete(
            "delete_community_post",
            "/v1/communities/{postId}",
            "Deletes a community post with its comments",
            delete_community_post::delete_community_post,
        ),
        Operation::post(
            "create_community_comment",
            "/v1/communities/{postId}/comments",
            "Comments on a community post",
            create_community_comment::create_community_comment,
        ),
        Operation::get(
            "list_community_comments",
            "/v1/communities/{postId}/comments",
            "The comments on a community post, oldest first",
            list_community_comments::list_community_comments,
        ),
        Operation::patch(
            "update_community_comment",
            "/v1/communities/{postId}/comments/{commentId}",
            "Changes a comment on a community post",
            update_community_comment::update_community_comment,
        ),
        Operation::delete(
            "delete_community_comment",
            "/v1/communities/{postId}/comments/{commentId}",
            "Deletes a comment on a community post",
            delete_community_comment::delete_community_comment,
        ),
        Operation::put(
            "accept_comment",
            "/v1/communities/{postId}/accepted-comment",
            "Accepts a comment as the answer, or takes that back",
            accept_comment::accept_comment,
        ),
    ]
}

/// The endpoints, ready to be served.
pub fn routes(app: &App) -> Vec<Route> {
    mount(operations(), app)
}
