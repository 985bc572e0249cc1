//! `POST /v1/attachments`: asks for a URL to upload a file to.
//!
//! The URL takes that size and type under a random key, for a quarter of an hour. Nothing is
//! read from there by anybody but us.

use deserr::Deserr;
use devloop_http::{Active, Created, IdempotencyKey, KeyRefused, MaybeIdempotent, Once};
use domain::{
    attachments::{AttachmentState, FileSize, FileType, Purpose, check},
    quota::{TooMany, Window},
    refusal::{Details, Reason, Refusal},
    text::FileName,
    validation::FieldErrors,
};
use media::random_key;
use storage::{
    Error, Tx, Write,
    items::{Attachment, PostingWindow},
};
use utoipa::ToSchema;

use crate::{
    App,
    rules::{QUOTAS, TOO_MANY_REQUESTS, UPLOAD_FOR, kept_until, upload_until},
    views::UploadView,
};

/// A file to be uploaded.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "fileName": "내 사진.png", "contentType": "image/png", "size": 48213, "purpose": "PROFILE" }))]
pub struct CreateAttachment {
    /// Under which name others save it. It ends with an extension of the type.
    #[schema(value_type = String, min_length = 1, max_length = 255)]
    file_name: FileName,
    content_type: FileType,
    size: FileSize,
    /// JPEG and PNG for profiles; PDF, too, on boards; GIF, too, for projects.
    purpose: Purpose,
}

/// Why there is no upload.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error(transparent)]
    Fields(#[from] FieldErrors),
    #[error("too many uploads")]
    TooMany(TooMany),
    #[error(transparent)]
    Key(#[from] KeyRefused),
    #[error("the answer could not be written: {0}")]
    Unwritable(#[from] serde_json::Error),
    #[error(transparent)]
    Unsigned(#[from] media::Error),
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[Reason::VALIDATION_FAILED, TOO_MANY_REQUESTS];

    fn reason(&self) -> Reason {
        match self {
            Self::Fields(errors) => errors.reason(),
            Self::TooMany(_) => TOO_MANY_REQUESTS,
            Self::Key(error) => error.reason(),
            Self::Unwritable(_) => Reason::INTERNAL,
            Self::Unsigned(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Fields(errors) => errors.details(),
            Self::TooMany(too_many) => too_many.details(),
            Self::Key(error) => error.details(),
            Self::Unwritable(_) => Details::default(),
            Self::Unsigned(error) => error.details(),
            Self::Storage(error) => error.details(),
        }
    }
}

const OPERATION: &str = "create_attachment";

/// Writes it down and signs the upload, once for each key if there is one.
pub async fn create_attachment(
    app: App,
    owner: Active,
    MaybeIdempotent { key, body }: MaybeIdempotent<CreateAttachment>,
) -> Result<Once<Created<UploadView>>, Refused> {
    let work = Box::pin(create(&app, &owner, key.as_ref(), body));
    app.edge.recorded((owner.id(), OPERATION, key.as_ref()), work).await
}

async fn create(
    app: &App,
    owner: &Active,
    key: Option<&IdempotencyKey>,
    body: CreateAttachment,
) -> Result<Created<UploadView>, Refused> {
    let CreateAttachment { file_name, content_type, size, purpose } = body;
    check(purpose, content_type, &file_name)?;
    let App { edge, bucket } = app;
    let now = edge.clock.now();
    let attachment = Attachment {
        id: edge.ids.id(),
        owner_id: owner.id(),
        purpose,
        file_type: content_type,
        file_name: Some(file_name),
        size,
        upload_key: random_key(&edge.rng, "uploads", None),
        public_key: random_key(&edge.rng, purpose.folder(), Some(content_type.extension())),
        upload_until: upload_until(now),
        width: None,
        height: None,
        state: AttachmentState::Pending,
        used_by: None,
        due: Some(kept_until(now)),
        created_at: now,
    };
    let upload = bucket.sign_upload(&attachment.upload_key, (content_type, size.bytes()), now, UPLOAD_FOR).await?;
    let location = format!("/v1/attachments/{}", attachment.id);
    let created = Created { location, version: None, body: UploadView::of(&attachment, upload) };

    let busy = || Refused::Storage(Error::Busy { operation: "TransactWriteItems" });
    let counts = QUOTAS.map(|(kind, seconds, limit)| {
        let window = Window::at(now, seconds);
        let refused = Refused::TooMany(window.used_up(limit, now));
        (PostingWindow::count(owner.id(), kind, window, limit), refused)
    });
    let answer = key.map(|_| created.recorded()).transpose()?;
    let record = key.zip(answer).map(|(key, answer)| key.succeed(owner.id(), OPERATION, answer, now));
    Tx::once(edge.ids.token())
        // The key has a record meanwhile: another look tells.
        .and_all(record.map(|record| (record, busy())))
        // Somebody else's new file has the same id: another try gets another one.
        .and(Write::put(&attachment).if_absent(), busy())
        .and_all(counts)
        .commit(&edge.table)
        .await
        .map_err(|error| error.first(Refused::Storage))?;
    Ok(created)
}
