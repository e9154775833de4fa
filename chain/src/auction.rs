//! The auction at which a venue sells the collateral of accounts that owe: what is on offer, and taking it.
//!
//! The contract prices each fill; a taker says how much it would pay at most. What a fill is worth is computed from the
//! newest snapshot, as the contract computes its price.

use alloy_primitives::{Bytes, U256, U512};
use surety_core::{
    ident::{EvmAddress, HexBytes},
    units::Ppm,
};
use surety_verifier::attestation::signer::Signer;

use crate::{
    abi::{
        ICollateralAuction::{lotsCall, offerOfCall, restartCall, rulesCall, takeCall},
        ICollateralVault::balanceOfCall,
        IERC20Metadata::{balanceOfCall as heldCall, decimalsCall},
        MarginGatedVenue::{AUCTIONCall, owedByCall},
        address,
    },
    error::{Action, ChainError},
    node::Receipt,
    venue::{Venue, power_of_ten},
};

const TAKE: Action = Action::new("CollateralAuction.take");
const RESTART: Action = Action::new("CollateralAuction.restart");

/// Gas of a fill with its approval, which cannot be simulated before. About a quarter more than the contracts' tests
/// measure.
const TAKE_GAS: u64 = 420_000;

/// Parts per million of a whole.
const PPM: U256 = U256::from_limbs([1_000_000, 0, 0, 0]);

/// The auction of a venue.
#[derive(Debug)]
pub struct Auction<'a> {
    venue: &'a Venue<'a>,
    at: EvmAddress,
    /// The share of the price at which an auction ends, in parts per million.
    floor: U256,
    lots: Vec<Lot>,
}

/// A token for sale.
#[derive(Debug)]
struct Lot {
    token: EvmAddress,
    /// The place of its price among those of the policy.
    market: usize,
    /// Amounts times prices in the quote token's smallest unit.
    scale: U256,
}

/// What an account's collateral costs now. Amounts are in the smallest units of the token, and of the quote token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offer {
    /// The token.
    pub token: EvmAddress,
    /// The amount of it.
    pub amount: U256,
    /// The payment.
    pub payment: U256,
    /// The amount's worth at the newest prices, rounded down.
    pub worth: U256,
}

impl Offer {
    /// Whether the payment is below the worth by a share of it, and by an amount.
    #[must_use]
    pub fn is_below_worth_by(&self, discount: Ppm, amount: U256) -> bool {
        let most = self.worth.saturating_mul(PPM.saturating_sub(U256::from(discount.0))) / PPM;
        self.payment <= most && self.payment.saturating_add(amount) < self.worth
    }
}

impl<'a> Venue<'a> {
    /// The auction that sells for it; none if what is seized pays.
    ///
    /// # Errors
    /// If the node does not answer, or there is no auction as its interface says.
    pub fn auction(&'a self) -> Result<Option<Auction<'a>>, ChainError> {
        let node = &self.contracts.node;
        let at = HexBytes(node.view(&self.at, &AUCTIONCall {})?.into_array());
        if at == EvmAddress::ZERO {
            return Ok(None);
        }
        let rules = node.view(&at, &rulesCall {})?;
        let lot = |lot: crate::abi::ICollateralAuction::Lot| {
            let (token, market) = (HexBytes(lot.token.into_array()), usize::from(lot.market));
            let own: u8 = node.view(&token, &decimalsCall {})?;
            let price = self.price_decimals.get(market).copied();
            let exponent = price.and_then(|price| (u32::from(own) + u32::from(price)).checked_sub(self.decimals));
            let scale = exponent.and_then(power_of_ten);
            let scale = scale.ok_or_else(|| ChainError::input("auction: lot", "a price of the policy", lot.market))?;
            Ok::<_, ChainError>(Lot { token, market, scale })
        };
        let lots = node.view(&at, &lotsCall {})?.into_iter().map(lot).collect::<Result<_, _>>()?;
        Ok(Some(Auction { venue: self, at, floor: U256::from(rules.floor), lots }))
    }

    /// What an account owes, in the quote token's smallest units.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn owed(&self, subject: &EvmAddress) -> Result<U256, ChainError> {
        self.contracts.node.view(&self.at, &owedByCall { subject: address(subject) })
    }
}

