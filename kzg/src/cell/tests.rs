//! Openings of whole pages against division and a full sum, and what users refuse.

use std::{collections::BTreeSet, fs, path::Path};

use ff::Field as _;
use group::Curve as _;
use halo2curves::{fft::best_fft, msm::msm_best};
use proptest::prelude::*;
use rand_chacha::{
    ChaCha20Rng,
    rand_core::{RngCore as _, SeedableRng as _},
};
use rand_core::OsRng;

use super::*;
use crate::{
    Capacity, Fr, G1Affine, HoldingCommitment, Lanes, Params, Row, SecretScalars, Srs,
    fft::root_of_unity,
    holding::HoldingError,
    import,
    point::PointError,
    progress::{Event, Silent, Stage},
    scalar,
};

fn capacity(k: u32) -> Capacity {
    Capacity::new(k).unwrap()
}

/// The slots of each coset that may be opened, at most `width` of them; of cosets with two slots or more.
fn cells(k: u32, cosets: usize, width: usize) -> Vec<Vec<Row>> {
    let slots: BTreeSet<Row> = (0..capacity(k).slots()).map(|index| capacity(k).slot(index).unwrap()).collect();
    let closed = cosets.min(256);
    let opened = (0..cosets).filter(|coset| coset % closed < closed - 6);
    let rows = |coset| slots.iter().copied().filter(move |row| row.index() % cosets == coset).take(width).collect();
    opened.map(rows).filter(|rows: &Vec<Row>| rows.len() >= 2).collect()
}

/// A page that is filled at random: identities, holdings, some of them zero, masks, and values in rows that are closed.
fn column(layout: &CellLayout, seed: u64) -> SecretScalars {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let capacity = layout.capacity();
    let mut column = SecretScalars::zeros(capacity.rows());
    for cell in layout.cells() {
        let (identity, holdings) = cell.rows().split_first().unwrap();
        column[identity.index()] = Fr::random(&mut rng);
        for row in holdings {
            let lots = i128::from(rng.next_u64() as i64 >> 20);
            column[row.index()] = if rng.next_u32().is_multiple_of(3) { Fr::ZERO } else { scalar::from_i128(lots) };
        }
    }
    for row in capacity.usable()..capacity.rows() {
        column[row] = Fr::random(&mut rng);
    }
    for row in (250..256).filter(|row| row % layout.cosets() + 6 >= layout.cosets().min(256)) {
        column[row] = Fr::from(row as u64);
    }
    column
}

/// The commitment to the quotient by division and a full sum.
fn quotient(params: &Params, column: &[Fr], rows: usize, coset: usize) -> G1Affine {
    let k = params.capacity().k();
    let mut rest = column.to_vec();
    best_fft(&mut rest, root_of_unity(k).invert().unwrap(), k);
    let scale = Fr::from(column.len() as u64).invert().unwrap();
    let a = root_of_unity(k).pow([(coset * rows) as u64]);
    let mut quotient = vec![Fr::ZERO; rest.len() - rows];
    for index in (rows..rest.len()).rev() {
        quotient[index - rows] = rest[index] * scale;
        rest[index - rows] = rest[index - rows] + rest[index] * a;
    }
    msm_best(&quotient, &params.powers()[..quotient.len()]).to_affine()
}

struct Fixture {
    srs: Srs,
    params: Params,
    layout: CellLayout,
    prover: CellProver,
    verifier: CellVerifier,
}

impl Fixture {
    fn new(k: u32, cosets: usize, cells: Vec<Vec<Row>>, lanes: Lanes) -> Self {
        Self::over(Srs::development_with_g2_powers(capacity(k)), cosets, cells, lanes)
    }

    fn over(srs: Srs, cosets: usize, cells: Vec<Vec<Row>>, lanes: Lanes) -> Self {
        let params = Params::from_srs(&srs, srs.capacity(), &Silent).unwrap();
        let layout = CellLayout::new(srs.capacity(), cosets, cells).unwrap();
        let table = CellTable::new(&params, &layout, lanes, &Silent);
        let prover = CellProver::new(&params, layout.clone(), table, lanes);
        let key = CellKey::from_srs(&srs, layout.rows_of_a_coset()).unwrap();
        let verifier = CellVerifier::new(key, layout.clone()).unwrap();
        Self { srs, params, layout, prover, verifier }
    }

