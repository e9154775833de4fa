//! Policies together with the commitments of the programs that they compile to.
//!
//! A level's program is three public columns: addresses `IDX`, ends of sums `FLAG` and coefficients `COEF`. The last is
//! affine in the market vector `p`, and so is its commitment: `COEF = B_0 + Σ_u p_u·B_u`, where `B_u` commits to the
//! factors of price `u`. These points, the policy's text, the vault that it draws on and the scopes of its sources make
//! up the policy's identifier:
//!
//! ```text
//! level  = keccak256(level id ‖ IDX ‖ FLAG ‖ B_0 ‖ B_1 ‖ … ‖ B_U)                          points as x ‖ y
//! policy = keccak256(keccak256("surety/policy/v2") ‖ document ‖ universe ‖ srs ‖ k ‖ vault ‖ scopes ‖ level …
//!                    ‖ claims)
//! vault  = keccak256(abi.encode(keccak256("surety/vault-rules/v1"), chain, contract, universe, level id, max_age,
//!                               min_age, keccak256(abi.encode(assets))))                    zero without a vault
//! asset  = (token, unit, x, y)
//! scopes = keccak256(abi.encode(keccak256("surety/source-scopes/v1"), [scope …]))                 zero without scopes
//! claims = keccak256(keccak256("surety/shortfall/v1") ‖ sufficient)      left out where no level claims a shortfall
//! scope  = (signer, x, y)                       the commitment to the polynomial that vanishes outside, see
//!                                               [`surety_kzg::scope`]; in ascending order of signers
//! ```
//!
//! `sufficient` is the number of levels that claim sufficiency, which come first. Numbers have 32 bytes. An asset's
//! point `(x, y)` is the Lagrange point of its instrument's row. The policy registry takes unit and point from the
//! vault itself. A policy whose instruments have other rows than those that the vault counts by has another identifier
//! there than here, and nobody can publish it.
//!
//! Whoever compiles the policy gets the points at first hand. Whoever has no set-up at hand reads them from a
//! [`CompiledPolicyFile`] and must know the policy's identifier from elsewhere to be sure of them.

use core::fmt;
use std::{borrow::Cow, collections::BTreeMap};

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
    ident::{Bytes32, EvmAddress, HexBytes, Name},
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
    scope::Scope,
};
use surety_margin::{
    compile::{CompileError, programs},
    level::Level,
    policy::{Policy, SourceRule},
    program::Program,
    universe::Universe,
    vault::VaultAsset,
};

use crate::attestation::{
    eip712::{Word, address, coordinates, hash_words, number},
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
    #[must_use]
    pub fn commit(program: &Program, entries: usize, params: &Params) -> Self {
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

    /// The hash of a name's word and the points.
    #[must_use]
    pub fn hash(&self, name: Word) -> Word {
        let points = [self.idx, self.flag, self.base];
        let words = points.iter().chain(&self.market).flat_map(|point| coordinates(&point::g1_to_bytes(point)));
        hash_words(&core::iter::once(name).chain(words).collect::<Vec<Word>>())
    }
}

/// A token of a policy's vault, as the vault counts it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CountedAsset {
    /// The instrument that the token counts as.
    pub instrument: Name,
    /// The token's contract.
    pub token: EvmAddress,
    /// The size of one lot, in the token's smallest units.
    pub unit: u64,
    /// The Lagrange point of the instrument's row, `x ‖ y`.
    pub point: HexBytes<64>,
}

impl CountedAsset {
    /// The assets of a policy's vault, in its order. `point` gives the point of an asset by its position in the vault
    /// and that of its instrument in the universe.
    fn of_policy(
        policy: &Policy,
        universe: &Universe,
        point: impl Fn(usize, usize) -> Option<HexBytes<64>>,
    ) -> Result<Vec<Self>, CompiledError> {
        let asset = |(index, asset): (usize, &VaultAsset)| {
            let position = universe.position(&asset.instrument)?;
            let unit = asset.unit(universe.instruments.get(position)?)?;
            let point = point(index, position)?;
            Some(Self { instrument: asset.instrument.clone(), token: asset.token, unit, point })
        };
        let assets = policy.vault.iter().flat_map(|vault| &vault.assets).enumerate();
        // The rules of both documents have been checked before.
        let uncounted = |index| Problem::new(format!("vault.assets[{index}]"), "an asset that can be counted", "none");
        assets.map(|(i, at)| asset((i, at)).ok_or_else(|| CompiledError::Rules(vec![uncounted(i)]))).collect()
    }

