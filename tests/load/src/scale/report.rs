//! The figures at scale: kept as JSON, shown as tables in the card.

use std::{fmt::Write as _, fs, path::Path};

use serde_json::{Value, json};

use super::{plots, rush::grouped};

const BEGIN: &str = "<!-- scale:begin -->";
const END: &str = "<!-- scale:end -->";
const FILE: &str = "scale.json";

/// What is kept of earlier runs.
pub fn kept(card: &Path) -> Value {
    fs::read(card.join(FILE)).map_or_else(|_| json!({}), |json| serde_json::from_slice(&json).unwrap())
}

/// Keeps the figures and writes the tables of all into the card.
pub fn write(card: &Path, kept: &Value) {
    fs::write(card.join(FILE), serde_json::to_string_pretty(kept).unwrap() + "\n").unwrap();
    let file = card.join("README.md");
    let text = fs::read_to_string(&file).unwrap();
    let (before, rest) = text.split_once(BEGIN).expect("the card has a place for figures");
    let (_, after) = rest.split_once(END).expect("the card has a place for figures");
    fs::write(&file, format!("{before}{BEGIN}\n{}{END}{after}", tables(kept))).unwrap();
}

fn tables(kept: &Value) -> String {
    let mut text = String::new();
    for name in ["rush", "hang", "divergences", "posts"] {
        if let Some(part) = kept.get(name) {
            let machine = &part["machine"];
            let of = |name: &str| machine[name].as_str().unwrap_or_default();
            let (cores, memory) = (&machine["cores"], machine["memoryGiB"].as_f64().unwrap());
            let figures = &part["figures"];
            text.push_str(&match name {
                "rush" => rushes(figures),
                "hang" => hang(figures),
                "divergences" => divergences(figures),
                _ => posts(figures),
            });
            for plot in plots::of(name) {
                writeln!(text, "\n![{plot}](plots/{plot}.svg)").unwrap();
            }
            let date = part["date"].as_str().unwrap_or_default();
            writeln!(text, "\n{date}: {}, {cores} cores, {memory} GiB, {}.", of("cpu"), of("os")).unwrap();
        }
    }
    text.push('\n');
    text
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap()
}

/// A time, given in milliseconds, in the unit that suits it.
fn time(millis: f64) -> String {
    match millis {
        millis if millis >= 10_000.0 => format!("{:.1} s", millis / 1_000.0),
        millis if millis >= 1_000.0 => format!("{:.2} s", millis / 1_000.0),
        millis if millis >= 10.0 => format!("{millis:.0} ms"),
        millis => format!("{millis:.1} ms"),
    }
}

fn latency(of: &Value) -> String {
    ["p50", "p99", "max"].map(|name| time(number(&of[name]))).join(" / ")
}

fn rushes(figures: &Value) -> String {
    let mut text = "\n### Rushes\n\n".to_owned();
    let came = number(&figures["perSecond"]);
    writeln!(text, "{came} requests came a second, at random. Latencies are p50 / p99 / max.\n").unwrap();
    text.push_str("| rush | sold / paid orders / charges kept | sold out after | order answered | confirm | from coming to paid | calls repeated |\n");
    text.push_str("|---|---|---|---|---|---|---|\n");
    let mut all = 0;
    for rush in figures["rushes"].as_array().unwrap() {
        let seats = rush["seats"].as_u64().unwrap();
        let books = &rush["books"];
        // The books are those of all sales until then.
        let [paid, kept] = ["paidOrders", "chargesKept"].map(|name| books[name].as_u64().unwrap() - all);
        all += seats;
        let exact = [seats, paid, kept].map(|count| grouped(count as usize)).join(" / ");
        let [order, confirm, to_paid] = ["order", "confirm", "paid"].map(|name| latency(&rush[name]));
        let out = time(number(&rush["soldOutAfter"]) * 1_000.0);
        let (name, repeated) = (rush["name"].as_str().unwrap(), grouped(rush["repeated"].as_u64().unwrap() as usize));
        writeln!(text, "| {name} | {exact} | {out} | {order} | {confirm} | {to_paid} | {repeated} |").unwrap();
    }
    for rush in figures["rushes"].as_array().unwrap() {
        for kill in rush["killed"].as_array().unwrap() {
            let (down, up) = (number(&kill[0]), number(&kill[1]));
            writeln!(text, "\nKilled after {down:.1} s, answered again {} later.", time((up - down) * 1_000.0))
                .unwrap();
        }
    }
    text
}

