//! Policies together with the commitments of the programs that they compile to.
//!
//! A level's program is three public columns: addresses `IDX`, ends of sums `FLAG` and coefficients `COEF`. The last is
//! affine in the market vector `p`, and so is its commitment: `COEF = B_0 + Σ_u p_u·B_u`, where `B_u` commits to the
//! factors of price `u`. These points and the policy's text make up the policy's identifier:
//!
//! ```text
//! level  = keccak256(level id ‖ IDX ‖ FLAG ‖ B_0 ‖ B_1 ‖ … ‖ B_U)                          points as x ‖ y
//! policy = keccak256(keccak256("surety/policy/v1") ‖ document ‖ universe ‖ srs ‖ k ‖ level …)   k in 32 bytes
//! ```
//!
//! Whoever compiles the policy gets the points at first hand. Whoever has no set-up at hand reads them from a
//! [`CompiledPolicyFile`] and must know the policy's identifier from elsewhere to be sure of them.

use core::fmt;
use std::borrow::Cow;

use alloy_primitives::keccak256;
use group::{Curve as _, prime::PrimeCurveAffine as _};
use halo2curves::bn256::{Fr, G1Affine};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    canonical::NotCanonical,
    capacity::Capacity,
    failure::{Class, Failure},
    ident::{Bytes32, HexBytes, Name},
    kind::{Kind, KindOf, Kinded},
    problem::{Problem, listed},
    text::Document,
    units::Price,
};
use surety_kzg::{
    Params, SrsId, affine_combination,
    params::MarketLengthMismatch,
    point::{self, PointError},
    scalar,
};
use surety_margin::{
    compile::{CompileError, compile},
    level::Level,
    policy::Policy,
    program::Program,
    universe::Universe,
};

use crate::attestation::{
    eip712::{Word, hash_words, number},
    identifiers::{DocumentId, FeedsId, LevelId, PolicyId, UniverseId},
};

/// The commitments of one level's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProgramCommitments {
    /// Addresses.
    pub idx: G1Affine,
    /// Ends of sums.
    pub flag: G1Affine,
    /// `B_0`: coefficients where all prices are zero.
    pub base: G1Affine,
    /// `B_1 … B_U`: the factors of each price. The identity for a price that the level does not read.
    pub market: Vec<G1Affine>,
}

impl ProgramCommitments {
    /// Commits to a program of a policy with this many market entries.
    fn commit(program: &Program, entries: usize, params: &Params) -> Self {
        let mut idx = Vec::new();
        let mut flag = Vec::new();
        let mut base = Vec::new();
        let mut market = vec![Vec::new(); entries];
        for (row, entry) in program.capacity().table_rows().zip(program.table()) {
            idx.push((row, Fr::from(entry.address.index() as u64)));
            if entry.last {
                flag.push((row, Fr::one()));
            }
            base.push((row, scalar::from_i256(entry.coefficient.constant_part())));
            for (index, factor) in entry.coefficient.market_part() {
                market[index.0].push((row, scalar::from_i256(*factor)));
            }
        }
        let mut affine = params.commit_sparse_columns([idx, flag, base].into_iter().chain(market).collect());
        let market = affine.split_off(3);
        Self { idx: affine[0], flag: affine[1], base: affine[2], market }
    }

    /// The commitment to the coefficients at given prices.
    ///
    /// # Errors
    /// If there are not as many prices as the policy has market entries.
    pub fn coef(&self, prices: &[Price]) -> Result<G1Affine, MarketLengthMismatch> {
        let prices: Vec<Fr> = prices.iter().map(|price| scalar::from_u128(price.get())).collect();
        Ok(affine_combination(&self.base, &self.market, &prices)?.to_affine())
    }

    fn hash(&self, level: LevelId) -> Word {
        let points = [self.idx, self.flag, self.base];
        let words = points.iter().chain(&self.market).flat_map(|point| {
            let bytes = point::g1_to_bytes(point);
            [0, 32].map(|offset| core::array::from_fn(|index| bytes[offset + index]))
        });
        hash_words(&core::iter::once(level.0.0).chain(words).collect::<Vec<Word>>())
    }
}

