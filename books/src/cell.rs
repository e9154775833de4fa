//! What a user gets and checks: the balances that the venue counts for them, and that exactly these are in the book.

use core::fmt;

use alloy_primitives::keccak256;
use halo2curves::bn256::Fr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    kind::{Kind, KindOf, Kinded},
    problem::{Problem, require},
    text::Document,
    units::{Lots, Timestamp},
};
use surety_kzg::{
    HoldingCommitment, SecretScalars,
    cell::{Cell, CellKey, CellLayout, CellVerifier, Coset, Opening},
    point::{self, G1_BYTES, G2_BYTES, PointError},
    scalar,
    srs::VerifierKey,
};
use surety_margin::{holdings::Balance, universe::Universe};
use surety_verifier::{
    Rejection, Rule, VerifyingKey,
    attestation::{
        check::check_set_up,
        eip712::{address, hash_words},
        identifiers::UniverseId,
        rejection::same,
    },
    proof::transcript::reduce,
};
use zeroize::Zeroize as _;

use crate::{
    book::Book,
    compiled::KindSummary,
    layout::{PageLayout, PageLayoutError},
    root::{Leaf, root, top_from},
};

/// A user's part of a book. Secret: for the user alone.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CellFile {
    /// The format.
    pub kind: KindOf<CellFile>,
    /// Version of the format.
    pub version: FormatVersion,
    /// The root of the book.
    pub root: Bytes32,
    /// The page, by its place in the book.
    pub page: u32,
    /// The kind of the page.
    pub page_kind: Name,
    /// The coset of the page that is the user's.
    pub coset: u32,
    /// The commitment to the page, `x ‖ y`.
    pub commitment: HexBytes<G1_BYTES>,
    /// The hashes beside the way from the page to the root, from below.
    pub path: Vec<Bytes32>,
    /// The opening of the page at the coset, `x ‖ y`.
    pub opening: HexBytes<G1_BYTES>,
    /// The user, as the venue and the user know them.
    pub user: String,
    /// What the user has chosen, so that no other user can have the same cell.
    pub nonce: Bytes32,
    /// What the venue has drawn, so that nobody who knows user and nonce can guess balances.
    pub salt: Bytes32,
    /// The balances, each instrument at most once; nothing of those that are not named.
    pub balances: Vec<Balance>,
}

impl fmt::Debug for CellFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CellFile").field("root", &self.root).finish_non_exhaustive()
    }
}

impl Kinded for CellFile {
    const KIND: Kind = Kind::Cell;
}

/// Longest name of a user, in bytes.
pub const MAX_USER: usize = 256;

impl Document for CellFile {
    const SECRET: bool = true;

    fn problems(&self) -> Vec<Problem> {
        let named = (1..=MAX_USER).contains(&self.user.len());
        Vec::from_iter(require(named, "user", format!("from 1 to {MAX_USER} bytes"), "a name of another length"))
    }
}

/// The value of the row of a user's identity.
#[must_use]
pub fn identity(venue: &EvmAddress, user: &str, nonce: &Bytes32, salt: &Bytes32) -> Fr {
    let tag = keccak256("surety/book-identity/v1").0;
    reduce(&hash_words(&[tag, address(venue), keccak256(user).0, nonce.0, salt.0]))
}

/// What a user brings along.
#[derive(Clone, Copy, Debug, Default)]
pub struct CellTerms<'a> {
    /// The root that the user knows from elsewhere: a chain, a newspaper, other users.
    pub root: Option<Bytes32>,
    /// The name that the venue knows the user by.
    pub user: Option<&'a str>,
    /// What the user has chosen.
    pub nonce: Option<Bytes32>,
}

/// A cell, and the public files that it is checked with.
pub struct CellFiles<'a> {
    /// The cell.
    pub cell: &'a CellFile,
    /// Its book.
    pub book: &'a Book,
    /// The universe of the book.
    pub universe: &'a Universe,
    /// The keys that go with the book.
    pub keys: &'a CellKeys,
    /// A key of the universe's set-up.
    pub set_up: &'a VerifyingKey,
}