fn hang(figures: &Value) -> String {
    let runs = |with: &str| figures[with].as_array().unwrap().clone();
    let (without, with) = (runs("without"), runs("with"));
    let mut text = format!("\n### Toss hangs for {:.0} s\n\n", number(&figures["seconds"]));
    writeln!(
        text,
        "{} requests a second of each route that reads, {} buyers a second. p99, median of {} runs each, from – to.\n",
        figures["readsPerSecond"],
        figures["buyersPerSecond"],
        with.len()
    )
    .unwrap();
    text.push_str("| route | requests a run | Toss answers | Toss hangs |\n|---|---|---|---|\n");
    for route in with[0].as_object().unwrap().keys() {
        let [without, with] = [&without, &with].map(|runs| spread(runs, route));
        let shown = |[min, median, max]: [f64; 3]| format!("{} ({} – {})", time(median), time(min), time(max));
        let count = &runs("with")[0][route]["count"];
        writeln!(text, "| `{route}` | {count} | {} | {} |", shown(without), shown(with)).unwrap();
    }
    text
}

/// The least, the median and the greatest p99 of a route, in milliseconds.
pub fn spread(runs: &[Value], route: &str) -> [f64; 3] {
    let mut p99: Vec<f64> = runs.iter().map(|run| number(&run[route]["p99"])).collect();
    p99.sort_by(f64::total_cmp);
    [p99[0], p99[p99.len() / 2], p99[p99.len() - 1]]
}

/// The median of the runs, and between which they are.
fn runs(of: &Value, name: &str) -> String {
    let runs: Vec<f64> = of[name].as_array().unwrap().iter().map(number).collect();
    format!("{} ({} – {})", time(runs[runs.len() / 2]), time(runs[0]), time(runs[runs.len() - 1]))
}

fn posts(figures: &Value) -> String {
    let mut text =
        "\n### Boards with many posts\n\nPages of 20, one client. Median of five runs, from – to.\n\n".to_owned();
    text.push_str("| list | posts | depth | p50 | p99 |\n|---|---|---|---|---|\n");
    let rows = |row: &Value| grouped(row["rows"].as_u64().unwrap() as usize);
    for row in figures["lists"].as_array().unwrap().iter().chain(figures["depths"].as_array().unwrap()) {
        let depth = match number(&row["depth"]) {
            depth if depth > 0.0 => format!("{:.0} %", depth * 100.0),
            _ => "first page".to_owned(),
        };
        let (name, of) = (row["name"].as_str().unwrap(), &row["latency"]);
        writeln!(text, "| {name} | {} | {depth} | {} | {} |", rows(row), runs(of, "p50"), runs(of, "p99")).unwrap();
    }
    for row in figures["details"].as_array().unwrap() {
        for (name, of) in [("a post", &row["detail"]), ("its comments", &row["comments"])] {
            writeln!(text, "| {name} | {} | | {} | {} |", rows(row), runs(of, "p50"), runs(of, "p99")).unwrap();
        }
    }
    text
}

fn divergences(figures: &Value) -> String {
    let mut text = format!("\n### {} divergences, injected at random\n\n", figures["count"]);
    text.push_str("| divergence | found by | injected | found | repaired | flagged |\n|---|---|---|---|---|---|\n");
    let mut sums = [0; 4];
    for row in figures["kinds"].as_array().unwrap() {
        let counts = ["injected", "found", "repaired", "flagged"].map(|name| row[name].as_u64().unwrap());
        sums.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
        let ([kind, by], [a, b, c, d]) = (["kind", "by"].map(|name| row[name].as_str().unwrap()), counts);
        writeln!(text, "| {kind} | {by} | {a} | {b} | {c} | {d} |").unwrap();
    }
    let [a, b, c, d] = sums;
    writeln!(text, "| **all** | | **{a}** | **{b}** | **{c}** | **{d}** |").unwrap();
    text
}
