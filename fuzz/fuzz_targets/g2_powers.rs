//! Powers of τ in G2 from arbitrary bytes: what is read is as many points of the right group, and a set-up takes none
//! but its own.

#![no_main]

use std::{io::Cursor, sync::LazyLock};

use libfuzzer_sys::fuzz_target;
use surety_fuzz::bounded;
use surety_kzg::{Capacity, Srs, import::read_g2_powers, point};

static SRS: LazyLock<Srs> = LazyLock::new(|| Srs::development(Capacity::new(Capacity::MIN_K).unwrap()));

fuzz_target!(|input: &[u8]| {
    LazyLock::force(&SRS);
    bounded(input, || {
        let Ok(powers) = read_g2_powers(Cursor::new(input)) else { return };
        assert_eq!(64 * powers.len(), input.len());
        for power in &powers {
            assert_eq!(point::g2_from_bytes(&point::g2_to_bytes(power)), Ok(*power));
        }
        let is_own = powers[0] == SRS.verifier_key().tau_g2();
        if let Ok(srs) = SRS.clone().with_g2_powers(powers) {
            assert!(is_own && srs.id() == SRS.id());
        }
    });
});
