//! Snapshots on a chain: taken from feeds, or signed by oracle nodes and submitted.

use alloy_primitives::{Bytes, U256, aliases::U40};
use alloy_sol_types::SolStruct as _;
use group::prime::PrimeCurveAffine as _;
use halo2curves::bn256::G1Affine;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    ident::{Bytes32, EvmAddress, HexBytes},
    kind::{Kind, KindOf, Kinded},
    problem::Problem,
    text::Document,
    units::{Price, Timestamp},
};
use surety_kzg::point;
use surety_margin::{
    market::{EntryPrice, MarkedProofs, Predecessor, Snapshot},
    oracle,
    policy::Policy,
};
use surety_verifier::{
    CommittedPolicy,
    attestation::{
        eip712::{Audience, number},
        identifiers::{PolicyId, SnapshotId},
        report::{check_snapshot, snapshot_id},
        signature::{SignatureBytes, signer},
        signer::{Signable as _, Signer},
        typed_data::{Typed, TypedData},
    },
};

use crate::{
    abi::{
        ISnapshotOracle::{idOfCall, latestCall, pricesOfCall, submitCall, takeCall},
        SignedSnapshot, address, bytes32, coordinates, word,
    },
    deployment::{Contracts, Deployment},
    error::{Action, ChainError},
    node::Receipt,
    seconds::seconds,
};

const TAKE: Action = Action::new("SnapshotOracle.take");
const SUBMIT: Action = Action::new("SnapshotOracle.submit");

/// The signature of an oracle node under what a contract keeps of a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SnapshotSignature {
    /// The format.
    pub kind: KindOf<SnapshotSignature>,
    /// Version of the format.
    pub version: FormatVersion,
    /// The chain's identifier (EIP-155).
    pub chain_id: u64,
    /// The oracle that it is meant for.
    pub oracle: EvmAddress,
    /// The policy.
    pub policy: PolicyId,
    /// The snapshot.
    pub snapshot: SnapshotId,
    /// The node's signing address.
    pub signer: EvmAddress,
    /// `r ‖ s ‖ v` over the EIP-712 hash of the struct `SignedSnapshot`.
    pub signature: SignatureBytes,
}

impl Kinded for SnapshotSignature {
    const KIND: Kind = Kind::SnapshotSignature;
}

/// Whether it is the node's depends on the snapshot: see [`Contracts::submit`].
impl Document for SnapshotSignature {
    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

/// Signs a snapshot for an oracle on a chain, once it has passed every check that a verifier would make of it: that
/// every observation in it lies in the policy's box, for instance.
///
/// # Errors
/// If it does not follow the policy's rules, it is from the future, or the key is not that of a node of the policy.
pub fn sign(
    policy: &CommittedPolicy,
    snapshot: &Snapshot,
    deployment: &Deployment,
    now: Timestamp,
    by: &dyn Signer,
) -> Result<SnapshotSignature, ChainError> {
    let reports = snapshot.reports.iter().enumerate();
    let future = reports.filter_map(|(index, report)| {
        oracle::future_problem(report.observed_at, now, &format!("reports[{index}].observed_at"))
    });
    let problems: Vec<_> = future.collect();
    if !problems.is_empty() {
        return Err(ChainError::Problems { input: "market".to_owned(), problems });
    }
    if !policy.policy().oracle.nodes.iter().any(|node| node.signer == by.address()) {
        let expected = "the key of an oracle node of the policy";
        return Err(ChainError::input("key", expected, format!("the key of {}", by.address())));
    }
    let signature = by.sign(&typed_data(&signed_snapshot(policy, snapshot)?, deployment))?;
    Ok(SnapshotSignature {
        kind: KindOf::new(),
        version: FormatVersion,
        chain_id: deployment.chain_id,
        oracle: deployment.oracle,
        policy: policy.id(),
        snapshot: snapshot_id(policy, snapshot),
        signer: by.address(),
        signature,
    })
}

impl SnapshotSignature {
    /// Demands that it is the signer's, of this snapshot under a policy and for this deployment's oracle.
    ///
    /// # Errors
    /// If not, or if the snapshot does not follow the policy's rules.
    pub fn verify(
        &self,
        policy: &CommittedPolicy,
        snapshot: &Snapshot,
        deployment: &Deployment,
    ) -> Result<(), ChainError> {
        self.check(&signed_snapshot(policy, snapshot)?, deployment)
    }

