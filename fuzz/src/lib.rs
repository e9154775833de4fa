//! What the fuzz targets have in common: properties that hold of whatever is read, the limit of memory, and the files
//! that targets hold inputs against.
//!
//! A target fails if it panics, takes too long, takes too much memory, or finds a property broken.

pub mod demo;

use core::{fmt::Debug, str};
use std::{alloc::System, panic, sync::Once};

use cap::Cap;
use surety_core::{
    canonical,
    text::Document,
    units::{Decimals, Lots},
};

/// Memory that may be taken whatever the input: buffers of a fixed size, and what is computed once.
const FIXED: usize = 8 << 20;

/// Memory that each byte of a text may take. The readers of TOML take most, for lists of short numbers.
const PER_BYTE: usize = 128;

#[global_allocator]
static MEMORY: Cap<System> = Cap::new(System, usize::MAX);

/// Runs a target on its input. The process ends if it takes more memory than is in proportion to the input.
pub fn bounded(input: &[u8], run: impl FnOnce()) {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        // To say where a panic is takes memory, too.
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            lift_limit();
            report(info);
        }));
    });
    let limit = MEMORY.allocated() + FIXED + PER_BYTE * input.len();
    MEMORY.set_limit(limit).expect("a limit above what is in use");
    run();
    lift_limit();
}

fn lift_limit() {
    MEMORY.set_limit(usize::MAX).expect("no limit");
}

/// Reads a document as its text looks, JSON or TOML, and checks what holds of every document that is read.
pub fn document<T: Document + PartialEq + Debug>(input: &[u8]) -> Option<T> {
    let text = str::from_utf8(input).ok()?;
    let read = if text.starts_with('{') { T::from_json("input", text) } else { T::from_toml("input", text) };
    match read {
        Ok(document) => {
            survives(&document);
            Some(document)
        }
        Err(errors) => {
            assert!(!errors.errors().is_empty() && !errors.to_string().is_empty(), "a refusal without a reason");
            None
        }
    }
}

/// What was read is written and read again as it was, in either format, and has exactly one canonical encoding.
pub fn survives<T: Document + PartialEq + Debug>(document: &T) {
    let json = document.to_json().expect("a form in JSON");
    assert_eq!(&T::from_json("json", &json).expect("JSON that was written"), document);
    // TOML has no integers of 64 bits without a sign.
    if let Ok(toml) = document.to_toml() {
        assert_eq!(&T::from_toml("toml", &toml).expect("TOML that was written"), document);
    }
    let encoding = canonical::encode(document).expect("a canonical encoding");
    let text = str::from_utf8(&encoding).expect("a canonical encoding in UTF-8");
    let again = T::from_json("canonical", text).expect("a canonical encoding that is a document");
    assert_eq!(&again, document);
    assert_eq!(canonical::encode(&again).expect("the encoding again"), encoding);
}

/// Changes bytes as the input says: a byte that says how many are cut off the end or put behind it, then five for each
/// change, the place and what is added to the byte there.
pub fn edit(bytes: &mut Vec<u8>, edits: &[u8]) {
    let Some((length, changes)) = edits.split_first() else { return };
    let change = i64::from(i8::from_ne_bytes([*length]));
    bytes.resize((bytes.len() as i64 + change).max(0) as usize, 0);
    for change in changes.chunks_exact(5) {
        let place = u32::from_le_bytes([change[0], change[1], change[2], change[3]]) as usize;
        let length = bytes.len().max(1);
        if let Some(byte) = bytes.get_mut(place % length) {
            *byte = byte.wrapping_add(change[4]);
        }
    }
}

/// That an error does not repeat a number of the input, which may be an amount.
pub fn hides_amounts(input: &str, error: &str) {
    // Names of instruments are shown, and may have digits in them.
    let others = |text: &str| {
        let words = text.split(|character: char| !character.is_ascii_alphanumeric() && !".-_:/".contains(character));
        words.filter(|word| !word.starts_with(|first: char| first.is_ascii_alphabetic())).collect::<Vec<_>>().join(" ")
    };
    // Shorter ones are lines, columns and positions, too.
    hides(&others(input), &others(error), 8, |character| character.is_ascii_digit());
}

/// That an error does not repeat hexadecimal digits of the input, which may be masks.
pub fn hides_masks(input: &str, error: &str) {
    // Shorter ones are words, too.
    hides(input, error, 16, |character| character.is_ascii_hexdigit());
}

/// That an error repeats no run of so many digits. The limit of lots is public.
fn hides(input: &str, error: &str, length: usize, is_digit: fn(&char) -> bool) {
    let limits = (0..=Decimals::MAX).filter_map(|decimals| Decimals::new(decimals).ok());
    let limits: Vec<_> = limits.map(|decimals| Lots::default_limit(decimals).get().to_string()).collect();
    let runs = input.split(|character: char| !is_digit(&character));
    for run in runs.filter(|run| run.len() >= length && !limits.iter().any(|limit| limit.contains(run))) {
        assert!(!error.contains(run), "an error with a number of the input: {error}");
    }
}
