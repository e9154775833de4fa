//! The books of an audit: each is verified whole, with all of its pages, from the files beside it.
//!
//! Rules are compiled here, once for each text and policy that a book names. The root is compared with the registry of
//! books that the auditor relies on, if one is named, or with the roots that the auditor knows from elsewhere.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    fmt,
    path::PathBuf,
};

use alloy_primitives::keccak256;
use rand_core::OsRng;
use serde::Serialize;
use surety_books::{
    book::{Book, BookTerms, PAGE_BYTES, Page, verify},
    compiled::{BookRulesId, CompiledRules},
    root::MAX_PAGES,
    rules::{BookRules, Cap},
};
use surety_chain::{
    ChainError, Node,
    books::{self as registry, KnownBook, ToldBook},
};
use surety_core::{
    canonical,
    decimal::Magnitude,
    failure::{AnyFailure, Failure},
    ident::{Bytes32, EvmAddress, Name},
    spelling::iso_time,
    units::Timestamp,
    visible::visible,
};
use surety_host::{
    files::{self, FileError},
    setup::Setups,
};
use surety_kzg::{Event, Observer, SrsId, progress::Stage};
use surety_margin::market::Snapshot;
use surety_verifier::attestation::{
    identifiers::{PolicyId, SnapshotId},
    rejection::{Rejection, Rule},
    report::{check_snapshot, snapshot_id},
};

use zeroize::Zeroizing;

use super::{
    AuditRequest,
    entry::{Reason, Verdict},
    faith::objects,
    finding::{Finding, FindingKind, warning},
    input::{Input, Role, sha256},
    library::{Known, Library},
    scan::Found,
    source::{Place, Source},
};

/// What an auditor knows of books.
#[derive(Clone, Copy, Debug, Default)]
pub struct BookAnchors<'a> {
    /// The registry of books that the auditor relies on, and the node of its chain.
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

    fn refused(file: String, error: &dyn Failure, book: Option<&Book>) -> Self {
        let (reason, stated) = (Some(Reason::of(error)), book.map(StatedBook::of));
        Self { file, verdict: Verdict::Rejected, reason, stated, claim: None, pages: None }
    }
}

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

/// The findings about books that the registry has of the venues whose books are audited, and that are not among those.
///
/// # Errors
/// If the node does not answer.
pub(super) fn missing_books(anchors: &BookAnchors<'_>, books: &[BookEntry]) -> Result<Vec<Finding>, ChainError> {
    let Some(((node, at), since)) = anchors.registry.zip(anchors.since) else { return Ok(Vec::new()) };
    let venues: BTreeSet<EvmAddress> = books.iter().filter_map(|entry| Some(entry.stated.as_ref()?.venue)).collect();
    let venues = Vec::from_iter(venues);
    let told = registry::told(node, at, &venues, since)?;
    let mut newest = Vec::new();
    for venue in venues {
        newest.extend(registry::newest(node, at, venue)?.map(|root| (venue, root)));
    }
    Ok(missing_among(books, &told, &newest))
}

/// Books that the node has told of and that are not here; and the newest of each venue, whatever was told.
fn missing_among(books: &[BookEntry], told: &[ToldBook], newest: &[(EvmAddress, Bytes32)]) -> Vec<Finding> {
    // What a rejected file says may be anybody's.
    let good = books.iter().filter(|entry| entry.is_good());
    let here: BTreeSet<Bytes32> = good.filter_map(|entry| Some(entry.stated.as_ref()?.root)).collect();
    let finding = |venue: &EvmAddress, message| warning(FindingKind::MissingBook, Some(*venue), message, []);
    let of_told = |ToldBook { venue, root, as_of, uri, .. }: &ToldBook| {
        let (uri, time) = (visible(uri), iso_time(*as_of));
        let book = format!("a book as of {time} that is not here: root {root}, at {uri} as the venue says");
        finding(venue, format!("the registry has {book}"))
    };
    let untold = newest.iter().filter(|(_, root)| !here.contains(root) && told.iter().all(|book| book.root != *root));
    let of_newest =
        untold.map(|(venue, root)| finding(venue, format!("the registry's newest book is not here: root {root}")));
    told.iter().filter(|book| !here.contains(&book.root)).map(of_told).chain(of_newest).collect()
}

