//! A venue that relies on attestations: whose position is to be flagged or closed, what that pays, and what it costs.
//!
//! What may be done is for the contract to say: each step is simulated, and a refusal is an answer. What a step pays is
//! computed here as the contract computes it, from what the node says now: both may be otherwise in the next block.

use std::collections::BTreeSet;

use alloy_primitives::{I256, U256};
use serde::Serialize;
use surety_core::ident::{EvmAddress, HexBytes, Name};
use surety_verifier::{CommittedPolicy, attestation::signer::Signer};

use crate::{
    abi::{
        ICollateralVault::balanceOfCall,
        IERC20Metadata::decimalsCall,
        IPolicyRegistry::marketRulesCall,
        ISnapshotOracle::{latestCall, pricesOfCall},
        MarginGatedVenue::{
            ATTESTATION_REGISTRYCall, Opened, QUOTECall, VAULTCall, flagCall, flagOfCall, liquidateCall,
            liquidateShortCall, positionOfCall, rulesCall,
        },
        VenueRules, address, word,
    },
    deployment::Contracts,
    error::{Action, ChainError},
    node::Receipt,
};

const FLAG: Action = Action::new("MarginGatedVenue.flag");
const LIQUIDATE: Action = Action::new("MarginGatedVenue.liquidate");
const LIQUIDATE_SHORT: Action = Action::new("MarginGatedVenue.liquidateShort");

/// Decimals of a chain's coin, by which gas is paid.
const COIN_DECIMALS: u32 = 18;

/// Gas of a liquidation, as long as it cannot be simulated because the account has not been flagged. About twice what
/// the contract's tests measure.
const LIQUIDATION_GAS: u64 = 400_000;

/// A venue of a policy.
#[derive(Debug)]
pub struct Venue<'a> {
    pub(crate) contracts: &'a Contracts,
    pub(crate) at: EvmAddress,
    policy: &'a CommittedPolicy,
    rules: VenueRules,
    pub(crate) quote: EvmAddress,
    pub(crate) vault: EvmAddress,
    /// Units of size times price in the quote token's smallest unit.
    scale: U256,
    /// Decimals of the quote token.
    pub(crate) decimals: u32,
    /// Decimals of each price of the policy.
    pub(crate) price_decimals: Vec<u8>,
}

/// Something that anybody may do to an account that does not attest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// Flag it: the grace begins.
    Flag,
    /// Close its position, as the grace is over.
    Liquidate,
    /// Close its position, as a shortfall is attested.
    LiquidateShort,
}

impl Step {
    /// All of them, those first after which nothing is left to do.
    const ALL: [Self; 3] = [Self::LiquidateShort, Self::Liquidate, Self::Flag];
}

/// What a step pays and costs, in the quote token's smallest units.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Worth {
    /// What whoever takes it is credited, or will be once the account is liquidated.
    pub reward: U256,
    /// The gas at the present fee, until the account is liquidated.
    pub cost: U256,
    /// What a unit of gas may cost, in wei, so that the gas costs no more than the reward.
    pub most_fee: u128,
}

impl Worth {
    /// Whether it pays for itself.
    #[must_use]
    pub fn is_profitable(&self) -> bool {
        self.reward > self.cost
    }
}

