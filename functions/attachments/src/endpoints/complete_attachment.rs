//! `POST /v1/attachments/{attachmentId}/complete`: its owner says that the file is there.
//!
//! It is read once and looked at; the very bytes that were looked at are copied to where the public
//! reads them. Only then may it be used. What is not what it was said to be is deleted.

use devloop_http::{Active, Json, Path};
use domain::{
    attachments::{ATTACHMENT_NOT_FOUND, AttachmentState, gone_for_good},
    ids::AttachmentId,
    refusal::{Details, Kind, Reason, Refusal},
};
use media::{Changed, Dimensions, Unacceptable, inspect};
use storage::{Error, WriteError, decode, items::Attachment, keys};

use crate::{App, rules::owned, views::AttachmentView};

const NOT_UPLOADED: Reason = Reason::conflict(
    "FILE_NOT_UPLOADED",
    "아직 파일이 올라오지 않았습니다. 업로드를 마친 뒤 다시 시도해 주세요.",
    "The file has not been uploaded yet; upload it first.",
);
const SIZE_MISMATCH: Reason = Reason::new(
    Kind::Unprocessable,
    "FILE_SIZE_MISMATCH",
    "올라온 파일의 크기가 요청한 크기와 다릅니다.",
    "The uploaded file does not have the size that was asked for.",
);
const TYPE_MISMATCH: Reason = Reason::new(
    Kind::Unprocessable,
    "FILE_TYPE_MISMATCH",
    "파일의 내용이 요청한 형식과 다릅니다.",
    "The content of the file is not of the type that was asked for.",
);
const DAMAGED: Reason = Reason::new(
    Kind::Unprocessable,
    "FILE_DAMAGED",
    "파일이 손상되었거나 일부만 올라왔습니다.",
    "The file is damaged or not complete.",
);
const IMAGE_TOO_LARGE: Reason = Reason::new(
    Kind::Unprocessable,
    "IMAGE_TOO_LARGE",
    "이미지의 가로세로 크기가 너무 큽니다.",
    "The picture has too many pixels.",
);

