//! What a verifier knows from a chain: snapshots that a contract has taken, and collateral in a vault.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::SolValue as _;
use group::{Curve as _, prime::PrimeCurveAffine as _};
use surety_core::{
    failure::{Class, Failure as _},
    ident::HexBytes,
    units::{Price, Seconds, Timestamp},
};
use surety_kzg::{G1, G1Affine, HoldingCommitment, point, scalar};
use surety_margin::market::{Predecessor, Snapshot};
use surety_verifier::{
    Claim, CommittedPolicy, CompiledPolicy, Rule, Statement, Trust,
    attestation::{
        check::{self, Accepted, VerifierTerms},
        identifiers::UniverseId,
        report,
        trust::Faith,
        vault::{DrawnVault, VaultState},
    },
};

use crate::fixture::{
    AUDIENCE, EPOCH, MIN_AGE, NOW, PRICES_AT, Scene, VAULT, compile, lenient, setup, universe, vault_policy,
    vault_state,
};

/// The scene over a snapshot that nobody has signed.
fn taken() -> Scene {
    let mut scene = Scene::new();
    let snapshot = Snapshot { reports: Vec::new(), ..scene.snapshot.clone() };
    scene.take_snapshot(snapshot);
    scene
}

fn trust(scene: &Scene) -> Trust {
    Trust { chain_snapshots: vec![scene.claim.snapshot], ..Trust::nothing() }
}

fn under(trust: &Trust) -> VerifierTerms<'_> {
    VerifierTerms { trust: Some(trust), ..lenient() }
}

#[test]
fn snapshots_read_from_a_chain_need_no_reports() {
    let scene = taken();
    let accepted = scene.examine(&under(&trust(&scene))).unwrap();
    assert_eq!((accepted.prices_at, accepted.epoch), (Timestamp(PRICES_AT), EPOCH));
    assert!(!accepted.faith.contains(&Faith::Reports), "nobody has chosen among reports");
    // Nor has anybody signed how old each price was.
    let limits = |accepted: &Accepted| accepted.not_established().join("\n").contains("each price was fresh");
    assert!(limits(&accepted) && !limits(&Scene::new().examine(&lenient()).unwrap()));
}

/// Attack: prices of the holder's own, which nobody has signed.
#[test]
fn rejects_snapshots_without_reports_that_are_not_read_from_a_chain() {
    let scene = taken();
    let rejection = scene.rejects(Rule::Market);
    assert_eq!((&*rejection.problem.path, rejection.class()), ("market: reports", Class::Invalid));
    assert!(rejection.problem.expected.contains("taken on a chain"), "{rejection}");
    let mut other = trust(&scene);
    other.chain_snapshots[0].0.0[0] ^= 1;
    scene.rejects_under(&under(&other), Rule::Market);
}

/// Attack: a snapshot that the verifier knows, without the reports that show how old its prices are.
#[test]
fn rejects_a_known_snapshot_whose_reports_were_left_out() {
    let signed = Scene::new();
    let known = Trust { snapshots: Some(vec![signed.claim.snapshot]), ..Trust::nothing() };
    signed.examine(&under(&known)).unwrap();
    let scene = taken();
    assert_ne!(scene.claim.snapshot, signed.claim.snapshot, "the reports are a part of the identifier");
    scene.rejects_under(&under(&known), Rule::Market);
}