impl Auction<'_> {
    /// What is on offer of an account's collateral, as far as a payment goes and the taker has as much: of each token
    /// the most that the contract would sell for it. Nothing, where the contract refuses.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn offers(&self, subject: &EvmAddress, taker: &EvmAddress, most: U256) -> Result<Vec<Offer>, ChainError> {
        let node = &self.venue.contracts.node;
        let held = node.view(&self.venue.quote, &heldCall { account: address(taker) })?;
        let most = most.min(held);
        let prices = self.venue.newest_prices()?;
        let mut offers = Vec::new();
        for lot in &self.lots {
            let all = self.offer(subject, lot, U256::MAX)?;
            let Some((amount, payment)) = all.filter(|(_, payment)| !payment.is_zero()) else { continue };
            let fit = if payment <= most {
                Some((amount, payment))
            } else {
                let part = U512::from(amount) * U512::from(most) / U512::from(payment);
                self.offer(subject, lot, U256::saturating_from(part))?
            };
            let Some((amount, payment)) = fit.filter(|(_, payment)| *payment <= most) else { continue };
            let price = prices.get(lot.market).copied().unwrap_or_default();
            let worth = amount.saturating_mul(price) / lot.scale;
            offers.push(Offer { token: lot.token, amount, payment, worth });
        }
        Ok(offers)
    }

    /// Takes what is on offer, for the signer and for no more than the payment. The venue may take exactly that.
    ///
    /// # Errors
    /// If the token or the auction refuses: it costs more by now, or somebody else has it.
    pub fn take(&self, offer: &Offer, subject: &EvmAddress, signer: &dyn Signer) -> Result<Receipt, ChainError> {
        let Venue { contracts, at, quote, .. } = self.venue;
        contracts.approve(quote, at, offer.payment, signer)?;
        let call = takeCall {
            subject: address(subject),
            token: address(&offer.token),
            amount: offer.amount,
            mostPayment: offer.payment,
            to: address(&signer.address()),
            data: Bytes::new(),
        };
        contracts.node.call(signer, &self.at, &call, TAKE)
    }

    /// Has the price of an account's collateral fall anew, where the auction lets anybody restart it. None if it does
    /// not.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn restart(&self, subject: &EvmAddress, signer: &dyn Signer) -> Result<Option<Receipt>, ChainError> {
        let call = restartCall { subject: address(subject) };
        match self.venue.contracts.node.call(signer, &self.at, &call, RESTART) {
            Err(ChainError::Refused { .. }) => Ok(None),
            receipt => receipt.map(Some),
        }
    }

    /// What whoever takes at the floor gains at most, in the quote token's smallest units: the floor's discount on the
    /// collateral that there is, or on as much of it as pays what is owed.
    ///
    /// # Errors
    /// If the node does not answer.
    pub fn best_gain(&self, subject: &EvmAddress) -> Result<U256, ChainError> {
        let (node, prices) = (&self.venue.contracts.node, self.venue.newest_prices()?);
        let mut worth = U256::ZERO;
        for lot in &self.lots {
            let question = balanceOfCall { subject: address(subject), token: address(&lot.token) };
            let held = node.view(&self.venue.vault, &question)?;
            let price = prices.get(lot.market).copied().unwrap_or_default();
            let amount = held.counted.saturating_add(held.waiting);
            worth = worth.saturating_add(amount.saturating_mul(price) / lot.scale);
        }
        let owed = self.venue.owed(subject)?.saturating_mul(PPM).checked_div(self.floor).unwrap_or_default();
        Ok(worth.min(owed).saturating_mul(PPM.saturating_sub(self.floor)) / PPM)
    }

    /// Whether an auction ends at prices below the newest by a share of them.
    #[must_use]
    pub fn falls_by(&self, discount: Ppm) -> bool {
        self.floor.saturating_add(U256::from(discount.0)) <= PPM
    }

    /// The gas of a fill.
    #[must_use]
    pub fn gas(&self) -> u64 {
        TAKE_GAS
    }

    /// Amount and payment of the most that the contract sells of a token now; none if it refuses.
    fn offer(&self, subject: &EvmAddress, lot: &Lot, amount: U256) -> Result<Option<(U256, U256)>, ChainError> {
        let question = offerOfCall { subject: address(subject), token: address(&lot.token), amount };
        match self.venue.contracts.node.view(&self.at, &question) {
            Ok(offer) => Ok(Some((offer.taken, offer.payment))),
            Err(ChainError::Refused { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_offer_is_taken_for_its_discount_and_its_gas() {
        let offer = |payment: u64| Offer {
            token: EvmAddress::ZERO,
            amount: U256::from(1),
            payment: U256::from(payment),
            worth: U256::from(1_000),
        };
        // Five percent, and gas that costs 10.
        let is_taken = |payment| offer(payment).is_below_worth_by(Ppm(50_000), U256::from(10));
        assert!(is_taken(950) && !is_taken(951));
        // Gas that costs more than the discount.
        let is_taken = |payment| offer(payment).is_below_worth_by(Ppm(50_000), U256::from(100));
        assert!(is_taken(899) && !is_taken(900));
        assert!(!offer(u64::MAX).is_below_worth_by(Ppm(0), U256::MAX));
    }
}
