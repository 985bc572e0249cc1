//! Ranges of seeds, each a crowd of its own, and what becomes of one that fails.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::Write,
    ops::ControlFlow,
    panic,
    path::Path,
    time::Duration,
};

use crate::{
    bugs::Bug,
    faults::{Fault, Plan, Service, Step},
    machine,
    run::{Play, Report, run},
    threads::in_order,
};

/// What a range of random runs must have met to be worth anything, beside every fault.
const MUST_REACH: [&str; 23] = [
    "order PENDING",
    "order CONFIRMING",
    "order AWAITING_DEPOSIT",
    "order PAID",
    "order CANCELED",
    "order EXPIRED",
    "order FAILED",
    "order REFUNDED",
    "order PARTIALLY_REFUNDED",
    "place CLAIMED",
    "refund DONE",
    "refund REFUSED",
    "refund CANCELED_AT_TOSS",
    "alarm PAYMENT_MISMATCH",
    "alarm PAYMENT_METHOD_NOT_ALLOWED",
    "alarm REFUND_ACCOUNT_NEEDED",
    "alarm CANCEL_REFUSED",
    "refunded to an account",
    "given back by an operator",
    "given back by an admin",
    "seats changed by the tutor",
    "closed by the tutor",
    "alarm DEPOSIT_TAKEN_BACK",
];

/// A crowd under faults, both as the seed decides.
pub fn crowd(seed: u64, bug: Option<Bug>) -> Play {
    Play { seed, plan: Plan::Random(seed), bug, alone: None, verbose: false }
}

/// Plays one seed and tells everything, or only the end.
pub fn one(seed: u64, bug: Option<Bug>, quiet: bool) -> bool {
    let play = crowd(seed, bug);
    let report = run(&Play { verbose: !quiet, ..play.clone() });
    for line in &report.lines {
        println!("{line}");
    }
    println!("seed {seed}: {} steps, {} faults, hash {}", report.steps.len(), report.struck.len(), report.hash);
    tell(&report);
    if !report.violations.is_empty() {
        shrink(&play, &report);
    }
    report.violations.is_empty()
}

/// What must not be.
pub fn tell(report: &Report) {
    for violation in &report.violations {
        println!("  VIOLATION {violation}");
    }
}

/// What many runs came to.
#[derive(Default)]
struct Tally {
    played: u64,
    reached: BTreeMap<String, u64>,
    failed: Vec<u64>,
}

impl Tally {
    fn add(&mut self, seed: u64, report: &Report) {
        self.played += 1;
        for (what, times) in &report.reached {
            *self.reached.entry(what.clone()).or_default() += times;
        }
        if !report.violations.is_empty() {
            self.failed.push(seed);
        }
    }

    fn sum(&self, prefix: &str) -> u64 {
        self.reached.iter().filter(|(what, _)| what.starts_with(prefix)).map(|(_, times)| times).sum()
    }

    /// What was never met, of all that must be.
    fn missed(&self) -> Vec<String> {
        let faults = Service::ALL.iter().flat_map(|service| Fault::of(*service));
        let wanted: BTreeSet<_> =
            faults.map(|fault| format!("fault {fault:?}")).chain(MUST_REACH.map(str::to_owned)).collect();
        wanted.into_iter().filter(|wanted| !self.reached.contains_key(wanted)).collect()
    }
}

/// Plays the seeds `from..to`, or as many of them as fit into so many minutes.
pub fn many(threads: usize, from: Option<u64>, to: u64, minutes: Option<u64>, results: Option<&Path>) -> bool {
    const A_LINE: u64 = 1_000;
    const ENOUGH: u64 = 300;
    let from = from.or_else(|| recorded(results?)).unwrap_or(0);
    #[expect(clippy::disallowed_methods, reason = "CI has only so much time")]
    let began = std::time::Instant::now();
    let in_time = |_: &u64| minutes.is_none_or(|minutes| began.elapsed() < Duration::from_mins(minutes));
    if let Some(results) = results {
        append(results, &format!("# {}, {threads} threads", machine::described()));
    }
    let (mut all, mut line) = (Tally::default(), Tally::default());
    let play = |seed: &u64| {
        panic::catch_unwind(|| run(&crowd(*seed, None))).unwrap_or_else(|panic| {
            println!("seed {seed} panics");
            panic::resume_unwind(panic)
        })
    };
    in_order(threads, (from..to).take_while(in_time), play, |seed, report| {
        all.add(seed, &report);
        line.add(seed, &report);
        if !report.violations.is_empty() {
            println!("seed {seed}:");
            tell(&report);
            shrink(&crowd(seed, None), &report);
        }
        if let Some(results) = results.filter(|_| line.played == A_LINE) {
            record(results, seed + 1, &std::mem::take(&mut line));
        }
        ControlFlow::Continue(())
    });
    for (what, times) in &all.reached {
        println!("{what:<30} {times}");
    }
    let missed = if all.played >= ENOUGH { all.missed() } else { vec![] };
    for missed in &missed {
        println!("never reached: {missed}");
    }
    let seconds = began.elapsed().as_secs();
    println!("{} seeds from {from} in {seconds} s, {} with violations {:?}", all.played, all.failed.len(), all.failed);
    all.failed.is_empty() && missed.is_empty()
}

fn append(results: &Path, line: &str) {
    let mut file = OpenOptions::new().create(true).append(true).open(results).unwrap();
    writeln!(file, "{line}").unwrap();
}

fn record(results: &Path, to: u64, tally: &Tally) {
    let (faults, paid) = (tally.sum("fault "), tally.sum("order PAID"));
    let Tally { played, failed, .. } = tally;
    let from = to - played;
    append(
        results,
        &format!("{from}..{to}: {} with violations {failed:?}, {faults} faults, {paid} paid", failed.len()),
    );
}

/// Where the results of a file end.
fn recorded(results: &Path) -> Option<u64> {
    let text = fs::read_to_string(results).ok()?;
    let last = text.lines().rfind(|line| !line.starts_with('#'))?;
    last.split_once("..")?.1.split_once(':')?.0.parse().ok()
}

/// Leaves out every fault without which it still fails, and tells the others.
fn shrink(play: &Play, report: &Report) {
    let mut needed: BTreeMap<Step, Fault> = report.struck.clone();
    for step in report.struck.keys() {
        let mut fewer = needed.clone();
        fewer.remove(step);
        let again = run(&Play { plan: Plan::Given(fewer.clone()), ..play.clone() });
        if !again.violations.is_empty() {
            needed = fewer;
        }
    }
    println!("  it takes {} of {} faults:", needed.len(), report.struck.len());
    for (step, fault) in needed {
        println!("    {step} {fault:?}");
    }
}
