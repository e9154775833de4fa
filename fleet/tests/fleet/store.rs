//! Artifacts that workers find in a store.

use std::{fs, path::Path};

use surety_fleet::artifacts::{ArtifactError, Site, Store};
use surety_host::files::FileError;
use surety_venue::directory::{DirectoryError, PUBLIC_INPUTS};

use super::field::Field;

#[test]
fn artifacts_go_through_a_store_and_back() {
    let Some(field) = Field::with(4) else { return };
    let directory = field.directory();
    PUBLIC_INPUTS.iter().for_each(|name| fs::write(directory.public().join(name), name).unwrap());
    fs::create_dir(field.path("store")).unwrap();
    let address = format!("file://{}", field.path("store").display());
    let (store, plan) = (Store::open(&address).unwrap(), directory.plan_id().unwrap());
    field.runtime.block_on(store.push(&directory, &[0, 1, 2, 3])).unwrap();
    assert!(!field.runtime.block_on(store.fetch(&directory, plan, 0)).unwrap(), "there is no result yet");

    // Somebody else's result, and something that is none.
    let results = field.path("store").join("pages").join(plan.to_string());
    let cells = field.path("store").join("cells").join(plan.to_string());
    [&results, &cells].into_iter().for_each(|path| fs::create_dir_all(path).unwrap());
    for (page, text) in [("00000001", "stub 1"), ("00000002", "something else")] {
        fs::write(cells.join(page), "cells").unwrap();
        fs::write(results.join(page), text).unwrap();
    }
    // A page without its cells, and one that is larger than any.
    fs::write(results.join("00000000"), "stub 0").unwrap();
    fs::write(results.join("00000003"), vec![0; 1 << 17]).unwrap();
    fs::write(cells.join("00000003"), "cells").unwrap();
    for page in [0, 3] {
        assert!(
            !field.runtime.block_on(store.fetch(&directory, plan, page)).unwrap(),
            "page {page} is taken as missing"
        );
    }
    fs::create_dir(field.path("scratch")).unwrap();
    let before = format!("export TMPDIR='{}';", field.path("scratch").display());
    let options = format!("drain=1 'key={}'", directory.private().join("key").display());
    let mut worker = field.worker_at(&address, "log", &options, &before);
    assert!(worker.ended());
    assert_eq!(field.status().done, 4);
    assert_eq!(field.count("log", "start 1"), 0, "what is there already is not proven again");
    assert_eq!(fs::read_dir(field.path("scratch")).unwrap().count(), 0, "no copy stays");
    for page in 0..4 {
        assert!(!directory.page_path(page).exists());
        assert!(field.runtime.block_on(store.fetch(&directory, plan, page)).unwrap());
        assert_eq!(fs::read(directory.page_path(page)).unwrap(), format!("stub {page}").as_bytes());
        assert_eq!(fs::read(directory.cells_path(page)).unwrap(), b"cells");
    }
    assert!(!field.path("store").join("private/key").exists());

    rejects_plans_that_nobody_with_the_key_vouches_for(&field, &address);
}

fn rejects_plans_that_nobody_with_the_key_vouches_for(field: &Field, address: &str) {
    let (place, key) = (address.parse().unwrap(), field.directory().private().join("key"));
    let open = |key: &Path| field.runtime.block_on(Site::open(&place, Some(key)));
    open(&key).unwrap();
    fs::write(field.path("other key"), [8; 32]).unwrap();
    assert!(matches!(open(&field.path("other key")), Err(ArtifactError::Directory(DirectoryError::Sealed { .. }))));
    // At other prices, say.
    fs::write(field.path("store/private/plan.json"), "another plan").unwrap();
    assert!(matches!(open(&key), Err(ArtifactError::Directory(DirectoryError::Other { .. }))));
}

#[test]
fn rejects_plans_in_place_that_nobody_with_the_key_vouches_for() {
    let Some(field) = Field::with(1) else { return };
    let (directory, root) = (field.directory(), field.path("book"));
    Site::in_place(&root, None).unwrap();
    // At other prices, say.
    let plan = fs::read(directory.plan_path()).unwrap();
    fs::write(directory.plan_path(), "another plan").unwrap();
    let error = Site::in_place(&root, None).unwrap_err();
    assert!(matches!(error, ArtifactError::Directory(DirectoryError::Other { .. })), "{error}");
    fs::write(directory.plan_path(), plan).unwrap();
    fs::remove_file(directory.seal_path()).unwrap();
    assert!(matches!(Site::in_place(&root, None), Err(ArtifactError::File(FileError::Missing(_)))));
}

#[test]
fn a_lost_attempt_leaves_the_files_of_other_workers() {
    let Some(field) = Field::with(1) else { return };
    let directory = field.directory();
    PUBLIC_INPUTS.iter().for_each(|name| fs::write(directory.public().join(name), name).unwrap());
    fs::create_dir(field.path("store")).unwrap();
    let address = format!("file://{}", field.path("store").display());
    field.runtime.block_on(Store::open(&address).unwrap().push(&directory, &[0])).unwrap();
    let key = directory.private().join("key");
    field.runtime.block_on(async {
        let site = Site::open(&address.parse().unwrap(), Some(&key)).await.unwrap();
        let (lost, current) = (site.desk().unwrap(), site.desk().unwrap());
        for desk in [&lost, &current] {
            assert!(!site.bring(desk, 0).await.unwrap());
        }
        lost.clear(0);
        assert!(!lost.directory().input_path(0).exists());
        assert!(current.directory().input_path(0).exists());
    });
}

#[test]
fn rejects_stores_without_a_book() {
    let Some(field) = Field::with(1) else { return };
    fs::create_dir(field.path("empty")).unwrap();
    let address = format!("file://{}", field.path("empty").display()).parse().unwrap();
    let error = field.runtime.block_on(Site::open(&address, None)).unwrap_err();
    assert!(error.to_string().contains("public/universe.toml"), "{error}");
}
