//! Hexadecimal digits: hashes, and addresses with their checksums.

use alloy_primitives::Address;

use crate::ident::{Bytes32, EvmAddress, HexBytes};

/// Reads an address of the EVM, with or without `0x`. Digits in both cases are a checksum (EIP-55), which must be
/// right.
///
/// # Errors
/// If it is none, or the checksum is wrong: then the right one is named.
pub fn address(text: &str) -> Result<EvmAddress, String> {
    let address: EvmAddress =
        bytes(text).ok_or_else(|| format!("expected an address of 0x and 40 hexadecimal digits, found {text:?}"))?;
    let digits = digits(text);
    let has = |is_case: fn(&u8) -> bool| digits.bytes().any(|digit| is_case(&digit));
    let right = checksummed(&address);
    if has(u8::is_ascii_uppercase) && has(u8::is_ascii_lowercase) && right[2..] != *digits {
        return Err(format!(
            "expected {right}, which has the right checksum (EIP-55), if that is the address, found {text:?}"
        ));
    }
    Ok(address)
}

/// Reads 32 bytes in digits of either case, with or without `0x`.
///
/// # Errors
/// If it is something else.
pub fn hash(text: &str) -> Result<Bytes32, String> {
    bytes(text).ok_or_else(|| format!("expected 0x and 64 hexadecimal digits, found {text:?}"))
}

/// Reads whom an attestation is made for: a challenge of 32 bytes, or a contract's address, which stands for itself as
/// a word of the EVM.
///
/// # Errors
/// If it is neither, or zero, which stands for nobody in particular.
pub fn presentation(text: &str) -> Result<Bytes32, String> {
    let word = bytes(text).or_else(|| {
        let mut word = Bytes32::ZERO;
        word.0[12..].copy_from_slice(&address(text).ok()?.0);
        Some(word)
    });
    word.filter(|word| *word != Bytes32::ZERO).ok_or_else(|| {
        format!("expected a challenge of 0x and 64 hexadecimal digits, or an address, and not zero, found {text:?}")
    })
}

/// An address with its checksum (EIP-55).
pub fn checksummed(address: &EvmAddress) -> String {
    Address::from(address.0).to_checksum(None)
}

fn digits(text: &str) -> &str {
    let text = text.trim();
    text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")).unwrap_or(text)
}

fn bytes<const N: usize>(text: &str) -> Option<HexBytes<N>> {
    HexBytes::parse(&format!("0x{}", digits(text).to_ascii_lowercase())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHECKSUMMED: [&str; 4] = [
        "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
        "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
        "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB",
        "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb",
    ];

    #[test]
    fn addresses_are_read_in_each_case_and_with_their_checksum() {
        for text in CHECKSUMMED {
            let lower = text.to_ascii_lowercase();
            let expected = EvmAddress::parse(&lower);
            assert!(expected.is_ok());
            for spelling in [
                text,
                &text[2..],
                &*lower,
                &lower[2..],
                &format!("0x{}", text[2..].to_ascii_uppercase()),
                &text.to_ascii_uppercase(),
                &format!(" {text}\n"),
            ] {
                assert_eq!(address(spelling), expected, "{spelling}");
            }
            assert_eq!(checksummed(&expected.unwrap()), text);
        }
    }

    #[test]
    fn rejects_an_address_with_a_wrong_checksum_and_names_the_right_one() {
        for text in CHECKSUMMED {
            let digit = text.rfind(|c: char| c.is_ascii_alphabetic()).unwrap();
            let other = |c: char| if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() };
            let wrong =
                format!("{}{}{}", &text[..digit], other(text[digit..].chars().next().unwrap()), &text[digit + 1..]);
            let error = address(&wrong).unwrap_err();
            assert!(
                error.starts_with(&format!("expected {text}")) && error.ends_with(&format!("found {wrong:?}")),
                "{error}"
            );
        }
        for text in [
            "",
            "0x",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beae",
            "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaedd",
            "0xg",
            "é",
        ] {
            assert!(address(text).is_err(), "{text}");
        }
    }

    #[test]
    fn hashes_are_read_in_each_case_and_without_prefix() {
        let text = format!("0x{}", "0123456789abcdef".repeat(4));
        let expected = Bytes32::parse(&text);
        for spelling in [&*text, &text[2..], &text.to_ascii_uppercase(), &text[2..].to_ascii_uppercase()] {
            assert_eq!(hash(spelling), expected, "{spelling}");
        }
        assert!(hash(&text[3..]).is_err() && hash(&format!("{text}00")).is_err() && hash("").is_err());
    }

    #[test]
    fn presentations_are_challenges_or_addresses() {
        let word = format!("0x{}{}", "0".repeat(24), &CHECKSUMMED[0][2..].to_ascii_lowercase());
        assert_eq!(presentation(CHECKSUMMED[0]), hash(&word));
        assert_eq!(presentation(&word), hash(&word));
    }

    #[test]
    fn rejects_presentations_that_are_nobodys() {
        let wrong = CHECKSUMMED[0].replace("Ae", "ae");
        for text in ["", "0x01", &format!("0x{}", "0".repeat(64)), &format!("0x{}", "0".repeat(40)), &*wrong] {
            assert!(presentation(text).is_err(), "{text}");
        }
    }
}
