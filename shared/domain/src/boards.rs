//! What posts are filed under.

use deserr::Deserr;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::validation::Invalid;

/// Where something is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Board {
    /// 커뮤니티
    #[deserr(rename = "COMMUNITY")]
    Community,
    /// 스터디 파티
    #[deserr(rename = "PARTY")]
    Party,
    /// 프로젝트 위드 튜터
    #[deserr(rename = "PWT")]
    Pwt,
    /// 강의
    #[deserr(rename = "LECTURE")]
    Lecture,
}

impl Board {
    /// The word in the table and the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Community => "COMMUNITY",
            Self::Party => "PARTY",
            Self::Pwt => "PWT",
            Self::Lecture => "LECTURE",
        }
    }
}

impl std::str::FromStr for Board {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let boards = [Self::Community, Self::Party, Self::Pwt, Self::Lecture];
        boards.into_iter().find(|board| board.as_str() == text).ok_or(Invalid::NOT_A_CHOICE)
    }
}

/// What a post is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Category {
    /// 웹개발
    #[deserr(rename = "WEB_DEV")]
    WebDev,
    /// 앱개발
    #[deserr(rename = "APP_DEV")]
    AppDev,
    /// 게임개발
    #[deserr(rename = "GAME_DEV")]
    GameDev,
    /// 기타
    #[deserr(rename = "ETC")]
    Etc,
}

impl Category {
    /// The word in the table and the API.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::WebDev => "WEB_DEV",
            Self::AppDev => "APP_DEV",
            Self::GameDev => "GAME_DEV",
            Self::Etc => "ETC",
        }
    }
}

/// How hard a PWT or a lecture is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Level {
    /// 쉬움
    #[deserr(rename = "EASY")]
    Easy,
    /// 중간
    #[deserr(rename = "MEDIUM")]
    Medium,
    /// 어려움
    #[deserr(rename = "HARD")]
    Hard,
}

/// Whether a PWT takes buyers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Recruiting {
    /// 모집중: seats left and before the deadline.
    #[deserr(rename = "RECRUITING")]
    Recruiting,
    /// 모집종료
    #[deserr(rename = "CLOSED")]
    Closed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_word_is_the_same_everywhere() {
        assert!(["community", "", "COMMUNITY "].iter().all(|other| other.parse::<Board>().is_err()));
        for category in [Category::WebDev, Category::AppDev, Category::GameDev, Category::Etc] {
            assert_eq!(serde_json::json!(category), category.as_str());
        }
        for board in [Board::Community, Board::Party, Board::Pwt, Board::Lecture] {
            assert_eq!(serde_json::json!(board), board.as_str());
            assert_eq!(board.as_str().parse(), Ok(board));
        }
    }
}