    fn small() -> Self {
        Self::new(9, 64, cells(9, 64, 4), Lanes::widest())
    }

    fn page(&self, seed: u64) -> Page {
        self.page_of(column(&self.layout, seed))
    }

    fn page_of(&self, column: SecretScalars) -> Page {
        let commitment = HoldingCommitment::of_column(&self.params, &column).unwrap();
        let openings = self.prover.open(&column).unwrap();
        let values = |cell: &CellRows| cell.rows().iter().map(|row| column[row.index()]).collect();
        let values = self.layout.cells().iter().map(values).collect();
        Page { cosets: self.layout.cells().iter().map(CellRows::coset).collect(), column, commitment, values, openings }
    }

    fn check_against_division(&self, column: SecretScalars) {
        let page = self.page_of(column);
        let rows = self.layout.rows_of_a_coset();
        for (index, opening) in page.openings.iter().enumerate() {
            let Coset(coset) = page.cosets[index];
            assert_eq!(*opening.point(), quotient(&self.params, &page.column, rows, coset), "coset {coset}");
            assert_eq!(self.verifier.verify(page.cell(index)), Ok(()), "coset {coset}");
        }
        assert_eq!(self.verifier.failures(&page.cells(), &mut OsRng), []);
    }
}

struct Page {
    column: SecretScalars,
    commitment: HoldingCommitment,
    cosets: Vec<Coset>,
    values: Vec<Vec<Fr>>,
    openings: Vec<Opening>,
}

impl Page {
    fn cell(&self, index: usize) -> Cell<'_> {
        Cell {
            commitment: &self.commitment,
            coset: self.cosets[index],
            values: &self.values[index],
            opening: &self.openings[index],
        }
    }

    fn cells(&self) -> Vec<Cell<'_>> {
        (0..self.cosets.len()).map(|index| self.cell(index)).collect()
    }
}

#[test]
fn openings_are_the_quotients_by_division() {
    for (k, cosets, width) in [(9, 8, 9), (9, 16, 5), (9, 64, 8), (10, 256, 4), (11, 128, 6)] {
        let fixture = Fixture::new(k, cosets, cells(k, cosets, width), Lanes::widest());
        assert!(fixture.layout.cells().len() > cosets / 16, "{k}, {cosets}");
        let column = column(&fixture.layout, 7);
        let openings = fixture.prover.open(&column);
        fixture.check_against_division(column.clone());
        let one = Fixture::new(k, cosets, cells(k, cosets, width), Lanes::One);
        assert_eq!(one.prover.open(&column), openings, "one point at a time");
    }
}

#[test]
fn layouts_may_open_few_cosets_and_few_rows() {
    let all = cells(9, 64, 8);
    let few = vec![all[3].clone(), vec![all[17][2]], all[40][1..3].to_vec()];
    let fixture = Fixture::new(9, 64, few, Lanes::widest());
    fixture.check_against_division(column(&fixture.layout, 8));
    // Cosets of two rows.
    let two = Fixture::new(9, 256, cells(9, 256, 2), Lanes::widest());
    two.check_against_division(column(&two.layout, 9));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    // Most values are zero or alike, so that shares of cosets are the identity.
    #[test]
    fn pages_with_hardly_any_values_are_opened(
        values in prop::collection::vec((any::<prop::sample::Index>(), -2i128..3), 0..6),
        mask in 1u64..4,
    ) {
        let fixture = Fixture::new(9, 16, cells(9, 16, 5), Lanes::widest());
        let mut column = SecretScalars::zeros(512);
        let rows: Vec<Row> = fixture.layout.cells().iter().flat_map(|cell| cell.rows().to_vec()).collect();
        for (index, value) in values {
            column[index.get(&rows).index()] = scalar::from_i128(value);
        }
        column[511] = Fr::from(mask);
        fixture.check_against_division(column);
    }
}

