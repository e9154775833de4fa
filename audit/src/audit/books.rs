//! The books of an audit: each is verified whole, with all of its pages, from the files beside it.
//!
//! Rules are compiled here, once for each text and policy that a book names. The root is compared with the registry of
//! books that the auditor relies on, if one is named, or with the roots that the auditor knows from elsewhere.

#[cfg(feature = "host")]
mod judging;

#[cfg(feature = "host")]
pub(super) use self::judging::{judge, missing_books};

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde::Serialize;
#[cfg(feature = "host")]
use surety_books::book::Book;
use surety_books::{book::KnownBook, compiled::BookRulesId, rules::Cap};
#[cfg(feature = "host")]
use surety_chain::Node;
#[cfg(feature = "host")]
use surety_core::failure::Failure;
use surety_core::{
    decimal::Magnitude,
    ident::{Bytes32, EvmAddress, Name},
    spelling::iso_time,
    units::Timestamp,
};
use surety_verifier::attestation::identifiers::{PolicyId, SnapshotId};

use super::{
    AuditError,
    entry::{Reason, Verdict},
    faith::objects,
    finding::{Finding, FindingKind, warning},
    input::Input,
    library::Library,
    scan::Found,
    source::{Place, Source},
};

/// What an auditor knows of books.
#[derive(Clone, Copy, Debug, Default)]
pub struct BookAnchors<'a> {
    /// The registry of books that the auditor relies on, and the node of its chain.
    #[cfg(feature = "host")]
    pub registry: Option<(&'a Node, EvmAddress)>,
    /// The block from which on the registry's books should all be among those audited; none for no such demand.
    pub since: Option<u64>,
    /// Roots that the auditor knows from elsewhere.
    pub roots: &'a [Bytes32],
    /// Rules that the auditor has reviewed.
    pub rules: &'a [Bytes32],
}

/// A book, and the result of its audit.
#[derive(Clone, Debug, Serialize)]
pub struct BookEntry {
    /// The file, from the audited directory on.
    pub file: String,
    /// The verdict.
    pub verdict: Verdict,
    /// Why the book is not accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<Reason>,
    /// What the file says, unverified. None if it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stated: Option<StatedBook>,
    /// What the book establishes, unless it is rejected.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim: Option<EstablishedBook>,
    /// The pages beside it, if they could be read.
    #[serde(skip)]
    pub(super) pages: Option<Input>,
}

/// What the file of a book says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct StatedBook {
    /// The venue.
    pub venue: EvmAddress,
    /// The root.
    pub root: Bytes32,
    /// The identifier of the rules.
    pub rules: BookRulesId,
    /// The moment of the balances.
    pub as_of: Timestamp,
    /// The prices.
    pub snapshot: SnapshotId,
    /// The last second at which the book counts.
    pub valid_until: Timestamp,
    /// The number of pages.
    pub pages: u32,
}

/// What a book establishes.
#[derive(Clone, Debug, Serialize)]
pub struct EstablishedBook {
    /// What the rules call the venue.
    pub venue: Name,
    /// The policy that every account is held to.
    pub policy: PolicyId,
    /// The level of that policy.
    pub level: Name,
    /// The kinds of pages.
    pub kinds: Vec<KindFacts>,
    /// Room for so many accounts, most of which may be nobody's.
    pub slots: u64,
    /// The cash instrument that covers shortfalls.
    pub quote: Name,
    /// The largest sum of all shortfalls, in units of that instrument.
    pub max_shortfall: Magnitude,
    /// How much may be owed, and stand behind debts.
    pub caps: Vec<Cap>,
    /// The moment of the oldest balances that custodians state.
    pub balances_at: Timestamp,
    /// The moment of the oldest prices.
    pub prices_at: Timestamp,
    /// Whether everybody knows the secret of the set-up.
    pub insecure_srs: bool,
    /// Whether the root is one that the auditor knows, from the registry of books or from elsewhere.
    pub root_known: bool,
    /// What the registry of books says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_chain: Option<KnownBook>,
    /// What was taken on faith.
    #[serde(serialize_with = "objects")]
    pub faith: Vec<BookFaith>,
}

/// A kind of page in a book.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KindFacts {
    /// Its name.
    pub name: Name,
    /// Whether accounts may owe anything.
    pub debts: bool,
    /// The number of pages.
    pub pages: u32,
    /// Accounts in a page.
    pub accounts: u32,
}

/// Something about a book that the auditor has no anchor for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum BookFaith {
    /// The auditor does not know the root.
    BookRoot,
    /// The auditor has not reviewed the rules.
    BookRules,
}

impl fmt::Display for BookFaith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BookRoot => "that others see the book of this root",
            Self::BookRules => "that the rules are wise: their caps, their policy, and its custodians and oracle nodes",
        })
    }
}

impl BookEntry {
    /// Whether everything is or was in order.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.verdict != Verdict::Rejected
    }

    #[cfg(feature = "host")]
    fn refused(file: String, error: &dyn Failure, book: Option<&Book>) -> Self {
        let (reason, stated) = (Some(Reason::of(error)), book.map(StatedBook::of));
        Self { file, verdict: Verdict::Rejected, reason, stated, claim: None, pages: None }
    }
}

