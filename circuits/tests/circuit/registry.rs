//! What the tests of the attestation registry bring to it: statements with their signatures, contexts and proofs, as
//! this library makes them. The contracts' tests compute the same digests and contexts once more.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy_primitives::{hex, keccak256};
use group::Curve as _;
use halo2curves::bn256::{Fr, G1Affine};
use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng as _};
use serde::{Deserialize, Serialize};
use surety_circuits::{ProvingKey, Witness};
use surety_core::kind::KindOf;
use surety_core::{
    FormatVersion,
    capacity::Capacity,
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    units::{Lots, Price, Timestamp},
};
use surety_kzg::{HoldingCommitment, Masks, Params, Srs, holding::holding_column, point, scalar};
use surety_margin::{
    holdings::Position,
    policy::{Policy, SourceRule},
};
use surety_testing::sample::{prices, scenario_margin};
use surety_verifier::{
    CompiledPolicy, KnownCommitments, Statement, VerifyingKey,
    attestation::{
        context::Context,
        eip712::Audience,
        identifiers::{AccountId, DocumentId, LevelId},
        signature::SigningKey,
    },
    proof::encoding::ProofBytes,
};

use crate::common::development;

/// The chain's identifier in Forge and on anvil.
const CHAIN: u64 = 31_337;
/// The first contract that the last but one of anvil's accounts creates.
const VERIFIER: EvmAddress = HexBytes(hex!("95bd8d42f30351685e96c62eddc0d0613bf9a87a"));
/// The first contract that the last of anvil's accounts creates.
const ATTESTATION_REGISTRY: EvmAddress = HexBytes(hex!("700b6a60ce7eaaea56f065753d8dcb9653dbad35"));

const K: u32 = 11;
const INSTRUMENTS: usize = 4;
const SCENARIOS: usize = 3;
/// The place of the level that is attested.
const LEVEL: usize = 1;
/// The first epoch, an hour long as all are.
const EPOCH: u64 = 500_000;
/// What each source holds, in lots.
const HELD: [[i128; INSTRUMENTS]; 3] =
    [[600_000_000_000, 0, 0, -700], [0, 1_500, -900, 0], [300_000_000_000, -500, 0, 0]];
/// What is in the vault, in lots of the first instrument.
const IN_VAULT: i128 = 12_345;
/// Stands for the hash of what is there.
const CHECKPOINT: Bytes32 = HexBytes([0xcc; 32]);
/// Attestations that are verified together.
const BATCH: usize = 16;

type Point = HexBytes<64>;

/// The file: what is published, prices, and attestations over them.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Fixture {
    chain_id: u64,
    registry: EvmAddress,
    publication: Publication,
    snapshots: Vec<MarketSnapshot>,
    attestations: Attestations,
}

