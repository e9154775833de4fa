//! The cache of bases and the store of set-ups, each with a file that is changed in a few places: what is found there
//! is what was put there, or nothing. Where the checksum of the cache is made to fit, which only malice does, other
//! points may be found.
//!
//! The first byte says which, and whether the checksum is made to fit; the rest are the changes.

#![no_main]

use std::{fs, path::PathBuf, sync::LazyLock};

use alloy_primitives::keccak256;
use libfuzzer_sys::fuzz_target;
use surety_fuzz::{bounded, edit};
use surety_host::{cache::ParamsCache, store::SrsStore};
use surety_kzg::{Capacity, Params, Srs, SrsError, progress::Silent};
use tempfile::TempDir;

/// Both directories, with one file in each.
struct Fixture {
    directory: TempDir,
    srs: Srs,
    params: Params,
    bases: (PathBuf, Vec<u8>),
    stored: (PathBuf, Vec<u8>),
}

static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let directory = TempDir::new().unwrap();
    let srs = Srs::development(Capacity::new(Capacity::MIN_K).unwrap());
    let cache = ParamsCache::new(directory.path().join("bases"));
    let computed = || Ok::<_, SrsError>(srs.clone());
    let params = cache.params(srs.verifier_key(), srs.capacity(), computed, &Silent).unwrap();
    let bases = fs::read_dir(directory.path().join("bases")).unwrap().next().unwrap().unwrap().path();
    let stored = SrsStore::new(directory.path().join("srs")).add(&srs).unwrap();
    let with_content = |path: PathBuf| (path.clone(), fs::read(path).unwrap());
    Fixture { bases: with_content(bases), stored: with_content(stored), directory, srs, params }
});

/// Bits of the first byte.
const SEALED: u8 = 1;
const STORE: u8 = 2;

fuzz_target!(|input: &[u8]| {
    let Some((kind, edits)) = input.split_first() else { return };
    let Fixture { directory, srs, params, bases, stored } = &*FIXTURE;
    let (key, capacity) = (srs.verifier_key(), srs.capacity());
    let (is_store, is_sealed) = (kind & STORE != 0, kind & SEALED != 0);
    let (path, content) = if is_store { stored } else { bases };
    let mut content = content.clone();
    edit(&mut content, edits);
    if is_sealed && let Some((body, checksum)) = content.split_last_chunk_mut::<32>() {
        *checksum = keccak256(body).0;
    }
    fs::write(path, &content).unwrap();
    bounded(&content, || {
        if !is_store {
            let cache = ParamsCache::new(directory.path().join("bases"));
            let refused = || Err(SrsError::NotPowers);
            if let Ok(found) = cache.params(key, capacity, refused, &Silent) {
                assert!(is_sealed || found == *params, "other bases");
            }
        } else {
            let store = SrsStore::new(directory.path().join("srs"));
            if let Ok(found) = store.load(srs.id(), capacity, &Silent) {
                assert!(found == *srs, "another set-up");
            }
        }
    });
});
