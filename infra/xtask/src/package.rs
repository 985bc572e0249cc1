//! `package`: the binaries that template.yaml deploys, at `target/lambda/<name>/bootstrap`.

use cargo_metadata::{MetadataCommand, TargetKind};

use crate::{Failed, call, root};

/// Builds every binary of `functions/*` once: a function of the template is one of them with its
/// own `OPERATION`.
pub fn run() -> Result<(), Failed> {
    let names = binaries()?;
    // `--disable-optimizations` means cargo-lambda's own, which would abort on panic: the profile
    // says all that is to be said.
    let mut arguments = vec!["lambda", "build", "--x86-64", "--profile", "lambda", "--disable-optimizations"];
    arguments.extend(["--workspace", "--lambda-dir", "target/lambda"]);
    arguments.extend(names.iter().flat_map(|name| ["--bin", name]));
    call("cargo", &arguments)
}

fn binaries() -> Result<Vec<String>, Failed> {
    let metadata = MetadataCommand::new().current_dir(root()).no_deps().exec()?;
    let functions = metadata.workspace_root.join("functions");
    let of_functions = metadata.packages.iter().filter(|package| package.manifest_path.starts_with(&functions));
    let targets = of_functions.flat_map(|package| &package.targets);
    let names = targets.filter(|target| target.kind.contains(&TargetKind::Bin)).map(|target| target.name.clone());
    Ok(names.collect())
}