    /// The fields as `abi.encode` lays them out.
    fn words(&self) -> [Word; 4] {
        let [x, y] = coordinates(&self.point.0);
        [address(&self.token), number(self.unit.into()), x, y]
    }
}

/// The instruments that a source may state, by the commitment to the polynomial that vanishes outside of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SourceScope {
    /// The address that the source signs with.
    pub signer: EvmAddress,
    /// The commitment.
    pub point: G1Affine,
}

impl SourceScope {
    /// The scopes of a policy's sources, in ascending order of their signers; none for a source that may state any
    /// instrument. `point` gives the point of a scope by its place among them and by its source.
    fn of_policy(
        policy: &Policy,
        mut point: impl FnMut(usize, &SourceRule) -> Result<G1Affine, CompiledError>,
    ) -> Result<Vec<Self>, CompiledError> {
        let scope =
            |(index, source): (usize, &SourceRule)| Ok(Self { signer: source.signer, point: point(index, source)? });
        policy.scoped_sources().into_iter().enumerate().map(scope).collect()
    }

    fn words(&self) -> [Word; 3] {
        let [x, y] = coordinates(&point::g1_to_bytes(&self.point));
        [address(&self.signer), x, y]
    }
}

/// The rows that a source may state, by the policy's text and the positions of the universe's instruments.
///
/// # Errors
/// If the universe does not have an instrument of the scope, or has no room for it.
pub fn scope_of(
    source: &SourceRule,
    capacity: Capacity,
    positions: &BTreeMap<&Name, usize>,
) -> Result<Scope, CompiledError> {
    let rules = |found: String| {
        let path = format!("source {}: scope", source.name);
        CompiledError::Rules(vec![Problem::new(path, "instruments of the universe, each once", found)])
    };
    let position = |name: &Name| positions.get(name).copied().ok_or_else(|| rules(name.to_string()));
    let positions = source.scope.iter().map(position).collect::<Result<Vec<_>, _>>()?;
    Scope::new(capacity, positions).map_err(|error| rules(error.to_string()))
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
    /// A point of a vault's asset is none.
    #[error("compiled policy, point {index} of the vault: {error}")]
    VaultPoint {
        /// The asset's position.
        index: usize,
        /// What is wrong with it.
        error: PointError,
    },
    /// A point of a source's scope is none.
    #[error("compiled policy, point {index} of the scopes: {error}")]
    ScopePoint {
        /// The scope's position.
        index: usize,
        /// What is wrong with it.
        error: PointError,
    },
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
    vault: Vec<CountedAsset>,
    scopes: Vec<SourceScope>,
    ids: Ids,
    at_first_hand: bool,
}

/// All that a policy commits to.
struct Points {
    levels: Vec<ProgramCommitments>,
    vault: Vec<CountedAsset>,
    scopes: Vec<SourceScope>,
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
        let assets = policy.vault.as_ref().map_or(0, |vault| vault.assets.len());
        equal("compiled policy: number of the vault's points", assets, file.vault.len())?;
        for (index, point) in file.vault.iter().enumerate() {
            let place = |error| CompiledError::VaultPoint { index, error };
            point::g1_from_bytes(&point.0).map_err(place)?;
        }
        let vault = CountedAsset::of_policy(&policy, &universe, |index, _| file.vault.get(index).copied())?;
        let scoped = policy.scoped_sources().len();
        equal("compiled policy: number of the scopes' points", scoped, file.scopes.len())?;
        let point = |index: usize, _: &SourceRule| {
            let bytes = file.scopes.get(index).unwrap_or(&HexBytes::ZERO);
            point::g1_from_bytes(&bytes.0).map_err(|error| CompiledError::ScopePoint { index, error })
        };
        let scopes = SourceScope::of_policy(&policy, point)?;
        let committed = Self::new(policy, universe, Points { levels, vault, scopes }, false)?;
        equal("compiled policy: policy", committed.ids.policy.0, file.policy.0)?;
        Ok(committed)
    }

    fn new(policy: Policy, universe: Universe, points: Points, at_first_hand: bool) -> Result<Self, CompiledError> {
        let ids = Ids::of(&policy, &universe, &points)?;
        let Points { levels, vault, scopes } = points;
        Ok(Self { policy, universe, levels, vault, scopes, ids, at_first_hand })
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
        self.levels.get(self.policy.level_index(name)?)
    }

    /// The assets of the policy's vault, in its order; none without a vault.
    #[must_use]
    pub fn vault_assets(&self) -> &[CountedAsset] {
        &self.vault
    }

    /// The scopes of the policy's sources, in ascending order of their signers; none for a source that may state any
    /// instrument.
    #[must_use]
    pub fn scopes(&self) -> &[SourceScope] {
        &self.scopes
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
            vault: self.vault.iter().map(|asset| asset.point).collect(),
            scopes: self.scopes.iter().map(|scope| HexBytes(point::g1_to_bytes(&scope.point))).collect(),
            levels: self.policy.levels.iter().zip(&self.levels).map(level).collect(),
        }
    }
}

