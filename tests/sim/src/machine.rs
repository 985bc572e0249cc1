//! Where and when something was measured, for files of results.

use std::{fs, process::Command, thread};

/// Day, commit, processor and cores, in one line.
pub fn described() -> String {
    let told = |program: &str, arguments: &[&str]| {
        let output = Command::new(program).args(arguments).output().ok()?;
        Some(String::from_utf8_lossy(&output.stdout).trim().to_owned()).filter(|text| !text.is_empty())
    };
    let unknown = || "unknown".to_owned();
    let day = told("date", &["-u", "+%F"]).unwrap_or_else(unknown);
    let commit = told("git", &["rev-parse", "--short=12", "HEAD"]).unwrap_or_else(unknown);
    let processors = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = processors.lines().find_map(|line| line.strip_prefix("model name")).unwrap_or_default();
    let model = model.trim_start_matches([' ', '\t', ':']);
    format!("{day}, commit {commit}, {model}, {} cores", cores())
}

/// How many runs can go on at once.
pub fn cores() -> usize {
    thread::available_parallelism().map_or(1, Into::into)
}
