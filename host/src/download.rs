//! Fetching a set-up file: resumable, and pinned by its length and hash where they are known.
//!
//! What has arrived is kept beside the destination as `<name>.part`, so that an interrupted download goes on where it
//! stopped. Only what begins like a set-up is kept: a page that says why there is no file is not the start of one. Only
//! a complete file with the right hash gets its name. A file with a wrong hash is deleted: nothing tells which part of
//! it is wrong.

use std::{
    borrow::Cow,
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    time::{Duration, Instant},
};

use surety_core::failure::{Class, Failure};
use surety_kzg::{
    import::{Foreign, START_BYTES, TELLING_BYTES, format_of},
    progress::{Event, Observer, Stage},
};
use ureq::{Agent, Body, http::Response};

use crate::{
    atomic::{PathError, is_lack_of_space, sync_directory_of},
    digest::FileHash,
};

const BUFFER_BYTES: usize = 1 << 16;

/// How long a server may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// To be found and to accept the connection, each.
    pub connect: Duration,
    /// To begin its answer.
    pub response: Duration,
    /// To send the next part of it.
    pub read: Duration,
    /// For all of this, redirects included; none for as long as something arrives.
    pub total: Option<Duration>,
}

impl Default for Patience {
    fn default() -> Self {
        let minute = Duration::from_secs(60);
        Self { connect: Duration::from_secs(30), response: minute, read: minute, total: None }
    }
}

impl Patience {
    /// For what a user has not asked for: without a network it gives up within five seconds, and with one within a
    /// minute.
    pub const SHORT: Self = Self {
        connect: Duration::from_secs(2),
        response: Duration::from_secs(5),
        read: Duration::from_secs(5),
        total: Some(Duration::from_secs(60)),
    };

    /// What is left of it after some time.
    #[must_use]
    pub fn after(self, elapsed: Duration) -> Self {
        Self { total: self.total.map(|total| total.saturating_sub(elapsed)), ..self }
    }
}

/// A file to fetch.
#[derive(Clone, Debug)]
pub struct Download {
    /// Where it is.
    pub url: String,
    /// The hash of its content. Without one, the caller must hold the content to something else.
    pub hash: Option<FileHash>,
    /// Its length in bytes; no more is ever written to disk. Without one, what the server says counts.
    pub bytes: Option<u64>,
    /// How long the server may take.
    pub patience: Patience,
}

/// What the client says, without the name that it has for the kind of error.
fn reason(error: &ureq::Error) -> String {
    let text = error.to_string();
    text.strip_prefix("io: ").unwrap_or(&text).to_owned()
}

/// A download that did not succeed.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The server cannot be reached or speaks no HTTP.
    #[error("{url}: {}: check the network, or fetch the file by other means and import it", reason(error))]
    Http {
        /// The address.
        url: String,
        /// What the client says.
        #[source]
        error: Box<ureq::Error>,
    },
    /// The server refuses.
    #[error(
        "{url}: expected status 200 or 206, found {status}{found}: check the address, or fetch the file by other means \
         and import it"
    )]
    Status {
        /// The address.
        url: String,
        /// The status.
        status: u16,
        /// What came with it, in parentheses, if it was recognised.
        found: String,
    },
    /// Something else arrives under the address, whatever the status.
    #[error("{url}: expected a set-up file, found {found}; nothing of it was kept")]
    NotASetUp {
        /// The address.
        url: String,
        /// What arrives.
        found: Unexpected,
    },
    /// The server announces a file of another length.
    #[error(
        "{url}: expected a file of {expected} bytes, the server announces {found}: it has another file there; nothing \
         of it was kept"
    )]
    WrongLength {
        /// The address.
        url: String,
        /// Bytes in all.
        expected: u64,
        /// Bytes announced.
        found: u64,
    },
    /// Nobody says how long the file is.
    #[error("{url}: expected a Content-Length, found none: say how long the file is with --bytes")]
    NoLength {
        /// The address.
        url: String,
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
    #[error("{url}: expected {expected}, found {found}: the file is damaged or has been replaced; it was deleted")]
    WrongHash {
        /// The address.
        url: String,
        /// The pinned hash.
        expected: Box<FileHash>,
        /// The hash of what has arrived.
        found: Box<FileHash>,
    },
    /// Another process downloads the same file.
    #[error("{}: another process is downloading to this file: wait for it", path.display())]
    Busy {
        /// The partial file.
        path: PathBuf,
    },
    /// A file cannot be read or written.
    #[error(transparent)]
    File(#[from] PathError),
}

/// What arrives in place of a set-up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unexpected {
    /// Something that was recognised.
    Foreign(Foreign),
    /// Anything else.
    Other,
}