/// Archives keep no pages, so that books in them cannot be verified.
pub(super) fn unverifiable(source: &Source<'_>, books: &[Place]) -> Vec<Finding> {
    let finding = |place: &Place| {
        let message = "not verified, because archives keep no pages: audit a directory with its pages.bin".to_owned();
        Finding::notice(FindingKind::BookWithoutPages, None, message, [&*source.shown(place)])
    };
    books.iter().map(finding).collect()
}

/// Verifies every book that was found, one after the other.
pub(super) fn judge(
    request: &AuditRequest<'_>,
    source: &Source<'_>,
    found: &Found,
    library: &Library,
    setups: &Setups,
    observer: &dyn Observer,
) -> Vec<BookEntry> {
    let total = found.books.len() as u64;
    if total == 0 {
        return Vec::new();
    }
    let mut shelf = RulesShelf::default();
    let stage = Stage::Verifying;
    observer.event(Event::Progress { stage, done: 0, total });
    let judged = found.books.iter().zip(1..).map(|(place, done)| {
        let file = source.shown(place);
        let entry = match source.read::<Book>(place) {
            Err(error) => BookEntry::refused(file, &*error, None),
            Ok(book) => {
                let bytes = read_pages(place, book.pages);
                let pages = bytes.as_ref().ok().map(|(path, bytes)| Input::new(path, sha256(bytes), Role::Pages));
                let judged = bytes.map_err(AnyFailure::from).and_then(|(_, bytes)| {
                    judge_one(request, &book, &pages_of(&bytes)?, library, (&mut shelf, setups, observer))
                });
                let entry = match judged {
                    Err(error) => BookEntry::refused(file, &*error, Some(&book)),
                    Ok(claim) => good(file, &book, claim, request.at),
                };
                BookEntry { pages, ..entry }
            }
        };
        observer.event(Event::Progress { stage, done, total });
        entry
    });
    judged.collect()
}

/// A book in order, though it may have lapsed.
fn good(file: String, book: &Book, claim: EstablishedBook, at: Timestamp) -> BookEntry {
    let lapsed = book.valid_until < at;
    let (verdict, reason) =
        if lapsed { (Verdict::Lapsed, Some(Reason::lapsed(book.valid_until, at))) } else { (Verdict::Accepted, None) };
    BookEntry { file, verdict, reason, stated: Some(StatedBook::of(book)), claim: Some(claim), pages: None }
}