/// Why a policy has no commitments, or not these.
#[derive(Debug, thiserror::Error)]
pub enum CompiledError {
    /// The policy does not compile.
    #[error("policy: {0}")]
    Policy(#[from] CompileError),
    /// The policy breaks rules.
    #[error("{}", listed("policy", .0))]
    Rules(Vec<Problem>),
    /// The policy or its universe cannot be encoded.
    #[error("policy: {0}")]
    Encoding(#[from] NotCanonical),
    /// Files do not belong together.
    #[error("{0}")]
    Mismatch(Problem),
    /// A commitment is no point.
    #[error("compiled policy, level {level}, {column}: {error}")]
    Point {
        /// The level.
        level: Name,
        /// The column.
        column: String,
        /// What is wrong with it.
        error: PointError,
    },
}

/// A policy, its universe, and the commitments of its levels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommittedPolicy {
    policy: Policy,
    universe: Universe,
    levels: Vec<ProgramCommitments>,
    ids: Ids,
    at_first_hand: bool,
}

/// What follows from the rest of a [`CommittedPolicy`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Ids {
    policy: PolicyId,
    document: DocumentId,
    universe: UniverseId,
    feeds: FeedsId,
}

impl CommittedPolicy {
    /// A policy with commitments that somebody else computed. Only its identifier, known from elsewhere, makes sure
    /// that they are the policy's: see [`CommittedPolicy::is_at_first_hand`].
    ///
    /// # Errors
    /// If the file is for another policy or universe, or a commitment is no point.
    pub fn published(policy: Policy, universe: Universe, file: &CompiledPolicyFile) -> Result<Self, CompiledError> {
        check_rules(&policy, &universe)?;
        equal("compiled policy: document", DocumentId::of(&policy)?.0, file.document.0)?;
        equal("compiled policy: universe", UniverseId::of(&universe)?.0, file.universe.0)?;
        equal("compiled policy: set-up", universe.srs, file.srs)?;
        equal("compiled policy: capacity class", universe.capacity.k(), file.capacity.k())?;
        equal("compiled policy: number of levels", policy.levels.len(), file.levels.len())?;
        for (level, published) in policy.levels.iter().zip(&file.levels) {
            equal("compiled policy: level", &level.name, &published.level)?;
        }
        let levels = file.levels.iter().map(LevelCommitments::decode).collect::<Result<Vec<_>, _>>()?;
        let entries = entries(&policy, &universe)?;
        for commitments in &levels {
            equal("compiled policy: number of prices", entries, commitments.market.len())?;
        }
        let committed = Self::new(policy, universe, levels, false)?;
        equal("compiled policy: policy", committed.ids.policy.0, file.policy.0)?;
        Ok(committed)
    }

