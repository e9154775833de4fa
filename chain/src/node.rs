//! A node of the chain: asked over HTTP with JSON-RPC, one thing after the other.
//!
//! The chain's identifier is asked for once, and enters every transaction that is signed.

use std::{
    thread,
    time::{Duration, Instant},
};

use alloy_primitives::{B256, Bytes, TxKind, U256, hex, keccak256};
use alloy_rlp::{Encodable as _, Header};
use alloy_sol_types::{SolCall, SolEvent};
use serde::{
    Deserialize, Deserializer,
    de::{DeserializeOwned, Error as _},
};
use serde_json::{Value, json};
use surety_core::{
    ident::{Bytes32, EvmAddress, HexBytes},
    units::Timestamp,
};
use surety_verifier::attestation::signature::{SignatureBytes, SigningKey};
use ureq::Agent;

use crate::{
    abi::address,
    error::{Action, ChainError, PATIENCE},
    refusal::Refusal,
};

/// How long an answer may take.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Most bytes of an answer.
const ANSWER_LIMIT: u64 = 32 << 20;

/// Most wei for a unit of gas: a node that names a higher fee is mistaken, or wants the sender's balance.
const FEE_LIMIT: u128 = 1_000_000_000_000;

/// How often is asked for it.
const INTERVAL: Duration = Duration::from_millis(200);

/// A node of a chain.
#[derive(Debug)]
pub struct Node {
    url: String,
    agent: Agent,
    chain_id: u64,
}

/// A block, as far as it is of interest.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Block {
    timestamp: Quantity,
    base_fee_per_gas: Option<Quantity>,
}

/// What became of a transaction.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    transaction_hash: Data<32>,
    contract_address: Option<Data<20>>,
    status: Quantity,
    gas_used: Quantity,
}

impl Receipt {
    /// The transaction.
    #[must_use]
    pub fn transaction(&self) -> Bytes32 {
        self.transaction_hash.0
    }

    /// What it used of gas.
    #[must_use]
    pub fn gas(&self) -> u64 {
        self.gas_used.0
    }
}

/// A number of JSON-RPC: `0x` and digits without leading zeros. A fee of 2^64 wei would be 18 ether for a unit of gas.
#[derive(Clone, Copy, Debug)]
struct Quantity(u64);

impl<'de> Deserialize<'de> for Quantity {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let number = text.strip_prefix("0x").and_then(|digits| u64::from_str_radix(digits, 16).ok());
        number.map(Self).ok_or_else(|| D::Error::custom(format!("expected a number below 2^64, found {text:?}")))
    }
}

/// Bytes of JSON-RPC, a certain number of them; in upper case, too.
#[derive(Clone, Copy, Debug)]
struct Data<const N: usize>(HexBytes<N>);

impl<'de, const N: usize> Deserialize<'de> for Data<N> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = hex::decode_to_array(String::deserialize(deserializer)?);
        bytes.map(|bytes| Self(HexBytes(bytes))).map_err(|_| D::Error::custom(format!("expected {N} bytes")))
    }
}

/// Bytes of JSON-RPC, as many as there are.
struct Output(Vec<u8>);

impl<'de> Deserialize<'de> for Output {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        hex::decode(String::deserialize(deserializer)?).map(Self).map_err(D::Error::custom)
    }
}

/// What a contract has emitted.
#[derive(Deserialize)]
struct Log {
    address: Data<20>,
    topics: Vec<Data<32>>,
    data: Output,
    #[serde(default)]
    removed: bool,
}

/// An answer of JSON-RPC.
#[derive(Deserialize)]
struct Answer {
    result: Option<Value>,
    error: Option<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    message: String,
    data: Option<Value>,
}

impl Fault {
    /// What a contract returned that reverted, if one did.
    fn revert_data(&self) -> Option<Vec<u8>> {
        let text = match &self.data {
            Some(Value::String(text)) => Some(text.as_str()),
            // Some nodes wrap it.
            Some(Value::Object(object)) => object.get("data").and_then(Value::as_str),
            _ => None,
        };
        match text {
            Some(text) => hex::decode(text).ok(),
            None => self.message.contains("revert").then(Vec::new),
        }
    }
}

