//! Files, and what the CDN is to forget.

use domain::{
    ids::{AttachmentId, UserId},
    time::Time,
};

use super::{IndexKey, Key};

/// How many paths the CDN was told to forget in the month of `at`, as Amazon counts months: UTC's.
pub fn forgotten_paths(at: Time) -> Key {
    let month = at.to_string().chars().take(7).collect::<String>();
    Key::new(format!("CDN#{month}"), "PATHS")
}

/// One uploaded file.
pub fn attachment(id: AttachmentId) -> Key {
    Key::new(format!("ATTACHMENT#{id}"), "ATTACHMENT")
}

/// A file that the upload-sweeper has to look at, by when.
pub fn due_attachment(id: AttachmentId, due: Time) -> IndexKey {
    IndexKey::new(ATTACHMENTS_DUE, format!("{due}#{id}"))
}

/// A file among its owner's.
pub fn attachment_of(owner: UserId, id: AttachmentId) -> IndexKey {
    IndexKey::new(attachments_of(owner), id.to_string())
}

/// The partition of [`attachment_of`].
pub fn attachments_of(owner: UserId) -> String {
    format!("USER#{owner}#ATTACHMENT")
}

/// The partition of [`due_attachment`].
pub const ATTACHMENTS_DUE: &str = "ATTACHMENTS_DUE";
