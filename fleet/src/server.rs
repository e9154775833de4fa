//! A PostgreSQL of one's own: for as long as the work of one machine lasts, behind a socket in a private directory.
//!
//! The queue of a book can be made anew at any time, from what is in the book's directory: so nothing is lost with the
//! server, and it does not wait for disks.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, Read as _},
    os::unix::{
        fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, chown},
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

/// The environment variables that PostgreSQL gets: none of the rest is its business, and some are secrets.
const PASSED: [&str; 4] = ["PATH", "LANG", "LC_ALL", "TZ"];

/// Most bytes that are read of a file, and of the end of the log.
const MAX_READ: u64 = 4 << 10;

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
    /// Opened before the directory became the other user's, who could put a link in the place of the file.
    log: File,
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
        let log =
            OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(files.path().join("log"));
        let log = log.map_err(refused(what))?;
        User::own(user, files.path()).map_err(refused(what))?;
        let mut initdb = command(&bin.join("initdb"), user, files.path());
        // Whoever gets into the directory is this user, or root.
        initdb.args(["--auth=trust", "--username=surety", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"]);
        let made = initdb.arg(files.path().join("data")).output().map_err(refused("initdb to run"))?;
        if !made.status.success() {
            return Err(refused("initdb to succeed")(String::from_utf8_lossy(&made.stderr).trim()));
        }
        let process = spawn(&bin, user, files.path(), &log).map_err(refused("postgres to run"))?;
        let mut server = Self { process, files, log, bin, user };
        server.wait_until_ready()?;
        Ok(server)
    }

    fn wait_until_ready(&mut self) -> Result<(), ServerError> {
        let (start, what) = (Instant::now(), "postgres to start");
        // The last line of the lock file says how the server is.
        let pid_file = self.files.path().join("data/postmaster.pid");
        while !read_theirs(&pid_file).is_ok_and(|text| text.lines().nth(7).is_some_and(|it| it.trim() == "ready")) {
            let ended = self.process.try_wait().map_err(refused(what))?;
            if ended.is_some() || start.elapsed() > PATIENCE {
                return Err(refused(what)(self.last_words().lines().last().unwrap_or("no log")));
            }
            thread::sleep(Duration::from_millis(20));
        }
        Ok(())
    }

    /// The end of the log.
    fn last_words(&self) -> String {
        let mut end = vec![0; MAX_READ as usize];
        let start = self.log.metadata().map_or(0, |metadata| metadata.len().saturating_sub(MAX_READ));
        let length = self.log.read_at(&mut end, start).unwrap_or_default();
        String::from_utf8_lossy(&end[..length]).into_owned()
    }

    /// The address, without a password: the socket's directory is private.
    #[must_use]
    pub fn url(&self) -> String {
        format!("postgres:///postgres?host={}&user=surety", self.files.path().display())
    }

    /// The number of its process.
    #[must_use]
    pub fn id(&self) -> u32 {
        self.process.id()
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
        let process = spawn(&self.bin, self.user, self.files.path(), &self.log);
        self.process = process.map_err(refused("postgres to run"))?;
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
    command.env_clear().envs(PASSED.iter().filter_map(|name| Some((name, env::var_os(name)?))));
    command.current_dir(directory).stdin(Stdio::null());
    command
}

/// Reads the beginning of a file that another user may have put something else in the place of: no links are followed,
/// and no pipe is waited for.
fn read_theirs(path: &Path) -> io::Result<String> {
    let file = OpenOptions::new().read(true).custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let mut text = String::new();
    file.take(MAX_READ).read_to_string(&mut text)?;
    Ok(text)
}

fn spawn(bin: &Path, user: Option<User>, files: &Path, log: &File) -> io::Result<Child> {
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

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn rejects_links_and_pipes_in_the_place_of_the_servers_files() {
        let directory = TempDir::new().unwrap();
        let path = |name: &str| directory.path().join(name);
        fs::write(path("file"), "text").unwrap();
        assert_eq!(read_theirs(&path("file")).unwrap(), "text");
        symlink(path("file"), path("link")).unwrap();
        assert!(read_theirs(&path("link")).is_err());
        assert!(Command::new("mkfifo").arg(path("pipe")).status().unwrap().success());
        assert_eq!(read_theirs(&path("pipe")).unwrap_err().kind(), io::ErrorKind::InvalidInput);
    }

    #[test]
    #[allow(clippy::print_stdout, reason = "skipping is told")]
    fn rejects_a_link_in_the_place_of_the_log() {
        if installed().is_none() {
            println!("skipped: PostgreSQL is not installed");
            return;
        }
        let (mut server, victims) = (Server::start().unwrap(), TempDir::new().unwrap());
        let (log, victim) = (server.files.path().join("log"), victims.path().join("victim"));
        fs::write(&victim, "").unwrap();
        // As the other user can, whose directory it is.
        fs::remove_file(&log).unwrap();
        symlink(&victim, &log).unwrap();
        server.stop();
        server.start_again().unwrap();
        assert_eq!(fs::read(&victim).unwrap(), b"");
        assert!(server.last_words().contains("ready to accept connections"), "{}", server.last_words());
    }

    #[test]
    fn rejects_secrets_of_the_environment() {
        assert!(env::var_os("CARGO_MANIFEST_DIR").is_some(), "there is something to withhold");
        let seen = command(Path::new("env"), None, &env::temp_dir()).output().unwrap();
        let seen = String::from_utf8(seen.stdout).unwrap();
        let names: Vec<&str> = seen.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
        assert!(names.contains(&"PATH") && names.iter().all(|name| PASSED.contains(name)), "{names:?}");
    }
}
