//! What `surety import` writes: the files of an attestation's directory, made from files of others.

use std::path::{Path, PathBuf};

use surety_core::text::Document as _;
use surety_host::{
    documents::DocumentError,
    files::{self, Access, Existing, FileError},
};
use surety_import::{Import, Parties};
use surety_margin::holdings::Holdings;
use surety_prover::layout::Layout;
use zeroize::Zeroizing;

/// An import on its way to a directory.
#[derive(Clone, Debug)]
pub(crate) struct Imported {
    import: Import,
    from: String,
    has_placeholders: bool,
}

impl Imported {
    /// An import from a file, for a policy with these parties.
    #[must_use]
    pub(crate) fn new(import: Import, from: &Path, parties: &Parties) -> Self {
        // Without its directory, which is nobody's business, and on one line.
        let name = from.file_name().unwrap_or_default().to_string_lossy();
        let from = name.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
        Self { import, from, has_placeholders: parties.are_placeholders() }
    }

    /// What was imported.
    #[must_use]
    pub(crate) fn import(&self) -> &Import {
        &self.import
    }

    /// Whether nobody has the key of a node or the source, so that nothing can be proven yet.
    #[must_use]
    pub(crate) fn has_placeholders(&self) -> bool {
        self.has_placeholders
    }

    /// Writes all files, each whole or not at all, and none if one of them is in the way. Returns where they are.
    ///
    /// # Errors
    /// If a file exists and is to be kept, or cannot be written.
    pub(crate) fn write(&self, layout: &Layout, existing: Existing) -> Result<Vec<PathBuf>, DocumentError> {
        let Import { universe, policy, snapshot, holdings } = &self.import;
        let public = |text| (Zeroizing::new(text), Access::Public);
        let mut contents = vec![
            (layout.universe(), public(format!("{}{}", self.origin(), universe.to_toml()?))),
            (layout.policy(), public(format!("{}{}{}", self.origin(), self.attention(), policy.to_toml()?))),
            (layout.market(), public(snapshot.to_json()?)),
        ];
        let secret = |holdings: &Holdings| (holdings.to_csv(universe), Access::Secret);
        contents.extend(holdings.as_ref().map(|holdings| (layout.holdings(), secret(holdings))));
        create_directories(layout, holdings.is_some())?;
        for (path, _) in &contents {
            files::check_target(path, existing)?;
        }
        for (path, (text, access)) in &contents {
            files::write(path, text.as_bytes(), *access, existing)?;
        }
        Ok(contents.into_iter().map(|(path, _)| path).collect())
    }

    fn origin(&self) -> String {
        format!("# Made by surety import from {}.\n\n", self.from)
    }

    fn attention(&self) -> &'static str {
        if self.has_placeholders {
            "# ATTENTION: PLACEHOLDERS. The addresses of oracle nodes and of the source that begin with\n\
             # 0x6e6f626f6479 (\"nobody's address\") are no keys' addresses: NOBODY can sign prices or balances for \
             this\n\
             # policy, so nothing can be proven under it. Replace them, or import with --node and --source.\n\n"
        } else {
            ""
        }
    }
}

fn create_directories(layout: &Layout, private: bool) -> Result<(), FileError> {
    files::create_directory(layout.directory())?;
    if private { files::create_private_directory(&layout.private()) } else { Ok(()) }
}
