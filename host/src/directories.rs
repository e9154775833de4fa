//! Where the prover keeps what outlives a run. Verification reads none of it but imported set-ups.

use std::{borrow::Cow, env, path::PathBuf};

use surety_core::failure::{Class, Failure};

/// The directories of a user, each from an environment variable or, without it, from the platform's convention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directories {
    /// What can be computed anew: Lagrange bases. `SURETY_CACHE_DIR`.
    pub cache: PathBuf,
    /// What was imported: set-ups. `SURETY_DATA_DIR`.
    pub data: PathBuf,
    /// What must not be lost: the last sequence number of each account, and the snapshots that were proven against.
    /// `SURETY_STATE_DIR`.
    pub state: PathBuf,
}

/// No directory is given, and the user has no home directory.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("expected a home directory, found none; set SURETY_CACHE_DIR, SURETY_DATA_DIR and SURETY_STATE_DIR")]
pub struct NoHome;

impl Directories {
    /// The directories of the user who runs this process.
    ///
    /// # Errors
    /// If one is neither given nor known.
    pub fn of_user() -> Result<Self, NoHome> {
        let project = directories::ProjectDirs::from("", "", "surety");
        let project = project.as_ref();
        let choose = |variable: &str, fallback: Option<PathBuf>| match env::var_os(variable) {
            Some(path) if !path.is_empty() => Ok(PathBuf::from(path)),
            _ => fallback.ok_or(NoHome),
        };
        Ok(Self {
            cache: choose("SURETY_CACHE_DIR", project.map(|project| project.cache_dir().to_owned()))?,
            data: choose("SURETY_DATA_DIR", project.map(|project| project.data_dir().to_owned()))?,
            state: choose(
                "SURETY_STATE_DIR",
                // Where the platform has no place for state, data that is never deleted comes closest.
                project.map(|project| project.state_dir().unwrap_or(project.data_dir()).to_owned()),
            )?,
        })
    }
}

impl Failure for NoHome {
    fn class(&self) -> Class {
        Class::Input
    }

    fn code(&self) -> Cow<'static, str> {
        "directories".into()
    }
}
