//! The functions that WebAssembly exports. They take and return numbers only: bytes pass in words of four,
//! little-endian, so that nothing points into memory from outside.
//!
//! Memory is overwritten when it is freed, and the stack after each question: nothing of a message is left behind.

#![allow(unsafe_code, reason = "exporting a name is an unsafe attribute; no memory is touched")]

use std::{alloc::System, cell::RefCell};

use serde_json::Value;
use zeroizing_alloc::ZeroAlloc;

#[cfg(feature = "prover")]
use crate::proving::Session;
#[cfg(not(feature = "prover"))]
use crate::{auditing, checking, verification};
use crate::{envelope, message::Message, randomness, recognise};

/// Whoever grows a vector or drops a text leaves no copy behind.
#[global_allocator]
static ALLOCATOR: ZeroAlloc<System> = ZeroAlloc(System);

/// How much of the stack is overwritten: all but what is in use where that is done, of the megabyte that there is.
const STACK_BYTES: usize = 960 << 10;

thread_local! {
    static INPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    static OUTPUT: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    #[cfg(feature = "prover")]
    static SESSION: RefCell<Session> = RefCell::default();
}

/// Appends four bytes to the message.
#[unsafe(no_mangle)]
extern "C" fn push(word: u32) {
    INPUT.with_borrow_mut(|input| input.extend(word.to_le_bytes()));
}

/// Four bytes of the answer, the first of which has this position; zeros behind the end.
#[unsafe(no_mangle)]
extern "C" fn pull(position: u32) -> u32 {
    OUTPUT.with_borrow(|output| {
        let byte = |offset: usize| output.get(position as usize + offset).copied().unwrap_or(0);
        u32::from_le_bytes([0, 1, 2, 3].map(byte))
    })
}

/// Says what the file in the message is. The message has this many bytes; returns how many the answer has.
#[unsafe(no_mangle)]
extern "C" fn recognise(length: u32) -> u32 {
    answer(length, recognise::answer)
}

/// Verifies the attestation in the message. As [`recognise`].
#[cfg(not(feature = "prover"))]
#[unsafe(no_mangle)]
extern "C" fn verify(length: u32) -> u32 {
    answer(length, verification::answer)
}

/// Audits what is in the message. As [`recognise`].
#[cfg(not(feature = "prover"))]
#[unsafe(no_mangle)]
extern "C" fn audit(length: u32) -> u32 {
    answer(length, auditing::answer)
}

/// Checks the cell in the message. As [`recognise`].
#[cfg(not(feature = "prover"))]
#[unsafe(no_mangle)]
extern "C" fn check(length: u32) -> u32 {
    answer(length, checking::answer)
}

/// Makes the bases for the universe in the message. As [`recognise`].
#[cfg(feature = "prover")]
#[unsafe(no_mangle)]
extern "C" fn bases(length: u32) -> u32 {
    answer(length, |message| SESSION.with_borrow_mut(|session| session.answer_bases(message)))
}

/// Makes the table and the key for the bases. As [`recognise`].
#[cfg(feature = "prover")]
#[unsafe(no_mangle)]
extern "C" fn table(length: u32) -> u32 {
    answer(length, |_| SESSION.with_borrow_mut(Session::answer_table))
}

/// Makes an attestation of the files in the message. As [`recognise`].
#[cfg(feature = "prover")]
#[unsafe(no_mangle)]
extern "C" fn prove(length: u32) -> u32 {
    answer(length, |message| SESSION.with_borrow_mut(|session| session.answer_proof(message)))
}

/// Takes the message and keeps the answer, as JSON.
fn answer(length: u32, respond: impl FnOnce(&Message<'_>) -> Value) -> u32 {
    let length = keep_answer(length, respond);
    wipe_stack();
    length
}

#[inline(never)]
fn keep_answer(length: u32, respond: impl FnOnce(&Message<'_>) -> Value) -> u32 {
    let mut input = INPUT.take();
    input.truncate(length as usize);
    let value = Message::read(&input).and_then(|message| randomness::with_seed(message.seed(), || respond(&message)));
    let output = value.unwrap_or_else(|error| envelope::internal("page", &error)).to_string().into_bytes();
    let length = output.len() as u32;
    OUTPUT.set(output);
    length
}

/// Overwrites what computations have left on the stack.
#[inline(never)]
fn wipe_stack() {
    let stack = [0_u8; STACK_BYTES];
    zeroize::optimization_barrier(&stack);
}
