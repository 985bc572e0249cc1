use domain::{
    accounts::Approval,
    boards::{Category, Level},
    ids::{PwtId, UserId},
    money::Price,
    seats::Stock,
    text::{Description, Reason, Title},
    time::Time,
};
use serde::{Deserialize, Serialize};

use super::Stored;
use crate::{
    Write,
    keys::{self, Keys},
};

/// A project with a tutor. Lists read it without its description.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Pwt {
    /// Its id.
    pub id: PwtId,
    /// Who leads it.
    pub tutor_id: UserId,
    /// Its title.
    pub title: Title,
    /// Markdown; absent where it was read from a list index.
    pub description: Option<Description>,
    /// What a seat costs now.
    pub price: Price,
    /// When the sale opens; none before approval means "on approval".
    pub sales_from: Option<Time>,
    /// When the sale ends.
    pub deadline: Time,
    /// When the project begins.
    pub starts_at: Time,
    /// When it ends.
    pub ends_at: Time,
    /// How many seats it has.
    pub max_participants: u32,
    /// How hard it is.
    pub level: Level,
    /// What it is about.
    pub category: Category,
    /// Where it stands.
    pub approval: Approval,
    /// Why it was rejected.
    pub reason: Option<Reason>,
    /// How many shards its seats are spread over; 0 before approval.
    #[serde(default)]
    pub seat_shards: u32,
    /// A hint for lists; no order trusts it.
    #[serde(default)]
    pub sold_out: bool,
    /// Whether its tutor still sells it. Only closing ends that: seats that come back do not.
    #[serde(default = "on_sale")]
    pub on_sale: bool,
    /// When it became public.
    pub published_at: Option<Time>,
    /// When it was made.
    pub created_at: Time,
    /// Raised by every change.
    pub version: u64,
}

fn on_sale() -> bool {
    true
}

impl Stored for Pwt {
    const TYPE: &'static str = "PWT";

    fn keys(&self) -> Keys {
        let public = self.published_at.filter(|_| self.approval == Approval::Approved);
        Keys {
            gsi1: Some(match public {
                Some(published) => keys::public_pwt(published, self.id),
                None => keys::unpublished_pwt(self.approval, self.id),
            }),
            gsi2: Some(keys::pwt_of(self.tutor_id, self.id)),
            gsi3: public.map(|published| keys::public_pwt_in_category(self.category, published, self.id)),
            ..Keys::of(keys::pwt(self.id))
        }
    }
}

impl Pwt {
    /// What the seats need to know of the sale. `None` before the sale's start is known.
    pub fn sale_facts(&self) -> Option<SaleFacts> {
        let sales_from = self.sales_from?;
        Some(SaleFacts { on_sale: self.on_sale, sales_from, deadline: self.deadline, price: self.price })
    }

    /// Requires that the post is as it was when it was read, but for hints.
    pub fn unchanged(&self) -> Write {
        Write::check(keys::pwt(self.id)).if_is("version", self.version)
    }

    /// Ends the sale for good where the post is still as it was read. With it go the shards.
    pub fn close(&self) -> Write {
        Write::update(keys::pwt(self.id)).set("onSale", false).add("version", 1).if_is("version", self.version)
    }

    /// Writes all that a change may touch, its version included, where the post is still at
    /// version `seen`. What others keep on it, such as `soldOut`, stays as it is by then.
    pub fn revise(&self, seen: u64) -> Write {
        let Keys { key, gsi1, gsi3, .. } = self.keys();
        Write::update(key)
            .set("title", &self.title)
            .set("description", &self.description)
            .set("price", self.price)
            .set("salesFrom", self.sales_from)
            .set("deadline", self.deadline)
            .set("startsAt", self.starts_at)
            .set("endsAt", self.ends_at)
            .set("maxParticipants", self.max_participants)
            .set("level", self.level)
            .set("category", self.category)
            .set("approval", self.approval)
            .set("reason", &self.reason)
            .set("seatShards", self.seat_shards)
            .set("version", self.version)
            .set_or_remove("gsi1pk", gsi1.as_ref().map(|index| &index.pk))
            .set_or_remove("gsi1sk", gsi1.as_ref().map(|index| &index.sk))
            .set_or_remove("gsi3pk", gsi3.as_ref().map(|index| &index.pk))
            .set_or_remove("gsi3sk", gsi3.as_ref().map(|index| &index.sk))
            .if_is("version", seen)
    }

    /// The keys of all its seat shards.
    pub fn seat_keys(&self) -> Vec<keys::Key> {
        (0..self.seat_shards).map(|shard| keys::seats(self.id, shard)).collect()
    }
}

/// The facts of a sale that every shard of its seats carries, so that an order needs no more
/// than the shard itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SaleFacts {
    /// Whether the tutor still sells.
    pub on_sale: bool,
    /// When the sale opens.
    pub sales_from: Time,
    /// When it ends.
    pub deadline: Time,
    /// What a seat costs.
    pub price: Price,
}

/// A part of a PWT's seats.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SeatShard {
    /// Of which PWT.
    pub pwt_id: PwtId,
    /// Which part, from 0.
    pub shard: u32,
    /// The seats.
    #[serde(flatten)]
    pub stock: Stock,
    /// The sale.
    #[serde(flatten)]
    pub sale: SaleFacts,
    /// Whether others wait for a seat: then freed seats are not public.
    pub waiting: bool,
    /// When the newest hold on it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_until: Option<Time>,
}

