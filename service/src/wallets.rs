//! Balances of wallets on a chain, as holdings.

use alloy_primitives::U256;
use surety_chain::{
    ChainError, Node,
    wallets::{self, Holding, TokenAt},
};
use surety_core::{
    FormatVersion,
    failure::AnyFailure,
    ident::EvmAddress,
    kind::KindOf,
    units::{Lots, Timestamp},
};
use surety_host::keys::SecretAt;
use surety_margin::{
    holdings::{Balance, Holdings},
    universe::Universe,
};
use zeroize::Zeroizing;

use crate::{
    configuration::{WalletHolding, WalletToken, Wallets},
    error::NotDone,
};

/// Seconds that a final block may be old: on Ethereum a quarter of an hour is usual.
const OLDEST: u64 = 7_200;

/// What wallets hold at the newest block that is final to both nodes, and the time of that block.
///
/// # Errors
/// If a wallet is not bound to the subject for the source, a node does not answer or is of another chain, or the nodes
/// disagree.
pub fn read(
    wallets: &Wallets,
    universe: &Universe,
    subject: &EvmAddress,
    source: &EvmAddress,
    now: Timestamp,
) -> Result<(Holdings, Timestamp), AnyFailure> {
    wallets.wallets.iter().try_for_each(|wallet| wallet.check(subject, source))?;
    let nodes = wallets.rpc.clone().map(|at| connect(SecretAt::from(at), wallets.chain_id));
    let [first, second] = nodes;
    let ((first, at), (second, other)) = (first?, second?);
    // Two files may have one URL.
    if at == other {
        let advice = "name nodes of two operators, who are not wrong together";
        return Err(NotDone::input("wallets: rpc", "two nodes", "one twice").advise(advice).into());
    }
    let addresses: Vec<_> = wallets.wallets.iter().map(|wallet| wallet.address).collect();
    let holdings: Vec<_> = wallets.holdings.iter().map(holding).collect();
    let earliest = Timestamp(now.0.saturating_sub(OLDEST));
    let seen = wallets::balances([&first, &second], &addresses, &holdings, earliest)?;
    let positions = universe.positions();
    let mut balances = Vec::new();
    for (wanted, amount) in wallets.holdings.iter().zip(&seen.amounts) {
        let place = positions.get(&wanted.instrument).ok_or_else(|| {
            let expected = "an instrument of the universe";
            NotDone::input("wallets: instrument", expected, wanted.instrument.to_string())
        })?;
        let lots = lots(*amount, wanted.decimals.get(), universe.instruments[*place].lot_decimals.get());
        // The amount itself is the holder's.
        let lots = lots.ok_or_else(|| NotDone::outside("wallets", "at most 2^95 - 1 lots of an instrument", "more"))?;
        balances.push(Balance { instrument: wanted.instrument.clone(), lots });
    }
    let holdings = Holdings { kind: KindOf::new(), version: FormatVersion, universe: universe.name.clone(), balances };
    Ok((holdings, seen.at))
}

/// A node, and the URL that it is at.
fn connect(at: SecretAt, chain_id: u64) -> Result<(Node, Zeroizing<String>), AnyFailure> {
    let url = at.passphrase()?;
    let url = Zeroizing::new(url.as_str().trim().trim_end_matches('/').to_owned());
    let node = Node::connect(&url)?;
    if node.chain_id() == chain_id {
        return Ok((node, url));
    }
    let (expected, advice) = (format!("a node of chain {chain_id}"), "name a node of the wallets' chain");
    Err(ChainError::mismatch("rpc", expected, format!("one of chain {}", node.chain_id()), advice).into())
}

fn holding(wanted: &WalletHolding) -> Holding {
    wanted.token.map_or(Holding::Coin, |WalletToken { contract, slot, order }| {
        Holding::Token(TokenAt { contract, decimals: wanted.decimals.get(), slot, order })
    })
}

/// An amount of so many decimals in whole lots, rounded down.
fn lots(amount: U256, decimals: u8, lot_decimals: u8) -> Option<Lots> {
    let ten = U256::from(10);
    let by = ten.checked_pow(U256::from(decimals.abs_diff(lot_decimals)))?;
    let amount = if decimals >= lot_decimals { amount / by } else { amount.checked_mul(by)? };
    Lots::new(i128::try_from(amount).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_whole_lots_rounded_down() {
        let of = |amount: u64, decimals, lot_decimals| lots(U256::from(amount), decimals, lot_decimals).unwrap().get();
        assert_eq!((of(1_999_999, 6, 2), of(5, 2, 6), of(7, 8, 8), of(99, 2, 0)), (199, 50_000, 7, 0));
    }

    #[test]
    fn rejects_amounts_beyond_the_range_of_lots() {
        assert!(lots(U256::MAX, 0, 18).is_none() && lots(U256::MAX, 18, 18).is_none());
    }
}