    fn new(
        policy: Policy,
        universe: Universe,
        levels: Vec<ProgramCommitments>,
        at_first_hand: bool,
    ) -> Result<Self, CompiledError> {
        let ids = Ids::of(&policy, &universe, &levels)?;
        Ok(Self { policy, universe, levels, ids, at_first_hand })
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What it is over.
    #[must_use]
    pub fn universe(&self) -> &Universe {
        &self.universe
    }

    /// The policy's identifier.
    #[must_use]
    pub fn id(&self) -> PolicyId {
        self.ids.policy
    }

    /// The universe's identifier.
    #[must_use]
    pub fn universe_id(&self) -> UniverseId {
        self.ids.universe
    }

    /// Identifies what oracle nodes report on.
    #[must_use]
    pub fn feeds_id(&self) -> FeedsId {
        self.ids.feeds
    }

    /// The commitments of a level, or none if the policy has no level of this name.
    #[must_use]
    pub fn level(&self, name: &Name) -> Option<&ProgramCommitments> {
        let index = self.policy.levels.iter().position(|level| level.name == *name)?;
        self.levels.get(index)
    }

    /// Whether the commitments were computed here, from the policy's text.
    #[must_use]
    pub fn is_at_first_hand(&self) -> bool {
        self.at_first_hand
    }

    /// The file that publishes the commitments.
    #[must_use]
    pub fn file(&self) -> CompiledPolicyFile {
        let level = |(level, commitments): (&Level, &_)| LevelCommitments::encode(&level.name, commitments);
        CompiledPolicyFile {
            kind: KindOf::new(),
            version: FormatVersion,
            policy: self.ids.policy,
            document: self.ids.document,
            universe: self.ids.universe,
            srs: self.universe.srs,
            capacity: self.universe.capacity,
            levels: self.policy.levels.iter().zip(&self.levels).map(level).collect(),
        }
    }
}

/// A policy whose programs are at hand, as provers need them.
#[derive(Clone, Debug)]
pub struct CompiledPolicy {
    committed: CommittedPolicy,
    programs: Vec<Program>,
}

impl CompiledPolicy {
    /// Compiles every level of a policy and commits to the programs.
    ///
    /// # Errors
    /// If the policy does not compile, or the parameters are not for the universe's set-up and capacity class.
    pub fn compile(policy: Policy, universe: Universe, params: &Params) -> Result<Self, CompiledError> {
        equal("universe: set-up", params.id(), SrsId::from(universe.srs))?;
        equal("universe: capacity class", params.capacity().k(), universe.capacity.k())?;
        check_rules(&policy, &universe)?;
        let programs = compile(&policy, &universe)?;
        let entries = entries(&policy, &universe)?;
        let levels = programs.iter().map(|program| ProgramCommitments::commit(program, entries, params)).collect();
        Ok(Self { committed: CommittedPolicy::new(policy, universe, levels, true)?, programs })
    }

    /// The policy with its commitments.
    #[must_use]
    pub fn committed(&self) -> &CommittedPolicy {
        &self.committed
    }

    /// The program of a level, or none if the policy has no level of this name.
    #[must_use]
    pub fn program(&self, level: &Name) -> Option<&Program> {
        let index = self.committed.policy.levels.iter().position(|other| other.name == *level)?;
        self.programs.get(index)
    }
}

/// How many entries the market vector has.
fn entries(policy: &Policy, universe: &Universe) -> Result<usize, CompiledError> {
    Ok(policy.market_vector(universe).map_err(CompiledError::Rules)?.entries().len())
}

impl Ids {
    fn of(policy: &Policy, universe: &Universe, levels: &[ProgramCommitments]) -> Result<Self, NotCanonical> {
        let (document, universe_id) = (DocumentId::of(policy)?, UniverseId::of(universe)?);
        let head = [
            keccak256("surety/policy/v1").0,
            document.0.0,
            universe_id.0.0,
            universe.srs.0,
            number(universe.capacity.k().into()),
        ];
        let levels = policy.levels.iter().zip(levels).map(|(level, points)| points.hash(LevelId::of(&level.name)));
        Ok(Self {
            policy: PolicyId(HexBytes(hash_words(&head.into_iter().chain(levels).collect::<Vec<Word>>()))),
            document,
            universe: universe_id,
            feeds: FeedsId::of(&policy.market)?,
        })
    }
}

fn check_rules(policy: &Policy, universe: &Universe) -> Result<(), CompiledError> {
    let problems = [universe.problems(), policy.check(universe)].concat();
    if problems.is_empty() { Ok(()) } else { Err(CompiledError::Rules(problems)) }
}

fn equal<T: PartialEq + fmt::Display>(input: &'static str, expected: T, found: T) -> Result<(), CompiledError> {
    if expected == found {
        return Ok(());
    }
    let (path, expected, found) = (input.to_owned(), expected.to_string(), found.to_string());
    Err(CompiledError::Mismatch(Problem { path, expected, found, advice: None }))
}

/// The commitments of a policy's programs, as a file: for registries, and for verifiers without a set-up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CompiledPolicyFile {
    /// The format.
    pub kind: KindOf<CompiledPolicyFile>,
    /// Version of the format.
    pub version: FormatVersion,
    /// The policy's identifier, which follows from all that is below.
    pub policy: PolicyId,
    /// Identifies the policy's text.
    pub document: DocumentId,
    /// Identifies the universe.
    pub universe: UniverseId,
    /// The set-up that the commitments are made with.
    pub srs: Bytes32,
    /// The capacity class.
    pub capacity: Capacity,
    /// The levels, in the policy's order.
    pub levels: Vec<LevelCommitments>,
}

