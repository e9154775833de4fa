//! What the tests of the contracts verify, and what the native verifier says about it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy_primitives::{U256, hex, uint};
use ff::Field as _;
use halo2curves::bn256::Fr;
use rand_chacha::rand_core::OsRng;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use surety_core::capacity::Capacity;
use surety_kzg::{Params, Srs, origin::CEREMONIES, point, progress::Silent, scalar};
use surety_verifier::{KnownCommitments, PairingCheck, VerifyingKey, proof::encoding::PROOF_BYTES};

use crate::common::{
    Proven, Statement, ceremony,
    contract::{Contract, Verdict, call_data},
    development,
    stored::StoredProof,
};

/// Proofs of one capacity class over one set-up.
#[derive(Serialize, Deserialize)]
struct Fixture {
    proofs: Vec<StoredProof>,
}

impl Fixture {
    fn of(proven: impl IntoIterator<Item = Proven>) -> Self {
        Self { proofs: proven.into_iter().map(|proven| StoredProof::of(&proven)).collect() }
    }
}

fn write(file: &str, content: &impl Serialize) {
    fs::write(path(file), serde_json::to_string_pretty(content).unwrap() + "\n").unwrap();
}

fn read<T: DeserializeOwned>(file: &str) -> T {
    serde_json::from_str(&fs::read_to_string(path(file)).unwrap()).unwrap()
}

fn path(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/test/fixtures").join(file)
}

/// The number of proofs over the development set-up, by capacity class.
const DEVELOPMENT: [(u32, usize); 5] = [(10, 1), (11, 16), (12, 1), (13, 1), (15, 1)];

fn development_proofs(k: u32) -> Vec<StoredProof> {
    read::<Fixture>(&format!("development-k{k}.json")).proofs
}

fn development_key(capacity: Capacity) -> VerifyingKey {
    VerifyingKey::pinned(capacity, Srs::development(capacity).id()).unwrap()
}

/// A statement like others of its class, though not the same.
fn statement(k: u32, index: usize) -> Statement {
    Statement::sample(k, 3 + index % 4, 2)
}

#[test]
#[ignore = "writes contracts/test/fixtures; run it when proofs have changed on purpose"]
fn write_the_fixtures() {
    for (k, count) in DEVELOPMENT {
        let proven = (0..count).map(|index| {
            let statement = statement(k, index);
            Proven::over(development(statement.capacity), &statement, 1_000 + index as u64)
        });
        write(&format!("development-k{k}.json"), &Fixture::of(proven));
    }
    let statement = statement(11, 0);
    let params = Params::from_srs(&ceremony().unwrap(), statement.capacity, &Silent).unwrap();
    write("ppot-0085-k11.json", &Fixture::of([Proven::over(params, &statement, 1_000)]));
}

#[test]
#[ignore = "writes contracts/test/fixtures/verdicts.json; run it when the fixtures have changed on purpose"]
fn write_the_verdicts() {
    write("verdicts.json", &Verdicts::of(&development_proofs(11)[0]));
}

#[test]
fn fixtures_are_valid() {
    for (k, count) in DEVELOPMENT {
        let proofs = development_proofs(k);
        let srs = Srs::development(proofs[0].capacity).id();
        assert_eq!(proofs.len(), count);
        assert!(proofs.iter().all(|proof| proof.capacity.k() == k && proof.verifies(srs)));
    }
    let ceremony = CEREMONIES[0].verifier_key().unwrap().id();
    assert!(read::<Fixture>("ppot-0085-k11.json").proofs.iter().all(|proof| proof.verifies(ceremony)));
}

/// A call to a verifying contract, changes to it, and what the native verifier says to each.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Verdicts {
    /// Hexadecimal.
    call: String,
    patches: Vec<Patch>,
}

/// Some bytes of a call, replaced.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Patch {
    offset: usize,
    /// Hexadecimal.
    bytes: String,
    verdict: Verdict,
}

/// Where a call has what: behind the selector and the place of the proof, the context and the public points, and behind
/// the proof's length, the proof.
const CONTEXT_AT: usize = 4 + 32;
const POINTS_AT: usize = CONTEXT_AT + 32;
const PROOF_AT: usize = POINTS_AT + 256 + 32;

/// Modulus of the scalar field.
const R: U256 = uint!(21888242871839275222246405745257275088548364400416034343698204186575808495617_U256);
/// Modulus of the base field.
const P: U256 = uint!(21888242871839275222246405745257275088696311157297823662689037894645226208583_U256);

impl Verdicts {
    fn of(stored: &StoredProof) -> Self {
        let key = development_key(stored.capacity);
        let call = call_data(stored.context(), &stored.known(), &stored.proof.0);
        let patches = changes(&call).into_iter().map(|(offset, bytes)| {
            let verdict = native_verdict(&key, &patched(&call, offset, &bytes));
            Patch { offset, bytes: hex::encode_prefixed(bytes), verdict }
        });
        Self { patches: patches.collect(), call: hex::encode_prefixed(&call) }
    }
}

