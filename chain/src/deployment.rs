//! Where the contracts are: creating them from what Forge has built, and making sure that what is there is right.

use alloy_primitives::aliases::U96;
use alloy_sol_types::SolValue;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_core::{
    FormatVersion,
    failure::Class,
    ident::{Bytes32, EvmAddress},
    kind::{Kind, KindOf, Kinded},
    problem::Problem,
    text::{Document, WrittenBy},
    units::Seconds,
};
use surety_margin::vault::VaultRules;
use surety_verifier::{
    CommittedPolicy, VerifyingKey,
    attestation::{compiled::CountedAsset, eip712::Audience, signer::Signer},
};

use crate::{
    abi::{Asset, ISuretyVerifier, address, bytes32, coordinates, word},
    artifact::Contract,
    carried::Build,
    error::{Action, ChainError},
    node::Node,
    seconds::seconds,
};

/// A contract without an answer is none that verifies proofs.
const VK_HASH: Action = Action { name: "VK_HASH of the deployment's verifier", refusal: Class::Mismatch };

/// The contracts of one capacity class over one set-up, on a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Deployment {
    /// The format.
    pub kind: KindOf<Deployment>,
    /// Version of the format.
    pub version: FormatVersion,
    /// The chain's identifier (EIP-155).
    pub chain_id: u64,
    /// The digest of the verifying key of the contract that verifies proofs.
    pub verifying_key: Bytes32,
    /// The contract that verifies proofs.
    pub verifier: EvmAddress,
    /// The registry of policies.
    pub policies: EvmAddress,
    /// The oracle.
    pub oracle: EvmAddress,
    /// The registry of attestations: what statements and attestations are meant for.
    pub registry: EvmAddress,
    /// The registry of books: what statements about venues are meant for. Deployments of earlier versions have none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub books: Option<EvmAddress>,
    /// The vault, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vault: Option<EvmAddress>,
}

impl Kinded for Deployment {
    const KIND: Kind = Kind::Deployment;
}

/// Whether contracts are there is for the chain to say: see [`Contracts::check`].
impl Document for Deployment {
    const WRITTEN_BY: WrittenBy = WrittenBy::People;

    fn problems(&self) -> Vec<Problem> {
        Vec::new()
    }
}

impl Deployment {
    /// Where statements and attestations count.
    #[must_use]
    pub fn audience(&self) -> Audience {
        Audience { chain_id: self.chain_id, registry: self.registry }
    }
}

/// What a deployment leaves open.
#[derive(Clone, Copy, Debug)]
pub struct DeploymentTerms {
    /// Who publishes policies.
    pub owner: EvmAddress,
    /// Who may freeze them.
    pub guardian: EvmAddress,
    /// How long it takes before what the owner does takes effect.
    pub delay: Seconds,
    /// Whether an account can serve one policy only while an attestation counts.
    pub exclusive: bool,
}

/// A deployment whose contracts are there, and the node that says so.
#[derive(Debug)]
pub struct Contracts {
    pub(crate) node: Node,
    pub(crate) at: Deployment,
}

