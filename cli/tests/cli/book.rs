//! Books on the command line.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use crate::sandbox::Sandbox;

/// A published book of a few dozen accounts in small pages.
fn with_book() -> Sandbox {
    let sandbox = Sandbox::new();
    let run = sandbox.surety("book demo --accounts 40 --k 12 --out demo --offline --json").expect(0);
    let data = run.data();
    assert_eq!(data["users"].as_array().unwrap().len(), 3, "{data}");
    let refused: Vec<_> = data["refused"].as_array().unwrap().iter().map(|it| it["attack"].as_str().unwrap()).collect();
    assert!(refused.contains(&"a page left out") && refused.contains(&"a page twice"), "{data}");
    assert!(refused.contains(&"a changed balance") && refused.contains(&"the cell of another coset"), "{data}");
    sandbox
}

#[test]
fn books_are_verified_and_checked_by_strangers_and_refused_with_reasons() {
    let sandbox = with_book();
    let stranger = Sandbox::new();
    fs::create_dir(stranger.path("public")).unwrap();
    for file in fs::read_dir(sandbox.path("demo/book/public")).unwrap() {
        let file = file.unwrap();
        fs::copy(file.path(), stranger.path("public").join(file.file_name())).unwrap();
    }
    fs::copy(sandbox.path("demo/customer-0.json"), stranger.path("cell.json")).unwrap();
    let run = stranger.surety("book verify public --allow-insecure-srs").expect(0);
    assert!(run.stdout.contains("not established") && run.stderr.contains("INSECURE"), "{}", run.stdout);
    stranger.surety("book verify public").expect(5);
    let run = stranger.surety("book check cell.json --book public --user customer-0 --allow-insecure-srs").expect(0);
    assert!(run.stdout.contains("is in the book"), "{}", run.stdout);
    stranger.surety("book check cell.json --book public").expect(5);
    stranger.surety("book check cell.json --book public --user customer-1 --allow-insecure-srs").expect(5);

    let pages = stranger.path("public/pages.bin");
    let mut bytes = fs::read(&pages).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    fs::write(&pages, &bytes).unwrap();
    let run = stranger.surety("book verify public --allow-insecure-srs").expect(3);
    assert!(run.stderr.contains("page 1"), "{}", run.stderr);
    bytes.truncate(1_000);
    fs::write(&pages, bytes).unwrap();
    stranger.surety("book verify public --allow-insecure-srs").expect(5);
}

#[test]
fn a_book_survives_the_death_of_all_its_processes() {
    let sandbox = with_book();
    let status = || sandbox.surety("book status demo/book --json").expect(0).data();
    assert_eq!(status()["missing"].as_array().unwrap().len(), 0);
    for page in ["00000000", "00000001"] {
        fs::remove_file(sandbox.path("demo/book/pages").join(page)).unwrap();
    }
    assert_eq!(status()["proven"], 0);
    // Whatever the pool and its workers were doing, what is there afterwards is whole.
    for wait in [50, 400, 900] {
        let mut pool = sandbox.command("book resume demo/book --workers 2".split(' ')).spawn().unwrap();
        thread::sleep(Duration::from_millis(wait));
        let _ = Command::new("pkill").args(["-9", "-P", &pool.id().to_string()]).status();
        let _ = pool.kill();
        pool.wait().unwrap();
        status();
    }
    let run = sandbox.surety("book resume demo/book --workers 2 --json").expect(0);
    assert_eq!(run.data()["published"], true);
    assert_eq!(status()["published"], true);
    sandbox.surety("book verify demo/book/public --allow-insecure-srs").expect(0);
}

