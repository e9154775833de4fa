//! Verification of attestations: that files belong together, that statements and prices keep the policy's rules, what
//! is left to faith, and that the proof is one for exactly this claim.
//!
//! # Times
//!
//! See [`crate::attestation::freshness`].
//!
//! # Many
//!
//! What follows from a policy and a snapshot alone is the same for every attestation that refers to them:
//! [`Groundwork`] computes it once. It changes no verdict.
//!
//! # What is not established
//!
//! See [`Accepted::not_established`].

use std::{collections::BTreeMap, sync::OnceLock};

use halo2curves::bn256::{Fr, G1Affine};
use serde::Serialize;
use surety_core::{
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    units::{Ppm, Price, Timestamp},
};
use surety_kzg::{HoldingCommitment, Origin, SrsId, scalar};
use surety_margin::{
    level::{Claimed, Level},
    market::{MarkedProofs, Snapshot},
};

use crate::{
    attestation::{
        claim::{Attestation, Claim},
        compiled::{CommittedPolicy, ProgramCommitments},
        consent::check_consent,
        context::Context,
        eip712::Audience,
        freshness::{check_freshness, check_standing},
        identifiers::{LevelId, PolicyId, SnapshotId, UniverseId},
        rejection::{Rejection, Rule, require, same},
        report::{CheckedSnapshot, check_snapshot, check_taken, snapshot_id},
        scopes::{check_scopes, outside},
        signature::{KnownKeys, Signed},
        statement::{Expectations, StatementSet, check_hashed, hashes},
        trust::{Anchors, Faith, Trust},
        vault::{DrawnVault, VaultState},
    },
    proof::{
        key::VerifyingKey,
        known::KnownCommitments,
        pairing::{PairingCheck, PairingFailed},
        scope::ReducedScopes,
    },
};

/// The public files that an attestation refers to.
#[derive(Clone, Copy, Debug)]
pub struct Files<'a> {
    /// Policy, universe and commitments.
    pub policy: &'a CommittedPolicy,
    /// The market snapshot.
    pub snapshot: &'a Snapshot,
    /// The key of the universe's capacity class and set-up.
    pub verifying_key: &'a VerifyingKey,
}

/// What a verifier brings along.
#[derive(Clone, Copy, Debug)]
pub struct VerifierTerms<'a> {
    /// Its anchors.
    pub trust: Option<&'a Trust>,
    /// Whether to refuse what would otherwise be taken on faith.
    pub strict: bool,
    /// Whether to accept a set-up whose secret everybody knows. Such a proof proves nothing.
    pub allow_insecure_srs: bool,
    /// The state that it has read of the vault that the policy draws on; none without one.
    pub vault: Option<VaultState>,
    /// Whom attestations must be made for.
    pub presentation: Presentation,
    /// What attestations must claim.
    pub asked: Asked,
    /// Whether signatures of sources that are contracts are left to their chain. For those who make an attestation or
    /// consent to it: whoever relies on one would take such a statement on the word of whoever sent it.
    pub contract_sources: bool,
    /// The time.
    pub now: Timestamp,
}

/// Whom attestations must be made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presentation {
    /// Anybody. What is made for somebody was meant for another.
    Anybody,
    /// Whoever has chosen this challenge, which is not zero.
    Exactly(Bytes32),
    /// Whomever they say: of use to auditors alone, who judge what was shown to others.
    Whomever,
}

/// What attestations must claim: to whoever asks whether an account is sufficient, the proof that it is not is of no
/// use, however valid it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// This.
    Only(Claimed),
    /// Either: for those who look at what [`Accepted::claim`] says, and for those who make the attestation.
    Either,
}

/// What an attestation establishes over a set-up whose secret is public.
pub const NOTHING_ESTABLISHED: &str = "nothing, because everybody knows the set-up's secret and can prove anything";

/// What an attestation that passed every check establishes.
pub const ESTABLISHED: &str = "the balances that the policy's sources signed satisfied the level of the policy at the \
     snapshot's prices, \
     as of the times stated";

/// As [`ESTABLISHED`], of a claim that draws on a vault.
pub const ESTABLISHED_WITH_VAULT: &str = "the balances that the policy's sources signed, and those in the vault as you \
     have read it, satisfied the level of the policy at the snapshot's prices, as of the times stated";

