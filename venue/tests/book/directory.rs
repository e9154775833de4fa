//! A book that is made in a directory, with interruptions.

use std::{
    fs,
    io::{Cursor, Seek as _},
    path::PathBuf,
    sync::Arc,
};

use parquet::{
    data_type::{ByteArrayType, DoubleType, FixedLenByteArray, FixedLenByteArrayType, Int64Type},
    file::writer::{SerializedColumnWriter, SerializedFileWriter},
    schema::parser::parse_message_type,
};
use surety_books::{
    book::{PAGE_BYTES, Page},
    cell::CellTerms,
};
use surety_core::{
    ident::{HexBytes, Name},
    text::Document as _,
    units::Timestamp,
};
use surety_kzg::{
    Lanes,
    cell::{CellKey, CellTable},
    progress::Silent,
};
use surety_venue::{
    build::{BuildError, Built, build},
    directory::{BookDirectory, DirectoryError},
    list::{AccountList, ListError},
    prover::PageProver,
    work::{CellMaker, PageVerifier, Shard, WorkError, Workshop},
};
use tempfile::TempDir;

use crate::scene::{NOW, Scene, units};

/// Seven holders, for two pages, and two borrowers.
const ACCOUNTS: &str = "\
user,nonce,USD,PERP-1,PERP-2
ann,0x0909090909090909090909090909090909090909090909090909090909090909,50.00,0.001,
bob,,1,,
cyd,,1,,
dan,,10000,-0.5,
eve,,1'000.5,,
fay,,(1.00),,0.9999
gus,,1,,
hal,,1,,
ian,,1,,
";

struct Fixture {
    scene: Scene,
    place: TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self { scene: Scene::new(), place: TempDir::new().unwrap() }
    }

    fn directory(&self) -> BookDirectory {
        BookDirectory::new(self.place.path().join("book"))
    }

    fn build(&self, accounts: &str) -> Result<Built, BuildError> {
        self.build_list(AccountList::csv(Cursor::new(accounts.to_owned())))
    }

    fn build_list(&self, accounts: AccountList) -> Result<Built, BuildError> {
        build(&self.directory(), &self.scene.rules, self.scene.unfinished(), accounts, &Silent)
    }

    fn work<T>(&self, with: impl FnOnce(&Workshop<'_>) -> T) -> T {
        let Scene { rules, params, snapshot, .. } = &self.scene;
        let directory = self.directory();
        with(&Workshop::open(&directory, rules, snapshot, params, Lanes::widest()).unwrap())
    }

    fn prove(&self, shard: Shard) -> Result<u32, WorkError> {
        let Scene { rules, params, table, .. } = &self.scene;
        let cells = |kind| PageProver::cell_table(rules, params, kind, Lanes::widest(), &Silent);
        self.work(|workshop| workshop.prove(shard, (table, cells), &Silent))
    }

    fn publish(&self) -> Result<surety_books::book::Book, WorkError> {
        let (statement, opening) = self.scene.reserves(&[20_000_000, 200_000, 200_000]);
        let Scene { table, snapshot, .. } = &self.scene;
        let now = Timestamp(NOW + 10);
        self.work(|workshop| {
            let keys = workshop.cell_keys(&self.scene.srs).unwrap();
            workshop.publish(table.clone(), snapshot, (&[statement], &[opening]), Some(&keys), now, &Silent)
        })
    }

    fn file(&self, path: &str) -> PathBuf {
        self.place.path().join("book").join(path)
    }
}