/// The parts of a fleet are tested by themselves, with stubs for provers: `fleet/tests`.
#[test]
fn a_fleet_on_postgres_makes_the_book_that_an_auditor_verifies() {
    let sandbox = Sandbox::new();
    if surety_fleet::server::installed().is_none() {
        println!("skipped: PostgreSQL is not installed");
        return;
    }
    sandbox.surety("book demo --accounts 40 --k 12 --out demo --offline --workers 2 --queue postgres").expect(0);
    sandbox.surety("book verify demo/book/public --allow-insecure-srs").expect(0);

    // Once more, with a server that stays, a worker that sees nothing but a store, and the key beside it.
    let server = surety_fleet::server::Server::start().unwrap();
    let url = server.url();
    let queue = [("SURETY_QUEUE", url.as_str())];
    let run = |line: &str| sandbox.run_with(&queue, line.split(' '));
    sandbox.surety("book build demo/venue --accounts demo/venue/accounts.csv --out again").expect(0);
    fs::create_dir(sandbox.path("store")).unwrap();
    let store = format!("file://{}", sandbox.path("store").display());
    let line = format!("book prove again --workers 0 --artifacts {store} --json");
    let coordinate = || {
        let mut command = sandbox.command(line.split(' '));
        command.envs(queue).stdout(Stdio::piped()).spawn().unwrap()
    };
    let status = || run("book status again --json").expect(0).data()["queue"].clone();
    let enqueued = || {
        while status()["ready"] != 2 {
            thread::sleep(Duration::from_millis(50));
        }
    };
    let interrupted = coordinate();
    enqueued();
    Command::new("kill").args(["-s", "INT", &interrupted.id().to_string()]).status().unwrap();
    let interrupted = interrupted.wait_with_output().unwrap();
    assert_eq!(interrupted.status.code(), Some(6), "{}", String::from_utf8_lossy(&interrupted.stdout));

    fs::remove_file(sandbox.path("store/private/plan.json")).unwrap();
    let coordinator = coordinate();
    while !sandbox.path("store/private/plan.json").exists() {
        thread::sleep(Duration::from_millis(50));
    }
    fs::copy(sandbox.path("again/private/key"), sandbox.path("key")).unwrap();
    let worker = run(&format!("book worker --artifacts {store} --key key --drain --workers 1 --json")).expect(0);
    assert_eq!(worker.data()["proven"], 2);
    assert_eq!(status()["done"], 2);
    assert_eq!(run("book retry again --json").expect(0).data()["retried"], 0);
    let made = coordinator.wait_with_output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
    sandbox.surety("book verify again/public --allow-insecure-srs").expect(0);
    let store = crate::sandbox::files_below(&sandbox.path("store"));
    assert!(store.iter().all(|file| !file.ends_with("key")), "{store:?}");
}

#[test]
fn passwords_of_queues_are_not_printed() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("book/private")).unwrap();
    sandbox.write("book/private/plan.json", "{}");
    for line in [
        "book status book --queue mysql://user:hunter2@localhost/queue",
        "book status book --queue postgres://user:hunter2@[::bad/queue --json",
        "book worker --artifacts https://user:hunter2@localhost/queue --queue postgres://localhost",
        "book worker --artifacts book --drain --queue hunter2",
        "book prove book --queue hunter2",
    ] {
        let run = sandbox.surety(line).expect(2);
        assert!(!run.says("hunter2"), "{line}: {}{}", run.stdout, run.stderr);
    }
    let run = sandbox.run_with(&[("SURETY_QUEUE", "hunter2")], "book retry book".split(' ')).expect(2);
    assert!(run.says("SURETY_QUEUE: expected") && !run.says("hunter2"), "{}", run.stderr);
    let run = sandbox.surety("book worker --artifacts book").expect(2);
    assert!(run.says("SURETY_QUEUE"), "{}", run.stderr);
}

#[test]
fn rejects_reserves_that_lack_a_custodian() {
    let sandbox = with_book();
    let statements = sandbox.path("demo/venue/statements");
    let one = fs::read_dir(&statements).unwrap().next().unwrap().unwrap().path();
    fs::remove_file(one).unwrap();
    sandbox.surety("book build demo/venue --accounts demo/venue/accounts.csv --out again").expect(0);
    let run = sandbox.surety("book prove again");
    assert!(run.code != 0 && !sandbox.path("again/public/book.json").exists(), "{}", run.stderr);
}
