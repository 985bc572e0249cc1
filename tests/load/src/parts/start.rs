//! Process start to first answer, and memory at rest.

use std::{path::Path, time::Duration};

use crate::{
    figures::{Against, Results},
    measure::RUNS,
    server::Server,
};

pub async fn measure(binary: &Path, results: &mut Results) {
    let (mut first, mut again, mut rest) = (vec![], vec![], vec![]);
    for _ in 0..RUNS {
        let data = tempfile::tempdir().unwrap();
        let server = Server::start(binary, data.path(), &[]).await;
        first.push(server.first_answer.as_secs_f64() * 1_000.0);
        drop(server);
        let server = Server::start(binary, data.path(), &[]).await;
        again.push(server.first_answer.as_secs_f64() * 1_000.0);
        tokio::time::sleep(Duration::from_secs(1)).await;
        rest.push(server.resident());
    }
    results.begin("Start and rest");
    let against = Against { aim: "≤ 2,000", before: "22,000" };
    results.note("process start to first answer, demo data made", "ms", &first, against);
    results.note("the same, restarted after a kill", "ms", &again, against);
    results.note("resident at rest", "MiB", &rest, Against { aim: "≤ 150", before: "753" });
}