impl core::fmt::Display for Unexpected {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Foreign(foreign) => foreign.fmt(f),
            Self::Other => f.write_str(
                "a file that begins like none of the known formats: is it the address of an uncompressed set-up?",
            ),
        }
    }
}

/// The beginning of a response, and the rest.
struct Answer {
    /// Where in the file it begins.
    start: u64,
    /// Bytes of the whole file.
    total: u64,
    head: Vec<u8>,
    rest: Box<dyn Read>,
}

impl Download {
    /// A file at an address, of which nothing else is known.
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), hash: None, bytes: None, patience: Patience::default() }
    }

    /// Fetches the file to `destination`, unless it is there already, with the right length and hash. A resumed file
    /// with a wrong hash may have had a wrong start: it is fetched once more, from the beginning.
    ///
    /// # Errors
    /// See [`DownloadError`]; after [`DownloadError::Interrupted`] a new call resumes.
    pub fn fetch(&self, destination: &Path, observer: &dyn Observer) -> Result<(), DownloadError> {
        if self.is_complete(destination).map_err(PathError::at(destination))? {
            return Ok(());
        }
        let (start, path) = (Instant::now(), partial_path(destination));
        let resumes = path.metadata().is_ok_and(|metadata| metadata.len() > 0);
        match self.attempt(&path, destination, observer) {
            Err(error @ DownloadError::WrongHash { .. }) if resumes => {
                observer.event(Event::Notice(format!("{error}; fetching it once more, from the beginning")));
                let again = Self { patience: self.patience.after(start.elapsed()), ..self.clone() };
                again.attempt(&path, destination, observer)
            }
            result => result,
        }
    }

    fn attempt(&self, path: &Path, destination: &Path, observer: &dyn Observer) -> Result<(), DownloadError> {
        let mut partial = open_locked(path)?;
        let result = self.fetch_partial(&mut partial, path, observer);
        let is_empty = partial.metadata().is_ok_and(|metadata| metadata.len() == 0);
        if result.is_err() && is_empty {
            fs::remove_file(path).map_err(PathError::at(path))?;
        }
        result?;
        self.finish(partial, path, destination)
    }

    /// Brings the partial file to its full length.
    fn fetch_partial(&self, partial: &mut File, path: &Path, observer: &dyn Observer) -> Result<(), DownloadError> {
        let received = match (usable_bytes(partial).map_err(PathError::at(path))?, self.bytes) {
            (received, Some(bytes)) if received == bytes => return Ok(()),
            // More than the file is not the start of it.
            (received, Some(bytes)) if received > bytes => 0,
            (received, _) => received,
        };
        let Some(answer) = self.request(received)? else { return Ok(()) };
        let start = answer.start;
        partial.set_len(start).and_then(|()| partial.seek(SeekFrom::Start(start))).map_err(PathError::at(path))?;
        self.receive(answer, partial, path, observer)
    }

    /// Whether the file is there. One whose hash and length nobody knows is fetched anew.
    fn is_complete(&self, destination: &Path) -> io::Result<bool> {
        let mut file = match File::open(destination) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let length = file.metadata()?.len();
        match (self.bytes, self.hash) {
            (Some(bytes), _) if bytes != length => Ok(false),
            (_, Some(hash)) => Ok(FileHash::of(hash.algorithm(), &mut file)? == hash),
            (bytes, None) => Ok(bytes.is_some()),
        }
    }

    /// Asks for all from byte `start` on. Nothing comes if there is no more than that.
    fn request(&self, start: u64) -> Result<Option<Answer>, DownloadError> {
        let Patience { connect, response, read, total } = self.patience;
        let agent: Agent = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_resolve(Some(connect))
            .timeout_connect(Some(connect))
            .timeout_recv_response(Some(response))
            .timeout_per_read(Some(read))
            .timeout_global(total)
            .build()
            .into();
        let mut request = agent.get(&self.url);
        if start > 0 {
            request = request.header("Range", format!("bytes={start}-"));
        }
        let http_error = |error| DownloadError::Http { url: self.url.clone(), error: Box::new(error) };
        let response = request.call().map_err(http_error)?;
        match response.status().as_u16() {
            200 => self.whole(response).map(Some),
            206 => self.range(response, start).map(Some),
            416 if start > 0 && header(&response, "Content-Range") == format!("bytes */{start}") => Ok(None),
            status => {
                let (head, ..) = read_head(response.into_body());
                let found = Foreign::recognise(&head).filter(|foreign| *foreign != Foreign::Empty);
                let found = found.map_or_else(String::new, |foreign| format!(" ({foreign})"));
                Err(DownloadError::Status { url: self.url.clone(), status, found })
            }
        }
    }

    /// A response with the whole file, if it is one: its length and its first bytes tell.
    fn whole(&self, response: Response<Body>) -> Result<Answer, DownloadError> {
        let announced = header(&response, "Content-Length").parse().ok();
        let (head, rest, broken) = read_head(response.into_body());
        if format_of(&head).is_none() {
            return Err(match (Foreign::recognise(&head), broken) {
                (None | Some(Foreign::Empty), Some(error)) => DownloadError::Interrupted {
                    url: self.url.clone(),
                    received: 0,
                    expected: self.total(announced)?,
                    error,
                },
                (found, _) => {
                    let found = found.map_or(Unexpected::Other, Unexpected::Foreign);
                    DownloadError::NotASetUp { url: self.url.clone(), found }
                }
            });
        }
        Ok(Answer { start: 0, total: self.total(announced)?, head, rest })
    }

    /// A response with the file from the byte asked for on, if it is one.
    fn range(&self, response: Response<Body>, asked: u64) -> Result<Answer, DownloadError> {
        let range = header(&response, "Content-Range");
        if !range.starts_with(&format!("bytes {asked}-")) {
            return Err(DownloadError::WrongRange { url: self.url.clone(), asked, found: range });
        }
        let announced = range.rsplit_once('/').and_then(|(_, total)| total.parse().ok());
        let total = self.total(announced)?;
        Ok(Answer { start: asked, total, head: Vec::new(), rest: Box::new(response.into_body().into_reader()) })
    }

    /// The length of the file, as it is known and as the server announces it.
    fn total(&self, announced: Option<u64>) -> Result<u64, DownloadError> {
        let url = || self.url.clone();
        match (self.bytes, announced) {
            (Some(expected), Some(found)) if expected != found => {
                Err(DownloadError::WrongLength { url: url(), expected, found })
            }
            (Some(bytes), _) | (None, Some(bytes)) => Ok(bytes),
            (None, None) => Err(DownloadError::NoLength { url: url() }),
        }
    }

    /// Writes what arrives, up to the expected length.
    fn receive(
        &self,
        answer: Answer,
        partial: &mut File,
        path: &Path,
        observer: &dyn Observer,
    ) -> Result<(), DownloadError> {
        let Answer { start, total, head, rest } = answer;
        let mut reader = head.as_slice().chain(rest);
        let mut buffer = vec![0; BUFFER_BYTES];
        let mut received = start;
        let interrupted =
            |received, error| DownloadError::Interrupted { url: self.url.clone(), received, expected: total, error };
        loop {
            observer.event(Event::Progress { stage: Stage::Downloading, done: received, total });
            let count = match reader.read(&mut buffer) {
                Ok(0) if received < total => {
                    return Err(interrupted(received, io::ErrorKind::UnexpectedEof.into()));
                }
                Ok(0) => return Ok(()),
                Ok(count) => count,
                Err(error) => return Err(interrupted(received, error)),
            };
            if received + count as u64 > total {
                // An empty file is deleted.
                partial.set_len(0).map_err(PathError::at(path))?;
                return Err(DownloadError::TooLong { url: self.url.clone(), expected: total });
            }
            partial.write_all(&buffer[..count]).map_err(PathError::at(path))?;
            received += count as u64;
        }
    }

    /// Gives the file its name if its hash is right.
    fn finish(&self, mut partial: File, path: &Path, destination: &Path) -> Result<(), DownloadError> {
        if let Some(expected) = self.hash {
            let found = partial.rewind().and_then(|()| FileHash::of(expected.algorithm(), &mut partial));
            let found = found.map_err(PathError::at(path))?;
            if found != expected {
                fs::remove_file(path).map_err(PathError::at(path))?;
                let (expected, found) = (Box::new(expected), Box::new(found));
                return Err(DownloadError::WrongHash { url: self.url.clone(), expected, found });
            }
        }
        let renamed = partial.sync_all().and_then(|()| fs::rename(path, destination));
        renamed.and_then(|()| sync_directory_of(destination)).map_err(PathError::at(destination))?;
        Ok(())
    }
}