impl Kinded for CompiledPolicyFile {
    const KIND: Kind = Kind::CompiledPolicy;
}

/// The commitments of a level's program, in a file. Points are `x ‖ y`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LevelCommitments {
    /// The level.
    pub level: Name,
    /// Addresses.
    pub idx: HexBytes<64>,
    /// Ends of sums.
    pub flag: HexBytes<64>,
    /// Coefficients where all prices are zero.
    pub base: HexBytes<64>,
    /// The factors of each price, in the order of the market vector; zeros, the identity, for a price that is not read.
    pub market: Vec<HexBytes<64>>,
}

impl CompiledPolicyFile {
    /// All commitments by their names: `IDX`, `FLAG`, `B_0 … B_U` of each level.
    #[must_use]
    pub fn named(&self) -> Vec<(String, HexBytes<64>)> {
        let of_level = |LevelCommitments { level, idx, flag, base, market }: &LevelCommitments| {
            let fixed = [("IDX", idx), ("FLAG", flag)].map(|(column, point)| (commitment_name(level, column), *point));
            let factors = core::iter::once(base).chain(market).enumerate();
            let factors = factors.map(|(index, point)| (commitment_name(level, &format!("B_{index}")), *point));
            fixed.into_iter().chain(factors).collect::<Vec<_>>()
        };
        self.levels.iter().flat_map(of_level).collect()
    }
}

/// The name of a commitment for people: its level and its column.
#[must_use]
pub fn commitment_name(level: &Name, column: &str) -> String {
    format!("level {level}: {column}")
}

impl LevelCommitments {
    fn encode(level: &Name, commitments: &ProgramCommitments) -> Self {
        let encode = |point: &G1Affine| HexBytes(point::g1_to_bytes(point));
        Self {
            level: level.clone(),
            idx: encode(&commitments.idx),
            flag: encode(&commitments.flag),
            base: encode(&commitments.base),
            market: commitments.market.iter().map(encode).collect(),
        }
    }

    fn decode(&self) -> Result<ProgramCommitments, CompiledError> {
        let decode = |column: String, bytes: &HexBytes<64>| {
            point::g1_from_bytes(&bytes.0).map_err(|error| CompiledError::Point {
                level: self.level.clone(),
                column,
                error,
            })
        };
        let price = |(index, bytes): (usize, &HexBytes<64>)| {
            if *bytes == HexBytes::ZERO { Ok(G1Affine::identity()) } else { decode(format!("price {index}"), bytes) }
        };
        Ok(ProgramCommitments {
            idx: decode("idx".to_owned(), &self.idx)?,
            flag: decode("flag".to_owned(), &self.flag)?,
            base: decode("base".to_owned(), &self.base)?,
            market: self.market.iter().enumerate().map(price).collect::<Result<_, _>>()?,
        })
    }
}

/// What a compiled policy must satisfy depends on the policy: see [`CommittedPolicy::published`].
impl Document for CompiledPolicyFile {
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

impl Failure for CompiledError {
    fn class(&self) -> Class {
        match self {
            Self::Policy(_) | Self::Rules(_) => Class::Input,
            Self::Mismatch(_) | Self::Point { .. } => Class::Mismatch,
            Self::Encoding(_) => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "policy".into()
    }
}