/// What a shortfall that passed every check establishes.
pub const SHORTFALL_ESTABLISHED: &str = "the balances that the policy's sources signed did not satisfy the level of \
     the policy at the snapshot's prices, as of the times stated: the margin was negative";

/// As [`SHORTFALL_ESTABLISHED`], of a claim that draws on a vault.
pub const SHORTFALL_ESTABLISHED_WITH_VAULT: &str = "the balances that the policy's sources signed, together with those \
     in the vault as you have read it, did not satisfy the level of the policy at the snapshot's prices, as of the \
     times stated: the margin was negative";

/// What follows from such claims over set-ups whose secret is unknown, by whether any of them draws on a vault.
#[must_use]
pub fn established(claim: Claimed, draws_on_vault: bool) -> &'static str {
    match (claim, draws_on_vault) {
        (Claimed::Sufficient, false) => ESTABLISHED,
        (Claimed::Sufficient, true) => ESTABLISHED_WITH_VAULT,
        (Claimed::Shortfall, false) => SHORTFALL_ESTABLISHED,
        (Claimed::Shortfall, true) => SHORTFALL_ESTABLISHED_WITH_VAULT,
    }
}

/// An attestation that passed every check: what it is about, and how far that goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Accepted {
    /// Whose holdings.
    pub subject: EvmAddress,
    /// What the policy calls the level.
    pub level: Name,
    /// Whether the holdings satisfy the level, or are short of it.
    #[serde(skip_serializing_if = "Claimed::is_sufficient")]
    pub claim: Claimed,
    /// The multiple of the requirement that the holdings do not cover, where the level is a band.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub below: Option<Ppm>,
    /// What the policy calls itself.
    pub policy: Name,
    /// The policy.
    pub policy_id: PolicyId,
    /// What holdings are over.
    pub universe: UniverseId,
    /// The market snapshot.
    pub snapshot: SnapshotId,
    /// The digest of the verifying key.
    pub verifying_key: Bytes32,
    /// The set-up.
    pub srs: Bytes32,
    /// The registry that it counts for.
    pub audience: Audience,
    /// The market's epoch.
    pub epoch: u64,
    /// When the oldest prices were observed.
    pub prices_at: Timestamp,
    /// When the oldest balances were held.
    pub balances_at: Timestamp,
    /// The earliest moment at which it can have been made.
    pub earliest: Timestamp,
    /// The last second at which it counts.
    pub valid_until: Timestamp,
    /// Whether the set-up's secret is known to everybody: then nothing at all is established.
    pub insecure_srs: bool,
    /// What was taken on faith.
    pub faith: Vec<Faith>,
    /// Whether every account is pledged to this policy and to no other.
    pub pledged: bool,
    /// The market entries that have moved further since the snapshot before than the policy's circuit breaker allows.
    pub marked: Vec<Name>,
    /// Whether a contract has taken the prices from feeds, so that nobody has signed when each was observed.
    pub fed: bool,
    /// The vault that it draws on, in the state that the verifier has read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub vault: Option<DrawnVault>,
    /// Whom it is made for, unless it is for anybody.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presentation: Option<Bytes32>,
    /// Whether the subject has consented to the attestation.
    pub consented: bool,
}