#[test]
fn a_book_is_made_in_pieces_and_every_user_is_found() {
    let fixture = Fixture::new();
    let built = fixture.build(ACCOUNTS).unwrap();
    assert_eq!(built, Built { accounts: 9, kinds: vec![(7, 2), (2, 1)], without_column: Vec::new() });
    assert!(matches!(fixture.publish(), Err(WorkError::Unfinished { all: 3, missing: 3 })));
    let half = Shard::new(1, 2).unwrap();
    assert_eq!(fixture.prove(half).unwrap(), 1);
    assert_eq!(fixture.prove(half).unwrap(), 0, "what is there stays");
    assert_eq!(fixture.prove(Shard::ALL).unwrap(), 2);

    // A result that was lost, and two that are none.
    fs::remove_file(fixture.file("pages/00000000")).unwrap();
    fs::write(fixture.file("pages/00000001"), b"cut off").unwrap();
    let page = fixture.file("pages/00000002");
    let mut bytes = fs::read(&page).unwrap();
    bytes[40] ^= 1;
    fs::write(&page, bytes).unwrap();
    assert_eq!(fixture.prove(Shard::ALL).unwrap(), 3);

    let book = fixture.publish().unwrap();
    let directory = fixture.directory();
    let maker = CellMaker::open(&directory, &fixture.scene.rules).unwrap();
    let universe = fixture.scene.rules.policy.universe();
    for user in ["ann", "dan", "eve", "fay", "ian"] {
        let cell = maker.cell(user).unwrap();
        let kind = book.rules.kinds.iter().find(|kind| kind.name == cell.page_kind).unwrap();
        let rows = kind.layout(universe).unwrap().cells().rows_of_a_coset();
        let keys = fixture.work(|workshop| workshop.cell_keys(&fixture.scene.srs).unwrap());
        let key: CellKey = keys.key(fixture.scene.params.verifier_key(), rows).unwrap();
        let nonce = (user == "ann").then_some(HexBytes([9; 32]));
        let terms = CellTerms { root: Some(book.root), user: Some(user), nonce };
        surety_books::cell::check(&cell, &book, universe, key, &terms).unwrap();
    }
    assert!(matches!(maker.cell("zoe"), Err(WorkError::NoSuchUser)));
    rejects_pages_that_are_not_those_of_the_root(&fixture);
    let other = Scene::with(10, |rules| rules.max_shortfall = units("1"));
    assert!(matches!(CellMaker::open(&directory, &other.rules), Err(WorkError::Mismatch { .. })));
    let all: usize = (0..maker.pages()).map(|page| maker.of_page(page).unwrap().len()).sum();
    assert_eq!(all, 9);
}

