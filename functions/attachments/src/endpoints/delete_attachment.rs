//! `DELETE /v1/attachments/{attachmentId}`: its owner gives up a file that nothing uses.
//!
//! From then on nothing can use it; its bytes are removed by the upload-sweeper, which does not
//! make anybody wait for S3.

use devloop_http::{Active, NoContent, Path};
use domain::{
    attachments::{ATTACHMENT_IN_USE, ATTACHMENT_NOT_FOUND, AttachmentState, NotUsable, gone_for_good},
    ids::AttachmentId,
    refusal::{Details, Reason, Refusal},
};
use storage::{Error, WriteError, items::Attachment, keys};

use crate::{App, rules::owned};

/// Why a file stays.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Attachment(#[from] NotUsable),
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[ATTACHMENT_NOT_FOUND, ATTACHMENT_IN_USE];

    fn reason(&self) -> Reason {
        match self {
            Self::Attachment(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Attachment(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// How often it is looked at again because it moved on meanwhile.
const TRIES: usize = 3;

/// PENDING or READY → RELEASED.
pub async fn delete_attachment(app: App, owner: Active, Path(id): Path<AttachmentId>) -> Result<NoContent, Refused> {
    let table = &app.edge.table;
    for _ in 0..TRIES {
        let found: Option<Attachment> = table.get_now(keys::attachment(id)).await?;
        let attachment = owned(found, owner.id()).ok_or(NotUsable::NotFound)?;
        match attachment.state {
            AttachmentState::Pending | AttachmentState::Ready => {}
            AttachmentState::Used => return Err(NotUsable::Used.into()),
            AttachmentState::Released => return Err(NotUsable::NotFound.into()),
        }
        let due = gone_for_good(attachment.upload_until, app.edge.clock.now());
        match table.write(attachment.give_up(due)).await {
            Ok(()) => return Ok(NoContent),
            Err(WriteError::Unmet(_)) => {}
            Err(WriteError::Storage(error)) => return Err(error.into()),
        }
    }
    Err(Error::Busy { operation: "UpdateItem" }.into())
}
