//! A node of the chain, or several that stand in for each other: asked one thing after the other.
//!
//! The chain's identifier is asked for once, of every node, and enters every transaction that is signed.

use std::{
    fmt, io,
    ops::RangeInclusive,
    thread,
    time::{Duration, Instant},
};

use alloy::{
    consensus::{SignableTransaction as _, TxEip1559, TxEnvelope},
    eips::{BlockNumberOrTag, Encodable2718 as _},
    providers::{
        Identity, Provider, ProviderBuilder, RootProvider, SendableTx,
        fillers::{ChainIdFiller, FillProvider, GasFiller, JoinFill, NonceFiller, SimpleNonceManager},
    },
    rpc::types::{Block, Filter, TransactionInput, TransactionReceipt, TransactionRequest},
    transports::{RpcError, TransportError, TransportErrorKind, TransportResult},
};
use alloy_primitives::{B256, Bytes, Signature, TxKind, hex};
use alloy_sol_types::{SolCall, SolEvent};
use serde_json::{Value, json};
use surety_core::{
    ident::{Bytes32, EvmAddress, HexBytes},
    units::Timestamp,
};
use surety_verifier::attestation::signer::{Signable, Signer};
use tokio::runtime::{Builder, Runtime};

use crate::{
    abi::{address, bytes32},
    error::{Action, ChainError, PATIENCE},
    refusal::Refusal,
    transport::{self, Bounds, Http, origin},
};

/// Most wei for a unit of gas: a node that names a higher fee is mistaken, or wants the sender's balance.
const FEE_LIMIT: u128 = 1_000_000_000_000;

/// How often is asked for a transaction that was sent.
const INTERVAL: Duration = Duration::from_millis(200);

/// How long a transaction may be in no block before it is sent anew with a higher fee.
const STUCK_AFTER: Duration = Duration::from_secs(45);

/// Most bytes of a node's words that an error repeats.
const WORDS: usize = 500;

const ESTIMATE: &str = "eth_estimateGas";
const SEND: &str = "eth_sendRawTransaction";
const RECEIPT: &str = "eth_getTransactionReceipt";
const BLOCK: &str = "eth_getBlockByNumber";

/// Alloy's provider, which fills in chain, nonce, gas and fees.
type Filling = FillProvider<
    JoinFill<JoinFill<JoinFill<Identity, GasFiller>, NonceFiller<SimpleNonceManager>>, ChainIdFiller>,
    RootProvider,
>;

/// A node of a chain, or several that stand in for each other.
pub struct Node {
    /// Where they are, without passwords.
    origin: String,
    runtime: Runtime,
    provider: Filling,
    chain_id: u64,
    /// How long a transaction may be in no block before it is sent anew.
    stuck_after: Duration,
    /// How long a transaction is waited for.
    patience: Duration,
    /// Who is told of transactions that are in a block.
    told: Option<Box<Told>>,
}

/// Is told what a transaction was for, and what became of it.
type Told = dyn Fn(&'static str, &Receipt) + Send + Sync;

impl fmt::Debug for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Node").field("origin", &self.origin).field("chain_id", &self.chain_id).finish_non_exhaustive()
    }
}

/// What became of a transaction.
#[derive(Clone, Debug)]
pub struct Receipt {
    transaction: Bytes32,
    gas: u64,
}

impl Receipt {
    fn of(receipt: &TransactionReceipt) -> Self {
        Self { transaction: bytes32(receipt.transaction_hash), gas: receipt.gas_used }
    }

    /// The transaction.
    #[must_use]
    pub fn transaction(&self) -> Bytes32 {
        self.transaction
    }

    /// What it used of gas.
    #[must_use]
    pub fn gas(&self) -> u64 {
        self.gas
    }
}

impl Node {
    /// The node at a URL, which is asked which chain it is of.
    ///
    /// # Errors
    /// If it does not answer.
    pub fn connect(url: &str) -> Result<Self, ChainError> {
        Self::connect_any(&[url])
    }

    /// The nodes at these URLs, each of which is asked which chain it is of. Where one fails, the next is asked. Those
    /// that do not answer now are never asked again.
    ///
    /// # Errors
    /// If none answers, or two are of different chains.
    pub fn connect_any(urls: &[impl AsRef<str>]) -> Result<Self, ChainError> {
        Self::within(urls, Bounds::USUAL)
    }

