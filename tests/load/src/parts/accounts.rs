//! Sign-ups and log-ins, hashed as deployed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use crate::{
    figures::{Against, Results},
    measure::{RUNS, closed_loop},
    world::World,
};

const CLIENTS: usize = 8;
const LASTS: Duration = Duration::from_secs(2);

pub async fn measure(world: &World, results: &mut Results) {
    let count = Arc::new(AtomicUsize::new(0));
    let mut sign_ups = vec![];
    for _ in 0..RUNS {
        let (api, count) = (world.server.api.clone(), count.clone());
        let sign_up = move || {
            let (api, n) = (api.clone(), count.fetch_add(1, Ordering::Relaxed));
            async move { drop(api.sign_up(&format!("new-{n}")).await) }
        };
        sign_ups.push(closed_loop(CLIENTS, LASTS, sign_up).await);
    }
    let accounts = Arc::new(world.server.api.sign_up_many("returning", 16).await);
    let mut log_ins = vec![];
    for _ in 0..RUNS {
        let (api, accounts, count) = (world.server.api.clone(), accounts.clone(), count.clone());
        let log_in = move || {
            let n = count.fetch_add(1, Ordering::Relaxed);
            let (api, accounts) = (api.clone(), accounts.clone());
            async move { drop(api.log_in(&accounts[n % accounts.len()]).await) }
        };
        log_ins.push(closed_loop(CLIENTS, LASTS, log_in).await);
    }
    results.begin("Accounts: 8 clients, Argon2id with 19 MiB and 2 passes");
    results.note_runs("sign-up", &sign_ups, [Against::default(); 3]);
    results.note_runs("log-in", &log_ins, [Against::default(); 3]);
}
