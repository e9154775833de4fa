//! What a verifier trusts, from its own side: never from files that a prover sent.

use core::fmt;
use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{self, MapAccess, Unexpected, Visitor, value::MapAccessDeserializer},
};
use surety_core::{
    FormatVersion,
    ident::{Bytes32, EvmAddress, Name},
    kind::{Kind, KindOf, Kinded},
    problem::Problem,
    text::{Document, WrittenBy},
    units::Timestamp,
};
use surety_margin::{policy::Policy, universe};

use crate::attestation::{
    claim::Claim,
    compiled::CommittedPolicy,
    eip712::Audience,
    identifiers::{PolicyId, SnapshotId},
    rejection::{Rejection, Rule, require, same},
    signature::{KnownKeys, check_signature},
    statement::Statement,
    vault::VaultState,
};

/// Where errors say that something was pinned.
const PINNED: &str = "what your trust file pins,";

/// The anchors of a verifier. What is left out is taken on faith, and said to be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Trust {
    /// The format.
    pub kind: KindOf<Trust>,
    /// Version of the format.
    pub version: FormatVersion,
    /// The policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<PolicyId>,
    /// The set-up: its identifier, or the name of its ceremony.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "set_up")]
    #[schemars(with = "Option<universe::SetUp>")]
    pub srs: Option<Bytes32>,
    /// The only subject whose attestations count. Where it is left out, look at whose holdings an attestation is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subject: Option<EvmAddress>,
    /// The only level that counts. Where it is left out, look at which one an attestation is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Name>,
    /// The newest epoch known; attestations over older ones are refused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub epoch: Option<u64>,
    /// The only market snapshots that count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshots: Option<Vec<SnapshotId>>,
    /// Snapshots that a contract has taken from feeds, as the verifier has read them from its chain: they count
    /// although nobody has signed them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub chain_snapshots: Vec<SnapshotId>,
    /// The only states of vaults that count, by their checkpoints, as the verifier has read them from their chains.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vaults: Option<Vec<Bytes32>>,
    /// The contract that verifies on chain. Nothing that a native verifier does depends on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verifier: Option<EvmAddress>,
    /// The verifier's own registry on its chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<Audience>,
    /// The signing addresses of the sources, by the policy's names for them. May list more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sources: Option<BTreeMap<Name, EvmAddress>>,
    /// The signing addresses of the oracle nodes, by the policy's names for them. May list more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oracles: Option<BTreeMap<Name, EvmAddress>>,
    /// The newest statement seen of each source about each account, by the policy's names for them. They are of the
    /// pinned subject; without one, they bound the statements about every subject.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub sequences: BTreeMap<Name, BTreeMap<Name, Newest>>,
}

/// The newest statement about an account that a verifier has seen: its sequence number and, with it or not, its hash.
/// Written as a number, or as a table of both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// Its sequence number.
    pub sequence: u64,
    /// Its EIP-712 hash. Without it every statement with the same number counts.
    pub statement: Option<Bytes32>,
}

/// [`Newest`] as a table.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct NewestTable {
    /// The sequence number of the newest statement.
    sequence: u64,
    /// The hash of the newest statement.
    statement: Bytes32,
}

impl Newest {
    /// Of which only the number is known.
    #[must_use]
    pub const fn numbered(sequence: u64) -> Self {
        Self { sequence, statement: None }
    }

    /// A statement that was seen.
    #[must_use]
    pub fn of(statement: &Statement) -> Self {
        Self { sequence: statement.sequence, statement: Some(statement.hash()) }
    }

    /// Demands that a statement is this one, or newer.
    fn check(&self, statement: &Statement, input: &str) -> Result<(), Rejection> {
        let (newest, found) = (self.sequence, statement.sequence);
        require(found >= newest, Rule::Superseded, format!("{input}: sequence"), || {
            (format!("{newest}, the last that your trust file knows, or a later one"), found.to_string())
        })?;
        let Some(hash) = self.statement.filter(|_| found == newest) else { return Ok(()) };
        let what = format!("the one statement with sequence number {newest} that your trust file knows,");
        same(Rule::SequenceRepeated, input, &what, hash, statement.hash())
    }
}

impl Serialize for Newest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Self { sequence, statement } = *self;
        match statement {
            None => serializer.serialize_u64(sequence),
            Some(statement) => NewestTable { sequence, statement }.serialize(serializer),
        }
    }
}