/// What a cell that passed every check says to its user. Secret, as the cell is.
#[derive(Serialize)]
pub struct CellFindings {
    /// The user.
    pub user: String,
    /// The venue.
    pub venue: EvmAddress,
    /// The root of the book.
    pub root: Bytes32,
    /// The moment of the balances.
    pub as_of: Timestamp,
    /// The last second at which the book counts.
    pub valid_until: Timestamp,
    /// The page, by its place in the book.
    pub page: u32,
    /// The balances.
    pub balances: Vec<FoundBalance>,
    /// What the user has not said, so that it was believed.
    pub taken_on_faith: Vec<&'static str>,
    /// Whether everybody knows the secret of the set-up.
    pub insecure_srs: bool,
}

/// A balance as users know it: the venue says how many lots a unit has.
#[derive(Serialize)]
pub struct FoundBalance {
    /// The instrument.
    pub instrument: Name,
    /// How many lots.
    pub lots: Lots,
    /// The same in units.
    pub units: String,
}

impl FoundBalance {
    fn of(balance: &Balance, universe: &Universe) -> Option<Self> {
        let instrument = universe.instruments.iter().find(|it| it.name == balance.instrument)?;
        let units = balance.lots.in_units(instrument.lot_decimals);
        Some(Self { instrument: balance.instrument.clone(), lots: balance.lots, units })
    }
}

impl Drop for FoundBalance {
    fn drop(&mut self) {
        self.lots.zeroize();
        self.units.zeroize();
    }
}

impl CellFiles<'_> {
    /// Checks the cell as [`check`] does, with the key that the files have, whose set-up may only be one that everybody
    /// knows the secret of if `allow_insecure_srs`.
    ///
    /// # Errors
    /// The first rule that is broken. Never says a balance.
    pub fn check(&self, terms: &CellTerms<'_>, allow_insecure_srs: bool) -> Result<CellFindings, Rejection> {
        let Self { cell, book, universe, keys, set_up } = self;
        let insecure_srs = check_set_up(set_up, None, allow_insecure_srs)?;
        let (kind, _) = kind_of(cell, book)?;
        let layout = layout(kind, universe)?;
        let key = keys.key(set_up.srs(), layout.cells().rows_of_a_coset())?;
        check_in(cell, book, universe, key, terms, |_| Ok(layout.into_cells()))?;
        let chosen = terms.nonce.is_some_and(|nonce| nonce != Bytes32::ZERO);
        let known = [terms.root.is_some(), terms.user.is_some(), chosen];
        let on_faith = ON_FAITH.into_iter().zip(known).filter_map(|(faith, known)| (!known).then_some(faith));
        Ok(CellFindings {
            user: cell.user.clone(),
            venue: book.venue,
            root: book.root,
            as_of: book.as_of,
            valid_until: book.valid_until,
            page: cell.page,
            // Each is of an instrument of the universe, as was checked.
            balances: cell.balances.iter().filter_map(|balance| FoundBalance::of(balance, universe)).collect(),
            taken_on_faith: on_faith.collect(),
            insecure_srs,
        })
    }
}

/// What is believed where the user does not say the root, the name and a nonce.
const ON_FAITH: [&str; 3] = [
    "that others see the book of this root: compare it, or give the root",
    "that this is your account, and not one of another name: give your name",
    "that no other user was given this cell: give the venue a nonce that you have chosen, and give it here",
];

/// The root of a cell's book, and the kind of its page.
#[derive(Clone, Debug)]
struct Placed<'a> {
    kind: &'a KindSummary,
    commitment: HoldingCommitment,
}

