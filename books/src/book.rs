//! What a venue publishes of an epoch, and how an auditor verifies it.
//!
//! Two files: the book itself, and its pages, each `kind (4 bytes) ‖ C_j (64 bytes) ‖ proof`, one after the other.
//! Verifying them takes public files alone: the rules, the policy, its universe, and the snapshot.

use std::collections::BTreeMap;

use alloy_primitives::keccak256;
use ff::Field as _;
use halo2curves::bn256::{Fr, G1Affine};
use rand_core::{CryptoRng, RngCore};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    ident::{Bytes32, EvmAddress, HexBytes},
    kind::{Kind, KindOf, Kinded},
    problem::Problem,
    text::Document,
    units::{Price, Timestamp},
};
use surety_kzg::{HoldingCommitment, Lanes, point::G1_BYTES};
use surety_margin::market::Snapshot;
use surety_verifier::{
    KnownCommitments, PairingCheck, ProofError, Rejection, Rule, Statement,
    attestation::{
        check::{check_breaker, check_set_up},
        compiled::ProgramCommitments,
        eip712::{Audience, address, hash_words, number},
        freshness::{StatementTimes, check_freshness},
        identifiers::SnapshotId,
        rejection::{require, same},
        report::{check_snapshot, snapshot_id},
        signature::KnownKeys,
        statement::{self, Expectations},
    },
    proof::{
        batch,
        encoding::{PROOF_BYTES, ProofBytes},
        pairing::PairingKey,
    },
};

use crate::{
    compiled::{CommittedProgram, CompiledRules, RulesSummary},
    root::{BookHeader, Leaf, MAX_PAGES, Tree, reserves_context, root},
};

/// What a registry of books says of a root.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct KnownBook {
    /// The root.
    pub root: Bytes32,
    /// The venue.
    pub venue: EvmAddress,
    /// The identifier of the book's rules.
    pub rules: Bytes32,
    /// The epoch of the prices.
    pub epoch: u64,
    /// The moment of the balances.
    pub as_of: Timestamp,
    /// The last second at which the book counts.
    pub valid_until: Timestamp,
    /// The number of pages.
    pub pages: u32,
    /// Whether the registry has no newer book of the venue, and the book still counts there.
    pub counts: bool,
}

/// Bytes of a page in the file of pages.
pub const PAGE_BYTES: usize = 4 + G1_BYTES + PROOF_BYTES;

/// What a book that passed every check establishes.
pub const ESTABLISHED: &str = "at the snapshot's prices, the margin of every account in the book, together with its \
     shortfall, was not negative; what custodians signed covered what was owed in every asset, and the sum of the \
     shortfalls in the quote instrument; debts and balances behind debts were within their caps";

/// What no book establishes.
pub const NOT_ESTABLISHED: [&str; 5] = [
    "that every customer is in the book: only customers know, who check their cells",
    "that the venue owes nothing outside of the book, and that reserves were not borrowed for the day",
    "that caps are small enough for how liquid the instruments are",
    "that accounts belong to different people, or to customers at all",
    "anything about balances before or after the times stated",
];

/// What a venue publishes of an epoch, beside the pages.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Book {
    /// The format.
    pub kind: KindOf<Book>,
    /// Version of the format.
    pub version: FormatVersion,
    /// Whom it is published for.
    pub audience: Audience,
    /// The venue: the subject of the custodians' statements.
    pub venue: EvmAddress,
    /// The moment of the balances.
    pub as_of: Timestamp,
    /// The last second at which it counts.
    pub valid_until: Timestamp,
    /// The prices.
    pub snapshot: SnapshotId,
    /// What its rules are identified by.
    pub rules: RulesSummary,
    /// How many pages there are.
    pub pages: u32,
    /// The sum of the commitments to the pages, `x ‖ y`.
    pub sum: HexBytes<G1_BYTES>,
    /// The root.
    pub root: Bytes32,
    /// What custodians state about the venue.
    pub statements: Vec<Statement>,
    /// The proof of the reserves.
    pub reserves: ProofBytes,
}

impl Kinded for Book {
    const KIND: Kind = Kind::Book;
}