    fn within(urls: &[impl AsRef<str>], bounds: Bounds) -> Result<Self, ChainError> {
        let runtime = Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error: io::Error| ChainError::Internal(format!("no runtime for questions to a node: {error}")))?;
        let mut answering: Vec<(String, Http, u64)> = Vec::new();
        let mut failure = ChainError::input("node", "at least one URL", "none");
        for url in urls {
            let (place, http) = (origin(url.as_ref()), Http::new(url.as_ref(), bounds));
            let http = http.map_err(|problem| ChainError::Node { url: place.clone(), method: "URL", problem })?;
            let provider: RootProvider = RootProvider::new(transport::client(vec![http.clone()]));
            match runtime.block_on(provider.get_chain_id()) {
                Ok(chain) => answering.push((place, http, chain)),
                Err(error) => failure = fault(&place, "eth_chainId", &error),
            }
        }
        let Some((first, _, chain_id)) = answering.first().cloned() else { return Err(failure) };
        if let Some((place, _, other)) = answering.iter().find(|(.., other)| *other != chain_id) {
            let expected = format!("a node of chain {chain_id}, as {first} is");
            let advice = "name nodes of one chain only";
            return Err(ChainError::mismatch(place, expected, format!("one of chain {other}"), advice));
        }
        let places: Vec<_> = answering.iter().map(|(place, ..)| place.as_str()).collect();
        let origin = places.join(", ");
        let client = transport::client(answering.into_iter().map(|(_, http, _)| http).collect());
        let provider = ProviderBuilder::default()
            .with_gas_estimation()
            .with_simple_nonce_management()
            .with_chain_id(chain_id)
            .connect_client(client);
        let (stuck_after, patience) = (STUCK_AFTER, PATIENCE);
        Ok(Self { origin, runtime, provider, chain_id, stuck_after, patience, told: None })
    }

    /// The node, which tells of every transaction of its user as soon as it is in a block.
    #[must_use]
    pub fn telling(self, told: impl Fn(&'static str, &Receipt) + Send + Sync + 'static) -> Self {
        Self { told: Some(Box::new(told)), ..self }
    }

    /// What asks.
    pub(crate) fn provider(&self) -> &impl Provider {
        &self.provider
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
        let block: Option<Block> =
            self.ask(BLOCK, self.provider.get_block_by_number(BlockNumberOrTag::Latest).into_future())?;
        let block = block.ok_or_else(|| self.problem(BLOCK, "no newest block"))?;
        Ok(Timestamp(block.header.timestamp))
    }

    /// The number of the newest block.
    pub(crate) fn newest_block(&self) -> Result<u64, ChainError> {
        self.ask("eth_blockNumber", self.provider.get_block_number().into_future())
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
        let code = self.ask("eth_getCode", self.provider.get_code_at(address(at)).into_future())?;
        Ok(code.into())
    }

    /// The events of one kind that a contract has emitted in these blocks, in the chain's order: those with one of
    /// these words, if there are any, as their first topic. Nodes answer for so many blocks or events at a time:
    /// where one fails, half as many blocks are asked for.
    pub(crate) fn events<E: SolEvent>(
        &self,
        at: &EvmAddress,
        first: &[B256],
        blocks: RangeInclusive<u64>,
    ) -> Result<Vec<E>, ChainError> {
        const METHOD: &str = "eth_getLogs";
        let (from, newest) = blocks.into_inner();
        if from > newest {
            let (expected, advice) = (format!("a block up to {newest}"), "give a block that the chain has");
            return Err(ChainError::mismatch("block", expected, from, advice));
        }
        let of = Filter::new().address(address(at)).event_signature(E::SIGNATURE_HASH);
        let of = if first.is_empty() { of } else { of.topic1(first.to_vec()) };
        let (mut start, mut blocks, mut events) = (from, newest.saturating_sub(from).saturating_add(1), Vec::new());
        while start <= newest {
            let end = start.saturating_add(blocks - 1).min(newest);
            let filter = of.clone().from_block(start).to_block(end);
            let logs = match self.ask(METHOD, self.provider.get_logs(&filter)) {
                Ok(logs) => logs,
                Err(_) if blocks > 1 => {
                    blocks /= 2;
                    continue;
                }
                Err(error) => return Err(error),
            };
            for log in logs {
                let (topics, data) = (log.topics().iter().copied(), &log.data().data);
                let event = E::decode_raw_log_validate(topics, data);
                let event = event.ok().filter(|_| log.address() == address(at) && !log.removed);
                events.push(event.ok_or_else(|| self.problem(METHOD, "an event that was not asked for"))?);
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
        self.run(from, at, call, BlockNumberOrTag::Latest, action)
    }

    /// What a contract answers at a block.
    pub(crate) fn view_at<C: SolCall>(
        &self,
        at: &EvmAddress,
        call: &C,
        block: u64,
        action: Action,
    ) -> Result<C::Return, ChainError> {
        self.run(None, at, call, BlockNumberOrTag::Number(block), action)
    }

    /// What a contract answers to a call of somebody at a block.
    fn run<C: SolCall>(
        &self,
        from: Option<&EvmAddress>,
        at: &EvmAddress,
        call: &C,
        block: BlockNumberOrTag,
        action: Action,
    ) -> Result<C::Return, ChainError> {
        let question = self.provider.call(request(from, Some(at), call.abi_encode())).block(block.into());
        let answer = self.try_call("eth_call", question.into_future(), action)?;
        C::abi_decode_returns_validate(&answer).map_err(|_| ChainError::Answer {
            contract: *at,
            action: action.name,
            found: format!("{} bytes of another form", answer.len()),
        })
    }

    /// The gas of a transaction of `from` that calls a contract, which may refuse.
    pub(crate) fn estimate<C: SolCall>(
        &self,
        from: &EvmAddress,
        at: &EvmAddress,
        call: &C,
        action: Action,
    ) -> Result<u64, ChainError> {
        let request = request(Some(from), Some(at), call.abi_encode());
        let simulation = self.provider.estimate_gas(request).block(BlockNumberOrTag::Latest.into());
        self.try_call(ESTIMATE, simulation.into_future(), action)
    }

    /// Wei for a unit of gas now.
    pub(crate) fn gas_price(&self) -> Result<u128, ChainError> {
        self.ask("eth_gasPrice", self.provider.get_gas_price().into_future())
    }

    /// Sends a transaction that calls a contract, and waits until it is in a block.
    pub(crate) fn call<C: SolCall>(
        &self,
        signer: &dyn Signer,
        at: &EvmAddress,
        call: &C,
        action: Action,
    ) -> Result<Receipt, ChainError> {
        self.call_within(signer, at, call, action, FEE_LIMIT)
    }

    /// The same for so many wei for a unit of gas, at most.
    pub(crate) fn call_within<C: SolCall>(
        &self,
        signer: &dyn Signer,
        at: &EvmAddress,
        call: &C,
        action: Action,
        most: u128,
    ) -> Result<Receipt, ChainError> {
        let (receipt, _) = self.send(signer, Some(at), call.abi_encode(), action, most)?;
        Ok(Receipt::of(&receipt))
    }

    /// Sends a transaction that creates a contract, and waits until it is in a block.
    pub(crate) fn create(&self, signer: &dyn Signer, code: Vec<u8>, action: Action) -> Result<EvmAddress, ChainError> {
        let (receipt, nonce) = self.send(signer, None, code, action, FEE_LIMIT)?;
        // What is there was created by the transaction that was signed, whatever the node says.
        let created = address(&signer.address()).create(nonce);
        match receipt.contract_address {
            Some(found) if found == created => Ok(HexBytes(created.into_array())),
            found => {
                let found = found.map_or("none".to_owned(), |found| format!("{found:#x}"));
                let problem =
                    format!("expected the contract {created:#x}, which the transaction creates, found {found}");
                Err(self.problem(RECEIPT, problem))
            }
        }
    }

    /// What became of a transaction, and its nonce. A unit of gas costs `most` wei at most, however long nobody takes
    /// it for that.
    fn send(
        &self,
        signer: &dyn Signer,
        to: Option<&EvmAddress>,
        input: Vec<u8>,
        action: Action,
        most: u128,
    ) -> Result<(TransactionReceipt, u64), ChainError> {
        let mut request = request(Some(&signer.address()), to, input);
        let simulation = self.provider.estimate_gas(request.clone()).block(BlockNumberOrTag::Latest.into());
        let gas = self.try_call(ESTIMATE, simulation.into_future(), action)?;
        // What depends on the state may cost a little more by then.
        request.gas = Some(gas.saturating_add(gas / 8));
        let mut transaction = match self.ask("fees and nonce", self.provider.fill(request))? {
            SendableTx::Builder(filled) if filled.gas_price.is_none() => {
                filled.build_1559().map_err(|error| ChainError::Internal(error.to_string()))?
            }
            _ => return Err(self.problem(BLOCK, "a block without a base fee, as before EIP-1559")),
        };
        if transaction.max_fee_per_gas > FEE_LIMIT {
            let fee = transaction.max_fee_per_gas;
            let problem = format!("expected at most {FEE_LIMIT} wei for a unit of gas, found {fee}");
            return Err(self.problem("eth_feeHistory", problem));
        }
        transaction.max_fee_per_gas = transaction.max_fee_per_gas.min(most);
        transaction.max_priority_fee_per_gas = transaction.max_priority_fee_per_gas.min(most);
        let nonce = transaction.nonce;
        let mut sent = vec![self.submit(signer, &transaction)?];
        let (start, mut last) = (Instant::now(), Instant::now());
        while start.elapsed() < self.patience {
            for hash in &sent {
                if let Some(receipt) = self.ask(RECEIPT, self.provider.get_transaction_receipt(*hash))? {
                    if !receipt.status() {
                        return Err(ChainError::Failed(bytes32(*hash)));
                    }
                    if let Some(told) = &self.told {
                        told(action.name, &Receipt::of(&receipt));
                    }
                    return Ok((receipt, nonce));
                }
            }
            if last.elapsed() >= self.stuck_after {
                last = Instant::now();
                if let Some(raised) = self.raised(&transaction, most) {
                    // A node that refuses it has the one before in a block by now, or keeps to it.
                    sent.extend(self.submit(signer, &raised));
                    transaction = raised;
                }
            }
            thread::sleep(INTERVAL);
        }
        Err(ChainError::Pending(bytes32(sent[sent.len() - 1])))
    }

    /// Signs a transaction and sends it.
    fn submit(&self, signer: &dyn Signer, transaction: &TxEip1559) -> Result<B256, ChainError> {
        let signed = signed(signer, transaction)?;
        let (hash, raw) = (*signed.tx_hash(), signed.encoded_2718());
        let pending = self.ask(SEND, self.provider.send_raw_transaction(&raw))?;
        let found = *pending.tx_hash();
        if found != hash {
            return Err(self.problem(SEND, format!("expected the transaction {hash}, found {found}")));
        }
        Ok(hash)
    }

    /// The transaction with fees an eighth higher, which nodes take in its place, and at least those of the present;
    /// none if that is above a limit.
    fn raised(&self, transaction: &TxEip1559, most: u128) -> Option<TxEip1559> {
        let (fee, tip) = (transaction.max_fee_per_gas, transaction.max_priority_fee_per_gas);
        let present = self.runtime.block_on(self.provider.estimate_eip1559_fees()).ok();
        let at_least = |fee: u128, present: Option<u128>| (fee + fee.div_ceil(8)).max(present.unwrap_or_default());
        let max_fee_per_gas = at_least(fee, present.as_ref().map(|fees| fees.max_fee_per_gas));
        let max_priority_fee_per_gas = at_least(tip, present.as_ref().map(|fees| fees.max_priority_fee_per_gas));
        let raised = TxEip1559 { max_fee_per_gas, max_priority_fee_per_gas, ..transaction.clone() };
        Some(raised).filter(|raised| raised.max_fee_per_gas <= FEE_LIMIT.min(most))
    }

    /// Asks the node for something that no contract has a say in.
    pub(crate) fn ask<T>(
        &self,
        method: &'static str,
        question: impl Future<Output = TransportResult<T>>,
    ) -> Result<T, ChainError> {
        self.runtime.block_on(question).map_err(|error| fault(&self.origin, method, &error))
    }

    /// Asks the node to run a contract, which may refuse.
    fn try_call<T>(
        &self,
        method: &'static str,
        question: impl Future<Output = TransportResult<T>>,
        action: Action,
    ) -> Result<T, ChainError> {
        self.runtime.block_on(question).map_err(|error| match revert_data(&error) {
            Some(data) => ChainError::Refused { action, reason: Refusal::decode(&data) },
            None => fault(&self.origin, method, &error),
        })
    }

    pub(crate) fn problem(&self, method: &'static str, problem: impl ToString) -> ChainError {
        let problem = problem.to_string().chars().take(WORDS).collect();
        ChainError::Node { url: self.origin.clone(), method, problem }
    }
}

/// A transaction with its signature.
fn signed(signer: &dyn Signer, transaction: &TxEip1559) -> Result<TxEnvelope, ChainError> {
    let signature = Signature::from_raw_array(&signer.sign(&Unsigned(transaction))?.0);
    let signature = signature.map_err(|error| ChainError::Internal(error.to_string()))?;
    Ok(transaction.clone().into_signed(signature).into())
}

/// A transaction that is signed. Signers see its fields, and the bytes whose Keccak-256 hash is the digest.
struct Unsigned<'a>(&'a TxEip1559);

impl Signable for Unsigned<'_> {
    fn digest(&self) -> Bytes32 {
        bytes32(self.0.signature_hash())
    }

    fn to_json(&self) -> Value {
        json!({ "transaction": self.0, "unsigned": hex::encode_prefixed(self.0.encoded_for_signing()) })
    }
}