#[test]
fn tables_of_layouts_survive_their_points() {
    let Fixture { params, layout, .. } = Fixture::small();
    let seen = std::sync::Mutex::new(Vec::new());
    let observer = |event| seen.lock().unwrap().push(event);
    let table = CellTable::new(&params, &layout, Lanes::One, &observer);
    let event = |done| Event::Progress { stage: Stage::CellPoints, done, total: 9 };
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen[..10], (0..10).map(event).collect::<Vec<_>>());
    assert!(seen[10..].iter().all(|event| matches!(event, Event::Progress { stage: Stage::Table, .. })));
    assert_eq!(table, CellTable::new(&params, &layout, Lanes::widest(), &Silent));
    assert_eq!(table.points().len(), CellTable::points_of(&layout));
    let again = CellTable::from_points(&layout, table.points().iter().copied().collect());
    assert_eq!(again, Some(table));
}

#[test]
fn rejects_points_that_are_no_table_of_the_layout() {
    let Fixture { params, layout, .. } = Fixture::small();
    let points = CellTable::new(&params, &layout, Lanes::widest(), &Silent).points().to_vec();
    assert_eq!(CellTable::from_points(&layout, points[1..].iter().copied().collect()), None);
    let other = CellLayout::new(capacity(9), 64, cells(9, 64, 3)).unwrap();
    assert_eq!(CellTable::from_points(&other, points.into_iter().collect()), None);
}

#[test]
fn rejects_another_cells_coset() {
    let fixture = Fixture::small();
    let page = fixture.page(1);
    for (index, other) in [(3, 4), (4, 3), (0, 20)] {
        let cell = Cell { coset: page.cosets[other], ..page.cell(index) };
        assert_eq!(fixture.verifier.verify(cell), Err(CellError::Opening { coset: page.cosets[other].0 }));
    }
}

#[test]
fn rejects_another_value_in_a_cell() {
    let fixture = Fixture::small();
    let page = fixture.page(2);
    let refused = Err(CellError::Opening { coset: page.cosets[5].0 });
    for row in 0..page.values[5].len() {
        for change in [Fr::ONE, -Fr::ONE, Fr::from(1 << 40)] {
            let mut values = page.values[5].clone();
            values[row] += change;
            assert_eq!(fixture.verifier.verify(Cell { values: &values, ..page.cell(5) }), refused);
        }
    }
    // The same values in other rows.
    let mut values = page.values[5].clone();
    values.swap(0, 1);
    assert_eq!(fixture.verifier.verify(Cell { values: &values, ..page.cell(5) }), refused);
}

#[test]
fn rejects_another_number_of_values_in_a_cell() {
    let fixture = Fixture::small();
    let page = fixture.page(3);
    let (coset, expected) = (page.cosets[5].0, 4);
    for found in [0, 3, 5, 8, 1000] {
        let mut values = page.values[5].clone();
        values.resize(found, Fr::ZERO);
        let refused = Err(CellError::Values { coset, expected, found });
        assert_eq!(fixture.verifier.verify(Cell { values: &values, ..page.cell(5) }), refused);
    }
}

#[test]
fn rejects_another_pages_commitment() {
    let fixture = Fixture::small();
    let (page, mut column) = (fixture.page(4), column(&fixture.layout, 4));
    // Only a mask differs, and no value of the cell.
    column[511] += Fr::ONE;
    let other = fixture.page_of(column);
    assert_eq!(page.values, other.values);
    let refused = Err(CellError::Opening { coset: page.cosets[6].0 });
    assert_eq!(fixture.verifier.verify(Cell { commitment: &other.commitment, ..page.cell(6) }), refused);
    assert_eq!(fixture.verifier.verify(Cell { opening: &other.openings[6], ..page.cell(6) }), refused);
    assert_eq!(fixture.verifier.verify(other.cell(6)), Ok(()));
}