/// What a book must satisfy depends on its rules: see [`verify`].
impl Document for Book {
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

impl Book {
    /// The hash of everything that it is about but its pages.
    #[must_use]
    pub fn header(&self) -> BookHeader {
        let words = [
            keccak256("surety/book/v1").0,
            self.rules.id().0.0,
            self.snapshot.0.0,
            number(self.audience.chain_id.into()),
            address(&self.audience.registry),
            address(&self.venue),
            number(self.as_of.0.into()),
            number(self.valid_until.0.into()),
        ];
        BookHeader(HexBytes(hash_words(&words)))
    }

    /// The book with these pages: their number, the sum of their commitments, and the root over them. None without
    /// pages.
    #[must_use]
    pub fn over(&self, pages: &[Page], sum: &HoldingCommitment) -> Option<Self> {
        let (count, top) = (u32::try_from(pages.len()).ok()?, Page::tree(pages)?.top());
        let root = root(self.header(), count, top, sum);
        Some(Self { pages: count, sum: HexBytes(sum.to_bytes()), root, ..self.clone() })
    }
}

/// A page as it is published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The place of its kind among those of the rules.
    pub kind: u32,
    /// The commitment to its column.
    pub commitment: HexBytes<G1_BYTES>,
    /// The proof.
    pub proof: ProofBytes,
}

impl Page {
    /// Encodes it.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        [self.kind.to_be_bytes().as_slice(), &self.commitment.0, &self.proof.0].concat()
    }

    /// Decodes the file of pages.
    ///
    /// # Errors
    /// If it is not a whole number of pages, from one to [`MAX_PAGES`].
    pub fn all_from_bytes(bytes: &[u8]) -> Result<Vec<Self>, Problem> {
        let (pages, rest) = bytes.as_chunks::<PAGE_BYTES>();
        if !rest.is_empty() || pages.is_empty() || pages.len() > MAX_PAGES {
            let expected = format!("from one to {MAX_PAGES} pages of {PAGE_BYTES} bytes each");
            return Err(Problem::new("pages", expected, format!("{} bytes", bytes.len())));
        }
        Ok(pages.iter().map(Self::from_bytes).collect())
    }

    fn from_bytes(bytes: &[u8; PAGE_BYTES]) -> Self {
        Self {
            kind: u32::from_be_bytes(core::array::from_fn(|i| bytes[i])),
            commitment: HexBytes(core::array::from_fn(|i| bytes[4 + i])),
            proof: HexBytes(core::array::from_fn(|i| bytes[4 + G1_BYTES + i])),
        }
    }

    /// The tree over pages in their order; none without pages.
    #[must_use]
    pub fn tree(pages: &[Self]) -> Option<Tree> {
        Tree::new(pages.iter().zip(0..).map(|(page, index)| page.leaf(index).hash()).collect())
    }

    /// The page as the root commits to it.
    #[must_use]
    pub fn leaf(&self, index: u32) -> Leaf {
        Leaf { index, kind: self.kind, commitment: self.commitment }
    }
}

/// What an auditor brings along.
#[derive(Clone, Copy, Debug)]
pub struct BookTerms {
    /// Whether to accept a set-up whose secret everybody knows. Such a proof proves nothing.
    pub allow_insecure_srs: bool,
    /// The root that the auditor knows from elsewhere: only that makes sure that everybody sees the same book.
    pub root: Option<Bytes32>,
    /// The time.
    pub now: Timestamp,
}

/// A book that passed every check.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AcceptedBook {
    /// The root.
    pub root: Bytes32,
    /// The venue.
    pub venue: EvmAddress,
    /// Pages of each kind, in the order of the rules.
    pub pages: Vec<u32>,
    /// Room for so many accounts, most of which may be nobody's.
    pub slots: u64,
    /// The moment of the oldest balances.
    pub balances_at: Timestamp,
    /// The moment of the oldest prices.
    pub prices_at: Timestamp,
    /// The last second at which it counts.
    pub valid_until: Timestamp,
    /// Whether everybody knows the secret of the set-up.
    pub insecure_srs: bool,
    /// Whether the root is the one that the auditor knows from elsewhere.
    pub root_known: bool,
}

