//! `openapi`: the contract, from the endpoints' signatures.

use devloop_http::openapi;
use devloop_local::contract::contract;

use crate::{Failed, root};

const FILE: &str = "infra/openapi.json";

/// Writes the document, or says whether the one in the repository is the present one.
pub fn run(check: bool) -> Result<(), Failed> {
    let path = root().join(FILE);
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let present = document()?;
    if written == present {
        println!("{FILE} is up to date");
        return Ok(());
    }
    if check {
        return Err(Failed::Refused(format!("{FILE} is not what the endpoints say: run `cargo xtask openapi`")));
    }
    std::fs::write(&path, present).map_err(|source| Failed::Io { what: FILE.to_owned(), source })?;
    println!("{FILE} written");
    Ok(())
}

fn document() -> Result<String, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|source| Failed::Io { what: "the runtime".to_owned(), source })?;
    let routes = runtime.block_on(contract())?;
    Ok(serde_json::to_string_pretty(&openapi::document(&routes))? + "\n")
}
