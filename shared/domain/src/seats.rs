//! How the seats of a PWT are spread over shards, and how a buyer walks them.

use serde::{Deserialize, Serialize};

/// The counts of one shard, or of a whole PWT. Every seat is in exactly one of them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stock {
    /// Free to be held.
    pub available: u32,
    /// Held by an unpaid order.
    pub held: u32,
    /// Paid for.
    pub sold: u32,
    /// Kept for somebody on the waitlist.
    pub claimed: u32,
}

impl Stock {
    /// All seats, in whatever state.
    pub fn total(self) -> u32 {
        [self.available, self.held, self.sold, self.claimed].into_iter().fold(0, u32::saturating_add)
    }
}

impl std::iter::Sum for Stock {
    fn sum<I: Iterator<Item = Self>>(shards: I) -> Self {
        shards.fold(Self::default(), |sum, shard| Self {
            available: sum.available.saturating_add(shard.available),
            held: sum.held.saturating_add(shard.held),
            sold: sum.sold.saturating_add(shard.sold),
            claimed: sum.claimed.saturating_add(shard.claimed),
        })
    }
}

/// The most shards that one PWT has: with its post they fit into one transaction.
pub const MAX_SHARDS: u32 = 32;

/// How many shards `total` seats are spread over: one for every 25, at most [`MAX_SHARDS`].
pub fn shard_count(total: u32) -> u32 {
    (total / 25).clamp(1, MAX_SHARDS)
}

/// The seats of each of `shards` shards, as even as whole seats allow.
pub fn spread(total: u32, shards: u32) -> Vec<u32> {
    let shards = shards.max(1);
    (0..shards).map(|n| total / shards + u32::from(n < total % shards)).collect()
}

/// The order in which a buyer tries the shards: those with seats only, the fullest first.
///
/// Among equally full ones, and against its nearest rival, chance decides, so that buyers who
/// read the same counts don't all meet on one shard. `draw(bound)` answers a number below `bound`.
pub fn trial_order(available: &[u32], mut draw: impl FnMut(u64) -> u64) -> Vec<usize> {
    let mut shards: Vec<(usize, u64)> = available
        .iter()
        .enumerate()
        .filter(|(_, seats)| **seats > 0)
        .map(|(shard, seats)| {
            let seats = u64::from(*seats);
            (shard, seats.saturating_mul(100).saturating_add(draw(seats.saturating_mul(50).saturating_add(100))))
        })
        .collect();
    shards.sort_unstable_by_key(|(shard, weight)| (std::cmp::Reverse(*weight), *shard));
    shards.into_iter().map(|(shard, _)| shard).collect()
}

/// What each shard gains when `total` grows by `growth`: first the new shards (beyond
/// `available.len()`) up to an even share, then everybody.
pub fn grow(shards_now: u32, shards_then: u32, total_then: u32, growth: u32) -> Vec<u32> {
    let mut gains = vec![0; shards_then.max(shards_now) as usize];
    let added = shards_then.saturating_sub(shards_now);
    let share = total_then / shards_then.max(1);
    let for_added = growth.min(share.saturating_mul(added));
    for (gain, seats) in gains.iter_mut().skip(shards_now as usize).zip(spread(for_added, added)) {
        *gain = seats;
    }
    for (gain, seats) in gains.iter_mut().zip(spread(growth.saturating_sub(for_added), shards_then.max(shards_now))) {
        *gain = gain.saturating_add(seats);
    }
    gains
}

/// What each shard gives up when `total` shrinks by `reduction`; `None` if fewer are available.
pub fn shrink(available: &[u32], reduction: u32) -> Option<Vec<u32>> {
    let mut left = reduction;
    let losses = available
        .iter()
        .map(|seats| {
            let loss = left.min(*seats);
            left = left.saturating_sub(loss);
            loss
        })
        .collect();
    (left == 0).then_some(losses)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_shard_for_every_25_seats() {
        for (total, shards) in [(1, 1), (24, 1), (49, 1), (50, 2), (300, 12), (800, 32), (10_000, 32)] {
            assert_eq!(shard_count(total), shards, "{total}");
        }
    }

    #[test]
    fn every_seat_is_counted_once() {
        let shard = Stock { available: 1, held: 2, sold: 4, claimed: 8 };
        assert_eq!(shard.total(), 15);
        assert_eq!([shard, shard].into_iter().sum::<Stock>(), Stock { available: 2, held: 4, sold: 8, claimed: 16 });
    }

    #[test]
    fn new_shards_get_an_even_share_before_the_others_get_more() {
        assert_eq!(grow(1, 4, 100, 90), [4, 29, 29, 28]);
        assert_eq!(grow(2, 4, 100, 10), [0, 0, 5, 5]);
    }

    proptest! {
        #[test]
        fn spreading_loses_no_seat_and_is_even(total in 1_u32..=10_000) {
            let seats = spread(total, shard_count(total));
            prop_assert_eq!(seats.iter().sum::<u32>(), total);
            prop_assert!(seats.iter().max().unwrap() - seats.iter().min().unwrap() <= 1);
        }

        #[test]
        fn every_shard_with_a_seat_is_tried_once(available in prop::collection::vec(0_u32..20, 1..32), seed in any::<u64>()) {
            let mut state = seed;
            let mut order = trial_order(&available, |bound| {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (state >> 33) % bound
            });
            order.sort_unstable();
            let with_seats: Vec<usize> = (0..available.len()).filter(|n| available[*n] > 0).collect();
            prop_assert_eq!(order, with_seats);
        }

        #[test]
        fn growing_adds_exactly_the_growth(now in 1_u32..=5_000, growth in 1_u32..=5_000) {
            let gains = grow(shard_count(now), shard_count(now + growth), now + growth, growth);
            prop_assert_eq!(gains.iter().sum::<u32>(), growth);
            prop_assert_eq!(u32::try_from(gains.len()).unwrap(), shard_count(now + growth));
        }

        #[test]
        fn shrinking_takes_only_what_is_available(available in prop::collection::vec(0_u32..50, 1..32), reduction in 0_u32..2_000) {
            match shrink(&available, reduction) {
                Some(losses) => {
                    prop_assert_eq!(losses.iter().sum::<u32>(), reduction);
                    prop_assert!(losses.iter().zip(&available).all(|(loss, seats)| loss <= seats));
                }
                None => prop_assert!(available.iter().sum::<u32>() < reduction),
            }
        }
    }
}
