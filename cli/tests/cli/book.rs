//! Books on the command line.

use std::{
    fs,
    process::{Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;
use surety_core::units::Timestamp;
use surety_host::{directories::Directories, setup::Setups};
use surety_kzg::{Capacity, progress::Silent};
use surety_testing::s3::S3;
use surety_walkthrough::book::prepare;

use crate::sandbox::{Sandbox, read_json};

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

    // A forged result comes nowhere near the book, and another takes its place.
    let plan = surety_venue::directory::BookDirectory::new(sandbox.path("again")).plan_id().unwrap();
    for kind in ["cells", "pages"] {
        fs::create_dir_all(sandbox.path(&format!("store/{kind}/{plan}"))).unwrap();
        sandbox.write(&format!("store/{kind}/{plan}/00000000"), "forged");
    }
    fs::remove_file(sandbox.path("store/private/plan.json")).unwrap();
    let coordinator = coordinate();
    while !sandbox.path("store/private/plan.json").exists() {
        thread::sleep(Duration::from_millis(50));
    }
    assert!(!sandbox.path("again/pages/00000000").exists());
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

/// A page whose input is not the plan's is given up; a worker that drains the queue ends with the class of its reason,
/// and so does whoever waits for the book. Once the input is back, another attempt makes the book.
#[test]
fn rejects_a_drained_queue_with_a_page_that_was_given_up() {
    if surety_fleet::server::installed().is_none() {
        println!("skipped: PostgreSQL is not installed");
        return;
    }
    let (sandbox, server) = (with_book(), surety_fleet::server::Server::start().unwrap());
    let url = server.url();
    let queue = [("SURETY_QUEUE", url.as_str())];
    let run = |line: &str| sandbox.run_with(&queue, line.split(' '));
    sandbox.surety("book build demo/venue --accounts demo/venue/accounts.csv --out again").expect(0);
    let [first, second] = ["00000000", "00000001"].map(|page| sandbox.path(&format!("again/private/inputs/{page}")));
    let input = fs::read(&first).unwrap();
    let mut coordinator = sandbox.command("book prove again --workers 0 --json".split(' '));
    let coordinator = coordinator.envs(queue).stdout(Stdio::piped()).spawn().unwrap();
    let status = || run("book status again --json").expect(0).data()["queue"].clone();
    while status()["ready"] != 2 {
        thread::sleep(Duration::from_millis(50));
    }
    fs::copy(&second, &first).unwrap();
    let worker = run("book worker --artifacts again --drain --workers 1 --json").expect(5);
    assert!(worker.says("book-pages") && worker.says("page 0 ("), "{}", worker.stdout);
    let coordinator = coordinator.wait_with_output().unwrap();
    assert_eq!(coordinator.status.code(), Some(5), "{}", String::from_utf8_lossy(&coordinator.stdout));
    assert_eq!((status()["done"].as_u64(), status()["failed"].as_u64()), (Some(1), Some(1)));

    fs::write(&first, input).unwrap();
    assert_eq!(run("book retry again --json").expect(0).data()["retried"], 1);
    let worker = run("book worker --artifacts again --drain --workers 1 --json").expect(0);
    assert_eq!(worker.data()["proven"], 1);
    run("book prove again").expect(0);
    sandbox.surety("book verify again/public --allow-insecure-srs").expect(0);
}

/// Attack: whoever controls a store puts something else in the place of a result, before or while the page is proven,
/// or of the plan.
#[test]
fn rejects_objects_that_were_swapped_in_s3() {
    if surety_fleet::server::installed().is_none() {
        println!("skipped: PostgreSQL is not installed");
        return;
    }
    let Some(s3) = S3::start() else { return };
    let (sandbox, server) = (with_book(), surety_fleet::server::Server::start().unwrap());
    sandbox.surety("book build demo/venue --accounts demo/venue/accounts.csv --out again").expect(0);
    fs::copy(sandbox.path("again/private/key"), sandbox.path("key")).unwrap();
    let url = server.url();
    let access = s3.environment();
    let mut environment = vec![("SURETY_QUEUE", url.as_str())];
    environment.extend(access.iter().map(|(name, value)| (*name, value.as_str())));
    let spawn = |line: &str| {
        let mut command = sandbox.command(line.split(' '));
        command.envs(environment.iter().copied()).stdout(Stdio::piped()).spawn().unwrap()
    };
    let address = s3.address("venue/books");
    let patience = Instant::now();
    let wait = |what: &str, is: &dyn Fn() -> bool| {
        while !is() {
            assert!(patience.elapsed() < Duration::from_secs(120), "expected {what}");
            thread::sleep(Duration::from_millis(5));
        }
    };
    let coordinator = spawn(&format!("book prove again --workers 0 --artifacts {address} --json"));
    wait("the plan in the store", &|| s3.get("venue/books/private/plan.json").is_some());
    let plan = surety_venue::directory::BookDirectory::new(sandbox.path("again")).plan_id().unwrap();
    let [first, second] = ["00000000", "00000001"].map(|page| format!("venue/books/pages/{plan}/{page}"));
    let cells = |page: &str| page.replace("/pages/", "/cells/");
    [&second, &cells(&second)].into_iter().for_each(|key| s3.put(key, b"forged before"));

    let looked = s3.answers("GET", &first).len();
    let worker = spawn(&format!("book worker --artifacts {address} --key key --drain --workers 1 --json"));
    wait("the worker to look for a result", &|| s3.answers("GET", &first).len() > looked);
    [&first, &cells(&first)].into_iter().for_each(|key| s3.put(key, b"forged meanwhile"));
    let worker = worker.wait_with_output().unwrap();
    assert!(worker.status.success(), "{}", String::from_utf8_lossy(&worker.stdout));
    for page in [&first, &second] {
        for key in [page, &cells(page)] {
            // Kept if nothing is there, which fails; then looked at, and replaced.
            assert!(s3.answers("PUT", key).ends_with(&[412, 200]), "{key}: {:?}", s3.answers("PUT", key));
            assert!(!s3.get(key).unwrap().starts_with(b"forged"), "{key}");
        }
    }
    let made = coordinator.wait_with_output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stdout));
    sandbox.surety("book verify again/public --allow-insecure-srs").expect(0);
    assert!(s3.get("venue/books/private/key").is_none());

    // At other prices, say: nobody with the key vouches for it.
    s3.put("venue/books/private/plan.json", &fs::read(sandbox.path("demo/book/private/plan.json")).unwrap());
    let line = format!("book worker --artifacts {address} --key key --drain --workers 1");
    sandbox.run_with(&environment, line.split(' ')).expect(5);
}

