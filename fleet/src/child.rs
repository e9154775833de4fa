//! The process that proves pages: one that stays, so that keys and tables are read once.
//!
//! Numbers of pages go to its standard input, a line each; of each page it tells on standard output how it went:
//! `proven 7`, or `failed 7 insufficient book-proof`. It ends where its input does, in the middle of a proof as well: a
//! worker that is gone, however it went, has no use for it.

use std::{
    env,
    ffi::OsString,
    fmt,
    io::{self, BufRead as _, Write as _},
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    sync::mpsc,
    thread,
};

use surety_core::failure::{AnyFailure, Class};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader, Lines},
    process::{self, ChildStdin, ChildStdout},
};

/// The environment variables of workers that proving has a use for: among others are secrets, which it has none for.
const PASSED: [&str; 8] =
    ["PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "RUST_BACKTRACE", "RAYON_NUM_THREADS"];

/// Beginnings of the names of others.
const PASSED_ALL: [&str; 2] = ["XDG_", "SURETY_"];

/// May hold a password.
const WITHHELD: &str = "SURETY_QUEUE";

fn is_passed(name: &str) -> bool {
    let passed = PASSED.contains(&name) || PASSED_ALL.iter().any(|beginning| name.starts_with(beginning));
    passed && name != WITHHELD
}

const CLASSES: [(Class, &str); 6] = [
    (Class::Internal, "internal"),
    (Class::Input, "input"),
    (Class::Invalid, "invalid"),
    (Class::Insufficient, "insufficient"),
    (Class::Mismatch, "mismatch"),
    (Class::Resources, "resources"),
];

/// Why a page was not proven: a class, and a word for the part that failed. Neither leaves the machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// The class.
    pub class: Class,
    /// The word.
    pub code: String,
}

impl Trouble {
    /// Trouble of a class.
    #[must_use]
    pub fn new(class: Class, code: &str) -> Self {
        Self { class, code: code.to_owned() }
    }

    /// The class and the word of a failure.
    #[must_use]
    pub fn of(failure: &AnyFailure) -> Self {
        Self::new(failure.class(), &failure.code())
    }

    /// Reads what [`fmt::Display`] writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (class, code) = text.split_once(' ')?;
        let (class, _) = CLASSES.iter().find(|(_, name)| *name == class)?;
        Some(Self::new(*class, code))
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = CLASSES.iter().find(|(class, _)| *class == self.class).map_or("internal", |(_, name)| name);
        write!(f, "{name} {}", self.code)
    }
}

/// Takes numbers of pages from standard input and answers on standard output, until the input ends; then the process
/// does.
///
/// # Errors
/// If an answer cannot be written.
pub fn serve(mut prove: impl FnMut(u32) -> Result<(), AnyFailure>) -> io::Result<()> {
    let (send, orders) = mpsc::channel();
    thread::spawn(move || {
        let lines = io::stdin().lock().lines().map_while(Result::ok);
        for page in lines.map_while(|line| line.trim().parse::<u32>().ok()) {
            if send.send(page).is_err() {
                return;
            }
        }
        // In the middle of a proof, if need be: nobody waits for it any more.
        std::process::exit(0);
    });
    for page in orders {
        let answer = match prove(page) {
            Ok(()) => format!("proven {page}\n"),
            Err(failure) => format!("failed {page} {}\n", Trouble::of(&failure)),
        };
        let mut stdout = io::stdout().lock();
        stdout.write_all(answer.as_bytes())?;
        stdout.flush()?;
    }
    Ok(())
}

/// The command of the process.
#[derive(Clone, Debug)]
pub struct Prover {
    /// The program.
    pub program: PathBuf,
    /// Its arguments, without the last, the directory: nothing secret.
    pub arguments: Vec<OsString>,
    /// Environment variables beside those of the worker.
    pub environment: Vec<(&'static str, OsString)>,
}

/// The process; killed when dropped.
#[derive(Debug)]
pub struct Child {
    process: process::Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
}

impl Child {
    /// Starts the process on a directory.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start(prover: &Prover, directory: &Path) -> Result<Self, Trouble> {
        let failed = || Trouble::new(Class::Resources, "process");
        let mut command = process::Command::new(&prover.program);
        let passed = env::vars_os().filter(|(name, _)| name.to_str().is_some_and(is_passed));
        command.args(&prover.arguments).arg(directory).env_clear().envs(passed);
        command.envs(prover.environment.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit()).kill_on_drop(true);
        // Signals of a terminal are for the worker, which lets a proof come to its end.
        command.process_group(0);
        let mut process = command.spawn().map_err(|_| failed())?;
        let orders = process.stdin.take().ok_or_else(failed)?;
        let answers = BufReader::new(process.stdout.take().ok_or_else(failed)?).lines();
        Ok(Self { process, orders, answers })
    }

    /// Has a page proven.
    ///
    /// # Errors
    /// What the process says, or how it ended.
    pub async fn prove(&mut self, page: u32) -> Result<(), Trouble> {
        let order = format!("{page}\n");
        if self.orders.write_all(order.as_bytes()).await.is_err() {
            return Err(self.ended().await);
        }
        while let Ok(Some(line)) = self.answers.next_line().await {
            if line == format!("proven {page}") {
                return Ok(());
            }
            if let Some(trouble) = line.strip_prefix(&format!("failed {page} ")).and_then(Trouble::parse) {
                return Err(trouble);
            }
        }
        Err(self.ended().await)
    }

    /// How the process ended.
    async fn ended(&mut self) -> Trouble {
        let code = self.process.wait().await.ok().as_ref().and_then(ExitStatus::code);
        Trouble::new(Class::of_exit_code(code), "process-ended")
    }

    /// Whether the process still runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rejects_secrets_of_the_workers_environment() {
        let secrets = ["SURETY_QUEUE", "PGPASSWORD", "PGPASSFILE", "AWS_SECRET_ACCESS_KEY", "DATABASE_URL"];
        assert!(secrets.iter().all(|name| !is_passed(name)));
        assert!(env::var_os("CARGO_MANIFEST_DIR").is_some(), "there is something to withhold");
        let environment = vec![("RAYON_NUM_THREADS", "1".into())];
        let arguments = vec!["-c".into(), "env".into()];
        let prover = Prover { program: "sh".into(), arguments, environment };
        let seen = crate::block_on(async {
            let (mut child, mut names) = (Child::start(&prover, Path::new("directory")).unwrap(), Vec::new());
            while let Ok(Some(line)) = child.answers.next_line().await {
                names.extend(line.split_once('=').map(|(name, _)| name.to_owned()));
            }
            names
        });
        let seen = seen.unwrap();
        let has = |name: &str| seen.iter().any(|seen| seen == name);
        assert!(has("PATH") && has("RAYON_NUM_THREADS"), "{seen:?}");
        assert!(seen.iter().all(|name| is_passed(name) || ["PWD", "SHLVL", "_"].contains(&&**name)), "{seen:?}");
    }

    #[test]
    fn trouble_is_read_as_it_is_written() {
        for (class, name) in CLASSES {
            let trouble = Trouble::new(class, "book-proof");
            assert_eq!(trouble.to_string(), format!("{name} book-proof"));
            assert_eq!(Trouble::parse(&trouble.to_string()), Some(trouble));
        }
        assert_eq!(Trouble::parse("other book"), None);
    }
}
