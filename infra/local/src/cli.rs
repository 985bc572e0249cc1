//! The command line.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

const ABOUT: &str = "DevLoop on this machine: the API, its table, a payment sandbox and demo data in one process";
const SWAPS: &str = "\
Without a command it runs the server.

  AWS_ENDPOINT_URL_DYNAMODB  another DynamoDB than the embedded one (TABLE_NAME, AWS_REGION)
  AWS_ENDPOINT_URL_S3        another S3 than the embedded one (MEDIA_BUCKET, CDN_BASE_URL)
  TOSS_BASE_URL              another Toss than the sandbox (TOSS_SECRET_KEY, TOSS_CLIENT_KEY; test keys only)
  RUST_LOG                   what is logged to standard error";
const ADMIN_CREATE: &str = "\
Make an administrator, or make one of an existing account.

Works on the DynamoDB that AWS_ENDPOINT_URL_DYNAMODB, AWS_REGION and TABLE_NAME name, else on the server that runs on
the data folder, else on the data folder itself. DEVLOOP_ADMIN_PASSWORD is the password of a new account, unless it is
read from standard input.";

const INTEGRITY: &str = "\
Compare what is counted, bought and booked with the orders, and tell every difference, a line of JSON each.

Works on the table that `admin create` works on, also while seats are sold. Ends with 1 if a difference is left.";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(name = "devloop", version, about = ABOUT, after_help = SWAPS)]
pub struct Arguments {
    /// How the server runs.
    #[command(flatten)]
    pub server: ServerOptions,
    /// What to do instead.
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// How the server runs.
#[derive(Clone, Debug, Args)]
pub struct ServerOptions {
    /// Port of the API and the pages on 127.0.0.1; 0 takes a free one
    #[arg(long, env = "PORT", default_value_t = 8080)]
    pub port: u16,
    /// Port of the payment sandbox [default: the one after --port]; 0 takes a free one
    #[arg(long)]
    pub toss_port: Option<u16>,
    /// Port of the CDN's edge, a stand-in for CloudFront [default: the second after --port]; 0 takes a free one
    #[arg(long)]
    pub cdn_port: Option<u16>,
    /// Milliseconds that the CDN waits before it asks its origin, as if that were far away
    #[arg(long, default_value_t = 0, value_name = "MILLISECONDS")]
    pub cdn_origin_delay: u64,
    /// Folder that keeps all data
    #[arg(long, global = true, default_value = ".devloop", value_name = "FOLDER")]
    pub data: PathBuf,
    /// Delete the data of earlier runs first
    #[arg(long)]
    pub fresh: bool,
    /// Make no demo accounts and projects in a new table
    #[arg(long)]
    pub no_demo: bool,
    /// Origins of frontends that may call the API from a browser
    #[arg(long = "origin", value_name = "ORIGIN", default_values = ["http://localhost:3000", "http://localhost:5173"])]
    pub origins: Vec<String>,
    /// Hash passwords fast and insecurely: for tests
    #[arg(long)]
    pub toy_hashing: bool,
}

impl ServerOptions {
    /// The sandbox's port, if it was not left to the default because the API's is free to choose.
    pub fn toss_port(&self) -> u16 {
        self.toss_port.unwrap_or_else(|| self.after(1))
    }

    /// The same of the CDN's edge.
    pub fn cdn_port(&self) -> u16 {
        self.cdn_port.unwrap_or_else(|| self.after(2))
    }

    fn after(&self, ports: u16) -> u16 {
        if self.port == 0 { 0 } else { self.port.saturating_add(ports) }
    }
}

/// What the program can do instead of serving.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Manage administrators
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Compare what is counted, bought and booked with the orders
    #[command(long_about = INTEGRITY)]
    Integrity(Integrity),
}

/// How the books are compared.
#[derive(Clone, Copy, Debug, Args)]
pub struct Integrity {
    /// Mend what follows from the orders beyond doubt
    #[arg(long)]
    pub repair: bool,
}

/// What can be done about administrators.
#[derive(Debug, Subcommand)]
pub enum AdminCommand {
    /// Make an administrator, or make one of an existing account
    #[command(long_about = ADMIN_CREATE)]
    Create(CreateAdmin),
}

/// Who becomes an administrator.
#[derive(Debug, Args)]
pub struct CreateAdmin {
    /// Email address of the account
    #[arg(long)]
    pub email: String,
    /// Name of a new account
    #[arg(long)]
    pub username: Option<String>,
    /// Read the password of a new account from standard input
    #[arg(long)]
    pub password_stdin: bool,
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn the_sandbox_and_the_cdn_are_on_the_next_ports() {
        let ports = |line: &[&str]| {
            let options = Arguments::parse_from(line).server;
            (options.toss_port(), options.cdn_port())
        };
        assert_eq!(ports(&["devloop", "--port", "9000"]), (9001, 9002));
        assert_eq!(ports(&["devloop", "--port", "0"]), (0, 0));
        assert_eq!(ports(&["devloop", "--port", "9000", "--toss-port", "0", "--cdn-port", "9009"]), (0, 9009));
    }
}
