//! The context, word by word.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolValue, sol};
use surety_core::{
    ident::{Bytes32, HexBytes},
    units::Timestamp,
};
use surety_kzg::{Capacity, G1, G1Affine, SrsId, point, scalar};
use surety_verifier::attestation::{
    context::Context,
    eip712::Audience,
    identifiers::{LevelId, PolicyId, UniverseId},
};

use crate::fixture::{Case, Scene, lenient, name};

sol! {
    struct Words {
        bytes32 format;
        uint256 chainId;
        address registry;
        address verifier;
        bytes32 verifyingKey;
        bytes32 srs;
        bytes32 universe;
        uint32 k;
        bytes32 policy;
        bytes32 level;
        address subject;
        uint64 epoch;
        uint40 time;
        bool marked;
        uint256 coefX;
        uint256 coefY;
        bytes32 statements;
        bytes32 vaultCheckpoint;
        uint64 validUntil;
        bytes32 presentation;
    }
}

fn context() -> Context {
    let scene = Scene::new();
    surety_verifier::attestation::check::examine(&scene.claim, &scene.files(), &lenient()).unwrap().context
}

/// r, as the circuit's field has it.
const ORDER: &str = "21888242871839275222246405745257275088548364400416034343698204186575808495617";

#[test]
fn is_what_solidity_computes() {
    let context = context();
    let coef = point::g1_to_bytes(&context.coef);
    let hash = |bytes: Bytes32| B256::from(bytes.0);
    let statements: Vec<u8> = context.statements.iter().flat_map(|hash| hash.0).collect();
    let words = Words {
        format: keccak256("surety/context/v2"),
        chainId: U256::from(context.audience.chain_id),
        registry: Address::from(context.audience.registry.0),
        verifier: Address::from(context.verifier.0),
        verifyingKey: hash(context.verifying_key.bytes()),
        srs: hash(context.srs.bytes()),
        universe: hash(context.universe.0),
        k: context.capacity.k(),
        policy: hash(context.policy.0),
        level: hash(context.level.0),
        subject: Address::from(context.subject.0),
        epoch: context.epoch,
        time: context.prices_at.0.try_into().unwrap(),
        marked: context.marked,
        coefX: U256::from_be_slice(&coef[..32]),
        coefY: U256::from_be_slice(&coef[32..]),
        statements: keccak256(statements),
        vaultCheckpoint: hash(context.vault_checkpoint),
        validUntil: context.valid_until.0,
        presentation: hash(context.presentation),
    };
    let expected = U256::from_be_bytes(keccak256(words.abi_encode()).0) % ORDER.parse::<U256>().unwrap();
    assert_eq!(U256::from_be_bytes(scalar::to_bytes(&context.hash())), expected);
}

/// Attack: show a proof as one of something else.
#[test]
fn changes_with_every_field() {
    let changes: [Case<Context>; 20] = [
        ("chain id", |context| context.audience = Audience { chain_id: 1, ..context.audience }),
        ("registry", |context| context.audience.registry.0[0] ^= 1),
        ("verifier", |context| context.verifier.0[0] ^= 1),
        ("verifying key", |context| {
            context.verifying_key = serde_json::from_value(format!("0x{:064x}", 5).into()).unwrap();
        }),
        ("set-up", |context| context.srs = SrsId::from(HexBytes([1; 32]))),
        ("universe", |context| context.universe = UniverseId(HexBytes([1; 32]))),
        ("capacity class", |context| context.capacity = Capacity::new(10).unwrap()),
        ("policy", |context| context.policy = PolicyId(HexBytes([1; 32]))),
        ("level", |context| context.level = LevelId::named(&name("maintenance"))),
        ("subject", |context| context.subject.0[0] ^= 1),
        ("epoch", |context| context.epoch += 1),
        ("time of the prices", |context| context.prices_at.0 += 1),
        ("mark of the prices", |context| context.marked ^= true),
        ("coefficients", |context| context.coef = G1Affine::from(G1::from(context.coef) + context.coef)),
        ("sign of the coefficients", |context| context.coef = -context.coef),
        ("a statement", |context| context.statements[1].0[0] ^= 1),
        ("one statement less", |context| context.statements.truncate(2)),
        ("vault checkpoint", |context| context.vault_checkpoint.0[0] ^= 1),
        ("presentation", |context| context.presentation.0[31] ^= 1),
        ("validity", |context| context.valid_until = Timestamp(context.valid_until.0 + 1)),
    ];
    let original = context();
    let mut seen = vec![original.hash()];
    for (field, change) in changes {
        let mut changed = original.clone();
        change(&mut changed);
        let hash = changed.hash();
        assert!(!seen.contains(&hash), "{field} is not in the context");
        seen.push(hash);
    }
}