fn judge_one(
    request: &AuditRequest<'_>,
    book: &Book,
    pages: &[Page],
    library: &Library,
    (shelf, setups, observer): (&mut RulesShelf, &Setups, &dyn Observer),
) -> Result<EstablishedBook, AnyFailure> {
    let rules = shelf.find(book, library, setups, observer)?;
    let snapshot = snapshot_of(book, rules, library)?;
    let on_chain = on_chain(request, book)?;
    let known = on_chain.as_ref().map(|known| known.root);
    let known = known.or_else(|| request.books.roots.iter().find(|root| **root == book.root).copied());
    let terms = BookTerms {
        allow_insecure_srs: request.allow_insecure_srs,
        root: known,
        now: request.at.min(book.valid_until),
    };
    let accepted = verify(book, pages, rules, snapshot, &terms, &mut OsRng)?;
    let reviewed = request.books.rules.contains(&book.rules.id().0);
    let faith = [(accepted.root_known, BookFaith::BookRoot), (reviewed, BookFaith::BookRules)];
    let faith: Vec<_> = faith.into_iter().filter_map(|(known, faith)| (!known).then_some(faith)).collect();
    if let Some(first) = faith.first().filter(|_| request.strict) {
        let expected = "a registry of books or a known root, and rules that you have reviewed, as you are strict";
        return Err(Rejection::new(Rule::Strict, "book", expected, format!("faith {first}")).into());
    }
    let kinds = book.rules.kinds.iter().zip(&accepted.pages).map(|(kind, pages)| KindFacts {
        name: kind.name.clone(),
        debts: kind.debts,
        pages: *pages,
        accounts: kind.accounts,
    });
    Ok(EstablishedBook {
        venue: rules.rules.venue.clone(),
        policy: rules.policy.id(),
        level: rules.rules.level.clone(),
        kinds: kinds.collect(),
        slots: accepted.slots,
        quote: rules.rules.quote.clone(),
        max_shortfall: rules.rules.max_shortfall,
        caps: rules.rules.caps.clone(),
        balances_at: accepted.balances_at,
        prices_at: accepted.prices_at,
        insecure_srs: accepted.insecure_srs,
        root_known: accepted.root_known,
        on_chain,
        faith,
    })
}

/// The bytes of the pages beside a book of so many, at most those of one more, and where they are.
fn read_pages(place: &Place, pages: u32) -> Result<(PathBuf, Zeroizing<Vec<u8>>), FileError> {
    let path = PathBuf::from(place.name()).with_file_name("pages.bin");
    let most = (u64::from(pages) + 1).min(MAX_PAGES as u64);
    let bytes = files::read(&path, most * PAGE_BYTES as u64)?;
    Ok((path, bytes))
}

fn pages_of(bytes: &[u8]) -> Result<Vec<Page>, Rejection> {
    let found =
        |problem: surety_core::problem::Problem| Rejection::new(Rule::Page, "pages", problem.expected, problem.found);
    Page::all_from_bytes(bytes).map_err(found)
}

/// What the registry that the auditor relies on says of a book; none where there is no registry.
fn on_chain(request: &AuditRequest<'_>, book: &Book) -> Result<Option<KnownBook>, ChainError> {
    request.books.registry.map(|(node, at)| registry::known(node, at, book)).transpose()
}

fn snapshot_of<'a>(book: &Book, rules: &CompiledRules, library: &'a Library) -> Result<&'a Snapshot, Rejection> {
    // Files with different reports or signatures can be the same snapshot. Whoever adds one that is no good must not
    // spoil it for everybody.
    let fitting = || library.snapshots.iter().filter(|snapshot| snapshot_id(&rules.policy, snapshot) == book.snapshot);
    let good = fitting().find(|snapshot| check_snapshot(&rules.policy, snapshot).is_ok());
    good.or_else(|| fitting().next())
        .ok_or_else(|| missing("market", format!("the market snapshot {}", book.snapshot.0)))
}

/// Rules that were compiled, by the hash of their text and the policy: books that differ in what they say of the rest
/// are not worth another compilation.
#[derive(Default)]
struct RulesShelf(BTreeMap<(Bytes32, Bytes32), CompiledRules>);

