//! Certificates, as files in PEM have them.

use std::path::Path;

use rustls::pki_types::{CertificateDer, pem::PemObject as _};
use surety_core::failure::AnyFailure;
use surety_host::files;

use crate::error::ServiceError;

/// The certificates of a file, at least one. `input` is where the configuration names it.
///
/// # Errors
/// If the file cannot be read, or has no certificates or something else.
pub fn certificates(path: &Path, input: &str) -> Result<Vec<CertificateDer<'static>>, AnyFailure> {
    let text = files::read_text(path)?;
    let wrong = || ServiceError::value(input, "certificates in PEM", "something else");
    let found = CertificateDer::pem_slice_iter(text.as_bytes()).collect::<Result<Vec<_>, _>>().map_err(|_| wrong())?;
    if found.is_empty() { Err(wrong().into()) } else { Ok(found) }
}