/// The equation of a coset outside of the layout holds as well: a venue could show somebody a row of masks or totals,
/// or an account that the page's program knows nothing of.
#[test]
fn rejects_a_coset_outside_of_the_layout_though_the_equation_holds() {
    let all = cells(9, 64, 4);
    let wide = Fixture::new(9, 64, all.clone(), Lanes::widest());
    let mut few = all.clone();
    few.remove(9);
    let narrow =
        CellVerifier::new(CellKey::from_srs(&wide.srs, 8).unwrap(), CellLayout::new(capacity(9), 64, few).unwrap())
            .unwrap();
    let page = wide.page(5);
    let coset = page.cosets[9].0;
    assert_eq!(wide.verifier.verify(page.cell(9)), Ok(()));
    let refused = CellError::NotOpened { coset, cells: all.len() - 1 };
    assert_eq!(narrow.verify(page.cell(9)), Err(refused));
    assert_eq!(narrow.failures(&page.cells(), &mut OsRng), [(9, refused)]);
    for coset in [58, 63, 64, coset + 64, usize::MAX] {
        let refused = Err(CellError::NotOpened { coset, cells: all.len() - 1 });
        assert_eq!(narrow.verify(Cell { coset: Coset(coset), ..page.cell(9) }), refused);
    }
}

#[test]
fn rejects_a_value_in_a_row_that_the_layout_does_not_list() {
    let fixture = Fixture::small();
    let cell = &fixture.layout.cells()[11];
    let coset = cell.coset().0;
    let used: Vec<usize> = cell.rows().iter().map(|row| row.index()).collect();
    for row in (coset..512).step_by(64).filter(|row| !used.contains(row)) {
        let mut column = column(&fixture.layout, 6);
        column[row] = -Fr::ONE;
        let refused = OpenError::UnusedRow { coset, row };
        assert_eq!(fixture.prover.open(&column).unwrap_err(), refused);
        // Nor does a user take an opening that is made without the prover.
        let commitment = HoldingCommitment::of_column(&fixture.params, &column).unwrap();
        let values: Vec<Fr> = used.iter().map(|row| column[*row]).collect();
        let opening = Opening::new(quotient(&fixture.params, &column, 8, coset)).unwrap();
        let cell = Cell { commitment: &commitment, coset: Coset(coset), values: &values, opening: &opening };
        assert_eq!(fixture.verifier.verify(cell), Err(CellError::Opening { coset }));
    }
}

#[test]
fn rejects_pages_without_masks() {
    let fixture = Fixture::small();
    let identity = OpenError::Identity { coset: fixture.layout.cells()[0].coset().0 };
    assert_eq!(fixture.prover.open(&SecretScalars::zeros(512)).unwrap_err(), identity);
}

#[test]
fn rejects_the_identity_as_opening_and_as_commitment() {
    let fixture = Fixture::small();
    assert_eq!(Opening::from_bytes(&[0; 64]), Err(PointError::Identity));
    assert_eq!(HoldingCommitment::from_bytes(&[0; 64]), Err(PointError::Identity));
    let nothing = HoldingCommitment::of_column(&fixture.params, &SecretScalars::zeros(512));
    assert_eq!(nothing, Err(HoldingError::SumIsIdentity));
}

#[test]
fn rejects_openings_in_another_encoding() {
    let fixture = Fixture::small();
    let page = fixture.page(7);
    let bytes = page.openings[0].to_bytes();
    assert_eq!(Opening::from_bytes(&bytes), Ok(page.openings[0]));
    let mut larger = bytes;
    larger[..32].fill(0xff);
    assert_eq!(Opening::from_bytes(&larger), Err(PointError::CoordinateTooLarge));
    let mut off = bytes;
    off[63] ^= 1;
    assert_eq!(Opening::from_bytes(&off), Err(PointError::NotOnCurve));
    let negative = Opening::new(-*page.openings[0].point()).unwrap();
    let refused = Err(CellError::Opening { coset: page.cosets[0].0 });
    assert_eq!(fixture.verifier.verify(Cell { opening: &negative, ..page.cell(0) }), refused);
}

