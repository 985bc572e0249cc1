use http::Method;
use serde_json::json;

use super::{ADMIN, Row, SIGNED_IN, row, with};

pub fn rows() -> Vec<Row> {
    let (get, post, put, delete) = (Method::GET, Method::POST, Method::PUT, Method::DELETE);
    vec![
        row("like_post", put.clone(), |world| format!("/v1/likes/COMMUNITY/{}", world.question), SIGNED_IN),
        row("unlike_post", delete.clone(), |world| format!("/v1/likes/PARTY/{}", world.party), with(SIGNED_IN, 204)),
        row("add_bookmark", put, |world| format!("/v1/bookmarks/PARTY/{}", world.party), SIGNED_IN),
        row(
            "remove_bookmark",
            delete,
            |world| format!("/v1/bookmarks/COMMUNITY/{}", world.question),
            with(SIGNED_IN, 204),
        ),
        row("list_my_bookmarks", get.clone(), |_| "/v1/users/me/bookmarks".into(), SIGNED_IN),
        // The other user wrote it, and the applicant has reported it.
        row(
            "report_content",
            post.clone(),
            |_| "/v1/reports".into(),
            [401, 401, 401, 401, 409, 200, 201, 201, 201, 201],
        )
        .body(|world, _| {
            json!({ "board": "COMMUNITY", "postId": world.question, "commentId": world.answer, "complaint": "SPAM" })
        }),
        row("list_reports", get, |_| "/v1/admin/reports".into(), ADMIN),
        row("resolve_report", post, |world| format!("/v1/admin/reports/{}/resolve", world.report), ADMIN)
            .body(|_, _| json!({ "outcome": "DISMISSED" })),
    ]
}
