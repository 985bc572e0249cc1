//! Whose turn it is to look at an order, and when it is looked at again. None of this moves it.

use domain::time::Time;
use storage::{Write, items::Order, keys};

use super::{NotMoved, reschedule, single};
use crate::App;

/// Takes the turn to ask Toss about an order: at most one question in five seconds.
pub async fn take_turn_to_ask(app: &App, order: &Order, now: Time) -> Result<bool, storage::Error> {
    const PAUSE_SECONDS: i64 = 5;
    let write = Write::update(keys::order(order.id))
        .set("nextCheckAt", now.plus_seconds(PAUSE_SECONDS))
        .if_present()
        .if_missing_or_at_most("nextCheckAt", now);
    match single(app, write).await {
        Ok(()) => Ok(true),
        Err(NotMoved::Lost(_)) => Ok(false),
        Err(NotMoved::Storage(error)) => Err(error),
    }
}

/// Takes the turn to look at an order because somebody says that its payment changed: at most one
/// look in ten seconds, and none while Toss is not to be asked anyway. An unsigned call must not
/// make us call Toss as often as it likes.
pub async fn take_turn_to_look(app: &App, order: &Order, now: Time) -> Result<bool, storage::Error> {
    const PAUSE_SECONDS: i64 = 10;
    let write = Write::update(keys::order(order.id))
        .set("nextLookAt", now.plus_seconds(PAUSE_SECONDS))
        .if_is("state", order.state)
        .if_missing_or_at_most("nextLookAt", now)
        .if_missing_or_at_most("nextCheckAt", now);
    match single(app, write).await {
        Ok(()) => Ok(true),
        Err(NotMoved::Lost(_)) => Ok(false),
        Err(NotMoved::Storage(error)) => Err(error),
    }
}

/// Work on an order came to nothing: it is due again later, ever later, so that it blocks nobody.
pub async fn back_off(app: &App, order: &Order, now: Time) -> Result<(), storage::Error> {
    let setbacks = order.setbacks.saturating_add(1);
    let due = now.plus_seconds(pause_seconds(setbacks));
    let write = Write::update(keys::order(order.id)).set("setbacks", setbacks).if_is("state", order.state);
    match single(app, reschedule(write, order.id, order.state, Some(due))).await {
        Ok(()) | Err(NotMoved::Lost(_)) => Ok(()),
        Err(NotMoved::Storage(error)) => Err(error),
    }
}

/// A minute after the first setback, twice as long after each further one, at most an hour.
pub fn pause_seconds(setbacks: u32) -> i64 {
    const LONGEST: i64 = 60 * 60;
    30_i64.saturating_mul(1_i64 << setbacks.min(10)).min(LONGEST)
}

/// The last look at an unpaid order found nothing: no work is left.
pub async fn lay_down(app: &App, order: &Order) -> Result<(), storage::Error> {
    let write = Write::update(keys::order(order.id)).if_is("state", order.state);
    match single(app, reschedule(write, order.id, order.state, None)).await {
        Ok(()) | Err(NotMoved::Lost(_)) => Ok(()),
        Err(NotMoved::Storage(error)) => Err(error),
    }
}
