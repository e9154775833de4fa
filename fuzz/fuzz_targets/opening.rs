//! An opening, which is secret: no error repeats a balance or a mask of it, and none but its own opens a statement's
//! commitment.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use surety_core::{canonical, text::Document as _};
use surety_fuzz::{bounded, demo::DEMO, hides_amounts, hides_masks};
use surety_kzg::{Params, Srs, progress::Silent};
use surety_prover::{account::Account, opening::Opening};
use surety_verifier::Statement;

/// A statement with its opening.
struct Fixture {
    params: Params,
    statement: Statement,
    opening: Opening,
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let capacity = DEMO.universe.capacity;
    let fixture = Fixture {
        params: Params::from_srs(&Srs::development(capacity), capacity, &Silent).unwrap(),
        statement: Statement::from_json("statement", include_str!("../seeds/statement/opened.json")).unwrap(),
        opening: Opening::from_json("opening", include_str!("../seeds/opening/demo.json")).unwrap(),
    };
    assert!(fixture.opens(&fixture.opening), "the statement's own opening");
    fixture
});

impl Fixture {
    fn opens(&self, opening: &Opening) -> bool {
        let (statements, openings) = ([self.statement.clone()], [opening.clone()]);
        Account::open(&DEMO.universe, &self.params, &statements, &openings).is_ok()
    }
}

fuzz_target!(|input: &[u8]| {
    let fixture = &*FIXTURE;
    bounded(input, || {
        let Ok(text) = str::from_utf8(input) else { return };
        let is_json = text.starts_with('{');
        match if is_json { Opening::from_json("input", text) } else { Opening::from_toml("input", text) } {
            Ok(opening) => {
                survives(&opening);
                assert_eq!(format!("{opening:?}"), format!("Opening {{ statement: {:?}, .. }}", opening.statement));
                let secrets = |opening: &Opening| {
                    (opening.holdings.position(&DEMO.universe).ok(), opening.masks.0.to_secret_bytes())
                };
                let is_own =
                    opening.statement == fixture.opening.statement && secrets(&opening) == secrets(&fixture.opening);
                assert_eq!(fixture.opens(&opening), is_own);
            }
            Err(errors) => {
                hides_amounts(text, &errors.to_string());
                hides_masks(text, &errors.to_string());
            }
        }
    });
});

/// What was read is written and read again as it was. Openings are not compared but by what is written of them.
fn survives(opening: &Opening) {
    let encoding = canonical::encode(opening).unwrap();
    let same = |again: &Opening| assert_eq!(canonical::encode(again).unwrap(), encoding);
    same(&Opening::from_json("json", &opening.to_json().unwrap()).unwrap());
    same(&Opening::from_toml("toml", &opening.to_toml().unwrap()).unwrap());
    same(&Opening::from_json("canonical", str::from_utf8(&encoding).unwrap()).unwrap());
}