impl Node {
    /// The node at a URL, which is asked which chain it is of.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn connect(url: &str) -> Result<Self, ChainError> {
        let config = Agent::config_builder().timeout_global(Some(ANSWER_TIMEOUT)).http_status_as_error(false).build();
        let mut node = Self { url: url.to_owned(), agent: config.into(), chain_id: 0 };
        node.chain_id = node.ask::<Quantity>("eth_chainId", json!([]))?.0;
        Ok(node)
    }

    /// The chain's identifier (EIP-155).
    #[must_use]
    pub fn chain_id(&self) -> u64 {
        self.chain_id
    }

    /// The time of the newest block.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn time(&self) -> Result<Timestamp, ChainError> {
        Ok(Timestamp(self.newest_block()?.timestamp.0))
    }

    fn newest_block(&self) -> Result<Block, ChainError> {
        self.ask("eth_getBlockByNumber", json!(["latest", false]))
    }

    /// Whether there is a contract at an address.
    pub(crate) fn has_code(&self, at: &EvmAddress) -> Result<bool, ChainError> {
        Ok(!self.code(at)?.is_empty())
    }

    /// The code at an address; empty where there is no contract.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn code(&self, at: &EvmAddress) -> Result<Vec<u8>, ChainError> {
        let code: Output = self.ask("eth_getCode", json!([at, "latest"]))?;
        Ok(code.0)
    }

    /// The events of one kind, with one of these words as their first topic, that a contract has emitted from a block
    /// on, in the chain's order. Nodes answer for so many blocks or events at a time: where one fails, half as many
    /// blocks are asked for.
    pub(crate) fn events<E: SolEvent>(&self, at: &EvmAddress, first: &[B256], from: u64) -> Result<Vec<E>, ChainError> {
        const METHOD: &str = "eth_getLogs";
        let Quantity(newest) = self.ask("eth_blockNumber", json!([]))?;
        if from > newest {
            let (expected, advice) = (format!("a block up to {newest}"), "give a block that the chain has");
            return Err(ChainError::mismatch("block", expected, from, advice));
        }
        let hexadecimal = |number: u64| format!("{number:#x}");
        let (mut start, mut blocks, mut events) = (from, newest.saturating_sub(from).saturating_add(1), Vec::new());
        while start <= newest {
            let end = start.saturating_add(blocks - 1).min(newest);
            let filter = json!([{
                "address": at, "topics": [E::SIGNATURE_HASH, first], "fromBlock": hexadecimal(start),
                "toBlock": hexadecimal(end),
            }]);
            let logs: Vec<Log> = match self.ask(METHOD, filter) {
                Ok(logs) => logs,
                Err(_) if blocks > 1 => {
                    blocks /= 2;
                    continue;
                }
                Err(error) => return Err(error),
            };
            for Log { address, topics, data, removed } in logs {
                let topics = topics.into_iter().map(|Data(HexBytes(bytes))| B256::from(bytes));
                let event = E::decode_raw_log_validate(topics, &data.0).ok().filter(|_| address.0 == *at && !removed);
                events.push(event.ok_or_else(|| self.fault(METHOD, "an event that was not asked for"))?);
            }
            start = end + 1;
        }
        Ok(events)
    }

    /// What a contract answers.
    pub(crate) fn view<C: SolCall>(&self, at: &EvmAddress, call: &C) -> Result<C::Return, ChainError> {
        self.simulate(None, at, call, Action::new(C::SIGNATURE))
    }

    /// What a contract would answer to a transaction of `from`.
    pub(crate) fn simulate<C: SolCall>(
        &self,
        from: Option<&EvmAddress>,
        at: &EvmAddress,
        call: &C,
        action: Action,
    ) -> Result<C::Return, ChainError> {
        let mut transaction = json!({ "to": at, "data": hex::encode_prefixed(call.abi_encode()) });
        if let Some(from) = from {
            transaction["from"] = json!(from);
        }
        let answer: Output = self.try_call("eth_call", json!([transaction, "latest"]), action)?;
        C::abi_decode_returns_validate(&answer.0).map_err(|_| ChainError::Answer {
            contract: *at,
            action: action.name,
            found: format!("{} bytes of another form", answer.0.len()),
        })
    }

    /// Sends a transaction that calls a contract, and waits until it is in a block.
    pub(crate) fn call<C: SolCall>(
        &self,
        key: &SigningKey,
        at: &EvmAddress,
        call: &C,
        action: Action,
    ) -> Result<Receipt, ChainError> {
        Ok(self.send(key, Some(at), call.abi_encode(), action)?.0)
    }

    /// Sends a transaction that creates a contract, and waits until it is in a block.
    pub(crate) fn create(&self, key: &SigningKey, code: Vec<u8>, action: Action) -> Result<EvmAddress, ChainError> {
        let (receipt, nonce) = self.send(key, None, code, action)?;
        // What is there was created by the transaction that was signed, whatever the node says.
        let created = HexBytes(address(&key.address()).create(nonce).into_array());
        match receipt.contract_address {
            Some(Data(found)) if found == created => Ok(created),
            found => {
                let found = found.map_or("none".to_owned(), |Data(found)| found.to_string());
                let problem = format!("expected the contract {created}, which the transaction creates, found {found}");
                Err(self.fault("eth_getTransactionReceipt", problem))
            }
        }
    }

    /// What became of a transaction, and its nonce.
    fn send(
        &self,
        key: &SigningKey,
        to: Option<&EvmAddress>,
        input: Vec<u8>,
        action: Action,
    ) -> Result<(Receipt, u64), ChainError> {
        let from = key.address();
        let mut request = json!({ "from": from, "data": hex::encode_prefixed(&input) });
        if let Some(to) = to {
            request["to"] = json!(to);
        }
        let Quantity(gas) = self.try_call("eth_estimateGas", json!([request, "latest"]), action)?;
        let Some(Quantity(base_fee)) = self.newest_block()?.base_fee_per_gas else {
            return Err(self.fault("eth_getBlockByNumber", "a block without a base fee, as before EIP-1559"));
        };
        let Quantity(tip) = self.ask("eth_maxPriorityFeePerGas", json!([]))?;
        // The base fee can double in six full blocks.
        let max_fee_per_gas = 2 * u128::from(base_fee) + u128::from(tip);
        if max_fee_per_gas > FEE_LIMIT {
            let problem = format!("expected at most {FEE_LIMIT} wei for a unit of gas, found {max_fee_per_gas}");
            return Err(self.fault("eth_maxPriorityFeePerGas", problem));
        }
        let Quantity(nonce) = self.ask("eth_getTransactionCount", json!([from, "pending"]))?;
        let transaction = Transaction {
            chain_id: self.chain_id,
            nonce,
            // What depends on the state may cost a little more by then.
            gas_limit: gas.saturating_add(gas / 8),
            max_fee_per_gas,
            max_priority_fee_per_gas: tip.into(),
            to: to.map_or(TxKind::Create, |to| TxKind::Call(address(to))),
            input: Bytes::from(input),
        };
        let raw = transaction.signed(key)?;
        let hash = HexBytes(keccak256(&raw).0);
        let Data(found) = self.ask("eth_sendRawTransaction", json!([hex::encode_prefixed(raw)]))?;
        if found != hash {
            let problem = format!("expected the transaction {hash}, found {found}");
            return Err(self.fault("eth_sendRawTransaction", problem));
        }
        Ok((self.wait(hash)?, nonce))
    }

    fn wait(&self, hash: Bytes32) -> Result<Receipt, ChainError> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(receipt) = self.ask::<Option<Receipt>>("eth_getTransactionReceipt", json!([hash]))? {
                return if receipt.status.0 == 0 { Err(ChainError::Failed(hash)) } else { Ok(receipt) };
            }
            thread::sleep(INTERVAL);
        }
        Err(ChainError::Pending(hash))
    }

    /// Asks the node for something that no contract has a say in.
    fn ask<T: DeserializeOwned>(&self, method: &'static str, parameters: Value) -> Result<T, ChainError> {
        self.request(method, parameters)?.map_err(|fault| self.fault(method, fault.message))
    }

    /// Asks the node to run a contract, which may refuse.
    fn try_call<T: DeserializeOwned>(
        &self,
        method: &'static str,
        parameters: Value,
        action: Action,
    ) -> Result<T, ChainError> {
        self.request(method, parameters)?.map_err(|fault| match fault.revert_data() {
            Some(data) => ChainError::Refused { action, reason: Refusal::decode(&data) },
            None => self.fault(method, fault.message),
        })
    }

    fn request<T: DeserializeOwned>(
        &self,
        method: &'static str,
        parameters: Value,
    ) -> Result<Result<T, Fault>, ChainError> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": parameters }).to_string();
        let failed = |error: ureq::Error| self.fault(method, error);
        let request = self.agent.post(&self.url).content_type("application/json");
        let mut response = request.send(body).map_err(failed)?;
        let text = response.body_mut().with_config().limit(ANSWER_LIMIT).read_to_string().map_err(failed)?;
        let answer: Answer = serde_json::from_str(&text).map_err(|_| {
            self.fault(method, format!("expected an answer of JSON-RPC, found status {}", response.status()))
        })?;
        if let Some(fault) = answer.error {
            return Ok(Err(fault));
        }
        let result = serde_json::from_value(answer.result.unwrap_or_default());
        result.map(Ok).map_err(|error| self.fault(method, error))
    }

    fn fault(&self, method: &'static str, problem: impl ToString) -> ChainError {
        ChainError::Node { url: origin(&self.url), method, problem: problem.to_string() }
    }
}

