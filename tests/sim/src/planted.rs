//! The planted bugs and the known courses of events, as tables.

use std::ops::ControlFlow;

use clap::ValueEnum;

use crate::{bugs::Bug, machine, run::run, seeds::crowd, threads::in_order, traces::Trace};

fn name(value: &impl ValueEnum) -> String {
    value.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
}

/// For a table.
fn shortened(violation: &str) -> String {
    violation.chars().take(120).collect()
}

/// The first seed whose crowd meets a planted bug, and what it does.
fn first(threads: usize, bug: Bug, seeds: u64) -> Option<(u64, String)> {
    let mut found = None;
    let play = |seed: &u64| run(&crowd(*seed, Some(bug))).violations.into_iter().next();
    in_order(threads, 0..seeds, play, |seed, violation| match violation {
        Some(violation) => {
            found = Some((seed, violation));
            ControlFlow::Break(())
        }
        None => ControlFlow::Continue(()),
    });
    found
}

/// Each is found in a crowd or, if it takes a coincidence that hardly any has, in a trace. `beside_traces` is how many
/// crowds are played for those that a trace finds.
pub fn bugs(threads: usize, only: Option<Bug>, seeds: u64, beside_traces: u64) -> bool {
    let mut good = true;
    let (mut in_crowds, mut in_traces) = (0, 0);
    println!("# {}, {threads} threads\n", machine::described());
    println!("| bug | seeds needed | in the trace | by |\n|---|---|---|---|");
    for bug in Bug::value_variants().iter().copied().filter(|bug| only.is_none_or(|only| only == *bug)) {
        let in_trace = Trace::value_variants().iter().filter(|trace| trace.bug() == bug).find_map(|trace| {
            let violations = trace.play(Some(bug), false).violations;
            violations.first().cloned().map(|violation| (name(trace), violation))
        });
        let seeds = if in_trace.is_some() { seeds.min(beside_traces) } else { seeds };
        let in_crowd = first(threads, bug, seeds);
        let by = in_crowd.as_ref().map(|(_, by)| by).or(in_trace.as_ref().map(|(_, by)| by));
        good &= by.is_some();
        in_crowds += u32::from(in_crowd.is_some());
        in_traces += u32::from(in_crowd.is_none() && in_trace.is_some());
        println!(
            "| {} | {} | {} | {} |",
            name(&bug),
            in_crowd.as_ref().map_or(format!("more than {seeds}"), |(seed, _)| (seed + 1).to_string()),
            in_trace.as_ref().map_or("", |(trace, _)| trace),
            by.map_or("NOTHING".to_owned(), |by| shortened(by)),
        );
    }
    println!("\n{in_crowds} found by seeds, {in_traces} more by their traces");
    good
}

/// Each known course of events, with the guard that it needs and without.
pub fn traces(only: Option<Trace>) -> bool {
    let mut good = true;
    println!("# {}\n", machine::described());
    println!("| of the model | trace | what happens | the guard taken out | then |\n|---|---|---|---|---|");
    for trace in Trace::value_variants().iter().copied().filter(|trace| only.is_none_or(|only| only == *trace)) {
        let guarded = trace.play(None, only.is_some());
        for line in guarded.lines.iter().chain(&guarded.off_script).chain(&guarded.violations) {
            println!("{line}");
        }
        let twin = trace.play(Some(trace.bug()), only.is_some());
        twin.lines.iter().for_each(|line| println!("{line}"));
        let found = twin.violations.first().map_or("NOTHING", String::as_str);
        good &= guarded.off_script.is_empty() && guarded.violations.is_empty() && !twin.violations.is_empty();
        println!(
            "| {} | {} | {} | {} | {} |",
            trace.in_the_model(),
            name(&trace),
            trace.story(),
            name(&trace.bug()),
            shortened(found)
        );
    }
    good
}
