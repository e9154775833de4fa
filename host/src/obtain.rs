//! Getting set-ups into the store: from the addresses at which ceremonies publish them, from mirrors, and from files.
//!
//! Whatever arrives is a file of somebody else. It is checked like any other, and what was asked for by a ceremony's
//! name is held to that ceremony's `[τ]₂`.

use std::{
    borrow::Cow,
    fs,
    path::{Path, PathBuf},
    time::Instant,
};

use surety_core::{
    capacity::Capacity,
    failure::{Class, Failure},
};
use surety_kzg::{
    Event, Observer, Origin, Srs, SrsId,
    origin::{CEREMONIES, Ceremony},
};

use crate::{
    download::{Download, DownloadError, Patience},
    files,
    import::{ImportError, import},
    published::{self, PublishedFile},
    setup::Setups,
    store::{Place, StoreError, StoredSrs},
};

/// Why a set-up was not taken.
#[derive(Debug, thiserror::Error)]
pub enum ObtainError {
    /// The name is none of a ceremony, or of several.
    #[error("ceremony {name:?}: expected one of {}, found {found}", known())]
    Name {
        /// The name given.
        name: String,
        /// Ceremonies with such a name.
        found: String,
    },
    /// Nobody publishes files of a suitable form.
    #[error(
        "{ceremony}: expected a ceremony whose files can be fetched one by one ({}), found one with a single large \
         file: \
         fetch its g1.dat and g2.dat, and import them with surety srs import g1.dat --g2 g2.dat",
        published::names().collect::<Vec<_>>().join(", ")
    )]
    NotPublished {
        /// The ceremony.
        ceremony: &'static str,
    },
    /// The file is not where it was said to be.
    #[error("{}: expected the file {name} of {ceremony}, found no such file", place.display())]
    Missing {
        /// Where it was looked for.
        place: PathBuf,
        /// Its name.
        name: String,
        /// The ceremony.
        ceremony: &'static str,
    },
    /// The set-up is of another ceremony, or of none.
    #[error(
        "{place}: expected a set-up of {expected}, found {found}: it was not taken; another [τ]₂ is another secret, \
         whatever the file is called"
    )]
    OtherCeremony {
        /// The file.
        place: String,
        /// The ceremony asked for.
        expected: &'static str,
        /// What it is.
        found: String,
    },
    /// Nobody knows who knows τ.
    #[error(
        "{place}: expected a set-up of a ceremony that this version knows ({}), found {id}, which is of none: whoever \
         made it \
         can prove anything under it. Use a ceremony's (surety srs get), or say --accept-unknown if you know who made \
         it",
        known()
    )]
    UnknownOrigin {
        /// The file.
        place: String,
        /// The set-up.
        id: SrsId,
    },
    /// Everybody knows τ.
    #[error(
        "{place}: expected a set-up whose secret nobody knows, found the insecure development set-up, whose secret is \
         published: \
         anybody can prove anything under it. Use a ceremony's (surety srs get), or say --allow-insecure-srs for tests"
    )]
    Insecure {
        /// The file.
        place: String,
    },
    /// The download failed.
    #[error(transparent)]
    Download(#[from] DownloadError),
    /// The file is no set-up.
    #[error(transparent)]
    Import(#[from] ImportError),
    /// The store cannot be used.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The directory for downloads cannot be used.
    #[error(transparent)]
    File(#[from] files::FileError),
}

fn known() -> String {
    CEREMONIES.iter().map(|ceremony| ceremony.name).collect::<Vec<_>>().join(", ")
}

/// The ceremony that a person means: its name in any case, with `_` for `-`, or the part that tells it from the others.
///
/// # Errors
/// If it is none of them, or more than one.
pub fn ceremony(text: &str) -> Result<&'static Ceremony, ObtainError> {
    let name = text.trim().to_lowercase().replace('_', "-");
    if let Some(ceremony) = CEREMONIES.iter().find(|ceremony| ceremony.name == name) {
        return Ok(ceremony);
    }
    let alike: Vec<_> =
        CEREMONIES.iter().filter(|ceremony| !name.is_empty() && ceremony.name.contains(&name)).collect();
    match alike[..] {
        [ceremony] => Ok(ceremony),
        [] => Err(ObtainError::Name { name: text.to_owned(), found: "none of them".to_owned() }),
        _ => {
            let found = alike.iter().map(|ceremony| ceremony.name).collect::<Vec<_>>().join(" and ");
            Err(ObtainError::Name { name: text.to_owned(), found })
        }
    }
}

/// What a user takes though it is not sound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// A set-up of no known ceremony.
    pub unknown: bool,
    /// A set-up whose secret is published.
    pub insecure: bool,
}

