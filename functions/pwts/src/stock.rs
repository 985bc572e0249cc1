//! The seats of a project, over all its shards: opening them, counting them, changing how many.

use domain::seats::{self, Stock};
use storage::{
    Write,
    items::{Pwt, SaleFacts, SeatShard},
};

/// The shards of a project that goes on sale.
pub fn opened(pwt: &Pwt, sale: SaleFacts) -> Vec<SeatShard> {
    let spread = seats::spread(pwt.max_participants, pwt.seat_shards);
    (0..).zip(spread).map(|(shard, available)| shard_of(pwt, shard, available, sale, false)).collect()
}

fn shard_of(pwt: &Pwt, shard: u32, available: u32, sale: SaleFacts, waiting: bool) -> SeatShard {
    let stock = Stock { available, ..Stock::default() };
    SeatShard { pwt_id: pwt.id, shard, stock, sale, waiting, hold_until: None }
}

/// How many seats anybody may take now. While others wait, freed seats are theirs.
pub fn left(shards: &[SeatShard]) -> u32 {
    let public = shards.iter().filter(|shard| shard.sale.on_sale && !shard.waiting);
    public.map(|shard| shard.stock.available).fold(0, u32::saturating_add)
}

/// All seats by state.
pub fn counted(shards: &[SeatShard]) -> Stock {
    shards.iter().map(|shard| shard.stock).sum()
}

/// The shards with `pwt.max_participants` seats under the terms of `sale`; `None` if more than
/// what would stay are in use. There are never fewer shards than before.
pub fn resized(pwt: &Pwt, shards: &[SeatShard], sale: SaleFacts) -> Option<Vec<SeatShard>> {
    let (total, wanted) = (counted(shards).total(), pwt.max_participants);
    let available: Vec<u32> = shards.iter().map(|shard| shard.stock.available).collect();
    let lost = seats::shrink(&available, total.saturating_sub(wanted))?;
    let before = u32::try_from(shards.len()).unwrap_or(u32::MAX);
    let gained = match wanted.saturating_sub(total) {
        0 => vec![],
        growth => seats::grow(before, seats::shard_count(wanted).max(before), wanted, growth),
    };
    let waiting = shards.iter().any(|shard| shard.waiting);
    let kept = shards.iter().zip(lost).map(|(shard, lost)| {
        let stock = Stock { available: shard.stock.available.saturating_sub(lost), ..shard.stock };
        SeatShard { stock, sale, ..shard.clone() }
    });
    let added = (before..).take(gained.len().saturating_sub(shards.len()));
    let mut after: Vec<SeatShard> = kept.chain(added.map(|shard| shard_of(pwt, shard, 0, sale, waiting))).collect();
    for (shard, gained) in after.iter_mut().zip(gained) {
        shard.stock.available = shard.stock.available.saturating_add(gained);
    }
    Some(after)
}

/// What turns `before` into `after`, on the condition that enough is still free and that the
/// waitlist, whose state new shards copy, is as it was.
pub fn writes(before: &[SeatShard], after: &[SeatShard]) -> Vec<Write> {
    let kept = before.iter().zip(after).map(|(before, after)| {
        let change = i64::from(after.stock.available).saturating_sub(i64::from(before.stock.available));
        SeatShard::revise(after.pwt_id, after.shard, after.sale, change).if_is("waiting", before.waiting)
    });
    let added = after.iter().skip(before.len()).map(|added| Write::put(added).if_absent());
    kept.chain(added).collect()
}

#[cfg(test)]
pub(crate) mod tests {
    use domain::{
        accounts::Approval,
        boards::{Category, Level},
        money::Price,
        time::Time,
    };

    use super::*;

    pub(crate) fn pwt(max_participants: u32, seat_shards: u32) -> Pwt {
        let at = Time::from_unix_millis;
        Pwt {
            id: "01KB2M3N4P5Q6R7S8T9V0W1X2Y".parse().unwrap(),
            tutor_id: "01KB2M3N4P5Q6R7S8T9V0W1X2Z".parse().unwrap(),
            title: "서버리스".parse().unwrap(),
            description: None,
            price: Price::default(),
            sales_from: Some(at(0)),
            deadline: at(1),
            starts_at: at(2),
            ends_at: at(3),
            max_participants,
            level: Level::Easy,
            category: Category::Etc,
            approval: Approval::Approved,
            reason: None,
            seat_shards,
            sold_out: false,
            on_sale: true,
            published_at: Some(at(0)),
            created_at: at(0),
            version: 2,
        }
    }

    fn opened_with(total: u32) -> (Vec<SeatShard>, SaleFacts) {
        let pwt = pwt(total, seats::shard_count(total));
        let sale = pwt.sale_facts().unwrap();
        (opened(&pwt, sale), sale)
    }

    fn resized_to(total: u32, shards: &[SeatShard], sale: SaleFacts) -> Option<Vec<SeatShard>> {
        resized(&pwt(total, 0), shards, sale)
    }

    #[test]
    fn opening_puts_every_seat_into_stock() {
        let (shards, _) = opened_with(60);
        assert_eq!(shards.len(), 2);
        assert_eq!((left(&shards), counted(&shards).total()), (60, 60));
        assert_eq!(shards.iter().map(|shard| shard.shard).collect::<Vec<_>>(), [0, 1]);
    }

    #[test]
    fn growing_adds_shards_that_copy_the_waitlist_and_the_sale() {
        let (mut shards, mut sale) = opened_with(10);
        shards[0].stock = Stock { sold: 10, ..Stock::default() };
        shards[0].waiting = true;
        sale.price = Price::new(5_000).unwrap();
        let after = resized_to(100, &shards, sale).unwrap();
        assert_eq!(after.len(), 4);
        assert_eq!(counted(&after), Stock { available: 90, sold: 10, ..Stock::default() });
        assert!(after.iter().all(|shard| shard.waiting && shard.sale == sale));
        assert_eq!(left(&after), 0);
    }

    #[test]
    fn shrinking_takes_free_seats_only_and_no_shard_away() {
        let (mut shards, sale) = opened_with(60);
        shards[0].stock = Stock { available: 10, held: 15, sold: 5, claimed: 0 };
        let after = resized_to(20, &shards, sale).unwrap();
        assert_eq!(after.len(), 2);
        assert_eq!(counted(&after), Stock { available: 0, held: 15, sold: 5, claimed: 0 });
        assert!(resized_to(19, &shards, sale).is_none());
    }

    #[test]
    fn as_many_seats_as_before_move_none() {
        let (shards, sale) = opened_with(60);
        let stocks = |shards: &[SeatShard]| shards.iter().map(|shard| shard.stock).collect::<Vec<_>>();
        assert_eq!(stocks(&resized_to(60, &shards, sale).unwrap()), stocks(&shards));
    }

    #[test]
    fn each_shard_is_written_once() {
        let (shards, sale) = opened_with(10);
        let after = resized_to(100, &shards, sale).unwrap();
        assert_eq!(writes(&shards, &after).len(), 4);
        assert_eq!(writes(&after, &after).len(), 4);
    }

    #[test]
    fn a_closed_sale_has_no_seats_left() {
        let (mut shards, _) = opened_with(10);
        shards[0].sale.on_sale = false;
        assert_eq!(left(&shards), 0);
    }
}
