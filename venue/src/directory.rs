//! The files of a book that is being made.
//!
//! | path | content | readers |
//! |---|---|---|
//! | `public/` | `book.json`, `pages.bin`, `cell-keys.json`, and the files that they refer to | everybody |
//! | `private/key` | the key that the rest of `private/` and `cells/` is sealed with | the venue |
//! | `private/plan.json` | the book's terms, the kind of each page, and the hashes of inputs | the venue |
//! | `private/plan.seal` | by which whoever has the key knows the plan | the venue and its workers |
//! | `private/inputs/` | the accounts of each page, sealed | the venue and its workers |
//! | `private/users` | where each user's account is, by a keyed hash of the user | the venue |
//! | `private/reserves/` | statements and openings of custodians | the venue |
//! | `pages/` | proven pages, each with what it was made from | workers |
//! | `cells/` | the openings of each page | the venue |
//!
//! Files are written whole or not at all, and what is there is checked before it is used. So any number of processes
//! may work on one directory, and any of them may be killed.

use std::path::{Path, PathBuf};

use alloy_primitives::keccak256;
use rand_core::OsRng;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_books::{
    book::{Book, PAGE_BYTES, Page},
    root::BookHeader,
};
use surety_core::{
    FormatVersion,
    failure::{Class, Failure},
    ident::{Bytes32, HexBytes},
    kind::{Kind, KindOf, Kinded},
    problem::Problem,
    text::{Document, Unfit},
};
use surety_host::{
    documents,
    files::{self, Access, Existing, FileError},
};
use surety_kzg::{cell::Opening, point::G1_BYTES};
use zeroize::Zeroizing;

use crate::{
    page::PageInput,
    sealed::{SealingKey, Unsealable},
};

/// Largest file of a page's inputs: a page has at most 2^16 slots of a user each.
pub const MAX_INPUT_BYTES: u64 = 1 << 28;

/// The files of the public part that a book is built with.
pub const PUBLIC_INPUTS: [&str; 4] = ["universe.toml", "policy.toml", "book.toml", "market.json"];

/// Bytes that a page's file begins with: see [`BookDirectory::read_page`].
const FROM_BYTES: usize = 64;

/// What the seal of a plan is bound to.
const PLAN: &str = "surety/book/plan";

/// Largest file of pages that is read.
const MAX_PAGES_BYTES: u64 = 1 << 36;

/// The terms of a book, and its pages: what workers go by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The format.
    pub kind: KindOf<Plan>,
    /// Version of the format.
    pub version: FormatVersion,
    /// The book, without root and reserves.
    pub book: Book,
    /// The place of the kind of each page among those of the rules.
    pub page_kinds: Vec<u32>,
    /// The Keccak-256 hash of each page's sealed inputs.
    pub inputs: Vec<Bytes32>,
    /// How many accounts there are.
    pub accounts: u64,
}

impl Kinded for Plan {
    const KIND: Kind = Kind::BookPlan;
}

impl Document for Plan {
    fn problems(&self) -> Vec<Problem> {
        let (kinds, inputs) = (self.page_kinds.len(), self.inputs.len());
        Vec::from_iter(surety_core::problem::require(
            kinds == inputs,
            "inputs",
            format!("one for each of {kinds} pages"),
            inputs,
        ))
    }
}

/// Why files of a book cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DirectoryError {
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// A document.
    #[error(transparent)]
    Document(#[from] documents::DocumentError),
    /// A sealed file.
    #[error("{}: {error}", path.display())]
    Sealed {
        /// The file.
        path: PathBuf,
        /// Why it does not open.
        error: Unsealable,
    },
    /// A file that belongs to something else.
    #[error("{}: expected {expected}, found something else; restore the file, or build the book anew", path.display())]
    Other {
        /// The file.
        path: PathBuf,
        /// What is expected.
        expected: &'static str,
    },
}

impl Failure for DirectoryError {
    fn class(&self) -> Class {
        match self {
            Self::File(error) => error.class(),
            Self::Document(error) => error.class(),
            Self::Sealed { .. } | Self::Other { .. } => Class::Mismatch,
        }
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "book-directory".into()
    }
}

/// The directory of a book.
#[derive(Clone, Debug)]
pub struct BookDirectory {
    root: PathBuf,
    key: PathBuf,
}

