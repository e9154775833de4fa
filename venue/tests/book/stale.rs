//! A book in a directory, from a list of accounts to cells, and directories with files of something else.

use std::fs;

use surety_books::{
    book::PAGE_BYTES,
    cell::{CellTerms, check},
};
use surety_core::units::Timestamp;
use surety_kzg::{Lanes, cell::CellKey, progress::Silent};
use surety_venue::{
    build::build,
    directory::BookDirectory,
    prover::PageProver,
    work::{CellMaker, Shard, WorkError, Workshop},
};

use crate::scene::{NOW, Scene, units};

const ACCOUNTS: &str = "user,USD,PERP-1,PERP-2\nann,50,0.001,0\ndan,10000,-0.5,0\n";

/// A published book of two pages.
fn published(scene: &Scene, directory: &BookDirectory) {
    build(directory, &scene.rules, scene.unfinished(), ACCOUNTS.as_bytes(), &Silent).unwrap();
    let lanes = Lanes::widest();
    let workshop =
        Workshop::open(directory, &scene.rules, &scene.snapshot, (&scene.params, &scene.table), lanes).unwrap();
    let cells = |kind| PageProver::cell_table(&scene.rules, &scene.params, kind, lanes, &Silent);
    assert_eq!(workshop.prove(Shard::ALL, cells, &Silent).unwrap(), 2);
    assert_eq!(workshop.prove(Shard::ALL, cells, &Silent).unwrap(), 0, "what is proven stays");
    let (statement, opening) = scene.reserves(&[2_000_000, 20_000, 20_000]);
    workshop.publish(&scene.snapshot, &[statement], &[opening], Timestamp(NOW + 10)).unwrap();
}

#[test]
fn users_find_their_cells_and_makers_refuse_files_of_other_books() {
    let (scene, place) = (Scene::new(), tempfile::tempdir().unwrap());
    let directory = BookDirectory::new(place.path().join("book"));
    published(&scene, &directory);
    let maker = CellMaker::open(&directory, &scene.rules).unwrap();
    let book = surety_host::documents::read(&directory.public().join("book.json")).unwrap();
    for user in ["ann", "dan"] {
        let cell = maker.cell(user).unwrap();
        let kind = scene.rules.kinds.iter().find(|kind| kind.page.kind().name == cell.page_kind).unwrap();
        let key = CellKey::from_srs(&scene.srs, kind.page.layout().cells().rows_of_a_coset()).unwrap();
        check(&cell, &book, scene.rules.policy.universe(), key, &CellTerms::default()).unwrap();
    }
    assert!(matches!(maker.cell("eve"), Err(WorkError::NoSuchUser)));

    rejects_pages_that_are_not_those_of_the_root(&scene, &directory);
    let other = Scene::with(10, |rules| rules.max_shortfall = units("1"));
    assert!(matches!(CellMaker::open(&directory, &other.rules), Err(WorkError::Mismatch { .. })));
}

/// Fewer pages, and the pages in another order.
fn rejects_pages_that_are_not_those_of_the_root(scene: &Scene, directory: &BookDirectory) {
    let path = directory.public().join("pages.bin");
    let bytes = fs::read(&path).unwrap();
    let (first, second) = bytes.split_at(PAGE_BYTES);
    for other in [first.to_vec(), [second, first].concat()] {
        fs::write(&path, other).unwrap();
        assert!(matches!(CellMaker::open(directory, &scene.rules), Err(WorkError::Directory(_))));
    }
    fs::write(&path, bytes).unwrap();
    assert!(CellMaker::open(directory, &scene.rules).is_ok());
}
