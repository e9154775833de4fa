//! The public ceremonies whose `[τ]₂` is pinned.
//!
//! This file uses nothing but the core library, so that a build script can include it: a release that carries a
//! ceremony's set-up is held to the same table when it is built and when it runs.

/// Length of a point of G2 as the table has it.
const G2_BYTES: usize = 128;

/// A public ceremony whose `[τ]₂` is pinned.
#[derive(Debug, PartialEq, Eq)]
pub struct Ceremony {
    /// Short name, for policies and messages.
    pub name: &'static str,
    /// What it is and who uses it.
    pub description: &'static str,
    /// Where its `[τ]₂` can be looked up.
    pub source: &'static str,
    /// Its `[τ]₂`: `x.c1 ‖ x.c0 ‖ y.c1 ‖ y.c0`, each 32 bytes big-endian, as EIP-197 writes points of G2.
    pub tau_g2: [u8; G2_BYTES],
}

/// The ceremonies this project knows.
pub static CEREMONIES: [Ceremony; 4] = [
    Ceremony {
        name: "ppot-0085",
        description: "Perpetual Powers of Tau after contribution 85, used by Axiom V2 and EigenDA",
        source: "github.com/privacy-ethereum/perpetualpowersoftau; the verifiers that Axiom V2 has deployed",
        tau_g2: point([
            "172aa93c41f16e1e04d62ac976a5d945f4be0acab990c6dc19ac4a7cf68bf77b",
            "2ae0c8c3a090f7200ff398ee9845bbae8f8c1445ae7b632212775f60a0e21600",
            "1754a9fc3b7e4da9197c283c7401773208190c5555caf254e644e99c29366704",
            "1459fe6cc8a1222fd4290864ff9e47d4b8cf7a403593c7107c39538ddefd857e",
        ]),
    },
    Ceremony {
        name: "hermez-0054",
        description: "Perpetual Powers of Tau after contribution 54 and a beacon (powersOfTau28_hez_final), used by \
             snarkjs",
        source: "github.com/iden3/snarkjs, README; X_2 in the PLONK and fflonk keys that snarkjs makes with these \
             files",
        tau_g2: point([
            "26186a2d65ee4d2f9c9a5b91f86597d35f192cd120caf7e935d8443d1938e23d",
            "30441fd1b5d3370482c42152a8899027716989a6996c2535bc9f7fee8aaef79e",
            "1970ea81dd6992adfbc571effb03503adbbb6a857f578403c6c40e22d65b3c02",
            "054793348f12c0cf5622c340573cb277586319de359ab9389778f689786b1e48",
        ]),
    },
    Ceremony {
        name: "aztec-ignition",
        description: "Aztec Ignition, used by Barretenberg and Noir",
        source: "github.com/AztecProtocol/ignition-verification; bn254_g2.dat of Barretenberg",
        tau_g2: point([
            "260e01b251f6f1c7e7ff4e580791dee8ea51d87a358e038b4efe30fac09383c1",
            "0118c4d5b837bcc2bc89b5b398b5974e9f5944073b32078b7e231fec938883b0",
            "04fc6369f7110fe3d25156c1bb9a72859cf2a04641f99ba4ee413c80da6a5fe4",
            "22febda3c0c0632a56475b4214e5615e11e6dd3f96e6cea2854a87d4dacc5e55",
        ]),
    },
    Ceremony {
        name: "ppot-0080",
        description: "Perpetual Powers of Tau after contribution 80 and a beacon, as the ceremony publishes it for use",
        source: "github.com/privacy-ethereum/perpetualpowersoftau, README, prepared and truncated files: \
             ppot_0080_11.ptau",
        tau_g2: point([
            "17cc93077f56f654da727c1def86010339c2b4131094547285adb083e48c197b",
            "285b1f14edd7e6632340a37dfae9005ff762edcfecfe1c732a7474c0708bef80",
            "219edfceee1723de674f5b2f6fdb69d9e32dd53b15844956a630d3c7cdaa6ed9",
            "2bad9a374aec49d329ec66e8f530f68509313450580c4c17c6db5ddb9bde7fd0",
        ]),
    },
];

/// The ceremony with this name.
#[must_use]
pub fn ceremony_named(name: &str) -> Option<&'static Ceremony> {
    CEREMONIES.iter().find(|ceremony| ceremony.name == name)
}

/// The bytes of four numbers of 64 hexadecimal digits.
const fn point(coordinates: [&str; 4]) -> [u8; G2_BYTES] {
    let mut bytes = [0; G2_BYTES];
    let mut index = 0;
    while index < G2_BYTES {
        let digits = coordinates[index / 32].as_bytes();
        let start = 2 * (index % 32);
        bytes[index] = 16 * digit(digits[start]) + digit(digits[start + 1]);
        index += 1;
    }
    bytes
}

/// The value of a hexadecimal digit. Any other character makes `[τ]₂` a point of no curve, which a test notices.
const fn digit(character: u8) -> u8 {
    match character {
        b'0'..=b'9' => character - b'0',
        b'a'..=b'f' => character - b'a' + 10,
        _ => 0,
    }
}
