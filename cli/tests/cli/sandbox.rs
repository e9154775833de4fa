//! A user's directories of its own for each test, and the binary run in them.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::Value;
use tempfile::TempDir;

/// The outcome of a run of the binary.
pub(crate) struct Run {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, code, "stdout:\n{}\nstderr:\n{}", self.stdout, self.stderr);
        self
    }

    /// The envelope on stdout, whose form is checked.
    #[track_caller]
    pub(crate) fn envelope(&self) -> Value {
        let envelope: Value = serde_json::from_str(&self.stdout).expect(&self.stdout);
        assert_eq!(envelope["surety"], env!("CARGO_PKG_VERSION"));
        assert_eq!(envelope["version"], 1);
        assert!(envelope["command"].is_string());
        assert_eq!(envelope["ok"], self.code == 0);
        if self.code == 0 {
            assert!(envelope["data"].is_object(), "{envelope}");
        } else {
            for key in ["code", "class", "message"] {
                assert!(envelope["error"][key].is_string(), "{key}: {envelope}");
            }
            assert!(envelope["error"]["problems"].is_array());
        }
        envelope
    }

    #[track_caller]
    pub(crate) fn data(self) -> Value {
        let envelope = self.expect(0).envelope();
        envelope["data"].clone()
    }

    /// The answer, of a success or a failure.
    #[track_caller]
    pub(crate) fn told(self) -> Value {
        self.envelope()["data"].clone()
    }

    pub(crate) fn says(&self, text: &str) -> bool {
        self.stdout.contains(text) || self.stderr.contains(text)
    }
}

/// A user's directories.
pub(crate) struct Sandbox {
    directory: TempDir,
}

impl Sandbox {
    pub(crate) fn new() -> Self {
        Self { directory: TempDir::new().unwrap() }
    }

    /// A sandbox in which the demonstration has run, and where.
    pub(crate) fn with_demo() -> (Self, PathBuf) {
        let sandbox = Self::new();
        let demo = sandbox.path("demo");
        sandbox.run(["demo", "--out", demo.to_str().unwrap()]).expect(0);
        (sandbox, demo)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn run<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Run {
        self.run_with(&[], arguments)
    }

    /// Runs the binary with more environment variables.
    pub(crate) fn run_with<'a>(
        &self,
        environment: &[(&str, &str)],
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Run {
        let output = self.command(arguments).envs(environment.iter().copied()).output().unwrap();
        Run {
            code: output.status.code().expect("no signal"),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// The binary with these arguments, to be run.
    pub(crate) fn command<'a>(&self, arguments: impl IntoIterator<Item = &'a str>) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_surety"));
        command
            .args(arguments)
            .current_dir(self.directory.path())
            .env("SURETY_CACHE_DIR", self.path("cache"))
            .env("SURETY_DATA_DIR", self.path("data"))
            .env("SURETY_STATE_DIR", self.path("state"))
            .env("SURETY_TEST_PASSPHRASE", "passphrase")
            // Without the network, so that tests see the same everywhere.
            .env("SURETY_OFFLINE", "1");
        command
    }

    /// Runs words separated by spaces.
    pub(crate) fn surety(&self, line: &str) -> Run {
        self.run(line.split_whitespace())
    }

    /// Writes the key of the demonstration with this name to a file, and returns the file's name.
    pub(crate) fn demo_key(&self, name: &str) -> String {
        let secret = alloy_primitives::keccak256(format!("surety demo key: {name}"));
        let path = self.write(&format!("{name}.key"), &format!("{secret}\n"));
        fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

/// Reads a JSON file.
pub(crate) fn read_json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// Writes a JSON file.
pub(crate) fn write_json(path: &Path, value: &Value) {
    fs::write(path, serde_json::to_string_pretty(value).unwrap()).unwrap();
}

/// All files below a directory; none if it does not exist.
pub(crate) fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    if !directory.exists() {
        return files;
    }
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(files_below(&path));
        } else {
            files.push(path);
        }
    }
    files
}

/// A file that comes with the machine and not with the project. Says so if it is absent.
pub(crate) fn shared(path: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared").join(path);
    if !path.exists() {
        println!("skipped: {} is absent", path.display());
        return None;
    }
    Some(path)
}
