//! The set-up that this program was built with, if any.
//!
//! The build script has refused all but set-ups of known ceremonies, and has written down hash, ceremony and size. A
//! program whose bytes have changed since carries nothing, and says so. The powers are checked whenever they are read,
//! as those of any stored set-up.

use std::io::Cursor;

use sha2::{Digest as _, Sha256};
use surety_kzg::{Observer, Srs, carried::examine, import};

use crate::{import::ImportError, store::Place};

/// A set-up in the compact format, and what was found at build time.
#[derive(Clone, Copy, Debug)]
pub struct Carried {
    /// The file.
    pub file: &'static [u8],
    /// Its SHA-256, 64 hexadecimal digits.
    pub sha256: &'static str,
    /// The ceremony's name.
    pub ceremony: &'static str,
    /// Binary logarithm of the number of powers.
    pub k: u32,
}

include!(concat!(env!("OUT_DIR"), "/carried.rs"));

/// What the program was built with, if it is still that.
///
/// # Errors
/// A sentence with what was expected and found.
pub fn carried() -> Result<Option<Carried>, String> {
    CARRIED.map(Carried::checked).transpose()
}

impl Carried {
    /// Reads and checks all of its powers.
    ///
    /// # Errors
    /// The first thing that is wrong with them.
    pub fn read(&self, observer: &dyn Observer) -> Result<Srs, ImportError> {
        import::read(Cursor::new(self.file), None, None, observer)
            .map_err(|problem| ImportError { path: Place::Program.to_string().into(), problem })
    }

    fn checked(self) -> Result<Self, String> {
        let hash = alloy_primitives::hex::encode(Sha256::digest(self.file));
        if hash != self.sha256 {
            return Err(format!(
                "expected SHA-256 {}, found {hash}: this program is damaged; install it again",
                self.sha256
            ));
        }
        let found = examine(self.file)?;
        if (found.ceremony.name, found.k) == (self.ceremony, self.k) {
            return Ok(self);
        }
        let (name, k) = (found.ceremony.name, found.k);
        Err(format!(
            "expected {} with 2^{} powers, found {name} with 2^{k}: this program is damaged",
            self.ceremony, self.k
        ))
    }
}

#[cfg(test)]
mod tests {
    use surety_kzg::{Capacity, import::write_compact, origin::CEREMONIES, progress::Silent};

    use super::*;

    /// The form of a set-up of a ceremony, with powers of the development τ: what is looked at before powers are read.
    fn form(file: Vec<u8>) -> Carried {
        let sha256 = alloy_primitives::hex::encode(Sha256::digest(&file)).leak();
        Carried { file: file.leak(), sha256, ceremony: "ppot-0085", k: 9 }
    }

    fn file() -> Vec<u8> {
        let mut file = Vec::new();
        write_compact(&Srs::development(Capacity::new(9).unwrap()), &mut file).unwrap();
        let start = file.len() - 64;
        let tau_g2 = CEREMONIES[0].tau_g2;
        for index in 0..32 {
            file[start + index] = tau_g2[63 - index];
            file[start + 32 + index] = tau_g2[31 - index];
        }
        file[start + 63] |= (tau_g2[127] & 1) << 6;
        file
    }

    #[test]
    fn what_was_built_in_is_what_it_was() {
        assert!(form(file()).checked().is_ok());
        assert!(carried().is_ok());
    }

    /// Its form is that of a ceremony's set-up, and its powers are others'.
    #[test]
    fn rejects_powers_that_do_not_fit() {
        let error = form(file()).read(&Silent).unwrap_err().to_string();
        assert!(error.starts_with("(in this program): "), "{error}");
    }

    #[test]
    fn rejects_a_program_that_has_changed() {
        let sound = form(file());
        let mut other = file();
        other[4 + 32 * 7] ^= 1;
        assert!(Carried { file: other.clone().leak(), ..sound }.checked().unwrap_err().contains("damaged"));
        assert!(Carried { k: 10, ..sound }.checked().unwrap_err().contains("2^10"));
        assert!(Carried { ceremony: "ppot-0080", ..sound }.checked().unwrap_err().contains("found ppot-0085"));
        other.pop();
        assert!(form(other).checked().is_err());
    }
}
