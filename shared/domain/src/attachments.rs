//! Files that people upload: what they may be, and where they stand.

use deserr::{DeserializeError, Deserr, IntoValue, MergeWithError, Sequence, Value, ValueKind, ValuePointerRef};
use serde::{Deserialize, Serialize};
use utoipa::{
    ToSchema,
    openapi::{ArrayBuilder, RefOr, Schema},
};

use crate::{
    boards::Board,
    ids::AttachmentId,
    refusal::{Reason, Refusal},
    text::FileName,
    time::Time,
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

/// There is no such attachment, or it is somebody else's.
pub const ATTACHMENT_NOT_FOUND: Reason =
    Reason::not_found("ATTACHMENT_NOT_FOUND", "존재하지 않는 파일입니다.", "There is no such file.");
/// Nobody has looked at its bytes.
pub const ATTACHMENT_NOT_READY: Reason = Reason::conflict(
    "ATTACHMENT_NOT_READY",
    "아직 확인이 끝나지 않은 파일입니다. 업로드를 마친 뒤 완료를 요청해 주세요.",
    "The file has not been completed yet.",
);
/// Something uses it already.
pub const ATTACHMENT_IN_USE: Reason = Reason::conflict(
    "ATTACHMENT_IN_USE",
    "이미 사용 중인 파일입니다. 파일은 한 곳에서만 사용할 수 있습니다.",
    "The file is in use; a file is used in one place only.",
);
/// It is for something else.
pub const ATTACHMENT_FOR_ANOTHER_PURPOSE: Reason = Reason::conflict(
    "ATTACHMENT_FOR_ANOTHER_PURPOSE",
    "다른 용도로 올린 파일입니다.",
    "The file was uploaded for another purpose.",
);

/// Why a file cannot be used for something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotUsable {
    /// There is none of its user's.
    #[error("no such attachment")]
    NotFound,
    /// Nobody has looked at its bytes.
    #[error("nobody has looked at it")]
    NotReady,
    /// Something uses it.
    #[error("something uses it")]
    Used,
    /// It is for something else.
    #[error("it is for something else")]
    AnotherPurpose,
}

impl NotUsable {
    /// Whether a file in this state, of whomever and for whatever it is, may be used.
    pub fn unless(state: AttachmentState, is_own: bool, is_for_this: bool) -> Result<(), Self> {
        match state {
            _ if !is_own => Err(Self::NotFound),
            AttachmentState::Released => Err(Self::NotFound),
            AttachmentState::Pending => Err(Self::NotReady),
            AttachmentState::Used => Err(Self::Used),
            AttachmentState::Ready if is_for_this => Ok(()),
            AttachmentState::Ready => Err(Self::AnotherPurpose),
        }
    }
}

impl Refusal for NotUsable {
    const REASONS: &'static [Reason] =
        &[ATTACHMENT_NOT_FOUND, ATTACHMENT_NOT_READY, ATTACHMENT_IN_USE, ATTACHMENT_FOR_ANOTHER_PURPOSE];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => ATTACHMENT_NOT_FOUND,
            Self::NotReady => ATTACHMENT_NOT_READY,
            Self::Used => ATTACHMENT_IN_USE,
            Self::AnotherPurpose => ATTACHMENT_FOR_ANOTHER_PURPOSE,
        }
    }
}

/// No request that was at work on a file is any more: a function ends within 30 seconds.
const NOBODY_AT_WORK_SECONDS: i64 = 60;

/// When a file that is given up at `now` can be removed for good: its owner cannot upload it any more, and no request
/// makes a copy of it any more.
pub fn gone_for_good(upload_until: Time, now: Time) -> Time {
    upload_until.max(now).plus_seconds(NOBODY_AT_WORK_SECONDS)
}

/// The files of one post, in their order, each once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AttachmentIds(Vec<AttachmentId>);

impl AttachmentIds {
    /// As many as a post shows, and one transaction carries.
    pub const MOST: usize = 10;

    /// The ids.
    pub fn as_slice(&self) -> &[AttachmentId] {
        &self.0
    }
}

impl<E: DeserializeError + MergeWithError<Invalid>> Deserr<E> for AttachmentIds {
    fn deserialize_from_value<V: IntoValue>(value: Value<V>, location: ValuePointerRef) -> Result<Self, E> {
        let Value::Sequence(words) = value else {
            let error = deserr::ErrorKind::IncorrectValueKind { actual: value, accepted: &[ValueKind::Sequence] };
            return Err(deserr::take_cf_content(E::error::<V>(None, error, location)));
        };
        let mut ids = vec![];
        for (index, word) in words.into_iter().enumerate() {
            let at = location.push_index(index);
            let id = validation::from_text(word.into_value(), at, str::parse)?;
            if ids.contains(&id) {
                let twice = Invalid::new("REPEATED", "한 번만 지정할 수 있습니다.", "must be given only once");
                return Err(deserr::take_cf_content(E::merge(None, twice, at)));
            }
            ids.push(id);
            if ids.len() > Self::MOST {
                let too_many =
                    Invalid::new("TOO_MANY", "파일은 10개까지 올릴 수 있습니다.", "must have at most 10 files");
                return Err(deserr::take_cf_content(E::merge(None, too_many, location)));
            }
        }
        Ok(Self(ids))
    }
}

impl utoipa::PartialSchema for AttachmentIds {
    fn schema() -> RefOr<Schema> {
        ArrayBuilder::new()
            .items(<AttachmentId as utoipa::PartialSchema>::schema())
            .max_items(Some(Self::MOST))
            .unique_items(true)
            .description(Some("Completed files of the author's, uploaded for this board, in their order"))
            .into()
    }
}

impl utoipa::ToSchema for AttachmentIds {
    fn name() -> std::borrow::Cow<'static, str> {
        "AttachmentIds".into()
    }
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
mod tests;