/// Checks a cell against its book: the page is in the book, and the user's rows of the page hold the user's identity
/// and balances, and nothing else. `key` is of the book's set-up, see [`CellKey`].
///
/// # Errors
/// The first rule that is broken. Never says a balance.
pub fn check(
    cell: &CellFile,
    book: &Book,
    universe: &Universe,
    key: CellKey,
    terms: &CellTerms<'_>,
) -> Result<(), Rejection> {
    check_in(cell, book, universe, key, terms, |kind| Ok(layout(kind, universe)?.into_cells()))
}

/// The same, with a layout of the kind of the cell's page that is found after everything before it has been checked.
fn check_in(
    cell: &CellFile,
    book: &Book,
    universe: &Universe,
    key: CellKey,
    terms: &CellTerms<'_>,
    layout: impl FnOnce(&KindSummary) -> Result<CellLayout, Rejection>,
) -> Result<(), Rejection> {
    let known = |input: &str, expected: Option<String>, found: String| match expected {
        Some(expected) => same(Rule::Anchor, input, "what you know,", expected, found),
        None => Ok(()),
    };
    known("book: root", terms.root.map(|root| root.to_string()), book.root.to_string())?;
    known("cell: user", terms.user.map(str::to_owned), cell.user.clone())?;
    known("cell: nonce", terms.nonce.map(|nonce| nonce.to_string()), cell.nonce.to_string())?;
    same(Rule::Reference, "cell: root", "that of the book,", book.root, cell.root)?;
    let found = UniverseId::of(universe)
        .map_err(|error| Rejection::new(Rule::Reference, "universe", "one that can be encoded", error.to_string()))?;
    same(Rule::Reference, "universe", "that of the book,", book.rules.universe.0, found.0)?;
    same(Rule::Reference, "cell key: set-up", "that of the universe,", universe.srs, key.srs().bytes())?;
    let Placed { kind, commitment } = placed(cell, book)?;
    let refused = |input: &str, expected: &str, found: String| Rejection::new(Rule::Cell, input, expected, found);
    let verifier = CellVerifier::new(key, layout(kind)?)
        .map_err(|error| refused("cell key", "one for the layout of the page", error.to_string()))?;
    let opening =
        Opening::from_bytes(&cell.opening.0).map_err(|error| refused("cell: opening", "a point", error.to_string()))?;
    let values = values(cell, book, universe, kind)?;
    let coset = Coset(cell.coset as usize);
    verifier
        .verify(Cell { commitment: &commitment, coset, values: &values, opening: &opening })
        .map_err(|error| refused("cell", "your identity and balances in the page", error.to_string()))
}

fn layout(kind: &KindSummary, universe: &Universe) -> Result<PageLayout, Rejection> {
    let refused = |error: PageLayoutError| Rejection::new(Rule::Cell, "book: kind", "a layout", error.to_string());
    kind.layout(universe).map_err(refused)
}

/// The kind of a cell's page, and the place of the kind among those of the rules.
fn kind_of<'a>(cell: &CellFile, book: &'a Book) -> Result<(&'a KindSummary, u32), Rejection> {
    book.rules.kinds.iter().zip(0..).find(|(kind, _)| kind.name == cell.page_kind).ok_or_else(|| {
        Rejection::new(Rule::Cell, "cell: kind", "a kind of the book's rules", cell.page_kind.to_string())
    })
}

/// The kind and the commitment of a cell's page, if the page is in the book.
fn placed<'a>(cell: &CellFile, book: &'a Book) -> Result<Placed<'a>, Rejection> {
    let (kind, position) = kind_of(cell, book)?;
    let point = |input: &str, bytes: &HexBytes<G1_BYTES>| {
        HoldingCommitment::from_bytes(&bytes.0)
            .map_err(|error| Rejection::new(Rule::Cell, input, "a point", error.to_string()))
    };
    let (commitment, sum) = (point("cell: commitment", &cell.commitment)?, point("book: sum", &book.sum)?);
    let leaf = Leaf { index: cell.page, kind: position, commitment: cell.commitment };
    let top = top_from(leaf.hash(), cell.page, book.pages, &cell.path);
    let computed = top.map(|top| root(book.header(), book.pages, top, &sum).to_string());
    let computed = computed.unwrap_or_else(|| "a path of another length".to_owned());
    same(Rule::Root, "cell: path", "one that leads to the root,", book.root.to_string(), computed)?;
    Ok(Placed { kind, commitment })
}

