//! Time, ids and randomness: the only room that reads them.
//!
//! Everything else is handed a [`Clock`], [`Ids`] and [`Rng`], so that a run with the same
//! seeds and the same requests can be replayed to the byte.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicI64, Ordering},
};

use domain::time::Time;
use rand::{RngExt, SeedableRng, rngs::StdRng};
use ulid::Ulid;

/// Where the present comes from.
pub trait Now: Send + Sync + std::fmt::Debug {
    /// The present instant, in milliseconds since the Unix epoch.
    fn unix_millis(&self) -> i64;
}

/// A shared source of the present.
#[derive(Clone, Debug)]
pub struct Clock(Arc<dyn Now>);

impl Clock {
    /// A clock over any source.
    pub fn new(source: impl Now + 'static) -> Self {
        Self(Arc::new(source))
    }

    /// The machine's clock.
    pub fn system() -> Self {
        Self::new(System)
    }

    /// The present instant, with millisecond precision.
    pub fn now(&self) -> Time {
        Time::from_unix_millis(self.0.unix_millis())
    }
}

#[derive(Debug)]
struct System;

impl Now for System {
    fn unix_millis(&self) -> i64 {
        #[expect(clippy::disallowed_methods, reason = "the one place that reads the machine's clock")]
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX)
    }
}

/// A clock that runs with another one and can be moved: the local server's and the tests'.
#[derive(Clone, Debug)]
pub struct Movable {
    base: Clock,
    offset_millis: Arc<AtomicI64>,
}

impl Movable {
    /// Runs with the machine's clock, `offset_millis` ahead of it.
    pub fn ahead_of_system(offset_millis: i64) -> Self {
        Self { base: Clock::system(), offset_millis: Arc::new(AtomicI64::new(offset_millis)) }
    }

    /// Stands still at `time` until it is moved.
    pub fn standing_at(time: Time) -> Self {
        Self { base: Clock::new(Fixed(time.unix_millis())), offset_millis: Arc::default() }
    }

    /// Moves the clock by `millis` and answers how far it is now from its base.
    pub fn advance(&self, millis: i64) -> i64 {
        self.offset_millis.fetch_add(millis, Ordering::SeqCst).saturating_add(millis)
    }

    /// The clock to hand out.
    pub fn clock(&self) -> Clock {
        Clock::new(self.clone())
    }
}

impl Now for Movable {
    fn unix_millis(&self) -> i64 {
        self.base.0.unix_millis().saturating_add(self.offset_millis.load(Ordering::SeqCst))
    }
}

#[derive(Debug)]
struct Fixed(i64);

impl Now for Fixed {
    fn unix_millis(&self) -> i64 {
        self.0
    }
}

/// Random bits from one seed.
#[derive(Clone, Debug)]
pub struct Rng(Arc<Mutex<StdRng>>);

impl Rng {
    /// Seeded by the operating system: what runs in production.
    ///
    /// # Panics
    /// If the operating system gives no entropy: then no token may be made.
    pub fn from_system() -> Self {
        let mut seed = <StdRng as SeedableRng>::Seed::default();
        #[expect(clippy::expect_used, reason = "without entropy no token may be made: starting must fail")]
        rand::TryRng::try_fill_bytes(&mut rand::rngs::SysRng, &mut seed).expect("the operating system gives entropy");
        Self(Arc::new(Mutex::new(StdRng::from_seed(seed))))
    }

    /// Repeats the same bits for the same seed.
    pub fn from_seed(seed: u64) -> Self {
        Self(Arc::new(Mutex::new(StdRng::seed_from_u64(seed))))
    }

    /// `N` random bytes.
    pub fn bytes<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.with(|rng| rng.fill(&mut bytes));
        bytes
    }

    /// A number below `bound`, which must not be 0 (then the answer is 0).
    pub fn below(&self, bound: u64) -> u64 {
        if bound == 0 { 0 } else { self.with(|rng| rng.random_range(0..bound)) }
    }

    fn with<T>(&self, draw: impl FnOnce(&mut StdRng) -> T) -> T {
        // A panic while drawing leaves the generator in a valid state: go on with it.
        draw(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Makes ULIDs and request tokens from a clock and randomness.
#[derive(Clone, Debug)]
pub struct Ids {
    clock: Clock,
    rng: Rng,
}

impl Ids {
    /// Ids whose time part is `clock`'s and whose random part is `rng`'s.
    pub fn new(clock: Clock, rng: Rng) -> Self {
        Self { clock, rng }
    }

    /// A new id of any kind made of a ULID.
    pub fn id<T: From<Ulid>>(&self) -> T {
        T::from(self.ulid())
    }

    /// A token that names one logical write, however often it is sent.
    pub fn token(&self) -> String {
        self.ulid().to_string()
    }

    fn ulid(&self) -> Ulid {
        let millis = u64::try_from(self.clock.now().unix_millis()).unwrap_or_default();
        Ulid::from_parts(millis, u128::from_be_bytes(self.rng.bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seed_repeats_its_ids() {
        let ids = |seed| {
            let clock = Movable::standing_at(Time::from_unix_millis(1_000)).clock();
            let ids = Ids::new(clock, Rng::from_seed(seed));
            [ids.token(), ids.token()]
        };
        assert_eq!(ids(7), ids(7));
        assert_ne!(ids(7), ids(8));
    }

    #[test]
    fn a_moved_clock_is_seen_by_all_its_holders() {
        let movable = Movable::standing_at(Time::from_unix_millis(1_000));
        let clock = movable.clock();
        movable.advance(600_000);
        assert_eq!(clock.now(), Time::from_unix_millis(601_000));
    }

    #[test]
    fn ids_sort_by_time() {
        let movable = Movable::standing_at(Time::from_unix_millis(1_000));
        let ids = Ids::new(movable.clock(), Rng::from_seed(1));
        let first = ids.token();
        movable.advance(1);
        assert!(first < ids.token());
    }
}