/// A URL without what may be a password in it: paths often contain one.
fn origin(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{scheme}://{host}")
}

/// A transaction without value and access list ([EIP-1559](https://eips.ethereum.org/EIPS/eip-1559)). Fees are in wei.
struct Transaction {
    chain_id: u64,
    nonce: u64,
    max_priority_fee_per_gas: u128,
    max_fee_per_gas: u128,
    gas_limit: u64,
    to: TxKind,
    input: Bytes,
}

impl Transaction {
    /// The transaction as it is sent.
    fn signed(&self, key: &SigningKey) -> Result<Vec<u8>, ChainError> {
        let signature = key.sign(&HexBytes(keccak256(self.encode(None)).0));
        let signature = signature.map_err(|error| ChainError::Internal(error.to_string()))?;
        Ok(self.encode(Some(&signature)))
    }

    /// `0x02 ‖ rlp([fields])`: what is signed, or, with the signature behind the fields, what is sent.
    fn encode(&self, signature: Option<&SignatureBytes>) -> Vec<u8> {
        let mut fields = Vec::new();
        self.chain_id.encode(&mut fields);
        self.nonce.encode(&mut fields);
        self.max_priority_fee_per_gas.encode(&mut fields);
        self.max_fee_per_gas.encode(&mut fields);
        self.gas_limit.encode(&mut fields);
        self.to.encode(&mut fields);
        U256::ZERO.encode(&mut fields);
        self.input.encode(&mut fields);
        Header { list: true, payload_length: 0 }.encode(&mut fields);
        if let Some(HexBytes(bytes)) = signature {
            // The last byte is 27 or 28, for an even or an odd y.
            (bytes[64] == 28).encode(&mut fields);
            U256::from_be_slice(&bytes[..32]).encode(&mut fields);
            U256::from_be_slice(&bytes[32..64]).encode(&mut fields);
        }
        let mut raw = vec![2];
        Header { list: true, payload_length: fields.len() }.encode(&mut raw);
        raw.extend(fields);
        raw
    }
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{Address, hex};

