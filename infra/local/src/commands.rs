//! What the command line asks for.

use std::{
    io::{self, BufRead},
    path::Path,
    time::Instant,
};

use auth::{Cost, Hasher};
use clock::{Clock, Ids, Rng};
use config::Reader;
use fn_orders::integrity::{self, Checked};
use storage::Table;

use crate::{
    cli::{AdminCommand, Arguments, Command, CreateAdmin, Integrity},
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
    #[error("The table does not work: {0}. Is its address right, and does it exist?")]
    Storage(#[from] storage::Error),
    #[error("{0} differences are left, for people to look into.")]
    Differences(usize),
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
            Some(Command::Integrity(wanted)) => Box::pin(compare_books(&server.data, &environment, wanted)).await,
            Some(Command::Admin(AdminCommand::Create(wanted))) => {
                create_admin(&server.data, &environment, wanted).await
            }
        }
    });
    // Whoever still waits for an answer gets none: they were given time enough.
    runtime.shutdown_background();
    done.map_err(Failed)
}

/// The table that a command works on, and what must stay open meanwhile.
struct Opened {
    table: Table,
    own: Option<(DataFolder, Embedded)>,
}

impl Opened {
    /// The table that the environment names, else that of the server that runs on the data folder, else the folder's own.
    async fn table(data: &Path, environment: &Environment, clock: &Clock, rng: &Rng) -> Result<Self, Cause> {
        let named = environment.dynamodb.is_some() || environment.table.is_some();
        let running = if named { None } else { data_folder::running_on(data)? };
        let own = if named || running.is_some() {
            None
        } else {
            let folder = DataFolder::open(data, false)?;
            let embedded = Embedded::open(&folder.table_file())?;
            Some((folder, embedded))
        };
        let endpoint = match (&running, &own) {
            (Some(running), _) => Some(running.dynamodb.clone()),
            (None, Some((_, embedded))) => Some(embedded.endpoint().to_owned()),
            (None, None) => environment.dynamodb.clone(),
        };
        let table = Table::connect(environment.connection(endpoint), clock, rng).await;
        if own.is_some() {
            table.create_if_missing().await?;
        }
        Ok(Self { table, own })
    }

    async fn close(self) {
        if let Some((_, embedded)) = self.own {
            embedded.stop().await;
        }
    }
}

async fn compare_books(data: &Path, environment: &Environment, wanted: Integrity) -> Result<(), Cause> {
    let (clock, rng) = (Clock::system(), Rng::from_system());
    let opened = Opened::table(data, environment, &clock, &rng).await?;
    let checked = if wanted.repair {
        integrity::repair(&opened.table, &Ids::new(clock, rng)).await?
    } else {
        integrity::check(&opened.table).await?
    };
    opened.close().await;
    let left = checked.findings.difference(&checked.repaired).count();
    #[expect(clippy::print_stdout, reason = "a command tells its caller what it found")]
    {
        for finding in &checked.findings {
            let repaired = checked.repaired.contains(finding);
            println!("{}", serde_json::json!({ "finding": finding, "repaired": repaired }));
        }
        let Checked { orders, sales, busy, .. } = checked;
        println!(
            "{orders} orders and {sales} sales were compared, {busy} were too busy; {} differences, {} of them mended.",
            checked.findings.len(),
            checked.repaired.len()
        );
    }
    if left == 0 { Ok(()) } else { Err(Cause::Differences(left)) }
}

async fn create_admin(data: &Path, environment: &Environment, wanted: CreateAdmin) -> Result<(), Cause> {
    let (clock, rng) = (Clock::system(), Rng::from_system());
    let opened = Opened::table(data, environment, &clock, &rng).await?;
    let password = if wanted.password_stdin {
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line).map_err(Cause::Password)?;
        Some(line.trim_end_matches(['\r', '\n']).to_owned())
    } else {
        environment.admin_password.as_ref().map(|password| password.expose().to_owned())
    };
    let hasher = Hasher::inline(Cost::OWASP, rng.clone()).map_err(NotMade::from)?;
    let operator = Operator { table: opened.table.clone(), clock, rng, hasher };
    let done = operator.create_admin(&wanted.email, NewAccount { username: wanted.username, password }).await?;
    opened.close().await;
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