impl RulesShelf {
    fn find(
        &mut self,
        book: &Book,
        library: &Library,
        setups: &Setups,
        observer: &dyn Observer,
    ) -> Result<&CompiledRules, AnyFailure> {
        let key = (book.rules.document, book.rules.policy.0);
        let compiled = match self.0.entry(key) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(Self::compile(book, library, setups, observer)?),
        };
        let id = book.rules.id();
        if compiled.summary().id() != id {
            return Err(missing("book: rules", format!("rules, policy and universe that compile to {}", id.0)).into());
        }
        Ok(compiled)
    }

    fn compile(
        book: &Book,
        library: &Library,
        setups: &Setups,
        observer: &dyn Observer,
    ) -> Result<CompiledRules, AnyFailure> {
        let wanted = book.rules.document;
        let is_wanted = |rules: &&BookRules| canonical::encode(rules).is_ok_and(|text| keccak256(text).0 == wanted.0);
        let rules = library.book_rules.iter().find(is_wanted);
        let rules = rules.ok_or_else(|| missing("book: rules", format!("rules whose text hashes to {wanted}")))?;
        let is_policy = |known: &&Known| known.policy.id() == book.rules.policy;
        let policy = library.policies.iter().find(is_policy);
        let none = || missing("policy", format!("the policy {}, with its universe and set-up", book.rules.policy.0));
        let policy = policy.ok_or_else(none)?.policy.clone();
        let universe = policy.universe();
        let params = setups.params(SrsId::from(universe.srs), universe.capacity, observer)?;
        Ok(CompiledRules::compile(rules.clone(), policy, &params)?)
    }
}

fn missing(input: &str, expected: String) -> Rejection {
    Rejection::new(Rule::Reference, input, format!("{expected}, in the directory or below it"), "none")
}

#[cfg(test)]
mod tests {
    use surety_core::ident::HexBytes;

    use super::*;

    fn entry(file: &str, venue: u8, (as_of, snapshot): (u64, u8), root: u8) -> BookEntry {
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

    /// Attack: a venue that hands over the books that it likes.
    #[test]
    fn finds_books_of_the_registry_that_are_not_here() {
        let told = |root| ToldBook {
            venue: HexBytes([1; 20]),
            root: HexBytes([root; 32]),
            rules: HexBytes([1; 32]),
            as_of: Timestamp(5),
            uri: "ipfs://\u{202e}book".to_owned(),
        };
        let newest = |root| [(HexBytes([1; 20]), HexBytes([root; 32]))];
        let mut books = [entry("a", 1, (5, 1), 1), entry("b", 1, (6, 2), 2)];
        assert_eq!(missing_among(&books, &[told(1), told(2)], &newest(2)), []);
        let missing = missing_among(&books, &[told(1), told(3)], &newest(3));
        let [missing] = &*missing else { panic!("once, although it is the newest as well: {missing:?}") };
        assert_eq!((missing.kind, missing.subject), (FindingKind::MissingBook, Some(HexBytes([1; 20]))));
        assert!(
            missing.message.contains("as of 1970-01-01T00:00:05Z") && !missing.message.contains('\u{202e}'),
            "{}",
            missing.message
        );
        // Published before the block that was asked from, or kept back by the node.
        let [missing] = &*missing_among(&books, &[], &newest(3)) else { panic!("the newest") };
        assert!(missing.message.contains("newest"), "{}", missing.message);
        // A file that merely says the root.
        books[1].verdict = Verdict::Rejected;
        assert_eq!(missing_among(&books, &[told(2)], &[]).len(), 1);
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

    /// Attack: a file that fills the auditor's memory.
    #[test]
    fn rejects_files_of_more_pages_than_books_say() {
        let directory = tempfile::tempdir().unwrap();
        let place = Place::File { path: directory.path().join("book.json"), sha256: None };
        let read = |pages, bytes| {
            std::fs::write(directory.path().join("pages.bin"), vec![0; bytes]).unwrap();
            let (_, bytes) = read_pages(&place, pages).map_err(|error| error.to_string())?;
            pages_of(&bytes).map(|pages| pages.len()).map_err(|error| error.to_string())
        };
        assert_eq!(read(2, 2 * PAGE_BYTES), Ok(2));
        // The error then says how many there are.
        assert_eq!(read(2, 3 * PAGE_BYTES), Ok(3));
        assert!(read(2, 3 * PAGE_BYTES + 1).unwrap_err().contains("at most"));
        assert_eq!(read(u32::MAX, PAGE_BYTES), Ok(1));
        assert!(read(0, 2 * PAGE_BYTES).is_err() && read(0, 0).is_err());
    }
}
