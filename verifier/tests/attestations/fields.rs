//! Every place of every file that a verifier reads, changed in every way that [`surety_testing::tamper`] knows: each
//! change is refused, or gives the file another identifier, which is refused where the file is referred to. What is
//! signed is also arranged to fit everything else, so that nothing but the signature is left to refuse it.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::PathBuf,
};

use alloy_primitives::U256;
use ff::PrimeField as _;
use serde::Serialize;
use serde_json::Value;
use surety_core::{
    ident::HexBytes,
    text::Document,
    units::{Ppm, Seconds, Timestamp},
};
use surety_kzg::Fr;
use surety_margin::{
    market::{MarkedProofs, Observed, Report, Snapshot},
    oracle,
    policy::Policy,
    universe::Universe,
};
use surety_testing::tamper::{Change, Exempt, Tampered, unnoticed};
use surety_verifier::{
    Attestation, CommittedPolicy, Protocol, Rejection, Rule, Statement, Trust,
    attestation::{
        check::{self, Groundwork, Hashed, VerifierTerms},
        compiled::CompiledPolicyFile,
        identifiers::{DocumentId, SnapshotId, UniverseId},
        report,
        signature::KnownKeys,
        trust::Newest,
    },
};

use crate::{
    breaker,
    claims::attestation,
    fixture::{
        self, AUDIENCE, EPOCH, SEQUENCE, SUBJECT, Scene, Spoil, custodian, lenient, name, oracle_node, reports, venue,
    },
};

/// Not one change was missed, and no exemption is without need.
const NONE: [&str; 0] = [];

fn json(value: &impl Serialize) -> Value {
    serde_json::to_value(value).unwrap()
}

/// The document, if it can be read.
fn read<T: Document>(tampered: &Tampered) -> Option<T> {
    T::from_json("file", &tampered.document.to_string()).ok()
}

/// A claim over a marked snapshot, which a policy accepts, of accounts that are pledged to it: a scene in which every
/// field that may be left out is there.
fn marked() -> Scene {
    let mut scene = breaker::scene(MarkedProofs::Accepted);
    let before = breaker::before(&scene, true);
    scene.take_snapshot(breaker::after(&scene, &before));
    let pledge = scene.policy.id().0;
    scene.resign(|_, statement| statement.encumbrance = pledge);
    scene.examine(&lenient()).unwrap();
    scene
}

/// Attack: an attestation about which one thing was changed after it was made.
#[test]
fn rejects_every_changed_field_of_an_attestation() {
    let scene = marked();
    let keys = KnownKeys::default();
    let groundwork = Groundwork::new(scene.files(), &keys);
    let notices = |tampered: &Tampered| {
        let Some(changed) = read::<Attestation>(tampered) else { return true };
        // There is no proof, for which everything is refused that is in order otherwise.
        groundwork.prepare(&Hashed::from(changed), &lenient()).unwrap_err().rule != Rule::Proof
    };
    let exempt: [Exempt<'_>; 2] = [
        ("proof", &[], "there is none here; other tests change every byte of one"),
        ("consent", &[Change::Removed], "the policy does not require it"),
    ];
    assert_eq!(unnoticed(&json(&attestation(&scene)), &exempt, notices), NONE);
}

/// Attack: another number for the same context, as a field element has them.
#[test]
fn rejects_aliases_of_the_context() {
    let scene = Scene::new();
    let mut changed = attestation(&scene);
    let order = U256::from_str_radix(Fr::MODULUS.trim_start_matches("0x"), 16).unwrap();
    let mut alias = U256::from_be_bytes(changed.context.0);
    while let Some(next) = alias.checked_add(order) {
        alias = next;
        changed.context = HexBytes(alias.to_be_bytes());
        let rejection = check::verify(&changed, &scene.files(), &lenient()).unwrap_err();
        assert_eq!(rejection.rule, Rule::Context, "{rejection}");
    }
    assert_ne!(changed.context, attestation(&scene).context);
}

