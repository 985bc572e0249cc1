use domain::{
    attachments::{AttachmentState, FileSize, FileType, NotUsable, Purpose},
    ids::{AttachmentId, UserId},
    text::FileName,
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::{
    Write,
    keys::{self, Keys},
};

/// A file that somebody uploads: where its bytes are, and what they may be used for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Attachment {
    /// Its id.
    pub id: AttachmentId,
    /// Who uploads it, and alone may use it.
    pub owner_id: UserId,
    /// What for.
    pub purpose: Purpose,
    /// What it says it is; once it is READY, what it was seen to be.
    pub file_type: FileType,
    /// What its owner calls it; gone once the public file carries it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file_name: Option<FileName>,
    /// How many bytes it has.
    pub size: FileSize,
    /// Where its owner puts it: never read by the public.
    pub upload_key: String,
    /// Where the public reads it, from READY on: never written by its owner.
    pub public_key: String,
    /// How long its owner can put it there.
    pub upload_until: Time,
    /// Of a picture that was looked at, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Where it stands.
    pub state: AttachmentState,
    /// What uses it, by its partition key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub used_by: Option<String>,
    /// When the upload-sweeper looks at it next; none where nothing is left to do.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due: Option<Time>,
    /// When its upload was asked for.
    pub created_at: Time,
}

impl Stored for Attachment {
    const TYPE: &'static str = "ATTACHMENT";

    fn keys(&self) -> Keys {
        Keys {
            gsi1: self.due.map(|due| keys::due_attachment(self.id, due)),
            gsi2: Some(keys::attachment_of(self.owner_id, self.id)),
            ..Keys::of(keys::attachment(self.id))
        }
    }
}

/// What an item that uses a file keeps of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PublicFile {
    /// Its id.
    pub id: AttachmentId,
    /// Where the public reads it.
    pub key: String,
    /// What it is.
    pub file_type: FileType,
    /// Of a picture, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// The same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
}

impl Attachment {
    /// What uses it keeps of it, if `owner` may use it for `purpose`.
    pub fn usable(found: Option<Self>, owner: UserId, purpose: Purpose) -> Result<PublicFile, NotUsable> {
        let found = found.ok_or(NotUsable::NotFound)?;
        NotUsable::unless(found.state, found.owner_id == owner, found.purpose == purpose)?;
        let Self { id, public_key: key, file_type, width, height, .. } = found;
        Ok(PublicFile { id, key, file_type, width, height })
    }

    fn update(id: AttachmentId) -> Write {
        Write::update(keys::attachment(id))
    }

    /// `write`, after which the sweeper looks at it at `due`.
    fn due_at(&self, write: Write, due: Time) -> Write {
        let index = keys::due_attachment(self.id, due);
        write.set("due", due).set("gsi1pk", index.pk).set("gsi1sk", index.sk)
    }

    /// PENDING → READY: what lies under the public key was looked at, and carries the name from now on.
    pub fn complete(&self) -> Write {
        Self::update(self.id)
            .set("state", AttachmentState::Ready)
            .set_or_remove("width", self.width)
            .set_or_remove("height", self.height)
            .remove("fileName")
            .if_is("state", AttachmentState::Pending)
    }

    /// READY → USED by the item in this partition: once, by its owner and for its purpose.
    pub fn put_to_use(id: AttachmentId, owner: UserId, purpose: Purpose, partition: &str) -> Write {
        Self::update(id)
            .set("state", AttachmentState::Used)
            .set("usedBy", partition)
            .if_is("state", AttachmentState::Ready)
            .if_is("ownerId", owner)
            .if_is("purpose", purpose)
    }

    /// USED by the item in this partition → RELEASED: it is removed soon.
    pub fn release(id: AttachmentId, partition: &str, now: Time) -> Write {
        let index = keys::due_attachment(id, now);
        Self::update(id)
            .set("state", AttachmentState::Released)
            .set("due", now)
            .set("gsi1pk", index.pk)
            .set("gsi1sk", index.sk)
            .remove("usedBy")
            .if_is("state", AttachmentState::Used)
            .if_is("usedBy", partition)
    }

    /// PENDING or READY, as it was read → RELEASED, to be removed at `due`. What its owner called it is gone at once.
    pub fn give_up(&self, due: Time) -> Write {
        let write =
            Self::update(self.id).set("state", AttachmentState::Released).remove("fileName").if_is("state", self.state);
        self.due_at(write, due)
    }

    /// What is left of a released one is looked at again at `due`.
    pub fn put_off(&self, due: Time) -> Write {
        self.due_at(Self::update(self.id), due).if_is("state", AttachmentState::Released)
    }

    /// Nothing is left to do while it is in use.
    pub fn settle(&self) -> Write {
        Self::update(self.id)
            .remove("due")
            .remove("gsi1pk")
            .remove("gsi1sk")
            .if_is("state", AttachmentState::Used)
            .if_is("due", self.due)
    }

    /// The item goes last: its objects are gone.
    pub fn delete(&self) -> Write {
        Write::delete(keys::attachment(self.id)).if_absent_or_is("state", AttachmentState::Released)
    }
}
