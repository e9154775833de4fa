//! Where ceremonies publish their set-ups: addresses, lengths and hashes.
//!
//! A hash saves a download that was damaged or replaced from being read. Soundness does not rest on it: whatever
//! arrives is checked like any other file, and held to the ceremony's pinned `[τ]₂`.
//!
//! | ceremony | files | lengths and hashes |
//! |---|---|---|
//! | `ppot-0080` | `ppot_0080_KK.ptau` | SHA-256, pinned by other projects |
//! | `hermez-0054` | `powersOfTau28_hez_final_KK.ptau` | BLAKE2b-512, published by snarkjs |
//! | `ppot-0085` | `kzg_bn254_K.srs`, halo2 parameters | none published: held to `[τ]₂` alone |
//! | `aztec-ignition` | not here: `g1.dat` has 6 GB in one file | |
//!
//! Sources:
//!
//! - `ppot-0080`: README of github.com/privacy-ethereum/perpetualpowersoftau. The ceremony publishes no hashes: SHA-256
//!   as in `PSE_PPOT_SHA256` of github.com/EYBlockchain/nightfall_4_CE, streamed from these addresses; those for k =
//!   12, 13, 14 and 16 are in other projects' repositories, too.
//! - `hermez-0054`: README of github.com/iden3/snarkjs.
//! - `ppot-0085`: published by Axiom (docs.axiom.xyz, KZG trusted set-up).

use surety_core::capacity::Capacity;
use surety_kzg::origin::{Ceremony, ceremony_named};

use crate::{
    digest::{Algorithm, FileHash},
    download::Download,
};

/// The ceremony that is taken where nobody names one: the one whose files the ceremony itself publishes, with hashes.
pub const DEFAULT: &str = "ppot-0080";

/// A ceremony's files, one for each capacity class.
struct Publication {
    ceremony: &'static str,
    /// Directories that have the files, to be tried in this order.
    directories: &'static [&'static str],
    /// The file's name for a k.
    name: fn(u32) -> String,
    /// The file's length for a k.
    bytes: fn(u32) -> u64,
    algorithm: Algorithm,
    /// Hashes for k from [`Capacity::MIN_K`], or none.
    hashes: &'static [&'static str],
}

/// A prepared `.ptau` has 1,152 bytes a power: 64·(2n − 1) for `[τ^i]₁`, 128·n for `[τ^i]₂`, 128·n for those with α and
/// β, and the same powers in Lagrange form for each size up to its own. The rest is headers and the list of
/// contributions.
const PTAU_BYTES_PER_POWER: u64 = 1152;

static PUBLICATIONS: [Publication; 3] = [
    Publication {
        ceremony: "ppot-0080",
        directories: &["https://pse-trusted-setup-ppot.s3.eu-central-1.amazonaws.com/pot28_0080"],
        name: |k| format!("ppot_0080_{k:02}.ptau"),
        bytes: |k| (PTAU_BYTES_PER_POWER << k) + 93_330,
        algorithm: Algorithm::Sha256,
        hashes: &[
            "67e59e346767e179a5bd88b4789a56ce376708244c01a32b520ee208dbfb2595",
            "75b53cf75b5a1068d3a19575bf8164231b8a4babbf15383490de9c0144a15bf8",
            "e6569fe93a6a3ba25b1d0aee9e314fee91820e4989b6b0eb34518b0149862284",
            "35e163120e724a60853d0dd76ec54037f7c7b00584392255f71a4341d5a05c50",
            "ccee28086e4b81d81a6e16fdee054d1dbd5276362e2662d4205d31de45cb930f",
            "3ca1149e9349b22b0ee0649399cfb787677129b7b1189d1899fc0d615d9583db",
            "4a8eb5a754ed4710d6ad603c2e1a89c72325a448e4474f8694d2c71c7c272f3d",
            "ed3622a7c79b0b49aadd134ebbc5b77df8c8c59bccebdfd0d9bf2c1a51561cf9",
        ],
    },
    Publication {
        ceremony: "hermez-0054",
        directories: &["https://storage.googleapis.com/zkevm/ptau", "https://hermez.s3-eu-west-1.amazonaws.com"],
        name: |k| format!("powersOfTau28_hez_final_{k:02}.ptau"),
        bytes: |k| (PTAU_BYTES_PER_POWER << k) + 83_096,
        algorithm: Algorithm::Blake2b512,
        hashes: &[
            "94f108a80e81b5d932d8e8c9e8fd7f46cf32457e31462deeeef37af1b71c2c1b3c71fb0d9b59c654ec266b042735f50311f9fd1d4cadce47ab234ad163157cb5",
            "6cfeb8cda92453099d20120bdd0e8a5c4e7706c2da9a8f09ccc157ed2464d921fd0437fb70db42104769efd7d6f3c1f964bcf448c455eab6f6c7d863e88a5849",
            "47c282116b892e5ac92ca238578006e31a47e7c7e70f0baa8b687f0a5203e28ea07bbbec765a98dcd654bad618475d4661bfaec3bd9ad2ed12e7abc251d94d33",
            "ded2694169b7b08e898f736d5de95af87c3f1a64594013351b1a796dbee393bd825f88f9468c84505ddd11eb0b1465ac9b43b9064aa8ec97f2b73e04758b8a4a",
            "58efc8bf2834d04768a3d7ffcd8e1e23d461561729beaac4e3e7a47829a1c9066d5320241e124a1a8e8aa6c75be0ba66f65bc8239a0542ed38e11276f6fdb4d9",
            "eeefbcf7c3803b523c94112023c7ff89558f9b8e0cf5d6cdcba3ade60f168af4a181c9c21774b94fbae6c90411995f7d854d02ebd93fb66043dbb06f17a831c1",
            "982372c867d229c236091f767e703253249a9b432c1710b4f326306bfa2428a17b06240359606cfe4d580b10a5a1f63fbed499527069c18ae17060472969ae6e",
            "6a6277a2f74e1073601b4f9fed6e1e55226917efb0f0db8a07d98ab01df1ccf43eb0e8c3159432acd4960e2f29fe84a4198501fa54c8dad9e43297453efec125",
        ],
    },
    Publication {
        ceremony: "ppot-0085",
        directories: &["https://axiom-crypto.s3.amazonaws.com/challenge_0085"],
        name: |k| format!("kzg_bn254_{k}.srs"),
        // k; the powers and the Lagrange basis; [1]₂ and [τ]₂.
        bytes: |k| 4 + (128 << k) + 256,
        algorithm: Algorithm::Sha256,
        hashes: &[],
    },
];

