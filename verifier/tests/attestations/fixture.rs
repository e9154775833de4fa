//! A small institution whose claim is in order, to be spoilt in one respect at a time.

use std::sync::OnceLock;

use group::Curve as _;
use rand_core::OsRng;
use surety_core::kind::KindOf;
use surety_core::{
    FormatVersion,
    capacity::Capacity,
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    units::{Decimals, Price, Seconds, Timestamp},
};
use surety_kzg::{Fr, HoldingCommitment, Masks, Params, Srs, progress::Silent};
use surety_margin::{
    level::Claimed,
    market::{Observation, Observed, Report, Snapshot},
    oracle,
    policy::{Policy, SourceRule},
    universe::Universe,
    vault::{VaultAsset, VaultRules},
};
use surety_testing::sample::{prices, scenario_margin};
use surety_verifier::{
    Claim, CommittedPolicy, CompiledPolicy, Protocol, Rejection, Rule, Statement, VerifyingKey,
    attestation::{
        check::{self, Accepted, Asked, Files, Presentation, VerifierTerms},
        eip712::Audience,
        identifiers::UniverseId,
        report,
        signature::SigningKey,
        vault::VaultState,
    },
};

/// The epoch of the snapshot, an hour long.
pub(crate) const EPOCH: u64 = 500_000;
/// When the first oracle node observed prices.
pub(crate) const PRICES_AT: u64 = EPOCH * 3_600 + 60;
/// When the first statement's balances were held.
pub(crate) const BALANCES_AT: u64 = PRICES_AT + 100;
/// When attestations are verified.
pub(crate) const NOW: u64 = PRICES_AT + 1_000;
/// When the claim ends.
pub(crate) const VALID_UNTIL: u64 = PRICES_AT + 40_000;
/// The sequence number of every statement.
pub(crate) const SEQUENCE: u64 = 7;

pub(crate) const AUDIENCE: Audience = Audience { chain_id: 8_453, registry: HexBytes([0xaa; 20]) };
/// The address of [`subject`].
pub(crate) const SUBJECT: EvmAddress = HexBytes(alloy_primitives::hex!("b3c77fc7b3b1dd1a72b35d7c721811ae12f663aa"));

/// Changes one thing.
pub(crate) type Spoil<T> = fn(&mut T);

/// What is changed, and the change.
pub(crate) type Case<T> = (&'static str, Spoil<T>);

pub(crate) fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

/// A key from a number: tests know them all.
pub(crate) fn key(number: u8) -> SigningKey {
    SigningKey::from_secret_bytes(&[number; 32]).unwrap()
}

/// The subject's key.
pub(crate) fn subject() -> SigningKey {
    key(0x50)
}

pub(crate) fn custodian() -> SigningKey {
    key(0xc0)
}

pub(crate) fn venue() -> SigningKey {
    key(0xe0)
}

pub(crate) fn oracle_node(index: u8) -> SigningKey {
    key(index + 1)
}

pub(crate) fn universe() -> Universe {
    let mut universe = scenario_margin(9, 4, 3).universe;
    universe.srs = setup().0.id().bytes();
    universe
}

/// Two sources, of which the first states two accounts; three oracle nodes, of which two must report.
pub(crate) fn policy() -> Policy {
    let mut policy = scenario_margin(9, 4, 3).policy;
    let source = |text: &str, key: SigningKey, accounts: &[&str]| SourceRule {
        name: name(text),
        signer: key.address(),
        accounts: accounts.iter().copied().map(name).collect(),
        scope: Vec::new(),
        contract: false,
    };
    policy.sources = vec![source("custodian", custodian(), &["main", "cold"]), source("venue", venue(), &["main"])];
    for (node, index) in policy.oracle.nodes.iter_mut().zip(0..) {
        node.signer = oracle_node(index).address();
    }
    policy
}

/// The vault of [`vault_policy`].
pub(crate) const VAULT: EvmAddress = HexBytes([0x7a; 20]);
/// The time for which collateral must have stood before the snapshot, in seconds.
pub(crate) const MIN_AGE: u64 = 600;

/// The same, with a vault that counts one token as the quote currency.
pub(crate) fn vault_policy() -> Policy {
    let asset =
        VaultAsset { instrument: name("USD"), token: HexBytes([0x70; 20]), decimals: Decimals::new(6).unwrap() };
    let vault = VaultRules {
        chain: AUDIENCE.chain_id,
        address: VAULT,
        level: name("maintenance"),
        max_age: Seconds(900),
        min_age: Seconds(MIN_AGE),
        assets: vec![asset],
    };
    Policy { vault: Some(vault), ..policy() }
}

/// A lot of the first instrument in the vault, which has stood for long enough by a second.
pub(crate) fn vault_state() -> VaultState {
    let row = setup().1.capacity().instrument(0).unwrap();
    let commitment = setup().1.commit_sparse([(row, Fr::one())]).to_affine();
    VaultState {
        chain_id: AUDIENCE.chain_id,
        vault: VAULT,
        universe: UniverseId::of(&universe()).unwrap(),
        subject: SUBJECT,
        number: 3,
        grown_at: Timestamp(PRICES_AT - MIN_AGE - 1),
        commitment,
    }
}

/// The development set-up and its bases at k = 9, computed once.
pub(crate) fn setup() -> &'static (Srs, Params) {
    static SETUP: OnceLock<(Srs, Params)> = OnceLock::new();
    SETUP.get_or_init(|| {
        let capacity = Capacity::new(9).unwrap();
        let srs = Srs::development(capacity);
        let params = Params::from_srs(&srs, capacity, &Silent).unwrap();
        (srs, params)
    })
}

