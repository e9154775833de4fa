//! Verification of books, with the pages beside them, and comparison with a registry.

use std::{
    collections::{BTreeMap, BTreeSet, btree_map::Entry},
    path::PathBuf,
};

use alloy_primitives::keccak256;
use rand_core::OsRng;
use surety_books::{
    book::{Book, BookTerms, KnownBook, PAGE_BYTES, Page, verify},
    compiled::CompiledRules,
    root::MAX_PAGES,
    rules::BookRules,
};
use surety_chain::{
    ChainError,
    books::{self as registry, ToldBook},
};
use surety_core::{
    canonical,
    failure::AnyFailure,
    ident::{Bytes32, EvmAddress},
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
    rejection::{Rejection, Rule},
    report::{check_snapshot, snapshot_id},
};
use zeroize::Zeroizing;

use super::{BookAnchors, BookEntry, BookFaith, EstablishedBook, KindFacts, StatedBook};
use crate::audit::{
    AuditRequest,
    entry::{Reason, Verdict},
    finding::{Finding, FindingKind, warning},
    input::{Input, Role, sha256},
    library::{Known, Library},
    scan::Found,
    source::{Place, Source},
};

/// The findings about books that the registry has of the venues whose books are audited, and that are not among those.
///
/// # Errors
/// If the node does not answer.
pub(in crate::audit) fn missing_books(
    anchors: &BookAnchors<'_>,
    books: &[BookEntry],
) -> Result<Vec<Finding>, ChainError> {
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

/// Verifies every book that was found, one after the other.
pub(in crate::audit) fn judge(
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

    use super::{super::tests::entry, *};

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