/// Verifies a book: that its pages are those of its root, that their proofs and that of the reserves are valid, and
/// that statements and prices keep the policy's rules. Pass the operating system's generator.
///
/// # Errors
/// The first rule that is broken; of pages whose proofs are not valid, all are named.
pub fn verify(
    book: &Book,
    pages: &[Page],
    rules: &CompiledRules,
    snapshot: &Snapshot,
    terms: &BookTerms,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<AcceptedBook, Rejection> {
    let policy = &rules.policy;
    let refers = |input: &str, expected: Bytes32, found: Bytes32| {
        same(Rule::Reference, input, "that of your files,", expected, found)
    };
    refers("book: rules", rules.summary().id().0, book.rules.id().0)?;
    refers("book: snapshot", snapshot_id(policy, snapshot).0, book.snapshot.0)?;
    if let Some(known) = terms.root {
        same(Rule::Anchor, "book: root", "the one that you know,", known, book.root)?;
    }
    let key = &rules.committed_reserves.key;
    let insecure_srs = check_set_up(key, None, terms.allow_insecure_srs)?;
    let market = check_snapshot(policy, snapshot)?;
    check_breaker(policy, &market)?;
    let points = check_list(book, pages, rules)?;
    let sum = check_root(book, pages, &points)?;
    let expectations = Expectations {
        policy,
        audience: &book.audience,
        subject: &book.venue,
        keys: &KnownKeys::default(),
        contract_sources: false,
    };
    let set = statement::check(&book.statements, &expectations)?;
    check_moment(book, rules, &set.times)?;
    check_freshness(book.valid_until, policy.policy(), (snapshot, &market), &set.times, terms.now)?;
    let left = set.holdings.plus(&-*sum.point()).map_err(|error| {
        let expected = "statements that hide something beside the pages";
        Rejection::new(Rule::HoldingCommitment, "book: statements", expected, error.to_string())
    })?;
    let header = book.header();
    let of_kind = rules.kinds.iter().map(|kind| Known::of(&kind.committed, &market.prices));
    let of_kind = of_kind.collect::<Result<Vec<_>, _>>()?;
    let of_reserves = Known::of(&rules.committed_reserves, &[])?;
    let listed = pages.iter().zip(&points).zip(0..);
    let of_pages = listed.map(|((page, hold), index)| {
        let (input, context) = (format!("pages: page {index}"), page.leaf(index).context(header));
        Claim { input, program: &of_kind[page.kind as usize], hold, context, proof: &page.proof }
    });
    let mut claims: Vec<_> = of_pages.collect();
    let context = reserves_context(book.root, &set.hashes);
    let (input, program, proof) = ("book: reserves".to_owned(), &of_reserves, &book.reserves);
    claims.push(Claim { input, program, hold: &left, context, proof });
    check_proofs(&claims, rng)?;
    let mut of_kind = vec![0; rules.kinds.len()];
    pages.iter().for_each(|page| of_kind[page.kind as usize] += 1);
    let slots = of_kind.iter().zip(&book.rules.kinds).map(|(pages, kind)| u64::from(*pages) * u64::from(kind.accounts));
    Ok(AcceptedBook {
        root: book.root,
        venue: book.venue,
        slots: slots.sum(),
        pages: of_kind,
        balances_at: set.times.oldest,
        prices_at: market.oldest,
        valid_until: book.valid_until,
        insecure_srs,
        root_known: terms.root.is_some(),
    })
}

/// Verifies the proof of one page at its place in a book, at the prices of the book's snapshot.
///
/// # Errors
/// If there is no such kind, the commitment is no point, or the proof is not valid.
pub fn verify_page(
    page: &Page,
    leaf: (BookHeader, u32),
    rules: &CompiledRules,
    prices: &[Price],
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(), Rejection> {
    let (header, index) = leaf;
    let input = format!("pages: page {index}");
    let hold = check_kind_and_point(page, &input, rules)?;
    let program = Known::of(&rules.kinds[page.kind as usize].committed, prices)?;
    let context = page.leaf(index).context(header);
    check_proofs(&[Claim { input, program: &program, hold: &hold, context, proof: &page.proof }], rng)
}

/// The commitments of the pages, if these are as many as the book says, of kinds that there are, and no two alike.
fn check_list(book: &Book, pages: &[Page], rules: &CompiledRules) -> Result<Vec<HoldingCommitment>, Rejection> {
    same(Rule::Page, "pages: number of pages", "that of the book,", book.pages as usize, pages.len())?;
    let mut points = Vec::with_capacity(pages.len());
    let mut seen = BTreeMap::new();
    for (index, page) in pages.iter().enumerate() {
        let input = format!("pages: page {index}");
        points.push(check_kind_and_point(page, &input, rules)?);
        // A page of net borrowers that counts twice would make the venue owe less.
        if let Some(before) = seen.insert(page.commitment.0, index) {
            let expected = "a commitment that no other page has";
            return Err(Rejection::new(Rule::Page, input, expected, format!("that of page {before}")));
        }
    }
    Ok(points)
}

/// The commitment of a page, if it is a point, and the kind is one of the rules.
fn check_kind_and_point(page: &Page, input: &str, rules: &CompiledRules) -> Result<HoldingCommitment, Rejection> {
    require((page.kind as usize) < rules.kinds.len(), Rule::Page, input, || {
        (format!("a kind below {}, the number of those in the rules", rules.kinds.len()), page.kind.to_string())
    })?;
    HoldingCommitment::from_bytes(&page.commitment.0)
        .map_err(|error| Rejection::new(Rule::Page, input, "a commitment that is a point", error.to_string()))
}

/// The sum of the pages, if root and sum are those of the list.
fn check_root(book: &Book, pages: &[Page], points: &[HoldingCommitment]) -> Result<HoldingCommitment, Rejection> {
    let sum = HoldingCommitment::sum(points).map_err(|error| {
        Rejection::new(Rule::Page, "pages", "commitments that do not cancel each other", error.to_string())
    })?;
    let none = || Rejection::new(Rule::Page, "pages", "at least one", "none");
    let listed = book.over(pages, &sum).ok_or_else(none)?;
    same(Rule::Root, "book: sum", "that of the pages,", listed.sum, book.sum)?;
    same(Rule::Root, "book: root", "that of the pages,", listed.root, book.root)?;
    Ok(sum)
}

/// The balances of accounts and the reserves are of one moment, up to the policy's skew.
fn check_moment(book: &Book, rules: &CompiledRules, times: &StatementTimes) -> Result<(), Rejection> {
    let skew = rules.policy.policy().statements.max_skew.0;
    let apart = book.as_of.0.abs_diff(times.oldest.0).max(book.as_of.0.abs_diff(times.newest.0));
    require(apart <= skew, Rule::StatementSkew, "book: as of", || {
        (format!("at most {skew} seconds from the times of the statements"), format!("{apart} seconds"))
    })
}

/// What verifiers know of a program at the prices.
struct Known<'a> {
    program: &'a CommittedProgram,
    coef: G1Affine,
}

impl<'a> Known<'a> {
    fn of(program: &'a CommittedProgram, prices: &[Price]) -> Result<Self, Rejection> {
        let coef = program.commitments.coef(prices).map_err(|error| {
            Rejection::new(Rule::Market, "market: prices", "one for each entry of the policy", error.to_string())
        })?;
        Ok(Self { program, coef })
    }
}

/// A claim that a proof is one for.
struct Claim<'a> {
    input: String,
    program: &'a Known<'a>,
    hold: &'a HoldingCommitment,
    context: Fr,
    proof: &'a ProofBytes,
}

