//! The columns of the circuit.

use surety_verifier::proof::protocol::ColumnCommitment;

/// The columns that a prover fills, in the order in which they are committed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum AdviceColumn {
    /// The address that a row of the program reads. Public.
    Idx,
    /// One where an equation of the program ends, else zero. Public.
    Flag,
    /// What a row of the program multiplies the value with. Public.
    Coef,
    /// What [`Self::BlindedHold`] adds to the holdings: random in the blinding rows, zero wherever a program reads.
    Blind,
    /// `HOLD + BLIND`: holdings at their addresses, which the sources signed, and blinding rows drawn for one proof.
    BlindedHold,
    /// Variables at their addresses, each followed by its quotients by powers of the range base.
    Var,
    /// The value that a row of the program reads.
    Val,
    /// The sum of an equation's terms before this row.
    Acc,
}

impl AdviceColumn {
    /// How many there are.
    pub const COUNT: usize = 8;

    /// All of them, in order.
    pub const ALL: [Self; Self::COUNT] =
        [Self::Idx, Self::Flag, Self::Coef, Self::Blind, Self::BlindedHold, Self::Var, Self::Val, Self::Acc];

    /// The name in the specification.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Idx => "IDX",
            Self::Flag => "FLAG",
            Self::Coef => "COEF",
            Self::Blind => "BLIND",
            Self::BlindedHold => "BLINDED_HOLD",
            Self::Var => "VAR",
            Self::Val => "VAL",
            Self::Acc => "ACC",
        }
    }

    /// Where verifiers have the commitment from.
    #[must_use]
    pub fn commitment(self) -> ColumnCommitment {
        match self {
            Self::Idx | Self::Flag | Self::Coef => ColumnCommitment::Known,
            Self::Blind => ColumnCommitment::Difference,
            Self::BlindedHold | Self::Var | Self::Val | Self::Acc => ColumnCommitment::Sent,
        }
    }
}

/// The names of the fixed columns, in order: the address column, and the column that marks limb groups and the one.
pub const FIXED_COLUMNS: [&str; 2] = ["ROW", "BASE"];
