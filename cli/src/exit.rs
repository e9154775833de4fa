//! Exit codes of the process.

use std::process::ExitCode;

use surety_core::failure::Class;

/// All exit codes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Exit {
    Good = 0,
    Internal = 1,
    Input = 2,
    Invalid = 3,
    Insufficient = 4,
    Mismatch = 5,
    Resources = 6,
}

impl From<Class> for Exit {
    fn from(class: Class) -> Self {
        match class {
            Class::Internal => Self::Internal,
            Class::Input => Self::Input,
            Class::Invalid => Self::Invalid,
            Class::Insufficient => Self::Insufficient,
            Class::Mismatch => Self::Mismatch,
            Class::Resources => Self::Resources,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
