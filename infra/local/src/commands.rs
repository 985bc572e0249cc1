//! What the command line asks for.

use std::{
    io::{self, BufRead},
    path::Path,
    time::Instant,
};

use auth::{Cost, Hasher};
use clock::{Clock, Rng};
use config::Reader;
use storage::Table;

use crate::{
    cli::{AdminCommand, Arguments, Command, CreateAdmin},
    data_folder::{self, DataFolder, FolderError},
    dynamodb::{Embedded, NotEmbedded},
    environment::Environment,
    operator::{Done, NewAccount, NotMade, Operator},
    server::{self, CannotStart},
};

/// Why a command did not do what it was asked for. Each says what to do.
#[derive(Debug, thiserror::Error)]
#[error(transparent)]
pub struct Failed(Cause);

#[derive(Debug, thiserror::Error)]
enum Cause {
    #[error("{0}.")]
    Settings(#[from] config::Incomplete),
    #[error("No threads can be started: {0}.")]
    Runtime(io::Error),
    #[error(transparent)]
    Server(#[from] CannotStart),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Embedded(#[from] NotEmbedded),
    #[error(transparent)]
    Admin(#[from] NotMade),
    #[error("The password cannot be read from standard input: {0}.")]
    Password(io::Error),
}

/// Does what `arguments` ask for. `started` is when the process was.
pub fn run(arguments: Arguments, started: Instant) -> Result<(), Failed> {
    let environment = Environment::read(Reader::from_environment()).map_err(|error| Failed(error.into()))?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Failed(Cause::Runtime(error)))?;
    let Arguments { server, command } = arguments;
    let done = runtime.block_on(async {
        match command {
            None => Box::pin(server::run(&server, &environment, started)).await.map_err(Cause::from),
            Some(Command::Admin(AdminCommand::Create(wanted))) => {
                create_admin(&server.data, &environment, wanted).await
            }
        }
    });
    // Whoever still waits for an answer gets none: they were given time enough.
    runtime.shutdown_background();
    done.map_err(Failed)
}

async fn create_admin(data: &Path, environment: &Environment, wanted: CreateAdmin) -> Result<(), Cause> {
    let (clock, rng) = (Clock::system(), Rng::from_system());
    let named = environment.dynamodb.is_some() || environment.table.is_some();
    let running = if named { None } else { data_folder::running_on(data)? };
    // Kept open until the account is made.
    let opened = if named || running.is_some() {
        None
    } else {
        let folder = DataFolder::open(data, false)?;
        let embedded = Embedded::open(&folder.table_file())?;
        Some((folder, embedded))
    };
    let endpoint = match (&running, &opened) {
        (Some(running), _) => Some(running.dynamodb.clone()),
        (None, Some((_, embedded))) => Some(embedded.endpoint().to_owned()),
        (None, None) => environment.dynamodb.clone(),
    };
    let table = Table::connect(environment.connection(endpoint), &clock, &rng).await;
    if opened.is_some() {
        table.create_if_missing().await.map_err(NotMade::from)?;
    }
    let password = if wanted.password_stdin {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(Cause::Password)?;
        Some(line.trim_end_matches(['\r', '\n']).to_owned())
    } else {
        environment.admin_password.as_ref().map(|password| password.expose().to_owned())
    };
    let hasher = Hasher::inline(Cost::OWASP, rng.clone()).map_err(NotMade::from)?;
    let operator = Operator { table, clock, rng, hasher };
    let done = operator.create_admin(&wanted.email, NewAccount { username: wanted.username, password }).await?;
    if let Some((_, embedded)) = opened {
        embedded.stop().await;
    }
    let told = match done {
        Done::Made => "There is a new administrator",
        Done::Promoted => "This account is an administrator now; its password stays as it was",
        Done::NothingToDo => "This account is an administrator already",
    };
    #[expect(clippy::print_stdout, reason = "a command tells its caller what it did")]
    {
        println!("{told}: {}", wanted.email);
    }
    Ok(())
}