/// Why a file cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such attachment")]
    NotFound,
    #[error("nothing was uploaded yet")]
    NotUploaded,
    #[error("{0} bytes were uploaded")]
    AnotherSize(u64),
    #[error(transparent)]
    Unacceptable(#[from] Unacceptable),
    #[error(transparent)]
    Files(#[from] media::Error),
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] =
        &[ATTACHMENT_NOT_FOUND, NOT_UPLOADED, SIZE_MISMATCH, TYPE_MISMATCH, DAMAGED, IMAGE_TOO_LARGE];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => ATTACHMENT_NOT_FOUND,
            Self::NotUploaded => NOT_UPLOADED,
            Self::AnotherSize(_) => SIZE_MISMATCH,
            Self::Unacceptable(Unacceptable::AnotherType) => TYPE_MISMATCH,
            Self::Unacceptable(Unacceptable::Damaged) => DAMAGED,
            Self::Unacceptable(Unacceptable::TooLarge(..)) => IMAGE_TOO_LARGE,
            Self::Files(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Unacceptable(Unacceptable::TooLarge(width, height)) => {
                Details::default().with("width", *width).with("height", *height)
            }
            Self::AnotherSize(size) => Details::default().with("size", *size),
            Self::NotFound | Self::NotUploaded | Self::Unacceptable(_) => Details::default(),
            Self::Files(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// How often a file is looked at anew because another one was uploaded meanwhile.
const TRIES: usize = 3;

/// Looks at it and makes it READY; one that is READY or USED already is answered as it is.
pub async fn complete_attachment(
    app: App,
    owner: Active,
    Path(id): Path<AttachmentId>,
) -> Result<Json<AttachmentView>, Refused> {
    let found: Option<Attachment> = app.edge.table.get_now(keys::attachment(id)).await?;
    let attachment = owned(found, owner.id()).ok_or(Refused::NotFound)?;
    let complete = match attachment.state {
        AttachmentState::Pending => finish(&app, attachment).await?,
        AttachmentState::Ready | AttachmentState::Used => attachment,
        AttachmentState::Released => return Err(Refused::NotFound),
    };
    Ok(Json(AttachmentView::of(&complete, &app.edge.cdn)))
}

async fn finish(app: &App, attachment: Attachment) -> Result<Attachment, Refused> {
    for _ in 0..TRIES {
        let dimensions = match Box::pin(publish(app, &attachment)).await {
            Ok(Ok(dimensions)) => dimensions,
            Ok(Err(Changed)) => continue,
            Err(refused @ (Refused::AnotherSize(_) | Refused::Unacceptable(_))) => {
                give_up(app, &attachment).await?;
                return Err(refused);
            }
            // Another request may have completed it, and removed what was uploaded.
            Err(Refused::NotUploaded) => return completed(app, attachment.id).await,
            Err(refused) => return Err(refused),
        };
        let size = |side: fn(&Dimensions) -> u32| dimensions.as_ref().map(side);
        let complete = Attachment {
            state: AttachmentState::Ready,
            file_name: None,
            width: size(|of| of.width),
            height: size(|of| of.height),
            ..attachment
        };
        return written(app, complete).await;
    }
    Err(Error::Busy { operation: "CopyObject" }.into())
}

/// The attachment, if somebody has completed it by now.
async fn completed(app: &App, id: AttachmentId) -> Result<Attachment, Refused> {
    let present: Option<Attachment> = app.edge.table.get_now(keys::attachment(id)).await?;
    let present = present.ok_or(Refused::NotFound)?;
    match present.state {
        AttachmentState::Pending => Err(Refused::NotUploaded),
        AttachmentState::Ready | AttachmentState::Used => Ok(present),
        AttachmentState::Released => Err(Refused::NotFound),
    }
}

/// Reads the upload, looks at it and copies it to where the public reads it.
async fn publish(app: &App, attachment: &Attachment) -> Result<Result<Option<Dimensions>, Changed>, Refused> {
    let key = attachment.upload_key.as_str();
    let stat = app.bucket.stat(key).await?.ok_or(Refused::NotUploaded)?;
    if stat.size != u64::from(attachment.size.bytes()) {
        return Err(Refused::AnotherSize(stat.size));
    }
    let Ok(bytes) = app.bucket.read(key, &stat.etag).await? else { return Ok(Err(Changed)) };
    let dimensions = inspect(&bytes, attachment.file_type)?;
    let Some(name) = &attachment.file_name else { return Err(Refused::NotFound) };
    let copied = app.bucket.publish((key, &stat.etag), &attachment.public_key, attachment.file_type, name).await?;
    Ok(copied.map(|()| dimensions))
}

/// PENDING → READY, and what was uploaded is not needed any more.
async fn written(app: &App, complete: Attachment) -> Result<Attachment, Refused> {
    match app.edge.table.write(complete.complete()).await {
        Ok(()) => {
            remove(app, &complete.upload_key).await;
            Ok(complete)
        }
        Err(WriteError::Storage(error)) => Err(error.into()),
        // Another request was faster, or its owner gave it up: then the copy goes with it.
        Err(WriteError::Unmet(item)) => {
            let present: Option<Attachment> = item.map(decode).transpose()?;
            present.filter(|present| present.state != AttachmentState::Released).ok_or(Refused::NotFound)
        }
    }
}

/// PENDING → RELEASED. Whatever is uploaded until its URL ends is removed after that.
async fn give_up(app: &App, attachment: &Attachment) -> Result<(), Refused> {
    let due = gone_for_good(attachment.upload_until, app.edge.clock.now());
    match app.edge.table.write(attachment.give_up(due)).await {
        Ok(()) | Err(WriteError::Unmet(_)) => {}
        Err(WriteError::Storage(error)) => return Err(error.into()),
    }
    remove(app, &attachment.upload_key).await;
    Ok(())
}

/// Deletes an upload at once, if S3 answers; else the upload-sweeper does.
async fn remove(app: &App, key: &str) {
    if let Err(error) = app.bucket.delete(key).await {
        tracing::warn!(%error, "an upload is left for the sweeper");
    }
}
