//! A proof with its public inputs, changed in a few places: it verifies if nothing has changed, and never otherwise.
//!
//! The first byte says whether the rest are changes, or the proof itself.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use surety_core::ident::HexBytes;
use surety_fuzz::{bounded, edit};
use surety_kzg::{Capacity, Srs, point, scalar};
use surety_verifier::{KnownCommitments, VerifyingKey, proof::encoding::PROOF_BYTES};

/// A proof that verifies, and its key.
struct Fixture {
    key: VerifyingKey,
    /// Context, known commitments and proof.
    bytes: Vec<u8>,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let text = include_str!("../../circuits/tests/data/proof-k9.json");
    let file: serde_json::Value = serde_json::from_str(text).unwrap();
    let known: [HexBytes<64>; 4] = serde_json::from_value(file["known"].clone()).unwrap();
    let context: HexBytes<32> = serde_json::from_value(file["context"].clone()).unwrap();
    let proof: HexBytes<PROOF_BYTES> = serde_json::from_value(file["proof"].clone()).unwrap();
    let capacity = Capacity::new(Capacity::MIN_K).unwrap();
    let fixture = Fixture {
        key: VerifyingKey::pinned(capacity, Srs::development(capacity).id()).unwrap(),
        bytes: [&context.0[..], known.map(|point| point.0).as_flattened(), &proof.0].concat(),
    };
    assert!(verifies(&fixture.key, &fixture.bytes));
    fixture
});

fuzz_target!(|input: &[u8]| {
    let Some((kind, rest)) = input.split_first() else { return };
    let Fixture { key, bytes } = &*FIXTURE;
    let mut changed = bytes.clone();
    if kind & 1 == 0 {
        edit(&mut changed, rest);
    } else {
        changed.truncate(PUBLIC);
        changed.extend(rest);
    }
    bounded(&changed, || assert_eq!(verifies(key, &changed), changed == *bytes));
});

/// Bytes of the public inputs.
const PUBLIC: usize = 32 + 4 * 64;

fn verifies(key: &VerifyingKey, bytes: &[u8]) -> bool {
    let verified = || {
        let (context, rest) = bytes.split_first_chunk()?;
        let (known, proof) = rest.split_at_checked(PUBLIC - 32)?;
        let context = scalar::from_bytes(context).ok()?;
        let mut points = known.as_chunks().0.iter().map(point::g1_from_bytes);
        let mut next = || points.next()?.ok();
        let known = KnownCommitments { idx: next()?, flag: next()?, coef: next()?, hold: next()? };
        key.verify(context, &known, proof).ok()
    };
    verified().is_some()
}