/// What a signature refused, by the place that was changed. Demands that it was the signature there.
#[derive(Default)]
struct Signatures(BTreeSet<String>);

impl Signatures {
    #[track_caller]
    fn note(&mut self, rejection: &Rejection, tampered: &Tampered, input: &str) {
        if rejection.rule == Rule::Signature {
            assert!(rejection.problem.path.contains(input), "{tampered}: {rejection}");
            self.0.insert(tampered.place.clone());
        }
    }

    /// Demands that each of these places was refused for nothing but its signature.
    #[track_caller]
    fn cover(&self, places: &[&str]) {
        for place in places {
            assert!(self.0.contains(*place), "{place} is not among {:?}", self.0);
        }
    }
}

/// Attack: change what one of the sources said, whichever it is.
#[test]
fn rejects_every_changed_field_of_every_statement() {
    let original = marked();
    for index in 0..original.claim.statements.len() {
        let mut refused = Signatures::default();
        let mut scene = original.clone();
        let notices = |tampered: &Tampered| {
            let Some(changed) = read::<Statement>(tampered) else { return true };
            scene.claim.statements.clone_from(&original.claim.statements);
            scene.claim.statements[index] = changed;
            scene.claim.statements.sort_by_key(Statement::position);
            let Err(rejection) = scene.examine(&lenient()) else { return false };
            refused.note(&rejection, tampered, &format!("statement {index} "));
            true
        };
        assert_eq!(unnoticed(&json(&original.claim.statements[index]), &[], notices), NONE, "statement {index}");
        refused.cover(&["as_of", "commitment", "encumbrance", "sequence", "signature", "valid_until"]);
    }
}

/// Attack: one statement that says something else, while everybody else says it, too.
#[test]
fn rejects_every_statement_that_was_fitted_to_the_others() {
    let moves: [Spoil<Scene>; 6] = [
        |scene| scene.claim.audience.chain_id += 1,
        |scene| scene.claim.audience.registry.0[19] ^= 1,
        |scene| scene.claim.subject.0[0] ^= 1,
        |scene| scene.resign(|_, statement| statement.encumbrance = HexBytes::ZERO),
        |scene| scene.resign(|_, statement| statement.sequence = SEQUENCE + 1),
        |scene| scene.resign(|_, statement| statement.as_of = Timestamp(statement.as_of.0 + 1)),
    ];
    let original = marked();
    for index in 0..original.claim.statements.len() {
        for (number, change) in moves.iter().enumerate() {
            let mut scene = original.clone();
            change(&mut scene);
            let (audience, subject) = (scene.claim.audience, scene.claim.subject);
            scene.resign(|_, statement| (statement.audience, statement.subject) = (audience, subject));
            scene.examine(&lenient()).unwrap();
            // All have signed this but one, who has signed what it was before.
            scene.claim.statements[index].signature = original.claim.statements[index].signature;
            let rejection = scene.rejects(Rule::Signature);
            assert!(rejection.problem.path.contains(&format!("statement {index} ")), "move {number}: {rejection}");
        }
    }
    // A free account that is called pledged to this policy.
    for index in 0..original.claim.statements.len() {
        let mut scene = Scene::new();
        scene.claim.statements[index].encumbrance = scene.policy.id().0;
        scene.rejects(Rule::Signature);
    }
}

