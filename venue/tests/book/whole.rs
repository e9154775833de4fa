//! A book of two kinds of pages, and books that are not what they say.

use rand_core::OsRng;
use surety_books::{
    book::{Book, BookTerms, Page, verify, verify_page},
    rules::BookRules,
};
use surety_core::{
    ident::HexBytes,
    units::{Ppm, Timestamp},
};
use surety_kzg::{HoldingCommitment, point};
use surety_margin::{
    market::{Breaker, MarkedProofs},
    policy::Policy,
};
use surety_testing::sample::{self, Sample};
use surety_venue::{
    account::UserAccount,
    page::{FilledPage, PageInput, PageInputError},
    prover::{BookProveError, ProvenPage},
};
use surety_verifier::{Rejection, Rule};

use crate::scene::{NOW, Scene, account, audience, rules, units, venue};

pub(crate) const TERMS: BookTerms = BookTerms { allow_insecure_srs: true, root: None, now: Timestamp(NOW + 10) };

/// More than any account of the tests needs.
const ENOUGH: [i128; 3] = [2_000_000, 20_000, 20_000];

pub(crate) fn holders() -> Vec<UserAccount> {
    vec![account("ann", [5_000, 10, 0]), account("bob", [0, 0, 7])]
}

/// One of them owes more than it holds.
fn borrowers() -> Vec<UserAccount> {
    vec![account("dan", [1_000_000, -5_000, 0]), account("eve", [0, -3, 0]), account("fay", [-100, 0, 9_999])]
}

pub(crate) fn pages(scene: &Scene) -> Vec<(ProvenPage, FilledPage)> {
    let filled = [(0, holders()), (1, borrowers()), (0, vec![account("cyd", [1, 1, 1])])];
    let proven = filled.into_iter().zip(0..).map(|((kind, accounts), index)| {
        let filled = scene.fill(kind, accounts);
        (scene.prove(kind, &filled, index).unwrap(), filled)
    });
    proven.collect()
}

fn verdict(scene: &Scene, book: &Book, pages: &[Page]) -> Result<Vec<u32>, Rejection> {
    verify(book, pages, &scene.rules, &scene.snapshot, &TERMS, &mut OsRng).map(|accepted| accepted.pages)
}

fn rule(scene: &Scene, book: &Book, pages: &[Page]) -> Rule {
    verdict(scene, book, pages).unwrap_err().rule
}

/// The book with the root of other pages, and its old reserves.
fn relisted(scene: &Scene, book: &Book, pages: &[Page]) -> Book {
    let Book { statements, reserves, .. } = book.clone();
    Book { statements, reserves, ..scene.listed(pages) }
}

#[test]
fn a_book_of_two_kinds_is_proven_and_verified() {
    let scene = Scene::new();
    let (book, pages) = scene.book(&pages(&scene), &ENOUGH).unwrap();
    assert_eq!(verdict(&scene, &book, &pages), Ok(vec![2, 1]));
    let bytes: Vec<u8> = pages.iter().flat_map(Page::to_bytes).collect();
    assert_eq!(Page::all_from_bytes(&bytes).unwrap(), pages);
    for wrong in [&bytes[1..], &[]] {
        assert!(Page::all_from_bytes(wrong).is_err());
    }
    let known = BookTerms { root: Some(book.root), ..TERMS };
    assert!(verify(&book, &pages, &scene.rules, &scene.snapshot, &known, &mut OsRng).unwrap().root_known);

    rejects_lists_of_other_pages(&scene, &book, &pages);
    rejects_other_terms(&scene, &book, &pages);
}

#[test]
fn rejects_pages_whose_proof_is_of_another_place() {
    let scene = Scene::new();
    let pages: Vec<Page> = pages(&scene).into_iter().map(|(proven, _)| proven.page).collect();
    let verdict = |page: &Page, place| verify_page(page, place, &scene.rules, &scene.prices, &mut OsRng);
    for (page, index) in pages.iter().zip(0..) {
        let header = scene.header();
        verdict(page, (header, index)).unwrap();
        let rule = |page: &Page, place| verdict(page, place).unwrap_err().rule;
        assert_eq!(rule(page, (header, index + 1)), Rule::Proof);
        let other = Book { as_of: Timestamp(NOW - 1), ..scene.unfinished() };
        assert_eq!(rule(page, (other.header(), index)), Rule::Proof);
        assert_eq!(rule(&Page { kind: 2, ..page.clone() }, (header, index)), Rule::Page);
        assert_eq!(rule(&Page { kind: 1 - page.kind, ..page.clone() }, (header, index)), Rule::Proof);
        assert_eq!(rule(&Page { commitment: HexBytes([1; 64]), ..page.clone() }, (header, index)), Rule::Page);
        let mut changed = page.clone();
        changed.proof.0[40] ^= 1;
        assert_eq!(rule(&changed, (header, index)), Rule::Proof);
    }
}