/// How much of a partial file can be continued: all of it, or nothing if it does not begin like a set-up.
fn usable_bytes(partial: &mut File) -> io::Result<u64> {
    let mut start = Vec::new();
    partial.rewind()?;
    partial.take(START_BYTES as u64).read_to_end(&mut start)?;
    if format_of(&start).is_some() {
        return Ok(partial.metadata()?.len());
    }
    partial.set_len(0)?;
    Ok(0)
}

fn header(response: &Response<Body>, name: &str) -> String {
    response.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

/// The first bytes of a body, as many as tell what it is, and the rest. A connection that breaks within them ends the
/// body, with what the system says.
fn read_head(body: Body) -> (Vec<u8>, Box<dyn Read>, Option<io::Error>) {
    let mut reader = body.into_reader();
    let mut head = Vec::new();
    let broken = reader.by_ref().take(TELLING_BYTES as u64).read_to_end(&mut head).err();
    (head, Box::new(reader), broken)
}

fn partial_path(destination: &Path) -> PathBuf {
    let mut name = OsString::from(destination);
    name.push(".part");
    name.into()
}

/// Opens the partial file for this process alone.
fn open_locked(path: &Path) -> Result<File, DownloadError> {
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
    let file = file.map_err(PathError::at(path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(DownloadError::Busy { path: path.to_owned() }),
        Err(TryLockError::Error(error)) => Err(PathError::at(path)(error).into()),
    }
}

impl Failure for DownloadError {
    fn class(&self) -> Class {
        match self {
            Self::File(error) if is_lack_of_space(&error.error) => Class::Resources,
            Self::WrongHash { .. } | Self::WrongLength { .. } | Self::TooLong { .. } => Class::Mismatch,
            _ => Class::Input,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "download".into()
    }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        net::TcpListener,
        sync::Mutex,
        thread,
    };

    use surety_kzg::progress::Silent;
    use tempfile::TempDir;

    use super::*;
    use crate::digest::Algorithm;

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
        /// Announces another length of the whole file, also in ranges.
        OtherLength,
        /// Sends this with status 200 in place of the file.
        Page(&'static str),
        /// Says 403, with this.
        Forbidden(&'static str),
        /// Says that there is no more.
        NoMore,
        /// Promises all that was asked for, sends so many bytes, and then nothing, for as long as the client stays.
        StallAfter(usize),
        /// Sends a byte now and then, for as long as the client stays.
        Trickle,
        /// Sends the client to the same address.
        Redirect,
    }

    /// Begins like a `.ptau`.
    fn content() -> Vec<u8> {
        (0..200_000u64)
            .map(|index| b"ptau".get(index as usize).copied().unwrap_or((index * index / 128) as u8))
            .collect()
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
        let total = content.len() - usize::from(matches!(reply, Reply::OtherLength));
        let head = match reply {
            Reply::Page(page) => format!("200 OK\r\nContent-Length: {}\r\n", page.len()),
            Reply::Forbidden(page) => format!("403 Forbidden\r\nContent-Length: {}\r\n", page.len()),
            Reply::NoMore => {
                format!("416 Range Not Satisfiable\r\nContent-Range: bytes */{total}\r\nContent-Length: 0\r\n")
            }
            Reply::OtherLength if !honoured => format!("200 OK\r\nContent-Length: {total}\r\n"),
            Reply::NotFound => "404 Not Found\r\nContent-Length: 0\r\n".to_owned(),
            Reply::Redirect => "302 Found\r\nLocation: /pot\r\nContent-Length: 0\r\n".to_owned(),
            Reply::TooMuch | Reply::EndAfter(_) => "200 OK\r\n".to_owned(),
            _ if honoured => {
                format!("206 Partial Content\r\nContent-Range: bytes {from}-{}/{total}\r\n{length}", content.len() - 1,)
            }
            _ => format!("200 OK\r\n{length}"),
        };
        write!(stream, "HTTP/1.1 {head}Connection: close\r\n\r\n").unwrap();
        let body = match reply {
            Reply::NotFound | Reply::NoMore | Reply::Redirect | Reply::Trickle => &[][..],
            Reply::Page(page) | Reply::Forbidden(page) => page.as_bytes(),
            Reply::HangUpAfter(count) | Reply::EndAfter(count) | Reply::StallAfter(count) => {
                &content[from..from + count]
            }
            _ => &content[from..],
        };
        // The client may hang up first.
        let _ = stream.write_all(body);
        match reply {
            Reply::TooMuch => {
                let _ = stream.write_all(b"and more");
            }
            Reply::StallAfter(_) => {
                let _ = stream.read(&mut [0]);
            }
            Reply::Trickle => content[from..].iter().map_while(|byte| stream.write_all(&[*byte]).ok()).for_each(|()| {
                thread::sleep(Duration::from_millis(20));
            }),
            _ => {}
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
            let hash = FileHash::of(Algorithm::Sha256, &bytes[..]).unwrap();
            let download = Download { hash: Some(hash), bytes: Some(bytes.len() as u64), ..Download::new(url) };
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
        fixture.put_partial(&[b"ptau", &[7; 996][..]].concat());
        let told = Mutex::new(Vec::new());
        fixture.download.fetch(&fixture.destination(), &|event| told.lock().unwrap().push(event)).unwrap();
        fixture.expect_done();
        assert_eq!(server.join().unwrap(), [1000, 0], "what was here was wrong, and is not kept");
        let told = told.into_inner().unwrap();
        assert!(told.iter().any(|event| matches!(event, Event::Notice(text) if text.contains("from the beginning"))));
    }

    /// Once more, and not for ever.
    #[test]
    fn rejects_another_file_also_from_the_beginning() {
        let (url, server) = serve(&[Reply::Whole, Reply::Whole]);
        let mut fixture = Fixture::new(url);
        fixture.download.hash = Some(FileHash::of(Algorithm::Sha256, &content()[1..]).unwrap());
        fixture.put_partial(&content()[..1000]);
        let error = fixture.fetch().unwrap_err();
        assert!(matches!(error, DownloadError::WrongHash { .. }), "{error}");
        assert!(!fixture.destination().exists());
        fixture.expect_no_partial();
        assert_eq!(server.join().unwrap(), [1000, 0]);
    }

    #[test]
    fn rejects_to_wait_for_a_server_that_sends_nothing_more() {
        let (url, _server) = serve(&[Reply::StallAfter(0), Reply::StallAfter(70_000)]);
        let mut fixture = Fixture::new(url);
        assert!(fixture.download.patience.read <= Duration::from_secs(60) && fixture.download.patience.total.is_none());
        fixture.download.patience.read = Duration::from_millis(300);
        for expected in [0, 70_000] {
            let error = fixture.fetch().unwrap_err();
            assert!(matches!(error, DownloadError::Interrupted { received, .. } if received == expected), "{error}");
        }
    }

    /// Every part arrives in time, but not all of them.
    #[test]
    fn rejects_to_wait_longer_than_in_all() {
        let (url, _server) = serve(&[Reply::Redirect, Reply::Trickle]);
        let mut fixture = Fixture::new(url);
        assert_eq!(Patience::SHORT.total, Some(Duration::from_secs(60)));
        fixture.download.patience.total = Some(Duration::from_secs(3));
        let start = Instant::now();
        let error = fixture.fetch().unwrap_err();
        assert!(matches!(error, DownloadError::Interrupted { .. } | DownloadError::Http { .. }), "{error}");
        assert!(start.elapsed() < Duration::from_secs(30));
        assert_eq!(Patience::SHORT.after(Duration::from_secs(61)).total, Some(Duration::ZERO));
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

    /// More than the file arrives before anything was written.
    #[test]
    fn rejects_a_longer_file_from_the_first_bytes_on() {
        let (url, _server) = serve(&[Reply::TooMuch]);
        let mut fixture = Fixture::new(url);
        fixture.download.bytes = Some(10);
        let error = fixture.fetch().unwrap_err();
        assert!(matches!(error, DownloadError::TooLong { expected: 10, .. }), "{error}");
        fixture.expect_no_partial();
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

    const S3_ERROR: &str = "<?xml version=\"1.0\" \
         encoding=\"UTF-8\"?>\n<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";

    #[test]
    fn rejects_pages_in_place_of_the_file_and_keeps_nothing_of_them() {
        let pages = [
            ("<!DOCTYPE html><html><body>Sign in</body></html>", "an HTML page"),
            (S3_ERROR, "AccessDenied"),
            ("<?xml version=\"1.0\"?><ListBucketResult/>", "an XML document"),
            ("{\"error\":\"quota\"}", "a JSON document"),
            ("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n", "a pointer of Git LFS"),
            ("", "an empty file"),
            (
                "something else, of more than sixty-eight bytes, that nobody knows anything about",
                "none of the known formats",
            ),
        ];
        for (page, expected) in pages {
            let (url, server) = serve(Vec::leak(vec![Reply::Page(page), Reply::Whole]));
            let fixture = Fixture::new(url);
            let error = fixture.fetch().unwrap_err();
            assert!(
                matches!(error, DownloadError::NotASetUp { .. }) && error.to_string().contains(expected),
                "{error}"
            );
            fixture.expect_no_partial();
            // The next call begins at the beginning.
            fixture.fetch().unwrap();
            fixture.expect_done();
            assert_eq!(server.join().unwrap(), [0, 0]);
        }
    }

    #[test]
    fn rejects_a_page_in_place_of_the_rest_and_keeps_the_start() {
        let (url, server) = serve(&[Reply::Page("<html><body>Busy</body></html>"), Reply::Whole]);
        let fixture = Fixture::new(url);
        fixture.put_partial(&content()[..1000]);
        let error = fixture.fetch().unwrap_err();
        assert!(matches!(error, DownloadError::NotASetUp { .. }), "{error}");
        fixture.fetch().unwrap();
        fixture.expect_done();
        assert_eq!(server.join().unwrap(), [1000, 1000]);
    }

    #[test]
    fn rejects_a_partial_file_that_is_not_the_start_of_a_set_up() {
        let (url, server) = serve(&[Reply::Whole]);
        let fixture = Fixture::new(url);
        fixture.put_partial(S3_ERROR.as_bytes());
        fixture.fetch().unwrap();
        fixture.expect_done();
        assert_eq!(server.join().unwrap(), [0], "it is not resumed");
    }

    /// Without a hash nothing but the length would tell.
    #[test]
    fn rejects_a_partial_file_that_is_longer_than_the_file() {
        let (url, server) = serve(&[Reply::Whole]);
        let mut fixture = Fixture::new(url);
        fixture.download.hash = None;
        fixture.put_partial(&[&content()[..], b"and more"].concat());
        fixture.fetch().unwrap();
        fixture.expect_done();
        assert_eq!(server.join().unwrap(), [0]);
    }

    #[test]
    fn rejects_an_announced_length_that_is_not_the_files() {
        let (url, server) = serve(&[Reply::OtherLength, Reply::OtherLength]);
        let fixture = Fixture::new(url);
        let error = fixture.fetch().unwrap_err();
        assert!(matches!(error, DownloadError::WrongLength { expected: 200_000, found: 199_999, .. }), "{error}");
        fixture.expect_no_partial();
        fixture.put_partial(&content()[..1000]);
        let error = fixture.fetch().unwrap_err();
        assert!(matches!(error, DownloadError::WrongLength { expected: 200_000, found: 199_999, .. }), "{error}");
        assert_eq!(fs::read(partial_path(&fixture.destination())).unwrap(), content()[..1000], "what is there stays");
        server.join().unwrap();
    }

    #[test]
    fn rejects_statuses_with_what_came_along() {
        let (url, _server) = serve(&[Reply::Forbidden(S3_ERROR)]);
        let fixture = Fixture::new(url);
        let error = fixture.fetch().unwrap_err();
        assert!(matches!(error, DownloadError::Status { status: 403, .. }), "{error}");
        assert!(error.to_string().contains("403 (an error document of an object store (AccessDenied)"), "{error}");
        fixture.expect_no_partial();
    }

    /// The length follows from the answer where nobody has said it.
    #[test]
    fn a_length_that_nobody_has_said_is_the_one_announced() {
        let (url, server) = serve(&[Reply::HangUpAfter(70_000), Reply::Whole, Reply::NoMore, Reply::EndAfter(70_000)]);
        let mut fixture = Fixture::new(url);
        fixture.download.bytes = None;
        let error = fixture.fetch().unwrap_err();
        assert!(matches!(error, DownloadError::Interrupted { received: 70_000, expected: 200_000, .. }), "{error}");
        fixture.fetch().unwrap();
        fixture.expect_done();
        fs::remove_file(fixture.destination()).unwrap();
        fixture.put_partial(&content());
        fixture.fetch().unwrap();
        fixture.expect_done();
        fs::remove_file(fixture.destination()).unwrap();
        let error = fixture.fetch().unwrap_err();
        assert!(matches!(error, DownloadError::NoLength { .. }), "{error}");
        fixture.expect_no_partial();
        assert_eq!(server.join().unwrap(), [0, 70_000, 200_000, 0]);
    }

    #[test]
    fn blake2b_is_as_good_as_sha256() {
        let (url, _server) = serve(&[Reply::Whole, Reply::Whole]);
        let mut fixture = Fixture::new(url);
        fixture.download.hash = Some(FileHash::of(Algorithm::Blake2b512, &content()[1..]).unwrap());
        assert!(matches!(fixture.fetch(), Err(DownloadError::WrongHash { .. })));
        fixture.expect_no_partial();
        fixture.download.hash = Some(FileHash::of(Algorithm::Blake2b512, &content()[..]).unwrap());
        fixture.fetch().unwrap();
        fixture.expect_done();
    }

    #[test]
    fn rejects_a_second_download_of_the_same_file() {
        let fixture = Fixture::new("http://127.0.0.1:1/".to_owned());
        let _lock = open_locked(&partial_path(&fixture.destination())).unwrap();
        assert!(matches!(fixture.fetch(), Err(DownloadError::Busy { .. })));
    }
}