impl Claim<'_> {
    fn reduce(&self) -> Result<PairingCheck, Rejection> {
        let Known { program, coef } = *self.program;
        let ProgramCommitments { idx, flag, .. } = program.commitments;
        let known = KnownCommitments { idx, flag, coef, hold: *self.hold.point() };
        let refused = |error: ProofError| refused(self.input.clone(), error.to_string());
        program.key.reduce(self.context, &known, &self.proof.0).map_err(refused)
    }
}

fn refused(input: String, found: String) -> Rejection {
    Rejection::new(Rule::Proof, input, "a valid proof of this page of this book", found)
}

/// Verifies proofs with one pairing, and names those that are not valid.
fn check_proofs(claims: &[Claim<'_>], rng: &mut (impl RngCore + CryptoRng)) -> Result<(), Rejection> {
    let checks = claims.iter().map(Claim::reduce).collect::<Result<Vec<_>, _>>()?;
    let weights: Vec<Fr> = checks.iter().map(|_| Fr::random(&mut *rng)).collect();
    let keys: Vec<&PairingKey> = claims.iter().map(|claim| claim.program.program.key.pairing_key()).collect();
    let failing = batch::failures(checks, &weights, &keys, Lanes::One);
    let failing = failing.map_err(|error| refused("pages".to_owned(), error.to_string()))?;
    let names: Vec<&str> = failing.into_iter().map(|at| claims[at].input.as_str()).collect();
    if names.is_empty() { Ok(()) } else { Err(refused(names.join(", "), "an invalid one".to_owned())) }
}
