//! A server, a book's directory with inputs that mean nothing, and workers with stubs for provers.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use surety_fleet::{
    queue::{Queue, Status, Terms},
    server::{self, Server},
};
use surety_venue::directory::BookDirectory;
use tempfile::TempDir;
use tokio::runtime::Runtime;

/// Longest that anything is waited for.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) const LEASE: Duration = Duration::from_secs(1);

pub(crate) struct Field {
    pub(crate) server: Server,
    pub(crate) queue: Queue,
    pub(crate) runtime: Runtime,
    files: TempDir,
}

/// A process that is killed when dropped.
pub(crate) struct Running(pub(crate) Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Running {
    pub(crate) fn signal(&self, signal: &str) {
        let status = Command::new("kill").args(["-s", signal, &self.0.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for its end, and returns whether that was a good one.
    pub(crate) fn ended(&mut self) -> bool {
        let start = Instant::now();
        loop {
            match self.0.try_wait().unwrap() {
                Some(status) => return status.success(),
                None => assert!(start.elapsed() < PATIENCE, "the worker does not end"),
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Field {
    /// With so many pages of two kinds in the queue; none where PostgreSQL is not installed, which is said.
    pub(crate) fn with(pages: u32) -> Option<Self> {
        if server::installed().is_none() {
            println!("skipped: PostgreSQL is not installed");
            return None;
        }
        let (server, files) = (Server::start().unwrap(), TempDir::new().unwrap());
        let directory = BookDirectory::new(files.path().join("book"));
        directory.make().unwrap();
        fs::write(directory.plan_path(), format!("a plan of {pages} pages")).unwrap();
        fs::write(directory.private().join("key"), [7; 32]).unwrap();
        fs::write(directory.seal_path(), directory.seal_plan().unwrap()).unwrap();
        (0..pages).for_each(|page| fs::write(directory.input_path(page), "sealed").unwrap());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let terms = Terms { lease: LEASE, pause: Duration::from_millis(100), ..Terms::default() };
        let (url, plan) = (server.url().parse().unwrap(), directory.plan_id().unwrap());
        let queue = runtime.block_on(Queue::open(&url, plan, terms, 4)).unwrap();
        let jobs: Vec<_> = (0..pages).map(|page| (page, page % 2)).collect();
        runtime.block_on(queue.enqueue(&jobs)).unwrap();
        Some(Self { server, queue, runtime, files })
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.files.path().join(name)
    }

    pub(crate) fn directory(&self) -> BookDirectory {
        BookDirectory::new(self.path("book"))
    }

    /// Starts a worker of this name, which is that of its log, with options of the stub.
    pub(crate) fn worker(&self, name: &str, options: &str) -> Running {
        self.worker_at(self.path("book"), name, options, "")
    }

    /// The same with artifacts elsewhere, and after commands of the shell.
    pub(crate) fn worker_at(&self, place: impl AsRef<Path>, name: &str, options: &str, before: &str) -> Running {
        let (stub, log) = (env!("CARGO_BIN_EXE_surety-fleet-stub"), self.path(name));
        let (url, place, log) = (self.server.url(), place.as_ref().display(), log.display());
        let script = format!("{before} exec {stub} worker '{url}' '{place}' 'log={log}' {options}");
        let command = Command::new("sh").args(["-c", &script]).stdin(Stdio::null()).spawn();
        Running(command.unwrap())
    }

    /// The log of a worker of this name, and of its prover.
    pub(crate) fn log(&self, name: &str) -> Vec<String> {
        fs::read_to_string(self.path(name)).unwrap_or_default().lines().map(str::to_owned).collect()
    }

    /// How many lines of the logs are this.
    pub(crate) fn count(&self, name: &str, line: &str) -> usize {
        self.log(name).iter().filter(|found| *found == line).count()
    }

    /// Signals the server and its processes.
    pub(crate) fn signal_server(&self, signal: &str) {
        let id = self.server.id().to_string();
        let children = Command::new("pgrep").args(["-P", &id]).output().unwrap();
        let children = String::from_utf8(children.stdout).unwrap();
        let status = Command::new("kill").args(["-s", signal, &id]).args(children.split_whitespace()).status().unwrap();
        assert!(status.success());
    }

    pub(crate) fn status(&self) -> Status {
        self.runtime.block_on(self.queue.status()).unwrap()
    }

    /// Waits for something, and returns how long that took.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, is: impl Fn(&Self) -> bool) -> Duration {
        let start = Instant::now();
        while !is(self) {
            assert!(start.elapsed() < PATIENCE, "expected {what}, found {:?}", self.status());
            thread::sleep(Duration::from_millis(20));
        }
        start.elapsed()
    }

    /// Waits until a log has a line.
    #[track_caller]
    pub(crate) fn wait_for(&self, name: &str, line: &str) -> Duration {
        self.wait_until(&format!("{line} in the log {name}"), |field| field.count(name, line) > 0)
    }
}
