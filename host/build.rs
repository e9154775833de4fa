//! Puts a ceremony's set-up into the program, if `SURETY_CEREMONY` names its file; see `docs/src/supply-chain.md`.

#![allow(clippy::print_stdout, reason = "a build script tells Cargo on stdout")]

use std::{env, fs, path::Path};

use sha2::{Digest as _, Sha256};

#[path = "../kzg/src/carried.rs"]
#[allow(unreachable_pub, reason = "the file is a module of a library as well")]
mod carried;
#[path = "../kzg/src/ceremonies.rs"]
#[allow(dead_code, unreachable_pub, reason = "the file is a module of a library as well")]
mod ceremonies;

/// The file: a set-up in the compact format, by an absolute path or one from the workspace.
const FILE: &str = "SURETY_CEREMONY";

/// Its SHA-256, if the build is to depend on it.
const HASH: &str = "SURETY_CEREMONY_SHA256";

fn main() {
    for variable in [FILE, HASH] {
        println!("cargo::rerun-if-env-changed={variable}");
    }
    println!("cargo::rerun-if-changed=build.rs");
    if let Err(problem) = carry() {
        println!("cargo::error={problem}");
    }
}

/// Writes `carried.rs`, which the library includes, and the file beside it.
fn carry() -> Result<(), String> {
    let out = env::var_os("OUT_DIR").ok_or("expected OUT_DIR, found none: build with Cargo")?;
    let out = Path::new(&out);
    let write = |name: &str, content: &[u8]| {
        fs::write(out.join(name), content).map_err(|error| format!("{}: {error}", out.join(name).display()))
    };
    let expected = env::var_os(HASH).map(|text| carried::expected_hash(&text)).transpose();
    let expected = expected.map_err(|problem| format!("{HASH}: {problem}; unset it to build without"))?;
    let Some(path) = env::var_os(FILE).filter(|path| !path.is_empty()) else {
        if expected.is_some() {
            return Err(format!("{FILE}: expected the file that has the hash of {HASH}, found none"));
        }
        return write("carried.rs", b"const CARRIED: Option<Carried> = None;\n");
    };
    // Cargo runs this in the package's directory.
    let path = Path::new("..").join(path);
    println!("cargo::rerun-if-changed={}", path.display());
    let file = fs::read(&path).map_err(|error| format!("{FILE}={}: {error}", path.display()))?;
    let found = carried::examine(&file).map_err(|problem| format!("{FILE}={}: {problem}", path.display()))?;
    let hash: String = Sha256::digest(&file).iter().map(|byte| format!("{byte:02x}")).collect();
    if let Some(expected) = expected.filter(|expected| *expected != hash) {
        return Err(format!("{FILE}={}: expected SHA-256 {expected} ({HASH}), found {hash}", path.display()));
    }
    write("ceremony.srs", &file)?;
    let text = format!(
        "const CARRIED: Option<Carried> = Some(Carried {{\n    file: include_bytes!(concat!(env!(\"OUT_DIR\"), \
         \"/ceremony.srs\")),\n    sha256: \"{hash}\",\n    ceremony: \"{}\",\n    k: {},\n}});\n",
        found.ceremony.name, found.k,
    );
    write("carried.rs", text.as_bytes())
}
