use domain::{
    ids::{PlaceId, PwtId, UserId},
    time::Time,
    waitlist::PlaceState,
};
use serde::{Deserialize, Serialize};

use super::{SeatShard, Stored};
use crate::{
    Write,
    keys::{self, Keys},
};

/// The waitlist of a PWT. It exists exactly while every shard of its seats says that others wait.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waitlist {
    /// Of which PWT.
    pub pwt_id: PwtId,
    /// How many places wait; claimed ones do not any more.
    pub count: u32,
    /// When the sweeper looks after it next: the lists that were looked at longest ago come first.
    pub due: Time,
}

impl Stored for Waitlist {
    const TYPE: &'static str = "WAITLIST";

    fn keys(&self) -> Keys {
        Keys { gsi1: Some(keys::due_waitlist(self.pwt_id, self.due)), ..Keys::of(keys::waitlist(self.pwt_id)) }
    }
}

impl Waitlist {
    /// One more place behind others.
    pub fn lengthen(pwt: PwtId) -> Write {
        Write::update(keys::waitlist(pwt)).add("count", 1).if_present()
    }

    /// One place fewer that waits.
    pub fn shorten(pwt: PwtId) -> Write {
        Write::update(keys::waitlist(pwt)).add("count", -1).if_at_least("count", 1)
    }

    /// Ends a list on which nobody waits.
    pub fn end(pwt: PwtId) -> Write {
        Write::delete(keys::waitlist(pwt)).if_is("count", 0)
    }

    /// Looked after: it is due again at `due`.
    pub fn reschedule(pwt: PwtId, due: Time) -> Write {
        let index = keys::due_waitlist(pwt, due);
        Write::update(keys::waitlist(pwt)).set("due", due).set("gsi1pk", index.pk).set("gsi1sk", index.sk).if_present()
    }
}

/// Somebody's place on a waitlist. It is deleted when it ends, however it does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Place {
    /// Its id: places are served in the order of their ids.
    pub id: PlaceId,
    /// On the list of which PWT.
    pub pwt_id: PwtId,
    /// Whose.
    pub user_id: UserId,
    /// Whether a seat is kept for it.
    pub state: PlaceState,
    /// Since when.
    pub since: Time,
    /// The seat that is kept, if one is.
    #[serde(flatten)]
    pub claim: Option<Claim>,
}

/// A seat that is kept for a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Claim {
    /// The shard that it was taken from.
    pub shard: u32,
    /// Until when it may be ordered.
    #[serde(rename = "claimUntil")]
    pub until: Time,
}

impl Stored for Place {
    const TYPE: &'static str = "WAITLIST_PLACE";

    fn keys(&self) -> Keys {
        Keys {
            gsi1: self.claim.map(|claim| keys::due_claim(self.id, claim.until)),
            gsi2: Some(keys::place_of(self.user_id, self.id)),
            ..Keys::of(keys::place(self.pwt_id, self.id))
        }
    }
}

impl Place {
    /// The claim, while it lasts.
    pub fn claim_at(&self, now: Time) -> Option<Claim> {
        self.claim.filter(|claim| claim.until > now)
    }

    /// Whether it had a claim that is over, though nobody has cleared it away yet.
    pub fn is_over(&self, now: Time) -> bool {
        self.claim.is_some_and(|claim| claim.until <= now)
    }

    /// The guard that lets its user have one place on this list.
    pub fn guard(&self) -> Waiter {
        Waiter { pwt_id: self.pwt_id, user_id: self.user_id, place_id: self.id }
    }

    /// Keeps a seat of `claim.shard` for it: WAITING → CLAIMED. To be committed together.
    pub fn take_claim(&self, claim: Claim, now: Time) -> [Write; 3] {
        let index = keys::due_claim(self.id, claim.until);
        let claimed = Write::update(self.key())
            .set("state", PlaceState::Claimed)
            .set("shard", claim.shard)
            .set("claimUntil", claim.until)
            .set("gsi1pk", index.pk)
            .set("gsi1sk", index.sk)
            .if_is("state", PlaceState::Waiting);
        [claimed, SeatShard::claim(self.pwt_id, claim.shard, now), Waitlist::shorten(self.pwt_id)]
    }

    /// Ends it while it waits. To be committed together.
    pub fn leave(&self) -> [Write; 3] {
        [self.end(PlaceState::Waiting), self.release_guard(), Waitlist::shorten(self.pwt_id)]
    }

    /// Ends it and gives the seat of its claim back. To be committed together.
    pub fn give_back(&self, claim: Claim) -> [Write; 3] {
        [self.end(PlaceState::Claimed), self.release_guard(), SeatShard::unclaim(self.pwt_id, claim.shard)]
    }

    /// Ends it because its claim is ordered, which only its user does and only in time. To be
    /// committed together, and with what becomes of the seat.
    pub fn use_claim(&self, buyer: UserId, claim: Claim, now: Time) -> [Write; 2] {
        let end = self.end(PlaceState::Claimed).if_is("userId", buyer).if_is("shard", claim.shard);
        [end.if_above("claimUntil", now), self.release_guard()]
    }

    fn key(&self) -> keys::Key {
        keys::place(self.pwt_id, self.id)
    }

    fn end(&self, from: PlaceState) -> Write {
        Write::delete(self.key()).if_is("state", from)
    }

    fn release_guard(&self) -> Write {
        Write::delete(keys::waiter(self.pwt_id, self.user_id)).if_absent_or_is("placeId", self.id)
    }
}

/// The guard that lets a user have one place on a list.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Waiter {
    /// On which list.
    pub pwt_id: PwtId,
    /// Who.
    pub user_id: UserId,
    /// Which place.
    pub place_id: PlaceId,
}

impl Stored for Waiter {
    const TYPE: &'static str = "WAITER";

    fn keys(&self) -> Keys {
        Keys::of(keys::waiter(self.pwt_id, self.user_id))
    }
}
