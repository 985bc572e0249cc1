//! `POST /v1/pwts/{pwtId}/waitlist`: waits for a seat of a project that is sold out, or behind
//! others who wait.
//!
//! Whoever comes first begins the list: the same transaction tells all shards that freed seats
//! are not public any more, on the condition that there are no other shards.

use devloop_http::{Active, Created, Ensured, IdempotencyKey, KeyRefused, Once, Path};
use domain::{
    accounts::Approval,
    ids::{PwtId, UserId},
    refusal::{Details, Reason, Refusal},
    time::Time,
    waitlist::PlaceState,
};
use storage::{
    Error, Item, Write,
    items::{OpenOrder, Place, Purchase, Pwt, SeatShard, User, Waiter, Waitlist},
    keys, pick,
};

use crate::{
    App,
    reading::PWT_NOT_FOUND,
    stock,
    waitlist::{self, PlaceView},
};

/// Why there is nothing to wait for.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("no such project on sale")]
    NotFound,
    #[error("the caller leads it")]
    OwnProduct,
    #[error("the caller has a seat")]
    AlreadyPurchased,
    #[error("an order of the caller holds a seat")]
    OrderOpen,
    #[error("its sale is over")]
    NotForSale,
    #[error("{0} seats are left")]
    SeatsLeft(u32),
    #[error(transparent)]
    Key(#[from] KeyRefused),
    #[error(transparent)]
    Storage(#[from] Error),
}

const OWN_PRODUCT: Reason =
    Reason::conflict("OWN_PRODUCT", "자신의 상품은 구매할 수 없습니다.", "You cannot buy your own product.");
const ALREADY_PURCHASED: Reason =
    Reason::conflict("ALREADY_PURCHASED", "이미 구매한 상품입니다.", "You have this product already.");
const ORDER_OPEN: Reason = Reason::conflict(
    "ORDER_OPEN",
    "결제를 기다리는 주문이 이미 있습니다.",
    "You have an unpaid order of this product; pay or cancel it first.",
);
const NOT_FOR_SALE: Reason =
    Reason::conflict("NOT_FOR_SALE", "지금은 판매하지 않는 상품입니다.", "This product is not on sale now.");
const SEATS_LEFT: Reason =
    Reason::conflict("SEATS_LEFT", "아직 자리가 남아 있습니다.", "Seats are left: there is nothing to wait for.");

impl Refusal for Refused {
    const REASONS: &'static [Reason] =
        &[PWT_NOT_FOUND, OWN_PRODUCT, ALREADY_PURCHASED, ORDER_OPEN, NOT_FOR_SALE, SEATS_LEFT];

    fn reason(&self) -> Reason {
        match self {
            Self::NotFound => PWT_NOT_FOUND,
            Self::OwnProduct => OWN_PRODUCT,
            Self::AlreadyPurchased => ALREADY_PURCHASED,
            Self::OrderOpen => ORDER_OPEN,
            Self::NotForSale => NOT_FOR_SALE,
            Self::SeatsLeft(_) => SEATS_LEFT,
            Self::Key(error) => error.reason(),
            Self::Storage(error) => error.reason(),
        }
    }

    fn details(&self) -> Details {
        match self {
            Self::SeatsLeft(left) => Details::default().with("seatsLeft", *left),
            Self::Key(error) => error.details(),
            Self::Storage(error) => error.details(),
            _ => Details::default(),
        }
    }
}

/// How often the list is looked at again because it changed meanwhile.
const TRIES: usize = 8;

const OPERATION: &str = "join_waitlist";

/// Joins, once for each key if there is one; who waits already keeps their place.
pub async fn join_waitlist(
    app: App,
    caller: Active,
    (Path(id), key): (Path<PwtId>, Option<IdempotencyKey>),
) -> Result<Once<Ensured<PlaceView>>, Refused> {
    let user = caller.id();
    let work = Box::pin(join(&app, user, id));
    match key {
        // A view is written as JSON in every answer; without a record a repeat does the work again.
        Some(key) => app.once((user, OPERATION, &key), work, |place| place.recorded().ok()).await,
        None => work.await.map(Once::Fresh),
    }
}

async fn join(app: &App, user: UserId, id: PwtId) -> Result<Ensured<PlaceView>, Refused> {
    for _ in 0..TRIES {
        let now = app.clock.now();
        let wanted = [
            keys::pwt(id),
            keys::purchase(user, id.into()),
            keys::open_order(user, id.into()),
            keys::waiter(id, user),
            keys::waitlist(id),
        ];
        let found = app.table.get_mixed_now(wanted).await?;
        let pwt = to_wait_for(&found, user, now)?;
        if let Some(waiter) = pick::<Waiter>(&found)? {
            match app.table.get_now::<Place>(keys::place(id, waiter.place_id)).await? {
                Some(place) if !place.is_over(now) => {
                    return Ok(Ensured::Found(PlaceView::of(app, &place).await?));
                }
                // Its claim is over: clear it away, and wait anew.
                Some(place) => waitlist::end(app, &place).await.map(|_| ())?,
                None => {}
            }
            continue;
        }
        let line = match pick::<Waitlist>(&found)? {
            Some(_) => vec![Waitlist::lengthen(id)],
            None => begun(app, &pwt, now).await?,
        };
        let place =
            Place { id: app.ids.id(), pwt_id: id, user_id: user, state: PlaceState::Waiting, since: now, claim: None };
        let taken = [
            Write::put(&place).if_absent(),
            Write::put(&place.guard()).if_absent(),
            pwt.unchanged(),
            User::must_be_active(user),
            Write::check(keys::purchase(user, id.into())).if_absent(),
            Write::check(keys::open_order(user, id.into())).if_absent(),
        ];
        if waitlist::commit(app, taken.into_iter().chain(line)).await? {
            let location = format!("/v1/pwts/{id}/waitlist/me");
            let body = PlaceView::of(app, &place).await?;
            return Ok(Ensured::Created(Created { location, version: None, body }));
        }
    }
    Err(Error::Busy { operation: "join_waitlist" }.into())
}

/// The project, if `user` may wait for a seat of it.
fn to_wait_for(found: &[Item], user: UserId, now: Time) -> Result<Pwt, Refused> {
    let pwt = pick::<Pwt>(found)?.filter(|pwt| pwt.approval == Approval::Approved).ok_or(Refused::NotFound)?;
    if pwt.tutor_id == user {
        Err(Refused::OwnProduct)
    } else if pick::<Purchase>(found)?.is_some() {
        Err(Refused::AlreadyPurchased)
    } else if pick::<OpenOrder>(found)?.is_some() {
        Err(Refused::OrderOpen)
    } else if !pwt.on_sale || pwt.deadline <= now {
        Err(Refused::NotForSale)
    } else {
        Ok(pwt)
    }
}

/// A list with one place, and what tells the shards of it, if no seat is left.
async fn begun(app: &App, pwt: &Pwt, now: Time) -> Result<Vec<Write>, Refused> {
    let shards: Vec<SeatShard> = app.table.get_all_now(pwt.seat_keys()).await?;
    let left = stock::left(&shards);
    if left > 0 {
        return Err(Refused::SeatsLeft(left));
    }
    let list = Write::put(&Waitlist { pwt_id: pwt.id, count: 1, due: now }).if_absent();
    let shards = (0..pwt.seat_shards).map(|shard| SeatShard::wait(pwt.id, shard, true));
    Ok([list].into_iter().chain(shards).collect())
}
