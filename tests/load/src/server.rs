//! The built server as a child process.

use std::{
    fs::OpenOptions,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::{
    client::{Client, text},
    machine,
};

/// How a server is started.
#[derive(Clone, Debug, Default)]
pub struct Start {
    /// Of the API and of Toss's sandbox; 0 takes a free one.
    pub ports: [u16; 2],
    pub options: Vec<&'static str>,
    /// What its warnings are appended to.
    pub log: Option<PathBuf>,
}

/// A running server. It is killed when this is dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    binary: PathBuf,
    start: Start,
    pub data: PathBuf,
    pub api: Client,
    pub toss: Client,
    pub dynamodb: Client,
    pub dynamodb_url: String,
    /// From the start of its process to its first answer.
    pub first_answer: Duration,
}

/// The binary, told nothing by this program's environment.
pub fn devloop(binary: &Path, data: &Path) -> Command {
    let mut command = Command::new(binary);
    for name in ["PORT", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_DYNAMODB", "TABLE_NAME", "TOSS_BASE_URL", "RUST_LOG"] {
        command.env_remove(name);
    }
    command.arg("--data").arg(data);
    command
}

impl Server {
    pub async fn start(binary: &Path, data: &Path, options: &[&'static str]) -> Self {
        Self::start_as(binary, data, Start { options: options.to_vec(), ..Start::default() }).await
    }

    pub async fn start_as(binary: &Path, data: &Path, start: Start) -> Self {
        let file = data.join("ready.json");
        if file.exists() {
            std::fs::remove_file(&file).unwrap();
        }
        let mut command = devloop(binary, data);
        let [port, toss_port] = start.ports.map(|port| port.to_string());
        command.args(["--port", &port, "--toss-port", &toss_port]).args(&start.options).stdout(Stdio::null());
        let append = |file| OpenOptions::new().create(true).append(true).open(file).unwrap();
        command.stderr(start.log.as_ref().map_or_else(Stdio::null, |log| append(log).into()));
        let started = Instant::now();
        let mut child = command.spawn().unwrap();
        let ready: Value = loop {
            if let Ok(json) = std::fs::read(&file) {
                break serde_json::from_slice(&json).unwrap();
            }
            assert!(child.try_wait().unwrap().is_none(), "the server ended");
            assert!(started.elapsed() < Duration::from_mins(1), "the server is not ready");
            tokio::time::sleep(Duration::from_millis(1)).await;
        };
        let api = Client::new(&text(&ready, "/api"));
        api.get("/v1/health").await.expect(200);
        let dynamodb_url = text(&ready, "/dynamodb");
        Self {
            first_answer: started.elapsed(),
            child,
            binary: binary.to_owned(),
            start,
            data: data.to_owned(),
            api,
            toss: Client::new(&text(&ready, "/toss")),
            dynamodb: Client::new(&dynamodb_url),
            dynamodb_url,
        }
    }

    /// Kills it with SIGKILL and starts it again, on the same ports and data.
    pub async fn kill_and_restart(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        let started = Self::start_as(&self.binary, &self.data, self.start.clone()).await;
        *self = started;
    }

    /// A command of the same binary on its data.
    pub fn command(&self) -> Command {
        devloop(&self.binary, &self.data)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident now, in MiB.
    pub fn resident(&self) -> f64 {
        machine::memory(self.pid(), "VmRSS")
    }

    /// The most that was ever resident, in MiB.
    pub fn peak(&self) -> f64 {
        machine::memory(self.pid(), "VmHWM")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended already.
        let _ended = self.child.kill();
        let _reaped = self.child.wait();
    }
}
