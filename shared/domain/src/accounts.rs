//! Who somebody is.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What an account may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Role {
    /// Everybody who signed up.
    User,
    /// Somebody whose tutor application was approved.
    Tutor,
    /// Somebody whom an operator made one.
    Admin,
}

/// Whether an account may be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Standing {
    /// In use.
    Active,
    /// Leaving; open orders are being looked for.
    Withdrawing,
    /// Gone.
    Withdrawn,
}

/// Where something that an admin decides on stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Approval {
    /// 승인 대기
    #[deserr(rename = "PENDING")]
    Pending,
    /// 승인 완료
    #[deserr(rename = "APPROVED")]
    Approved,
    /// 반려
    #[deserr(rename = "REJECTED")]
    Rejected,
}

impl Approval {
    /// The word in the table and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Approved => "APPROVED",
            Self::Rejected => "REJECTED",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_same_everywhere() {
        for approval in [Approval::Pending, Approval::Approved, Approval::Rejected] {
            assert_eq!(serde_json::json!(approval), approval.as_str());
        }
    }
}
