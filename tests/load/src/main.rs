//! Benchmarks of the built local server and of one Lambda binary, over real HTTP. See the card.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    clippy::cast_sign_loss,
    clippy::disallowed_methods,
    reason = "a benchmark stops at whatever it did not expect, reads the machine's clock and tells its figures"
)]

mod client;
mod figures;
mod lambda;
mod machine;
mod measure;
mod parts;
mod scale;
mod server;
mod world;

use std::path::{Path, PathBuf};

use clap::{Parser, ValueEnum};
use figures::Results;

/// Measures the local server and a Lambda binary, and writes the figures into its own card.
#[derive(Debug, Parser)]
struct Arguments {
    /// What to measure
    #[arg(value_enum, default_value = "all")]
    part: Part,
    /// The server's release binary [default: beside this one]
    #[arg(long)]
    devloop: Option<PathBuf>,
    /// The `pwts` binary built with the `lambda` profile [default: of the same target folder]
    #[arg(long)]
    lambda: Option<PathBuf>,
    /// Of `scale` and its parts: how many times smaller than the full size, to try it
    #[arg(long, default_value_t = 1)]
    smaller: usize,
    /// Of `rush`: how many come a second
    #[arg(long, default_value_t = 500.0)]
    rate: f64,
    /// The day that the figures are of, such as 2026-11-24: they are written only with it
    #[arg(long)]
    date: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Part {
    All,
    Start,
    Accounts,
    Reads,
    Sale,
    Stall,
    Table,
    /// Files through the CDN, which is a stand-in
    Cdn,
    Uploads,
    Lambda,
    /// The three that follow
    Scale,
    /// Many more buyers than seats, in open loop; the server is killed in the last sale
    Rush,
    /// Toss hangs for a minute
    Hang,
    /// Differences between our books and Toss's
    Divergences,
    /// Boards with up to 100,000 posts; not in `scale`
    Posts,
    /// Only draws the kept figures of the others again
    Plots,
}

impl Part {
    fn wants(self, part: Self) -> bool {
        self == Self::All || self == part
    }
}

#[tokio::main]
async fn main() {
    let arguments = Arguments::parse();
    let here = std::env::current_exe().unwrap();
    let beside = here.parent().unwrap();
    let devloop = arguments.devloop.clone().unwrap_or_else(|| beside.join("devloop"));
    let lambda = arguments.lambda.clone().unwrap_or_else(|| beside.with_file_name("lambda").join("pwts"));
    assert!(devloop.exists(), "there is no {}: cargo build --release --workspace --bins", devloop.display());

    if let Part::Scale | Part::Rush | Part::Hang | Part::Divergences | Part::Posts | Part::Plots = arguments.part {
        return Box::pin(scale::measure(&arguments, &devloop)).await;
    }
    let mut results = Results::default();
    measure_all(arguments.part, &devloop, &lambda, &mut results).await;
    if let Some(date) = &arguments.date {
        results.write(Path::new(env!("CARGO_MANIFEST_DIR")), date);
    }
}

async fn measure_all(part: Part, devloop: &Path, lambda: &Path, results: &mut Results) {
    if part.wants(Part::Start) {
        parts::start::measure(devloop, results).await;
    }
    if part.wants(Part::Cdn) {
        parts::cdn::measure(devloop, results).await;
    }
    if part.wants(Part::Uploads) {
        parts::uploads::measure(devloop, results).await;
    }
    let of_the_server = [Part::Accounts, Part::Reads, Part::Sale, Part::Stall, Part::Table, Part::Lambda];
    if !of_the_server.into_iter().any(|wanted| part.wants(wanted)) {
        return;
    }
    let data = tempfile::tempdir().unwrap();
    let world = world::World::prepare(devloop, data.path(), part).await;
    if part.wants(Part::Accounts) {
        parts::accounts::measure(&world, results).await;
    }
    if part.wants(Part::Reads) {
        parts::reads::measure(&world, devloop, results).await;
    }
    if part.wants(Part::Stall) {
        parts::stall::measure(&world, results).await;
    }
    if part.wants(Part::Sale) {
        parts::sale::measure(&world, results).await;
    }
    if part.wants(Part::Table) {
        parts::table::measure(&world, results).await;
    }
    if part.wants(Part::Lambda) {
        parts::cold_start::measure(&world, lambda, results).await;
    }
    if part == Part::All {
        results.note_memory(&world.server);
    }
}
