//! The picture of an account: put to use, and released, in the transaction that changes the account.

use domain::ids::AttachmentId;
use storage::{
    Error, Tx, TxError, Write,
    items::{Attachment, PublicFile, User},
    keys,
};

use crate::App;

/// How often it is tried anew because the account, or a file, changed meanwhile.
pub const TRIES: usize = 3;

/// The partition that uses the picture.
fn user_of(account: &User) -> String {
    keys::user_partition(account.id)
}

/// Puts a picture to use.
pub fn put_to_use(account: &User, image: AttachmentId) -> Write {
    let purpose = domain::attachments::Purpose::Profile;
    Attachment::put_to_use(image, account.id, purpose, &user_of(account))
}

/// Changes the picture of an account as it was read, with what that means to the files; `false` if one of them changed
/// meanwhile.
pub async fn change(
    app: &App,
    account: &User,
    image: Option<&PublicFile>,
    version: Option<u64>,
) -> Result<bool, Error> {
    let mut write = account.change_image(image);
    if let Some(version) = version {
        write = write.if_is("version", version);
    }
    let used = image.map(|image| (put_to_use(account, image.id), ()));
    let released = account.image.as_ref();
    let released = released.map(|old| (Attachment::release(old.id, &user_of(account), app.clock.now()), ()));
    let tx = Tx::once(app.ids.token()).and(write, ()).and_all(used).and_all(released);
    match tx.commit(&app.table).await {
        Ok(()) => Ok(true),
        Err(TxError::Unmet(_)) => Ok(false),
        Err(TxError::Storage(error)) => Err(error),
    }
}
