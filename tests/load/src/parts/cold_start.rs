//! One deployed function, from the start of its process to its first answer.

use std::path::Path;

use crate::{
    figures::{Against, Results},
    lambda::Function,
    measure::RUNS,
    world::World,
};

/// Process starts of one run.
const STARTS: usize = 21;

pub async fn measure(world: &World, binary: &Path, results: &mut Results) {
    if !binary.exists() {
        println!("\nno Lambda binary at {}", binary.display());
        return;
    }
    let function = Function::new(world, binary);
    let (mut polls, mut answers, mut resident) = (vec![], vec![], vec![]);
    for _ in 0..RUNS {
        let (mut poll, mut answer, mut memory) = (vec![], vec![], vec![]);
        for _ in 0..STARTS {
            let start = function.start().await;
            poll.push(start.first_poll.as_secs_f64() * 1_000.0);
            answer.push(start.first_answer.as_secs_f64() * 1_000.0);
            memory.push(start.resident);
        }
        polls.push(median(poll));
        answers.push(median(answer));
        resident.push(median(memory));
    }
    results.begin("Cold start of get_pwt as a Lambda: median of 21 starts");
    results.note("process start to first poll", "ms", &polls, Against::default());
    results.note("process start to first answer", "ms", &answers, Against { aim: "≤ 15", before: "" });
    results.note("resident at the first answer", "MiB", &resident, Against { aim: "≤ 15", before: "" });
    let size = std::fs::metadata(binary).unwrap().len() as f64 / 1_048_576.0;
    results.note("size of the binary", "MiB", &[size], Against::default());
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