/// A policy whose programs are at hand, as provers need them.
#[derive(Clone, Debug)]
pub struct CompiledPolicy {
    committed: CommittedPolicy,
    /// By level.
    programs: BTreeMap<Name, Program>,
}

impl CompiledPolicy {
    /// Compiles every level of a policy and commits to the programs.
    ///
    /// # Errors
    /// If the policy does not compile, or the parameters are not for the universe's set-up and capacity class.
    pub fn compile(policy: Policy, universe: Universe, params: &Params) -> Result<Self, CompiledError> {
        Self::compile_keeping(policy, universe, params, |_| true)
    }

    /// As [`CompiledPolicy::compile`], and keeps the program of one level alone, for whoever proves no other: of large
    /// universes, programs fill much memory.
    ///
    /// # Errors
    /// As [`CompiledPolicy::compile`].
    pub fn compile_for(
        level: &Name,
        policy: Policy,
        universe: Universe,
        params: &Params,
    ) -> Result<Self, CompiledError> {
        Self::compile_keeping(policy, universe, params, |name| name == level)
    }

    fn compile_keeping(
        policy: Policy,
        universe: Universe,
        params: &Params,
        keep: impl Fn(&Name) -> bool,
    ) -> Result<Self, CompiledError> {
        equal("universe: set-up", params.id(), SrsId::from(universe.srs))?;
        equal("universe: capacity class", params.capacity().k(), universe.capacity.k())?;
        check_rules(&policy, &universe)?;
        let entries = entries(&policy, &universe)?;
        let (mut levels, mut kept) = (Vec::new(), BTreeMap::new());
        for (level, program) in policy.levels.iter().zip(programs(&policy, &universe)) {
            let program = program?;
            levels.push(ProgramCommitments::commit(&program, entries, params));
            if keep(&level.name) {
                kept.insert(level.name.clone(), program);
            }
        }
        let point = |row| HexBytes(point::g1_to_bytes(params.lagrange_point(row)));
        let vault = CountedAsset::of_policy(&policy, &universe, |_, position| {
            params.capacity().instrument(position).map(point)
        })?;
        let positions = universe.positions();
        let point = |_, source: &SourceRule| Ok(scope_of(source, universe.capacity, &positions)?.commit(params));
        let scopes = SourceScope::of_policy(&policy, point)?;
        let points = Points { levels, vault, scopes };
        Ok(Self { committed: CommittedPolicy::new(policy, universe, points, true)?, programs: kept })
    }

    /// The policy with its commitments.
    #[must_use]
    pub fn committed(&self) -> &CommittedPolicy {
        &self.committed
    }

    /// The program of a level; none if the policy has no level of this name, or the program was left out.
    #[must_use]
    pub fn program(&self, level: &Name) -> Option<&Program> {
        self.programs.get(level)
    }
}

/// How many entries the market vector of a policy has.
///
/// # Errors
/// If a model does not fit the universe.
pub fn entries(policy: &Policy, universe: &Universe) -> Result<usize, CompiledError> {
    Ok(policy.market_vector(universe).map_err(CompiledError::Rules)?.entries().len())
}