impl<'de> Deserialize<'de> for Newest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NewestVisitor;

        impl<'de> Visitor<'de> for NewestVisitor {
            type Value = Newest;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a sequence number, or a table of sequence and statement")
            }

            fn visit_u64<E: de::Error>(self, number: u64) -> Result<Newest, E> {
                Ok(Newest::numbered(number))
            }

            fn visit_i64<E: de::Error>(self, number: i64) -> Result<Newest, E> {
                u64::try_from(number)
                    .map(Newest::numbered)
                    .map_err(|_| E::invalid_value(Unexpected::Signed(number), &self))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Newest, A::Error> {
                let NewestTable { sequence, statement } = Deserialize::deserialize(MapAccessDeserializer::new(map))?;
                Ok(Newest { sequence, statement: Some(statement) })
            }
        }

        deserializer.deserialize_any(NewestVisitor)
    }
}

impl JsonSchema for Newest {
    fn schema_name() -> Cow<'static, str> {
        "Newest".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        schemars::json_schema!({
            "description": "The newest statement about an account that a verifier has seen: its sequence number, with \
                or without its hash.",
            "anyOf": [generator.subschema_for::<u64>(), generator.subschema_for::<NewestTable>()]
        })
    }
}

impl Kinded for Trust {
    const KIND: Kind = Kind::Trust;
}

/// What a trust file must pin to take in newer statements.
const SUPERSEDING: &str = "a trust file that pins the audience, the subject and the addresses of the sources";

/// The identifier of a set-up, or its name.
fn set_up<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Bytes32>, D::Error> {
    universe::set_up(deserializer).map(Some)
}

impl Trust {
    /// Without anchors.
    #[must_use]
    pub const fn nothing() -> Self {
        Self {
            kind: KindOf::new(),
            version: FormatVersion,
            policy: None,
            srs: None,
            subject: None,
            level: None,
            epoch: None,
            snapshots: None,
            chain_snapshots: Vec::new(),
            vaults: None,
            verifier: None,
            audience: None,
            sources: None,
            oracles: None,
            sequences: BTreeMap::new(),
        }
    }

    /// Whether a snapshot is one of those that the file knows: published, or on a chain.
    #[must_use]
    pub fn pins_snapshot(&self, snapshot: SnapshotId) -> bool {
        self.snapshots.iter().flatten().chain(&self.chain_snapshots).any(|pinned| *pinned == snapshot)
    }

    /// Takes in a statement that a source has made: older ones about the account are refused from now on.
    ///
    /// Sequence numbers are those of one subject's accounts at one registry, so the trust file must pin both.
    ///
    /// # Errors
    /// If the trust file does not pin audience, subject and the statement's source; if the statement is about something
    /// else, from the future, or not signed by the source; and if it is older than the newest that is known.
    pub fn supersede(&mut self, statement: &Statement, now: Timestamp) -> Result<Superseded, Rejection> {
        let at = |field: &str| format!("statement: {field}");
        let pins = |part: &str| Rejection::new(Rule::Anchor, "trust file", SUPERSEDING, format!("none for {part}"));
        let audience = self.audience.ok_or_else(|| pins("the audience"))?;
        let subject = self.subject.ok_or_else(|| pins("the subject"))?;
        // Policies may call one source by several names.
        let named = self.sources.iter().flatten().filter(|(_, signer)| **signer == statement.source);
        let sources: Vec<Name> = named.map(|(name, _)| name.clone()).collect();
        let source = sources.first().cloned().ok_or_else(|| pins(&format!("the source {}", statement.source)))?;
        same(Rule::Anchor, at("chain"), PINNED, audience.chain_id, statement.audience.chain_id)?;
        same(Rule::Anchor, at("registry"), PINNED, audience.registry, statement.audience.registry)?;
        same(Rule::Anchor, at("subject"), PINNED, subject, statement.subject)?;
        require(statement.as_of <= now, Rule::NotYet, at("time"), || {
            (format!("at most {}, the time now", now.0), statement.as_of.0.to_string())
        })?;
        let hash = statement.hash();
        let content = || format!("a statement about the account {}", statement.account);
        let keys = KnownKeys::default();
        check_signature(at("signature"), content, &hash, &statement.signature, &statement.source, &keys)?;
        let account = statement.account.clone();
        let known = sources.iter().filter_map(|source| self.sequences.get(source)?.get(&account));
        let known: Vec<Newest> = known.copied().collect();
        known.iter().try_for_each(|before| before.check(statement, "statement"))?;
        for source in sources {
            self.sequences.entry(source).or_default().insert(account.clone(), Newest::of(statement));
        }
        let before = known.into_iter().max_by_key(|before| before.sequence);
        Ok(Superseded { source, account, before, newest: Newest::of(statement) })
    }
}