impl Contracts {
    /// The venue at an address, which must be one of this policy and this registry.
    ///
    /// # Errors
    /// If it is another's, or no such venue.
    pub fn venue<'a>(&'a self, at: EvmAddress, policy: &'a CommittedPolicy) -> Result<Venue<'a>, ChainError> {
        let node = &self.node;
        let rules = node.view(&at, &rulesCall {})?;
        let advice = "name a venue of this deployment and policy";
        if rules.policy != word(&policy.id().0) {
            let found = HexBytes::<32>(rules.policy.0);
            return Err(ChainError::mismatch("venue: policy", policy.id().0.to_string(), found, advice));
        }
        let registry = HexBytes(node.view(&at, &ATTESTATION_REGISTRYCall {})?.into_array());
        if registry != self.at.registry {
            return Err(ChainError::mismatch("venue: registry", self.at.registry.to_string(), registry, advice));
        }
        let market = node.view(&self.at.policies, &marketRulesCall { policy: rules.policy })?;
        let price_decimals: Vec<u8> = market.feeds.iter().map(|feed| feed.decimals).collect();
        let own = usize::try_from(rules.market).ok().and_then(|market| price_decimals.get(market).copied());
        let own = own.ok_or_else(|| ChainError::input("venue: market", "a price of the policy", rules.market))?;
        let quote = HexBytes(node.view(&at, &QUOTECall {})?.into_array());
        let decimals = node.view(&quote, &decimalsCall {})?;
        let exponent = (u32::from(rules.sizeDecimals) + u32::from(own)).checked_sub(decimals.into());
        let scale = exponent.and_then(power_of_ten);
        let scale = scale.ok_or_else(|| ChainError::input("venue: decimals", "those of a venue", decimals))?;
        let vault = HexBytes(node.view(&at, &VAULTCall {})?.into_array());
        Ok(Venue { contracts: self, at, policy, rules, quote, vault, scale, decimals: decimals.into(), price_decimals })
    }
}

