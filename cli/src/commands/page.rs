//! `surety page`: the page that verifies and audits in a browser, as it was put into this program when it was built.

use std::path::{Path, PathBuf};

use serde_json::json;
use surety_audit::audit::input::sha256;
use surety_host::files::{self, Access, Existing};

use crate::{
    error::{Error, NoPage},
    inputs::Force,
    output::Answer,
};

include!(concat!(env!("OUT_DIR"), "/page.rs"));

#[derive(clap::Args)]
#[command(after_help = "Examples:
  surety page --out surety.html
  surety page --out surety.html --force --json")]
pub(crate) struct Args {
    /// File for the page
    #[arg(long, value_name = "FILE")]
    out: PathBuf,
    #[command(flatten)]
    force: Force,
}

pub(crate) fn run(args: &Args) -> Result<Answer, Error> {
    write(PAGE, &args.out, args.force.existing())
}

fn write(page: Option<&[u8]>, out: &Path, existing: Existing) -> Result<Answer, Error> {
    let page = page.ok_or(NoPage)?;
    files::write(out, page, Access::Public, existing)?;
    let sha256 = sha256(page);
    let text =
        format!("{}: {} bytes, SHA-256 {}", out.display(), page.len(), sha256.to_string().trim_start_matches("0x"));
    Answer::new(json!({ "file": out, "bytes": page.len(), "sha256": sha256 }), text)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use surety_core::failure::Class;

    use super::*;

    #[test]
    fn a_page_is_written_whole_and_replaces_nothing_unasked() {
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().join("surety.html");
        write(Some(b"page"), &out, Existing::Keep).unwrap();
        assert_eq!(fs::read(&out).unwrap(), b"page");
        assert!(write(Some(b"another"), &out, Existing::Keep).is_err());
        write(Some(b"another"), &out, Existing::Replace).unwrap();
        assert_eq!(fs::read(&out).unwrap(), b"another");
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 1, "no temporary file stays");
    }

    #[test]
    fn rejects_to_write_a_page_that_the_program_has_not() {
        let directory = tempfile::tempdir().unwrap();
        let out = directory.path().join("surety.html");
        let Err(error) = write(None, &out, Existing::Keep) else { panic!("expected no page") };
        assert_eq!((error.class(), error.code().as_ref()), (Class::Mismatch, "no-page"));
        assert!(error.to_string().contains("web/build") && !out.exists(), "{error}");
    }
}
