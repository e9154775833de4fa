//! A PostgreSQL of one's own: for as long as the work of one machine lasts, behind a socket in a private directory.
//!
//! The queue of a book can be made anew at any time, from what is in the book's directory: so nothing is lost with the
//! server, and it does not wait for disks.

use std::{
    env, fs, io,
    os::unix::{
        fs::{MetadataExt as _, PermissionsExt as _, chown},
        process::CommandExt as _,
    },
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use surety_core::failure::{Class, Failure};
use tempfile::TempDir;

/// Where Debian and its kin have the programs, by version.
const INSTALLED: &str = "/usr/lib/postgresql";

/// How long starting and ending may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// Why there is no server.
#[derive(Debug, thiserror::Error)]
pub enum ServerError {
    /// PostgreSQL is not installed.
    #[error(
        "PostgreSQL: expected initdb and postgres in SURETY_POSTGRES, in PATH or below {INSTALLED}, found none; \
         install PostgreSQL (Debian: apt-get install postgresql), or give the address of a server"
    )]
    Missing,
    /// It refuses.
    #[error("PostgreSQL: expected {what}, found: {found}")]
    Refused {
        /// What was tried.
        what: &'static str,
        /// What was found.
        found: String,
    },
}

impl Failure for ServerError {
    fn class(&self) -> Class {
        match self {
            Self::Missing => Class::Input,
            Self::Refused { .. } => Class::Resources,
        }
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "postgres".into()
    }
}

fn refused<E: core::fmt::Display>(what: &'static str) -> impl FnOnce(E) -> ServerError {
    move |error| ServerError::Refused { what, found: error.to_string() }
}

/// The directory with PostgreSQL's programs, if it is installed: that of the environment variable `SURETY_POSTGRES`,
/// one in `PATH`, or the newest of Debian.
#[must_use]
pub fn installed() -> Option<PathBuf> {
    let complete = |directory: &PathBuf| ["initdb", "postgres"].iter().all(|name| directory.join(name).is_file());
    if let Some(directory) = env::var_os("SURETY_POSTGRES") {
        return Some(PathBuf::from(directory)).filter(complete);
    }
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).find(complete).or_else(|| {
        let versions = fs::read_dir(INSTALLED).ok()?.flatten();
        let versions = versions.map(|version| (version.file_name(), version.path().join("bin")));
        let number = |name: &std::ffi::OsStr| name.to_string_lossy().parse::<u32>().unwrap_or_default();
        versions.filter(|(_, bin)| complete(bin)).max_by_key(|(name, _)| number(name)).map(|(_, bin)| bin)
    })
}

/// The user to run as: PostgreSQL does not run as root.
#[derive(Clone, Copy, Debug)]
struct User {
    id: u32,
    group: u32,
}

impl User {
    /// Nobody else if this process is not root's, otherwise `postgres` or `nobody`.
    fn lesser() -> Result<Option<Self>, ServerError> {
        let what = "a user to run as";
        let myself = fs::metadata("/proc/self").or_else(|_| fs::metadata(env::temp_dir()));
        if myself.map_err(refused(what))?.uid() != 0 {
            return Ok(None);
        }
        let users = fs::read_to_string("/etc/passwd").map_err(refused(what))?;
        let find = |name: &str| {
            let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>());
            let found = fields.into_iter().find(|fields| fields.first() == Some(&name))?;
            Some(Self { id: found.get(2)?.parse().ok()?, group: found.get(3)?.parse().ok()? })
        };
        let user = find("postgres").or_else(|| find("nobody"));
        user.map(Some).ok_or_else(|| refused(what)("neither postgres nor nobody"))
    }

    fn own(user: Option<Self>, path: &Path) -> io::Result<()> {
        user.map_or(Ok(()), |user| chown(path, Some(user.id), Some(user.group)))
    }
}

/// A running server. It ends, and its files go, when dropped.
#[derive(Debug)]
pub struct Server {
    process: Child,
    files: TempDir,
    bin: PathBuf,
    user: Option<User>,
}