impl Accepted {
    /// What follows: nothing, where everybody knows the set-up's secret.
    #[must_use]
    pub fn established(&self) -> &'static str {
        if self.insecure_srs { NOTHING_ESTABLISHED } else { established(self.claim, self.vault.is_some()) }
    }

    /// What does not follow, however well the checks went.
    #[must_use]
    pub fn not_established(&self) -> Vec<&'static str> {
        let short = self.claim == Claimed::Shortfall;
        let mut limits = vec![
            "that the sources stated the truth, and the oracle nodes or feeds the market's prices",
            "that the subject still has these balances: they are as of the time stated",
            if short {
                "that the subject has nothing that these sources do not know of, nor anything on its way between them"
            } else {
                "that the subject owes nothing that these sources do not know of"
            },
        ];
        if self.presentation.is_none() {
            limits.push("that whoever shows it is the subject, or speaks for it: it is made for anybody");
        }
        if !self.consented {
            limits.push("that the subject knows of it: whoever has the openings can make it");
        }
        if self.below.is_some() {
            limits.push("that the subject has no more than the band says: these sources may not know of everything");
        }
        // Whoever is short offers nothing that might serve somebody else.
        if !short {
            limits.push(if self.pledged {
                "that the same balances do not serve another lender under this policy as well"
            } else {
                "that the same balances do not serve another policy or lender as well"
            });
        }
        match (self.vault.is_some(), self.claim) {
            (true, Claimed::Sufficient) => limits.push(
                "that the vault still holds its balances, and keeps them for you: they are as you have read them, and \
                 only a consumer that the vault lists holds back their withdrawal",
            ),
            (true, Claimed::Shortfall) => limits.push(
                "that nothing has left the vault for a source after its statement: only the attestation registry knows \
                 when the vault's balances fell",
            ),
            (false, _) => {}
        }
        if self.fed {
            limits.push(
                "that each price was fresh: a feed's price may have been as old as the policy allows when the contract \
                 took it, and only the attestation registry counts from then",
            );
        }
        if !self.marked.is_empty() {
            limits.push("that the marked prices last: they have jumped since the snapshot before");
        }
        limits
    }
}

/// A claim whose files, statements, prices and times are in order: what is left to verify is a proof.
#[derive(Clone, Debug)]
pub struct Examined {
    /// What a valid proof would establish.
    pub accepted: Accepted,
    /// What the proof must be about.
    pub context: Context,
    /// What the verifier puts in place of the known columns.
    pub known: KnownCommitments,
    /// The market vector.
    pub prices: Vec<Price>,
}

/// An attestation of which only the pairing is left to check, alone or together with others.
#[derive(Clone, Debug)]
pub struct Pending {
    accepted: Accepted,
    /// That of the proof, and of the scopes where there are some.
    check: PairingCheck,
    /// That of the scopes alone, and whose they are.
    scopes: Option<(PairingCheck, Vec<EvmAddress>)>,
}

impl Pending {
    /// Checks the pairing.
    ///
    /// # Errors
    /// If the proof is not valid.
    pub fn settle(self, verifying_key: &VerifyingKey) -> Result<Accepted, Rejection> {
        let key = verifying_key.pairing_key();
        let Err(failed) = self.check.check(key) else { return Ok(self.accepted) };
        match self.scopes {
            Some((scopes, signers)) if scopes.check(key).is_err() => Err(outside(&signers)),
            _ => Err(proof_rejection(failed)),
        }
    }

    /// What is established if the pairing check holds, and the check. Until it holds, nothing is.
    #[must_use]
    pub fn into_parts(self) -> (Accepted, PairingCheck) {
        (self.accepted, self.check)
    }
}

impl Rejection {
    /// That a proof's equation does not hold, as a batch found out.
    #[must_use]
    pub fn of_proof() -> Self {
        proof_rejection(PairingFailed)
    }
}

/// Verifies an attestation.
///
/// # Errors
/// The first rule that is broken.
pub fn verify(attestation: &Attestation, files: &Files<'_>, terms: &VerifierTerms<'_>) -> Result<Accepted, Rejection> {
    prepare(attestation, files, terms)?.settle(files.verifying_key)
}

/// Does everything but the pairing.
///
/// # Errors
/// The first rule that is broken.
pub fn prepare(attestation: &Attestation, files: &Files<'_>, terms: &VerifierTerms<'_>) -> Result<Pending, Rejection> {
    let hashes = hashes(&attestation.claim.statements);
    Groundwork::new(*files, &KnownKeys::default()).prepare_with(attestation, hashes, terms)
}

/// Checks a claim: everything about an attestation but its proof. Provers call this before they prove.
///
/// # Errors
/// The first rule that is broken.
pub fn examine(claim: &Claim, files: &Files<'_>, terms: &VerifierTerms<'_>) -> Result<Examined, Rejection> {
    Groundwork::new(*files, &KnownKeys::default()).examine(claim, terms)
}

/// An attestation with the hashes of its statements, each computed once.
#[derive(Clone, Debug)]
pub struct Hashed {
    attestation: Attestation,
    hashes: Vec<Bytes32>,
}