impl Stored for SeatShard {
    const TYPE: &'static str = "SEATS";

    fn keys(&self) -> Keys {
        Keys::of(keys::seats(self.pwt_id, self.shard))
    }
}

impl SeatShard {
    fn move_one(pwt: PwtId, shard: u32, from: &str, to: &str) -> Write {
        Write::update(keys::seats(pwt, shard)).add(from, -1).add(to, 1).if_at_least(from, 1)
    }

    fn on_sale_at(write: Write, price: Price, now: Time) -> Write {
        write.if_is("onSale", true).if_at_most("salesFrom", now).if_above("deadline", now).if_is("price", price)
    }

    /// Takes a seat out of stock for an unpaid order, until `hold_until`.
    pub fn hold(pwt: PwtId, shard: u32, price: Price, hold_until: Time, now: Time) -> Write {
        let held = Self::move_one(pwt, shard, "available", "held").set("holdUntil", hold_until);
        Self::on_sale_at(held, price, now).if_is("waiting", false)
    }

    /// Takes a seat that is kept for the buyer for their unpaid order, until `hold_until`. The
    /// claim itself must end in the same transaction.
    pub fn hold_claimed(pwt: PwtId, shard: u32, price: Price, hold_until: Time, now: Time) -> Write {
        let held = Self::move_one(pwt, shard, "claimed", "held").set("holdUntil", hold_until);
        Self::on_sale_at(held, price, now)
    }

    /// Gives a free seat away at once.
    pub fn give(pwt: PwtId, shard: u32, now: Time) -> Write {
        let free = Price::default();
        Self::on_sale_at(Self::move_one(pwt, shard, "available", "sold"), free, now).if_is("waiting", false)
    }

    /// Gives a free seat away that is kept for its buyer. The claim itself must end in the same
    /// transaction.
    pub fn give_claimed(pwt: PwtId, shard: u32, now: Time) -> Write {
        Self::on_sale_at(Self::move_one(pwt, shard, "claimed", "sold"), Price::default(), now)
    }

    /// Keeps a free seat for somebody who waited, while the sale lasts.
    pub fn claim(pwt: PwtId, shard: u32, now: Time) -> Write {
        Self::move_one(pwt, shard, "available", "claimed").if_is("onSale", true).if_above("deadline", now)
    }

    /// A seat that was kept for somebody goes back into stock.
    pub fn unclaim(pwt: PwtId, shard: u32) -> Write {
        Self::move_one(pwt, shard, "claimed", "available")
    }

    /// Says whether others wait: while they do, freed seats are theirs.
    pub fn wait(pwt: PwtId, shard: u32, waiting: bool) -> Write {
        Write::update(keys::seats(pwt, shard)).set("waiting", waiting).if_present()
    }

    /// A held seat stays so until another instant.
    pub fn hold_on(pwt: PwtId, shard: u32, hold_until: Time) -> Write {
        Write::update(keys::seats(pwt, shard)).set("holdUntil", hold_until).if_at_least("held", 1)
    }

    /// A held seat becomes sold.
    pub fn sell(pwt: PwtId, shard: u32) -> Write {
        Self::move_one(pwt, shard, "held", "sold")
    }

    /// A held seat goes back into stock.
    pub fn let_go(pwt: PwtId, shard: u32) -> Write {
        Self::move_one(pwt, shard, "held", "available")
    }

    /// A sold seat goes back into stock.
    pub fn take_back(pwt: PwtId, shard: u32) -> Write {
        Self::move_one(pwt, shard, "sold", "available")
    }

    /// Ends the sale; what is held, sold or claimed stays so.
    pub fn close(pwt: PwtId, shard: u32) -> Write {
        Write::update(keys::seats(pwt, shard)).set("onSale", false).if_present()
    }

    /// Deletes a shard that nobody holds, bought or claims a seat of.
    pub fn delete(pwt: PwtId, shard: u32) -> Write {
        Write::delete(keys::seats(pwt, shard)).if_is("held", 0).if_is("sold", 0).if_is("claimed", 0)
    }

    /// Counts a shard anew, if it still counts as in `read`.
    pub fn recount(read: &Self, stock: Stock) -> Write {
        let counts = |stock: Stock| {
            [("available", stock.available), ("held", stock.held), ("sold", stock.sold), ("claimed", stock.claimed)]
        };
        let write = Write::update(keys::seats(read.pwt_id, read.shard));
        let write = counts(stock).into_iter().fold(write, |write, (name, count)| write.set(name, count));
        counts(read.stock).into_iter().fold(write, |write, (name, count)| write.if_is(name, count))
    }

    /// Changes the facts of the sale, and the free seats by `change`, which may be negative.
    pub fn revise(pwt: PwtId, shard: u32, sale: SaleFacts, change: i64) -> Write {
        Write::update(keys::seats(pwt, shard))
            .set("onSale", sale.on_sale)
            .set("salesFrom", sale.sales_from)
            .set("deadline", sale.deadline)
            .set("price", sale.price)
            .add("available", change)
            .if_at_least("available", change.saturating_neg().max(0))
    }
}