#[test]
fn rejects_swapped_openings_in_a_batch_and_names_both() {
    let fixture = Fixture::small();
    let (page, other) = (fixture.page(8), fixture.page(9));
    let mut cells: Vec<Cell<'_>> = page.cells();
    cells.extend(other.cells());
    assert_eq!(fixture.verifier.failures(&cells, &mut OsRng), []);
    assert_eq!(fixture.verifier.failures(&[], &mut OsRng), []);
    let count = page.cosets.len();
    let refused = |position: usize| (position, CellError::Opening { coset: cells[position].coset.0 });
    for (left, right) in [(3, 4), (0, 2 * count - 1), (7, count + 7)] {
        let mut swapped = cells.clone();
        (swapped[left].opening, swapped[right].opening) = (cells[right].opening, cells[left].opening);
        assert_eq!(fixture.verifier.failures(&swapped, &mut OsRng), [refused(left), refused(right)]);
    }
    // Among those that are not well formed, and alone.
    let mut some = cells.clone();
    some[2].values = &[];
    some[5].opening = cells[6].opening;
    let values = CellError::Values { coset: some[2].coset.0, expected: 4, found: 0 };
    assert_eq!(fixture.verifier.failures(&some, &mut OsRng), [(2, values), refused(5)]);
    let refused = (0, CellError::Opening { coset: some[5].coset.0 });
    assert_eq!(fixture.verifier.failures(&some[5..6], &mut OsRng), [refused]);
}

/// Two errors that cancel in a sum without weights.
#[test]
fn rejects_errors_of_two_cells_that_cancel() {
    let fixture = Fixture::small();
    let page = fixture.page(10);
    let shift = fixture.params.powers()[3];
    let [first, second] = [(4, shift), (4, -shift)].map(|(index, shift): (usize, G1Affine)| {
        let point = (*page.openings[index].point() + shift).to_affine();
        Opening::new(point).unwrap()
    });
    let cells = [Cell { opening: &first, ..page.cell(4) }, Cell { opening: &second, ..page.cell(4) }];
    let refused = CellError::Opening { coset: page.cosets[4].0 };
    assert_eq!(fixture.verifier.failures(&cells, &mut OsRng), [(0, refused), (1, refused)]);
}

#[test]
fn rejects_keys_for_cells_with_other_rows() {
    let fixture = Fixture::small();
    for found in [4, 16] {
        let key = CellKey::from_srs(&fixture.srs, found).unwrap();
        let error = CellVerifier::new(key, fixture.layout.clone()).unwrap_err();
        assert_eq!(error, OtherKey { expected: 8, found });
    }
}

#[test]
#[should_panic(expected = "a value for each row")]
fn rejects_a_page_of_another_length() {
    let _ = Fixture::small().prover.open(&SecretScalars::zeros(511));
}

#[test]
#[should_panic(expected = "the layout's table")]
fn rejects_the_table_of_another_layout() {
    let Fixture { params, layout, .. } = Fixture::small();
    let table = CellTable::new(&params, &layout, Lanes::One, &Silent);
    let other = CellLayout::new(capacity(9), 64, cells(9, 64, 3)).unwrap();
    let _ = CellProver::new(&params, other, table, Lanes::One);
}

#[test]
fn nothing_prints_tables_or_secrets() {
    let fixture = Fixture::small();
    for text in [format!("{:?}", fixture.prover), format!("{:?}", fixture.verifier)] {
        assert!(text.len() < 200, "{text}");
    }
}

#[test]
#[allow(clippy::print_stdout, reason = "a skipped test says so")]
fn cells_open_over_the_ceremony() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/srs");
    let (file, more) =
        (directory.join("ppot-0085-k16.g1-compressed"), directory.join("ppot-0085-g2-powers-of-two.gnark"));
    if !file.exists() || !more.exists() {
        println!("skipped: {} and {} are not there", file.display(), more.display());
        return;
    }
    let read = |path| fs::File::open(path).unwrap();
    let srs = import::read(read(file), None, Some(capacity(10)), &Silent).unwrap();
    let srs = srs.with_g2_powers(import::read_g2_powers(read(more)).unwrap()).unwrap();
    let fixture = Fixture::over(srs, 64, cells(10, 64, 9), Lanes::widest());
    fixture.check_against_division(column(&fixture.layout, 11));
}