#[cfg(feature = "host")]
impl StatedBook {
    fn of(book: &Book) -> Self {
        let Book { venue, root, as_of, snapshot, valid_until, pages, .. } = *book;
        Self { venue, root, rules: book.rules.id(), as_of, snapshot, valid_until, pages }
    }
}

/// What a venue has one book for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Occasion {
    Moment(Timestamp),
    Prices(Bytes32),
}

impl fmt::Display for Occasion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Moment(time) => write!(f, "as of {}", iso_time(*time)),
            Self::Prices(snapshot) => write!(f, "over the market snapshot {snapshot}"),
        }
    }
}

/// The findings about books: those of one venue that differ although their moments or their prices are the same, which
/// different people may have been shown. The same books are found once.
pub(super) fn findings(books: &[BookEntry]) -> Vec<Finding> {
    let mut occasions: BTreeMap<(EvmAddress, Occasion), BTreeMap<Bytes32, &str>> = BTreeMap::new();
    for entry in books.iter().filter(|entry| entry.is_good()) {
        if let Some(StatedBook { venue, as_of, snapshot, root, .. }) = &entry.stated {
            for occasion in [Occasion::Moment(*as_of), Occasion::Prices(snapshot.0)] {
                occasions.entry((*venue, occasion)).or_default().entry(*root).or_insert(&entry.file);
            }
        }
    }
    let mut found = BTreeSet::new();
    occasions.retain(|_, roots| roots.len() > 1 && found.insert(roots.keys().copied().collect::<Vec<_>>()));
    occasions
        .into_iter()
        .map(|((venue, occasion), roots)| {
            let message = format!("{} books of different roots are {occasion}", roots.len());
            warning(FindingKind::SeveralBooks, Some(venue), message, roots.into_values())
        })
        .collect()
}

/// What becomes of the books of a source in which none is verified: an archive, or documents in memory.
pub(super) fn none(
    source: &Source<'_>,
    found: &Found,
    _: &Library,
) -> Result<(Vec<BookEntry>, Vec<Finding>), AuditError> {
    Ok((Vec::new(), unverifiable(source, &found.books)))
}

/// The books of an archive, which keeps no pages, or of a page, which has no room for them.
fn unverifiable(source: &Source<'_>, books: &[Place]) -> Vec<Finding> {
    let finding = |place: &Place| {
        let message = match place {
            Place::Entry { .. } => "not verified, because archives keep no pages: audit a directory with its pages.bin",
            Place::File { .. } => "not verified here: audit the directory with surety audit",
        };
        Finding::notice(FindingKind::BookWithoutPages, None, message.to_owned(), [&*source.shown(place)])
    };
    books.iter().map(finding).collect()
}

#[cfg(test)]
mod tests {
    use surety_core::ident::HexBytes;

    use super::*;

    pub(super) fn entry(file: &str, venue: u8, (as_of, snapshot): (u64, u8), root: u8) -> BookEntry {
        let stated = StatedBook {
            venue: HexBytes([venue; 20]),
            root: HexBytes([root; 32]),
            rules: BookRulesId(HexBytes([1; 32])),
            as_of: Timestamp(as_of),
            snapshot: SnapshotId(HexBytes([snapshot; 32])),
            valid_until: Timestamp(100),
            pages: 1,
        };
        let (file, stated) = (file.to_owned(), Some(stated));
        BookEntry { file, verdict: Verdict::Accepted, reason: None, stated, claim: None, pages: None }
    }

    /// The books of which one is found to be too many, and what they have in common.
    fn found(books: &[BookEntry]) -> Vec<(Vec<String>, String)> {
        let told = |finding: Finding| {
            assert_eq!((finding.kind, finding.subject), (FindingKind::SeveralBooks, Some(HexBytes([1; 20]))));
            (finding.files, finding.message)
        };
        findings(books).into_iter().map(told).collect()
    }

    /// Attack: other lists for other people.
    #[test]
    fn finds_two_books_of_one_venue_and_moment() {
        let books =
            [entry("a", 1, (5, 1), 1), entry("b", 1, (5, 1), 1), entry("c", 1, (6, 2), 2), entry("d", 2, (5, 1), 3)];
        assert_eq!(found(&books), []);
        for snapshot in [1, 3] {
            let mut books = [books.as_slice(), &[entry("e", 1, (5, snapshot), 4)]].concat();
            let [(files, message)] = &*found(&books) else { panic!("found them once for each thing in common") };
            assert_eq!(
                (files.as_slice(), message.contains("as of 1970-01-01T00:00:05Z")),
                (&["a".to_owned(), "e".to_owned()][..], true)
            );
            // A book that is rejected may be forged.
            books[4].verdict = Verdict::Rejected;
            assert_eq!(found(&books), []);
        }
    }

    /// Attack: the same, with a second between the moments.
    #[test]
    fn finds_two_books_of_one_venue_over_one_snapshot() {
        let books = [entry("a", 1, (5, 1), 1), entry("b", 1, (6, 1), 2), entry("c", 2, (6, 1), 3)];
        let [(files, message)] = &*found(&books) else { panic!("expected one finding") };
        assert_eq!(
            (files.as_slice(), message.contains("snapshot 0x0101")),
            (&["a".to_owned(), "b".to_owned()][..], true)
        );
        assert_eq!(found(&[books[0].clone(), books[2].clone()]), []);
    }
}
