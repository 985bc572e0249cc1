//! Whether passwords that are hashed stall others: details while 50 log in at once.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use futures::future::join_all;

use crate::{
    figures::{Against, Results},
    measure::{RUNS, Run, closed_loop, histogram, micros},
    world::World,
};

const LOG_INS: usize = 50;

pub async fn measure(world: &World, results: &mut Results) {
    let accounts = world.server.api.sign_up_many("stalling", LOG_INS).await;
    let (mut alone, mut beside, mut took) = (vec![], vec![], vec![]);
    let path = format!("/v1/pwts/{}", world.pwt);
    for _ in 0..RUNS {
        let (api, path) = (world.server.api.clone(), path.clone());
        let read = move || {
            let (api, path) = (api.clone(), path.clone());
            async move { drop(api.get(&path).await.expect(200)) }
        };
        alone.push(closed_loop(1, Duration::from_secs(1), read.clone()).await);

        let done = Arc::new(AtomicBool::new(false));
        let reading = tokio::spawn({
            let done = done.clone();
            async move {
                let (mut latencies, started) = (histogram(), Instant::now());
                while !done.load(Ordering::Relaxed) {
                    let sent = Instant::now();
                    read().await;
                    latencies.record(micros(sent)).unwrap();
                }
                Run::new(latencies, started.elapsed())
            }
        });
        let started = Instant::now();
        join_all(accounts.iter().map(|account| world.server.api.log_in(account))).await;
        took.push(started.elapsed().as_secs_f64() * 1_000.0);
        done.store(true, Ordering::Relaxed);
        beside.push(reading.await.unwrap());
    }
    results.begin("Details while 50 log in at once");
    results.note_runs("detail, 1 client, nobody logs in", &alone, [Against::default(); 3]);
    results.note_runs("detail, 1 client, 50 log in", &beside, [Against::default(); 3]);
    results.note("until all 50 are logged in", "ms", &took, Against::default());
}