/// A file that a ceremony has published.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublishedFile {
    /// Whose.
    pub ceremony: &'static Ceremony,
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub bytes: u64,
    /// Its hash, where one was published; without, it is held to `[τ]₂` alone.
    pub hash: Option<FileHash>,
    /// Where it is, to be tried in this order.
    pub urls: Vec<String>,
}

impl PublishedFile {
    /// The download from one of [`urls`](Self::urls) or a mirror.
    #[must_use]
    pub fn download(&self, url: &str) -> Download {
        Download { hash: self.hash, bytes: Some(self.bytes), ..Download::new(url) }
    }
}

/// The names of the ceremonies whose published files are known, the default first.
pub fn names() -> impl Iterator<Item = &'static str> {
    PUBLICATIONS.iter().map(|publication| publication.ceremony)
}

/// The published file of a ceremony with the powers that a capacity class needs, if it is known.
#[must_use]
pub fn published(ceremony: &str, capacity: Capacity) -> Option<PublishedFile> {
    let publication = PUBLICATIONS.iter().find(|publication| publication.ceremony == ceremony)?;
    let k = capacity.k();
    let name = (publication.name)(k);
    let hash = publication.hashes.get((k - Capacity::MIN_K) as usize);
    Some(PublishedFile {
        ceremony: ceremony_named(ceremony)?,
        bytes: (publication.bytes)(k),
        hash: hash.and_then(|hash| FileHash::parse(publication.algorithm, hash).ok()),
        urls: publication.directories.iter().map(|directory| format!("{directory}/{name}")).collect(),
        name,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(ceremony: &str, k: u32) -> PublishedFile {
        published(ceremony, Capacity::new(k).unwrap()).unwrap()
    }

    #[test]
    fn every_entry_is_of_a_known_ceremony_and_complete() {
        assert_eq!(names().next(), Some(DEFAULT));
        for (name, capacity) in names().flat_map(|name| Capacity::all().map(move |capacity| (name, capacity))) {
            let file = published(name, capacity).unwrap();
            assert_eq!(file.ceremony.name, name);
            assert_eq!(file.hash.is_some(), name != "ppot-0085", "{}", file.name);
            assert!(file.urls.iter().all(|url| url.starts_with("https://") && url.ends_with(&file.name)));
        }
        assert_eq!(published("aztec-ignition", Capacity::new(9).unwrap()), None);
    }

    /// Lengths that were published or measured, by k.
    #[test]
    fn lengths_are_those_of_the_published_files() {
        for (k, bytes) in [(12, 4_811_922), (13, 9_530_514), (14, 18_967_698), (15, 37_842_066), (16, 75_590_802)] {
            assert_eq!(file("ppot-0080", k).bytes, bytes);
        }
        for (k, bytes) in [(9, 672_920), (10, 1_262_744), (11, 2_442_392), (15, 37_831_832), (16, 75_580_568)] {
            assert_eq!(file("hermez-0054", k).bytes, bytes);
        }
        assert_eq!(file("ppot-0085", 9).bytes, 65_796);
    }

    #[test]
    fn names_and_hashes_are_those_of_their_k() {
        let file = file("ppot-0080", 9);
        assert_eq!(
            file.urls,
            ["https://pse-trusted-setup-ppot.s3.eu-central-1.amazonaws.com/pot28_0080/ppot_0080_09.ptau"]
        );
        assert!(file.hash.unwrap().to_string().starts_with("SHA-256 67e59e34"));
        let file = super::tests::file("hermez-0054", 16);
        assert_eq!(file.urls[1], "https://hermez.s3-eu-west-1.amazonaws.com/powersOfTau28_hez_final_16.ptau");
        assert!(file.hash.unwrap().to_string().starts_with("BLAKE2b-512 6a6277a2"));
    }
}