impl Hashed {
    /// The attestation.
    #[must_use]
    pub fn attestation(&self) -> &Attestation {
        &self.attestation
    }

    /// The hashes of its statements, in their order.
    #[must_use]
    pub fn hashes(&self) -> &[Bytes32] {
        &self.hashes
    }

    /// The signatures of its statements.
    pub fn signatures(&self) -> impl Iterator<Item = Signed> {
        self.attestation.claim.statements.iter().zip(&self.hashes).map(|(statement, digest)| Signed {
            digest: *digest,
            signature: statement.signature,
            signer: statement.source,
        })
    }
}

impl From<Attestation> for Hashed {
    fn from(attestation: Attestation) -> Self {
        let hashes = hashes(&attestation.claim.statements);
        Self { attestation, hashes }
    }
}

/// Files, and what follows from them alone, computed when it is first needed.
#[derive(Debug)]
pub struct Groundwork<'a> {
    files: Files<'a>,
    keys: &'a KnownKeys,
    snapshot_id: SnapshotId,
    market: OnceLock<Result<CheckedSnapshot, Rejection>>,
    coefficients: BTreeMap<&'a Name, OnceLock<Result<G1Affine, Rejection>>>,
}

impl<'a> Groundwork<'a> {
    /// The groundwork of these files. `keys` may serve many.
    #[must_use]
    pub fn new(files: Files<'a>, keys: &'a KnownKeys) -> Self {
        let levels = files.policy.policy().levels.iter();
        Self {
            files,
            keys,
            snapshot_id: snapshot_id(files.policy, files.snapshot),
            market: OnceLock::new(),
            coefficients: levels.map(|level| (&level.name, OnceLock::new())).collect(),
        }
    }

