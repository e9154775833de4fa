//! Puts the page that verifies and audits into the program, if `SURETY_PAGE` names its file; see
//! `docs/src/supply-chain.md`.

#![allow(clippy::print_stdout, reason = "a build script tells Cargo on stdout")]

use std::{env, fs, path::Path};

/// The file that `web/build` makes, by an absolute path or one from the workspace.
const FILE: &str = "SURETY_PAGE";

fn main() {
    println!("cargo::rerun-if-env-changed={FILE}");
    println!("cargo::rerun-if-changed=build.rs");
    if let Err(problem) = carry() {
        println!("cargo::error={problem}");
    }
}

/// Writes `page.rs`, which the command includes, and the page beside it.
fn carry() -> Result<(), String> {
    let out = env::var_os("OUT_DIR").ok_or("expected OUT_DIR, found none: build with Cargo")?;
    let out = Path::new(&out);
    let write = |name: &str, content: &[u8]| {
        fs::write(out.join(name), content).map_err(|error| format!("{}: {error}", out.join(name).display()))
    };
    let Some(path) = env::var_os(FILE).filter(|path| !path.is_empty()) else {
        return write("page.rs", b"const PAGE: Option<&[u8]> = None;\n");
    };
    // Cargo runs this in the package's directory.
    let path = Path::new("..").join(path);
    println!("cargo::rerun-if-changed={}", path.display());
    let page = fs::read_to_string(&path).map_err(|error| format!("{FILE}={}: {error}", path.display()))?;
    let version = env!("CARGO_PKG_VERSION");
    for mark in ["<title>Surety: verify attestations</title>", &format!("<p>Surety {version} · verifier ")] {
        if !page.contains(mark) {
            return Err(format!(
                "{FILE}={}: expected the page of version {version}, found another file: make it with web/build",
                path.display()
            ));
        }
    }
    write("page.html", page.as_bytes())?;
    let included = "const PAGE: Option<&[u8]> = Some(include_bytes!(concat!(env!(\"OUT_DIR\"), \"/page.html\")));\n";
    write("page.rs", included.as_bytes())
}