fn rejects_lists_of_other_pages(scene: &Scene, book: &Book, pages: &[Page]) {
    let left_out = &pages[1..];
    let twice = [pages, &pages[1..2]].concat();
    let swapped = [pages[2].clone(), pages[1].clone(), pages[0].clone()];
    let other_kind: Vec<Page> = pages.iter().map(|page| Page { kind: 0, ..page.clone() }).collect();
    let unknown_kind: Vec<Page> = pages.iter().map(|page| Page { kind: 2, ..page.clone() }).collect();
    for (list, with_root_of_its_own) in [
        (left_out, Rule::Proof),
        (&twice, Rule::Page),
        (&swapped, Rule::Proof),
        (&other_kind, Rule::Proof),
        (&unknown_kind, Rule::Page),
    ] {
        let number = if list.len() == pages.len() { Rule::Root } else { Rule::Page };
        let kept = if with_root_of_its_own == Rule::Page { Rule::Page } else { number };
        assert_eq!(rule(scene, book, list), kept);
        assert_eq!(rule(scene, &relisted(scene, book, list), list), with_root_of_its_own);
    }
    // What is no point, and what cancels another page.
    let with = |commitment: [u8; 64]| Page { commitment: HexBytes(commitment), ..pages[1].clone() };
    let first = HoldingCommitment::from_bytes(&pages[0].commitment.0).unwrap();
    let opposite = point::g1_to_bytes(&-*first.point());
    for (other, found) in [([1; 64], "pages: page 1"), (opposite, "pages")] {
        let list = [pages[0].clone(), with(other)];
        let error = verdict(scene, &Book { pages: 2, ..book.clone() }, &list).unwrap_err();
        assert_eq!((error.rule, error.problem.path.as_str()), (Rule::Page, found));
    }
    // The pages are whole, and the reserves are those of the other list.
    let error = verdict(scene, &relisted(scene, book, &pages[..2]), &pages[..2]).unwrap_err();
    assert_eq!(error.problem.path, "book: reserves");
    // Proofs of two pages exchanged: both are named.
    let mut exchanged = pages.to_vec();
    (exchanged[0].proof, exchanged[2].proof) = (pages[2].proof, pages[0].proof);
    let error = verdict(scene, book, &exchanged).unwrap_err();
    assert_eq!((error.rule, error.problem.path.as_str()), (Rule::Proof, "pages: page 0, pages: page 2"));
}

fn rejects_other_terms(scene: &Scene, book: &Book, pages: &[Page]) {
    let changed = |change: &dyn Fn(&mut Book)| {
        let mut book = book.clone();
        change(&mut book);
        rule(scene, &book, pages)
    };
    assert_eq!(changed(&|book| book.root.0[0] ^= 1), Rule::Root);
    assert_eq!(changed(&|book| book.sum = HexBytes(pages[0].commitment.0)), Rule::Root);
    assert_eq!(changed(&|book| book.venue = HexBytes([1; 20])), Rule::Root);
    assert_eq!(changed(&|book| book.as_of = Timestamp(NOW - 1)), Rule::Root);
    assert_eq!(changed(&|book| book.snapshot.0.0[0] ^= 1), Rule::Reference);
    assert_eq!(changed(&|book| book.rules.kinds[0].accounts += 1), Rule::Reference);
    assert_eq!(changed(&|book| book.statements.clear()), Rule::StatementSet);
    assert_eq!(changed(&|book| book.statements[0].sequence += 1), Rule::Signature);
    assert_eq!(changed(&|book| book.reserves = pages[0].proof), Rule::Proof);
    assert_eq!(changed(&|book| book.reserves = HexBytes([0xff; 1856])), Rule::Proof);
    // The policy's skew is ten minutes.
    let sum = HoldingCommitment::from_bytes(&book.sum.0).unwrap();
    for (apart, expected) in [(600, Rule::Proof), (601, Rule::StatementSkew)] {
        let moved = Book { as_of: Timestamp(NOW - apart), ..book.clone() }.over(pages, &sum).unwrap();
        assert_eq!(rule(scene, &moved, pages), expected, "{apart}");
    }
    let with = |terms| verify(book, pages, &scene.rules, &scene.snapshot, &terms, &mut OsRng).unwrap_err().rule;
    assert_eq!(with(BookTerms { allow_insecure_srs: false, ..TERMS }), Rule::SetUp);
    assert_eq!(with(BookTerms { root: Some(HexBytes([1; 32])), ..TERMS }), Rule::Anchor);
    assert_eq!(with(BookTerms { now: Timestamp(NOW + 4_000), ..TERMS }), Rule::Lapsed);
    assert_eq!(with(BookTerms { now: Timestamp(NOW - 1), ..TERMS }), Rule::NotYet);
    assert_eq!(audience(), book.audience);
}

