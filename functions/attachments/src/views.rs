//! What is shown of an attachment.

use std::collections::BTreeMap;

use domain::{
    attachments::{AttachmentState, Cdn, FileSize, FileType, Purpose},
    ids::AttachmentId,
    time::Time,
};
use media::Upload;
use serde::Serialize;
use storage::items::Attachment;
use utoipa::ToSchema;

/// Where to put a file, and how.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct UploadTarget {
    /// Always `PUT`.
    method: &'static str,
    /// Takes exactly the size and type that were asked for.
    url: String,
    /// The headers to send along.
    headers: BTreeMap<String, String>,
    /// Until when.
    expires_at: Time,
}

/// A file that is to be uploaded.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "state": "PENDING", "purpose": "PROFILE", "contentType": "image/png", "size": 48213,
    "upload": {
        "method": "PUT", "url": "https://devloop-media.s3.ap-northeast-2.amazonaws.com/uploads/5f2b…?X-Amz-Signature=…",
        "headers": { "content-type": "image/png" }, "expiresAt": "2026-11-24T00:15:00.000Z",
    },
}))]
pub struct UploadView {
    id: AttachmentId,
    state: AttachmentState,
    purpose: Purpose,
    content_type: FileType,
    size: FileSize,
    upload: UploadTarget,
}

impl UploadView {
    /// What its owner is told of a new one.
    pub fn of(attachment: &Attachment, upload: Upload) -> Self {
        // Every client sends these itself, and browsers let no page set them.
        let by_itself = |name: &str| ["host", "content-length"].contains(&name);
        let headers = upload.headers.into_iter().filter(|(name, _)| !by_itself(name)).collect();
        let expires_at = attachment.upload_until;
        Self {
            id: attachment.id,
            state: attachment.state,
            purpose: attachment.purpose,
            content_type: attachment.file_type,
            size: attachment.size,
            upload: UploadTarget { method: "PUT", url: upload.url, headers, expires_at },
        }
    }
}

/// A file that was looked at.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X2Y", "state": "READY", "purpose": "PROFILE", "contentType": "image/png", "size": 48213,
    "width": 640, "height": 480, "url": "https://cdn.devloop.kr/profiles/9d0c4e5b6a7f8091a2b3c4d5e6f70812.png",
}))]
pub struct AttachmentView {
    id: AttachmentId,
    state: AttachmentState,
    purpose: Purpose,
    content_type: FileType,
    size: FileSize,
    /// In pixels; none of what is no picture.
    #[schema(required)]
    width: Option<u32>,
    /// In pixels; none of what is no picture.
    #[schema(required)]
    height: Option<u32>,
    /// Where everybody can read it. Until something uses it, for a day at most.
    url: String,
}

impl AttachmentView {
    /// What its owner is told of one.
    pub fn of(attachment: &Attachment, cdn: &Cdn) -> Self {
        Self {
            id: attachment.id,
            state: attachment.state,
            purpose: attachment.purpose,
            content_type: attachment.file_type,
            size: attachment.size,
            width: attachment.width,
            height: attachment.height,
            url: cdn.url(&attachment.public_key),
        }
    }
}
