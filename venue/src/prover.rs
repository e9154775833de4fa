//! The proof of a page, the openings of its cells, and the proof of the reserves.

use halo2curves::bn256::G1Affine;
use surety_books::{
    book::Page,
    compiled::{CommittedProgram, CompiledRules},
    root::{BookHeader, Leaf, reserves_context},
};
use surety_circuits::{ProveError, ProvingKey, ProvingKeyError, Witness, witness::WitnessError};
use surety_core::{
    failure::{Class, Failure},
    ident::{Bytes32, HexBytes},
    units::{Lots, Price},
};
use surety_kzg::{
    Fr, HoldingCommitment, Lanes, Params, SecretScalars, Table,
    cell::{CellProver, CellTable, OpenError, Opening},
    holding::HoldingError,
    progress::Observer,
};
use surety_margin::{
    holdings::Position,
    program::{Program, Unsatisfied},
};
use surety_verifier::{KnownCommitments, proof::encoding::ProofBytes};
use zeroize::Zeroizing;

use crate::{
    account::position_of,
    page::{FilledPage, PageTotals},
};

/// Why a page or the reserves are not proven.
#[derive(Debug, thiserror::Error)]
pub enum BookProveError {
    /// The program does not hold.
    #[error("{0}")]
    Unsatisfied(#[from] Unsatisfied),
    /// The witness.
    #[error(transparent)]
    Witness(#[from] WitnessError),
    /// The key.
    #[error(transparent)]
    Key(#[from] ProvingKeyError),
    /// The proof.
    #[error(transparent)]
    Proof(#[from] ProveError),
    /// The commitment.
    #[error(transparent)]
    Commitment(#[from] HoldingError),
    /// The cells.
    #[error(transparent)]
    Cells(#[from] OpenError),
    /// The prices.
    #[error("market: expected a price for each entry of the policy, found {0}")]
    Prices(usize),
    /// What is left of the reserves is too much or too little to be proven about.
    #[error("reserves less totals of instrument {0}: expected at most 2^95 - 1 lots, found more")]
    Beyond(usize),
}

impl Failure for BookProveError {
    fn class(&self) -> Class {
        match self {
            Self::Unsatisfied(_) => Class::Insufficient,
            Self::Prices(_) | Self::Beyond(_) => Class::Input,
            _ => Class::Internal,
        }
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "book-proof".into()
    }
}

/// A page, proven; and the openings of its cells, in the order of its slots.
#[derive(Clone, Debug)]
pub struct ProvenPage {
    /// What is published.
    pub page: Page,
    /// The openings.
    pub openings: Vec<Opening>,
}

/// What it takes to prove the pages of one kind.
#[derive(Debug)]
pub struct PageProver<'a> {
    rules: &'a CompiledRules,
    params: &'a Params,
    kind: usize,
    key: ProvingKey,
    cells: CellProver,
}

impl<'a> PageProver<'a> {
    /// The prover of a kind of pages, with the table over the bases, and that of the kind's cells.
    ///
    /// # Errors
    /// If there is no key.
    pub fn new(
        rules: &'a CompiledRules,
        params: &'a Params,
        kind: usize,
        (table, cells): (Table, CellTable),
        lanes: Lanes,
    ) -> Result<Self, BookProveError> {
        let page = &rules.kinds[kind].page;
        let key = ProvingKey::divided(params, page.program().groups(), table, lanes)?;
        let cells = CellProver::new(params, page.layout().cells().clone(), cells, lanes);
        Ok(Self { rules, params, kind, key, cells })
    }

    /// The table of the cells of a kind, which takes a while.
    #[must_use]
    pub fn cell_table(
        rules: &CompiledRules,
        params: &Params,
        kind: usize,
        lanes: Lanes,
        observer: &dyn Observer,
    ) -> CellTable {
        CellTable::new(params, rules.kinds[kind].page.layout().cells(), lanes, observer)
    }

    /// Proves a page at its place in a book, and opens its cells.
    ///
    /// # Errors
    /// If the page does not satisfy its program.
    pub fn prove(
        &self,
        filled: &FilledPage,
        header: BookHeader,
        index: u32,
        prices: &[Price],
    ) -> Result<ProvenPage, BookProveError> {
        let hold = HoldingCommitment::of_column(self.params, &filled.column)?;
        let leaf = Leaf { index, kind: self.kind as u32, commitment: HexBytes(hold.to_bytes()) };
        let compiled = &self.rules.kinds[self.kind];
        let claim = Claim { program: compiled.page.program(), committed: &compiled.committed, prices, hold };
        let proof = claim.prove(&self.key, leaf.context(header), &filled.column, &filled.position)?;
        let page = Page { kind: leaf.kind, commitment: leaf.commitment, proof };
        Ok(ProvenPage { page, openings: self.cells.open(&filled.column)? })
    }
}

/// The reserves: the sum of what custodians state, as the holder of their openings has it.
pub struct Reserves<'a> {
    /// The sum of the statements' columns.
    pub column: SecretScalars,
    /// The sum of the balances, for each instrument of the universe.
    pub position: &'a Position,
}

/// Whether reserves cover the totals of all pages, before anything is proven.
///
/// # Errors
/// If they do not, with the rule that fails.
pub fn check_reserves(rules: &CompiledRules, reserves: &Position, totals: &PageTotals) -> Result<(), BookProveError> {
    rules.reserves.solve(&left(reserves, totals)?, &[])?;
    Ok(())
}

/// Reserves less totals, in the order of the rows of the totals.
fn left(reserves: &Position, totals: &PageTotals) -> Result<Position, BookProveError> {
    let mut left = Zeroizing::new(totals.in_order().iter().map(|total| -total).collect::<Vec<i128>>());
    left.iter_mut().zip(reserves.lots()).for_each(|(left, lots)| *left += lots.get());
    let beyond = || left.iter().position(|lots| Lots::new(*lots).is_err()).unwrap_or_default();
    position_of(&left).map_err(|_| BookProveError::Beyond(beyond()))
}

/// Proves that the reserves cover the totals of all pages. `pages` is the sum of the pages' columns.
///
/// # Errors
/// If they do not, with the rule that fails.
pub fn prove_reserves(
    rules: &CompiledRules,
    params: &Params,
    table: Table,
    lanes: Lanes,
    reserves: &Reserves<'_>,
    (pages, totals): (&SecretScalars, &PageTotals),
    (root, statements): (Bytes32, &[Bytes32]),
) -> Result<ProofBytes, BookProveError> {
    let mut column = reserves.column.clone();
    column.iter_mut().zip(pages.iter()).for_each(|(left, owed)| *left -= owed);
    let position = left(reserves.position, totals)?;
    let hold = HoldingCommitment::of_column(params, &column)?;
    let key = ProvingKey::divided(params, rules.reserves.groups(), table, lanes)?;
    let claim = Claim { program: &rules.reserves, committed: &rules.committed_reserves, prices: &[], hold };
    claim.prove(&key, reserves_context(root, statements), &column, &position)
}

/// What is claimed of a column.
struct Claim<'a> {
    program: &'a Program,
    committed: &'a CommittedProgram,
    prices: &'a [Price],
    hold: HoldingCommitment,
}

impl Claim<'_> {
    fn prove(
        &self,
        key: &ProvingKey,
        context: Fr,
        column: &SecretScalars,
        position: &Position,
    ) -> Result<ProofBytes, BookProveError> {
        let assignment = self.program.solve(position, self.prices)?;
        let witness = Witness::new(self.program, self.prices, column, &assignment)?;
        let known = KnownCommitments {
            idx: self.committed.commitments.idx,
            flag: self.committed.commitments.flag,
            coef: self.coef()?,
            hold: *self.hold.point(),
        };
        Ok(key.prove(context, &known, &witness)?)
    }

    fn coef(&self) -> Result<G1Affine, BookProveError> {
        self.committed.commitments.coef(self.prices).map_err(|_| BookProveError::Prices(self.prices.len()))
    }
}
