//! What sources state: signed commitments to the balances of accounts.

use core::fmt;
use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    kind::{Kind, KindOf, Kinded},
    problem::Problem,
    text::Document,
    units::Timestamp,
};
use surety_kzg::HoldingCommitment;
use surety_margin::policy::{Policy, SourceRule};

use crate::attestation::{
    compiled::CommittedPolicy,
    eip712::{Audience, HashedText, address, coordinates, number},
    freshness::{StatementTimes, check_skew},
    identifiers::{AccountId, UniverseId},
    rejection::{Rejection, Rule, require, same},
    signature::{KnownKeys, SignatureBytes, check_signature},
    signer::{Signable as _, Signer, SignerError},
    typed_data::{Typed, TypedData},
};

/// The struct that is signed.
static TYPE: HashedText = HashedText::new(
    "SourceStatement(address source,address subject,bytes32 account,bytes32 universe,\
uint256 commitmentX,uint256 commitmentY,uint64 asOf,uint64 validUntil,uint64 sequence,bytes32 encumbrance)",
);

/// What a source says that an account holds, without saying it: a commitment, signed.
///
/// The source is trusted for the whole vector behind the commitment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// The format.
    pub kind: KindOf<Statement>,
    /// Version of the format.
    pub version: FormatVersion,
    /// The registry that it is meant for.
    pub audience: Audience,
    /// The source's signing address.
    pub source: EvmAddress,
    /// Whose account it is.
    pub subject: EvmAddress,
    /// The account, as the policy calls it.
    pub account: Name,
    /// What the balances are over.
    pub universe: UniverseId,
    /// The commitment to the balances, `x ‖ y`.
    pub commitment: HexBytes<64>,
    /// When the account held them.
    pub as_of: Timestamp,
    /// The last second at which the statement counts.
    pub valid_until: Timestamp,
    /// Counts up with every statement of the source about the account.
    pub sequence: u64,
    /// Zero for a free account, or the identifier of the only policy that it is pledged to.
    pub encumbrance: Bytes32,
    /// `r ‖ s ‖ v` over the EIP-712 hash of the above.
    pub signature: SignatureBytes,
}

impl Kinded for Statement {
    const KIND: Kind = Kind::Statement;
}

/// What a statement must satisfy depends on the policy: see [`check`].
impl Document for Statement {
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

impl Statement {
    /// The EIP-712 hash: what is signed, and what the statement is identified by.
    #[must_use]
    pub fn hash(&self) -> Bytes32 {
        self.typed_data().digest()
    }

    /// What is signed.
    #[must_use]
    pub fn typed_data(&self) -> TypedData {
        let [x, y] = coordinates(&self.commitment.0);
        let values = [
            address(&self.source),
            address(&self.subject),
            AccountId::of(&self.account).0.0,
            self.universe.0.0,
            x,
            y,
            number(self.as_of.0.into()),
            number(self.valid_until.0.into()),
            number(self.sequence.into()),
            self.encumbrance.0,
        ];
        TypedData::of(Some(self.audience), &TYPE, values.map(Typed::Word).into())
    }

    /// The statement with its source's address and signature.
    ///
    /// # Errors
    /// If the source's signer gives none, or another one.
    pub fn signed(mut self, signer: &dyn Signer) -> Result<Self, SignerError> {
        self.source = signer.address();
        self.signature = signer.sign(&self.typed_data())?;
        Ok(self)
    }

    /// Statements of a set are in ascending order of this.
    #[must_use]
    pub fn position(&self) -> (EvmAddress, AccountId) {
        (self.source, AccountId::of(&self.account))
    }
}

/// What a set of statements is checked against.
#[derive(Clone, Copy, Debug)]
pub struct Expectations<'a> {
    /// The policy that says which statements there must be.
    pub policy: &'a CommittedPolicy,
    /// The audience of the attestation.
    pub audience: &'a Audience,
    /// The subject of the attestation.
    pub subject: &'a EvmAddress,
    /// The sources' keys, as far as statements have revealed them.
    pub keys: &'a KnownKeys,
    /// Whether signatures of sources that are contracts are left to their chain.
    pub contract_sources: bool,
}

/// What a set of statements that passed its checks amounts to.
#[derive(Clone, Debug)]
pub struct StatementSet {
    /// The commitment to all holdings together.
    pub holdings: HoldingCommitment,
    /// The hashes of the statements, in their order.
    pub hashes: Vec<Bytes32>,
    /// Their times.
    pub times: StatementTimes,
    /// Whether every account is pledged to the policy.
    pub pledged: bool,
}

/// Checks that these are the statements that a policy requires: for each required (source, account) exactly one, in
/// ascending order of source and [`AccountId`], each signed by its source, for this audience, about this subject, over
/// the policy's universe, pledged to nobody else, and all from one moment up to the policy's skew.
///
/// # Errors
/// The first rule that is broken.
pub fn check(statements: &[Statement], expectations: &Expectations<'_>) -> Result<StatementSet, Rejection> {
    check_hashed(statements, hashes(statements), expectations)
}

/// The hashes of statements, in their order.
pub(crate) fn hashes(statements: &[Statement]) -> Vec<Bytes32> {
    statements.iter().map(Statement::hash).collect()
}

