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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn classes_are_told_from_their_exit_codes() {
        let classes =
            [Class::Internal, Class::Input, Class::Invalid, Class::Insufficient, Class::Mismatch, Class::Resources];
        for class in classes {
            assert_eq!(Class::of_exit_code(Some(i32::from(Exit::from(class) as u8))), class);
        }
        assert_eq!(Class::of_exit_code(None), Class::Resources);
    }
}
