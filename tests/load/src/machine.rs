//! What `/proc` says: of the machine, of a process and of its threads.

use std::{collections::BTreeMap, fs};

use serde_json::{Value, json};

fn field(file: &str, name: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(name)).unwrap_or_default();
    line.split_once([':', '=']).map_or("?", |(_, value)| value).trim().trim_matches('"').to_owned()
}

/// The machine's name: processor, cores, memory, system.
pub fn named() -> Value {
    let cores = std::thread::available_parallelism().unwrap().get();
    let kib: f64 = field("/proc/meminfo", "MemTotal").trim_end_matches(" kB").parse().unwrap();
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    json!({
        "cpu": field("/proc/cpuinfo", "model name"), "cores": cores, "memoryGiB": (kib / 1_048_576.0).round(),
        "os": format!("{}, Linux {}", field("/etc/os-release", "PRETTY_NAME"), kernel.trim()),
    })
}

/// A line of `/proc/<pid>/status`, such as `VmRSS`, in MiB.
pub fn memory(pid: u32, name: &str) -> f64 {
    let kib = field(&format!("/proc/{pid}/status"), name);
    kib.trim_end_matches(" kB").parse::<f64>().unwrap() / 1_024.0
}

/// Processor time so far, in seconds.
#[derive(Clone, Debug, Default)]
pub struct Cpu {
    /// Of the server's threads, by what they do.
    threads: BTreeMap<&'static str, f64>,
    load: f64,
    machine: f64,
    wall: f64,
}

const TICKS_PER_SECOND: f64 = 100.0;

fn ticks(stat: &str) -> f64 {
    // The name may have spaces, but ends with the last parenthesis.
    let after = stat.rsplit_once(')').unwrap().1;
    let fields: Vec<&str> = after.split_whitespace().collect();
    let of = |n: usize| fields[n].parse::<f64>().unwrap();
    (of(11) + of(12)) / TICKS_PER_SECOND
}

impl Cpu {
    /// Looks at the server `pid`, at this process and at the whole machine.
    pub fn now(pid: u32) -> Self {
        let mut threads = BTreeMap::new();
        for task in fs::read_dir(format!("/proc/{pid}/task")).unwrap() {
            let folder = task.unwrap().path();
            let name = fs::read_to_string(folder.join("comm")).unwrap_or_default();
            let role = match name.trim() {
                "dynamodb" => "table",
                name if name.starts_with("hasher") => "hashing",
                _ => "API and sandbox",
            };
            *threads.entry(role).or_default() += ticks(&fs::read_to_string(folder.join("stat")).unwrap());
        }
        let stat = fs::read_to_string("/proc/stat").unwrap();
        let cpu: Vec<f64> =
            stat.lines().next().unwrap().split_whitespace().skip(1).map(|n| n.parse().unwrap()).collect();
        // user, nice, system, irq, softirq; not idle, iowait and steal.
        let machine = [0, 1, 2, 5, 6].into_iter().map(|n| cpu[n]).sum::<f64>() / TICKS_PER_SECOND;
        let wall: f64 = fs::read_to_string("/proc/uptime").unwrap().split(' ').next().unwrap().parse().unwrap();
        Self { threads, load: ticks(&fs::read_to_string("/proc/self/stat").unwrap()), machine, wall }
    }

    /// What each used since `before`, in cores: the server's threads, this program, and all others.
    pub fn cores_since(&self, before: &Self) -> BTreeMap<&'static str, f64> {
        let wall = (self.wall - before.wall).max(0.01);
        let mut used: BTreeMap<_, _> =
            self.threads.iter().map(|(role, now)| (*role, now - before.threads.get(role).unwrap_or(&0.0))).collect();
        used.insert("load program", self.load - before.load);
        let ours: f64 = used.values().sum();
        used.insert("other processes", (self.machine - before.machine - ours).max(0.0));
        for seconds in used.values_mut() {
            *seconds /= wall;
        }
        used
    }
}
