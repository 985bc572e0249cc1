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
mod enumerate;
mod faults;
mod gates;
mod journeys;
mod machine;
mod others;
mod planted;
mod replica;
mod run;
mod seeds;
mod threads;
mod traces;
mod watch;
mod workers;
mod world;

use std::{path::PathBuf, process::ExitCode};

use bugs::Bug;
use clap::{Parser, Subcommand};
use journeys::Journey;
use mimalloc::MiMalloc;
use traces::Trace;

/// A run allocates for every call, and a hundred thousand runs are many: the system's allocator is a fifth slower.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// Plays the checkout under faults, and compares all books.
#[derive(Debug, Parser)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
struct Arguments {
    /// Plays this seed and tells everything that happened
    #[arg(long)]
    seed: Option<u64>,
    /// With this guard missing
    #[arg(long, value_enum, requires = "seed")]
    bug: Option<Bug>,
    /// Tells only the end
    #[arg(long, requires = "seed")]
    quiet: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
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
        /// Runs at once; by default one for each core
        #[arg(long)]
        threads: Option<usize>,
    },
    /// Plays every journey with every fault at every single step
    Steps {
        /// Only this journey
        #[arg(value_enum)]
        journey: Option<Journey>,
        /// Runs at once; by default one for each core
        #[arg(long)]
        threads: Option<usize>,
    },
    /// Plays journeys with two faults each, drawn at random
    Pairs {
        #[arg(long, default_value_t = 10_000)]
        runs: u64,
        /// Runs at once; by default one for each core
        #[arg(long)]
        threads: Option<usize>,
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
        /// But in no more than so many, if a trace finds it
        #[arg(long, default_value_t = 1_000)]
        beside_traces: u64,
        /// Runs at once; by default one for each core
        #[arg(long)]
        threads: Option<usize>,
    },
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let on = |threads: Option<usize>| threads.unwrap_or_else(machine::cores);
    let good = match (arguments.command, arguments.seed) {
        (Some(Command::Seeds { from, to, minutes, results, threads }), _) => {
            seeds::many(on(threads), from, to, minutes, results.as_deref())
        }
        (Some(Command::Steps { journey, threads }), _) => enumerate::steps(on(threads), journey),
        (Some(Command::Pairs { runs, threads }), _) => enumerate::pairs(on(threads), runs),
        (Some(Command::Traces { trace }), _) => planted::traces(trace),
        (Some(Command::Bugs { bug, seeds, beside_traces, threads }), _) => {
            planted::bugs(on(threads), bug, seeds, beside_traces)
        }
        (None, Some(seed)) => seeds::one(seed, arguments.bug, arguments.quiet),
        (None, None) => true,
    };
    if good { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        faults::Plan,
        run::{Play, run},
        seeds::crowd,
    };

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
        assert!(planted::traces(None));
    }

    #[test]
    fn what_was_planted_is_found() {
        for bug in [Bug::OpenOrderUnchecked, Bug::SettleBeforeCharge, Bug::SaleUnentered] {
            assert!((0..30).any(|seed| !run(&crowd(seed, Some(bug))).violations.is_empty()), "{bug:?}");
        }
    }
}