#[test]
fn rejects_snapshots_from_a_chain_that_break_the_policys_rules() {
    type Spoil = (&'static str, fn(&mut Snapshot));
    let spoils: [Spoil; 5] = [
        ("market: prices[0].price", |snapshot| snapshot.prices[0].price = Price::new(Price::MAX).unwrap()),
        ("market: prices", |snapshot| snapshot.prices.truncate(1)),
        ("market: time", |snapshot| snapshot.time.0 += 3_600),
        ("market: marked", |snapshot| snapshot.marked = vec![snapshot.prices[0].entry.clone()]),
        ("market: previous", |snapshot| {
            snapshot.previous = Some(Predecessor { epoch: EPOCH - 1, prices: snapshot.prices.clone() });
        }),
    ];
    for (input, spoil) in spoils {
        let mut scene = taken();
        let mut snapshot = scene.snapshot.clone();
        spoil(&mut snapshot);
        scene.take_snapshot(snapshot);
        let rejection = scene.rejects_under(&under(&trust(&scene)), Rule::Market);
        assert_eq!(rejection.problem.path, input);
    }
}

#[test]
fn rejects_prices_from_a_chain_that_are_too_old_or_not_yet_there() {
    let scene = taken();
    let pinned = trust(&scene);
    scene.rejects_under(&VerifierTerms { now: Timestamp(PRICES_AT - 1), ..under(&pinned) }, Rule::NotYet);
    let mut scene = taken();
    let limit = scene.policy.policy().oracle.max_age.0;
    scene.resign(|_, statement| {
        statement.as_of = Timestamp(PRICES_AT + limit + 1);
        statement.valid_until = Timestamp(NOW + 2 * limit);
    });
    let late = VerifierTerms { now: Timestamp(NOW + limit), ..under(&pinned) };
    scene.rejects_under(&late, Rule::Age);
}

/// Terms of a verifier that has read this state of the vault.
fn read(state: VaultState) -> VerifierTerms<'static> {
    VerifierTerms { vault: Some(state), ..lenient() }
}

/// The scene of a claim that draws on a state, whatever the state is.
fn drawing(state: &VaultState) -> Scene {
    let mut scene = Scene::with_vault();
    scene.claim.vault_checkpoint = state.checkpoint();
    scene
}

#[test]
fn what_lies_in_a_vault_is_added_to_what_sources_state() {
    let scene = Scene::with_vault();
    let examine = |scene: &Scene, state| check::examine(&scene.claim, &scene.files(), &read(state)).unwrap();
    let nothing = VaultState { commitment: G1Affine::identity(), ..vault_state() };
    let mut without = scene.clone();
    without.claim.vault_checkpoint = nothing.checkpoint();
    let (with, empty) = (examine(&scene, vault_state()), examine(&without, nothing));
    let sum = (G1::from(vault_state().commitment) + empty.known.hold).to_affine();
    assert_eq!(with.known.hold, sum);
    assert_eq!(with.context.vault_checkpoint, vault_state().checkpoint());
    assert_ne!(scalar::to_bytes(&with.context.hash()), scalar::to_bytes(&empty.context.hash()));
}

#[test]
fn the_result_says_which_vault_an_attestation_draws_on() {
    let accepted = Scene::with_vault().examine(&read(vault_state())).unwrap();
    let (chain_id, checkpoint) = (AUDIENCE.chain_id, vault_state().checkpoint());
    assert_eq!(accepted.vault, Some(DrawnVault { chain_id, address: VAULT, checkpoint }));
    let findings = accepted.findings();
    assert_eq!(
        findings["vault"],
        serde_json::json!({ "chain_id": chain_id, "address": VAULT, "checkpoint": checkpoint })
    );
    assert!(accepted.not_established().iter().any(|limit| limit.contains("the vault")));
    let without = Scene::new().examine(&lenient()).unwrap();
    assert_eq!((without.vault, without.findings().get("vault")), (None, None));
}

/// The checkpoint of `CollateralVault.checkpointOf` for the same state.
#[test]
fn checkpoints_are_those_of_the_contract() {
    let state = vault_state();
    let words = (
        keccak256("surety/vault/v2"),
        U256::from(state.chain_id),
        Address::from(state.vault.0),
        B256::from(state.universe.0.0),
        Address::from(state.subject.0),
        state.number,
        U256::from(state.grown_at.0),
        U256::from_be_slice(&point::g1_to_bytes(&state.commitment)[..32]),
        U256::from_be_slice(&point::g1_to_bytes(&state.commitment)[32..]),
    );
    assert_eq!(state.checkpoint().0, keccak256(words.abi_encode()).0);
}

