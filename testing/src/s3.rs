//! An S3 on this machine: moto, which is installed below `target` once, as `s3-requirements.txt` pins it.

#![allow(clippy::print_stdout, reason = "skipping is told")]
#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{
    fs::{self, File},
    io::{Read as _, Write as _},
    net::{TcpListener, TcpStream},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant},
};

use tempfile::NamedTempFile;

/// What is installed, by version.
const REQUIREMENTS: &str = include_str!("s3-requirements.txt");

/// Longest time that a server takes to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// The bucket that there is.
const BUCKET: &str = "books";

/// A server with an empty bucket, which ends when dropped.
pub struct S3 {
    process: Child,
    port: u16,
    log: NamedTempFile,
}

impl Drop for S3 {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl S3 {
    /// Starts a server; none where Python is missing or the packages cannot be installed, which is said.
    ///
    /// # Panics
    /// If the server does not start, though it is installed.
    #[must_use]
    pub fn start() -> Option<Self> {
        let python = installed().inspect_err(|why| println!("skipped: no S3 server: {why}")).ok()?;
        // Whoever takes the port in between makes the server end, and the test fail.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let mut server = Command::new(python);
        server.args(["-m", "moto.server", "-H", "127.0.0.1", "-p", &port.to_string()]);
        let log = NamedTempFile::new().unwrap();
        let process = server.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.reopen().unwrap()).spawn().unwrap();
        let (mut server, start) = (Self { process, port, log }, Instant::now());
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            let ended = server.process.try_wait().unwrap();
            assert!(ended.is_none() && start.elapsed() < PATIENCE, "the S3 server does not start: {ended:?}");
            thread::sleep(Duration::from_millis(50));
        }
        assert_eq!(server.request("PUT", "", b"").0, 200, "the bucket is made");
        Some(server)
    }

    /// Puts an object, as another hand would that has the credentials.
    ///
    /// # Panics
    /// If the server refuses.
    pub fn put(&self, key: &str, bytes: &[u8]) {
        assert_eq!(self.request("PUT", &format!("/{key}"), bytes).0, 200, "{key}");
    }

    /// An object, if there is one.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<Vec<u8>> {
        let (status, body) = self.request("GET", &format!("/{key}"), b"");
        (status == 200).then_some(body)
    }

    /// The answers to requests of a method for an object so far: status codes.
    #[must_use]
    pub fn answers(&self, method: &str, key: &str) -> Vec<u16> {
        let (log, request) = (fs::read_to_string(self.log.path()).unwrap(), format!("{method} /{BUCKET}/{key} "));
        let lines = log.lines().filter_map(|line| line.split_once(&request)?.1.split_once("\" "));
        lines.filter_map(|(_, rest)| rest.split(' ').next()?.parse().ok()).collect()
    }

    /// A request and its answer. The server looks for a signature, and does not check it.
    fn request(&self, method: &str, path: &str, body: &[u8]) -> (u16, Vec<u8>) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let signature = "AWS4-HMAC-SHA256 Credential=access/20260101/us-east-1/s3/aws4_request, SignedHeaders=host, \
                         Signature=0";
        let head = format!(
            "{method} /{BUCKET}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: {signature}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        stream.write_all(&[head.as_bytes(), body].concat()).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let end = answer.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let status = String::from_utf8_lossy(&answer[..end]).split(' ').nth(1).unwrap().parse().unwrap();
        (status, answer[end + 4..].to_vec())
    }

    /// The address of a prefix in the bucket.
    #[must_use]
    pub fn address(&self, prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}")
    }

    /// The environment variables by which clients find the server.
    #[must_use]
    pub fn environment(&self) -> [(&'static str, String); 5] {
        [
            ("AWS_ENDPOINT", format!("http://127.0.0.1:{}", self.port)),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_REGION", "us-east-1".to_owned()),
            ("AWS_ACCESS_KEY_ID", "access".to_owned()),
            ("AWS_SECRET_ACCESS_KEY", "secret".to_owned()),
        ]
    }
}

/// The Python that has the server, installed unless it is, or why there is none.
fn installed() -> Result<PathBuf, String> {
    let target = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target");
    let (directory, done) = (target.join("s3"), target.join("s3/requirements.txt"));
    fs::create_dir_all(&target).unwrap();
    // Tests run side by side.
    let lock = File::create(target.join("s3.lock")).unwrap();
    lock.lock().unwrap();
    let python = directory.join("bin/python");
    if fs::read_to_string(&done).is_ok_and(|found| found == REQUIREMENTS) {
        return Ok(python);
    }
    let _ = fs::remove_dir_all(&directory);
    run(Command::new("python3").args(["-m", "venv"]).arg(&directory))?;
    let list = target.join("s3-requirements.txt");
    fs::write(&list, REQUIREMENTS).unwrap();
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--only-binary=:all:", "--no-deps"];
    run(Command::new(&python).args(pip).arg("--requirement").arg(&list))?;
    // Last: where this is, there is all.
    fs::write(&done, REQUIREMENTS).unwrap();
    Ok(python)
}

fn run(command: &mut Command) -> Result<(), String> {
    let output = command.output().map_err(|error| format!("{}: {error}", command.get_program().display()))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let last = said.lines().last().unwrap_or("no message").to_owned();
    if output.status.success() { Ok(()) } else { Err(last) }
}