    /// Demands that it is the signer's, of this snapshot and for this deployment's oracle, and says so itself.
    fn check(&self, snapshot: &SignedSnapshot, deployment: &Deployment) -> Result<(), ChainError> {
        let Deployment { chain_id, oracle, .. } = deployment;
        let (policy, id) = (bytes32(snapshot.policy), bytes32(snapshot.id));
        let describe = |snapshot: &Bytes32, policy: &Bytes32, oracle: &EvmAddress, chain_id: u64| {
            format!("one of snapshot {snapshot} of policy {policy} for the oracle {oracle} on chain {chain_id}")
        };
        let expected = describe(&id, &policy, oracle, *chain_id);
        let said = describe(&self.snapshot.0, &self.policy.0, &self.oracle, self.chain_id);
        let found = match signer(&typed_data(snapshot, deployment).digest(), &self.signature) {
            _ if said != expected => said,
            Ok(found) if found == self.signer => return Ok(()),
            Ok(found) => format!("one by {found}, if this is what was signed"),
            Err(error) => error.to_string(),
        };
        let advice = "have the node sign this snapshot for this deployment";
        Err(ChainError::mismatch(format!("signature of {}", self.signer), expected, found, advice))
    }
}

/// What a contract keeps of a snapshot, which is checked first.
fn signed_snapshot(policy: &CommittedPolicy, snapshot: &Snapshot) -> Result<SignedSnapshot, ChainError> {
    let checked = check_snapshot(policy, snapshot)?;
    let mut coefficients = Vec::new();
    for level in &policy.policy().levels {
        let commitments = policy.level(&level.name);
        let coef = commitments.and_then(|commitments| commitments.coef(&checked.prices).ok());
        let point = coef.ok_or_else(|| ChainError::Internal("a level without coefficients".to_owned()))?;
        coefficients.extend(coordinates_of(&point)?);
    }
    let slack = slack(policy.policy(), snapshot);
    Ok(SignedSnapshot {
        policy: word(&policy.id().0),
        epoch: snapshot.epoch,
        time: seconds("market: time", checked.oldest.0)?,
        newest: seconds("market: newest report", checked.newest.0)?,
        slack: slack.try_into().map_err(|_| ChainError::input("policy: max_age", "at most 2^32 - 1 seconds", slack))?,
        marked: !checked.marked.is_empty(),
        id: word(&snapshot_id(policy, snapshot).0),
        coefficients,
    })
}

fn coordinates_of(point: &G1Affine) -> Result<[U256; 2], ChainError> {
    if bool::from(point.is_identity()) {
        return Err(ChainError::input("market", "prices at which a level has coefficients", "others"));
    }
    Ok(coordinates(&HexBytes(point::g1_to_bytes(point))))
}

/// How long after the oldest report something else may be from that a proof puts beside the prices: what is left of the
/// largest ages that the policy allows, as the verifier's check of times has it.
fn slack(policy: &Policy, snapshot: &Snapshot) -> u64 {
    let entries = policy.market.iter().enumerate();
    let left = entries.filter_map(|(index, entry)| {
        let age = snapshot.time.0.saturating_sub(oracle::oldest_observation(snapshot, index)?.0);
        Some(policy.oracle.max_age_of(entry).0.saturating_sub(age))
    });
    left.fold(policy.oracle.max_age.0, u64::min)
}

/// What nodes sign: the struct in the domain of the oracle on its chain.
fn typed_data(snapshot: &SignedSnapshot, deployment: &Deployment) -> TypedData {
    let SignedSnapshot { policy, epoch, time, newest, slack, marked, id, coefficients } = snapshot;
    let values = vec![
        Typed::Word(policy.0),
        Typed::Word(number((*epoch).into())),
        Typed::Word(number(time.to())),
        Typed::Word(number(newest.to())),
        Typed::Word(number((*slack).into())),
        Typed::Word(number((*marked).into())),
        Typed::Word(id.0),
        Typed::Words(coefficients.iter().map(U256::to_be_bytes).collect()),
    ];
    let audience = Audience { chain_id: deployment.chain_id, registry: deployment.oracle };
    TypedData::new(Some(audience), SignedSnapshot::eip712_encode_type(), values)
}

/// A snapshot that the oracle has.
#[derive(Clone, Debug)]
pub struct Taken {
    /// Its epoch.
    pub epoch: u64,
    /// When its oldest prices were reported.
    pub time: Timestamp,
    /// Whether a price has moved too far since the one before.
    pub marked: bool,
    /// The transaction.
    pub receipt: Receipt,
}

/// The newest snapshot of an oracle.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Latest {
    /// Its epoch.
    pub epoch: u64,
    /// When its oldest prices were reported.
    pub time: Timestamp,
}