/// Attack: a claim over somebody else's vault, another chain, or another contract, whose state is public and true. Each
/// claim is made for the state that the verifier is shown.
#[test]
fn rejects_a_strangers_checkpoint() {
    let read_state = vault_state();
    let strangers = [
        ("vault: chain", VaultState { chain_id: 1, ..read_state }),
        ("vault: contract", VaultState { vault: HexBytes([0x7b; 20]), ..read_state }),
        ("vault: universe", VaultState { universe: UniverseId(HexBytes([1; 32])), ..read_state }),
        ("vault: subject", VaultState { subject: HexBytes([0x51; 20]), ..read_state }),
    ];
    for (input, state) in strangers {
        let rejection = drawing(&state).rejects_under(&read(state), Rule::Vault);
        assert_eq!((&*rejection.problem.path, rejection.class()), (input, Class::Mismatch));
        // Nor is the state taken for the subject's own.
        drawing(&state).rejects_under(&read(read_state), Rule::Vault);
    }
}

/// Attack: a registry on another chain than the vault, where nobody can compare.
#[test]
fn rejects_a_claim_for_another_chain_than_the_vaults() {
    let mut policy = vault_policy();
    policy.vault.as_mut().unwrap().chain += 1;
    let mut scene = Scene::over(policy);
    let state = VaultState { chain_id: AUDIENCE.chain_id + 1, ..vault_state() };
    scene.claim.vault_checkpoint = state.checkpoint();
    assert_eq!(scene.rejects_under(&read(state), Rule::Vault).problem.path, "attestation: chain");
}

/// Attack: collateral that has left since, or that nobody has looked at.
#[test]
fn rejects_claims_on_another_state_of_the_vault() {
    let scene = Scene::with_vault();
    let other = [
        VaultState { number: 4, ..vault_state() },
        VaultState { grown_at: Timestamp(1), ..vault_state() },
        VaultState { commitment: G1Affine::identity(), ..vault_state() },
    ];
    for state in other {
        assert_eq!(scene.rejects_under(&read(state), Rule::Vault).problem.path, "attestation: vault checkpoint");
    }
    assert_eq!(scene.rejects(Rule::Vault).problem.path, "vault");
}

/// Attack: leave out the vault, of which no balance is needed then, under a policy that draws on one.
#[test]
fn rejects_a_claim_without_the_vault_that_the_policy_draws_on() {
    let mut scene = Scene::with_vault();
    scene.claim.vault_checkpoint = HexBytes([0; 32]);
    scene.rejects(Rule::Vault);
    scene.rejects_under(&read(vault_state()), Rule::Vault);
}

/// Attack: collateral under a policy that does not know of it.
#[test]
fn rejects_a_vault_that_the_policy_does_not_draw_on() {
    let mut scene = Scene::new();
    assert_eq!(scene.rejects_under(&read(vault_state()), Rule::Vault).problem.path, "vault");
    scene.claim.vault_checkpoint = vault_state().checkpoint();
    scene.rejects_under(&read(vault_state()), Rule::Vault);
    assert_eq!(scene.rejects(Rule::Vault).problem.path, "attestation: vault checkpoint");
}

/// Attack: collateral that is lent for the transaction in which the snapshot is taken.
#[test]
fn rejects_collateral_that_has_not_stood_before_the_snapshot() {
    let at = |time| VaultState { grown_at: Timestamp(time), ..vault_state() };
    for time in [PRICES_AT - MIN_AGE, PRICES_AT, u64::MAX] {
        let state = at(time);
        let rejection = drawing(&state).rejects_under(&read(state), Rule::Standing);
        assert_eq!((&*rejection.problem.path, rejection.class()), ("vault: time of the last growth", Class::Invalid));
    }
    let mut policy = vault_policy();
    policy.vault.as_mut().unwrap().min_age = Seconds(0);
    let mut scene = Scene::over(policy);
    scene.claim.vault_checkpoint = at(PRICES_AT).checkpoint();
    scene.rejects_under(&read(at(PRICES_AT)), Rule::Standing);
    scene.claim.vault_checkpoint = at(PRICES_AT - 1).checkpoint();
    scene.examine(&read(at(PRICES_AT - 1))).unwrap();
}

