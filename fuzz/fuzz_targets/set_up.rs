//! Set-up files of every format from arbitrary bytes: what is accepted is a set-up, and comes back from the compact
//! format.

#![no_main]

use std::{io::Cursor, sync::LazyLock};

use halo2curves::bn256::G2Affine;
use libfuzzer_sys::fuzz_target;
use surety_fuzz::bounded;
use surety_kzg::{
    Capacity, Srs,
    import::{read, write_compact},
    progress::Silent,
};

/// What comes with Aztec's powers.
static TAU_G2: LazyLock<G2Affine> =
    LazyLock::new(|| Srs::development(Capacity::new(Capacity::MIN_K).unwrap()).verifier_key().tau_g2());

fuzz_target!(|input: &[u8]| bounded(input, || {
    for tau_g2 in [None, Some(*TAU_G2)] {
        if let Ok(srs) = read(Cursor::new(input), tau_g2, None, &Silent) {
            let mut compact = Vec::new();
            write_compact(&srs, &mut compact).unwrap();
            assert_eq!(read(Cursor::new(compact), None, None, &Silent).unwrap(), srs);
        }
    }
}));
