//! Asking for upload URLs: the attachment and its author's quotas are written, and the URL is signed.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use serde_json::json;

use crate::{
    figures::{Against, Results},
    machine::Cpu,
    measure::{RUNS, closed_loop},
    server::Server,
};

/// Each may ask twenty times a minute.
const PEOPLE: usize = 200;
const CLIENTS: [usize; 2] = [1, 16];
const LASTS: Duration = Duration::from_secs(2);

pub async fn measure(binary: &Path, results: &mut Results) {
    results.begin("Upload URLs");
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(binary, data.path(), &["--no-demo", "--toy-hashing"]).await;
    let people = Arc::new(server.api.sign_up_many("author", PEOPLE).await);
    let next = Arc::new(AtomicUsize::new(0));
    for clients in CLIENTS {
        let (mut runs, mut cores) = (vec![], vec![]);
        for _ in 0..RUNS {
            let (api, people, next) = (server.api.clone(), people.clone(), next.clone());
            let ask = move || {
                let (api, people) = (api.clone(), people.clone());
                let n = next.fetch_add(1, Ordering::Relaxed);
                async move {
                    let body = json!({
                        "purpose": "COMMUNITY", "fileName": "내 사진.png", "contentType": "image/png", "size": 48_213,
                    });
                    drop(api.post("/v1/attachments", Some(&people[n % PEOPLE]), None, &body).await.expect(201));
                }
            };
            let before = Cpu::now(server.pid());
            runs.push(closed_loop(clients, LASTS, ask).await);
            cores.push(Cpu::now(server.pid()).cores_since(&before));
            // Everybody may ask again.
            let minute = json!({ "advanceSeconds": 60 });
            server.api.post("/_local/clock", None, None, &minute).await.expect(200);
        }
        let name = format!("a URL, {clients} client{}", if clients == 1 { "" } else { "s" });
        let aim = if clients == 1 { Against::default() } else { Against { aim: "≥ 1,000", before: "" } };
        results.note_runs(&name, &runs, [aim, Against::default(), Against::default()]);
        results.note_cores(&name, &runs, &cores);
    }
}