/// Attack: collateral that is in a statement, and then in the vault.
#[test]
fn rejects_collateral_that_came_after_the_statements() {
    let mut policy = vault_policy();
    policy.vault.as_mut().unwrap().min_age = Seconds(0);
    let mut scene = Scene::over(policy);
    let skew = scene.policy.policy().statements.max_skew.0;
    let limit = PRICES_AT - 1;
    let state = VaultState { grown_at: Timestamp(limit), ..vault_state() };
    scene.claim.vault_checkpoint = state.checkpoint();
    scene.resign(|_, statement| statement.as_of = Timestamp(limit - skew));
    scene.examine(&read(state)).unwrap();
    scene.resign(|index, statement| statement.as_of = Timestamp(limit - skew - u64::from(index == 0)));
    let found = scene.examine(&read(state)).unwrap_err();
    assert!([Rule::Standing, Rule::StatementSkew].contains(&found.rule), "{found}");
    scene.resign(|_, statement| statement.as_of = Timestamp(limit - skew - 1));
    scene.rejects_under(&read(state), Rule::Standing);
}

#[test]
fn rejects_a_vault_that_cancels_what_sources_state() {
    let commitment = |statement: &Statement| HoldingCommitment::from_bytes(&statement.commitment.0).unwrap();
    let mut scene = Scene::with_vault();
    let parts: Vec<_> = scene.claim.statements.iter().map(commitment).collect();
    let state = VaultState { commitment: -*HoldingCommitment::sum(&parts).unwrap().point(), ..vault_state() };
    scene.claim.vault_checkpoint = state.checkpoint();
    scene.rejects_under(&read(state), Rule::HoldingCommitment);
}

#[test]
fn balances_of_a_vault_are_faith_unless_their_checkpoint_is_pinned() {
    let scene = Scene::with_vault();
    assert!(scene.examine(&read(vault_state())).unwrap().faith.contains(&Faith::Vault));
    assert!(!Scene::new().examine(&lenient()).unwrap().faith.contains(&Faith::Vault));
    let pinned = Trust { vaults: Some(vec![vault_state().checkpoint()]), ..Trust::nothing() };
    let terms = VerifierTerms { trust: Some(&pinned), ..read(vault_state()) };
    assert!(!scene.examine(&terms).unwrap().faith.contains(&Faith::Vault));
    let other = Trust { vaults: Some(vec![HexBytes([8; 32])]), ..Trust::nothing() };
    let terms = VerifierTerms { trust: Some(&other), ..read(vault_state()) };
    assert_eq!(scene.rejects_under(&terms, Rule::Anchor).problem.path, "vault");
}

/// Attack: reorder the instruments under the same vault, so that its points stand for other instruments. What was a
/// small amount of one is a large amount of another.
#[test]
fn rejects_reordered_instruments_under_the_same_vault() {
    let first = compile(vault_policy()).committed().clone();
    let mut reordered = universe();
    reordered.instruments.swap(0, 1);
    let second = CompiledPolicy::compile(vault_policy(), reordered, &setup().1).unwrap().committed().clone();
    let (before, after) = (&first.vault_assets()[0], &second.vault_assets()[0]);
    assert_eq!((&before.instrument, before.unit), (&after.instrument, after.unit));
    assert_ne!(before.point, after.point, "the vault's point is that of the row");
    // The identifier that a registry computes from the vault's own point is not the policy's.
    let mut file = second.file();
    file.vault = first.file().vault;
    let found = CommittedPolicy::published(second.policy().clone(), second.universe().clone(), &file).unwrap_err();
    assert!(found.to_string().starts_with("compiled policy: policy"), "{found}");
    // And a state that was read from the vault is none of the new universe.
    let mut scene = Scene::over(vault_policy());
    scene.policy = second;
    let claim = Claim {
        universe: scene.policy.universe_id(),
        policy: scene.policy.id(),
        vault_checkpoint: vault_state().checkpoint(),
        snapshot: report::snapshot_id(&scene.policy, &scene.snapshot),
        ..scene.claim.clone()
    };
    scene.claim = claim;
    assert_eq!(scene.rejects_under(&read(vault_state()), Rule::Vault).problem.path, "vault: universe");
}
