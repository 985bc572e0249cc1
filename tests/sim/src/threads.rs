//! Many runs at once. Each is alone on its thread, so which one it is on changes nothing.

use std::{
    collections::BTreeMap,
    ops::ControlFlow,
    sync::{Mutex, PoisonError, mpsc},
    thread,
};

/// Does `work` for each item on so many threads, and hands the results to `take` in the order of the items, until it
/// breaks.
pub fn in_order<I: Send, T: Send>(
    threads: usize,
    items: impl Iterator<Item = I> + Send,
    work: impl Fn(&I) -> T + Sync,
    mut take: impl FnMut(I, T) -> ControlFlow<()>,
) {
    /// Results that wait for `take`.
    const WAITING: usize = 64;
    /// Handlers are compiled without optimisation sometimes.
    const STACK_BYTES: usize = 16 << 20;
    let items = Mutex::new(items.enumerate());
    let (send, receive) = mpsc::sync_channel(WAITING);
    thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            let (items, work, send) = (&items, &work, send.clone());
            let played = move || {
                loop {
                    let next = items.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((n, item)) = next else { return };
                    let done = work(&item);
                    if send.send((n, item, done)).is_err() {
                        return;
                    }
                }
            };
            thread::Builder::new().stack_size(STACK_BYTES).spawn_scoped(scope, played).unwrap();
        }
        drop(send);
        let (mut early, mut next) = (BTreeMap::new(), 0);
        for (n, item, done) in receive {
            early.insert(n, (item, done));
            while let Some((item, done)) = early.remove(&next) {
                next += 1;
                if take(item, done).is_break() {
                    return;
                }
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_come_in_order_and_no_more_than_are_wanted() {
        let mut taken = vec![];
        in_order(
            3,
            0..1_000_u64,
            |n| n * 2,
            |n, twice| {
                taken.push((n, twice));
                if n == 99 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        assert_eq!(taken, (0..100).map(|n| (n, n * 2)).collect::<Vec<_>>());
    }
}