impl Ids {
    fn of(
        policy: &Policy,
        universe: &Universe,
        Points { levels, vault, scopes }: &Points,
    ) -> Result<Self, NotCanonical> {
        let (document, universe_id) = (DocumentId::of(policy)?, UniverseId::of(universe)?);
        let head = [
            keccak256("surety/policy/v2").0,
            document.0.0,
            universe_id.0.0,
            universe.srs.0,
            number(universe.capacity.k().into()),
            vault_word(policy, universe_id, vault),
            scopes_word(scopes),
        ];
        let sufficient = policy.sufficient_levels().count();
        let claims = (sufficient < policy.levels.len()).then(|| {
            // Whoever publishes a policy says how its levels are called, and could call one like a shortfall.
            hash_words(&[keccak256("surety/shortfall/v1").0, number(sufficient as u128)])
        });
        let levels = policy.levels.iter().zip(levels).map(|(level, points)| points.hash(LevelId::of(level).0.0));
        let levels = levels.chain(claims);
        Ok(Self {
            policy: PolicyId(HexBytes(hash_words(&head.into_iter().chain(levels).collect::<Vec<Word>>()))),
            document,
            universe: universe_id,
            feeds: FeedsId::of(&policy.market)?,
        })
    }
}

/// The word that stands for the vault in the policy's identifier.
fn vault_word(policy: &Policy, universe: UniverseId, assets: &[CountedAsset]) -> Word {
    let Some(vault) = &policy.vault else {
        return [0; 32];
    };
    // The list's place behind this word, and its length.
    let head = [number(32), number(assets.len() as u128)];
    let list: Vec<Word> = head.into_iter().chain(assets.iter().flat_map(CountedAsset::words)).collect();
    hash_words(&[
        keccak256("surety/vault-rules/v1").0,
        number(vault.chain.into()),
        address(&vault.address),
        universe.0.0,
        LevelId::named(&vault.level).0.0,
        number(vault.max_age.0.into()),
        number(vault.min_age.0.into()),
        hash_words(&list),
    ])
}

/// The word that stands for the sources' scopes in the policy's identifier.
fn scopes_word(scopes: &[SourceScope]) -> Word {
    if scopes.is_empty() {
        return [0; 32];
    }
    // The list's place behind the tag and this word, and its length.
    let head = [keccak256("surety/source-scopes/v1").0, number(64), number(scopes.len() as u128)];
    hash_words(&head.into_iter().chain(scopes.iter().flat_map(SourceScope::words)).collect::<Vec<Word>>())
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
    pub version: FormatVersion<2>,
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
    /// The points of the vault's assets, `x ‖ y`, in the vault's order; none without a vault.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vault: Vec<HexBytes<64>>,
    /// The points of the sources' scopes, `x ‖ y`, in ascending order of the signers; none without scopes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub scopes: Vec<HexBytes<64>>,
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
    /// All commitments by their names: `IDX`, `FLAG`, `B_0 … B_U` of each level, the points of the vault's assets, and
    /// those of the sources' scopes.
    #[must_use]
    pub fn named(&self) -> Vec<(String, HexBytes<64>)> {
        let of_level = |LevelCommitments { level, idx, flag, base, market }: &LevelCommitments| {
            let fixed = [("IDX", idx), ("FLAG", flag)].map(|(column, point)| (commitment_name(level, column), *point));
            let factors = core::iter::once(base).chain(market).enumerate();
            let factors = factors.map(|(index, point)| (commitment_name(level, &format!("B_{index}")), *point));
            fixed.into_iter().chain(factors).collect::<Vec<_>>()
        };
        let vault = self.vault.iter().enumerate().map(|(index, point)| (format!("vault: point {index}"), *point));
        let scopes = self.scopes.iter().enumerate().map(|(index, point)| (format!("scopes: point {index}"), *point));
        self.levels.iter().flat_map(of_level).chain(vault).chain(scopes).collect()
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
            Self::Mismatch(_) | Self::Point { .. } | Self::VaultPoint { .. } | Self::ScopePoint { .. } => {
                Class::Mismatch
            }
            Self::Encoding(_) => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "policy".into()
    }
}