/// The values of the cell's rows: identity, then balances in the order of the kind.
fn values(cell: &CellFile, book: &Book, universe: &Universe, kind: &KindSummary) -> Result<SecretScalars, Rejection> {
    let mut values = SecretScalars::zeros(kind.instruments.len() + 1);
    let mut named = vec![false; kind.instruments.len()];
    values[0] = identity(&book.venue, &cell.user, &cell.nonce, &cell.salt);
    for balance in &cell.balances {
        let refused = |expected: &str| {
            Err(Rejection::new(Rule::Cell, "cell: balances", expected, balance.instrument.to_string()))
        };
        let tracked = kind.instruments.iter().position(|position| {
            universe.instruments.get(*position as usize).is_some_and(|it| it.name == balance.instrument)
        });
        let Some(place) = tracked else { return refused("instruments of the page's kind") };
        if core::mem::replace(&mut named[place], true) {
            return refused("each instrument once");
        }
        values[place + 1] = scalar::from_i128(balance.lots.get());
    }
    Ok(values)
}

/// What the cells of a book are checked with: the parts of its set-up that cells of each number of rows take. Public,
/// and checked against the set-up's point in G2 before use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CellKeys {
    /// The format.
    pub kind: KindOf<CellKeys>,
    /// Version of the format.
    pub version: FormatVersion,
    /// The set-up.
    pub srs: Bytes32,
    /// One for each number of rows, ascending.
    pub keys: Vec<CellKeyPoints>,
}

/// `[1]₁, …, [τ^(ℓ-1)]₁` and `[τ^ℓ]₂` for cells of ℓ rows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CellKeyPoints {
    /// `x ‖ y` each.
    pub powers: Vec<HexBytes<G1_BYTES>>,
    /// As in [`surety_kzg::point`].
    pub power_g2: HexBytes<G2_BYTES>,
}

impl Kinded for CellKeys {
    const KIND: Kind = Kind::CellKeys;
}

impl Document for CellKeys {
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

impl CellKeys {
    /// The file for these keys.
    #[must_use]
    pub fn of(srs: Bytes32, keys: &[CellKey]) -> Self {
        let points = |key: &CellKey| CellKeyPoints {
            powers: key.powers().iter().map(|power| HexBytes(point::g1_to_bytes(power))).collect(),
            power_g2: HexBytes(point::g2_to_bytes(&key.power_g2())),
        };
        Self { kind: KindOf::new(), version: FormatVersion, srs, keys: keys.iter().map(points).collect() }
    }

    /// The key for cells of so many rows, checked against a set-up that is known.
    ///
    /// # Errors
    /// If there is none, or it is of another set-up.
    pub fn key(&self, set_up: &VerifierKey, rows: usize) -> Result<CellKey, Rejection> {
        let refused = |expected: String, found: String| Rejection::new(Rule::Reference, "cell keys", expected, found);
        let points = self.keys.iter().find(|key| key.powers.len() == rows);
        let points = points.ok_or_else(|| refused(format!("a key for cells of {rows} rows"), "none".to_owned()))?;
        let unreadable = |error: PointError| refused("points".to_owned(), error.to_string());
        let powers = points.powers.iter().map(|power| point::g1_from_bytes(&power.0)).collect::<Result<Vec<_>, _>>();
        let power_g2 = point::g2_from_bytes(&points.power_g2.0).map_err(unreadable)?;
        CellKey::new_checked(set_up, powers.map_err(unreadable)?, power_g2)
            .map_err(|error| refused(format!("powers of the set-up {}", set_up.id()), error.to_string()))
    }
}