fn insufficient(error: &BookProveError, part: &str) {
    assert!(matches!(error, BookProveError::Unsatisfied(_)) && error.to_string().contains(part), "{error}");
}

#[test]
fn rejects_reserves_that_are_one_lot_short() {
    let scene = Scene::new();
    let pages = pages(&scene);
    // Cash of all accounts and what eve lacks, bitcoin, ether.
    let shortfall = pages[1].1.totals.shortfall;
    assert!(shortfall > 0);
    let needed = [5_001 + 999_900 + shortfall, 11 - 5_003, 8 + 9_999];
    scene.book(&pages, &needed.map(|lots| lots.max(0))).unwrap();
    for (asset, name) in [(0, "reserves of USD"), (2, "reserves of PERP-2")] {
        let mut short = needed.map(|lots| lots.max(0));
        short[asset] -= 1;
        insufficient(&scene.book(&pages, &short).unwrap_err(), name);
    }
}

/// Attack: a page of a kind without debts pays for the shortfalls of another with a negative total that its program
/// does not add up.
#[test]
fn rejects_a_page_that_writes_to_totals_of_another_kind() {
    let scene = Scene::new();
    let accounts = |kind: usize| if kind == 0 { holders() } else { borrowers() };
    let width = 4 * 3 + 1 - 3;
    for (kind, total) in [(0, 9), (0, 3), (0, 4), (0, 6), (1, 0), (1, 2)] {
        let mut filled = scene.fill(kind, accounts(kind));
        let totals = scene.rules.totals.rows();
        assert_eq!(totals.len(), width);
        for change in [-(1_i128 << 80), 1] {
            filled.column[totals[total].index()] = surety_kzg::scalar::from_i128(change);
            let mut lots = filled.position.lots().to_vec();
            let at = lots.len() - width + total;
            lots[at] = surety_core::units::Lots::new(change).unwrap();
            filled.position = surety_margin::holdings::Position::from_lots(lots);
            let error = scene.prove(kind, &filled, 0).unwrap_err();
            assert!(matches!(error, BookProveError::Unsatisfied(_)), "kind {kind}, total {total}: {error}");
        }
    }
}

#[test]
fn rejects_totals_that_are_one_lot_too_low() {
    let scene = Scene::new();
    for (kind, total, part) in
        [(0, 0, "balances of USD"), (1, 3, "net balance of USD"), (1, 7, "debts of PERP-1"), (1, 9, "shortfalls")]
    {
        let filled = scene.fill(kind, if kind == 0 { holders() } else { borrowers() });
        let mut lots = filled.position.lots().to_vec();
        let at = lots.len() - 10 + total;
        lots[at] = surety_core::units::Lots::new(lots[at].get() - 1).unwrap();
        let position = surety_margin::holdings::Position::from_lots(lots);
        insufficient(&scene.prove(kind, &FilledPage { position, ..filled }, 0).unwrap_err(), part);
    }
}

/// Attack: what is proven of is not what is committed to.
#[test]
fn rejects_a_column_that_is_not_the_one_proven_about() {
    let scene = Scene::new();
    let mut filled = scene.fill(0, holders());
    let row = scene.rules.kinds[0].page.layout().cells().cells()[0].rows()[1];
    filled.column[row.index()] = -halo2curves::bn256::Fr::one();
    assert!(matches!(scene.prove(0, &filled, 0), Err(BookProveError::Proof(_))));
}

