//! Study parties: recruited for on a board, commented on, applied to and joined.
//!
//! What the board has in common with the community's is in `shared/boards`.

mod applications;
mod endpoints;
mod rules;
mod views;

use devloop_http::{Operation, Route, mount};
use endpoints::{
    accept_party_application, apply_to_party, create_party_comment, create_party_post, decline_party_application,
    delete_party_comment, delete_party_post, get_party_post, leave_party, list_party_applications, list_party_comments,
    list_party_posts, update_party_comment, update_party_post,
};

/// What this domain is given.
pub type App = devloop_http::Edge;

/// The endpoints of this domain.
pub fn operations() -> Vec<Operation<App>> {
    vec![
        Operation::post(
            "create_party_post",
            "/v1/parties",
            "Recruits a study party",
            create_party_post::create_party_post,
        ),
        Operation::get(
            "list_party_posts",
            "/v1/parties",
            "Study parties, newest first or sorted otherwise",
            list_party_posts::list_party_posts,
        ),
        Operation::get("get_party_post", "/v1/parties/{postId}", "A study party", get_party_post::get_party_post),
        Operation::patch(
            "update_party_post",
            "/v1/parties/{postId}",
            "Changes a study party",
            update_party_post::update_party_post,
        ),
        Operation::delete(
            "delete_party_post",
            "/v1/parties/{postId}",
            "Deletes a study party with its comments and applications",
            delete_party_post::delete_party_post,
        ),
        Operation::post(
            "create_party_comment",
            "/v1/parties/{postId}/comments",
            "Comments on a study party",
            create_party_comment::create_party_comment,
        ),
        Operation::get(
            "list_party_comments",
            "/v1/parties/{postId}/comments",
            "The comments on a study party, oldest first",
            list_party_comments::list_party_comments,
        ),
        Operation::patch(
            "update_party_comment",
            "/v1/parties/{postId}/comments/{commentId}",
            "Changes a comment on a study party",
            update_party_comment::update_party_comment,
        ),
        Operation::delete(
            "delete_party_comment",
            "/v1/parties/{postId}/comments/{commentId}",
            "Deletes a comment on a study party",
            delete_party_comment::delete_party_comment,
        ),
        Operation::post(
            "apply_to_party",
            "/v1/parties/{postId}/applications",
            "Asks to join a study party",
            apply_to_party::apply_to_party,
        ),
        Operation::get(
            "list_party_applications",
            "/v1/parties/{postId}/applications",
            "The applications to the caller's study party, oldest first",
            list_party_applications::list_party_applications,
        ),
        Operation::post(
            "accept_party_application",
            "/v1/parties/{postId}/applications/{userId}/accept",
            "Gives an applicant a place, if there is one",
            accept_party_application::accept_party_application,
        ),
        Operation::post(
            "decline_party_application",
            "/v1/parties/{postId}/applications/{userId}/decline",
            "Declines an applicant, who gives back a place they have",
            decline_party_application::decline_party_application,
        ),
        Operation::delete(
            "leave_party",
            "/v1/parties/{postId}/applications/me",
            "Takes the caller's application back, and their place with it",
            leave_party::leave_party,
        ),
    ]
}

/// The endpoints, ready to be served.
pub fn routes(app: &App) -> Vec<Route> {
    mount(operations(), app)
}
