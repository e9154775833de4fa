//! Cells of a book, and cells that are none.

use surety_books::{
    book::{Book, Page},
    cell::{CellFile, CellKeyPoints, CellKeys, CellTerms, check},
};
use surety_core::{FormatVersion, ident::HexBytes, kind::KindOf, text::Document as _, units::Lots};
use surety_kzg::{HoldingCommitment, cell::CellKey, point};
use surety_margin::holdings::Balance;
use surety_venue::page::PageInput;
use surety_verifier::{Rejection, Rule, attestation::identifiers::UniverseId};

use crate::scene::{Scene, account, name, venue};

/// A page of margin accounts, and the cell of a user in it.
struct Fixture {
    scene: Scene,
    book: Book,
    pages: Vec<Page>,
    cell: CellFile,
    /// That of another slot.
    other_opening: HexBytes<64>,
}

impl Fixture {
    fn new() -> Self {
        let scene = Scene::new();
        let accounts = vec![account("dan", [1_000_000, -5_000, 0]), account("eve", [700, 0, 3])];
        let page = &scene.rules.kinds[1].page;
        let input = PageInput::shuffled(page, 1, accounts, &mut rand_core::OsRng).unwrap();
        let filled = input.fill(&scene.rules, &venue(), &scene.prices).unwrap();
        let proven = scene.prove(1, &filled, 1).unwrap();
        let other = scene.fill(0, vec![account("ann", [5, 5, 5])]);
        let other = scene.prove(0, &other, 0).unwrap();
        let pages: Vec<Page> = vec![other.page, proven.page.clone()];
        let book = scene.listed(&pages);
        let slot = input.slots.iter().position(|it| it.as_ref().is_some_and(|it| it.user == "dan")).unwrap();
        let user = input.slots[slot].as_ref().unwrap();
        let balance =
            |(instrument, lots): (&str, i128)| Balance { instrument: name(instrument), lots: Lots::new(lots).unwrap() };
        let cell = CellFile {
            kind: KindOf::new(),
            version: FormatVersion,
            root: book.root,
            page: 1,
            page_kind: name("margin"),
            coset: page.layout().cells().cells()[slot].coset().0 as u32,
            commitment: proven.page.commitment,
            path: Page::tree(&pages).unwrap().path(1),
            opening: HexBytes(proven.openings[slot].to_bytes()),
            user: "dan".to_owned(),
            nonce: user.nonce(),
            salt: user.salt(),
            balances: [("USD", 1_000_000), ("PERP-1", -5_000)].map(balance).to_vec(),
        };
        let other_opening = HexBytes(proven.openings[(slot + 1) % proven.openings.len()].to_bytes());
        Self { scene, book, pages, cell, other_opening }
    }

    fn key(&self) -> CellKey {
        let layout = self.scene.rules.kinds[1].page.layout();
        CellKey::from_srs(&self.scene.srs, layout.cells().rows_of_a_coset()).unwrap()
    }

    fn check(&self, cell: &CellFile, book: &Book, terms: &CellTerms<'_>) -> Result<(), Rejection> {
        check(cell, book, self.scene.rules.policy.universe(), self.key(), terms)
    }

    fn changed(&self, change: impl FnOnce(&mut CellFile)) -> Rule {
        let mut cell = self.cell.clone();
        change(&mut cell);
        self.check(&cell, &self.book, &CellTerms::default()).unwrap_err().rule
    }
}

#[test]
fn a_user_finds_exactly_the_own_account() {
    let fixture = Fixture::new();
    let terms = CellTerms { root: Some(fixture.book.root), user: Some("dan"), nonce: Some(HexBytes([9; 32])) };
    assert_eq!(fixture.check(&fixture.cell, &fixture.book, &terms), Ok(()));
    let text = fixture.cell.to_json().unwrap();
    let read = CellFile::from_json("cell.json", &text).unwrap();
    assert_eq!(fixture.check(&read, &fixture.book, &CellTerms::default()), Ok(()));
    assert!(!format!("{:?}", fixture.cell).contains("dan"));
}