/// As [`check`], where the [`hashes`] are known.
pub(crate) fn check_hashed(
    statements: &[Statement],
    hashes: Vec<Bytes32>,
    expectations: &Expectations<'_>,
) -> Result<StatementSet, Rejection> {
    let policy = expectations.policy.policy();
    refuse_holder_as_source(expectations)?;
    check_completeness(statements, &policy.sources)?;
    let mut commitments = Vec::with_capacity(statements.len());
    for (index, (statement, hash)) in statements.iter().zip(&hashes).enumerate() {
        commitments.push(check_one(index, statement, hash, expectations)?);
    }
    let holdings = HoldingCommitment::sum(&commitments).map_err(|error| {
        Rejection::new(
            Rule::HoldingCommitment,
            "attestation: statements",
            "commitments that hide something",
            error.to_string(),
        )
    })?;
    let as_of = || statements.iter().map(|statement| statement.as_of);
    let times = StatementTimes {
        oldest: as_of().min().unwrap_or_default(),
        newest: as_of().max().unwrap_or_default(),
        valid_until: statements.iter().map(|statement| statement.valid_until).min().unwrap_or_default(),
    };
    check_skew(policy, &times)?;
    Ok(StatementSet {
        holdings,
        hashes,
        times,
        pledged: statements.iter().all(|statement| statement.encumbrance != Bytes32::ZERO),
    })
}

/// A holder that vouches for its own balances or prices can prove whatever it likes.
fn refuse_holder_as_source(expectations: &Expectations<'_>) -> Result<(), Rejection> {
    let policy = expectations.policy.policy();
    let sources = policy.sources.iter().map(|source| (&source.name, &source.signer));
    let nodes = policy.oracle.nodes.iter().map(|node| (&node.name, &node.signer));
    match sources.chain(nodes).find(|(_, signer)| *signer == expectations.subject) {
        None => Ok(()),
        Some((name, signer)) => Err(Rejection::new(
            Rule::HolderIsNoSource,
            "attestation: subject",
            "an address that is neither a source nor an oracle node of the policy",
            format!("{signer}, which signs as {name}"),
        )),
    }
}

/// Compares who states what with whom the policy wants it from.
fn check_completeness(statements: &[Statement], sources: &[SourceRule]) -> Result<(), Rejection> {
    const INPUT: &str = "attestation: statements";
    let broken = |expected: String, found: String| Err(Rejection::new(Rule::StatementSet, INPUT, expected, found));
    let mut missing: BTreeMap<_, _> = sources
        .iter()
        .flat_map(|source| source.accounts.iter().map(move |account| (source, account)))
        .map(|(source, account)| ((source.signer, AccountId::of(account)), format!("{account} of {}", source.name)))
        .collect();
    let positions: Vec<_> = statements.iter().map(Statement::position).collect();
    for (Statement { account, source, .. }, position) in statements.iter().zip(&positions) {
        if missing.remove(position).is_none() {
            let expected = "one statement for each account that the policy names, and no other".to_owned();
            return broken(expected, format!("one more, about {account} of {source}"));
        }
    }
    if let Some(account) = missing.into_values().next() {
        return broken(format!("a statement about {account}"), "none".to_owned());
    }
    if !positions.is_sorted() {
        return broken("ascending order of source and account identifier".to_owned(), "another order".to_owned());
    }
    Ok(())
}

/// Whether the statement's source is a contract.
fn is_of_contract(statement: &Statement, policy: &Policy) -> bool {
    policy.sources.iter().any(|source| source.signer == statement.source && source.contract)
}

/// Only a chain can say what a contract has signed.
fn refuse_contract(statement: &Statement, input: &Field<'_>) -> Rejection {
    let found = format!("the contract {}", statement.source);
    Rejection::new(Rule::ContractSource, input.to_string(), "a source that signs with a key", found)
}

/// A field of a statement, as errors name it.
struct Field<'a> {
    index: usize,
    statement: &'a Statement,
    name: &'a str,
}

impl fmt::Display for Field<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { index, statement: Statement { account, source, .. }, name } = self;
        write!(formatter, "attestation: statement {index} ({account} of {source}): {name}")
    }
}

fn check_one(
    index: usize,
    statement: &Statement,
    hash: &Bytes32,
    expectations: &Expectations<'_>,
) -> Result<HoldingCommitment, Rejection> {
    let Expectations { policy, audience, subject, keys, contract_sources } = expectations;
    let at = |name: &'static str| Field { index, statement, name };
    let of_contract = is_of_contract(statement, policy.policy());
    if of_contract && !contract_sources {
        return Err(refuse_contract(statement, &at("source")));
    }
    same(Rule::Audience, at("audience"), "chain", audience.chain_id, statement.audience.chain_id)?;
    same(Rule::Audience, at("audience"), "registry", audience.registry, statement.audience.registry)?;
    same(Rule::Subject, at("subject"), "the attestation's subject", **subject, statement.subject)?;
    same(Rule::Reference, at("universe"), "the universe", policy.universe_id().0, statement.universe.0)?;
    let pledge = policy.id().0;
    require([Bytes32::ZERO, pledge].contains(&statement.encumbrance), Rule::Encumbrance, at("encumbrance"), || {
        (format!("zero or this policy, {pledge}"), statement.encumbrance.to_string())
    })?;
    // What was changed after signing cannot be told; what it now says can.
    let Statement { audience, subject, account, .. } = statement;
    let content = || {
        format!(
            "a statement about the account {account} of {subject} for the registry {} on chain {}",
            audience.registry, audience.chain_id
        )
    };
    if !of_contract {
        check_signature(at("signature"), content, hash, &statement.signature, &statement.source, keys)?;
    }
    HoldingCommitment::from_bytes(&statement.commitment.0).map_err(|error| {
        let input = at("commitment").to_string();
        Rejection::new(Rule::HoldingCommitment, input, "a commitment", error.to_string())
    })
}