impl Contracts {
    /// The newest snapshot under a policy; none if there is none.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn latest(&self, policy: &CommittedPolicy) -> Result<Option<Latest>, ChainError> {
        let latest = self.node.view(&self.at.oracle, &latestCall { policy: word(&policy.id().0) })?;
        Ok(Some(Latest { epoch: latest.epoch, time: time(latest.time) }).filter(|latest| latest.epoch != 0))
    }

    /// Whether the oracle takes another snapshot by the chain's clock: in an epoch that has none, and half an epoch
    /// after the last.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn is_snapshot_due(&self, policy: &CommittedPolicy) -> Result<bool, ChainError> {
        let (length, now) = (policy.policy().oracle.epoch.0.max(1), self.node.time()?.0);
        let is_due = |latest: Latest| now / length > latest.epoch && now >= latest.time.0.saturating_add(length / 2);
        Ok(self.latest(policy)?.is_none_or(is_due))
    }

    /// Takes the snapshot of the present epoch from the policy's feeds.
    ///
    /// # Errors
    /// If the oracle refuses.
    pub fn take(&self, policy: PolicyId, signer: &dyn Signer) -> Result<Taken, ChainError> {
        let receipt = self.node.call(signer, &self.at.oracle, &takeCall { policy: word(&policy.0) }, TAKE)?;
        self.taken(policy, receipt)
    }

    /// Submits a snapshot that nodes have signed.
    ///
    /// # Errors
    /// If it does not follow the policy's rules, a signature is not the node's, or the oracle refuses.
    pub fn submit(
        &self,
        policy: &CommittedPolicy,
        snapshot: &Snapshot,
        signatures: &[SnapshotSignature],
        signer: &dyn Signer,
    ) -> Result<Taken, ChainError> {
        let signed = signed_snapshot(policy, snapshot)?;
        let mut signatures: Vec<_> = signatures.iter().collect();
        signatures.sort_by_key(|signature| signature.signer);
        for signature in &signatures {
            signature.check(&signed, &self.at)?;
        }
        let call = submitCall {
            snapshot: signed,
            signers: signatures.iter().map(|signature| address(&signature.signer)).collect(),
            signatures: signatures.iter().map(|signature| Bytes::from(signature.signature.0.to_vec())).collect(),
        };
        let receipt = self.node.call(signer, &self.at.oracle, &call, SUBMIT)?;
        self.taken(policy.id(), receipt)
    }

    fn taken(&self, policy: PolicyId, receipt: Receipt) -> Result<Taken, ChainError> {
        let latest = self.node.view(&self.at.oracle, &latestCall { policy: word(&policy.0) })?;
        Ok(Taken { epoch: latest.epoch, time: time(latest.time), marked: latest.marked, receipt })
    }

    /// The newest snapshot that the oracle has taken from feeds, as a file without reports.
    ///
    /// # Errors
    /// If there is none, nodes have signed it, or it breaks the policy's rules.
    pub fn market(&self, policy: &CommittedPolicy) -> Result<Snapshot, ChainError> {
        let id = word(&policy.id().0);
        let latest = self.node.view(&self.at.oracle, &latestCall { policy: id })?;
        if latest.epoch == 0 {
            let expected = "a snapshot of the policy; take one with surety chain snapshot";
            return Err(ChainError::input("oracle", expected, "none"));
        }
        let signed = self.node.view(&self.at.oracle, &idOfCall { policy: id, epoch: latest.epoch })?;
        if !signed.is_zero() {
            let expected = "a snapshot taken from feeds: use the file that the nodes have signed";
            return Err(ChainError::input("oracle", expected, format!("snapshot {signed}")));
        }
        let prices = self.prices(policy, latest.epoch)?;
        let compared = policy.policy().oracle.breaker.is_some() && latest.previousEpoch != 0;
        let epoch = latest.previousEpoch;
        let previous =
            compared.then(|| Ok::<_, ChainError>(Predecessor { epoch, prices: self.prices(policy, epoch)? }));
        let taken = oracle::taken(
            policy.policy(),
            policy.universe(),
            latest.epoch,
            time(latest.time),
            prices,
            previous.transpose()?,
        );
        let taken = taken.map_err(|problems| ChainError::Problems { input: "oracle".to_owned(), problems })?;
        // The limits that were published may be stricter than the policy's. A proof would count against the statements,
        // and the registry refuse it.
        let refused = policy.policy().oracle.breaker.is_some_and(|breaker| breaker.proofs == MarkedProofs::Refused);
        if latest.marked && taken.marked.is_empty() && refused {
            let expected = "a snapshot without the circuit breaker's mark; wait for the next one";
            return Err(ChainError::input("oracle", expected, "a marked one"));
        }
        Ok(taken)
    }

    fn prices(&self, policy: &CommittedPolicy, epoch: u64) -> Result<Vec<EntryPrice>, ChainError> {
        let call = pricesOfCall { policy: word(&policy.id().0), epoch };
        let prices = self.node.view(&self.at.oracle, &call)?;
        let entries = policy.policy().market.iter().zip(prices);
        let price = |(entry, price): (&surety_margin::market::MarketEntry, alloy_primitives::aliases::U96)| {
            let price = Price::new(price.to()).map_err(ChainError::Internal)?;
            Ok(EntryPrice { entry: entry.name.clone(), price })
        };
        entries.map(price).collect()
    }
}

