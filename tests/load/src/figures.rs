//! What was measured: kept as JSON, shown as tables.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt::Write as _,
    fs,
    path::Path,
};

use serde_json::{Map, Value, json};

use crate::{machine, measure::Run, parts::cdn, scale::plots, server::Server};

const BEGIN: &str = "<!-- figures:begin -->";
const END: &str = "<!-- figures:end -->";

/// The figures of all parts that were run.
#[derive(Debug, Default)]
pub struct Results {
    parts: Vec<(&'static str, Vec<Value>)>,
}

/// What a figure is to be held against.
#[derive(Clone, Copy, Debug, Default)]
pub struct Against {
    /// What is aimed for.
    pub aim: &'static str,
    /// What the predecessor did.
    pub before: &'static str,
}

impl Results {
    pub fn begin(&mut self, part: &'static str) {
        println!("\n{part}");
        self.parts.push((part, vec![]));
    }

    /// Notes one figure of several runs.
    pub fn note(&mut self, name: &str, unit: &str, runs: &[f64], against: Against) {
        let mut sorted = runs.to_vec();
        sorted.sort_by(f64::total_cmp);
        let (median, min, max) = (sorted[sorted.len() / 2], sorted[0], sorted[sorted.len() - 1]);
        println!("  {name}: {} {unit} ({} to {})", shown(median), shown(min), shown(max));
        self.parts.last_mut().unwrap().1.push(json!({
            "name": name, "unit": unit, "median": rounded(median), "min": rounded(min), "max": rounded(max),
            "runs": runs.iter().copied().map(rounded).collect::<Vec<_>>(),
            "aim": against.aim, "before": against.before,
        }));
    }

    /// Notes rate, median and 99th percentile of latency.
    pub fn note_runs(&mut self, name: &str, runs: &[Run], [rate, p50, p99]: [Against; 3]) {
        let of = |figure: &dyn Fn(&Run) -> f64| runs.iter().map(figure).collect::<Vec<_>>();
        self.note(&format!("{name}: rate"), "/s", &of(&Run::per_second), rate);
        self.note(&format!("{name}: p50"), "ms", &of(&|run| run.millis(0.5)), p50);
        self.note(&format!("{name}: p99"), "ms", &of(&|run| run.millis(0.99)), p99);
    }

    /// Notes who used the processors during `runs`, and what one request took of them.
    pub fn note_cores(&mut self, during: &str, runs: &[Run], cores: &[BTreeMap<&'static str, f64>]) {
        let names: BTreeSet<_> = cores.iter().flat_map(BTreeMap::keys).collect();
        for name in names {
            let used = || cores.iter().map(|cores| cores.get(name).copied().unwrap_or_default());
            self.note(
                &format!("{during}: processor of {name}"),
                "cores",
                &used().collect::<Vec<_>>(),
                Against::default(),
            );
            if ["table", "API and sandbox"].contains(name) {
                let each: Vec<f64> = used().zip(runs).map(|(used, run)| used * 1_000.0 / run.per_second()).collect();
                self.note(&format!("{during}: processor time of {name} for each"), "ms", &each, Against::default());
            }
        }
    }

    pub fn note_memory(&mut self, server: &Server) {
        self.begin("Memory after all parts");
        self.note("resident", "MiB", &[server.resident()], Against::default());
        self.note("peak", "MiB", &[server.peak()], Against { aim: "≤ 150", before: "753 at rest" });
    }

    /// Keeps the figures in `results.json`, beside those of parts that were not run, and writes
    /// the tables of all into the card.
    pub fn write(&self, folder: &Path, date: &str) {
        let file = folder.join("results.json");
        let mut kept: Vec<Value> =
            fs::read(&file).map_or_else(|_| vec![], |json| serde_json::from_slice(&json).unwrap());
        for (part, figures) in &self.parts {
            let of_part = json!({ "part": part, "date": date, "machine": machine::named(), "figures": figures });
            match kept.iter_mut().find(|kept| kept["part"] == *part) {
                Some(kept) => *kept = of_part,
                None => kept.push(of_part),
            }
        }
        fs::write(&file, serde_json::to_string_pretty(&kept).unwrap() + "\n").unwrap();
        if let Some(files) = kept.iter().find(|part| part["part"] == cdn::PART) {
            plots::files(&folder.join("plots"), files["figures"].as_array().unwrap());
        }
        let card = folder.join("README.md");
        let text = fs::read_to_string(&card).unwrap();
        let (before, rest) = text.split_once(BEGIN).expect("the card has a place for figures");
        let (_, after) = rest.split_once(END).expect("the card has a place for figures");
        fs::write(&card, format!("{before}{BEGIN}\n{}{END}{after}", tables(&kept))).unwrap();
    }
}

fn rounded(value: f64) -> f64 {
    (value * 1_000.0).round() / 1_000.0
}

fn shown(value: f64) -> String {
    match value {
        value if value >= 100.0 => format!("{value:.0}"),
        value if value >= 10.0 => format!("{value:.1}"),
        value => format!("{value:.2}"),
    }
}

fn tables(parts: &[Value]) -> String {
    let mut text = String::new();
    let mut told = (Value::Null, Value::Null);
    for part in parts {
        let (date, machine) = (&part["date"], &part["machine"]);
        if told != (date.clone(), machine.clone()) {
            let of = |name: &str| machine[name].as_str().unwrap_or_default();
            let (cores, memory) = (&machine["cores"], machine["memoryGiB"].as_f64().unwrap());
            let date = date.as_str().unwrap();
            writeln!(text, "\nOn {date}: {}, {cores} cores, {memory} GiB, {}.", of("cpu"), of("os")).unwrap();
            told = (part["date"].clone(), machine.clone());
        }
        writeln!(text, "\n### {}\n", part["part"].as_str().unwrap()).unwrap();
        text.push_str("| what | median | of five, from – to | aim | predecessor |\n|---|---|---|---|---|\n");
        for figure in part["figures"].as_array().unwrap() {
            text.push_str(&row(figure.as_object().unwrap()));
        }
        if part["part"] == cdn::PART {
            text.push_str("\n![hits, misses and the bucket](plots/cdn.svg)\n");
        }
    }
    text.push('\n');
    text
}

fn row(figure: &Map<String, Value>) -> String {
    let word = |name: &str| figure[name].as_str().unwrap();
    let number = |name: &str| shown(figure[name].as_f64().unwrap());
    let range = match figure["runs"].as_array().unwrap().len() {
        1 => String::new(),
        _ => format!("{} – {}", number("min"), number("max")),
    };
    let (name, unit) = (word("name"), word("unit"));
    format!("| {name} | {} {unit} | {range} | {} | {} |\n", number("median"), word("aim"), word("before"))
}