/// Refuses a set-up of no known ceremony, unless the user takes it.
///
/// # Errors
/// If it is one.
pub fn refuse_unsound(srs: &Srs, place: &Path, taken: Taken) -> Result<(), ObtainError> {
    let place = || place.display().to_string();
    match srs.origin() {
        Origin::Unknown if !taken.unknown => Err(ObtainError::UnknownOrigin { place: place(), id: srs.id() }),
        Origin::InsecureDevelopment if !taken.insecure => Err(ObtainError::Insecure { place: place() }),
        Origin::Ceremony(_) | Origin::InsecureDevelopment | Origin::Unknown => Ok(()),
    }
}

/// A set-up to get.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Whose.
    pub ceremony: &'static Ceremony,
    /// The capacity class that it must serve.
    pub capacity: Capacity,
    /// A server's directory, a directory or a file, in place of the ceremony's own address.
    pub from: Option<&'a str>,
    /// How long servers may take.
    pub patience: Patience,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Obtained {
    /// The set-up.
    pub stored: StoredSrs,
    /// Whether it was here before.
    pub was_here: bool,
}

impl Wanted<'_> {
    /// Gets the set-up into the store, unless one that serves is there. Downloads go to `downloads`, where an
    /// interrupted one is resumed.
    ///
    /// # Errors
    /// See [`ObtainError`].
    pub fn obtain(&self, setups: &Setups, downloads: &Path, observer: &dyn Observer) -> Result<Obtained, ObtainError> {
        if let Some(stored) = self.here(setups, observer)? {
            return Ok(Obtained { stored, was_here: true });
        }
        let srs = match self.from {
            Some(from) if !is_url(from) => self.take_from_disk(Path::new(from), observer)?,
            _ => self.fetch(downloads, observer)?,
        };
        let place = Place::File(setups.store().add(&srs)?);
        let (k, has_g2_powers) = (srs.capacity().k(), srs.g2_powers_of_two().is_some());
        let stored = StoredSrs { place, k, verifier_key: *srs.verifier_key(), has_g2_powers };
        Ok(Obtained { stored, was_here: false })
    }

    /// A set-up in the store that serves. One that turns out to be damaged when it is read serves nobody.
    fn here(&self, setups: &Setups, observer: &dyn Observer) -> Result<Option<StoredSrs>, ObtainError> {
        let is_wanted = |stored: &StoredSrs| {
            stored.k >= self.capacity.k() && stored.verifier_key.origin() == Origin::Ceremony(self.ceremony)
        };
        for stored in setups.store().list(observer)?.into_iter().filter(is_wanted) {
            match setups.store().read(&stored, None, observer) {
                Ok(_) => return Ok(Some(stored)),
                Err(error) => observer.event(Event::Notice(format!("passed over: {error}"))),
            }
        }
        Ok(None)
    }

    fn published(&self) -> Result<PublishedFile, ObtainError> {
        published::published(self.ceremony.name, self.capacity)
            .ok_or(ObtainError::NotPublished { ceremony: self.ceremony.name })
    }

    fn take_from_disk(&self, from: &Path, observer: &dyn Observer) -> Result<Srs, ObtainError> {
        let path = if from.is_dir() { from.join(self.published()?.name) } else { from.to_owned() };
        if !path.exists() {
            let name = self.published().map_or_else(|_| "g1.dat".to_owned(), |file| file.name);
            return Err(ObtainError::Missing { place: path, name, ceremony: self.ceremony.name });
        }
        self.check(import(&path, None, None, observer)?, &path.display().to_string())
    }

    /// Tries each address until one has it, all of them within the time that there is.
    fn fetch(&self, downloads: &Path, observer: &dyn Observer) -> Result<Srs, ObtainError> {
        let file = self.published()?;
        files::create_directory(downloads)?;
        let path = downloads.join(&file.name);
        let urls = self.from.map_or_else(|| file.urls.clone(), |from| vec![url_of(from, &file.name)]);
        let start = Instant::now();
        let mut result = Err(ObtainError::NotPublished { ceremony: self.ceremony.name });
        for (index, url) in urls.iter().enumerate() {
            let download = Download { patience: self.patience.after(start.elapsed()), ..file.download(url) };
            result = self.fetch_from(&download, file.bytes, &path, observer);
            match &result {
                Err(ObtainError::Download(error)) if index + 1 < urls.len() => {
                    observer.event(Event::Notice(format!("{error}; trying {} next", urls[index + 1])));
                }
                _ => break,
            }
        }
        result
    }

    fn fetch_from(
        &self,
        download: &Download,
        bytes: u64,
        path: &Path,
        observer: &dyn Observer,
    ) -> Result<Srs, ObtainError> {
        let url = &download.url;
        observer.event(Event::Notice(format!("getting {url} ({bytes} bytes)")));
        download.fetch(path, observer)?;
        let srs = import(path, None, None, observer).map_err(ObtainError::from).and_then(|srs| self.check(srs, url));
        // The store has what is needed of it, and what was refused would be refused again.
        if let Err(error) = fs::remove_file(path) {
            observer.event(Event::Notice(format!("{}: cannot be deleted: {error}", path.display())));
        }
        srs
    }

    /// Holds a set-up to the `[τ]₂` of the ceremony asked for, and to the size.
    fn check(&self, srs: Srs, place: &str) -> Result<Srs, ObtainError> {
        let found = match srs.origin() {
            Origin::Ceremony(ceremony) if ceremony == self.ceremony => {
                let too_small = |error: surety_kzg::SrsError| ImportError { path: place.into(), problem: error.into() };
                srs.powers_for(self.capacity).map_err(too_small)?;
                return Ok(srs);
            }
            Origin::Ceremony(ceremony) => format!("one of {}", ceremony.name),
            Origin::InsecureDevelopment => "the insecure development set-up, whose secret is published".to_owned(),
            Origin::Unknown => format!("{}, of no ceremony that this version knows", srs.id()),
        };
        Err(ObtainError::OtherCeremony { place: place.to_owned(), expected: self.ceremony.name, found })
    }
}