    /// The files.
    #[must_use]
    pub fn files(&self) -> &Files<'a> {
        &self.files
    }

    /// The snapshot's identifier.
    #[must_use]
    pub fn snapshot_id(&self) -> SnapshotId {
        self.snapshot_id
    }

    /// The snapshot, if it keeps the policy's rules. Whether one without reports counts is another question, which
    /// [`Trust`] answers.
    ///
    /// # Errors
    /// The first rule that it breaks.
    pub fn market(&self) -> Result<&CheckedSnapshot, Rejection> {
        let Files { policy, snapshot, .. } = self.files;
        let check = if snapshot.reports.is_empty() { check_taken } else { check_snapshot };
        self.market.get_or_init(|| check(policy, snapshot)).as_ref().map_err(Clone::clone)
    }

    /// As [`prepare`].
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn prepare(&self, hashed: &Hashed, terms: &VerifierTerms<'_>) -> Result<Pending, Rejection> {
        self.prepare_with(&hashed.attestation, hashed.hashes.clone(), terms)
    }

    fn prepare_with(
        &self,
        attestation: &Attestation,
        hashes: Vec<Bytes32>,
        terms: &VerifierTerms<'_>,
    ) -> Result<Pending, Rejection> {
        let Examined { mut accepted, context, known, .. } = self.examine_with(&attestation.claim, hashes, terms)?;
        let context = context.hash();
        let computed = HexBytes(scalar::to_bytes(&context));
        same(Rule::Context, "attestation: context", "the hash of the claim,", computed, attestation.context)?;
        // Nobody consents to a proof of its own shortfall.
        let consent = self.files.policy.policy().consent && accepted.claim.is_sufficient();
        accepted.consented = check_consent(attestation, consent, self.keys)?;
        let policy = self.files.policy;
        let scopes = check_scopes(attestation, policy, &context)?;
        let check = self.files.verifying_key.reduce(context, &known, &attestation.proof.0).map_err(proof_rejection)?;
        let Some(ReducedScopes { check: scopes, factor }) = scopes else {
            return Ok(Pending { accepted, check, scopes: None });
        };
        // Each holds if their sum does: the factor depends on both.
        let checks = [check, scopes];
        let check = PairingCheck::combine(&checks, &[Fr::one(), factor]).map_err(proof_rejection)?;
        let ([_, scopes], signers) = (checks, policy.scopes().iter().map(|scope| scope.signer).collect());
        Ok(Pending { accepted, check, scopes: Some((scopes, signers)) })
    }

    /// As [`examine`].
    ///
    /// # Errors
    /// The first rule that is broken.
    pub fn examine(&self, claim: &Claim, terms: &VerifierTerms<'_>) -> Result<Examined, Rejection> {
        self.examine_with(claim, hashes(&claim.statements), terms)
    }

    fn examine_with(
        &self,
        claim: &Claim,
        hashes: Vec<Bytes32>,
        terms: &VerifierTerms<'_>,
    ) -> Result<Examined, Rejection> {
        let files = &self.files;
        let policy = files.policy;
        let (level, commitments) = check_references(claim, files, self.snapshot_id)?;
        check_asked(level, terms.asked)?;
        let vault = check_vault(claim, policy, terms.vault.as_ref())?;
        check_presentation(claim, terms.presentation)?;
        let mut anchors = Anchors::new(terms.trust);
        let insecure_srs = check_set_up(files.verifying_key, anchors.srs(), terms.allow_insecure_srs)?;
        anchors.check_identities(claim, policy)?;
        let expectations = Expectations {
            policy,
            audience: &claim.audience,
            subject: &claim.subject,
            keys: self.keys,
            contract_sources: terms.contract_sources,
        };
        let statements = check_hashed(&claim.statements, hashes, &expectations)?;
        anchors.check_sequences(&claim.statements, policy.policy())?;
        check_origin(claim, files, &anchors)?;
        let market = self.market()?;
        anchors.check_market(claim.epoch, claim.snapshot)?;
        anchors.check_vault(vault)?;
        check_breaker(policy, market)?;
        check_freshness(
            claim.valid_until,
            files.policy.policy(),
            (files.snapshot, market),
            &statements.times,
            terms.now,
        )?;
        // What was lent for a moment, or counted twice, makes nobody short.
        if let Some(vault) = vault.filter(|_| level.claim.is_sufficient()) {
            check_standing(policy.policy(), vault.grown_at, market, &statements.times)?;
        }
        let faith = anchors.into_faith();
        refuse_faith(&faith, terms.strict)?;

        let coef = self.coefficients(&claim.level, commitments, market)?;
        let hold = holdings(&statements, vault)?;
        let known = KnownCommitments { idx: commitments.idx, flag: commitments.flag, coef, hold: *hold.point() };
        let accepted = Accepted {
            subject: claim.subject,
            level: claim.level.clone(),
            claim: level.claim,
            below: level.below,
            policy: policy.policy().name.clone(),
            policy_id: policy.id(),
            universe: policy.universe_id(),
            snapshot: self.snapshot_id,
            verifying_key: files.verifying_key.digest().bytes(),
            srs: policy.universe().srs,
            audience: claim.audience,
            epoch: claim.epoch,
            prices_at: market.oldest,
            balances_at: statements.times.oldest,
            earliest: market.newest.max(statements.times.newest),
            valid_until: claim.valid_until,
            insecure_srs,
            faith,
            pledged: statements.pledged,
            marked: market.marked.clone(),
            fed: files.snapshot.reports.is_empty(),
            vault: vault.map(DrawnVault::from),
            presentation: (claim.presentation != Bytes32::ZERO).then_some(claim.presentation),
            consented: false,
        };
        let context = context(claim, files, level, (market, coef), statements.hashes);
        Ok(Examined { accepted, context, known, prices: market.prices.clone() })
    }

    fn coefficients(
        &self,
        name: &Name,
        level: &ProgramCommitments,
        market: &CheckedSnapshot,
    ) -> Result<G1Affine, Rejection> {
        let compute = || coefficients(level, market);
        self.coefficients.get(name).map_or_else(compute, |known| known.get_or_init(compute).clone())
    }
}