    use super::*;
    use crate::sample;

    const NONCE: u64 = 7;

    fn key() -> SigningKey {
        SigningKey::from_secret_bytes(&[1; 32]).unwrap()
    }

    /// Creates a contract at a node that says what `change` makes of the truth.
    fn create(change: fn(&str, Value) -> Value) -> Result<EvmAddress, ChainError> {
        let created = address(&key().address()).create(NONCE);
        let hash = |raw: &Value| keccak256(hex::decode(raw.as_str().unwrap()).unwrap());
        let node = sample::node(move |method, parameters| {
            let truth = match method {
                "eth_getBlockByNumber" => json!({ "timestamp": "0x1", "baseFeePerGas": "0x7" }),
                "eth_getTransactionCount" => json!("0x7"),
                "eth_sendRawTransaction" => json!(hash(&parameters[0]).to_string()),
                "eth_getTransactionReceipt" => json!({
                    "transactionHash": parameters[0], "contractAddress": created.to_string(), "status": "0x1",
                    "gasUsed": "0x5208",
                }),
                _ => json!("0x5208"),
            };
            change(method, truth)
        });
        node.create(&key(), vec![0xfe], Action::new("a test"))
    }

    fn refusal(change: fn(&str, Value) -> Value) -> String {
        create(change).unwrap_err().to_string()
    }

