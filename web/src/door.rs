//! The functions that WebAssembly exports. They take and return numbers only: bytes pass in words of four,
//! little-endian, so that nothing points into memory from outside.

#![allow(unsafe_code, reason = "exporting a name is an unsafe attribute; no memory is touched")]

use std::cell::RefCell;

use serde_json::Value;

use crate::{message::Message, randomness, recognise, verification};

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Appends four bytes to the message.
#[unsafe(no_mangle)]
extern "C" fn push(word: u32) {
    INPUT.with_borrow_mut(|input| input.extend(word.to_le_bytes()));
}

/// Says what the file in the message is. The message has this many bytes; returns how many the answer has.
#[unsafe(no_mangle)]
extern "C" fn recognise(length: u32) -> u32 {
    answer(length, recognise::answer)
}

/// Verifies the attestation in the message. The message has this many bytes; returns how many the answer has.
#[unsafe(no_mangle)]
extern "C" fn verify(length: u32) -> u32 {
    answer(length, |message| {
        randomness::seed(message.seed());
        verification::answer(message)
    })
}

/// Four bytes of the answer, the first of which has this position; zeros behind the end.
#[unsafe(no_mangle)]
extern "C" fn pull(position: u32) -> u32 {
    OUTPUT.with_borrow(|output| {
        let byte = |offset: usize| output.get(position as usize + offset).copied().unwrap_or(0);
        u32::from_le_bytes([0, 1, 2, 3].map(byte))
    })
}

/// Takes the message and keeps the answer, as JSON.
fn answer(length: u32, respond: impl FnOnce(&Message<'_>) -> Value) -> u32 {
    let mut input = INPUT.take();
    input.truncate(length as usize);
    let value = Message::read(&input).map_or_else(|error| verification::internal(&error), |message| respond(&message));
    let output = value.to_string().into_bytes();
    let length = output.len() as u32;
    OUTPUT.set(output);
    length
}
