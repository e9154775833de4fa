//! What is signed, against an independent implementation of EIP-712.

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{Eip712Domain, SolStruct, eip712_domain, sol};
use proptest::prelude::*;
use surety_core::{
    ident::HexBytes,
    units::{Price, Seconds, Timestamp},
};
use surety_margin::market::{Observation, Observed};
use surety_verifier::attestation::{eip712::Audience, report};

use crate::fixture::{Scene, custodian, name, statement};

sol! {
    struct SourceStatement {
        address source;
        address subject;
        bytes32 account;
        bytes32 universe;
        uint256 commitmentX;
        uint256 commitmentY;
        uint64 asOf;
        uint64 validUntil;
        uint64 sequence;
        bytes32 encumbrance;
    }

    struct MarketReport {
        bytes32 feeds;
        uint64 epoch;
        uint64 observedAt;
        bytes32 previous;
        bool[] observed;
        uint256[] prices;
        uint256[] confidences;
        uint64[] ages;
    }
}

fn domain(audience: &Audience) -> Eip712Domain {
    eip712_domain! {
        name: "Surety",
        version: "1",
        chain_id: audience.chain_id,
        verifying_contract: Address::from(audience.registry.0),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]
    #[test]
    fn statements_are_hashed_as_eip_712_says(
        chain_id: u64, addresses: [[u8; 20]; 3], words: [[u8; 32]; 4], numbers: [u64; 3],
        label in "[a-z][a-z0-9.-]{0,20}"
    ) {
        let mut statement = statement(&custodian(), "main", 0);
        statement.audience = Audience { chain_id, registry: HexBytes(addresses[0]) };
        (statement.source, statement.subject) = (HexBytes(addresses[1]), HexBytes(addresses[2]));
        (statement.universe.0, statement.encumbrance) = (HexBytes(words[0]), HexBytes(words[1]));
        statement.commitment = HexBytes(core::array::from_fn(|i| words[2 + i / 32][i % 32]));
        (statement.as_of, statement.valid_until) = (Timestamp(numbers[0]), Timestamp(numbers[1]));
        statement.sequence = numbers[2];
        statement.account = name(&label);
        let twin = SourceStatement {
            source: addresses[1].into(),
            subject: addresses[2].into(),
            account: keccak256(format!("surety/account/v1{label}")),
            universe: B256::from(words[0]),
            commitmentX: U256::from_be_bytes(words[2]),
            commitmentY: U256::from_be_bytes(words[3]),
            asOf: numbers[0],
            validUntil: numbers[1],
            sequence: numbers[2],
            encumbrance: B256::from(words[1]),
        };
        prop_assert_eq!(statement.hash().0, twin.eip712_signing_hash(&domain(&statement.audience)).0);
    }

    #[test]
    fn reports_are_hashed_as_eip_712_says(
        words: [[u8; 32]; 2], numbers: [u64; 2],
        values in prop::collection::vec(prop::option::of((0..=Price::MAX, 0..=Price::MAX, any::<u64>())), 0..5)
    ) {
        let mut report = Scene::new().snapshot.reports[0].clone();
        let price = |value| Price::new(value).unwrap();
        (report.feeds, report.previous) = (HexBytes(words[0]), HexBytes(words[1]));
        (report.epoch, report.observed_at) = (numbers[0], Timestamp(numbers[1]));
        let observed = |value: &Option<(u128, u128, u64)>| match *value {
            Some((p, c, age)) => {
                Observed::Price(Observation { price: price(p), confidence: price(c), age: Seconds(age) })
            }
            None => Observed::Absent,
        };
        report.observations = values.iter().map(observed).collect();
        let column = || values.iter().map(|value| value.unwrap_or_default());
        let twin = MarketReport {
            feeds: words[0].into(),
            epoch: numbers[0],
            observedAt: numbers[1],
            previous: words[1].into(),
            observed: values.iter().map(Option::is_some).collect(),
            prices: column().map(|(price, ..)| U256::from(price)).collect(),
            confidences: column().map(|(_, confidence, _)| U256::from(confidence)).collect(),
            ages: column().map(|(.., age)| age).collect(),
        };
        let domain = eip712_domain! { name: "Surety", version: "1", };
        prop_assert_eq!(report::hash(&report).0, twin.eip712_signing_hash(&domain).0);
    }
}

#[test]
fn an_absence_is_signed_as_nothing_else() {
    let mut report = Scene::new().snapshot.reports[0].clone();
    let mut hash = |observed| {
        report.observations[0] = observed;
        report::hash(&report)
    };
    let zero = Observation { price: Price::ZERO, confidence: Price::ZERO, age: Seconds(0) };
    assert_ne!(hash(Observed::Absent), hash(Observed::Price(zero)));
}
