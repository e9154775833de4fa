//! The parties around an account: oracle nodes that sign prices, and a custodian that states balances, so that whole
//! attestations can be made of a size.

use std::{path::Path, time::SystemTime};

use surety_core::{
    FormatVersion,
    ident::{Bytes32, EvmAddress, HexBytes, Name},
    kind::KindOf,
    text::Document as _,
    units::{Price, Seconds, Timestamp},
};
use surety_host::{
    documents,
    files::{self, Access, Existing},
    keys::demo_key,
    setup::Setups,
};
use surety_kzg::progress::Silent;
use surety_margin::{
    holdings::{Balance, Holdings},
    market::{Observation, Observed, Snapshot},
    universe::Universe,
};
use surety_prover::{
    layout::Layout,
    many::ToProve,
    opening::Opening,
    oracle::{self, Clock, Comparison},
    prove::{ProofRequest, Prover},
    source::{self, StatementTerms},
};
use surety_verifier::{
    CompiledPolicy,
    attestation::{eip712::Audience, statement::Statement},
};

use crate::{Setting, Shape};

/// A policy, prices, and a prover.
pub struct Parties {
    universe: Universe,
    policy: CompiledPolicy,
    snapshot: Snapshot,
    level: Name,
    holdings: Holdings,
    /// When everything is observed, stated and proven.
    now: Timestamp,
    /// The prover.
    pub prover: Prover,
}

/// The inputs of an attestation.
pub struct Institution<'a> {
    parties: &'a Parties,
    statements: Vec<Statement>,
    openings: Vec<Opening>,
}

impl Parties {
    /// The parties around the account of a shape that has observed prices, with the cached table.
    #[must_use]
    pub fn new(shape: Shape, setups: &Setups) -> Self {
        let now = Timestamp(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
        let Setting { universe, mut policy, prices, position } = shape.setting();
        policy.sources.iter_mut().for_each(|source| source.signer = demo_key(source.name.as_str()).unwrap().address());
        policy.oracle.nodes.iter_mut().for_each(|node| node.signer = demo_key(node.name.as_str()).unwrap().address());
        let observe = |price: &Price| {
            Observed::Price(Observation { price: *price, confidence: Price::new(1).unwrap(), age: Seconds(0) })
        };
        let observations: Vec<_> = prices.iter().map(observe).collect();
        let sign = |node: &surety_margin::market::OracleNode| {
            let key = demo_key(node.name.as_str()).unwrap();
            oracle::sign(&policy, &universe, observations.clone(), Clock::at(now), Comparison::None, &key).unwrap()
        };
        let reports: Vec<_> = policy.oracle.nodes.iter().map(sign).collect();
        let snapshot = oracle::aggregate(&policy, &universe, &reports, None, now).unwrap();
        let balance = |(instrument, lots): (&surety_margin::universe::Instrument, &_)| Balance {
            instrument: instrument.name.clone(),
            lots: *lots,
        };
        let holdings = Holdings {
            kind: KindOf::new(),
            version: FormatVersion,
            universe: universe.name.clone(),
            balances: universe.instruments.iter().zip(position.lots()).map(balance).collect(),
        };
        let params = shape.params();
        let level = policy.levels[0].name.clone();
        let policy = CompiledPolicy::compile(policy, universe.clone(), &params).unwrap();
        let table = setups.table(&params, &Silent);
        Self { universe, policy, snapshot, level, holdings, now, prover: Prover::with_table(params, table).unwrap() }
    }

    /// Writes the files that `surety prove` takes.
    pub fn write(&self, directory: &Path) {
        let layout = Layout::new(directory);
        files::create_directory(directory).unwrap();
        let write = |path: &Path, text: String| {
            files::write(path, text.as_bytes(), Access::Public, Existing::Replace).unwrap();
        };
        write(&layout.universe(), self.universe.to_toml().unwrap());
        write(&layout.policy(), self.policy.committed().policy().to_toml().unwrap());
        documents::write(&layout.market(), &self.snapshot, Existing::Replace).unwrap();
        let Institution { statements, openings, .. } = self.institution();
        statements.iter().zip(&openings).for_each(|(statement, opening)| {
            layout.write_statement(statement, opening).unwrap();
        });
    }

    /// An institution with the account.
    #[must_use]
    pub fn institution(&self) -> Institution<'_> {
        let rules = self.policy.committed().policy();
        let terms = StatementTerms {
            audience: Audience { chain_id: 1, registry: HexBytes([0xaa; 20]) },
            subject: HexBytes([0x50; 20]),
            account: rules.sources[0].accounts[0].clone(),
            as_of: self.now,
            valid_until: Timestamp(self.now.0 + 86_400),
            sequence: 1,
            pledge: None,
        };
        let key = demo_key(rules.sources[0].name.as_str()).unwrap();
        let (holdings, params) = (self.holdings.clone(), self.prover.params());
        let (statement, opening) = source::attest(&self.universe, params, holdings, terms, &key).unwrap();
        Institution { parties: self, statements: vec![statement], openings: vec![opening] }
    }
}

impl ToProve for Institution<'_> {
    fn request(&self) -> ProofRequest<'_> {
        ProofRequest {
            policy: &self.parties.policy,
            snapshot: &self.parties.snapshot,
            on_chain: false,
            vault: None,
            statements: &self.statements,
            level: &self.parties.level,
            verifier: EvmAddress::ZERO,
            valid_until: None,
            presentation: Bytes32::ZERO,
            now: self.parties.now,
        }
    }

    fn openings(&self) -> &[Opening] {
        &self.openings
    }
}