/// Attack: what a source said about one account under the name of another, and what one source said under that of
/// another.
#[test]
fn rejects_statements_that_change_places() {
    let exchanges: [fn(&mut Statement, &mut Statement); 4] = [
        |one, other| std::mem::swap(&mut one.account, &mut other.account),
        |one, other| std::mem::swap(&mut one.source, &mut other.source),
        |one, other| std::mem::swap(&mut one.commitment, &mut other.commitment),
        |one, other| std::mem::swap(&mut one.signature, &mut other.signature),
    ];
    let original = Scene::new();
    let mut refused = 0;
    for (one, other) in [(0, 1), (0, 2), (1, 2)] {
        for exchange in exchanges {
            let mut scene = original.clone();
            let (first, second) = scene.claim.statements.split_at_mut(other);
            exchange(&mut first[one], &mut second[0]);
            scene.claim.statements.sort_by_key(Statement::position);
            if scene.claim.statements == original.claim.statements {
                continue;
            }
            let rejection = scene.examine(&lenient()).unwrap_err();
            assert!([Rule::Signature, Rule::StatementSet].contains(&rejection.rule), "{rejection}");
            refused += usize::from(rejection.rule == Rule::Signature);
        }
    }
    // Accounts of one source, sources of two accounts of one name, and every commitment and signature.
    assert!(refused >= 8, "{refused}");
}

/// Attack: change what one of the oracle nodes reported, whichever it is, and take the medians of that.
#[test]
fn rejects_every_changed_field_of_every_report() {
    let observed = |index: usize| ["price", "confidence", "age"].map(|field| format!("observations[{index}].{field}"));
    for mut original in [Scene::new(), marked()] {
        // With ages, so that none is left out.
        let named = original.snapshot.reports[0].previous;
        let aged = reports(&original.policy, |_, report| {
            report.previous = named;
            for observed in &mut report.observations {
                if let Observed::Price(observation) = observed {
                    observation.age = Seconds(5);
                }
            }
        });
        let before = original.snapshot.previous.clone();
        let document = original.policy.policy().clone();
        original.take_snapshot(oracle::aggregate(&document, &aged, before.as_ref()).unwrap());
        original.examine(&lenient()).unwrap();
        for index in 0..original.snapshot.reports.len() {
            let mut refused = Signatures::default();
            let mut scene = original.clone();
            let notices = |tampered: &Tampered| {
                let Some(changed) = read::<Report>(tampered) else { return true };
                let mut reports = original.snapshot.reports.clone();
                reports[index] = changed;
                let fitting = oracle::aggregate(&document, &reports, before.as_ref());
                scene.take_snapshot(fitting.unwrap_or_else(|_| Snapshot { reports, ..original.snapshot.clone() }));
                let Err(rejection) = scene.examine(&lenient()) else { return false };
                refused.note(&rejection, tampered, &format!("reports[{index}].signature"));
                true
            };
            assert_eq!(unnoticed(&json(&original.snapshot.reports[index]), &[], notices), NONE, "report {index}");
            refused.cover(&["observed_at", "signature"]);
            for place in (0..document.market.len()).flat_map(observed) {
                refused.cover(&[&place]);
            }
            // What was observed, denied.
            for entry in 0..document.market.len() {
                let mut reports = original.snapshot.reports.clone();
                reports[index].observations[entry] = Observed::Absent;
                scene.take_snapshot(oracle::aggregate(&document, &reports, before.as_ref()).unwrap());
                let rejection = scene.rejects(Rule::Signature);
                assert_eq!(rejection.problem.path, format!("market: reports[{index}].signature"));
            }
        }
    }
}