#[test]
fn rejects_cells_of_which_anything_is_another() {
    let fixture = Fixture::new();
    let lots = |lots: i128| Lots::new(lots).unwrap();
    assert_eq!(fixture.changed(|cell| cell.balances[0].lots = lots(999_999)), Rule::Cell);
    assert_eq!(fixture.changed(|cell| cell.balances[1].lots = lots(5_000)), Rule::Cell);
    assert_eq!(fixture.changed(|cell| drop(cell.balances.pop())), Rule::Cell);
    assert_eq!(fixture.changed(|cell| cell.balances.push(cell.balances[0].clone())), Rule::Cell);
    assert_eq!(fixture.changed(|cell| cell.balances[0].instrument = name("XRP")), Rule::Cell);
    assert_eq!(fixture.changed(|cell| cell.user = "eve".to_owned()), Rule::Cell);
    assert_eq!(fixture.changed(|cell| cell.nonce.0[31] ^= 1), Rule::Cell);
    assert_eq!(fixture.changed(|cell| cell.salt.0[0] ^= 1), Rule::Cell);
    assert_eq!(fixture.changed(|cell| cell.opening = fixture.other_opening), Rule::Cell);
    assert_eq!(fixture.changed(|cell| cell.opening.0[63] ^= 1), Rule::Cell);
    assert_eq!(fixture.changed(|cell| cell.page = 0), Rule::Root);
    assert_eq!(fixture.changed(|cell| cell.page = 2), Rule::Root);
    assert_eq!(fixture.changed(|cell| cell.page_kind = name("balances")), Rule::Root);
    assert_eq!(fixture.changed(|cell| cell.page_kind = name("other")), Rule::Cell);
    assert_eq!(fixture.changed(|cell| cell.commitment = fixture.book.sum), Rule::Root);
    assert_eq!(fixture.changed(|cell| cell.path.clear()), Rule::Root);
    assert_eq!(fixture.changed(|cell| cell.path.push(HexBytes([0; 32]))), Rule::Root);
    assert_eq!(fixture.changed(|cell| cell.root.0[0] ^= 1), Rule::Reference);
}

/// Attack: the equation of a cell holds for every coset of the column, also for those that no account has.
#[test]
fn rejects_cosets_that_the_layout_does_not_open() {
    let fixture = Fixture::new();
    let layout = fixture.scene.rules.kinds[1].page.layout().cells();
    for coset in
        (0..layout.cosets() as u32).filter(|coset| layout.cell(surety_kzg::cell::Coset(*coset as usize)).is_none())
    {
        assert_eq!(fixture.changed(|cell| cell.coset = coset), Rule::Cell, "{coset}");
    }
    assert_eq!(fixture.changed(|cell| cell.coset = u32::MAX), Rule::Cell);
}

/// Attack: a key over a set-up whose secret the venue knows opens a page to anything.
#[test]
fn rejects_keys_of_another_set_up() {
    let fixture = Fixture::new();
    let mut universe = fixture.scene.rules.policy.universe().clone();
    universe.srs = HexBytes([5; 32]);
    let mut book = fixture.book.clone();
    book.rules.universe = UniverseId::of(&universe).unwrap();
    let sum = HoldingCommitment::from_bytes(&book.sum.0).unwrap();
    let top = Page::tree(&fixture.pages).unwrap();
    book = book.over(&fixture.pages, &sum).unwrap();
    let cell = CellFile { root: book.root, path: top.path(1), ..fixture.cell.clone() };
    let error = check(&cell, &book, &universe, fixture.key(), &CellTerms::default()).unwrap_err();
    assert_eq!((error.rule, error.problem.path.as_str()), (Rule::Reference, "cell key: set-up"));
}

#[test]
fn rejects_files_of_keys_with_other_points_or_for_other_rows() {
    let fixture = Fixture::new();
    let (set_up, rows) = (fixture.scene.params.verifier_key(), fixture.key().powers().len());
    let keys = CellKeys::of(fixture.scene.srs.id().bytes(), &[fixture.key()]);
    assert_eq!(keys.key(set_up, rows), Ok(fixture.key()));
    assert_eq!(keys.key(set_up, 2 * rows).unwrap_err().rule, Rule::Reference);
    let refused = |change: &dyn Fn(&mut CellKeyPoints)| {
        let mut keys = keys.clone();
        change(&mut keys.keys[0]);
        assert_eq!(keys.key(set_up, rows).unwrap_err().rule, Rule::Reference);
    };
    refused(&|points| points.powers.swap(1, 2));
    refused(&|points| points.powers[3].0[0] ^= 1);
    refused(&|points| points.power_g2 = HexBytes(point::g2_to_bytes(&set_up.tau_g2())));
    refused(&|points| points.power_g2.0[5] ^= 1);
}

#[test]
fn rejects_books_and_names_that_the_user_does_not_know() {
    let fixture = Fixture::new();
    let terms = |terms: CellTerms<'_>| fixture.check(&fixture.cell, &fixture.book, &terms).unwrap_err().rule;
    assert_eq!(terms(CellTerms { root: Some(HexBytes([3; 32])), ..CellTerms::default() }), Rule::Anchor);
    assert_eq!(terms(CellTerms { user: Some("dora"), ..CellTerms::default() }), Rule::Anchor);
    assert_eq!(terms(CellTerms { nonce: Some(HexBytes([8; 32])), ..CellTerms::default() }), Rule::Anchor);
    // A book for the user alone has another root.
    let mut book = fixture.book.clone();
    book.rules.kinds[1].accounts += 1;
    assert_eq!(fixture.check(&fixture.cell, &book, &CellTerms::default()).unwrap_err().rule, Rule::Root);
    book = fixture.book.clone();
    book.rules.universe.0.0[0] ^= 1;
    assert_eq!(fixture.check(&fixture.cell, &book, &CellTerms::default()).unwrap_err().rule, Rule::Reference);
}