#[test]
#[ignore = "takes minutes: scripts/check --full runs it"]
fn full_ten_thousand_accounts_are_proven_at_k_16_by_processes_and_by_a_queue() {
    let sandbox = Sandbox::new();
    let mut ways = vec![""];
    if surety_fleet::server::installed().is_some() {
        ways.push("--queue postgres");
    } else {
        println!("skipped: PostgreSQL is not installed");
    }
    for (way, out) in ways.into_iter().zip(["processes", "queue"]) {
        let start = Instant::now();
        let line = format!("book demo --accounts 10000 --out {out} --offline --json {way}");
        let data = sandbox.surety(line.trim_end()).expect(0).data();
        println!("10,000 accounts by {out} in {:?}", start.elapsed());
        // 9,000 accounts without debts and 1,000 with.
        assert_eq!(data["accepted"]["pages"], serde_json::json!([4, 2]), "{data}");
        assert_eq!((data["users"].as_array().unwrap().len(), data["refused"].as_array().unwrap().len()), (3, 6));
        sandbox.surety(&format!("book verify {out}/book/public --allow-insecure-srs")).expect(0);
        let line = format!("book check {out}/customer-2.json --book {out}/book/public --allow-insecure-srs");
        sandbox.surety(&line).expect(0);
    }
}

