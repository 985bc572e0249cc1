//! Waitlists: while somebody waits, a freed seat is kept for who waited longest, and nobody else
//! may take it.
//!
//! A claim is one transaction on the shard and the place, so that neither is given twice; a
//! claim that is over goes back the same way. Everything here may be done twice or by two at
//! once. Who comes first needs no condition: people who leave only move others forward.

use domain::{
    ids::{PlaceId, PwtId},
    time::Time,
    waitlist::{CLAIM_SECONDS, PlaceState},
};
use serde::{Deserialize, Serialize};
use storage::{
    Error, Query, Stored, Tx, TxError, Write, WriteError,
    items::{Claim, Note, NoteKind, Place, Pwt, SeatShard, Waitlist},
    keys, pick,
};

use crate::{App, Swept, hints};

/// How many claims and lists one run looks at.
const AT_ONCE: usize = 200;
/// How many places of one list one run moves.
const STEPS: usize = 500;
/// How long a list that failed is left alone: so it comes after all others.
const BACK_OFF_SECONDS: i64 = 60;

/// Gives back what was not ordered in time, and keeps what is free for those who are next.
pub async fn sweep(app: &App, swept: &mut Swept) -> Result<(), Error> {
    let now = app.edge.clock.now();
    // `~` sorts after every id: all that are due up to this very instant.
    let due = |partition: &str| Query::index("gsi1", partition).between("0", format!("{now}~"));
    for DueClaim { pwt_id, id } in app.edge.table.all(&due(keys::CLAIMS_DUE), AT_ONCE).await? {
        match end_claim(app, pwt_id, id, now).await {
            Ok(ended) => swept.claims_ended = swept.claims_ended.saturating_add(u32::from(ended)),
            // One claim or list that cannot be worked on must not keep the others from it.
            Err(error) => {
                tracing::error!(pwt = %pwt_id, %error, "a claim could not be ended");
                swept.postponed = swept.postponed.saturating_add(1);
            }
        }
    }
    for DueList { pwt_id } in app.edge.table.all(&due(keys::WAITS_DUE), AT_ONCE).await? {
        let again = match serve(app, pwt_id).await {
            Ok(claimed) => {
                swept.claimed = swept.claimed.saturating_add(claimed);
                now
            }
            Err(error) => {
                tracing::error!(pwt = %pwt_id, %error, "work on a waitlist failed");
                swept.postponed = swept.postponed.saturating_add(1);
                now.plus_seconds(BACK_OFF_SECONDS)
            }
        };
        match app.edge.table.write(Waitlist::reschedule(pwt_id, again)).await {
            // A list that ended is not due any more.
            Ok(()) | Err(WriteError::Unmet(_)) => {}
            Err(WriteError::Storage(error)) => return Err(error),
        }
    }
    Ok(())
}

/// Gives the seat of a claim that is over back. Answers whether this call did.
async fn end_claim(app: &App, pwt: PwtId, id: PlaceId, now: Time) -> Result<bool, Error> {
    // The index may be behind: only the place itself says what is due.
    let place: Option<Place> = app.edge.table.get_now(keys::place(pwt, id)).await?;
    let over = place.filter(|place| place.is_over(now)).and_then(|place| Some((place.claim?, place)));
    let Some((claim, place)) = over else { return Ok(false) };
    let ended = commit(app, place.give_back(claim)).await?;
    if ended {
        hints::refresh_one(app, pwt).await?;
    }
    Ok(ended)
}

/// Keeps the free seats of a PWT for those who are next, or lets everybody take them if nobody
/// waits. Of a sale that is over, it ends the list. Answers how many seats are claimed now.
async fn serve(app: &App, id: PwtId) -> Result<u32, Error> {
    let mut claimed: u32 = 0;
    for _ in 0..STEPS {
        let now = app.edge.clock.now();
        let found = app.edge.table.get_mixed_now([keys::waitlist(id), keys::pwt(id)]).await?;
        let (Some(list), pwt) = (pick::<Waitlist>(&found)?, pick::<Pwt>(&found)?) else { break };
        if list.count == 0 {
            if open(app, id, pwt).await? {
                break;
            }
            continue;
        }
        let Some(selling) = pwt.as_ref().filter(|pwt| sells(pwt, now)) else {
            let Some(place) = first(app, id).await? else { break };
            let title = pwt.map(|pwt| pwt.title);
            let note = note(app, &place, NoteKind::WaitlistClosed { product_id: id.into(), title }, now);
            commit(app, place.leave().into_iter().chain([note])).await?;
            continue;
        };
        match offer(app, selling, now).await? {
            Offer::Nothing => break,
            Offer::Claimed => claimed = claimed.saturating_add(1),
            Offer::Overtaken => {}
        }
    }
    Ok(claimed)
}

