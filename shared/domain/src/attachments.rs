//! Files that people upload: what they may be, and where they stand.

use deserr::{DeserializeError, Deserr, IntoValue, MergeWithError, Value, ValuePointerRef};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{RefOr, Schema},
};

use crate::{
    boards::Board,
    text::FileName,
    validation::{self, FieldErrors, Invalid},
};

/// What a file is uploaded for. It is used for that and for nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Deserr)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Purpose {
    /// 프로필 사진
    #[deserr(rename = "PROFILE")]
    Profile,
    /// 커뮤니티 글
    #[deserr(rename = "COMMUNITY")]
    Community,
    /// 스터디 파티
    #[deserr(rename = "PARTY")]
    Party,
    /// 프로젝트 위드 튜터
    #[deserr(rename = "PWT")]
    Pwt,
}

impl Purpose {
    /// What files of posts on a board are for; lectures have none.
    pub const fn of_board(board: Board) -> Option<Self> {
        match board {
            Board::Community => Some(Self::Community),
            Board::Party => Some(Self::Party),
            Board::Pwt => Some(Self::Pwt),
            Board::Lecture => None,
        }
    }

    /// Where the keys of such files begin.
    pub const fn folder(self) -> &'static str {
        match self {
            Self::Profile => "profiles",
            Self::Community => "communities",
            Self::Party => "parties",
            Self::Pwt => "pwts",
        }
    }

    /// Whether it takes files of this type.
    pub const fn takes(self, file_type: FileType) -> bool {
        match self {
            Self::Profile => matches!(file_type, FileType::Jpeg | FileType::Png),
            Self::Community | Self::Party => !matches!(file_type, FileType::Gif),
            Self::Pwt => true,
        }
    }
}

/// What a file is. Nothing that a browser would run: neither SVG nor HTML.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema, Deserr)]
pub enum FileType {
    /// A JPEG picture.
    #[serde(rename = "image/jpeg")]
    #[deserr(rename = "image/jpeg")]
    Jpeg,
    /// A PNG picture.
    #[serde(rename = "image/png")]
    #[deserr(rename = "image/png")]
    Png,
    /// A GIF picture, which may move.
    #[serde(rename = "image/gif")]
    #[deserr(rename = "image/gif")]
    Gif,
    /// A document.
    #[serde(rename = "application/pdf")]
    #[deserr(rename = "application/pdf")]
    Pdf,
}

impl FileType {
    /// Its media type.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Gif => "image/gif",
            Self::Pdf => "application/pdf",
        }
    }

    /// How the names of such files end; the first is how ours do.
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Png => &["png"],
            Self::Gif => &["gif"],
            Self::Pdf => &["pdf"],
        }
    }

    /// How a key of such a file ends.
    pub const fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
            Self::Gif => "gif",
            Self::Pdf => "pdf",
        }
    }

    /// Whether it has a width and a height.
    pub const fn is_image(self) -> bool {
        !matches!(self, Self::Pdf)
    }
}

/// How many bytes a file has.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct FileSize(u32);

impl FileSize {
    /// 5 MiB.
    pub const MOST: u32 = 5 * 1024 * 1024;

    /// In bytes.
    pub const fn bytes(self) -> u32 {
        self.0
    }

    fn parse(bytes: i64) -> Result<Self, Invalid> {
        let fits = u32::try_from(bytes).ok().filter(|bytes| (1..=Self::MOST).contains(bytes));
        fits.map(Self).ok_or_else(|| Invalid::range(1, Self::MOST.into()))
    }
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for FileSize {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        validation::from_whole_number(value, location, Self::parse)
    }
}

impl utoipa::PartialSchema for FileSize {
    fn schema() -> RefOr<Schema> {
        validation::whole_number_schema(1, Self::MOST.into()).description(Some("In bytes; at most 5 MiB")).into()
    }
}

impl utoipa::ToSchema for FileSize {
    fn name() -> std::borrow::Cow<'static, str> {
        "FileSize".into()
    }
}

