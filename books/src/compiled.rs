//! Rules of books together with the commitments of the programs that they compile to, and the identifier of both.
//!
//! ```text
//! program = keccak256(verifying key ‖ IDX ‖ FLAG ‖ B_0 ‖ B_1 ‖ …)                       points as x ‖ y
//! kind    = keccak256(keccak256("surety/book-kind/v1") ‖ name ‖ debts ‖ accounts ‖ program ‖ instrument …)
//! rules   = keccak256(keccak256("surety/book-rules/v1") ‖ document ‖ policy ‖ universe ‖ reserves ‖ kind …)
//! ```
//!
//! Names enter by their Keccak-256 hash, an instrument by its position in the universe, the document by the hash of its
//! canonical encoding, the program of the reserves as `reserves`. Numbers have 32 bytes.

use alloy_primitives::keccak256;
use halo2curves::bn256::Fr;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    canonical::{self, NotCanonical},
    capacity::Groups,
    failure::{Class, Failure},
    ident::{Bytes32, HexBytes, Name},
};
use surety_kzg::Params;
use surety_margin::program::Program;
use surety_verifier::{
    CommittedPolicy, KeyError, Protocol, VerifyingKey,
    attestation::{
        compiled::{CompiledError, ProgramCommitments, entries},
        eip712::{Word, hash_words, number},
        identifiers::{PolicyId, UniverseId},
    },
};

use crate::{
    layout::{PageLayout, PageLayoutError, Totals},
    page::{Ground, PageError, PageProgram},
    rules::BookRules,
};

/// Identifies rules of books, their policy, and what both compile to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct BookRulesId(pub Bytes32);

/// Why rules do not compile.
#[derive(Debug, thiserror::Error)]
pub enum RulesError {
    /// A page or the reserves.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The policy.
    #[error(transparent)]
    Policy(#[from] CompiledError),
    /// A verifying key.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The rules cannot be encoded.
    #[error("book rules: {0}")]
    Encoding(#[from] NotCanonical),
    /// The totals.
    #[error("book rules: {0}")]
    Layout(#[from] PageLayoutError),
}

impl Failure for RulesError {
    fn class(&self) -> Class {
        match self {
            Self::Page(_) | Self::Layout(_) => Class::Input,
            Self::Policy(error) => error.class(),
            Self::Key(_) | Self::Encoding(_) => Class::Internal,
        }
    }

    fn code(&self) -> std::borrow::Cow<'static, str> {
        "book-rules".into()
    }
}

/// A program, and what verifiers know of it.
#[derive(Clone, Debug)]
pub struct CommittedProgram {
    /// The commitments.
    pub commitments: ProgramCommitments,
    /// The key that its proofs verify under.
    pub key: VerifyingKey,
}

impl CommittedProgram {
    fn new(program: &Program, entries: usize, params: &Params) -> Result<Self, KeyError> {
        let commitments = ProgramCommitments::commit(program, entries, params);
        Ok(Self { commitments, key: verifying_key(program.groups(), params)? })
    }

    fn hash(&self) -> Word {
        self.commitments.hash(self.key.digest().bytes().0)
    }
}

/// A kind of page, compiled and committed to.
#[derive(Clone, Debug)]
pub struct CompiledKind {
    /// The page.
    pub page: PageProgram,
    /// What verifiers know of its program.
    pub committed: CommittedProgram,
}

/// Rules of books, compiled and committed to.
#[derive(Clone, Debug)]
pub struct CompiledRules {
    /// The rules.
    pub rules: BookRules,
    /// The policy.
    pub policy: CommittedPolicy,
    /// The kinds of pages, in the order of the rules.
    pub kinds: Vec<CompiledKind>,
    /// The program of the reserves.
    pub reserves: Program,
    /// What verifiers know of it.
    pub committed_reserves: CommittedProgram,
    /// The rows of the totals.
    pub totals: Totals,
    summary: RulesSummary,
}

impl CompiledRules {
    /// Compiles rules over a policy whose commitments are at hand.
    ///
    /// # Errors
    /// If rules are broken, or something does not fit.
    pub fn compile(rules: BookRules, policy: CommittedPolicy, params: &Params) -> Result<Self, RulesError> {
        let ground = Ground { rules: &rules, policy: policy.policy(), universe: policy.universe() };
        let prices = entries(policy.policy(), policy.universe())?;
        let mut kinds = Vec::with_capacity(rules.kinds.len());
        for kind in &rules.kinds {
            let page = ground.page(kind)?;
            let committed = CommittedProgram::new(page.program(), prices, params)?;
            kinds.push(CompiledKind { page, committed });
        }
        let reserves = ground.reserves()?;
        let committed_reserves = CommittedProgram::new(&reserves, 0, params)?;
        let totals = Totals::new(policy.universe().capacity, policy.universe().instruments.len())?;
        let summary = RulesSummary {
            document: HexBytes(keccak256(canonical::encode(&rules)?).0),
            policy: policy.id(),
            universe: policy.universe_id(),
            reserves: HexBytes(committed_reserves.hash()),
            kinds: kinds.iter().map(|kind| KindSummary::of(kind, &policy)).collect(),
        };
        Ok(Self { rules, policy, kinds, reserves, committed_reserves, totals, summary })
    }

    /// What the programs follow from.
    #[must_use]
    pub fn ground(&self) -> Ground<'_> {
        Ground { rules: &self.rules, policy: self.policy.policy(), universe: self.policy.universe() }
    }

    /// What the identifier follows from.
    #[must_use]
    pub fn summary(&self) -> &RulesSummary {
        &self.summary
    }
}

/// What the identifier of rules follows from: enough to know the layout of every kind, without a set-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RulesSummary {
    /// Hash of the rules as they are written.
    pub document: Bytes32,
    /// The policy.
    pub policy: PolicyId,
    /// The universe.
    pub universe: UniverseId,
    /// The program of the reserves.
    pub reserves: Bytes32,
    /// The kinds of pages.
    pub kinds: Vec<KindSummary>,
}

