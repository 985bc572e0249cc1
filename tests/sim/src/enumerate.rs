//! Journeys alone, with every fault at every step, and with pairs of them.

use std::{collections::BTreeMap, ops::ControlFlow};

use clap::ValueEnum;

use crate::{
    dice,
    faults::{Fault, Plan, Step},
    journeys::Journey,
    machine,
    run::{Play, Report, run},
    seeds::tell,
    threads::in_order,
};

fn alone(journey: Journey, plan: Plan) -> Play {
    Play { seed: 1, plan, bug: None, alone: Some(journey), verbose: false }
}

fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// How many runs there were, and how many of them converged.
#[derive(Clone, Copy, Default)]
struct Score {
    runs: u64,
    converged: u64,
}

impl Score {
    fn add(&mut self, converged: bool) {
        self.runs += 1;
        self.converged += u64::from(converged);
    }

    fn is_full(self) -> bool {
        self.runs > 0 && self.runs == self.converged
    }
}

/// Every fault at every step of each journey, one at a time.
pub fn steps(threads: usize, only: Option<Journey>) -> bool {
    println!("# {}, {threads} threads", machine::described());
    let (mut good, mut all) = (true, Score::default());
    let mut by_caller: BTreeMap<String, Score> = BTreeMap::new();
    for journey in Journey::ALL.into_iter().filter(|journey| only.is_none_or(|only| only == *journey)) {
        let calm = run(&alone(journey, Plan::Calm));
        tell(&calm);
        let every =
            calm.steps.iter().flat_map(|(step, service)| Fault::of(*service).iter().map(move |fault| (step, *fault)));
        let mut score = Score::default();
        let play =
            |(step, fault): &(&Step, Fault)| run(&alone(journey, Plan::Given([((*step).clone(), *fault)].into())));
        in_order(threads, every, play, |(step, fault), report| {
            let converged = report.violations.is_empty();
            score.add(converged);
            by_caller.entry(step.actor.clone()).or_default().add(converged);
            if !converged {
                println!("{journey:?} with {fault:?} at {step}:");
                tell(&report);
            }
            ControlFlow::Continue(())
        });
        good &= score.is_full() && calm.violations.is_empty();
        all.runs += score.runs;
        all.converged += score.converged;
        let Score { runs, converged } = score;
        println!("{:<20} {:>4} steps {runs:>6} runs {converged:>6} converged", name(&journey), calm.steps.len());
    }
    for (caller, Score { runs, converged }) in &by_caller {
        println!("of these, at steps of {caller:<12} {runs:>6} runs {converged:>6} converged");
    }
    println!("{} runs, {} converged: {} %", all.runs, all.converged, all.converged * 100 / all.runs.max(1));
    good
}

/// Two faults each. The second befalls a step of the run that the first one made.
pub fn pairs(threads: usize, runs: u64) -> bool {
    println!("# {}, {threads} threads", machine::described());
    let calm = Journey::ALL.map(|journey| run(&alone(journey, Plan::Calm)));
    let play = |n: &u64| {
        let which = dice::below(*n, "pair journey", 0, Journey::ALL.len() as u64);
        let which = usize::try_from(which).unwrap_or(0);
        let journey = Journey::ALL[which];
        let first = pick(&calm[which], *n, "first");
        let report = run(&alone(journey, Plan::Given([first.clone()].into())));
        let second = pick(&report, *n, "second");
        let report = run(&alone(journey, Plan::Given([first.clone(), second.clone()].into())));
        (journey, first, second, report)
    };
    let mut score = Score::default();
    in_order(threads, 0..runs, play, |_, (journey, first, second, report)| {
        let converged = report.violations.is_empty();
        score.add(converged);
        if !converged {
            println!("{journey:?} with {first:?} and {second:?}:");
            tell(&report);
        }
        ControlFlow::Continue(())
    });
    println!("{} pairs of faults, {} converged", score.runs, score.converged);
    score.is_full()
}

fn pick(report: &Report, n: u64, what: &str) -> (Step, Fault) {
    let step = dice::below(n, &format!("{what} step"), 0, report.steps.len() as u64);
    let (step, service) = report.steps.iter().nth(usize::try_from(step).unwrap_or(0)).unwrap();
    let choices = Fault::of(*service);
    let fault = dice::below(n, &format!("{what} fault"), 0, choices.len() as u64);
    (step.clone(), choices[usize::try_from(fault).unwrap_or(0)])
}