    #[test]
    fn a_contract_is_where_its_transaction_creates_it() {
        assert_eq!(create(|_, truth| truth).unwrap().0, address(&key().address()).create(NONCE).into_array());
    }

    /// Attack: a node that names its own contract, which policies and statements would then be for.
    #[test]
    fn rejects_a_contract_at_another_address() {
        let elsewhere = refusal(|method, mut truth| {
            if method == "eth_getTransactionReceipt" {
                truth["contractAddress"] = json!(Address::repeat_byte(0xbb).to_string());
            }
            truth
        });
        assert!(elsewhere.contains("which the transaction creates, found 0xbb"), "{elsewhere}");
        let nowhere = refusal(|method, mut truth| {
            if method == "eth_getTransactionReceipt" {
                truth["contractAddress"] = Value::Null;
            }
            truth
        });
        assert!(nowhere.contains("which the transaction creates, found none"), "{nowhere}");
    }

    /// Attack: a node that has the sender wait for somebody else's transaction.
    #[test]
    fn rejects_another_transaction() {
        let refusal = refusal(|method, truth| match method {
            "eth_sendRawTransaction" => json!(format!("0x{}", "cc".repeat(32))),
            _ => truth,
        });
        assert!(refusal.contains("expected the transaction 0x") && refusal.contains("found 0xcc"), "{refusal}");
    }

    /// Attack: a node that names a tip of the sender's whole balance.
    #[test]
    fn rejects_fees_that_nobody_asks() {
        // Twice the base fee, and the tip: up to the limit, and one more.
        create(|method, truth| match method {
            "eth_maxPriorityFeePerGas" => json!(format!("{:#x}", FEE_LIMIT - 14)),
            _ => truth,
        })
        .unwrap();
        let refusal = refusal(|method, truth| match method {
            "eth_maxPriorityFeePerGas" => json!(format!("{:#x}", FEE_LIMIT - 13)),
            _ => truth,
        });
        assert!(refusal.contains("wei for a unit of gas, found 1000000000001"), "{refusal}");
    }

    #[test]
    fn errors_repeat_no_password_of_a_url() {
        for url in ["https://user:secret@node.example:8545/secret", "https://node.example:8545?key=secret"] {
            assert_eq!(origin(url), "https://node.example:8545");
        }
        let error = Node::connect("http://127.0.0.1:9/secret").unwrap_err();
        assert!(matches!(error, ChainError::Node { .. }), "{error}");
        assert!(!error.to_string().contains("secret"), "{error}");
    }

    /// What `cast mktx` of Foundry makes of the same.
    #[test]
    fn transactions_are_encoded_as_others_do() {
        let key = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
        let key = SigningKey::from_secret_bytes(&hex::decode_to_array(key).unwrap()).unwrap();
        let transaction = Transaction {
            chain_id: 31_337,
            nonce: 7,
            max_priority_fee_per_gas: 1_000_000_000,
            max_fee_per_gas: 2_000_000_000,
            gas_limit: 123_456,
            to: TxKind::Call(Address::repeat_byte(0x11)),
            input: Bytes::from_static(&hex!("deadbeef")),
        };
        let expected = hex!(
            "02f871827a6907843b9aca0084773594008301e240941111111111111111111111111111111111111111"
            "8084deadbeefc001a05e257220375097603477319bd6bd16bebbab9826ef5e4fb1778dd5f7fa782570"
            "a079a578f01b39ec04107f1878d2955f5eb1aed4bbb2073fec5e088b5f998c0ffd"
        );
        assert_eq!(transaction.signed(&key).unwrap(), expected);
    }

    #[test]
    fn only_reverts_are_refusals() {
        let fault = |text: &str| serde_json::from_str::<Fault>(text).unwrap().revert_data();
        assert_eq!(fault(r#"{"message": "execution reverted", "data": "0x0102"}"#), Some(vec![1, 2]));
        assert_eq!(fault(r#"{"message": "execution reverted", "data": {"data": "0x03"}}"#), Some(vec![3]));
        assert_eq!(fault(r#"{"message": "execution reverted"}"#), Some(Vec::new()));
        assert_eq!(fault(r#"{"message": "insufficient funds"}"#), None);
    }
}
