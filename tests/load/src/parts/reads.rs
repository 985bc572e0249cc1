//! Lists and details, with many projects and with few.

use std::{path::Path, time::Duration};

use crate::{
    client::{Client, text},
    figures::{Against, Results},
    machine::Cpu,
    measure::{RUNS, closed_loop},
    server::Server,
    world::{FEW, Filled, MANY, World},
};

const LASTS: Duration = Duration::from_millis(900);

pub async fn measure(world: &World, binary: &Path, results: &mut Results) {
    results.begin("Lists and details");
    of(&world.server, &world.pwt, MANY, results).await;
    let data = tempfile::tempdir().unwrap();
    let few = Filled::new(binary, data.path(), FEW).await;
    of(&few.server, &few.pwt, FEW, results).await;
}

async fn of(server: &Server, pwt: &str, rows: usize, results: &mut Results) {
    let cursor = deep(&server.api, rows / 2).await;
    let paths = [
        ("first page", "/v1/pwts".to_owned()),
        ("a category's first page", "/v1/pwts?category=GAME_DEV".to_owned()),
        ("first page of one level", "/v1/pwts?level=HARD".to_owned()),
        ("page in the middle", format!("/v1/pwts?cursor={cursor}")),
        ("detail", format!("/v1/pwts/{pwt}")),
    ];
    for (name, path) in paths {
        for clients in [1, 32] {
            let (mut runs, mut cores) = (vec![], vec![]);
            for _ in 0..RUNS {
                let before = Cpu::now(server.pid());
                let (api, path) = (server.api.clone(), path.clone());
                let read = move || {
                    let (api, path) = (api.clone(), path.clone());
                    async move { drop(api.get(&path).await.expect(200)) }
                };
                runs.push(closed_loop(clients, LASTS, read).await);
                cores.push(Cpu::now(server.pid()).cores_since(&before));
            }
            let rate = match (name, clients) {
                ("detail", 32) => Against { aim: "≥ 4,155", before: "1,385" },
                _ => Against::default(),
            };
            let p50 = match (name, clients) {
                ("first page", 1) if rows == MANY => Against { aim: "≤ 5", before: "49" },
                ("page in the middle" | "a category's first page", 1) if rows == MANY => {
                    Against { aim: "≤ 5", before: "" }
                }
                _ => Against::default(),
            };
            let title =
                format!("{name}, {rows} projects, {clients} {}", if clients == 1 { "client" } else { "clients" });
            results.note_runs(&title, &runs, [rate, p50, Against::default()]);
            if name == "detail" && clients == 32 && rows == MANY {
                results.note_cores("detail, 32 clients", &runs, &cores);
            }
        }
    }
}

/// The cursor after so many projects.
async fn deep(api: &Client, rows: usize) -> String {
    let mut cursor = String::new();
    for _ in 0..(rows / 10).min(50) {
        let limit = if rows >= 1_000 { 100 } else { 10 };
        let after = if cursor.is_empty() { String::new() } else { format!("&cursor={cursor}") };
        let page = api.get(&format!("/v1/pwts?limit={limit}{after}")).await.expect(200).json();
        cursor = text(&page, "/nextCursor");
    }
    cursor
}