impl Venue<'_> {
    /// The accounts that have opened a position from a block on, and the number of the newest block.
    ///
    /// # Errors
    /// If the node does not answer, or has no such block.
    pub fn opened(&self, from: u64) -> Result<(BTreeSet<EvmAddress>, u64), ChainError> {
        let newest = self.contracts.node.newest_block()?;
        let opened = self.contracts.node.events::<Opened>(&self.at, &[], from..=newest)?;
        Ok((opened.iter().map(|event| HexBytes(event.subject.into_array())).collect(), newest))
    }

    /// Whether an account has a position now.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn has_position(&self, subject: &EvmAddress) -> Result<bool, ChainError> {
        Ok(!self.position(subject)?.0.is_zero())
    }

    /// The first step that the venue would let a sender take now; none if it refuses all of them.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn possible(&self, subject: &EvmAddress, sender: &EvmAddress) -> Result<Option<Step>, ChainError> {
        for step in Step::ALL {
            match self.gas(step, subject, sender) {
                Ok(_) => return Ok(Some(step)),
                Err(ChainError::Refused { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(None)
    }

    /// The decimals of the quote token.
    #[must_use]
    pub fn decimals(&self) -> u32 {
        self.decimals
    }

    /// Takes a step, for so many wei for a unit of gas at most if there is a limit.
    ///
    /// # Errors
    /// If the venue refuses.
    pub fn take(
        &self,
        step: Step,
        subject: &EvmAddress,
        signer: &dyn Signer,
        most_fee: Option<u128>,
    ) -> Result<Receipt, ChainError> {
        let most_fee = most_fee.unwrap_or(u128::MAX);
        let (node, at, subject) = (&self.contracts.node, &self.at, address(subject));
        match step {
            Step::Flag => node.call_within(signer, at, &flagCall { subject }, FLAG, most_fee),
            Step::Liquidate => node.call_within(signer, at, &liquidateCall { subject }, LIQUIDATE, most_fee),
            Step::LiquidateShort => {
                node.call_within(signer, at, &liquidateShortCall { subject }, LIQUIDATE_SHORT, most_fee)
            }
        }
    }

    /// What a step pays and costs, where one of the policy's prices is that of the chain's coin in the quote token.
    ///
    /// # Errors
    /// If the policy has no such price, or the node does not answer.
    pub fn worth(
        &self,
        step: Step,
        subject: &EvmAddress,
        sender: &EvmAddress,
        coin: &Name,
    ) -> Result<Worth, ChainError> {
        let prices = self.newest_prices()?;
        let own = usize::try_from(self.rules.market).ok().and_then(|market| prices.get(market));
        let own = own.ok_or_else(|| ChainError::input("oracle", "the venue's price", "none"))?;
        let gas = match step {
            Step::Flag => self.gas(step, subject, sender)?.saturating_add(LIQUIDATION_GAS),
            Step::Liquidate | Step::LiquidateShort => self.gas(step, subject, sender)?,
        };
        let reward = self.reward(subject, *own)?;
        // A liquidation pays whoever has flagged.
        let is_own = step != Step::Liquidate || {
            let flag = self.contracts.node.view(&self.at, &flagOfCall { subject: address(subject) })?;
            flag.found.flagger == address(sender)
        };
        let reward = if is_own { reward } else { U256::ZERO };
        let coin = self.coin(coin, &prices)?;
        Ok(Worth { reward, cost: self.cost_at(gas, coin)?, most_fee: coin.wei(reward, gas) })
    }

    /// What gas costs now, in the quote token's smallest units.
    ///
    /// # Errors
    /// As for [`worth`](Self::worth).
    pub fn cost(&self, gas: u64, coin: &Name) -> Result<U256, ChainError> {
        self.cost_at(gas, self.coin(coin, &self.newest_prices()?)?)
    }

    fn cost_at(&self, gas: u64, coin: Coin) -> Result<U256, ChainError> {
        let wei = U256::from(gas).saturating_mul(U256::from(self.contracts.node.gas_price()?));
        Ok(coin.quote(wei))
    }

    /// The price of the chain's coin, among the newest prices.
    fn coin(&self, coin: &Name, prices: &[U256]) -> Result<Coin, ChainError> {
        let place = self.policy.policy().market.iter().position(|entry| entry.name == *coin);
        let found = place.and_then(|place| Some((*prices.get(place)?, *self.price_decimals.get(place)?)));
        let Some((price, decimals)) = found else {
            return Err(ChainError::input("coin", "a market entry with a price on the chain", coin));
        };
        let unit = (COIN_DECIMALS + u32::from(decimals)).checked_sub(self.decimals).and_then(power_of_ten);
        let unit = unit.ok_or_else(|| ChainError::input("coin", "a price with decimals", decimals))?;
        Ok(Coin { price, unit })
    }

    /// The policy's prices in the newest snapshot.
    pub(crate) fn newest_prices(&self) -> Result<Vec<U256>, ChainError> {
        let (node, oracle, policy) = (&self.contracts.node, &self.contracts.at.oracle, self.rules.policy);
        let epoch = node.view(oracle, &latestCall { policy })?.epoch;
        let prices = node.view(oracle, &pricesOfCall { policy, epoch })?;
        Ok(prices.into_iter().map(U256::from).collect())
    }

    /// The part of the penalty that is whoever's flagged or liquidated at a price.
    fn reward(&self, subject: &EvmAddress, price: U256) -> Result<U256, ChainError> {
        let token = address(&self.quote);
        let held = self.contracts.node.view(&self.vault, &balanceOfCall { subject: address(subject), token })?;
        let (size, opened) = self.position(subject)?;
        let terms = Terms { scale: self.scale, penalty: self.rules.penalty, reward: self.rules.reward };
        Ok(terms.reward(size, opened, price, held.counted.saturating_add(held.waiting)))
    }

    /// Size and price of an account's position; zeros if it has none.
    fn position(&self, subject: &EvmAddress) -> Result<(I256, U256), ChainError> {
        let position = self.contracts.node.view(&self.at, &positionOfCall { subject: address(subject) })?;
        Ok((I256::try_from(position.size).unwrap_or_default(), U256::from(position.price)))
    }

    fn gas(&self, step: Step, subject: &EvmAddress, sender: &EvmAddress) -> Result<u64, ChainError> {
        let (node, subject) = (&self.contracts.node, address(subject));
        match step {
            Step::Flag => node.estimate(sender, &self.at, &flagCall { subject }, FLAG),
            Step::Liquidate => node.estimate(sender, &self.at, &liquidateCall { subject }, LIQUIDATE),
            Step::LiquidateShort => node.estimate(sender, &self.at, &liquidateShortCall { subject }, LIQUIDATE_SHORT),
        }
    }
}

/// The chain's coin in the quote token.
#[derive(Clone, Copy)]
struct Coin {
    price: U256,
    /// Wei times the price in the quote token's smallest unit.
    unit: U256,
}

impl Coin {
    /// What wei are worth in the quote token's smallest units, rounded up.
    fn quote(self, wei: U256) -> U256 {
        wei.saturating_mul(self.price).div_ceil(self.unit)
    }

    /// The wei for a unit of gas at which so much gas costs no more than an amount of the quote token.
    fn wei(self, amount: U256, gas: u64) -> u128 {
        let wei = amount.saturating_mul(self.unit).checked_div(self.price).unwrap_or_default();
        wei.checked_div(U256::from(gas)).unwrap_or_default().saturating_to()
    }
}

/// The terms of a venue that a reward follows from.
struct Terms {
    scale: U256,
    /// Parts per million of the notional.
    penalty: u32,
    /// Parts per million of the penalty.
    reward: u32,
}

impl Terms {
    /// As `MarginGatedVenue._close` and `_liquidate` compute it: the account pays its loss first, then the penalty out
    /// of its gain and its collateral.
    fn reward(&self, size: I256, opened: U256, price: U256, collateral: U256) -> U256 {
        const PPM: U256 = U256::from_limbs([1_000_000, 0, 0, 0]);
        let magnitude = size.unsigned_abs();
        let share = (magnitude * price * U256::from(self.penalty)).div_ceil(PPM);
        let penalty = share.div_ceil(self.scale);
        let moved = magnitude * price.abs_diff(opened);
        let gains = (price >= opened) != size.is_negative();
        let (profit, loss) =
            if gains { (moved / self.scale, U256::ZERO) } else { (U256::ZERO, moved.div_ceil(self.scale)) };
        let out_of_profit = profit.min(penalty);
        let seized = collateral.min(loss + penalty - out_of_profit);
        let paid = out_of_profit + seized.saturating_sub(loss);
        paid * U256::from(self.reward) / PPM
    }
}

/// 10 to a power that the contract can have.
pub(crate) fn power_of_ten(exponent: u32) -> Option<U256> {
    U256::from(10).checked_pow(U256::from(exponent))
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{
        B256,
        aliases::{U40, U96},
        hex,
    };
    use alloy_sol_types::{SolCall as _, SolValue as _};
    use serde_json::json;

    use super::*;
    use crate::{abi::ISnapshotOracle::Snapshot, sample};

    const OWN: EvmAddress = HexBytes([1; 20]);
    const STRANGER: EvmAddress = HexBytes([2; 20]);

    /// What a liquidation is worth to [`OWN`], of an account that somebody has flagged, at a price of gas in wei.
    fn liquidation(flagger: EvmAddress, gas_price: u64) -> Worth {
        let (policy, _) = sample::policy();
        let entries = policy.committed().policy().market.len();
        let node = sample::node(move |method, parameters| {
            let quantity = |number: u64| json!(format!("{number:#x}"));
            match method {
                "eth_gasPrice" => return quantity(gas_price),
                "eth_estimateGas" => return quantity(100_000),
                _ => {}
            }
            let data = hex::decode(parameters[0]["data"].as_str().unwrap()).unwrap();
            let answer = match data[..4].try_into().unwrap() {
                latestCall::SELECTOR => {
                    let (time, marked) = (U40::from(9), false);
                    let latest = Snapshot { epoch: 1, previousEpoch: 0, time, newest: time, slack: 0, marked };
                    latest.abi_encode()
                }
                // A price of one, with no decimals.
                pricesOfCall::SELECTOR => vec![U96::from(1); entries].abi_encode(),
                positionOfCall::SELECTOR => (U256::from(1_000), U256::from(1)).abi_encode(),
                balanceOfCall::SELECTOR => (U256::from(10_000), U256::ZERO, U256::ZERO).abi_encode(),
                flagOfCall::SELECTOR => (address(&flagger), U256::from(9), B256::ZERO, true).abi_encode(),
                other => unreachable!("{other:?}"),
            };
            json!(hex::encode_prefixed(answer))
        });
        let contracts = Contracts { node, at: sample::deployment() };
        // All of a penalty that is the whole notional.
        let rules = VenueRules { market: U256::ZERO, penalty: 1_000_000, reward: 1_000_000, ..VenueRules::default() };
        let venue = Venue {
            contracts: &contracts,
            at: HexBytes([9; 20]),
            policy: policy.committed(),
            rules,
            quote: HexBytes([8; 20]),
            vault: HexBytes([7; 20]),
            scale: U256::from(1),
            decimals: 18,
            price_decimals: vec![0; entries],
        };
        let coin = &policy.committed().policy().market[0].name;
        venue.worth(Step::Liquidate, &STRANGER, &OWN, coin).unwrap()
    }

    #[test]
    fn a_liquidation_pays_whoever_has_flagged() {
        let worth = |reward: u64, cost: u64| Worth { reward: U256::from(reward), cost: U256::from(cost), most_fee: 0 };
        assert_eq!(liquidation(OWN, 3), worth(1_000, 300_000));
        // Attack: flag every account, and have others pay for the liquidations.
        assert_eq!(liquidation(STRANGER, 3), worth(0, 300_000));
    }

    /// Gas of 18 decimals at 2,000.00000000 in a token of 6 decimals.
    #[test]
    fn a_fee_may_be_what_the_reward_pays() {
        let coin = Coin { price: U256::from(200_000_000_000_u64), unit: power_of_ten(20).unwrap() };
        let gas = 250_000;
        let most = coin.wei(U256::from(1_000_000), gas);
        // A dollar is 0.0005 coins.
        assert_eq!(most, 2_000_000_000);
        let cost = |fee: u128| coin.quote(U256::from(gas) * U256::from(fee));
        assert!(cost(most) <= U256::from(1_000_000) && cost(most + 1) > U256::from(1_000_000));
        assert_eq!(coin.wei(U256::ZERO, gas), 0);
    }

    /// Sizes have 18 decimals, prices 8, the quote token 6, as in the contract's tests.
    fn reward(size: i64, opened: u64, price: u64, collateral: u64) -> u64 {
        let unit = I256::try_from(10_i64.pow(18)).unwrap();
        let terms = Terms { scale: power_of_ten(20).unwrap(), penalty: 10_000, reward: 500_000 };
        let price_of = |dollars: u64| U256::from(dollars * 100_000_000);
        let size = I256::try_from(size).unwrap() * unit;
        terms.reward(size, price_of(opened), price_of(price), U256::from(collateral)).to()
    }

    #[test]
    fn rewards_come_out_of_penalties_that_are_paid() {
        const DOLLAR: u64 = 1_000_000;
        // A penalty of 20 dollars, half of which is the reward.
        assert_eq!(reward(1, 2_000, 2_000, 1_000 * DOLLAR), 10 * DOLLAR);
        assert_eq!(reward(-1, 2_000, 2_000, 1_000 * DOLLAR), 10 * DOLLAR);
        // Out of a gain, without collateral.
        assert_eq!(reward(1, 1_000, 2_000, 0), 10 * DOLLAR);
        assert_eq!(reward(-1, 3_000, 2_000, 0), 10 * DOLLAR);
        // The loss comes first.
        assert_eq!(reward(1, 2_100, 2_000, 110 * DOLLAR), 5 * DOLLAR);
        assert_eq!(reward(1, 2_100, 2_000, 100 * DOLLAR), 0);
        assert_eq!(reward(1, 2_100, 2_000, 0), 0);
        assert_eq!(reward(0, 0, 2_000, 5), 0);
    }

    #[test]
    fn a_step_pays_if_the_reward_is_more_than_the_gas() {
        let worth = |reward, cost| Worth { reward: U256::from(reward), cost: U256::from(cost), most_fee: 0 };
        assert!(worth(2, 1).is_profitable() && !worth(1, 1).is_profitable() && !worth(0, 1).is_profitable());
    }
}