/// A transaction that is to be simulated or filled in.
fn request(from: Option<&EvmAddress>, to: Option<&EvmAddress>, data: Vec<u8>) -> TransactionRequest {
    TransactionRequest {
        from: from.map(address),
        to: Some(to.map_or(TxKind::Create, |to| TxKind::Call(address(to)))),
        // The name that every node knows.
        input: TransactionInput { input: None, data: Some(Bytes::from(data)) },
        ..TransactionRequest::default()
    }
}

/// What a contract returned that reverted, if one did.
fn revert_data(error: &TransportError) -> Option<Bytes> {
    let RpcError::ErrorResp(fault) = error else { return None };
    fault.as_revert_data().or_else(|| fault.message.contains("revert").then(Bytes::new))
}

/// A node's failure, without what may be a password, and without the answer.
fn fault(origin: &str, method: &'static str, error: &TransportError) -> ChainError {
    let problem = match error {
        RpcError::ErrorResp(fault) => fault.message.chars().take(WORDS).collect(),
        RpcError::DeserError { err, .. } => format!("an answer of another form: {err}"),
        RpcError::Transport(TransportErrorKind::HttpError(error)) => {
            format!("expected an answer of JSON-RPC, found status {}", error.status)
        }
        RpcError::Transport(TransportErrorKind::Custom(error)) => error.to_string().chars().take(WORDS).collect(),
        RpcError::NullResp => "expected an answer, found null".to_owned(),
        error => error.to_string().chars().take(WORDS).collect(),
    };
    ChainError::Node { url: origin.to_owned(), method, problem }
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead as _, BufReader, Read as _, Write as _},
        net::TcpListener,
        path::Path,
        process::{Command, Stdio},
        sync::{Arc, Mutex},
    };

    use alloy::{consensus::Transaction as _, eips::Decodable2718 as _, rpc::json_rpc::ErrorPayload};
    use alloy_primitives::{Address, keccak256};
    use surety_testing::node::answering;
    use surety_verifier::attestation::signature::SigningKey;

    use super::*;
    use crate::sample;

    const NONCE: u64 = 7;

    fn key() -> SigningKey {
        SigningKey::from_secret_bytes(&[1; 32]).unwrap()
    }

    /// What a node says that tells the truth about a transaction which creates a contract, at a base fee of 7 wei and
    /// this tip.
    fn truth(method: &str, parameters: &Value, tip: u128) -> Value {
        let created = address(&key().address()).create(NONCE);
        match method {
            "eth_feeHistory" => json!({
                "oldestBlock": "0x1", "baseFeePerGas": ["0x7", "0x7"], "gasUsedRatio": [0.5],
                "reward": [[format!("{tip:#x}")]],
            }),
            "eth_getTransactionCount" => json!("0x7"),
            "eth_sendRawTransaction" => json!(keccak256(raw(parameters)).to_string()),
            "eth_getTransactionReceipt" => json!({
                "type": "0x2", "transactionHash": parameters[0], "contractAddress": created.to_string(),
                "status": "0x1", "gasUsed": "0x5208", "cumulativeGasUsed": "0x5208", "effectiveGasPrice": "0x8",
                "from": address(&key().address()).to_string(), "to": null, "transactionIndex": "0x0",
                "blockHash": B256::ZERO, "blockNumber": "0x1", "logs": [],
                "logsBloom": format!("0x{}", "00".repeat(256)),
            }),
            _ => json!("0x5208"),
        }
    }

    fn raw(parameters: &Value) -> Vec<u8> {
        hex::decode(parameters[0].as_str().unwrap()).unwrap()
    }

    const ACTION: Action = Action::new("a test");

    /// Creates a contract at a node that says what `change` makes of the truth.
    fn create(change: fn(&str, Value) -> Value) -> Result<EvmAddress, ChainError> {
        let node = sample::node(move |method, parameters| change(method, truth(method, parameters, 1)));
        node.create(&key(), vec![0xfe], ACTION)
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
        let create = |tip| {
            sample::node(move |method, parameters| truth(method, parameters, tip)).create(&key(), vec![0xfe], ACTION)
        };
        create(FEE_LIMIT - 14).unwrap();
        let refusal = create(FEE_LIMIT - 13).unwrap_err().to_string();
        assert!(refusal.contains("wei for a unit of gas, found 1000000000001"), "{refusal}");
    }

    /// The transactions that a node is sent which puts only such a fee, in wei, into a block.
    fn sent_until(sufficient: u128, tip: u128) -> (Result<EvmAddress, ChainError>, Vec<TxEnvelope>) {
        sent_within(FEE_LIMIT, sufficient, tip)
    }

    /// The same for so many wei for a unit of gas, at most.
    fn sent_within(most: u128, sufficient: u128, tip: u128) -> (Result<EvmAddress, ChainError>, Vec<TxEnvelope>) {
        let sent = Arc::new(Mutex::new(Vec::<TxEnvelope>::new()));
        let seen = Arc::clone(&sent);
        let mut node = sample::node(move |method, parameters| match method {
            "eth_sendRawTransaction" => {
                seen.lock().unwrap().push(TxEnvelope::decode_2718(&mut raw(parameters).as_slice()).unwrap());
                truth(method, parameters, tip)
            }
            "eth_getTransactionReceipt" => {
                let sent = seen.lock().unwrap();
                let asked = sent.iter().find(|sent| json!(sent.tx_hash()) == parameters[0]).unwrap();
                if asked.max_fee_per_gas() < sufficient { Value::Null } else { truth(method, parameters, tip) }
            }
            _ => truth(method, parameters, tip),
        });
        node.stuck_after = Duration::ZERO;
        node.patience = Duration::from_secs(2);
        let sending = node.send(&key(), None, vec![0xfe], ACTION, most);
        let created = sending.map(|(receipt, _)| HexBytes(receipt.contract_address.unwrap().into_array()));
        let sent = sent.lock().unwrap().clone();
        (created, sent)
    }

    #[test]
    fn a_stuck_transaction_is_sent_anew_with_a_higher_fee() {
        const TIP: u128 = 1_000;
        let (created, sent) = sent_until(1_250, TIP);
        assert_eq!(created.unwrap().0, address(&key().address()).create(NONCE).into_array());
        let fees: Vec<_> = sent.iter().map(|sent| sent.max_fee_per_gas()).collect();
        assert_eq!(fees, [1_014, 1_141, 1_284]);
        for pair in sent.windows(2) {
            assert!(pair.iter().all(|sent| sent.nonce() == NONCE));
            let (before, after) = (pair[0].max_priority_fee_per_gas(), pair[1].max_priority_fee_per_gas());
            assert!(8 * after.unwrap() >= 9 * before.unwrap());
        }
    }

    /// A node that makes a block only when it is asked to, and replaces transactions as geth does.
    #[test]
    fn a_node_takes_a_raised_transaction_in_place_of_the_first() {
        const ANVIL: &str = "../contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil";
        let program = Path::new(env!("CARGO_MANIFEST_DIR")).join(ANVIL);
        if !program.exists() {
            println!("skipped: {} is absent; contracts/check installs it", program.display());
            return;
        }
        let arguments = ["--port", "0", "--no-mining"];
        let mut anvil = Command::new(program).args(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(anvil.stdout.take().unwrap()).lines().map(Result::unwrap);
        let listening = lines.find_map(|line| line.strip_prefix("Listening on ").map(str::to_owned)).unwrap();
        thread::spawn(move || lines.for_each(drop));
        let mut node = Node::connect(&format!("http://{listening}")).unwrap();
        node.stuck_after = Duration::from_secs(1);
        let miner = Node::connect(&format!("http://{listening}")).unwrap();
        let mining = thread::spawn(move || {
            thread::sleep(Duration::from_secs(3));
            miner.ask("evm_mine", miner.provider.raw_request::<_, Value>("evm_mine".into(), json!([]))).unwrap();
        });
        // The first account of every development chain. The code that it creates is one byte.
        let secret = hex!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
        let first = node.runtime.block_on(node.provider.estimate_eip1559_fees()).unwrap().max_fee_per_gas;
        let key = SigningKey::from_secret_bytes(&secret).unwrap();
        let created = node.create(&key, hex!("60fe60005360016000f3").to_vec(), ACTION).unwrap();
        mining.join().unwrap();
        assert_eq!(node.code(&created).unwrap(), [0xfe]);
        let block = node
            .ask(BLOCK, node.provider.get_block_by_number(BlockNumberOrTag::Number(1)).full().into_future())
            .unwrap()
            .unwrap();
        let fees: Vec<_> = block.transactions.txns().map(|included| included.max_fee_per_gas()).collect();
        assert!(fees.len() == 1 && 8 * fees[0] >= 9 * first, "{fees:?}, where the first was {first}");
        anvil.kill().unwrap();
        anvil.wait().unwrap();
    }

    /// A transaction that nobody takes does not cost more than the limit in the end.
    #[test]
    fn rejects_raising_a_fee_above_the_limit() {
        let (created, sent) = sent_until(u128::MAX, FEE_LIMIT - 14);
        assert!(matches!(created, Err(ChainError::Pending(_))), "{created:?}");
        assert_eq!(sent.len(), 1);
    }

    /// What a step pays is what it may cost, and no more.
    #[test]
    fn rejects_raising_a_fee_above_what_the_sender_pays() {
        let fees = |most| {
            let (created, sent) = sent_within(most, u128::MAX, 1_000);
            assert!(matches!(created, Err(ChainError::Pending(_))), "{created:?}");
            sent.iter().map(|sent| sent.max_fee_per_gas()).collect::<Vec<_>>()
        };
        assert_eq!(fees(1_200), [1_014, 1_141]);
        assert_eq!(fees(1_000), [1_000]);
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
        let secret = hex!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");
        let key = SigningKey::from_secret_bytes(&secret).unwrap();
        let transaction = TxEip1559 {
            chain_id: 31_337,
            nonce: 7,
            max_priority_fee_per_gas: 1_000_000_000,
            max_fee_per_gas: 2_000_000_000,
            gas_limit: 123_456,
            to: TxKind::Call(Address::repeat_byte(0x11)),
            input: Bytes::from_static(&hex!("deadbeef")),
            ..TxEip1559::default()
        };
        let expected = hex!(
            "02f871827a6907843b9aca0084773594008301e240941111111111111111111111111111111111111111"
            "8084deadbeefc001a05e257220375097603477319bd6bd16bebbab9826ef5e4fb1778dd5f7fa782570"
            "a079a578f01b39ec04107f1878d2955f5eb1aed4bbb2073fec5e088b5f998c0ffd"
        );
        assert_eq!(signed(&key, &transaction).unwrap().encoded_2718(), expected);
    }

    /// What signers are shown is what they sign.
    #[test]
    fn a_transaction_is_shown_with_the_bytes_that_are_signed() {
        let unsigned = TxEip1559 { nonce: NONCE, input: Bytes::from_static(&[0xfe]), ..TxEip1559::default() };
        let shown = Unsigned(&unsigned).to_json();
        let bytes = hex::decode(shown["unsigned"].as_str().unwrap()).unwrap();
        assert_eq!(Unsigned(&unsigned).digest().0, keccak256(bytes).0);
        assert_eq!(serde_json::from_value::<TxEip1559>(shown["transaction"].clone()).unwrap(), unsigned);
    }

    fn refusal_of(url: &str) -> String {
        Node::connect(url).unwrap_err().to_string()
    }

    #[test]
    fn rejects_what_is_no_url() {
        assert!(refusal_of("node.example").contains("expected a URL"), "{}", refusal_of("node.example"));
    }

    /// A node of another chain, which a transaction for this one would be sent to.
    #[test]
    fn rejects_nodes_of_several_chains() {
        let [first, second] = [1, 5].map(|chain| {
            answering_chain(move |_| json!({ "jsonrpc": "2.0", "id": 0, "result": format!("{chain:#x}") }).to_string())
        });
        let refusal = Node::connect_any(&[&first, &second]).unwrap_err().to_string();
        assert!(refusal.contains("expected a node of chain 1, as http://127.0.0.1:"), "{refusal}");
        assert!(refusal.contains("found one of chain 5"), "{refusal}");
    }

    #[test]
    fn the_next_node_answers_where_one_fails() {
        // The first says which chain it is of, and nothing more.
        let mut asked = 0;
        let first = answering_chain(move |question| {
            asked += 1;
            if asked == 1 {
                json!({ "jsonrpc": "2.0", "id": question["id"], "result": "0x1" }).to_string()
            } else {
                "?".to_owned()
            }
        });
        let second = answering(|_, _| json!("0xfe"));
        let node = Node::connect_any(&["http://127.0.0.1:9", &first, &second]).unwrap();
        assert_eq!(node.code(&EvmAddress::ZERO).unwrap(), [0xfe]);
        assert_eq!(node.origin, format!("{first}, {second}"));
    }

    #[test]
    fn a_node_that_asks_for_patience_is_asked_again() {
        let mut asked = 0;
        let url = answering_chain(move |question| {
            asked += 1;
            let id = &question["id"];
            match asked {
                1 => json!({ "jsonrpc": "2.0", "id": id, "error": { "code": 429, "message": "too many" } }).to_string(),
                _ => json!({ "jsonrpc": "2.0", "id": id, "result": "0x1" }).to_string(),
            }
        });
        assert_eq!(Node::connect(&url).unwrap().chain_id(), 1);
    }

    /// A server of HTTP that answers every question with such a body.
    fn answering_chain(mut answer: impl FnMut(&Value) -> String + Send + 'static) -> String {
        serving(move |question, stream| {
            let body = answer(question);
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _ = stream.write_all((head + &body).as_bytes());
        })
    }

    fn serving(mut answer: impl FnMut(&Value, &mut std::net::TcpStream) + Send + 'static) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (mut stream, mut read, mut chunk) = (stream.unwrap(), Vec::new(), [0; 4_096]);
                let question = loop {
                    let count = stream.read(&mut chunk).unwrap();
                    read.extend_from_slice(&chunk[..count]);
                    let text = String::from_utf8_lossy(&read);
                    let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
                    if let Ok(question) = serde_json::from_str::<Value>(body) {
                        break question;
                    }
                };
                answer(&question, &mut stream);
            }
        });
        url
    }

    const NARROW: Bounds = Bounds { time: Duration::from_secs(2), bytes: 1_000 };

    /// Attack: a node that accepts a question and says nothing.
    #[test]
    fn rejects_a_node_that_never_answers() {
        let url = serving(|_, stream| {
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n");
            thread::sleep(Duration::from_secs(60));
        });
        let refusal = Node::within(&[url], NARROW).unwrap_err().to_string();
        assert!(refusal.contains("eth_chainId") && refusal.contains("timed out"), "{refusal}");
    }

    /// Attack: a node whose answer has no end.
    #[test]
    fn rejects_an_answer_that_is_too_long() {
        let url = serving(|_, stream| {
            let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
            let mut going = stream.write_all(head).is_ok();
            while going {
                going = stream.write_all(b"10\r\n                \r\n").is_ok();
            }
        });
        let refusal = Node::within(&[url], NARROW).unwrap_err().to_string();
        assert!(refusal.contains("expected an answer of at most 1000 bytes, found a longer one"), "{refusal}");
    }

    /// Attack: a node that has what was sent to it, with a password in the path perhaps, sent elsewhere.
    #[test]
    fn rejects_an_answer_that_leads_elsewhere() {
        let elsewhere = answering(|_, _| panic!("nothing is sent here"));
        let url = serving(move |_, stream| {
            let head = format!("HTTP/1.1 307 Temporary Redirect\r\nLocation: {elsewhere}\r\nContent-Length: 0\r\n\r\n");
            let _ = stream.write_all(head.as_bytes());
        });
        assert!(refusal_of(&url).contains("found status 307"), "{}", refusal_of(&url));
    }

    #[test]
    fn only_reverts_are_refusals() {
        let fault = |text: &str| {
            let fault = serde_json::from_str::<ErrorPayload>(text).unwrap();
            revert_data(&TransportError::ErrorResp(fault)).map(Vec::from)
        };
        assert_eq!(fault(r#"{"code": 3, "message": "execution reverted", "data": "0x0102"}"#), Some(vec![1, 2]));
        assert_eq!(fault(r#"{"code": 3, "message": "execution reverted", "data": {"data": "0x03"}}"#), Some(vec![3]));
        assert_eq!(fault(r#"{"code": 3, "message": "execution reverted"}"#), Some(Vec::new()));
        assert_eq!(fault(r#"{"code": -32000, "message": "insufficient funds"}"#), None);
    }
}