impl Contracts {
    /// Creates the contracts from the code of a build, for the policies of one capacity class and set-up; and a
    /// vault with the universe and the assets of the policy, if the policy draws on one. Its address is known only
    /// then: the policy is published once its text says that address.
    ///
    /// # Errors
    /// If the build lacks a contract or has another one, or a contract cannot be created.
    pub fn create(
        node: Node,
        build: Build<'_>,
        policy: &CommittedPolicy,
        verifying_key: &VerifyingKey,
        terms: &DeploymentTerms,
        signer: &dyn Signer,
    ) -> Result<Self, ChainError> {
        let create = |contract: &Contract, arguments: Vec<u8>, action: &'static str| {
            let code = [build.creation_code(contract)?, arguments].concat();
            node.create(signer, code, Action::new(action))
        };
        if let Some(VaultRules { chain, .. }) = policy.policy().vault.as_ref().filter(|at| at.chain != node.chain_id())
        {
            let (expected, found) = (format!("chain {chain}"), format!("chain {}", node.chain_id()));
            let advice = "give the node of the vault's chain with --rpc, or state this chain in the policy";
            return Err(ChainError::mismatch("policy: vault.chain", expected, found, advice));
        }
        let verifier = node.create(signer, build.verifier(verifying_key)?, Action::new("creating the verifier"))?;
        // Before the others are paid for.
        check_verifier(&node, &verifier, verifying_key.digest().bytes())?;
        let delay = seconds("delay", terms.delay.0)?;
        let arguments = (delay, address(&terms.owner), address(&terms.guardian)).abi_encode_params();
        let policies = create(&Contract::POLICIES, arguments, "creating the policy registry")?;
        let arguments = (address(&policies),).abi_encode_params();
        let oracle = create(&Contract::ORACLE, arguments, "creating the snapshot oracle")?;
        let arguments = (address(&policies), address(&oracle), terms.exclusive).abi_encode_params();
        let registry = create(&Contract::ATTESTATIONS, arguments, "creating the attestation registry")?;
        let arguments = (address(&policies), address(&oracle)).abi_encode_params();
        let books = create(&Contract::BOOKS, arguments, "creating the registry of books")?;
        let mut at = Deployment {
            kind: KindOf::new(),
            version: FormatVersion,
            chain_id: node.chain_id(),
            verifying_key: verifying_key.digest().bytes(),
            verifier,
            policies,
            oracle,
            registry,
            books: Some(books),
            vault: None,
        };
        if policy.policy().vault.is_some() {
            let arguments = (address(&registry), word(&policy.universe_id().0), assets(policy)).abi_encode_params();
            at.vault = Some(create(&Contract::VAULT, arguments, "creating the vault")?);
        }
        Self::check(node, at)
    }

    /// Makes sure that a deployment is on the node's chain, that there are contracts at its addresses, and that the
    /// verifying contract is the one of its key.
    ///
    /// # Errors
    /// If not.
    pub fn check(node: Node, at: Deployment) -> Result<Self, ChainError> {
        let mismatch = |input: &str, expected: String, found: String, advice| {
            Err(ChainError::mismatch(format!("deployment: {input}"), expected, found, advice))
        };
        if at.chain_id != node.chain_id() {
            let advice = "give the node of the deployment's chain with --rpc, or the deployment of this chain";
            return mismatch(
                "chain_id",
                format!("chain {}", at.chain_id),
                format!("chain {}", node.chain_id()),
                advice,
            );
        }
        let contracts = [
            ("verifier", Some(at.verifier)),
            ("policies", Some(at.policies)),
            ("oracle", Some(at.oracle)),
            ("registry", Some(at.registry)),
            ("books", at.books),
            ("vault", at.vault),
        ];
        for (input, contract) in contracts.iter().filter_map(|(input, at)| Some((input, (*at)?))) {
            if !node.has_code(&contract)? {
                let advice = "take the deployment file of this chain, or deploy with surety chain deploy";
                return mismatch(input, "a contract".to_owned(), format!("nothing at {contract}"), advice);
            }
        }
        check_verifier(&node, &at.verifier, at.verifying_key)?;
        Ok(Self { node, at })
    }

    /// Demands that the verifying contract is the one of a key: that of a policy's capacity class and set-up.
    ///
    /// # Errors
    /// If it is another one's.
    pub fn check_key(&self, key: &VerifyingKey) -> Result<(), ChainError> {
        let (expected, found) = (key.digest().bytes(), self.at.verifying_key);
        if expected == found {
            return Ok(());
        }
        Err(ChainError::mismatch(
            "deployment: verifying key",
            format!("that of the policy's capacity class and set-up, {expected}"),
            found,
            "deploy the contracts for this policy with surety chain deploy",
        ))
    }

    /// Where the contracts are.
    #[must_use]
    pub fn deployment(&self) -> &Deployment {
        &self.at
    }
}

/// Demands that a contract verifies proofs for a key.
fn check_verifier(node: &Node, at: &EvmAddress, key: Bytes32) -> Result<(), ChainError> {
    let found = bytes32(node.simulate(None, at, &ISuretyVerifier::VK_HASHCall {}, VK_HASH)?);
    if found != key {
        let advice = "do not use this deployment: its contract verifies other proofs";
        return Err(ChainError::mismatch("deployment: verifier: VK_HASH", key.to_string(), found, advice));
    }
    Ok(())
}

/// The assets of a policy's vault, as its contract takes them.
pub(crate) fn assets(policy: &CommittedPolicy) -> Vec<Asset> {
    let asset = |asset: &CountedAsset| {
        let [x, y] = coordinates(&asset.point);
        Asset { token: address(&asset.token), unit: U96::from(asset.unit), x, y }
    };
    policy.vault_assets().iter().map(asset).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use surety_testing::tamper::{Change, Exempt, Tampered, unnoticed};

    use super::*;
    use crate::sample;

    /// A node of a chain on which the contracts of a deployment are, and nothing else.
    fn node(at: &Deployment) -> Node {
        let contracts = [at.verifier, at.policies, at.oracle, at.registry].into_iter().chain(at.books).chain(at.vault);
        let contracts: Vec<_> = contracts.map(|contract| json!(contract)).collect();
        let (verifier, key) = (json!(at.verifier), json!(at.verifying_key));
        sample::node(move |method, parameters| match method {
            "eth_getCode" => json!(if contracts.contains(&parameters[0]) { "0x60" } else { "0x" }),
            "eth_call" if parameters[0]["to"] == verifier => key.clone(),
            _ => json!("0x"),
        })
    }

    /// Attack: a file that leads to another chain, another contract, or the verifier of another key.
    #[test]
    fn rejects_every_changed_field_of_a_deployment() {
        let original = sample::deployment();
        Contracts::check(node(&original), original.clone()).unwrap();
        let notices = |tampered: &Tampered| {
            let changed = Deployment::from_json("deployment.json", &tampered.document.to_string());
            changed.ok().is_none_or(|changed| Contracts::check(node(&original), changed).is_err())
        };
        let exempt: [Exempt<'_>; 2] =
            ["books", "vault"].map(|key| (key, &[Change::Removed] as _, "a deployment may have none"));
        assert_eq!(unnoticed(&json!(original), &exempt, notices), [""; 0]);
    }
}
