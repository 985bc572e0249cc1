//! `PUT /v1/users/me/image`: an uploaded picture becomes the caller's.
//!
//! One transaction changes the account, puts the picture to use and releases the one before it, so
//! that each file is used once or not at all. What is released is removed later.

use deserr::Deserr;
use devloop_http::{Active, IfMatch, Json, UNAUTHENTICATED, Versioned, stale};
use domain::{
    accounts::Standing,
    attachments::{NotUsable, Purpose},
    ids::AttachmentId,
    refusal::{Details, Reason, Refusal},
    validation::FieldErrors,
};
use storage::{
    Error,
    items::{Attachment, User},
    keys,
};
use utoipa::ToSchema;

use crate::{
    App,
    images::{self, TRIES},
    profiles::Me,
};

/// Which picture.
#[derive(Debug, Deserr, ToSchema)]
#[deserr(error = FieldErrors, rename_all = camelCase, deny_unknown_fields)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({ "attachmentId": "01KB2M3N4P5Q6R7S8T9V0W1X2Y" }))]
pub struct SetProfileImage {
    /// A completed file of the caller's, uploaded as `PROFILE`.
    attachment_id: AttachmentId,
}

/// Why the picture is what it was.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("the account is not in use")]
    NotActive,
    #[error("it is version {0} by now")]
    Stale(u64, Box<Me>),
    #[error(transparent)]
    NotUsable(#[from] NotUsable),
    #[error(transparent)]
    Storage(#[from] Error),
}

impl Refusal for Refused {
    const REASONS: &'static [Reason] = &[
        UNAUTHENTICATED,
        Reason::VERSION_CONFLICT,
        domain::attachments::ATTACHMENT_NOT_FOUND,
        domain::attachments::ATTACHMENT_NOT_READY,
        domain::attachments::ATTACHMENT_IN_USE,
        domain::attachments::ATTACHMENT_FOR_ANOTHER_PURPOSE,
    ];

    fn reason(&self) -> Reason {
        match self {
            Self::NotActive => UNAUTHENTICATED,
            Self::Stale(..) => Reason::VERSION_CONFLICT,
            Self::NotUsable(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::Stale(version, current) => stale(*version, serde_json::to_value(current).unwrap_or_default()),
            Self::NotActive | Self::NotUsable(_) => Details::default(),
            Self::Storage(error) => error.details(),
        }
    }
}

/// Uses it, unless it is the caller's picture already.
pub async fn set_profile_image(
    app: App,
    caller: Active,
    (seen, Json(body)): (Option<IfMatch>, Json<SetProfileImage>),
) -> Result<Versioned<Me>, Refused> {
    let id = body.attachment_id;
    let mut account = caller.account;
    for _ in 0..TRIES {
        if account.standing != Standing::Active {
            return Err(Refused::NotActive);
        }
        if seen.is_some_and(|seen| !seen.is(account.version)) {
            let (version, current) = Me::read(&app, account.id).await?;
            return Err(Refused::Stale(version, Box::new(current)));
        }
        let is_there = account.image.as_ref().is_some_and(|image| image.id == id);
        if is_there || use_picture(&app, &account, id, seen.is_some()).await? {
            let (version, body) = Me::read(&app, account.id).await?;
            return Ok(Versioned { version, body });
        }
        let present: Option<User> = app.table.get_now(keys::user(account.id)).await?;
        account = present.ok_or(Refused::NotActive)?;
    }
    Err(Error::Busy { operation: "TransactWriteItems" }.into())
}

/// `false` if account or file changed meanwhile.
async fn use_picture(app: &App, account: &User, id: AttachmentId, is_bound: bool) -> Result<bool, Refused> {
    let found: Option<Attachment> = app.table.get_now(keys::attachment(id)).await?;
    let image = Attachment::usable(found, account.id, Purpose::Profile)?;
    let version = is_bound.then_some(account.version);
    Ok(images::change(app, account, Some(&image), version).await?)
}