/// A table in Parquet with a column for each of these types.
fn parquet(columns: &[&str], write: impl Fn(usize, &mut SerializedColumnWriter<'_>)) -> fs::File {
    let schema = format!("message accounts {{ {} }}", columns.join(" "));
    let schema = Arc::new(parse_message_type(&schema).unwrap());
    let mut file = tempfile::tempfile().unwrap();
    let mut writer = SerializedFileWriter::new(&mut file, schema, Arc::default()).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut index = 0;
    while let Some(mut column) = group.next_column().unwrap() {
        write(index, &mut column);
        column.close().unwrap();
        index += 1;
    }
    group.close().unwrap();
    writer.close().unwrap();
    file.rewind().unwrap();
    file
}

/// A nonce as bytes, amounts as decimals, as text, and left out.
#[test]
fn accounts_are_read_from_parquet() {
    let fixture = Fixture::new();
    let columns = [
        "required binary user (STRING);",
        "optional fixed_len_byte_array(32) nonce;",
        "required int64 USD (DECIMAL(18,2));",
        "optional binary PERP-1 (STRING);",
    ];
    let file = parquet(&columns, |index, column| match index {
        0 => drop(column.typed::<ByteArrayType>().write_batch(&["ann".into(), "bob".into()], None, None).unwrap()),
        1 => {
            let nonce = FixedLenByteArray::from(vec![9; 32]);
            column.typed::<FixedLenByteArrayType>().write_batch(&[nonce], Some(&[1, 0]), None).unwrap();
        }
        2 => drop(column.typed::<Int64Type>().write_batch(&[5_000, 10], None, None).unwrap()),
        _ => drop(column.typed::<ByteArrayType>().write_batch(&["0.001".into()], Some(&[1, 0]), None).unwrap()),
    });
    let built = fixture.build_list(AccountList::open(file).unwrap()).unwrap();
    let without_column = vec![Name::new("PERP-2").unwrap()];
    assert_eq!(built, Built { accounts: 2, kinds: vec![(2, 1), (0, 0)], without_column });
    let directory = fixture.directory();
    let input = directory.read_input(&directory.key().unwrap(), &directory.plan().unwrap(), 0, 3).unwrap();
    let mut accounts: Vec<_> = input.slots.iter().flatten().collect();
    accounts.sort_by_key(|account| account.user.clone());
    let found: Vec<_> = accounts.iter().map(|it| (&*it.user, it.nonce(), &*it.lots)).collect();
    let csv = Fixture::new();
    csv.build(&format!("user,nonce,USD,PERP-1\nann,{},50.00,0.001\nbob,,0.1,\n", "09".repeat(32))).unwrap();
    let directory = csv.directory();
    let input = directory.read_input(&directory.key().unwrap(), &directory.plan().unwrap(), 0, 3).unwrap();
    let mut accounts: Vec<_> = input.slots.iter().flatten().collect();
    accounts.sort_by_key(|account| account.user.clone());
    assert_eq!(found, accounts.iter().map(|it| (&*it.user, it.nonce(), &*it.lots)).collect::<Vec<_>>());
}

/// Attack: somebody who can write to the place of results, and has no key, leaves a page that is proven about no
/// account at all, or takes the openings of another page.
#[test]
fn rejects_pages_of_others_and_openings_of_other_pages() {
    let (fixture, other) = (Fixture::new(), Fixture::new());
    fixture.build(ACCOUNTS).unwrap();
    fixture.prove(Shard::ALL).unwrap();
    other.build(ACCOUNTS).unwrap();
    other.prove(Shard::ALL).unwrap();
    let missing = || fixture.directory().missing(&fixture.directory().plan().unwrap()).unwrap();
    assert_eq!(missing(), Vec::<u32>::new());
    // The header is public, and so is the hash of the inputs.
    let mut page = fs::read(other.file("pages/00000000")).unwrap();
    page[..64].copy_from_slice(&fs::read(fixture.file("pages/00000000")).unwrap()[..64]);
    let (honest, cells) = ("pages/00000000", "cells/00000000");
    let kept = fs::read(fixture.file(honest)).unwrap();
    fs::write(fixture.file(honest), &page).unwrap();
    assert_eq!(missing(), [0]);
    fs::copy(other.file(cells), fixture.file(cells)).unwrap();
    assert_eq!(missing(), [0]);
    fs::write(fixture.file(honest), kept).unwrap();
    assert_eq!(missing(), [0], "the page is whole, its openings are another's");
    fs::write(fixture.file("pages/00000001"), vec![0; 1 << 14]).unwrap();
    assert_eq!(missing(), [0, 1], "what is too large is none");
    assert_eq!(fixture.prove(Shard::ALL).unwrap(), 2);
    assert!(fixture.publish().is_ok());
}

/// Attack: a table of cells in a cache that others can write to, with points that are none of the layout's.
#[test]
fn rejects_openings_that_users_would_refuse() {
    let fixture = Fixture::new();
    fixture.build(ACCOUNTS).unwrap();
    let Scene { rules, params, table, .. } = &fixture.scene;
    let wrong = |kind: usize| {
        let table = PageProver::cell_table(rules, params, kind, Lanes::widest(), &Silent);
        let points = table.points().iter().rev().copied().collect();
        CellTable::from_points(rules.kinds[kind].page.layout().cells(), points).unwrap()
    };
    fixture.work(|workshop| workshop.prove(Shard::new(0, 3).unwrap(), (table, wrong), &Silent)).unwrap();
    assert_eq!(fixture.prove(Shard::ALL).unwrap(), 2);
    assert!(matches!(fixture.publish(), Err(WorkError::Cells { page: 0, refused }) if refused > 0));
    assert!(!fixture.file("public/book.json").exists());
    assert_eq!(fixture.prove(Shard::ALL).unwrap(), 1, "the page was discarded");
    fixture.publish().unwrap();
}

/// Attack: names and marks that make other rows vanish, or amounts smaller.
#[test]
fn rejects_names_with_lines_and_marks_that_rows_use_otherwise() {
    let rejected = |accounts: &str, row: u64| {
        let error = Fixture::new().build(accounts).unwrap_err();
        assert!(matches!(&error, BuildError::Row { row: found, .. } if *found == row), "{error}");
        assert!(!error.to_string().contains("1.234"), "{error}");
    };
    rejected("USD,user\n1,ann\n2,\"bob\n3,cyd\n", 3);
    rejected("user,USD,PERP-1\nann,1.234,\nbob,1.234.567,\n", 2);
    rejected("user,USD,PERP-1\nann,,\"1,234\"\nbob,\"0,5\",\n", 2);
    Fixture::new().build("user,USD,PERP-1\nann,,1.234\nbob,0.5,\n").unwrap();
}

/// Attack, or carelessness: amounts that are rounded before anybody sees them.
#[test]
fn rejects_floating_point_amounts_and_damaged_tables() {
    let columns = ["required binary user (STRING);", "required double USD;"];
    let write = |index: usize, column: &mut SerializedColumnWriter<'_>| match index {
        0 => drop(column.typed::<ByteArrayType>().write_batch(&["ann".into()], None, None).unwrap()),
        _ => drop(column.typed::<DoubleType>().write_batch(&[0.1], None, None).unwrap()),
    };
    let mut file = parquet(&columns, write);
    let error = Fixture::new().build_list(AccountList::open(file.try_clone().unwrap()).unwrap()).unwrap_err();
    assert!(matches!(&error, BuildError::List(ListError::Type { column, .. }) if column == "USD"), "{error}");
    assert!(!error.to_string().contains("0.1"), "{error}");
    // Bytes are a nonce, or a number that nobody should guess.
    let columns = ["required binary user (STRING);", "required fixed_len_byte_array(32) USD;"];
    let bytes = parquet(&columns, |index, column| match index {
        0 => drop(column.typed::<ByteArrayType>().write_batch(&["ann".into()], None, None).unwrap()),
        _ => {
            let amount = FixedLenByteArray::from(vec![0; 32]);
            column.typed::<FixedLenByteArrayType>().write_batch(&[amount], None, None).unwrap();
        }
    });
    let error = Fixture::new().build_list(AccountList::open(bytes).unwrap()).unwrap_err();
    assert!(matches!(&error, BuildError::List(ListError::Type { found: "bytes", .. })), "{error}");
    let length = file.metadata().unwrap().len();
    file.set_len(length - 1).unwrap();
    file.rewind().unwrap();
    assert!(matches!(AccountList::open(file), Err(ListError::Parquet(_))));
}

