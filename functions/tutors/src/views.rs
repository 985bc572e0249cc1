//! What is shown of an application. The account number never is.

use domain::{
    accounts::Approval,
    ids::UserId,
    refusal::Reason,
    text::{RealName, Reason as Why, WebUrl},
    time::Time,
};
use serde::Serialize;
use storage::items::TutorApplication;
use utoipa::ToSchema;

/// There is no application of this user.
pub const NOT_FOUND: Reason = Reason::not_found(
    "TUTOR_APPLICATION_NOT_FOUND",
    "튜터 신청을 찾을 수 없습니다.",
    "There is no such tutor application.",
);

/// A tutor application, for its applicant and for admins.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "userId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "realName": "박튜터", "portfolioUrl": "https://github.com/park",
    "accountLastFour": "6789", "state": "PENDING", "reason": null, "createdAt": "2026-11-24T00:00:00.000Z",
}))]
pub struct ApplicationView {
    /// Who applies.
    user_id: UserId,
    /// As on the bank account.
    real_name: RealName,
    /// Their work.
    portfolio_url: WebUrl,
    /// The end of the account number.
    account_last_four: String,
    /// Where it stands.
    state: Approval,
    /// Why it was rejected.
    #[schema(required)]
    reason: Option<Why>,
    /// When it was sent.
    created_at: Time,
}

impl ApplicationView {
    /// What is shown of `application`.
    pub fn of(application: TutorApplication) -> Self {
        let TutorApplication {
            user_id, real_name, portfolio_url, account_last_four, state, reason, created_at, ..
        } = application;
        Self { user_id, real_name, portfolio_url, account_last_four, state, reason, created_at }
    }
}