/// Attack: a snapshot about which one thing was changed, to which a claim then refers or does not.
#[test]
fn rejects_every_changed_field_of_a_market_snapshot() {
    let original = marked();
    let mut scene = original.clone();
    let fewer: [Exempt<'_>; 1] = [("reports[*]", &[Change::Removed], "two are a quorum, and another snapshot")];
    for refers in [false, true] {
        let notices = |tampered: &Tampered| {
            let Some(changed) = read::<Snapshot>(tampered) else { return true };
            scene.claim.clone_from(&original.claim);
            if refers {
                scene.take_snapshot(changed);
            } else {
                scene.snapshot = changed;
            }
            scene.examine(&lenient()).is_err()
        };
        let exempt = if refers { &fewer[..] } else { &[] };
        assert_eq!(unnoticed(&json(&original.snapshot), exempt, notices), NONE, "refers: {refers}");
    }
}

/// A policy with everything that may be left out, and the scene over it.
fn whole() -> Scene {
    let mut policy = fixture::vault_policy();
    policy.oracle.breaker =
        Some(surety_margin::market::Breaker { max_deviation: Ppm(50_000), proofs: MarkedProofs::Accepted });
    let entry = &mut policy.market[1];
    (entry.quorum, entry.max_age) = (Some(3), Some(Seconds(600)));
    (entry.max_confidence, entry.max_deviation) = (Some(Ppm(9_000)), Some(Ppm(40_000)));
    Scene::over(policy)
}

/// Attack: a policy that differs in one thing from the one that was compiled and referred to.
#[test]
fn rejects_every_changed_field_of_a_policy() {
    let scene = whole();
    let (policy, universe, file) = (scene.policy.policy(), scene.policy.universe(), scene.policy.file());
    let id = DocumentId::of(policy).unwrap();
    let notices = |tampered: &Tampered| {
        let Some(changed) = read::<Policy>(tampered) else { return true };
        let published = CommittedPolicy::published(changed.clone(), universe.clone(), &file);
        assert_eq!(published.is_err(), DocumentId::of(&changed).unwrap() != id, "{tampered}");
        published.is_err()
    };
    let default = "what it is if it is left out";
    let exempt: [Exempt<'_>; 3] = [
        ("levels[*].multiple", &[Change::Removed], default),
        ("model.positions[*].weight", &[Change::Removed], default),
        ("model.positions[*].charge", &[Change::Removed], default),
    ];
    assert_eq!(unnoticed(&json(policy), &exempt, notices), NONE);
}

/// Attack: a universe that differs in one thing from the one that holdings are over.
#[test]
fn rejects_every_changed_field_of_a_universe() {
    let scene = whole();
    let (policy, universe, file) = (scene.policy.policy(), scene.policy.universe(), scene.policy.file());
    let id = UniverseId::of(universe).unwrap();
    let notices = |tampered: &Tampered| {
        let Some(changed) = read::<Universe>(tampered) else { return true };
        let other = UniverseId::of(&changed).unwrap() != id;
        let published = CommittedPolicy::published(policy.clone(), changed, &file);
        assert_eq!(published.is_err(), other, "{tampered}");
        other
    };
    assert_eq!(unnoticed(&json(universe), &[], notices), NONE);
}

/// Attack: one commitment of a laxer program, or a file about another policy, universe or set-up.
#[test]
fn rejects_every_changed_field_of_a_compiled_policy() {
    let scene = whole();
    let notices = |tampered: &Tampered| {
        let Some(changed) = read::<CompiledPolicyFile>(tampered) else { return true };
        let (policy, universe) = (scene.policy.policy().clone(), scene.policy.universe().clone());
        CommittedPolicy::published(policy, universe, &changed).is_err()
    };
    assert_eq!(unnoticed(&json(&scene.policy.file()), &[], notices), NONE);
}

/// Attack: a verifier's anchors, spoiled or taken away one by one.
#[test]
fn rejects_every_changed_field_of_a_trust_file() {
    let scene = marked();
    let node = |index: u8| (name(&format!("oracle-{index}")), oracle_node(index).address());
    let sequences =
        |accounts: &[&str]| accounts.iter().map(|account| (name(account), Newest::numbered(SEQUENCE))).collect();
    let trust = Trust {
        policy: Some(scene.policy.id()),
        srs: Some(scene.claim.srs),
        subject: Some(SUBJECT),
        level: Some(scene.claim.level.clone()),
        epoch: Some(EPOCH),
        snapshots: Some(vec![scene.claim.snapshot]),
        chain_snapshots: vec![SnapshotId(HexBytes([7; 32]))],
        vaults: Some(vec![HexBytes([7; 32])]),
        verifier: Some(scene.claim.verifier),
        audience: Some(AUDIENCE),
        sources: Some(
            [("custodian", custodian()), ("venue", venue())].map(|(text, key)| (name(text), key.address())).into(),
        ),
        oracles: Some([0, 1, 2].map(node).into()),
        sequences: BTreeMap::from([
            (name("custodian"), sequences(&["main", "cold"])),
            (name("venue"), sequences(&["main"])),
        ]),
        ..Trust::nothing()
    };
    let accepts =
        |trust: &Trust| scene.examine(&VerifierTerms { trust: Some(trust), strict: true, ..lenient() }).is_ok();
    assert!(accepts(&trust));
    let notices = |tampered: &Tampered| read::<Trust>(tampered).is_none_or(|changed| !accepts(&changed));
    let narrows = "it narrows what counts, and nothing is taken on faith without it";
    let older = "a verifier that knows older ones accepts newer ones";
    let more = "it may list more";
    let exempt: [Exempt<'_>; 14] = [
        ("subject", &[Change::Removed], narrows),
        ("level", &[Change::Removed], narrows),
        ("verifier", &[Change::Removed], narrows),
        ("epoch", &[Change::Lowered], older),
        ("sequences.custodian.main", &[Change::Lowered], older),
        ("sequences.custodian.cold", &[Change::Lowered], older),
        ("sequences.venue.main", &[Change::Lowered], older),
        ("sequences.custodian", &[Change::Added], more),
        ("sequences.venue", &[Change::Added], more),
        ("snapshots[*]", &[Change::Repeated], "a list of those that count"),
        ("chain_snapshots", &[Change::Removed], "the snapshot is signed"),
        ("chain_snapshots[*]", &[], "the snapshot is signed"),
        ("vaults", &[Change::Removed], "the attestation draws on none"),
        ("vaults[*]", &[], "the attestation draws on none"),
    ];
    assert_eq!(unnoticed(&json(&trust), &exempt, notices), NONE);
}

/// Attack: the description of a circuit that differs in one thing, under the digest of the right one.
#[test]
fn rejects_every_changed_field_of_a_protocol() {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("protocol/k9.json");
    let document: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let read = |document: &Value| serde_json::from_str::<Protocol>(&document.to_string());
    let original = read(&document).unwrap();
    let notices = |tampered: &Tampered| {
        let Ok(changed) = read(&tampered.document) else { return true };
        changed.validate().is_err() || changed.encode() != original.encode()
    };
    let names = "names are for people";
    let exempt: [Exempt<'_>; 5] = [
        ("advice[*]", &[Change::Exchanged], "known columns differ in names only"),
        ("fixed[*]", &[Change::Lengthened, Change::Exchanged], names),
        ("advice[*].name", &[Change::Lengthened, Change::Exchanged], names),
        ("constraints[*].name", &[Change::Lengthened, Change::Exchanged], names),
        ("lookups[*].name", &[Change::Lengthened, Change::Exchanged], names),
    ];
    assert_eq!(unnoticed(&document, &exempt, notices), NONE);
}

/// Attack: leave out the report that shows how old a price was. Prices, time and mark may be those of all reports; the
/// snapshot is another one.
#[test]
fn rejects_a_pinned_snapshot_with_a_report_left_out() {
    let scene = marked();
    let id = report::snapshot_id(&scene.policy, &scene.snapshot);
    let mut fewer = scene.snapshot.clone();
    let newest = fewer.reports.iter().map(|report| report.observed_at).max().unwrap();
    fewer.reports.retain(|report| report.observed_at != newest);
    report::check_snapshot(&scene.policy, &fewer).unwrap();
    let changed = report::snapshot_id(&scene.policy, &fewer);
    assert_ne!(changed, id);
    let pins = Trust { snapshots: Some(vec![id]), ..Trust::nothing() };
    let mut moved = scene.clone();
    moved.take_snapshot(fewer);
    let terms = VerifierTerms { trust: Some(&pins), ..lenient() };
    scene.examine(&terms).unwrap();
    moved.rejects_under(&terms, Rule::Anchor);
}