fn is_url(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| text.to_ascii_lowercase().starts_with(scheme))
}

/// The address of a file: the address itself if it is one of a file, else the file in the directory that it names.
fn url_of(from: &str, name: &str) -> String {
    let last = from.rsplit('/').next().unwrap_or_default();
    if last == name || last.ends_with(".ptau") || last.ends_with(".srs") {
        from.to_owned()
    } else {
        format!("{}/{name}", from.trim_end_matches('/'))
    }
}

impl Failure for ObtainError {
    fn class(&self) -> Class {
        match self {
            Self::Name { .. } | Self::NotPublished { .. } | Self::Missing { .. } => Class::Input,
            Self::OtherCeremony { .. } | Self::UnknownOrigin { .. } | Self::Insecure { .. } => Class::Mismatch,
            Self::Store(error) => error.class(),
            Self::Download(error) => error.class(),
            Self::Import(error) => error.class(),
            Self::File(error) => error.class(),
        }
    }

    fn code(&self) -> Cow<'static, str> {
        match self {
            Self::Download(error) => error.code(),
            _ => "set-up".into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ceremony_is_meant_by_what_tells_it_from_the_others() {
        for (text, name) in [
            ("ppot-0080", "ppot-0080"),
            ("PPOT_0080", "ppot-0080"),
            (" 0085 ", "ppot-0085"),
            ("hermez", "hermez-0054"),
            ("Aztec", "aztec-ignition"),
        ] {
            assert_eq!(ceremony(text).unwrap().name, name, "{text}");
        }
    }

    #[test]
    fn rejects_names_of_no_ceremony_or_of_several() {
        for (text, found) in [("ppot", "ppot-0085 and ppot-0080"), ("zcash", "none of them"), ("", "none of them")] {
            let error = ceremony(text).unwrap_err().to_string();
            assert!(error.contains(found) && error.contains("hermez-0054"), "{error}");
        }
    }

    #[test]
    fn mirrors_are_directories_or_files() {
        for (from, url) in [
            ("http://mirror/pot", "http://mirror/pot/ppot_0080_09.ptau"),
            ("http://mirror/pot/", "http://mirror/pot/ppot_0080_09.ptau"),
            ("http://mirror/pot/ppot_0080_09.ptau", "http://mirror/pot/ppot_0080_09.ptau"),
            ("http://mirror/other.ptau", "http://mirror/other.ptau"),
        ] {
            assert_eq!(url_of(from, "ppot_0080_09.ptau"), url);
        }
        assert!(is_url("HTTPS://mirror") && !is_url("/media/stick") && !is_url("pot.ptau"));
    }
}