/// Compares every identifier of the claim with what follows from the files. Finds the level and its commitments.
fn check_references<'a>(
    claim: &Claim,
    files: &Files<'a>,
    snapshot_id: SnapshotId,
) -> Result<(&'a Level, &'a ProgramCommitments), Rejection> {
    let Files { policy, snapshot, verifying_key } = *files;
    let universe = policy.universe();
    let refers = |input: &str, what: &str, claimed: Bytes32, found: Bytes32| {
        same(Rule::Reference, input, &format!("the {what} of the attestation,"), claimed, found)
    };
    refers("universe: set-up", "set-up", claim.srs, universe.srs)?;
    refers("universe", "universe", claim.universe.0, policy.universe_id().0)?;
    refers("policy", "policy", claim.policy.0, policy.id().0)?;
    let (k, key_k) = (universe.capacity.k(), verifying_key.protocol().capacity.k());
    same(Rule::Reference, "verifying key: capacity class", "that of the universe,", k, key_k)?;
    let key_srs = verifying_key.srs().id().bytes();
    same(Rule::Reference, "verifying key: set-up", "that of the universe,", universe.srs, key_srs)?;
    refers("verifying key", "verifying key", claim.verifying_key, verifying_key.digest().bytes())?;
    same(Rule::Reference, "market: epoch", "the epoch of the attestation,", claim.epoch, snapshot.epoch)?;
    refers("market", "market snapshot", claim.snapshot.0, snapshot_id.0)?;
    policy.policy().level(&claim.level).zip(policy.level(&claim.level)).ok_or_else(|| {
        let names: Vec<_> = policy.policy().levels.iter().map(|level| level.name.as_str()).collect();
        let expected = format!("a level of the policy ({})", names.join(", "));
        Rejection::new(Rule::Reference, "attestation: level", expected, claim.level.to_string())
    })
}

/// Demands that the verifier has read the vault that the policy draws on, in the state that the claim draws on; and
/// that there is neither where the policy draws on none.
fn check_vault<'v>(
    claim: &Claim,
    policy: &CommittedPolicy,
    read: Option<&'v VaultState>,
) -> Result<Option<&'v VaultState>, Rejection> {
    match (&policy.policy().vault, read) {
        (None, None) => {
            let none = Bytes32::ZERO;
            same(Rule::Vault, "attestation: vault checkpoint", "none:", none, claim.vault_checkpoint)?;
        }
        (None, Some(state)) => {
            let found = format!("that of {} on chain {}", state.vault, state.chain_id);
            let expected = "no vault, because the policy draws on none";
            return Err(Rejection::new(Rule::Vault, "vault", expected, found));
        }
        (Some(rules), None) => {
            let expected = format!("what you have read from {} on chain {}", rules.address, rules.chain);
            return Err(Rejection::new(Rule::Vault, "vault", expected, "nothing"));
        }
        (Some(rules), Some(state)) => state.check(claim, rules, policy.universe_id())?,
    }
    Ok(read)
}

/// A valid proof that an account is short is no proof that it is sufficient, nor the reverse.
fn check_asked(level: &Level, asked: Asked) -> Result<(), Rejection> {
    let of = |claim: Claimed| match claim {
        Claimed::Sufficient => "sufficiency",
        Claimed::Shortfall => "a shortfall",
    };
    let holds = asked == Asked::Either || asked == Asked::Only(level.claim);
    require(holds, Rule::Claimed, "attestation: level", || {
        let expected = match asked {
            Asked::Only(claim) => of(claim),
            Asked::Either => "any",
        };
        (format!("a level that claims {expected}"), format!("{}, which claims {}", level.name, of(level.claim)))
    })
}

/// An attestation that is made for another verifier was shown by somebody who had it from there, or before.
fn check_presentation(claim: &Claim, demanded: Presentation) -> Result<(), Rejection> {
    let (what, expected) = match demanded {
        Presentation::Whomever => return Ok(()),
        Presentation::Anybody => ("none, without a challenge of yours:", Bytes32::ZERO),
        Presentation::Exactly(challenge) => ("your challenge,", challenge),
    };
    same(Rule::Presentation, "attestation: presentation", what, expected, claim.presentation)
}

/// The commitment to all holdings: those that sources state, and those in the vault.
fn holdings(statements: &StatementSet, vault: Option<&VaultState>) -> Result<HoldingCommitment, Rejection> {
    let Some(vault) = vault else {
        return Ok(statements.holdings);
    };
    statements.holdings.plus(&vault.commitment).map_err(|error| {
        let expected = "a commitment that does not cancel those of the statements";
        Rejection::new(Rule::HoldingCommitment, "vault: commitment", expected, error.to_string())
    })
}

