//! Fetching a set-up file: resumable, and pinned by its SHA-256 hash.
//!
//! What has arrived is kept beside the destination as `<name>.part`, so that an interrupted download goes on where it
//! stopped. Only a complete file with the right hash gets its name. A file with a wrong hash is deleted: nothing tells
//! which part of it is wrong.

use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::Duration,
};

use sha2::{Digest, Sha256};
use surety_margin::ident::Bytes32;
use ureq::{Agent, Body, http::Response};

use crate::{
    file::{FileError, sync_directory_of},
    progress::{Event, Observer, Stage},
};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(30);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(60);
const BUFFER_BYTES: usize = 1 << 16;

/// A file to fetch.
#[derive(Clone, Debug)]
pub struct Download {
    /// Where it is.
    pub url: String,
    /// SHA-256 of its content.
    pub sha256: Bytes32,
    /// Its length in bytes; no more is ever written to disk.
    pub bytes: u64,
}

/// A download that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The server cannot be reached or speaks no HTTP.
    #[error("{url}: {error}: check the network, or fetch the file by other means and import it")]
    Http {
        /// The address.
        url: String,
        /// What the client says.
        #[source]
        error: Box<ureq::Error>,
    },
    /// The server refuses.
    #[error("{url}: expected status 200 or 206, found {status}: fetch the file by other means and import it")]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
    },
    /// The server sends another part of the file than the one asked for.
    #[error(
        "{url}: expected the bytes from {asked} on, found the range {found:?}: delete the partial file to start again"
    )]
    WrongRange {
        /// The address.
        url: String,
        /// First byte asked for.
        asked: u64,
        /// The server's Content-Range.
        found: String,
    },
    /// The connection broke.
    #[error("{url}: interrupted after {received} of {expected} bytes: {error}: run the command again to resume")]
    Interrupted {
        /// The address.
        url: String,
        /// Bytes on disk.
        received: u64,
        /// Bytes in all.
        expected: u64,
        /// What the system says.
        #[source]
        error: io::Error,
    },
    /// The server sends more than the file.
    #[error(
        "{url}: expected {expected} bytes, the server sends more: it has another file there, and what came was deleted"
    )]
    TooLong {
        /// The address.
        url: String,
        /// Bytes in all.
        expected: u64,
    },
    /// The file is another one.
    #[error(
        "{url}: expected SHA-256 {expected}, found {found}: the file is damaged or has been replaced; it was deleted"
    )]
    WrongHash {
        /// The address.
        url: String,
        /// The pinned hash.
        expected: Bytes32,
        /// The hash of what has arrived.
        found: Bytes32,
    },
    /// Another process downloads the same file.
    #[error("{}: another process is downloading to this file: wait for it", path.display())]
    Busy {
        /// The partial file.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Download {
    /// Fetches the file to `destination`, unless it is there already, with the right hash.
    ///
    /// # Errors
    /// See [`DownloadError`]; after [`DownloadError::Interrupted`] a new call resumes.
    pub fn fetch(&self, destination: &Path, observer: &dyn Observer) -> Result<(), DownloadError> {
        if self.is_complete(destination).map_err(FileError::at(destination))? {
            return Ok(());
        }
        let path = partial_path(destination);
        let mut partial = open_locked(&path)?;
        let received = partial.metadata().map_err(FileError::at(&path))?.len();
        if received < self.bytes {
            let response = self.request(received)?;
            let start = self.start_of(&response, received)?;
            partial.set_len(start).and_then(|()| partial.seek(SeekFrom::Start(start))).map_err(FileError::at(&path))?;
            self.receive(response.into_body(), start, &mut partial, &path, observer)?;
        }
        self.finish(partial, &path, destination)
    }

    fn is_complete(&self, destination: &Path) -> io::Result<bool> {
        match File::open(destination) {
            Ok(mut file) => Ok(file.metadata()?.len() == self.bytes && sha256(&mut file)? == self.sha256),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Asks for all from byte `start` on.
    fn request(&self, start: u64) -> Result<Response<Body>, DownloadError> {
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_connect(Some(CONNECT_TIMEOUT))
            .timeout_recv_response(Some(RESPONSE_TIMEOUT))
            .build()
            .into();
        let mut request = agent.get(&self.url);
        if start > 0 {
            request = request.header("Range", format!("bytes={start}-"));
        }
        let http_error = |error| DownloadError::Http { url: self.url.clone(), error: Box::new(error) };
        let response = request.call().map_err(http_error)?;
        match response.status().as_u16() {
            200 | 206 => Ok(response),
            status => Err(DownloadError::Status { url: self.url.clone(), status }),
        }
    }

    /// Where the response starts: at the byte asked for, or at 0 if the server ignores ranges.
    fn start_of(&self, response: &Response<Body>, asked: u64) -> Result<u64, DownloadError> {
        if response.status() != 206 {
            return Ok(0);
        }
        let range = response.headers().get("Content-Range").and_then(|value| value.to_str().ok()).unwrap_or_default();
        if range.starts_with(&format!("bytes {asked}-")) {
            return Ok(asked);
        }
        Err(DownloadError::WrongRange { url: self.url.clone(), asked, found: range.to_owned() })
    }

    /// Writes what arrives, up to the expected length.
    fn receive(
        &self,
        body: Body,
        start: u64,
        partial: &mut File,
        path: &Path,
        observer: &dyn Observer,
    ) -> Result<(), DownloadError> {
        let mut reader = body.into_reader();
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut received = start;
        let interrupted = |received, error| DownloadError::Interrupted {
            url: self.url.clone(),
            received,
            expected: self.bytes,
            error,
        };
        loop {
            observer.event(Event::Progress { stage: Stage::Downloading, done: received, total: self.bytes });
            let count = match reader.read(&mut buffer) {
                Ok(0) if received < self.bytes => {
                    return Err(interrupted(received, io::ErrorKind::UnexpectedEof.into()));
                }
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) => return Err(interrupted(received, error)),
            };
            if received + count as u64 > self.bytes {
                fs::remove_file(path).map_err(FileError::at(path))?;
                return Err(DownloadError::TooLong { url: self.url.clone(), expected: self.bytes });
            }
            partial.write_all(&buffer[..count]).map_err(FileError::at(path))?;
            received += count as u64;
        }
    }

    /// Gives the file its name if its hash is right.
    fn finish(&self, mut partial: File, path: &Path, destination: &Path) -> Result<(), DownloadError> {
        let found = partial.rewind().and_then(|()| sha256(&mut partial)).map_err(FileError::at(path))?;
        if found != self.sha256 {
            fs::remove_file(path).map_err(FileError::at(path))?;
            return Err(DownloadError::WrongHash { url: self.url.clone(), expected: self.sha256, found });
        }
        let renamed = partial.sync_all().and_then(|()| fs::rename(path, destination));
        renamed.and_then(|()| sync_directory_of(destination)).map_err(FileError::at(destination))?;
        Ok(())
    }
}

fn partial_path(destination: &Path) -> PathBuf {
    let mut name = OsString::from(destination);
    name.push(".part");
    name.into()
}

/// Opens the partial file for this process alone.
fn open_locked(path: &Path) -> Result<File, DownloadError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(FileError::at(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DownloadError::Busy { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(FileError::at(path)(error).into()),
    }
}

fn sha256(file: &mut File) -> io::Result<Bytes32> {
    let mut hasher = Sha256::new();
    io::copy(file, &mut hasher)?;
    Ok(surety_margin::ident::HexBytes(hasher.finalize().into()))
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        net::TcpListener,
        sync::Mutex,
        thread,
    };

    use tempfile::TempDir;

    use super::*;
    use crate::progress::Silent;

    /// What the server does with one request.
    #[derive(Clone, Copy)]
    enum Reply {
        /// Answers as asked, with status 206 for ranges.
        Whole,
        /// Promises all that was asked for and hangs up after so many bytes.
        HangUpAfter(usize),
        /// Promises nothing and hangs up after so many bytes.
        EndAfter(usize),
        /// Ignores ranges.
        NoRanges,
        /// Sends a range that starts elsewhere.
        WrongRange,
        /// Says 404.
        NotFound,
        /// Sends without a length, and some bytes more.
        TooMuch,
    }

    fn content() -> Vec<u8> {
        (0..200_000u64).map(|index| (index * index / 128) as u8).collect()
    }

    /// Serves one connection for each reply and returns where the requested ranges started.
    fn serve(replies: &'static [Reply]) -> (String, thread::JoinHandle<Vec<usize>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/pot", listener.local_addr().unwrap());
        let server = thread::spawn(move || replies.iter().map(|reply| answer(&listener, *reply)).collect());
        (url, server)
    }

    fn answer(listener: &TcpListener, reply: Reply) -> usize {
        let (mut stream, _) = listener.accept().unwrap();
        let lines: Vec<String> = BufReader::new(stream.try_clone().unwrap())
            .lines()
            .map(Result::unwrap)
            .take_while(|line| !line.is_empty())
            .map(|line| line.to_lowercase())
            .collect();
        let range = lines.iter().find_map(|line| line.strip_prefix("range: bytes=")?.strip_suffix('-'));
        let start: usize = range.map_or(0, |start| start.parse().unwrap());
        let content = content();
        let (from, honoured) = match reply {
            Reply::NoRanges => (0, false),
            Reply::WrongRange => (start - 1, true),
            _ => (start, start > 0),
        };
        let length = format!("Content-Length: {}\r\n", content.len() - from);
        let head = match reply {
            Reply::NotFound => "404 Not Found\r\nContent-Length: 0\r\n".to_owned(),
            Reply::TooMuch | Reply::EndAfter(_) => "200 OK\r\n".to_owned(),
            _ if honoured => {
                format!(
                    "206 Partial Content\r\nContent-Range: bytes {from}-{}/{}\r\n{length}",
                    content.len() - 1,
                    content.len()
                )
            }
            _ => format!("200 OK\r\n{length}"),
        };
        write!(stream, "HTTP/1.1 {head}Connection: close\r\n\r\n").unwrap();
        let body = match reply {
            Reply::NotFound => &[][..],
            Reply::HangUpAfter(count) | Reply::EndAfter(count) => &content[from..from + count],
            _ => &content[from..],
        };
        // The client may hang up first.
        let _ = stream.write_all(body);
        if let Reply::TooMuch = reply {
            let _ = stream.write_all(b"and more");
        }
        start
    }

    struct Fixture {
        directory: TempDir,
        download: Download,
    }

    impl Fixture {
        fn new(url: String) -> Self {
            let bytes = content();
            let sha256 = surety_margin::ident::HexBytes(Sha256::digest(&bytes).into());
            let download = Download { url, sha256, bytes: bytes.len() as u64 };
            Self { directory: TempDir::new().unwrap(), download }
        }

        fn destination(&self) -> PathBuf {
            self.directory.path().join("pot.srs")
        }

        fn fetch(&self) -> Result<(), DownloadError> {
            self.download.fetch(&self.destination(), &Silent)
        }

        fn put_partial(&self, bytes: &[u8]) {
            fs::write(partial_path(&self.destination()), bytes).unwrap();
        }

        fn expect_done(&self) {
            assert_eq!(fs::read(self.destination()).unwrap(), content());
            self.expect_no_partial();
        }

        fn expect_no_partial(&self) {
            assert!(!partial_path(&self.destination()).exists());
        }
    }

    #[test]
    fn a_file_is_fetched_once() {
        let (url, server) = serve(&[Reply::Whole]);
        let fixture = Fixture::new(url);
        let seen = Mutex::new(Vec::new());
        fixture.download.fetch(&fixture.destination(), &|event| seen.lock().unwrap().push(event)).unwrap();
        fixture.expect_done();
        assert_eq!(server.join().unwrap(), [0]);
        let event = |done| Event::Progress { stage: Stage::Downloading, done, total: 200_000 };
        let seen = seen.into_inner().unwrap();
        assert_eq!((seen.first(), seen.last()), (Some(&event(0)), Some(&event(200_000))));
        // The server is gone by now.
        fixture.fetch().unwrap();
    }

    #[test]
    fn an_interrupted_download_is_resumed() {
        let (url, server) = serve(&[Reply::HangUpAfter(70_000), Reply::HangUpAfter(50_000), Reply::Whole]);
        let fixture = Fixture::new(url);
        for expected in [70_000, 120_000] {
            let error = fixture.fetch().unwrap_err();
            assert!(matches!(error, DownloadError::Interrupted { received, .. } if received == expected), "{error}");
            assert!(!fixture.destination().exists());
        }
        fixture.fetch().unwrap();
        fixture.expect_done();
        assert_eq!(server.join().unwrap(), [0, 70_000, 120_000]);
    }

    /// Nothing but the expected length tells that something is missing.
    #[test]
    fn a_download_that_ends_early_is_resumed() {
        let (url, server) = serve(&[Reply::EndAfter(70_000), Reply::Whole]);
        let fixture = Fixture::new(url);
        let error = fixture.fetch().unwrap_err();
        assert!(matches!(error, DownloadError::Interrupted { received: 70_000, .. }), "{error}");
        fixture.fetch().unwrap();
        fixture.expect_done();
        assert_eq!(server.join().unwrap(), [0, 70_000]);
    }

    #[test]
    fn servers_without_ranges_send_it_all_again() {
        let (url, server) = serve(&[Reply::NoRanges]);
        let fixture = Fixture::new(url);
        fixture.put_partial(&content()[..1000]);
        fixture.fetch().unwrap();
        fixture.expect_done();
        assert_eq!(server.join().unwrap(), [1000]);
    }

    #[test]
    fn rejects_another_range_than_the_one_asked_for() {
        let (url, _server) = serve(&[Reply::WrongRange]);
        let fixture = Fixture::new(url);
        fixture.put_partial(&content()[..1000]);
        let error = fixture.fetch().unwrap_err();
        assert!(
            matches!(&error, DownloadError::WrongRange { asked: 1000, found, .. } if found.contains("999-")),
            "{error}"
        );
        assert_eq!(fs::read(partial_path(&fixture.destination())).unwrap(), content()[..1000], "what is there stays");
    }

    #[test]
    fn a_complete_partial_file_needs_no_server() {
        let fixture = Fixture::new("http://127.0.0.1:1/".to_owned());
        fixture.put_partial(&content());
        fixture.fetch().unwrap();
        fixture.expect_done();
    }

    #[test]
    fn rejects_another_file() {
        let (url, server) = serve(&[Reply::Whole, Reply::Whole]);
        let fixture = Fixture::new(url);
        fixture.put_partial(&[7; 1000]);
        let error = fixture.fetch().unwrap_err();
        assert!(matches!(error, DownloadError::WrongHash { .. }), "{error}");
        assert!(!fixture.destination().exists());
        fixture.expect_no_partial();
        fixture.fetch().unwrap();
        fixture.expect_done();
        assert_eq!(server.join().unwrap(), [1000, 0]);
    }

    #[test]
    fn rejects_a_longer_file() {
        let (url, server) = serve(&[Reply::TooMuch]);
        let fixture = Fixture::new(url);
        let error = fixture.fetch().unwrap_err();
        assert!(matches!(error, DownloadError::TooLong { expected: 200_000, .. }), "{error}");
        fixture.expect_no_partial();
        server.join().unwrap();
    }

    #[test]
    fn rejects_a_damaged_file_at_the_destination_by_replacing_it() {
        let (url, _server) = serve(&[Reply::Whole]);
        let fixture = Fixture::new(url);
        fs::write(fixture.destination(), vec![0; 200_000]).unwrap();
        fixture.fetch().unwrap();
        fixture.expect_done();
    }

    #[test]
    fn rejects_servers_that_refuse_or_are_not_there() {
        let (url, _server) = serve(&[Reply::NotFound]);
        let error = Fixture::new(url).fetch().unwrap_err();
        assert!(matches!(error, DownloadError::Status { status: 404, .. }), "{error}");
        let error = Fixture::new("http://127.0.0.1:1/".to_owned()).fetch().unwrap_err();
        assert!(matches!(error, DownloadError::Http { .. }), "{error}");
    }

    #[test]
    fn rejects_a_second_download_of_the_same_file() {
        let fixture = Fixture::new("http://127.0.0.1:1/".to_owned());
        let _lock = open_locked(&partial_path(&fixture.destination())).unwrap();
        assert!(matches!(fixture.fetch(), Err(DownloadError::Busy { .. })));
    }
}
