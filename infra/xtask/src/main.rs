//! The project's own commands: `cargo xtask openapi`, `check` and `package`.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a command talks to its caller")]

mod openapi;
mod package;
mod walls;

use std::{
    path::{Path, PathBuf},
    process::{Command, ExitCode},
};

use clap::{Parser, Subcommand};

/// Commands of this repository.
#[derive(Parser)]
#[command(name = "cargo xtask", about)]
struct Arguments {
    #[command(subcommand)]
    command: Task,
}

#[derive(Subcommand)]
enum Task {
    /// Writes infra/openapi.json from the endpoints.
    Openapi {
        /// Only says whether it is up to date.
        #[arg(long)]
        check: bool,
    },
    /// Formatting, lints and the walls between rooms: what to run before a commit.
    Check,
    /// Builds what template.yaml deploys, into target/lambda.
    Package,
}

/// Why a command did not end well.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("{0}")]
    Refused(String),
    #[error("{what}: {source}")]
    Io { what: String, source: std::io::Error },
    #[error(transparent)]
    Metadata(#[from] cargo_metadata::Error),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    Start(#[from] devloop_http::StartError),
}

fn main() -> ExitCode {
    let done = match Arguments::parse().command {
        Task::Openapi { check } => openapi::run(check),
        Task::Check => walls::run(),
        Task::Package => package::run(),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("error: {failed}");
            ExitCode::FAILURE
        }
    }
}

/// The repository, wherever the command was called from.
fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Runs a program in the repository and requires that it succeeds.
fn call(program: &str, arguments: &[&str]) -> Result<(), Failed> {
    let line = format!("{program} {}", arguments.join(" "));
    println!("$ {line}");
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    let status = command.status().map_err(|source| Failed::Io { what: line.clone(), source })?;
    if status.success() { Ok(()) } else { Err(Failed::Refused(format!("`{line}` failed: {status}"))) }
}