#[test]
#[ignore = "takes a minute, and a gigabyte"]
fn full_the_inputs_of_a_million_accounts_are_built() {
    const ACCOUNTS: u64 = 1_000_000;
    let sandbox = Sandbox::new();
    let [cache, data, state] = ["cache", "data", "state"].map(|name| sandbox.path(name));
    let setups = Setups::new(&Directories { cache, data, state });
    let capacity = Capacity::new(Capacity::MAX_K).unwrap();
    let now = Timestamp(SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs());
    prepare(&sandbox.path("venue"), (ACCOUNTS, capacity), &setups, now, &Silent).unwrap();
    let start = Instant::now();
    let built = sandbox.surety("book build venue --accounts venue/accounts.csv --out book --json").expect(0).data();
    println!("the inputs of a million accounts in {:?}, with the programs", start.elapsed());
    assert_eq!(built["accounts"], ACCOUNTS);
    let pages = |kind: usize| built["kinds"][kind]["pages"].as_u64().unwrap();
    assert_eq!(pages(0) + pages(1), 460, "{built}");
    let status = sandbox.surety("book status book --json").expect(0).data();
    assert_eq!((status["pages"].as_u64(), status["missing"].as_array().unwrap().len()), (Some(460), 460));
    assert_eq!(fs::metadata(sandbox.path("book/private/users")).unwrap().len(), 24 * ACCOUNTS);
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

#[test]
fn books_are_audited_with_their_pages_and_refused_with_reasons() {
    let sandbox = with_book();
    let audit = |line: &str| sandbox.surety(&format!("audit {line} --json"));
    let told = |line: &str, code: i32| audit(line).expect(code).told();
    let good = told("demo/book/public --allow-insecure-srs", 0);
    assert_eq!(
        (&good["accepted_books"], &good["rejected_books"], &good["accepted"]),
        (&1.into(), &0.into(), &0.into())
    );
    let claim = &good["books"][0]["claim"];
    assert_eq!((&claim["venue"], claim["faith"].as_array().unwrap().len()), (&"corvus".into(), 2), "{claim}");
    assert_eq!(claim["caps"].as_array().unwrap().len(), 8);
    let slots: u64 = claim["kinds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|kind| kind["pages"].as_u64().unwrap() * kind["accounts"].as_u64().unwrap())
        .sum();
    assert_eq!(claim["slots"], slots);
    let stated = &good["books"][0]["stated"];
    let [root, rules] = ["root", "rules"].map(|key| stated[key].as_str().unwrap().to_owned());
    let run = sandbox.surety("audit demo/book/public --allow-insecure-srs --html report.html").expect(0);
    assert!(run.stdout.contains("1 book: 1 accepted, 0 rejected") && run.stdout.contains(&root), "{}", run.stdout);
    let page = fs::read_to_string(sandbox.path("report.html")).unwrap();
    assert!(page.contains("<h2>Books</h2>") && page.contains(&root) && page.contains("taken on faith"));

    // A root that is not the one that is known is no known root, nor do reviewed rules make it one.
    let report = |known: &str| {
        let line = format!("audit demo/book/public --allow-insecure-srs {known} --html report.html");
        let run = sandbox.surety(&line).expect(0);
        let page = fs::read_to_string(sandbox.path("report.html")).unwrap();
        let row = run.stdout.lines().find(|line| line.contains(&root)).unwrap().trim_end();
        ["known", "taken on faith"].map(|word| {
            assert_eq!(page.contains(&format!("<td>{word}</td>")), row.ends_with(word), "{word}: {row}");
            row.ends_with(word)
        })
    };
    assert_eq!(report(&format!("--book-root {root}")), [true, false]);
    for known in [format!("--book-root {rules}"), format!("--book-root {rules} --book-rules {rules}")] {
        assert_eq!(report(&known), [false, true], "{known}");
    }

    // A copy of the snapshot whose signature is broken, and which is found first, spoils nothing.
    let market = read_json(&sandbox.path("demo/book/public/market.json"));
    let mut broken = market.clone();
    let signature = broken["reports"][0]["signature"].as_str().unwrap().to_owned();
    let flipped =
        if signature.contains('a') { signature.replacen('a', "b", 1) } else { signature.replacen('1', "2", 1) };
    broken["reports"][0]["signature"] = flipped.into();
    fs::create_dir(sandbox.path("demo/book/public/a")).unwrap();
    sandbox.write("demo/book/public/a/market.json", &broken.to_string());
    assert_eq!(told("demo/book/public --allow-insecure-srs", 0)["accepted_books"], 1);
    fs::remove_file(sandbox.path("demo/book/public/market.json")).unwrap();
    assert_eq!(told("demo/book/public --allow-insecure-srs", 3)["rejected_books"], 1);
    fs::remove_dir_all(sandbox.path("demo/book/public/a")).unwrap();
    sandbox.write("demo/book/public/market.json", &market.to_string());

    // Nothing on faith: both the root and the rules are known.
    let known = format!("demo/book/public --allow-insecure-srs --strict --book-root {root} --book-rules {rules}");
    assert_eq!(told(&known, 0)["books"][0]["claim"]["faith"].as_array().unwrap().len(), 0);
    for known in [known.replace(&root, &rules), known.replace(&rules, &root)] {
        assert_eq!(told(&known, 5)["books"][0]["reason"]["code"], "strict");
    }
    assert_eq!(told("demo/book/public", 5)["books"][0]["reason"]["code"], "set-up");
    let valid_until = stated["valid_until"].as_u64().unwrap();
    let late = format!("demo/book/public --allow-insecure-srs --at {}", valid_until + 1);
    // A book that has lapsed establishes nothing, unless history is asked for.
    let lapsed = told(&late, 3);
    assert_eq!((&lapsed["books"][0]["verdict"], &lapsed["insecure_srs"]), (&"lapsed".into(), &false.into()));
    assert!(lapsed["books_establish"].is_null(), "{lapsed}");
    let history = told(&format!("{late} --history"), 0);
    assert_eq!((&history["accepted_books"], &history["insecure_srs"]), (&1.into(), &true.into()));
    assert!(history["books_establish"].is_string(), "{history}");

    // The same document beside other pages, beside none, and without its rules.
    let copy = |name: &str, without: &str| {
        fs::create_dir(sandbox.path(name)).unwrap();
        for file in fs::read_dir(sandbox.path("demo/book/public")).unwrap() {
            let file = file.unwrap();
            if file.path().is_file() && file.file_name() != without {
                fs::copy(file.path(), sandbox.path(name).join(file.file_name())).unwrap();
            }
        }
    };
    copy("demo/book/public/copy", "pages.bin");
    let both = told("demo/book/public --allow-insecure-srs", 2);
    assert_eq!((&both["accepted_books"], &both["rejected_books"]), (&1.into(), &1.into()));
    assert_eq!(both["books"][1]["reason"]["class"], "input");
    let pages = fs::read(sandbox.path("demo/book/public/pages.bin")).unwrap();
    let mut changed = pages.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(sandbox.path("demo/book/public/copy/pages.bin"), &changed).unwrap();
    let both = told("demo/book/public --allow-insecure-srs", 3);
    assert_eq!((&both["accepted_books"], &both["books"][1]["reason"]["code"]), (&1.into(), &"proof".into()), "{both}");
    fs::remove_dir_all(sandbox.path("demo/book/public/copy")).unwrap();
    copy("without", "book.toml");
    let refused = told("without --allow-insecure-srs", 5);
    assert!(refused["books"][0]["reason"]["expected"].as_str().unwrap().contains("rules whose text"), "{refused}");

    // Beside a book whose rules are compiled, one that says something else of them.
    let book = fs::read_to_string(sandbox.path("demo/book/public/book.json")).unwrap();
    let mut other: Value = serde_json::from_str(&book).unwrap();
    other["rules"]["reserves"] = root.clone().into();
    copy("demo/book/public/copy", "book.json");
    sandbox.write("demo/book/public/copy/book.json", &other.to_string());
    let both = told("demo/book/public --allow-insecure-srs", 5);
    assert_eq!(
        (&both["accepted_books"], &both["books"][1]["reason"]["code"]),
        (&1.into(), &"reference".into()),
        "{both}"
    );
    fs::remove_dir_all(sandbox.path("demo/book/public/copy")).unwrap();

    // An archive keeps no pages: with nothing but books it establishes nothing.
    sandbox.surety("archive add kept.archive demo/book/public").expect(0);
    let run = audit("kept.archive --allow-insecure-srs").expect(2);
    assert!(run.says("expected at least one attestation") && run.says("outside of archives"), "{}", run.stdout);
}
