//! A deterministic simulation of the checkout: the real handlers in virtual time, with faults at every step. See the card.
#![expect(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "a simulation stops at whatever it did not expect, counts, and tells what it found"
)]

mod actors;
mod app;
mod books;
mod bugs;
mod dice;
mod faults;
mod gates;
mod replica;
mod run;
mod traces;
mod watch;
mod world;

use std::{
    collections::{BTreeMap, BTreeSet},
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
    time::Duration,
};

use actors::Journey;
use bugs::Bug;
use clap::{Parser, Subcommand, ValueEnum};
use faults::{Fault, Plan, Step};
use mimalloc::MiMalloc;
use run::{Play, Report, run};
use traces::Trace;

/// A run allocates for every call, and a hundred thousand runs are many: the system's allocator is a fifth slower.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Plays the checkout under faults, and compares all books.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Plays one seed and tells everything that happened
    Seed {
        seed: u64,
        /// With this guard missing
        #[arg(long, value_enum)]
        bug: Option<Bug>,
        /// Only the end
        #[arg(long)]
        quiet: bool,
    },
    /// Plays many seeds with a crowd of buyers
    Seeds {
        /// From this one on; by default from where the results end
        #[arg(long)]
        from: Option<u64>,
        /// Up to this one, which is not played
        #[arg(long)]
        to: u64,
        /// Ends after so many minutes, wherever it is
        #[arg(long)]
        minutes: Option<u64>,
        /// A file that gets a line for every thousand
        #[arg(long)]
        results: Option<PathBuf>,
    },
    /// Plays every journey with every fault at every single step
    Steps {
        /// Only this journey
        #[arg(value_enum)]
        journey: Option<Journey>,
    },
    /// Plays journeys with two faults each, drawn at random
    Pairs {
        #[arg(long, default_value_t = 10_000)]
        runs: u64,
    },
    /// Plays the known courses of events, each with and without the guard that it needs
    Traces {
        /// Only this one, told step by step
        #[arg(value_enum)]
        trace: Option<Trace>,
    },
    /// Looks for each planted bug
    Bugs {
        /// Only this one
        #[arg(value_enum)]
        bug: Option<Bug>,
        /// In so many seeds
        #[arg(long, default_value_t = 1_000)]
        seeds: u64,
    },
}

fn crowd(seed: u64, bug: Option<Bug>) -> Play {
    Play { seed, plan: Plan::Random(seed), bug, alone: None, verbose: false }
}

