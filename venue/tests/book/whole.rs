//! A book of two kinds of pages.

use rand_core::OsRng;
use surety_books::book::{BookTerms, verify};
use surety_core::units::Timestamp;

use crate::scene::{NOW, Scene, account};

pub(crate) const TERMS: BookTerms = BookTerms { allow_insecure_srs: true, root: None, now: Timestamp(NOW + 10) };

#[test]
fn a_book_of_two_kinds_is_proven_and_verified() {
    let scene = Scene::new();
    let balances = scene.fill(0, vec![account("ann", [5_000, 10, 0]), account("bob", [0, 0, 7])]);
    let more = scene.fill(0, vec![account("cyd", [1, 1, 1])]);
    let margin = scene.fill(
        1,
        vec![account("dan", [1_000_000, -5_000, 0]), account("eve", [0, -3, 0]), account("fay", [-100, 0, 9_999])],
    );
    assert!(margin.totals() != balances.totals());
    let pages = [(0, balances), (1, margin), (0, more)];
    let proven: Vec<_> = pages
        .into_iter()
        .zip(0..)
        .map(|((kind, filled), index)| (scene.prove(kind, &filled, index).unwrap(), filled))
        .collect();
    let (book, pages) = scene.book(&proven, &[2_000_000, 20_000, 20_000]).unwrap();
    let accepted = verify(&book, &pages, &scene.rules, &scene.snapshot, &TERMS, &mut OsRng).unwrap();
    assert_eq!((accepted.pages, accepted.slots), (vec![2, 1], 18));
}