/// Fewer pages, and the pages in another order.
fn rejects_pages_that_are_not_those_of_the_root(fixture: &Fixture) {
    let (path, directory) = (fixture.file("public/pages.bin"), fixture.directory());
    let bytes = fs::read(&path).unwrap();
    let (first, rest) = bytes.split_at(PAGE_BYTES);
    for other in [first.to_vec(), [rest, first].concat()] {
        fs::write(&path, other).unwrap();
        assert!(matches!(CellMaker::open(&directory, &fixture.scene.rules), Err(WorkError::Directory(_))));
    }
    fs::write(&path, bytes).unwrap();
    assert!(CellMaker::open(&directory, &fixture.scene.rules).is_ok());
}

#[test]
fn rejects_pages_that_are_missing_or_damaged_in_their_directory() {
    let fixture = Fixture::new();
    fixture.build(ACCOUNTS).unwrap();
    let Scene { rules, params, table, snapshot, .. } = &fixture.scene;
    let verifier = PageVerifier::open(fixture.directory(), rules.clone(), snapshot).unwrap();
    assert!(matches!(verifier.verify(1), Err(WorkError::Unfinished { .. })));
    let cells = |kind| PageProver::cell_table(rules, params, kind, Lanes::widest(), &Silent);
    fixture.work(|workshop| {
        let mut bench = workshop.bench((table, cells));
        // From kind to kind and back.
        let proven = [0, 2, 1, 2].map(|page| bench.prove(page).unwrap());
        assert_eq!(proven, [true, true, true, false], "what is there is not proven again");
        assert!(matches!(bench.prove(3), Err(WorkError::NoSuchPage { page: 3, pages: 3 })));
    });
    (0..3).for_each(|page| verifier.verify(page).unwrap());
    // A proof that is none, by somebody with the key.
    let (directory, plan) = (fixture.directory(), fixture.directory().plan().unwrap());
    let key = directory.key().unwrap();
    let mut page = directory.read_page(&key, &plan, 1).unwrap().unwrap();
    *page.proof.0.last_mut().unwrap() ^= 1;
    directory.write_page(&key, &plan, 1, (&page, &[])).unwrap();
    assert!(matches!(verifier.verify(1), Err(WorkError::Rejected(_))));
    let elsewhere = fixture.directory().with_key(fixture.file("elsewhere"));
    assert!(elsewhere.key().is_err());
    fs::rename(fixture.file("private/key"), fixture.file("elsewhere")).unwrap();
    assert!(elsewhere.key().is_ok() && fixture.directory().key().is_err());
}

#[test]
fn rejects_reserves_that_will_not_suffice_before_pages_are_proven() {
    let fixture = Fixture::new();
    fixture.build(ACCOUNTS).unwrap();
    let check = |lots: &[i128]| {
        let (statement, opening) = fixture.scene.reserves(lots);
        fixture.work(|workshop| workshop.check_reserves(&[statement], &[opening]))
    };
    check(&[20_000_000, 200_000, 200_000]).unwrap();
    let error = check(&[20_000_000, 200_000, 9_998]).unwrap_err();
    assert!(error.to_string().contains("reserves of PERP-2"), "{error}");
}

