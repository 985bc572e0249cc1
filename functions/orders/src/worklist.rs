//! Finding orders for operators, in the indexes that are kept anyway.
//!
//! A list is a row of stretches, each read to its end before the next begins; a cursor names the stretch and the
//! place in it. An order may appear twice, or not at all, where it moves while somebody leafs through.

use domain::{
    ids::{OrderId, UserId},
    orders::State,
};
use storage::{
    Error, Page, Query,
    cursor::Position,
    keys::{self, DUE_SHARDS},
};

use crate::{App, reconciler::DueRefund, sweeper::DueOrder};

/// One stretch of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stretch {
    /// The orders of refunds at work, those first that have been due longest.
    Refunds,
    /// The orders of one partition with work left, by when it is due.
    Due(u32, Which),
    /// All orders in a state without work left, newest first.
    Idle(State),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Which {
    In(State),
    NotIn(State),
}

impl Which {
    fn takes(self, state: State) -> bool {
        match self {
            Self::In(wanted) => state == wanted,
            Self::NotIn(other) => state != other,
        }
    }
}

/// Those in a state; without one, all with work left: refunds first, then payments that are being confirmed.
fn stretches(state: Option<State>) -> Vec<Stretch> {
    let due = |which| (0..DUE_SHARDS).map(move |shard| Stretch::Due(shard, which));
    match state {
        Some(state) => due(Which::In(state)).chain([Stretch::Idle(state)]).collect(),
        None => [Stretch::Refunds]
            .into_iter()
            .chain(due(Which::In(State::Confirming)))
            .chain(due(Which::NotIn(State::Confirming)))
            .collect(),
    }
}

const STRETCH: &str = "stretch";
const BEFORE: &str = "before";

/// Orders by the work that is left on them.
pub async fn by_work(
    app: &App,
    state: Option<State>,
    after: Option<Position>,
    limit: usize,
) -> Result<Page<OrderId>, Error> {
    let stretches = stretches(state);
    let mut place = after.unwrap_or_default();
    let mut number: usize = place.remove(STRETCH).and_then(|number| number.parse().ok()).unwrap_or_default();
    let mut found = Page { items: vec![], next: None };
    while let Some(stretch) = stretches.get(number) {
        let from = (!place.is_empty()).then(|| std::mem::take(&mut place));
        let page = read(app, *stretch, from, limit.saturating_sub(found.items.len())).await?;
        found.items.extend(page.items);
        number = if page.next.is_some() { number } else { number.saturating_add(1) };
        place = page.next.unwrap_or_default();
        // Where a stretch has more, its bound on reading is used up, or the page is full.
        if !place.is_empty() || found.items.len() >= limit {
            break;
        }
    }
    if number < stretches.len() {
        place.insert(STRETCH.to_owned(), number.to_string());
        found.next = Some(place);
    }
    Ok(found)
}

async fn read(app: &App, stretch: Stretch, from: Option<Position>, limit: usize) -> Result<Page<OrderId>, Error> {
    let table = &app.edge.table;
    match stretch {
        Stretch::Refunds => {
            let page = table.page(&Query::index("gsi1", keys::DUE_REFUNDS), from, limit, |_: &DueRefund| true).await?;
            Ok(page.map(|refund| refund.order_id))
        }
        Stretch::Due(shard, which) => {
            let query = Query::index("gsi1", keys::due_orders(shard));
            let page = table.page(&query, from, limit, |order: &DueOrder| which.takes(order.state)).await?;
            Ok(page.map(|order| order.id))
        }
        Stretch::Idle(state) => idle(app, state, from, limit).await,
    }
}

/// The newest of all partitions, merged: the id of the last one is the place.
async fn idle(app: &App, state: State, from: Option<Position>, limit: usize) -> Result<Page<OrderId>, Error> {
    let before = from.and_then(|mut place| place.remove(BEFORE));
    // `~` sorts after every id.
    let until = before.clone().unwrap_or_else(|| "~".to_owned());
    let is_before = |order: &DueOrder| before.as_ref().is_none_or(|before| order.id.to_string() < *before);
    let (mut newest, mut more) = (vec![], false);
    for shard in 0..DUE_SHARDS {
        let query = Query::index("gsi1", keys::idle_orders(state, shard)).between("0", until.as_str()).newest_first();
        let page = app.edge.table.page(&query, None, limit, is_before).await?;
        more |= page.next.is_some();
        newest.extend(page.items.into_iter().map(|order| order.id));
    }
    newest.sort_unstable_by(|one, other| other.cmp(one));
    more |= newest.len() > limit;
    newest.truncate(limit);
    let last = newest.last().filter(|_| more).map(|last| Position::from([(BEFORE.to_owned(), last.to_string())]));
    Ok(Page { items: newest, next: last })
}

/// One buyer's orders, newest first.
pub async fn of_buyer(
    app: &App,
    buyer: UserId,
    state: Option<State>,
    after: Option<Position>,
    limit: usize,
) -> Result<Page<OrderId>, Error> {
    let query = Query::index("gsi2", keys::orders_of(buyer)).newest_first();
    let wanted = |order: &DueOrder| state.is_none_or(|state| order.state == state);
    Ok(app.edge.table.page(&query, after, limit, wanted).await?.map(|order| order.id))
}