/// A statement that a trust file has taken in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Superseded {
    /// The source, as the trust file calls it.
    pub source: Name,
    /// The account.
    pub account: Name,
    /// The newest statement until then.
    pub before: Option<Newest>,
    /// The newest statement now.
    pub newest: Newest,
}

/// Any combination of anchors is good.
impl Document for Trust {
    const WRITTEN_BY: WrittenBy = WrittenBy::People;

    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

/// Something that a verifier has no anchor for: it believes what it was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Faith {
    /// No policy pinned.
    Policy,
    /// No policy pinned, and the commitments come from a file.
    Commitments,
    /// No set-up pinned.
    SetUp,
    /// No registry pinned.
    Audience,
    /// No addresses of sources pinned.
    Sources,
    /// No addresses of oracle nodes pinned.
    Oracles,
    /// No newest epoch known.
    Epoch,
    /// No snapshot pinned: which reports of the epoch it was made of was somebody's choice.
    Reports,
    /// No state of a vault pinned, and the attestation draws on one.
    Vault,
    /// No last sequence number known for some account.
    Sequences,
}

impl fmt::Display for Faith {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Policy => "that this policy is the one you want",
            Self::Commitments => "that the published commitments are those of the policy's programs",
            Self::SetUp => "that this set-up is the one you want",
            Self::Audience => "that the statements are meant for you and not for another registry or chain",
            Self::Sources => "that the addresses of the sources in the policy are theirs",
            Self::Oracles => "that the addresses of the oracle nodes in the policy are theirs",
            Self::Epoch => "that there is no newer market snapshot",
            Self::Reports => "that the reports of the epoch were not chosen to suit the holder",
            Self::Vault => "that the balances of the vault are those that its contract says",
            Self::Sequences => "that the sources have made no newer statements",
        })
    }
}

/// Compares what is found with a verifier's anchors, and keeps account of those that are missing.
#[derive(Debug)]
pub(crate) struct Anchors<'a> {
    trust: Option<&'a Trust>,
    faith: Vec<Faith>,
}

impl<'a> Anchors<'a> {
    pub(crate) fn new(trust: Option<&'a Trust>) -> Self {
        Self { trust, faith: Vec::new() }
    }

    /// What was taken on faith.
    pub(crate) fn into_faith(self) -> Vec<Faith> {
        self.faith
    }

    /// The set-up that is pinned.
    pub(crate) fn srs(&self) -> Option<Bytes32> {
        self.trust?.srs
    }

    /// Who and what: things that stay the same from one attestation to the next.
    pub(crate) fn check_identities(&mut self, claim: &Claim, policy: &CommittedPolicy) -> Result<(), Rejection> {
        match self.anchor(|trust| trust.policy, Faith::Policy) {
            Some(pinned) => same(Rule::Anchor, "policy", PINNED, pinned.0, policy.id().0)?,
            None if policy.is_at_first_hand() => {}
            None => self.faith.push(Faith::Commitments),
        }
        if let Some(subject) = self.trust.and_then(|trust| trust.subject) {
            same(Rule::Anchor, "attestation: subject", PINNED, subject, claim.subject)?;
        }
        if let Some(level) = self.trust.and_then(|trust| trust.level.as_ref()) {
            same(Rule::Anchor, "attestation: level", PINNED, level, &claim.level)?;
        }
        if let Some(pinned) = self.anchor(|trust| trust.srs, Faith::SetUp) {
            same(Rule::Anchor, "universe: set-up", PINNED, pinned, policy.universe().srs)?;
        }
        if let Some(Audience { chain_id, registry }) = self.anchor(|trust| trust.audience, Faith::Audience) {
            same(Rule::Anchor, "attestation: chain", PINNED, chain_id, claim.audience.chain_id)?;
            same(Rule::Anchor, "attestation: registry", PINNED, registry, claim.audience.registry)?;
        }
        if let Some(verifier) = self.trust.and_then(|trust| trust.verifier) {
            same(Rule::Anchor, "attestation: verifier", PINNED, verifier, claim.verifier)?;
        }
        let Policy { sources, oracle, .. } = policy.policy();
        if let Some(pinned) = self.anchor(|trust| trust.sources.as_ref(), Faith::Sources) {
            let signers = sources.iter().map(|source| (&source.name, source.signer));
            check_signers("policy: source", pinned, signers)?;
        }
        if let Some(pinned) = self.anchor(|trust| trust.oracles.as_ref(), Faith::Oracles) {
            check_signers("policy: oracle node", pinned, oracle.nodes.iter().map(|node| (&node.name, node.signer)))?;
        }
        Ok(())
    }