#[test]
fn rejects_inputs_that_are_not_those_of_the_plan() {
    let fixture = Fixture::new();
    fixture.build(ACCOUNTS).unwrap();
    let [first, second] = ["private/inputs/00000000", "private/inputs/00000001"].map(|path| fixture.file(path));
    let bytes = fs::read(&first).unwrap();
    fs::copy(&second, &first).unwrap();
    assert!(matches!(fixture.prove(Shard::ALL), Err(WorkError::Directory(_))));
    let mut changed = bytes.clone();
    changed[100] ^= 1;
    fs::write(&first, changed).unwrap();
    assert!(matches!(fixture.prove(Shard::ALL), Err(WorkError::Directory(_))));
    fs::write(&first, bytes).unwrap();
    fixture.prove(Shard::ALL).unwrap();
}

#[test]
fn rejects_plans_that_were_changed_after_they_were_sealed() {
    let fixture = Fixture::new();
    fixture.build(ACCOUNTS).unwrap();
    let (directory, Scene { rules, params, snapshot, .. }) = (fixture.directory(), &fixture.scene);
    let open = || Workshop::open(&directory, rules, snapshot, params, Lanes::widest()).map(drop);
    open().unwrap();
    let text = fs::read_to_string(directory.plan_path()).unwrap();
    fs::write(directory.plan_path(), format!("{text} ")).unwrap();
    assert!(matches!(open(), Err(WorkError::Directory(DirectoryError::Other { .. }))));
    fs::write(directory.plan_path(), text).unwrap();
    fs::write(directory.seal_path(), [0; 80]).unwrap();
    assert!(matches!(open(), Err(WorkError::Directory(DirectoryError::Sealed { .. }))));
    fs::remove_file(directory.seal_path()).unwrap();
    assert!(matches!(open(), Err(WorkError::Directory(DirectoryError::File(_)))));
}

#[test]
fn rejects_bad_rows_by_their_number_and_without_their_amounts() {
    for (rows, row, part) in [
        ("ann,,1,,\nbob,,1.005,,\n", 3, "USD"),
        ("ann,,1,,\n,,1,,\n", 3, "user"),
        ("ann,,1,,\nbob,0x12,1,,\n", 3, "nonce"),
        ("ann,,1,,\nann,,2,,\n", 3, "user"),
        ("ann,,777777777777777777,,\n", 2, "balances"),
        ("ann,,x777,,\n", 2, "USD"),
    ] {
        let fixture = Fixture::new();
        let error = fixture.build(&format!("user,nonce,USD,PERP-1,PERP-2\n{rows}")).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(&format!("row {row}")) && text.contains(part), "{text}");
        assert!(!text.contains("777") && !text.contains("1.005"), "{text}");
        assert!(fixture.directory().plan().is_err(), "nothing half-built counts as a book");
    }
}

#[test]
fn rejects_headers_that_leave_anything_open() {
    for (header, part) in [("USD", "user"), ("user,user", "once"), ("user,USD,USD", "once"), ("user,XYZ", "instrument")]
    {
        let error = Fixture::new().build(&format!("{header}\n")).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
    assert!(matches!(Fixture::new().build("user,USD\n"), Err(BuildError::Nobody)));
}

/// Nothing that is public has a size that depends on balances, or on how many accounts a page has.
#[test]
fn public_files_of_books_of_one_shape_have_equal_sizes() {
    let sizes = |accounts: &str| {
        let fixture = Fixture::new();
        fixture.build(accounts).unwrap();
        fixture.prove(Shard::ALL).unwrap();
        let book = fixture.publish().unwrap();
        let pages = BookDirectory::read_pages(&fixture.directory().public()).unwrap();
        (book.to_json().unwrap().len(), pages.iter().map(|page: &Page| page.to_bytes().len()).sum::<usize>())
    };
    let few = "user,USD,PERP-1\nann,1,\nbob,1,-0.0001\n";
    let many = "user,USD,PERP-1\nann,99999,2\nbob,77777,-0.5\ncyd,3,3\ndan,4444,-0.1\neve,0,0\n";
    assert_eq!(sizes(few), sizes(many));
}