fn main() -> ExitCode {
    let good = match Arguments::parse().command {
        Command::Seed { seed, bug, quiet } => one(seed, bug, quiet),
        Command::Seeds { from, to, minutes, results } => {
            let from = from.or_else(|| recorded(results.as_deref()?)).unwrap_or(0);
            many(from, to, minutes, results.as_deref())
        }
        Command::Steps { journey } => steps(journey),
        Command::Pairs { runs } => pairs(runs),
        Command::Traces { trace } => traces(trace),
        Command::Bugs { bug, seeds } => planted(bug, seeds),
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn one(seed: u64, bug: Option<Bug>, quiet: bool) -> bool {
    let report = run(&Play { verbose: !quiet, ..crowd(seed, bug) });
    for line in &report.lines {
        println!("{line}");
    }
    println!("seed {seed}: {} steps, {} faults, hash {}", report.steps.len(), report.struck.len(), report.hash);
    tell(&report);
    report.violations.is_empty()
}

fn tell(report: &Report) {
    for violation in &report.violations {
        println!("  VIOLATION {violation}");
    }
}

/// What a range of random runs must have met to be worth anything, beside every fault.
const MUST_REACH: [&str; 9] = [
    "order PENDING", "order CONFIRMING", "order PAID", "order CANCELED", "order EXPIRED", "order FAILED",
    "order REFUNDED", "order PARTIALLY_REFUNDED", "place CLAIMED",
];

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
}

fn many(from: u64, to: u64, minutes: Option<u64>, results: Option<&Path>) -> bool {
    const A_LINE: u64 = 1_000;
    const ENOUGH: u64 = 300;
    #[expect(clippy::disallowed_methods, reason = "CI has only so much time")]
    let began = std::time::Instant::now();
    let in_time = |_: &u64| minutes.is_none_or(|minutes| began.elapsed() < Duration::from_mins(minutes));
    let (mut all, mut line) = (Tally::default(), Tally::default());
    for seed in (from..to).take_while(in_time) {
        let report = run(&crowd(seed, None));
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
    }
    for (what, times) in &all.reached {
        println!("{what:<30} {times}");
    }
    let mut good = all.failed.is_empty();
    if all.played >= ENOUGH {
        let faults = faults::Service::ALL.iter().flat_map(|service| Fault::of(*service));
        let wanted: BTreeSet<_> =
            faults.map(|fault| format!("fault {fault:?}")).chain(MUST_REACH.map(str::to_owned)).collect();
        for missed in wanted.iter().filter(|wanted| !all.reached.contains_key(*wanted)) {
            println!("never reached: {missed}");
            good = false;
        }
    }
    println!("{} seeds from {from}, {} with violations {:?}", all.played, all.failed.len(), all.failed);
    good
}

fn record(results: &Path, to: u64, tally: &Tally) {
    let mut file = OpenOptions::new().create(true).append(true).open(results).unwrap();
    let (faults, paid) = (tally.sum("fault "), tally.sum("order PAID"));
    let Tally { played, failed, .. } = tally;
    writeln!(file, "{}..{to}: {} with violations {failed:?}, {faults} faults, {paid} paid", to - played, failed.len())
        .unwrap();
}

/// Where the results of a file end.
fn recorded(results: &Path) -> Option<u64> {
    let text = fs::read_to_string(results).ok()?;
    text.lines().last()?.split_once("..")?.1.split_once(':')?.0.parse().ok()
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

fn alone(journey: Journey, plan: Plan) -> Play {
    Play { seed: 1, plan, bug: None, alone: Some(journey), verbose: false }
}

fn steps(only: Option<Journey>) -> bool {
    let mut good = true;
    for journey in Journey::ALL.into_iter().filter(|journey| only.is_none_or(|only| only == *journey)) {
        let calm = run(&alone(journey, Plan::Calm));
        tell(&calm);
        let (mut runs, mut converged) = (0, 0);
        for (step, service) in &calm.steps {
            for fault in Fault::of(*service) {
                runs += 1;
                let report = run(&alone(journey, Plan::Given([(step.clone(), *fault)].into())));
                if report.violations.is_empty() {
                    converged += 1;
                } else {
                    println!("{journey:?} with {fault:?} at {step}:");
                    tell(&report);
                }
            }
        }
        good &= runs == converged && calm.violations.is_empty();
        println!("{:<16} {:>4} steps {:>5} runs {converged:>5} converged", name(&journey), calm.steps.len(), runs);
    }
    good
}

fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

fn pairs(runs: u64) -> bool {
    let mut failed = 0;
    for n in 0..runs {
        let journey =
            Journey::ALL[usize::try_from(dice::below(n, "pair journey", 0, Journey::ALL.len() as u64)).unwrap_or(0)];
        // The second fault befalls a step of the run that the first one made.
        let calm = run(&alone(journey, Plan::Calm));
        let first = pick(&calm, n, "first");
        let report = run(&alone(journey, Plan::Given([first.clone()].into())));
        let second = pick(&report, n, "second");
        let report = run(&alone(journey, Plan::Given([first.clone(), second.clone()].into())));
        if !report.violations.is_empty() {
            failed += 1;
            println!("{journey:?} with {first:?} and {second:?}:");
            tell(&report);
        }
    }
    println!("{runs} pairs of faults, {} converged", runs - failed);
    failed == 0
}

fn pick(report: &Report, n: u64, what: &str) -> (Step, Fault) {
    let step = dice::below(n, &format!("{what} step"), 0, report.steps.len() as u64);
    let (step, service) = report.steps.iter().nth(usize::try_from(step).unwrap_or(0)).unwrap();
    let choices = Fault::of(*service);
    let fault = dice::below(n, &format!("{what} fault"), 0, choices.len() as u64);
    (step.clone(), choices[usize::try_from(fault).unwrap_or(0)])
}

/// Each is found in a crowd or, if it takes a coincidence that hardly any has, in a trace.
fn planted(only: Option<Bug>, seeds: u64) -> bool {
    let mut good = true;
    println!("| bug | found in seed | in the trace | by |\n|---|---|---|---|");
    for bug in Bug::value_variants().iter().copied().filter(|bug| only.is_none_or(|only| only == *bug)) {
        let in_crowd = (0..seeds).find_map(|seed| {
            let report = run(&crowd(seed, Some(bug)));
            report.violations.first().cloned().map(|violation| (seed, violation))
        });
        let in_trace = Trace::value_variants().iter().filter(|trace| trace.bug() == bug).find_map(|trace| {
            let violations = trace.play(Some(bug), false).violations;
            violations.first().cloned().map(|violation| (name(trace), violation))
        });
        let by = in_crowd.as_ref().map(|(_, by)| by).or(in_trace.as_ref().map(|(_, by)| by));
        good &= by.is_some();
        println!(
            "| {} | {} | {} | {} |",
            name(&bug),
            in_crowd.as_ref().map_or(format!("none of {seeds}"), |(seed, _)| seed.to_string()),
            in_trace.as_ref().map_or("", |(trace, _)| trace),
            by.map_or("NOTHING".to_owned(), |by| shortened(by)),
        );
    }
    good
}

fn traces(only: Option<Trace>) -> bool {
    let mut good = true;
    println!("| trace | what happens | the guard taken out | then |\n|---|---|---|---|");
    for trace in Trace::value_variants().iter().copied().filter(|trace| only.is_none_or(|only| only == *trace)) {
        let guarded = trace.play(None, only.is_some());
        for line in guarded.lines.iter().chain(&guarded.off_script).chain(&guarded.violations) {
            println!("{line}");
        }
        let twin = trace.play(Some(trace.bug()), only.is_some());
        twin.lines.iter().for_each(|line| println!("{line}"));
        let found = twin.violations.first().map_or("NOTHING", String::as_str);
        good &= guarded.off_script.is_empty() && guarded.violations.is_empty() && !twin.violations.is_empty();
        println!("| {} | {} | {} | {} |", name(&trace), trace.story(), name(&trace.bug()), shortened(found));
    }
    good
}

/// For a table.
fn shortened(violation: &str) -> String {
    violation.chars().take(120).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_seed_is_one_history() {
        let reports = [7, 7, 8].map(|seed| run(&crowd(seed, None)));
        assert_eq!(reports[0].hash, reports[1].hash);
        assert_ne!(reports[0].hash, reports[2].hash);
    }

    #[test]
    fn a_run_replays_from_the_faults_that_it_met() {
        let random = run(&crowd(7, None));
        assert!(!random.struck.is_empty());
        let given = run(&Play { plan: Plan::Given(random.struck.clone()), ..crowd(7, None) });
        assert_eq!(random.hash, given.hash);
    }

    #[test]
    fn known_courses_of_events_go_wrong_only_without_their_guards() {
        assert!(traces(None));
    }

    #[test]
    fn what_was_planted_is_found() {
        for bug in [Bug::OpenOrderUnchecked, Bug::SettleBeforeCharge, Bug::SaleUnentered] {
            assert!((0..30).any(|seed| !run(&crowd(seed, Some(bug))).violations.is_empty()), "{bug:?}");
        }
    }
}
