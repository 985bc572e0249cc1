//! Files of posts: put to use by the transaction that writes the post, and released by the one that drops them.

use std::collections::BTreeMap;

use devloop_http::Edge;
use domain::{
    attachments::{AttachmentIds, Cdn, FileType, NotUsable, Purpose},
    forums::Forum,
    ids::{AttachmentId, UserId},
};
use serde::Serialize;
use storage::{
    Error, Tx, TxError, Write, WriteError,
    items::{Attachment, Post, PublicFile},
    keys,
};
use utoipa::ToSchema;

/// A file of a post.
#[derive(Clone, Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({
    "id": "01KB2M3N4P5Q6R7S8T9V0W1X31", "url": "https://cdn.devloop.kr/communities/9d0c4e5b6a7f8091a2b3c4d5e6f70812.png",
    "contentType": "image/png", "width": 640, "height": 480,
}))]
pub struct FileView {
    id: AttachmentId,
    url: String,
    content_type: FileType,
    /// In pixels; none of what is no picture.
    #[schema(required)]
    width: Option<u32>,
    /// In pixels; none of what is no picture.
    #[schema(required)]
    height: Option<u32>,
}

impl FileView {
    /// What everybody sees of `files`.
    pub fn all(files: &[PublicFile], cdn: &Cdn) -> Vec<Self> {
        let view = |file: &PublicFile| Self {
            id: file.id,
            url: cdn.url(&file.key),
            content_type: file.file_type,
            width: file.width,
            height: file.height,
        };
        files.iter().map(view).collect()
    }
}

/// Why files are not those of a post.
#[derive(Debug, thiserror::Error)]
pub enum NotAttached {
    /// One of them cannot be used.
    #[error("{0}: {1}")]
    NotUsable(AttachmentId, NotUsable),
    /// The table.
    #[error(transparent)]
    Storage(#[from] Error),
}

/// The files that a post has when `ids` are its files: those that it has already, and others of its author's that may
/// be used.
pub(crate) async fn chosen<F: Forum>(
    app: &Edge,
    author: UserId,
    present: &[PublicFile],
    ids: &AttachmentIds,
) -> Result<Vec<PublicFile>, NotAttached> {
    let mut known: BTreeMap<AttachmentId, PublicFile> = present.iter().map(|file| (file.id, file.clone())).collect();
    let new: Vec<AttachmentId> = ids.as_slice().iter().copied().filter(|id| !known.contains_key(id)).collect();
    if !new.is_empty() {
        let found: Vec<Attachment> = app.table.get_all_now(new.iter().copied().map(keys::attachment)).await?;
        let mut found: BTreeMap<AttachmentId, Attachment> =
            found.into_iter().map(|attachment| (attachment.id, attachment)).collect();
        for id in new {
            let purpose = Purpose::of_board(F::BOARD).ok_or(NotAttached::NotUsable(id, NotUsable::AnotherPurpose))?;
            let file = Attachment::usable(found.remove(&id), author, purpose);
            known.insert(id, file.map_err(|error| NotAttached::NotUsable(id, error))?);
        }
    }
    Ok(ids.as_slice().iter().filter_map(|id| known.remove(id)).collect())
}

/// What becomes of files when a post has these `after` those `before`, with the id of each.
pub(crate) fn moved<F: Forum>(
    app: &Edge,
    post: &Post<F>,
    before: &[PublicFile],
    after: &[PublicFile],
) -> Vec<(Write, AttachmentId)> {
    let (partition, now) = (keys::post_partition(F::BOARD, post.id), app.clock.now());
    let not_in = |others: &[PublicFile], file: &&PublicFile| !others.iter().any(|other| other.id == file.id);
    let (author, purpose) = (post.card.author_id, Purpose::of_board(F::BOARD));
    let used = after
        .iter()
        .filter(|file| not_in(before, file))
        .filter_map(|file| Some((Attachment::put_to_use(file.id, author, purpose?, &partition), file.id)));
    let released = before.iter().filter(|file| not_in(after, file));
    let released = released.map(|file| (Attachment::release(file.id, &partition, now), file.id));
    used.chain(released).collect()
}

/// Writes a post together with what becomes of its files, all or none; `false` if one of those moved on meanwhile.
pub(crate) async fn commit(app: &Edge, post: Write, files: Vec<(Write, AttachmentId)>) -> Result<bool, WriteError> {
    if files.is_empty() {
        return app.table.write(post).await.map(|()| true);
    }
    let tx = Tx::once(app.ids.token()).and(post, None);
    let tx = tx.and_all(files.into_iter().map(|(write, id)| (write, Some(id))));
    match tx.commit(&app.table).await {
        Ok(()) => Ok(true),
        Err(TxError::Storage(error)) => Err(WriteError::Storage(error)),
        Err(TxError::Unmet(unmet)) => match unmet.into_iter().find(|unmet| unmet.refusal.is_none()) {
            Some(of_post) => Err(WriteError::Unmet(of_post.item)),
            None => Ok(false),
        },
    }
}