    /// Which prices: the newest, and not a choice of reports that suits the holder. That every node has reported does
    /// not show that none has reported twice, so only a snapshot that the verifier knows excludes a choice.
    pub(crate) fn check_market(&mut self, epoch: u64, id: SnapshotId) -> Result<(), Rejection> {
        if let Some(newest) = self.anchor(|trust| trust.epoch, Faith::Epoch) {
            require(epoch >= newest, Rule::Superseded, "market: epoch", || {
                (format!("{newest}, the newest that your trust file knows, or a newer one"), epoch.to_string())
            })?;
        }
        if self.pins_taken(id) {
            return Ok(());
        }
        if let Some(pinned) = self.anchor(|trust| trust.snapshots.as_ref(), Faith::Reports) {
            require(pinned.contains(&id), Rule::Anchor, "market", || {
                ("one of the snapshots that your trust file pins".to_owned(), id.0.to_string())
            })?;
        }
        Ok(())
    }

    /// The state of the vault: one that the verifier has read on its chain itself. A file of balances says of itself
    /// that it comes from there.
    pub(crate) fn check_vault(&mut self, state: Option<&VaultState>) -> Result<(), Rejection> {
        let Some(checkpoint) = state.map(VaultState::checkpoint) else {
            return Ok(());
        };
        if let Some(pinned) = self.anchor(|trust| trust.vaults.as_ref(), Faith::Vault) {
            require(pinned.contains(&checkpoint), Rule::Anchor, "vault", || {
                ("one of the checkpoints that your trust file pins".to_owned(), checkpoint.to_string())
            })?;
        }
        Ok(())
    }

    /// Whether the verifier has read the snapshot from a chain. Another pin is not enough where reports are missing:
    /// nobody has signed such a file.
    pub(crate) fn pins_taken(&self, id: SnapshotId) -> bool {
        self.trust.is_some_and(|trust| trust.chain_snapshots.contains(&id))
    }

    /// Which statements: none older than one that the verifier has seen, and none that shares its number.
    pub(crate) fn check_sequences(&mut self, statements: &[Statement], policy: &Policy) -> Result<(), Rejection> {
        let mut unknown = false;
        for statement in statements {
            let Some(newest) = self.newest(statement, policy) else {
                unknown = true;
                continue;
            };
            let input = format!("attestation: statement about {} of {}", statement.account, statement.source);
            newest.check(statement, &input)?;
        }
        if unknown {
            self.faith.push(Faith::Sequences);
        }
        Ok(())
    }

    fn newest(&self, statement: &Statement, policy: &Policy) -> Option<Newest> {
        let source = policy.sources.iter().find(|source| source.signer == statement.source)?;
        self.trust?.sequences.get(&source.name)?.get(&statement.account).copied()
    }

    /// An anchor; if it is missing, that is noted.
    fn anchor<T>(&mut self, anchor: impl FnOnce(&'a Trust) -> Option<T>, otherwise: Faith) -> Option<T> {
        let pinned = self.trust.and_then(anchor);
        if pinned.is_none() {
            self.faith.push(otherwise);
        }
        pinned
    }
}

fn check_signers<'p>(
    role: &str,
    pinned: &BTreeMap<Name, EvmAddress>,
    signers: impl Iterator<Item = (&'p Name, EvmAddress)>,
) -> Result<(), Rejection> {
    for (name, signer) in signers {
        let input = format!("{role} {name}");
        match pinned.get(name) {
            Some(pinned) => same(Rule::Anchor, &input, PINNED, *pinned, signer)?,
            None => {
                let expected = "a name that your trust file lists";
                return Err(Rejection::new(Rule::Anchor, input, expected, format!("{signer} under no such name")));
            }
        }
    }
    Ok(())
}