/// Refuses what cannot be of use: a type that the purpose does not take, a name of another type.
pub fn check(purpose: Purpose, file_type: FileType, name: &FileName) -> Result<(), FieldErrors> {
    let not_taken = Invalid::new(
        "TYPE_NOT_TAKEN",
        "이 용도로는 올릴 수 없는 형식입니다.",
        "is not a type that can be uploaded for this purpose",
    );
    let of_another_type = Invalid::new(
        "EXTENSION",
        "파일 이름의 확장자가 파일 형식과 다릅니다.",
        "must end with an extension of the content type",
    );
    FieldErrors::unless([
        (purpose.takes(file_type), "contentType", not_taken),
        (file_type.extensions().contains(&name.extension().as_str()), "fileName", of_another_type),
    ])
}

/// Where an attachment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum AttachmentState {
    /// Its bytes may be on their way.
    Pending,
    /// Its bytes were looked at; it may be used, once.
    Ready,
    /// Something shows it.
    Used,
    /// Nobody may use it any more: what is left of it will be removed.
    Released,
}

/// Where everybody reads public files from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cdn(String);

impl Cdn {
    /// The CDN at `base_url`.
    pub fn at(base_url: &str) -> Self {
        Self(base_url.trim_end_matches('/').to_owned())
    }

    /// The URL of the file under `key`.
    pub fn url(&self, key: &str) -> String {
        format!("{}/{key}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TYPES: [FileType; 4] = [FileType::Jpeg, FileType::Png, FileType::Gif, FileType::Pdf];

    #[test]
    fn each_purpose_takes_what_the_product_says() {
        let taken = |purpose: Purpose| TYPES.into_iter().filter(|one| purpose.takes(*one)).collect::<Vec<_>>();
        assert_eq!(taken(Purpose::Profile), [FileType::Jpeg, FileType::Png]);
        for board in [Purpose::Community, Purpose::Party] {
            assert_eq!(taken(board), [FileType::Jpeg, FileType::Png, FileType::Pdf]);
        }
        assert_eq!(taken(Purpose::Pwt), TYPES);
    }

    #[test]
    fn a_type_has_one_word_everywhere() {
        for file_type in TYPES {
            assert_eq!(json!(file_type), file_type.media_type());
            assert_eq!(file_type.extensions().first(), Some(&file_type.extension()));
            assert_eq!(file_type.is_image(), file_type.media_type().starts_with("image/"));
        }
    }

    #[test]
    fn a_name_ends_as_its_type_does() {
        let codes = |purpose, file_type, name: &str| {
            let checked = check(purpose, file_type, &name.parse().unwrap());
            checked.err().map_or(vec![], |errors| errors.0.into_iter().map(|error| error.invalid.code).collect())
        };
        for name in ["a.png", "사진.PNG", "a.php.png", ".png"] {
            assert!(codes(Purpose::Profile, FileType::Png, name).is_empty(), "{name}");
        }
        for name in ["a", "png", "a.jpg", "a.png.svg", "a.png ."] {
            assert_eq!(codes(Purpose::Profile, FileType::Png, name), ["EXTENSION"], "{name}");
        }
        assert_eq!(codes(Purpose::Profile, FileType::Gif, "a.png"), ["TYPE_NOT_TAKEN", "EXTENSION"]);
        assert!(codes(Purpose::Pwt, FileType::Jpeg, "a.jpeg").is_empty());
    }

    #[test]
    fn a_size_is_between_one_byte_and_five_mebibytes() {
        for (bytes, fits) in [(0, false), (1, true), (5_242_880, true), (5_242_881, false), (-1, false)] {
            assert_eq!(FileSize::parse(bytes).is_ok(), fits, "{bytes}");
        }
    }

    #[test]
    fn a_file_is_under_its_key_on_the_cdn() {
        for base in ["https://cdn.devloop.kr", "https://cdn.devloop.kr/"] {
            assert_eq!(Cdn::at(base).url("profiles/a.png"), "https://cdn.devloop.kr/profiles/a.png");
        }
    }
}