/// Attack: an account of nobody owes cash, so that less is owed to all others together.
#[test]
fn rejects_shortfalls_that_the_quote_does_not_cover() {
    let scene = Scene::new();
    let page = &scene.rules.kinds[1].page;
    let nobody = vec![account("nobody", [-5_000_001, 0, 0])];
    let input = PageInput::shuffled(page, 1, nobody, &mut OsRng).unwrap();
    let error = input.fill(&scene.rules, &venue(), &scene.prices).err().unwrap();
    assert!(matches!(error, PageInputError::TooLarge { .. }), "{error}");

    // Within the cap, the quote instrument must cover it: the negative balance and the shortfall cancel.
    let nobody = scene.fill(1, vec![account("nobody", [-4_000_000, 0, 0])]);
    let holders = scene.fill(0, vec![account("ann", [4_000_000, 0, 0])]);
    let proven = [(1, nobody), (0, holders)].into_iter().zip(0..);
    let proven: Vec<_> =
        proven.map(|((kind, filled), index)| (scene.prove(kind, &filled, index).unwrap(), filled)).collect();
    insufficient(&scene.book(&proven, &[3_999_999, 1_000_000_000, 0]).unwrap_err(), "reserves of USD");
    scene.book(&proven, &[4_000_000, 0, 0]).unwrap();
}

/// Attack: illiquid balances stand behind liquid debts, split over accounts.
#[test]
fn rejects_debts_and_balances_beyond_their_caps() {
    // Dan and eve owe 5,003 lots of the first asset; cash of a million lots stands behind debts, less fay's hundred.
    let cap = |asset: usize, debts: &'static str, balances: &'static str| {
        move |rules: &mut BookRules| {
            (rules.caps[asset].debts, rules.caps[asset].balances) = (units(debts), units(balances));
        }
    };
    for (change, part) in [
        (cap(1, "0.5002", "0"), "cap on debts of PERP-1"),
        (cap(1, "0.5003", "0"), ""),
        (cap(0, "1", "9999.99"), "cap on balances of USD"),
        (cap(0, "1", "10000"), ""),
        (cap(0, "0.99", "10000"), "cap on debts of USD"),
        (cap(2, "0", "0.9998"), "cap on balances of PERP-2"),
        (cap(2, "0", "0.9999"), ""),
    ] {
        let scene = Scene::with(10, change);
        let filled = scene.fill(1, borrowers());
        let proven = vec![(scene.prove(1, &filled, 0).unwrap(), filled)];
        match scene.book(&proven, &ENOUGH) {
            Ok((book, pages)) => assert_eq!((verdict(&scene, &book, &pages), part), (Ok(vec![0, 1]), "")),
            Err(error) => insufficient(&error, part),
        }
    }
}

#[test]
fn rejects_accounts_in_the_wrong_kind() {
    let scene = Scene::new();
    let page = &scene.rules.kinds[0].page;
    let input = |accounts| PageInput::shuffled(page, 0, accounts, &mut OsRng);
    let filled = input(borrowers()).unwrap().fill(&scene.rules, &venue(), &scene.prices);
    assert!(matches!(filled.err(), Some(PageInputError::NotAdmitted { .. })));
    assert!(matches!(
        input(vec![account("x", [1, 1, 1]); 7]).err(),
        Some(PageInputError::TooMany { most: 6, found: 7, .. })
    ));
}

/// Attack: a source states reserves that the policy does not trust it for, which a book does not prove it has not.
#[test]
fn rejects_policies_whose_sources_have_scopes() {
    let Sample { universe, mut policy } = sample::collateral(10, 3);
    let problems = |policy: &Policy| -> Vec<String> {
        rules(&universe).check(policy, &universe).iter().map(|problem| problem.path.clone()).collect()
    };
    assert_eq!(problems(&policy), [""; 0]);
    policy.sources[0].scope = vec![universe.instruments[1].name.clone()];
    assert_eq!(policy.check(&universe), []);
    assert_eq!(problems(&policy), ["policy: sources"]);
}

/// Attack: a book at a price that has jumped further than the policy's circuit breaker allows.
#[test]
fn rejects_books_over_marked_snapshots_where_the_policy_says_so() {
    for (proofs, expected) in [(MarkedProofs::Refused, Rule::Breaker), (MarkedProofs::Accepted, Rule::Proof)] {
        let breaker = Breaker { max_deviation: Ppm(50_000), proofs };
        let mut scene = Scene::under(10, |policy| policy.oracle.breaker = Some(breaker), |_| {});
        let filled = scene.fill(0, holders());
        let proven = vec![(scene.prove(0, &filled, 0).unwrap(), filled)];
        let (mut book, pages) = scene.book(&proven, &ENOUGH).unwrap();
        scene.snapshot = scene.jumped();
        book = relisted(&scene, &book, &pages);
        assert_eq!(rule(&scene, &book, &pages), expected);
    }
}