/// What a policy registry is told.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Publication {
    policy: Bytes32,
    document: Bytes32,
    universe: Bytes32,
    srs: Bytes32,
    k: u32,
    verifier: EvmAddress,
    verifying_key: Bytes32,
    validity: u64,
    epoch_length: u64,
    max_market_age: u64,
    max_statement_skew: u64,
    max_statement_age: u64,
    sources: Vec<Source>,
    nodes: Vec<EvmAddress>,
    levels: Vec<Level>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Source {
    signer: EvmAddress,
    account: Bytes32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Level {
    level: Bytes32,
    idx: Point,
    flag: Point,
    base: Point,
    market: Vec<Point>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct MarketSnapshot {
    epoch: u64,
    previous_epoch: u64,
    time: u64,
    prices: Vec<String>,
    /// For each level.
    coef: Vec<Point>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Attestations {
    first: Attestation,
    /// By the same subject, an epoch later.
    next: Attestation,
    /// With what is in the vault.
    vault: Attestation,
    /// By others.
    batch: Vec<Attestation>,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Attestation {
    subject: EvmAddress,
    level: usize,
    epoch: u64,
    valid_until: u64,
    statements: Vec<SourceStatement>,
    vault: Option<Vault>,
    hold: Point,
    context: Bytes32,
    proof: ProofBytes,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct SourceStatement {
    commitment: Point,
    as_of: u64,
    valid_until: u64,
    sequence: u64,
    encumbrance: Bytes32,
    signature: HexBytes<65>,
    digest: Bytes32,
}

#[derive(Debug, PartialEq, Serialize, Deserialize)]
struct Vault {
    checkpoint: Bytes32,
    point: Point,
}

/// A proof to be made.
struct Task<'a> {
    context: Fr,
    known: KnownCommitments,
    witness: &'a Witness,
}

/// Everything that attestations are made of.
struct Maker {
    params: Params,
    policy: CompiledPolicy,
    verifying_key: VerifyingKey,
    keys: Vec<(SigningKey, Name)>,
}

/// Who attests what, with how much in the vault.
#[derive(Clone, Copy)]
struct Holder {
    /// Makes the masks and the address.
    number: u8,
    /// Counts from [`EPOCH`].
    epoch: u64,
    in_vault: i128,
}

impl Maker {
    fn new() -> Self {
        let capacity = Capacity::new(K).unwrap();
        let params = development(capacity);
        let sample = scenario_margin(K, INSTRUMENTS, SCENARIOS);
        let (mut universe, mut policy) = (sample.universe, sample.policy);
        universe.srs = params.id().bytes();
        let mut keys: Vec<_> = (0..HELD.len() as u8).map(|index| (key(0xa0 + index), name("main"))).collect();
        keys.sort_by_key(|(key, _)| key.address());
        let source = |((key, account), index): (&(SigningKey, Name), usize)| SourceRule {
            name: name(&format!("custodian-{index}")),
            signer: key.address(),
            accounts: vec![account.clone()],
            scope: Vec::new(),
            contract: false,
        };
        policy.sources = keys.iter().zip(0..).map(source).collect();
        let verifying_key = VerifyingKey::pinned(capacity, Srs::development(capacity).id()).unwrap();
        let policy = CompiledPolicy::compile(policy, universe, &params).unwrap();
        Self { params, policy, verifying_key, keys }
    }

    fn fixture(&self, mut prove: impl FnMut(Task<'_>) -> ProofBytes) -> Fixture {
        let mut attest = |number, epoch, in_vault| self.attest(Holder { number, epoch, in_vault }, &mut prove);
        Fixture {
            chain_id: CHAIN,
            registry: ATTESTATION_REGISTRY,
            publication: self.publication(),
            snapshots: (0..2).map(|epoch| self.snapshot(epoch)).collect(),
            attestations: Attestations {
                first: attest(0, 0, 0),
                next: attest(0, 1, 0),
                vault: attest(1, 0, IN_VAULT),
                batch: (0..BATCH as u8).map(|index| attest(2 + index, 0, 0)).collect(),
            },
        }
    }

    fn document(&self) -> &Policy {
        self.policy.committed().policy()
    }

    fn publication(&self) -> Publication {
        let (committed, document) = (self.policy.committed(), self.document());
        let file = committed.file();
        let level = |level: &surety_verifier::attestation::compiled::LevelCommitments| Level {
            level: LevelId::named(&level.level).0,
            idx: level.idx,
            flag: level.flag,
            base: level.base,
            market: level.market.clone(),
        };
        Publication {
            policy: committed.id().0,
            document: DocumentId::of(document).unwrap().0,
            universe: committed.universe_id().0,
            srs: committed.universe().srs,
            k: K,
            verifier: VERIFIER,
            verifying_key: self.verifying_key.digest().bytes(),
            validity: document.validity.0,
            epoch_length: document.oracle.epoch.0,
            max_market_age: document.oracle.max_age.0,
            max_statement_skew: document.statements.max_skew.0,
            max_statement_age: document.statements.max_age.0,
            sources: self
                .keys
                .iter()
                .map(|(key, account)| Source { signer: key.address(), account: AccountId::of(account).0 })
                .collect(),
            nodes: document.oracle.nodes.iter().map(|node| node.signer).collect(),
            levels: file.levels.iter().map(level).collect(),
        }
    }

    /// Prices go up a little every epoch.
    fn prices(&self, epoch: u64) -> Vec<Price> {
        prices(self.document()).iter().map(|price| Price::new(price.get() + u128::from(epoch)).unwrap()).collect()
    }

    fn coef(&self, level: &Name, epoch: u64) -> G1Affine {
        self.policy.committed().level(level).unwrap().coef(&self.prices(epoch)).unwrap()
    }

    fn snapshot(&self, epoch: u64) -> MarketSnapshot {
        let levels = &self.document().levels;
        MarketSnapshot {
            epoch: EPOCH + epoch,
            previous_epoch: EPOCH + epoch - 1,
            time: time(epoch),
            prices: self.prices(epoch).iter().map(|price| price.get().to_string()).collect(),
            coef: levels.iter().map(|level| encode(&self.coef(&level.name, epoch))).collect(),
        }
    }

    fn attest(&self, holder: Holder, prove: &mut impl FnMut(Task<'_>) -> ProofBytes) -> Attestation {
        let masks: Vec<_> = (0..HELD.len()).map(|index| holder.masks(index)).collect();
        let statements: Vec<_> = (0..HELD.len()).map(|index| self.state(holder, index, &masks[index])).collect();
        let witness = self.witness(holder, &masks);
        let (context, known) = self.claim(holder, &statements);
        let proof = prove(Task { context: context.hash(), known, witness: &witness });
        let vault = || Vault { checkpoint: CHECKPOINT, point: encode(&self.in_vault(holder)) };
        Attestation {
            subject: holder.address(),
            level: LEVEL,
            epoch: context.epoch,
            valid_until: context.valid_until.0,
            vault: (holder.in_vault != 0).then(vault),
            hold: encode(&known.hold),
            context: HexBytes(scalar::to_bytes(&context.hash())),
            proof,
            statements: statements.into_iter().map(SourceStatement::from).collect(),
        }
    }

    /// What source number `index` signs.
    fn state(&self, holder: Holder, index: usize, masks: &Masks) -> Statement {
        let (key, account) = &self.keys[index];
        let held: Vec<_> = HELD[index].into_iter().enumerate().collect();
        let statement = Statement {
            kind: KindOf::new(),
            version: FormatVersion,
            audience: Audience { chain_id: CHAIN, registry: ATTESTATION_REGISTRY },
            source: key.address(),
            subject: holder.address(),
            account: account.clone(),
            universe: self.policy.committed().universe_id(),
            commitment: HexBytes(HoldingCommitment::commit(&self.params, &held, masks).unwrap().to_bytes()),
            as_of: Timestamp(time(holder.epoch) - 100 + index as u64),
            valid_until: Timestamp(time(holder.epoch) + 50_000),
            sequence: 7 + holder.epoch,
            encumbrance: Bytes32::ZERO,
            signature: HexBytes::ZERO,
        };
        statement.signed(key).unwrap()
    }

    /// All that the holder has, in the program of the level.
    fn witness(&self, holder: Holder, masks: &[Masks]) -> Witness {
        let mut lots: Vec<i128> = (0..INSTRUMENTS).map(|i| HELD.iter().map(|held| held[i]).sum()).collect();
        lots[0] += holder.in_vault;
        let position = Position::from_lots(lots.iter().map(|lots| Lots::new(*lots).unwrap()).collect());
        let program = self.policy.program(&self.document().levels[LEVEL].name).unwrap();
        let prices = self.prices(holder.epoch);
        let lots: Vec<_> = lots.into_iter().enumerate().collect();
        let hold = holding_column(self.params.capacity(), &lots, &Masks::sum(masks)).unwrap();
        Witness::new(program, &prices, &hold, &program.solve(&position, &prices).unwrap()).unwrap()
    }

    /// What the proof is about.
    fn claim(&self, holder: Holder, statements: &[Statement]) -> (Context, KnownCommitments) {
        let committed = self.policy.committed();
        let level = &self.document().levels[LEVEL].name;
        let wiring = committed.level(level).unwrap();
        let coef = self.coef(level, holder.epoch);
        let stated: Vec<_> = statements
            .iter()
            .map(|statement| HoldingCommitment::from_bytes(&statement.commitment.0).unwrap())
            .collect();
        let stated = *HoldingCommitment::sum(&stated).unwrap().point();
        let hold = (stated + self.in_vault(holder)).to_affine();
        let context = Context {
            audience: Audience { chain_id: CHAIN, registry: ATTESTATION_REGISTRY },
            verifier: VERIFIER,
            verifying_key: self.verifying_key.digest(),
            srs: self.params.id(),
            universe: committed.universe_id(),
            capacity: self.params.capacity(),
            policy: committed.id(),
            level: LevelId::named(level),
            subject: holder.address(),
            epoch: EPOCH + holder.epoch,
            prices_at: Timestamp(time(holder.epoch)),
            marked: false,
            coef,
            statements: statements.iter().map(Statement::hash).collect(),
            vault_checkpoint: if holder.in_vault == 0 { Bytes32::ZERO } else { CHECKPOINT },
            valid_until: Timestamp(time(holder.epoch) + 40_000),
            presentation: Bytes32::ZERO,
        };
        (context, KnownCommitments { idx: wiring.idx, flag: wiring.flag, coef, hold })
    }

    /// The commitment to what is in the vault.
    fn in_vault(&self, holder: Holder) -> G1Affine {
        let row = self.params.capacity().instrument(0).unwrap();
        (self.params.lagrange_point(row) * scalar::from_i128(holder.in_vault)).to_affine()
    }
}

impl Holder {
    fn address(self) -> EvmAddress {
        let hash = keccak256([self.number]);
        HexBytes(core::array::from_fn(|index| hash[index]))
    }

    /// The same in every run; other holders and epochs have others.
    fn masks(self, source: usize) -> Masks {
        let seed = (u64::from(self.number) << 32) | (self.epoch << 8) | source as u64;
        Masks::random(&mut ChaCha20Rng::seed_from_u64(seed))
    }
}

impl From<Statement> for SourceStatement {
    fn from(statement: Statement) -> Self {
        Self {
            digest: statement.hash(),
            commitment: statement.commitment,
            as_of: statement.as_of.0,
            valid_until: statement.valid_until.0,
            sequence: statement.sequence,
            encumbrance: statement.encumbrance,
            signature: statement.signature,
        }
    }
}

impl Attestations {
    fn in_order(&self) -> impl Iterator<Item = &Attestation> {
        [&self.first, &self.next, &self.vault].into_iter().chain(&self.batch)
    }
}

/// When the prices of an epoch are taken.
fn time(epoch: u64) -> u64 {
    (EPOCH + epoch) * 3_600 + 600
}

fn key(number: u8) -> SigningKey {
    SigningKey::from_secret_bytes(&[number; 32]).unwrap()
}

fn name(text: &str) -> Name {
    Name::new(text).unwrap()
}

fn encode(point: &G1Affine) -> Point {
    HexBytes(point::g1_to_bytes(point))
}

fn path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../contracts/test/fixtures/attestations-k11.json")
}

#[test]
#[ignore = "writes contracts/test/fixtures/attestations-k11.json; run it when proofs, statements or contexts have \
     changed on purpose"]
fn write_the_attestations() {
    let maker = Maker::new();
    let key = ProvingKey::generate(&maker.params).unwrap();
    let fixture = maker.fixture(|task| key.prove(task.context, &task.known, task.witness).unwrap());
    fs::write(path(), serde_json::to_string_pretty(&fixture).unwrap() + "\n").unwrap();
}

#[test]
fn attestations_are_what_the_library_makes() {
    let stored: Fixture = serde_json::from_str(&fs::read_to_string(path()).unwrap()).unwrap();
    let mut proofs: Vec<_> = stored.attestations.in_order().map(|attestation| attestation.proof).collect();
    proofs.reverse();
    let maker = Maker::new();
    let made = maker.fixture(|task| {
        let proof = proofs.pop().unwrap();
        assert!(maker.verifying_key.verify(task.context, &task.known, &proof.0).is_ok());
        proof
    });
    assert_eq!(made, stored, "run the ignored test `write_the_attestations`");
}
