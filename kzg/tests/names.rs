//! The names that files may give for set-ups are those of the set-ups.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use surety_core::{capacity::Capacity, spelling};
use surety_kzg::{Srs, origin::CEREMONIES};

#[test]
fn every_ceremony_is_known_by_its_name() {
    for ceremony in &CEREMONIES {
        let id = ceremony.verifier_key().unwrap().id().bytes();
        assert_eq!(spelling::set_up(ceremony.name), Ok(id), "{}: expected {id} in spelling::SET_UPS", ceremony.name);
    }
}

#[test]
fn the_development_set_up_is_known_by_its_name() {
    let id = Srs::development(Capacity::new(Capacity::MIN_K).unwrap()).id().bytes();
    for name in ["development", "insecure-development"] {
        assert_eq!(spelling::set_up(name), Ok(id));
    }
}
