use std::iter;

use domain::{
    forums::{Admission, Party},
    ids::{PostId, UserId},
    text::ApplicationMessage,
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::{Post, Stored};
use crate::{
    Write,
    keys::{self, Keys},
};

/// Somebody's application to a study party: one for each user and party.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Application {
    /// Who applies.
    pub user_id: UserId,
    /// Where it stands.
    pub state: Admission,
    /// Whatever else the list of a party's applications shows.
    pub card: ApplicationCard,
    /// When it was sent.
    pub created_at: Time,
    /// Raised by every change.
    pub version: u64,
}

/// What lists show of an application beyond what the indexes name.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ApplicationCard {
    /// To which party.
    pub party_id: PostId,
    /// To its author.
    pub message: Option<ApplicationMessage>,
    /// When the author decided.
    pub decided_at: Option<Time>,
}

impl Stored for Application {
    const TYPE: &'static str = "PARTY_APPLICATION";

    fn keys(&self) -> Keys {
        Keys {
            gsi1: Some(keys::application_to(self.card.party_id, self.created_at, self.user_id)),
            gsi2: Some(keys::application_of(self.user_id, self.card.party_id)),
            ..Keys::of(keys::party_application(self.card.party_id, self.user_id))
        }
    }
}

impl Application {
    /// The application as it stands once it was decided on at `now`.
    #[must_use]
    pub fn decided(&self, state: Admission, now: Time) -> Self {
        let card = ApplicationCard { decided_at: Some(now), ..self.card.clone() };
        Self { state, card, version: self.version.saturating_add(1), ..self.clone() }
    }

    /// Writes it where it still stands as in `read`.
    pub fn replace(&self, read: &Self) -> Write {
        Write::put(self).if_is("version", read.version)
    }

    /// `write`, which ends what it stands for, and what gives the place back that it has: to be made together.
    pub fn end(&self, write: Write) -> impl Iterator<Item = Write> {
        let party = self.card.party_id;
        let place = (self.state == Admission::Accepted).then(|| Post::<Party>::give_place(party));
        iter::once(write).chain(place)
    }

    /// Takes it back, where it still stands as it was read.
    pub fn withdraw(&self) -> Write {
        Write::delete(self.keys().key).if_is("version", self.version)
    }
}
