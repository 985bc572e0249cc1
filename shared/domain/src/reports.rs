//! Reports: somebody shows an admin what should not be there.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// What is wrong with something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Complaint {
    /// 스팸·광고
    #[deserr(rename = "SPAM")]
    Spam,
    /// 욕설·비방
    #[deserr(rename = "ABUSE")]
    Abuse,
    /// 음란물
    #[deserr(rename = "SEXUAL")]
    Sexual,
    /// 개인정보 노출
    #[deserr(rename = "PRIVACY")]
    Privacy,
    /// 저작권 침해
    #[deserr(rename = "COPYRIGHT")]
    Copyright,
    /// 기타
    #[deserr(rename = "OTHER")]
    Other,
}

/// How a report stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum ReportState {
    /// Waits for an admin.
    #[deserr(rename = "OPEN")]
    Open,
    /// An admin has decided.
    #[deserr(rename = "RESOLVED")]
    Resolved,
}

impl ReportState {
    /// The word in the table and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "OPEN",
            Self::Resolved => "RESOLVED",
        }
    }
}

/// What an admin decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Outcome {
    /// 조치함: something was done about it.
    #[deserr(rename = "ACTED")]
    Acted,
    /// 문제 없음: it may stay.
    #[deserr(rename = "DISMISSED")]
    Dismissed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_same_everywhere() {
        for state in [ReportState::Open, ReportState::Resolved] {
            assert_eq!(serde_json::json!(state), state.as_str());
        }
    }
}