/// Keeps a seat that was just freed for who is next, if it can be done at once; else the sweeper
/// does it.
pub async fn hint(app: &App, id: PwtId) -> Result<(), Error> {
    let now = app.edge.clock.now();
    let pwt: Option<Pwt> = app.edge.table.get_now(keys::pwt(id)).await?;
    if let Some(pwt) = pwt.filter(|pwt| sells(pwt, now)) {
        offer(app, &pwt, now).await?;
    }
    Ok(())
}

fn sells(pwt: &Pwt, now: Time) -> bool {
    pwt.on_sale && now < pwt.deadline
}

/// What became of one free seat.
enum Offer {
    /// None is free, or nobody waits.
    Nothing,
    /// It is kept for who was next.
    Claimed,
    /// Seat or place were taken or left meanwhile.
    Overtaken,
}

async fn offer(app: &App, pwt: &Pwt, now: Time) -> Result<Offer, Error> {
    let shards: Vec<SeatShard> = app.edge.table.get_all_now(pwt.seat_keys()).await?;
    let Some(free) = shards.iter().find(|shard| shard.stock.available > 0) else { return Ok(Offer::Nothing) };
    let Some(place) = first(app, pwt.id).await? else { return Ok(Offer::Nothing) };
    let claim = Claim { shard: free.shard, until: now.plus_seconds(CLAIM_SECONDS) };
    let told =
        NoteKind::WaitlistClaim { product_id: pwt.id.into(), title: pwt.title.clone(), claim_until: claim.until };
    let note = note(app, &place, told, now);
    let claimed = commit(app, place.take_claim(claim, now).into_iter().chain([note])).await?;
    Ok(if claimed { Offer::Claimed } else { Offer::Overtaken })
}

/// Who waited longest.
async fn first(app: &App, pwt: PwtId) -> Result<Option<Place>, Error> {
    // Places with a claim stand in front of those who wait, and are few.
    const AT_ONCE: usize = 10;
    let line = Query::partition(keys::waitlist(pwt).pk, keys::PLACE);
    let mut after = None;
    loop {
        let waits = |place: &Place| place.state == PlaceState::Waiting;
        let page = app.edge.table.page(&line, after, AT_ONCE, waits).await?;
        match (page.items.into_iter().next(), page.next) {
            (None, Some(next)) => after = Some(next),
            (first, _) => return Ok(first),
        }
    }
}

/// Ends a list on which nobody waits: its PWT's seats are everybody's again.
async fn open(app: &App, id: PwtId, pwt: Option<Pwt>) -> Result<bool, Error> {
    // The post says which shards there are: none may come to be meanwhile.
    let shards = pwt.iter().flat_map(|pwt| {
        let seats = (0..pwt.seat_shards).map(|shard| SeatShard::wait(id, shard, false));
        seats.chain([pwt.unchanged()])
    });
    let opened = commit(app, [Waitlist::end(id)].into_iter().chain(shards)).await?;
    if opened {
        hints::refresh_one(app, id).await?;
    }
    Ok(opened)
}

fn note(app: &App, place: &Place, kind: NoteKind, now: Time) -> Write {
    Write::put(&Note { id: app.edge.ids.id(), user_id: place.user_id, kind, created_at: now })
}

/// All or none; `false` if things are not as they were read any more.
async fn commit(app: &App, writes: impl IntoIterator<Item = Write>) -> Result<bool, Error> {
    let tx = Tx::once(app.edge.ids.token()).and_all(writes.into_iter().map(|write| (write, ())));
    match tx.commit(&app.edge.table).await {
        Ok(()) => Ok(true),
        Err(TxError::Unmet(_)) => Ok(false),
        Err(TxError::Storage(error)) => Err(error),
    }
}

/// What the index shows of a claim.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct DueClaim {
    pwt_id: PwtId,
    id: PlaceId,
}

impl Stored for DueClaim {
    const TYPE: &'static str = Place::TYPE;

    fn keys(&self) -> keys::Keys {
        keys::Keys::of(keys::place(self.pwt_id, self.id))
    }
}

/// What the index shows of a waitlist.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct DueList {
    pwt_id: PwtId,
}

impl Stored for DueList {
    const TYPE: &'static str = Waitlist::TYPE;

    fn keys(&self) -> keys::Keys {
        keys::Keys::of(keys::waitlist(self.pwt_id))
    }
}