pub(crate) fn compile(policy: Policy) -> CompiledPolicy {
    CompiledPolicy::compile(policy, universe(), &setup().1).unwrap()
}

pub(crate) fn commitment() -> HexBytes<64> {
    let lots = [(0, 1_000_000), (1, -20)];
    HexBytes(HoldingCommitment::commit(&setup().1, &lots, &Masks::random(&mut OsRng)).unwrap().to_bytes())
}

pub(crate) fn statement(source: &SigningKey, account: &str, as_of: u64) -> Statement {
    let statement = Statement {
        kind: KindOf::new(),
        version: FormatVersion,
        audience: AUDIENCE,
        source: EvmAddress::ZERO,
        subject: SUBJECT,
        account: name(account),
        universe: UniverseId::of(&universe()).unwrap(),
        commitment: commitment(),
        as_of: Timestamp(as_of),
        valid_until: Timestamp(VALID_UNTIL + 10_000),
        sequence: SEQUENCE,
        encumbrance: Bytes32::ZERO,
        signature: HexBytes::ZERO,
    };
    statement.signed(source).unwrap()
}

pub(crate) fn report(policy: &CommittedPolicy, node: u8) -> Report {
    let observe =
        |price: Price| Observed::Price(Observation { price, confidence: Price::new(1).unwrap(), age: Seconds(0) });
    let report = Report {
        kind: KindOf::new(),
        version: FormatVersion,
        oracle: EvmAddress::ZERO,
        feeds: policy.feeds_id().0,
        epoch: EPOCH,
        observed_at: Timestamp(PRICES_AT + 10 * u64::from(node)),
        previous: Report::FIRST,
        observations: prices(policy.policy()).into_iter().map(observe).collect(),
        signature: HexBytes::ZERO,
    };
    report::sign(report, &oracle_node(node)).unwrap()
}

/// The reports of all nodes, changed before they are signed.
pub(crate) fn reports(policy: &CommittedPolicy, change: impl Fn(usize, &mut Report)) -> Vec<Report> {
    let changed = |node: u8| {
        let mut report = report(policy, node);
        change(node.into(), &mut report);
        report::sign(report, &oracle_node(node)).unwrap()
    };
    (0..3).map(changed).collect()
}

pub(crate) fn snapshot(policy: &CommittedPolicy, nodes: &[u8]) -> Snapshot {
    let reports: Vec<_> = nodes.iter().map(|node| report(policy, *node)).collect();
    oracle::aggregate(policy.policy(), &reports, None).unwrap()
}