/// Every element of a call, changed in several ways.
fn changes(call: &[u8]) -> Vec<(usize, Vec<u8>)> {
    let word = |offset: usize| U256::from_be_slice(&call[offset..offset + 32]);
    let points = (0..4).map(|index| POINTS_AT + 64 * index);
    let points: Vec<usize> = points.chain(proof_points().map(|offset| PROOF_AT + offset)).collect();
    let points = points.iter().zip(points.iter().cycle().skip(1)).flat_map(|(offset, next)| {
        let (x, y) = (word(*offset), word(offset + 32));
        let pairs = [
            (x, P - y),
            (word(*next), word(next + 32)),
            (uint!(1_U256), uint!(2_U256)),
            (U256::ZERO, U256::ZERO),
            (x ^ U256::ONE, y),
            (y, x),
            (x + P, y),
            (x, y + P),
        ];
        pairs.map(|(x, y)| (*offset, [x.to_be_bytes::<32>(), y.to_be_bytes::<32>()].concat()))
    });
    let evaluations = (0..23).map(|index| PROOF_AT + 14 * 64 + 32 * index);
    let scalars = [CONTEXT_AT].into_iter().chain(evaluations).flat_map(|offset| {
        let value = word(offset);
        [value.add_mod(U256::ONE, R), U256::ZERO, value + R, R, U256::MAX]
            .map(|changed| (offset, changed.to_be_bytes::<32>().to_vec()))
    });
    points.chain(scalars).filter(|(offset, bytes)| call[*offset..offset + bytes.len()] != bytes[..]).collect()
}

/// The points of a proof, by their offsets: the last two lie behind the evaluations.
fn proof_points() -> impl Iterator<Item = usize> {
    (0..14).map(|index| 64 * index).chain([PROOF_BYTES - 128, PROOF_BYTES - 64])
}

fn patched(call: &[u8], offset: usize, bytes: &[u8]) -> Vec<u8> {
    let mut call = call.to_vec();
    call[offset..offset + bytes.len()].copy_from_slice(bytes);
    call
}

/// What the native verifier says to the content of a call.
fn native_verdict(key: &VerifyingKey, call: &[u8]) -> Verdict {
    let Ok(context) = scalar::from_bytes(call[CONTEXT_AT..POINTS_AT].try_into().unwrap()) else {
        return Verdict::Scalar;
    };
    let mut points = call[POINTS_AT..POINTS_AT + 256].as_chunks().0.iter().map(point::g1_from_bytes);
    let mut next = || points.next().unwrap();
    let (Ok(idx), Ok(flag), Ok(coef), Ok(hold)) = (next(), next(), next(), next()) else {
        return Verdict::Point;
    };
    let known = KnownCommitments { idx, flag, coef, hold };
    Verdict::from(&key.verify(context, &known, &call[PROOF_AT..PROOF_AT + PROOF_BYTES]))
}

#[test]
fn contract_and_native_verifier_agree_on_changed_calls() {
    let stored = &development_proofs(11)[0];
    let verdicts: Verdicts = read("verdicts.json");
    assert_eq!(verdicts, Verdicts::of(stored), "run the ignored test `write_the_verdicts`");
    let contract = Contract::deployed(stored.capacity);
    let call = hex::decode(&verdicts.call).unwrap();
    assert_eq!(contract.call(call.clone()), Verdict::Valid);
    for patch in &verdicts.patches {
        let changed = patched(&call, patch.offset, &hex::decode(&patch.bytes).unwrap());
        assert_eq!(contract.call(changed), patch.verdict, "{patch:?}");
        assert_ne!(patch.verdict, Verdict::Valid, "{patch:?}");
    }
}

#[test]
fn contract_and_native_verifier_agree_on_batches() {
    let proofs = development_proofs(11);
    let key = development_key(proofs[0].capacity);
    let contract = Contract::deployed(proofs[0].capacity);
    let mut batch: Vec<_> =
        proofs.iter().map(|stored| (stored.context(), stored.known(), stored.proof.0.to_vec())).collect();
    let agree = |batch: &[(Fr, KnownCommitments, Vec<u8>)], expected: Verdict| {
        let checks: Vec<_> =
            batch.iter().map(|(context, known, proof)| key.reduce(*context, known, proof).unwrap()).collect();
        let weights: Vec<_> = checks.iter().map(|_| Fr::random(OsRng)).collect();
        let native = PairingCheck::combine(&checks, &weights).unwrap().check(key.pairing_key());
        assert_eq!(native.is_ok(), expected == Verdict::Valid);
        assert_eq!(contract.verify_batch(batch), expected);
    };
    agree(&batch, Verdict::Valid);
    agree(&batch[..1], Verdict::Valid);
    batch.swap(3, 7);
    agree(&batch, Verdict::Valid);
    batch[5].0 += Fr::ONE;
    agree(&batch, Verdict::Pairing);
    agree(&batch[..5], Verdict::Valid);
    assert_eq!(contract.verify_batch(&[]), Verdict::Batch);
}
