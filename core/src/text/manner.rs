//! How texts are read: by whom they were written, and how much of them is looked at.

/// How many mistakes of an input are told.
pub const MAX_MISTAKES: usize = 100;

/// Most bytes of a TOML text. Reading takes up to 90 bytes of memory for each; of JSON, half of it.
pub const MAX_TOML_BYTES: usize = 4 << 20;

/// Who writes the texts of a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WrittenBy {
    /// People do: a spelling that can have one meaning only is read.
    People,
    /// Machines do, and others sign or verify what they wrote: there is one spelling of everything.
    Machines,
}