impl BookDirectory {
    /// The directory at this path, which need not exist yet.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        let root = root.into();
        Self { key: root.join("private").join("key"), root }
    }

    /// The same directory with the key of its private part in a file elsewhere.
    #[must_use]
    pub fn with_key(self, key: impl Into<PathBuf>) -> Self {
        Self { key: key.into(), ..self }
    }

    /// The path of the directory.
    #[must_use]
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The part for everybody.
    #[must_use]
    pub fn public(&self) -> PathBuf {
        self.root.join("public")
    }

    /// The part for the venue alone.
    #[must_use]
    pub fn private(&self) -> PathBuf {
        self.root.join("private")
    }

    /// The statements and openings of custodians.
    #[must_use]
    pub fn reserves(&self) -> PathBuf {
        self.private().join("reserves")
    }

    /// The path of the plan.
    #[must_use]
    pub fn plan_path(&self) -> PathBuf {
        self.private().join("plan.json")
    }

    /// The path of the plan's seal.
    #[must_use]
    pub fn seal_path(&self) -> PathBuf {
        self.private().join("plan.seal")
    }

    /// Where each user's account is.
    #[must_use]
    pub fn users(&self) -> PathBuf {
        self.private().join("users")
    }

    /// The path of a page's sealed accounts.
    #[must_use]
    pub fn input_path(&self, index: u32) -> PathBuf {
        self.private().join("inputs").join(format!("{index:08}"))
    }

    /// The path of a proven page.
    #[must_use]
    pub fn page_path(&self, index: u32) -> PathBuf {
        self.root.join("pages").join(format!("{index:08}"))
    }

    /// The path of a page's sealed cells.
    #[must_use]
    pub fn cells_path(&self, index: u32) -> PathBuf {
        self.root.join("cells").join(format!("{index:08}"))
    }

    /// Makes the directories, unless they exist: files that a plan refers to are there before it.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn make(&self) -> Result<(), DirectoryError> {
        files::create_directory(&self.root)?;
        for public in [self.public(), self.root.join("pages")] {
            files::create_directory(&public)?;
        }
        for private in [self.private(), self.private().join("inputs"), self.reserves(), self.root.join("cells")] {
            files::create_private_directory(&private)?;
        }
        Ok(())
    }

    /// Makes the directories, and a key for the private part.
    ///
    /// # Errors
    /// If the operating system refuses, or there is a book already.
    pub fn create(&self) -> Result<SealingKey, DirectoryError> {
        self.make()?;
        let key = SealingKey::random(&mut OsRng);
        files::write(&self.key, key.bytes(), Access::Secret, Existing::Keep)?;
        Ok(key)
    }

    /// The key of the private part.
    ///
    /// # Errors
    /// If there is none.
    pub fn key(&self) -> Result<SealingKey, DirectoryError> {
        let bytes = files::read(&self.key, 1024)?;
        let path = || self.key.clone();
        SealingKey::from_bytes(&bytes)
            .ok_or_else(|| DirectoryError::Other { path: path(), expected: "a key of 32 bytes" })
    }

    /// The plan.
    ///
    /// # Errors
    /// If there is none.
    pub fn plan(&self) -> Result<Plan, DirectoryError> {
        Ok(documents::read(&self.plan_path())?)
    }

    /// What identifies the plan: the Keccak-256 hash of its file.
    ///
    /// # Errors
    /// If there is none.
    pub fn plan_id(&self) -> Result<Bytes32, DirectoryError> {
        Ok(HexBytes(keccak256(&*files::read(&self.plan_path(), files::DOCUMENT_LIMIT)?).0))
    }

    /// Vouches for the plan: for those who have it from a place that others can write to.
    ///
    /// # Errors
    /// If there is no plan, or no key.
    pub fn seal_plan(&self) -> Result<Vec<u8>, DirectoryError> {
        Ok(self.key()?.seal(PLAN, Zeroizing::new(self.plan_id()?.0.to_vec()), &mut OsRng))
    }

    /// Refuses a plan that nobody with the key has vouched for.
    ///
    /// # Errors
    /// If the seal is another's.
    pub fn check_plan(&self, seal: &[u8]) -> Result<(), DirectoryError> {
        self.refuse_unsealed(&self.key()?, seal, self.plan_id()?)
    }

    /// The plan, if somebody with the key has vouched for the very bytes that are read.
    ///
    /// # Errors
    /// If there is none, or the seal is another's.
    pub fn sealed_plan(&self, key: &SealingKey) -> Result<Plan, DirectoryError> {
        let (path, seal) = (self.plan_path(), files::read(&self.seal_path(), files::SECRET_LIMIT)?);
        let text = files::read_text(&path)?;
        self.refuse_unsealed(key, &seal, HexBytes(keccak256(text.as_bytes()).0))?;
        Ok(documents::parse(&path, &text).map_err(documents::DocumentError::from)?)
    }

    fn refuse_unsealed(&self, key: &SealingKey, seal: &[u8], id: Bytes32) -> Result<(), DirectoryError> {
        let path = self.plan_path();
        match key.open(PLAN, seal) {
            Ok(plain) if *plain == id.0 => Ok(()),
            Ok(_) => Err(DirectoryError::Other { path, expected: "the plan that was sealed" }),
            Err(error) => Err(DirectoryError::Sealed { path, error }),
        }
    }

    /// Seals the accounts of a page, and returns the hash of the file.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn write_input(&self, key: &SealingKey, index: u32, input: &PageInput) -> Result<Bytes32, DirectoryError> {
        let sealed = key.seal(&place("input", index), input.to_secret_bytes(), &mut OsRng);
        files::write(&self.input_path(index), &sealed, Access::Secret, Existing::Keep)?;
        Ok(HexBytes(keccak256(&sealed).0))
    }

    /// The accounts of a page, if they are those of the plan.
    ///
    /// # Errors
    /// If they are not, or the file cannot be read.
    pub fn read_input(
        &self,
        key: &SealingKey,
        plan: &Plan,
        index: u32,
        instruments: usize,
    ) -> Result<PageInput, DirectoryError> {
        let path = self.input_path(index);
        let sealed = files::read(&path, MAX_INPUT_BYTES)?;
        let other = || DirectoryError::Other { path: path.clone(), expected: "the inputs that the plan names" };
        if plan.inputs.get(index as usize) != Some(&HexBytes(keccak256(&*sealed).0)) {
            return Err(other());
        }
        let unsealable = |error| DirectoryError::Sealed { path: path.clone(), error };
        let plain = key.open(&place("input", index), &sealed).map_err(unsealable)?;
        let input = PageInput::from_secret_bytes(&plain, instruments).map_err(unsealable)?;
        let kind = plan.page_kinds.get(index as usize).map(|kind| *kind as usize);
        if Some(input.kind) == kind { Ok(input) } else { Err(other()) }
    }

    /// Keeps a proven page and its openings, with what they were made from, in place of those that are there.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn write_page(
        &self,
        key: &SealingKey,
        plan: &Plan,
        index: u32,
        (page, openings): (&Page, &[Opening]),
    ) -> Result<(), DirectoryError> {
        let bytes: Vec<u8> = openings.iter().flat_map(Opening::to_bytes).collect();
        let content = [self.made_from(plan, index).as_slice(), &page.to_bytes()].concat();
        let sealed = key.seal(&place_of_cells(index, &content), Zeroizing::new(bytes), &mut OsRng);
        // The cells first: where there is a page, there are its cells.
        files::write(&self.cells_path(index), &sealed, Access::Secret, Existing::Replace)?;
        files::write(&self.page_path(index), &content, Access::Public, Existing::Replace)?;
        Ok(())
    }

    /// A proven page, if there is one that was made from the plan's inputs for this book, by somebody with the key.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn read_page(&self, key: &SealingKey, plan: &Plan, index: u32) -> Result<Option<Page>, DirectoryError> {
        Ok(self.read_result(key, plan, index)?.map(|kept| kept.page))
    }

    /// The openings of a page's cells, in the order of its slots.
    ///
    /// # Errors
    /// If they are not there, or damaged.
    pub fn read_cells(
        &self,
        key: &SealingKey,
        plan: &Plan,
        index: u32,
    ) -> Result<Vec<HexBytes<G1_BYTES>>, DirectoryError> {
        let (path, expected) = (self.cells_path(index), "the openings of the page");
        let kept = self.read_result(key, plan, index)?.ok_or(DirectoryError::Other { path, expected })?;
        Ok(kept.openings.as_chunks::<G1_BYTES>().0.iter().map(|bytes| HexBytes(*bytes)).collect())
    }

    /// A page with its openings. These are sealed for this very page, so that nobody without the key can leave another
    /// one here that is proven, too.
    fn read_result(&self, key: &SealingKey, plan: &Plan, index: u32) -> Result<Option<Kept>, DirectoryError> {
        let content = read_if_any(&self.page_path(index), (FROM_BYTES + PAGE_BYTES) as u64)?;
        let sealed = read_if_any(&self.cells_path(index), MAX_INPUT_BYTES)?;
        let (Some(content), Some(sealed)) = (content, sealed) else { return Ok(None) };
        let Some((from, page)) = content.split_at_checked(FROM_BYTES) else { return Ok(None) };
        let page = Page::all_from_bytes(page).ok().and_then(|mut pages| pages.pop());
        let fits = |page: &Page| {
            from == self.made_from(plan, index) && plan.page_kinds.get(index as usize) == Some(&page.kind)
        };
        let openings = key.open(&place_of_cells(index, &content), &sealed).ok();
        Ok(page.filter(fits).zip(openings).map(|(page, openings)| Kept { page, openings }))
    }

    /// Removes a result that is of no use.
    ///
    /// # Errors
    /// If the operating system refuses.
    pub fn discard_page(&self, index: u32) -> Result<(), DirectoryError> {
        let path = self.page_path(index);
        match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(FileError::Io { path, action: "cannot be removed", error }.into())
            }
            _ => Ok(()),
        }
    }

    /// What a page was made from: the book and the inputs.
    fn made_from(&self, plan: &Plan, index: u32) -> [u8; FROM_BYTES] {
        let BookHeader(header) = plan.book.header();
        let input = plan.inputs.get(index as usize).copied().unwrap_or(Bytes32::ZERO);
        core::array::from_fn(|at| if at < 32 { header.0[at] } else { input.0[at - 32] })
    }

    /// Pages that are not proven yet, ascending.
    ///
    /// # Errors
    /// If the operating system refuses, or there is no key.
    pub fn missing(&self, plan: &Plan) -> Result<Vec<u32>, DirectoryError> {
        self.missing_of(plan, 0..plan.page_kinds.len() as u32)
    }

    /// Those of some pages that are not proven yet.
    ///
    /// # Errors
    /// If the operating system refuses, or there is no key.
    pub fn missing_of(&self, plan: &Plan, pages: impl IntoIterator<Item = u32>) -> Result<Vec<u32>, DirectoryError> {
        let (key, mut missing) = (self.key()?, Vec::new());
        for page in pages {
            if self.read_page(&key, plan, page)?.is_none() {
                missing.push(page);
            }
        }
        Ok(missing)
    }

    /// The file of all pages in the public part.
    ///
    /// # Errors
    /// If it cannot be read, or is none.
    pub fn read_pages(public: &Path) -> Result<Vec<Page>, DirectoryError> {
        let path = public.join("pages.bin");
        let bytes = files::read(&path, MAX_PAGES_BYTES)?;
        Page::all_from_bytes(&bytes).map_err(|_| DirectoryError::Other { path, expected: "whole pages" })
    }

    /// The file of all pages in the public part, to be written.
    #[must_use]
    pub fn pages_path(&self) -> PathBuf {
        self.public().join("pages.bin")
    }
}

/// A page that was proven, and the openings of its cells, one after the other.
struct Kept {
    page: Page,
    openings: Zeroizing<Vec<u8>>,
}

/// The content of a file; none if it is not there, or larger than what belongs there.
fn read_if_any(path: &Path, limit: u64) -> Result<Option<Zeroizing<Vec<u8>>>, DirectoryError> {
    match files::read(path, limit) {
        Err(FileError::Missing(_) | FileError::Unfit(Unfit::TooLarge { .. })) => Ok(None),
        content => Ok(Some(content?)),
    }
}

/// What the openings of a page are bound to: its index, and the file that has it.
fn place_of_cells(index: u32, page: &[u8]) -> String {
    format!("{}/{}", place("cells", index), HexBytes(keccak256(page).0))
}

/// What is at a place: what sealed files are bound to.
fn place(what: &str, index: u32) -> String {
    format!("surety/book/{what}/{index}")
}