/// The source that signed a statement.
fn source_of(statement: &Statement) -> SigningKey {
    [custodian(), venue()].into_iter().find(|key| key.address() == statement.source).unwrap()
}

/// Everything that a verifier sees.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) policy: CommittedPolicy,
    pub(crate) snapshot: Snapshot,
    pub(crate) verifying_key: VerifyingKey,
    pub(crate) claim: Claim,
}

impl Scene {
    pub(crate) fn new() -> Self {
        static SCENE: OnceLock<Scene> = OnceLock::new();
        SCENE.get_or_init(|| Self::over(policy())).clone()
    }

    /// The claim draws on the state of [`vault_state`].
    pub(crate) fn with_vault() -> Self {
        let mut scene = Self::over(vault_policy());
        scene.claim.vault_checkpoint = vault_state().checkpoint();
        scene
    }

    pub(crate) fn over(policy: Policy) -> Self {
        let policy = compile(policy).committed().clone();
        let snapshot = snapshot(&policy, &[0, 1, 2]);
        let protocol = Protocol::of(policy.universe().capacity).unwrap();
        let verifying_key = VerifyingKey::derive(protocol, &setup().0).unwrap();
        let mut statements = vec![
            statement(&custodian(), "main", BALANCES_AT),
            statement(&custodian(), "cold", BALANCES_AT + 50),
            statement(&venue(), "main", BALANCES_AT + 200),
        ];
        statements.sort_by_key(Statement::position);
        let claim = Claim {
            subject: SUBJECT,
            level: name("initial"),
            audience: AUDIENCE,
            verifier: HexBytes([0xbb; 20]),
            verifying_key: verifying_key.digest().bytes(),
            srs: policy.universe().srs,
            universe: policy.universe_id(),
            policy: policy.id(),
            epoch: EPOCH,
            snapshot: report::snapshot_id(&policy, &snapshot),
            vault_checkpoint: Bytes32::ZERO,
            valid_until: Timestamp(VALID_UNTIL),
            presentation: Bytes32::ZERO,
            statements,
        };
        Self { policy, snapshot, verifying_key, claim }
    }

    pub(crate) fn files(&self) -> Files<'_> {
        Files { policy: &self.policy, snapshot: &self.snapshot, verifying_key: &self.verifying_key }
    }

    /// Changes the statements, which their sources sign anew.
    pub(crate) fn resign(&mut self, mut change: impl FnMut(usize, &mut Statement)) {
        for (index, statement) in self.claim.statements.iter_mut().enumerate() {
            change(index, statement);
            let key = source_of(statement);
            *statement = statement.clone().signed(&key).unwrap();
        }
    }

    /// Replaces the snapshot, to which the claim then refers.
    pub(crate) fn take_snapshot(&mut self, snapshot: Snapshot) {
        self.claim.epoch = snapshot.epoch;
        self.claim.snapshot = report::snapshot_id(&self.policy, &snapshot);
        self.snapshot = snapshot;
    }

    pub(crate) fn examine(&self, terms: &VerifierTerms<'_>) -> Result<Accepted, Rejection> {
        check::examine(&self.claim, &self.files(), terms).map(|examined| examined.accepted)
    }

    /// The rejection under lenient terms, which must be for breaking this rule.
    #[track_caller]
    pub(crate) fn rejects(&self, rule: Rule) -> Rejection {
        self.rejects_under(&lenient(), rule)
    }

    #[track_caller]
    pub(crate) fn rejects_under(&self, terms: &VerifierTerms<'_>, rule: Rule) -> Rejection {
        let rejection = self.examine(terms).unwrap_err();
        assert_eq!(rejection.rule, rule, "{rejection}");
        rejection
    }
}

/// No anchors, and any set-up.
pub(crate) fn lenient() -> VerifierTerms<'static> {
    VerifierTerms {
        asked: Asked::Only(Claimed::Sufficient),
        trust: None,
        strict: false,
        allow_insecure_srs: true,
        vault: None,
        presentation: Presentation::Anybody,
        contract_sources: false,
        now: Timestamp(NOW),
    }
}
