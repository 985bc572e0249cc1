//! At scale: rushes in open loop with kills, a Toss that hangs, divergences between the books, and boards with many
//! posts. See the card.

mod buyer;
mod divergences;
mod hang;
mod open_loop;
pub mod plots;
mod posts;
mod report;
mod rush;
mod shop;

use std::{
    path::Path,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::{Arguments, Part, machine};

/// Any will do; the same one injects the same divergences.
const SEED: u64 = 20_261_124;

/// Measures the parts that are wanted, and keeps their figures if there is a day to keep them under.
pub async fn measure(arguments: &Arguments, devloop: &Path) {
    shop::allow_many_connections();
    let card = Path::new(env!("CARGO_MANIFEST_DIR"));
    let wants = |part| arguments.part == Part::Scale || arguments.part == part;
    let (smaller, started) = (arguments.smaller.max(1), Instant::now());
    let mut parts: Vec<(&str, Value)> = vec![];
    if wants(Part::Rush) {
        let rushes = rush::RUSHES.map(|rush| rush.smaller(smaller));
        parts.push(("rush", rush::measure(devloop, &rushes, arguments.rate).await));
    }
    if wants(Part::Hang) {
        let lasts = Duration::from_mins(1) / u32::try_from(smaller).unwrap();
        let pairs = if smaller == 1 { 5 } else { 1 };
        let hang = hang::Hang { pairs, lasts, reads_per_second: 20.0, buyers_per_second: 4.0 };
        parts.push(("hang", hang::measure(devloop, hang).await));
    }
    if wants(Part::Divergences) {
        parts.push(("divergences", Box::pin(divergences::measure(devloop, 1_000 / smaller, SEED)).await));
    }
    if arguments.part == Part::Posts {
        parts.push(("posts", posts::measure(devloop, smaller).await));
    }
    println!("in {:.0} s", started.elapsed().as_secs_f64());
    let mut kept = report::kept(card);
    for (part, figures) in parts {
        kept[part] = json!({ "date": arguments.date, "machine": machine::named(), "figures": figures });
    }
    match &arguments.date {
        Some(_) => assert_eq!(smaller, 1, "figures of a smaller run are not kept"),
        // To look at: the plots of what was just measured, elsewhere.
        None if arguments.part != Part::Plots => {
            let folder = std::env::temp_dir().join("devloop-load");
            plots::draw(&folder, &kept);
            return println!("not kept; plots in {}", folder.display());
        }
        None => {}
    }
    report::write(card, &kept);
    plots::draw(&card.join("plots"), &kept);
}