impl Server {
    /// Starts a server.
    ///
    /// # Errors
    /// If PostgreSQL is not installed, or does not start.
    pub fn start() -> Result<Self, ServerError> {
        let (bin, user) = (installed().ok_or(ServerError::Missing)?, User::lesser()?);
        let what = "a private directory";
        let files = tempfile::Builder::new().prefix("surety-pg-").tempdir().map_err(refused(what))?;
        fs::set_permissions(files.path(), fs::Permissions::from_mode(0o700)).map_err(refused(what))?;
        User::own(user, files.path()).map_err(refused(what))?;
        let mut initdb = command(&bin.join("initdb"), user, files.path());
        // Whoever gets into the directory is this user, or root.
        initdb.args(["--auth=trust", "--username=surety", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"]);
        let made = initdb.arg(files.path().join("data")).output().map_err(refused("initdb to run"))?;
        if !made.status.success() {
            return Err(refused("initdb to succeed")(String::from_utf8_lossy(&made.stderr).trim()));
        }
        let process = spawn(&bin, user, files.path()).map_err(refused("postgres to run"))?;
        let mut server = Self { process, files, bin, user };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<(), ServerError> {
        let (start, what) = (Instant::now(), "postgres to start");
        // The last line of the lock file says how the server is.
        let pid_file = self.files.path().join("data/postmaster.pid");
        while !fs::read_to_string(&pid_file)
            .is_ok_and(|text| text.lines().nth(7).is_some_and(|it| it.trim() == "ready"))
        {
            let ended = self.process.try_wait().map_err(refused(what))?;
            if ended.is_some() || start.elapsed() > PATIENCE {
                let log = fs::read_to_string(self.files.path().join("log")).unwrap_or_default();
                return Err(refused(what)(log.lines().last().unwrap_or("no log")));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The address, without a password: the socket's directory is private.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres:///postgres?host={}&user=surety", self.files.path().display())
    }

    /// Ends the server without waiting for its clients. What it knows stays.
    pub fn stop(&mut self) {
        let id = self.process.id().to_string();
        // The standard library knows SIGKILL alone, which would leave processes of the server behind for a while.
        let asked = Command::new("kill").args(["-s", "INT", &id]).status().is_ok_and(|status| status.success());
        let start = Instant::now();
        while asked && start.elapsed() < PATIENCE {
            match self.process.try_wait() {
                Ok(None) => thread::sleep(Duration::from_millis(10)),
                _ => return,
            }
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Starts the server again after it was stopped.
    ///
    /// # Errors
    /// If it does not start.
    pub fn start_again(&mut self) -> Result<(), ServerError> {
        self.process = spawn(&self.bin, self.user, self.files.path()).map_err(refused("postgres to run"))?;
        self.wait_until_ready()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}

fn command(program: &Path, user: Option<User>, directory: &Path) -> Command {
    let mut command = Command::new(program);
    // Without supplementary groups, too: the standard library drops them with the user.
    if let Some(user) = user {
        command.uid(user.id).gid(user.group);
    }
    command.current_dir(directory).stdin(Stdio::null()).env_remove("PGDATA");
    command
}

fn spawn(bin: &Path, user: Option<User>, files: &Path) -> io::Result<Child> {
    let log = fs::OpenOptions::new().create(true).append(true).open(files.join("log"))?;
    let postgres = bin.join("postgres");
    let arguments = |command: &mut Command| {
        command.arg("-D").arg(files.join("data")).arg("-k").arg(files);
        for option in ["listen_addresses=", "fsync=off", "max_connections=300", "unix_socket_permissions=0700"] {
            command.args(["-c", option]);
        }
    };
    // A server that outlives its parent would stay for ever; only Linux can tell it.
    let mut bound = command(Path::new("setpriv"), user, files);
    bound.args(["--pdeathsig", "INT", "--"]).arg(&postgres);
    let mut alone = command(&postgres, user, files);
    let mut last = None;
    for command in [&mut bound, &mut alone] {
        arguments(command);
        command.stdout(log.try_clone()?).stderr(log.try_clone()?).process_group(0);
        match command.spawn() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => last = Some(error),
            result => return result,
        }
    }
    Err(last.unwrap_or_else(|| io::ErrorKind::NotFound.into()))
}