/// What identifies a kind of page.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KindSummary {
    /// Its name.
    pub name: Name,
    /// Whether accounts may owe anything.
    pub debts: bool,
    /// Accounts in a page.
    pub accounts: u32,
    /// The program.
    pub program: Bytes32,
    /// The positions in the universe of the instruments that accounts may have, in the order of a cell.
    pub instruments: Vec<u32>,
}

impl RulesSummary {
    /// The identifier.
    #[must_use]
    pub fn id(&self) -> BookRulesId {
        let head =
            [keccak256("surety/book-rules/v1").0, self.document.0, self.policy.0.0, self.universe.0.0, self.reserves.0];
        let words: Vec<Word> = head.into_iter().chain(self.kinds.iter().map(KindSummary::id)).collect();
        BookRulesId(HexBytes(hash_words(&words)))
    }
}

impl KindSummary {
    fn of(kind: &CompiledKind, policy: &CommittedPolicy) -> Self {
        let CompiledKind { page, committed } = kind;
        debug_assert_eq!(page.program().capacity(), policy.universe().capacity);
        Self {
            name: page.kind().name.clone(),
            debts: page.kind().debts,
            accounts: page.layout().accounts() as u32,
            program: HexBytes(committed.hash()),
            instruments: page.tracked().iter().map(|position| *position as u32).collect(),
        }
    }

    /// The kind's identifier.
    #[must_use]
    pub fn id(&self) -> Word {
        let head = [
            keccak256("surety/book-kind/v1").0,
            keccak256(self.name.as_str()).0,
            number(self.debts.into()),
            number(self.accounts.into()),
            self.program.0,
        ];
        let instruments = self.instruments.iter().map(|position| number(u128::from(*position)));
        hash_words(&head.into_iter().chain(instruments).collect::<Vec<Word>>())
    }

    /// The layout of the kind's pages in a universe.
    ///
    /// # Errors
    /// If there is none.
    pub fn layout(&self, universe: &surety_margin::universe::Universe) -> Result<PageLayout, PageLayoutError> {
        let (instruments, tracked) = (universe.instruments.len(), self.instruments.len());
        PageLayout::new(universe.capacity, instruments, tracked, self.accounts as usize)
    }
}

/// The verifying key for rows that are divided into these groups.
fn verifying_key(groups: Groups, params: &Params) -> Result<VerifyingKey, KeyError> {
    let capacity = params.capacity();
    let column = |values: Vec<u64>| {
        let cells = capacity.table_rows().map(|row| (row, Fr::from(values[row.index()])));
        cells.filter(|(_, value)| *value != Fr::zero()).collect::<Vec<_>>()
    };
    let fixed = params.commit_sparse_columns(vec![column(capacity.row_column()), column(groups.base_column())]);
    VerifyingKey::new(Protocol::of(capacity)?, fixed, *params.verifier_key())
}

#[cfg(test)]
mod tests {
    use surety_core::capacity::Capacity;
    use surety_kzg::{Srs, progress::Silent};

    use super::*;

    #[test]
    fn keys_from_lagrange_points_are_those_from_powers() {
        let capacity = Capacity::new(10).unwrap();
        let srs = Srs::development(capacity);
        let params = Params::from_srs(&srs, capacity, &Silent).unwrap();
        for groups in [Groups::long(capacity), Groups::with_short(capacity, 12).unwrap()] {
            let protocol = Protocol::of(capacity).unwrap();
            let expected = VerifyingKey::derive_divided(protocol, groups, &srs).unwrap();
            assert_eq!(verifying_key(groups, &params).unwrap().digest(), expected.digest());
        }
    }
}