/// A snapshot without reports counts only if the verifier knows from a chain that a contract has taken it.
fn check_origin(claim: &Claim, files: &Files<'_>, anchors: &Anchors<'_>) -> Result<(), Rejection> {
    let Files { policy, snapshot, .. } = *files;
    let stands = !snapshot.reports.is_empty() || anchors.pins_taken(claim.snapshot);
    require(stands, Rule::Market, "market: reports", || {
        let quorum = policy.policy().oracle.quorum;
        let pinned = "one that your trust file pins among the snapshots taken on a chain";
        (format!("a snapshot of at least {quorum} reports, or {pinned}"), "no report, and no such pin".to_owned())
    })
}

/// Whether the set-up is one whose secret everybody knows, if it is acceptable at all. `pinned` identifies the one that
/// the verifier trusts, if it names one.
///
/// # Errors
/// [`Rule::SetUp`].
pub fn check_set_up(key: &VerifyingKey, pinned: Option<Bytes32>, allow_insecure: bool) -> Result<bool, Rejection> {
    let srs = key.srs().id().bytes();
    let refuse = |found: &str| {
        Err(Rejection::new(
            Rule::SetUp,
            "universe: set-up",
            "the set-up of a public ceremony",
            format!("{srs}, {found}"),
        ))
    };
    match key.srs().origin() {
        Origin::Ceremony(_) => Ok(false),
        Origin::InsecureDevelopment if allow_insecure => Ok(true),
        Origin::InsecureDevelopment => refuse("whose secret everybody knows: anybody can prove anything"),
        Origin::Unknown if pinned == Some(srs) => Ok(false),
        Origin::Unknown => {
            refuse("of unknown origin, which your trust file does not pin: whoever made it can prove anything")
        }
    }
}

/// Whether proofs over the snapshot count.
///
/// # Errors
/// [`Rule::Breaker`] if the policy refuses those over marked snapshots, and this is one.
pub fn check_breaker(policy: &CommittedPolicy, market: &CheckedSnapshot) -> Result<(), Rejection> {
    let refused = policy.policy().oracle.breaker.is_some_and(|breaker| breaker.proofs == MarkedProofs::Refused);
    require(!refused || market.marked.is_empty(), Rule::Breaker, "market: marked", || {
        let marked: Vec<_> = market.marked.iter().map(Name::as_str).collect();
        ("a snapshot without a mark, as the policy refuses proofs over others".to_owned(), marked.join(", "))
    })
}

fn refuse_faith(faith: &[Faith], strict: bool) -> Result<(), Rejection> {
    require(!strict || faith.is_empty(), Rule::Strict, "trust file", || {
        let missing: Vec<_> = faith.iter().map(ToString::to_string).collect();
        ("an anchor for everything".to_owned(), format!("none for: {}", missing.join("; ")))
    })
}

fn coefficients(level: &ProgramCommitments, market: &CheckedSnapshot) -> Result<G1Affine, Rejection> {
    level.coef(&market.prices).map_err(|error| {
        Rejection::new(Rule::Market, "market: prices", "one for each market entry of the policy", error.to_string())
    })
}

fn context(
    claim: &Claim,
    files: &Files<'_>,
    level: &Level,
    (market, coef): (&CheckedSnapshot, G1Affine),
    statements: Vec<Bytes32>,
) -> Context {
    let policy = files.policy;
    Context {
        audience: claim.audience,
        verifier: claim.verifier,
        verifying_key: files.verifying_key.digest(),
        srs: SrsId::from(policy.universe().srs),
        universe: policy.universe_id(),
        capacity: policy.universe().capacity,
        policy: policy.id(),
        level: LevelId::of(level),
        subject: claim.subject,
        epoch: claim.epoch,
        prices_at: market.oldest,
        marked: !market.marked.is_empty(),
        coef,
        statements,
        vault_checkpoint: claim.vault_checkpoint,
        valid_until: claim.valid_until,
        presentation: claim.presentation,
    }
}

fn proof_rejection(error: impl core::fmt::Display) -> Rejection {
    Rejection::new(Rule::Proof, "attestation: proof", "a valid proof of this claim", format!("an invalid one: {error}"))
}