fn time(time: U40) -> Timestamp {
    Timestamp(time.to())
}

#[cfg(test)]
mod tests {
    use alloy_primitives::B256;
    use alloy_sol_types::Eip712Domain;
    use serde_json::json;
    use surety_testing::tamper::{Tampered, unnoticed};
    use surety_verifier::attestation::signature::SigningKey;

    use super::*;
    use crate::sample;

    /// Attack: a node's signature of something else, or a file that says so.
    #[test]
    fn rejects_every_changed_field_of_a_snapshot_signature() {
        let (deployment, key) = (sample::deployment(), SigningKey::from_secret_bytes(&[1; 32]).unwrap());
        let snapshot = SignedSnapshot {
            policy: B256::repeat_byte(2),
            epoch: 3,
            time: U40::from(10_800),
            newest: U40::from(10_860),
            slack: 900,
            marked: false,
            id: B256::repeat_byte(4),
            coefficients: vec![U256::from(1), U256::from(2)],
        };
        let original = SnapshotSignature {
            kind: KindOf::new(),
            version: FormatVersion,
            chain_id: deployment.chain_id,
            oracle: deployment.oracle,
            policy: PolicyId(bytes32(snapshot.policy)),
            snapshot: SnapshotId(bytes32(snapshot.id)),
            signer: key.address(),
            signature: key.sign(&typed_data(&snapshot, &deployment).digest()).unwrap(),
        };
        let domain = Eip712Domain::new(
            Some("Surety".into()),
            Some("1".into()),
            Some(U256::from(deployment.chain_id)),
            Some(address(&deployment.oracle)),
            None,
        );
        assert_eq!(bytes32(snapshot.eip712_signing_hash(&domain)), typed_data(&snapshot, &deployment).digest());
        original.check(&snapshot, &deployment).unwrap();
        let notices = |tampered: &Tampered| {
            let changed = SnapshotSignature::from_json("signature.json", &tampered.document.to_string());
            changed.ok().is_none_or(|changed| changed.check(&snapshot, &deployment).is_err())
        };
        assert_eq!(unnoticed(&json!(original), &[], notices), [""; 0]);
        // What was signed is all of the snapshot, for one oracle on one chain.
        let others: [fn(&mut SignedSnapshot); 6] = [
            |snapshot| snapshot.epoch += 1,
            |snapshot| snapshot.time += U40::from(1),
            |snapshot| snapshot.newest += U40::from(1),
            |snapshot| snapshot.slack += 1,
            |snapshot| snapshot.marked = true,
            |snapshot| snapshot.coefficients.swap(0, 1),
        ];
        for change in others {
            let mut other = snapshot.clone();
            change(&mut other);
            assert!(original.check(&other, &deployment).is_err());
        }
    }
}
