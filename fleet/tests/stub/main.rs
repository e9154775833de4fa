//! A stub: a prover that proves nothing and a worker that can be killed, for tests of the fleet alone.
//!
//! `worker URL DIRECTORY OPTION…` works as `surety book worker` does, with the stub as its prover; `prove OPTION…
//! DIRECTORY` is that prover. Options are of the form `name=value`.

#![allow(clippy::expect_used, clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    collections::BTreeMap,
    env, fs,
    io::Write as _,
    os::unix::process::parent_id,
    path::{Path, PathBuf},
    process::Command,
    rc::Rc,
    sync::Arc,
    thread,
    time::Duration,
};

use surety_core::failure::{AnyFailure, Class, Failure};
use surety_fleet::{
    artifacts::Site,
    block_on,
    child::{Prover, Trouble, serve},
    queue::{Queue, Terms},
    stop::Stopper,
    worker::{Crew, Event, Watcher},
};
use surety_host::files::{self, Access, Existing};
use surety_venue::directory::BookDirectory;

/// What the stub was told to fail with, or a result that is none.
#[derive(Debug, thiserror::Error)]
#[error("expected the stub's result, found another")]
struct NotTheResult(Class);

impl Failure for NotTheResult {
    fn class(&self) -> Class {
        self.0
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "stub".into()
    }
}

struct Options(BTreeMap<String, String>);

impl Options {
    fn parse(arguments: &[String]) -> Self {
        Self(arguments.iter().filter_map(|it| it.split_once('=')).map(|(k, v)| (k.to_owned(), v.to_owned())).collect())
    }

    fn number(&self, name: &str) -> Option<u64> {
        self.0.get(name).map(|value| value.parse().unwrap())
    }

    fn log(&self, line: &str) {
        // A full disk takes no line.
        let file = fs::OpenOptions::new().append(true).create(true).open(&self.0["log"]);
        let _ = file.and_then(|mut file| file.write_all(format!("{line}\n").as_bytes()));
    }
}

struct Told(Rc<Options>);

impl Watcher for Told {
    fn event(&self, event: &Event) {
        let line = match event {
            Event::Claimed { .. } => return,
            Event::Done { job, .. } => format!("done {}", job.page),
            Event::Failed { job, trouble } => format!("failed {} {trouble}", job.page),
            Event::Lost(job) => format!("lost {}", job.page),
            Event::Late(job) => format!("late {}", job.page),
            Event::Released(job) => format!("released {}", job.page),
            Event::Away(_) => "away".to_owned(),
        };
        self.0.log(&line);
    }
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments[0].as_str() {
        "worker" => worker(&arguments[1], &arguments[2], &arguments[3..]),
        "prove" => prove(Path::new(arguments.last().unwrap()), &Options::parse(&arguments[1..])),
        other => unreachable!("{other}"),
    }
}

fn worker(url: &str, place: &str, arguments: &[String]) {
    let options = Rc::new(Options::parse(arguments));
    let terms = Terms {
        lease: Duration::from_millis(options.number("lease").unwrap_or(1_000)),
        pause: Duration::from_millis(100),
        answer: Duration::from_millis(options.number("answer").unwrap_or(10_000)),
        attempt: Duration::from_millis(options.number("attempt").unwrap_or(600_000)),
    };
    block_on(async {
        let stopper = Stopper::on_signals(Duration::from_millis(options.number("grace").unwrap_or(60_000))).unwrap();
        let key = options.0.get("key").map(Path::new);
        let site = Site::open(&place.parse().unwrap(), key).await.unwrap();
        let queue = Queue::open(&url.parse().unwrap(), site.plan(), terms, 4).await.unwrap();
        let mut to_prover = vec!["prove".into()];
        to_prover.extend(arguments.iter().map(Into::into));
        let crew = Crew {
            queue,
            site: Rc::new(site),
            kinds: Rc::new([0, 1]),
            prover: Prover { program: env::current_exe().unwrap(), arguments: to_prover, environment: Vec::new() },
            verifiers: Rc::new(|directory| {
                let directory = directory.clone();
                Ok(Arc::new(move |page| accept(&directory, page)))
            }),
            watcher: Rc::new(Told(options.clone())),
            stopper,
            drain: options.number("drain") == Some(1),
        };
        let done = crew.work(options.number("workers").unwrap_or(1) as u32).await.unwrap();
        options.log(&format!("ended {done}"));
    })
    .unwrap();
}

fn accept(directory: &BookDirectory, page: u32) -> Result<(), AnyFailure> {
    let found = files::read(&directory.page_path(page), 1 << 10)?;
    if *found == *format!("stub {page}").as_bytes() { Ok(()) } else { Err(NotTheResult(Class::Invalid).into()) }
}

fn prove(root: &Path, options: &Options) {
    let directory = BookDirectory::new(root);
    serve(|page| {
        options.log(&format!("start {page}"));
        assert!(directory.input_path(page).exists(), "the inputs are here");
        if options.number("poison") == Some(page.into()) {
            // As a machine that runs out of memory: the worker goes first.
            Command::new("kill").args(["-9", &parent_id().to_string()]).status().unwrap();
            thread::sleep(Duration::from_secs(60));
        }
        thread::sleep(Duration::from_millis(options.number("sleep").unwrap_or(1)));
        if let Some(class) = options.0.get(&format!("fail{page}")) {
            return Err(NotTheResult(Trouble::parse(&format!("{class} stub")).unwrap().class).into());
        }
        let mut text = format!("stub {page}");
        if options.number("lie") == Some(page.into()) && fs::write(first(options), "").is_ok() {
            text = "something else".to_owned();
        }
        files::write(&directory.cells_path(page), b"cells", Access::Secret, Existing::Replace)?;
        files::write(&directory.page_path(page), text.as_bytes(), Access::Public, Existing::Replace)?;
        options.log(&format!("end {page}"));
        Ok(())
    })
    .unwrap();
}

/// A file that is written once, or an error from then on.
fn first(options: &Options) -> PathBuf {
    let path = PathBuf::from(format!("{}.first", options.0["log"]));
    if path.exists() { path.join("not a directory") } else { path }
}
