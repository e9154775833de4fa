//! Books on a chain: a venue publishes one, and everybody takes its root from there.

use std::fs;

use serde_json::{Value, json};

use crate::{
    chain::{Anvil, contracts},
    sandbox::{Sandbox, read_json},
};

/// The example venue with contracts on a local node, and its book for them, proven.
struct Scene {
    sandbox: Sandbox,
    anvil: Anvil,
    venue: String,
    books: String,
}

impl Scene {
    fn new() -> Option<Self> {
        let sandbox = Sandbox::new();
        sandbox.surety("book demo --accounts 40 --k 12 --out demo --offline").expect(0);
        let time = read_json(&sandbox.path("demo/venue/market.json"))["time"].as_u64().unwrap();
        let anvil = Anvil::start(time + 1)?;
        let address = |name: &str| {
            let line = format!("key address --key {}", sandbox.demo_key(name));
            sandbox.surety(&line).expect(0).stdout.trim().to_owned()
        };
        let venue = address("corvus");
        for account in [&venue, &address("owner"), &address("stranger")] {
            anvil.fund(account);
        }
        let scene = Self { sandbox, anvil, venue, books: String::new() };
        scene.run(
            "chain deploy demo/venue --delay 0 --guardian 0x00000000000000000000000000000000000000aa \
             --artifacts ARTIFACTS --out deployment.json --key owner RPC",
        );
        scene.sandbox.write(
            "rules.toml",
            "kind = \"surety/chain-rules\"\nversion = 1\nline = \"corvus\"\npolicy_version = 1\ngrace = 60\n",
        );
        scene.run("chain publish demo/venue --rules rules.toml ON --key owner");
        let mut signatures = String::new();
        for node in ["oracle-1", "oracle-2", "oracle-3"] {
            scene.run(&format!(
                "chain sign-snapshot demo/venue --deployment deployment.json --out {node}.json --key {node}"
            ));
            signatures += &format!("--signature {node}.json ");
        }
        scene.run(&format!("chain snapshot demo/venue {signatures} ON --key owner"));
        let books = read_json(&scene.sandbox.path("deployment.json"))["books"].as_str().unwrap().to_owned();
        let scene = Self { books, ..scene };
        scene.state(time);
        scene.run("book build demo/venue --accounts demo/venue/accounts.csv --out book");
        scene.run("book prove book --workers 1");
        Some(scene)
    }

    /// Has the custodians state more than enough for the registry of books, in place of what they have stated.
    fn state(&self, time: u64) {
        let directory = self.sandbox.path("demo/venue");
        fs::remove_dir_all(directory.join("statements")).unwrap();
        let header = fs::read_to_string(directory.join("accounts.csv")).unwrap();
        let instruments = header.lines().next().unwrap().split(',').skip(2);
        let rows: String = instruments.map(|instrument| format!("{instrument},1000000000000\n")).collect();
        self.sandbox.write("holdings.csv", &format!("instrument,lots\n{rows}"));
        for custodian in ["custodian-north", "custodian-south"] {
            self.run(&format!(
                "source attest --universe demo/venue/universe.toml --holdings holdings.csv --account customers \
                 --subject {} --chain-id 31337 --registry {} --as-of {time} --key {custodian} --out demo/venue",
                self.venue, self.books,
            ));
        }
    }

    fn line(&self, line: &str) -> String {
        let rpc = format!("--rpc {}", self.anvil.url);
        let mut words = line.split_whitespace();
        let mut all = Vec::new();
        while let Some(word) = words.next() {
            all.push(match word {
                "--key" => format!("--key {}", self.sandbox.demo_key(words.next().unwrap())),
                "RPC" => rpc.clone(),
                "ON" => format!("--deployment deployment.json {rpc}"),
                "AUDITED" => format!("{rpc} --book-registry {}", self.books),
                "BOOKS" => format!("{rpc} --registry {}", self.books),
                "ARTIFACTS" => contracts("out").to_str().unwrap().to_owned(),
                word => word.to_owned(),
            });
        }
        format!("{} --json", all.join(" "))
    }

    #[track_caller]
    fn run(&self, line: &str) -> Value {
        self.sandbox.surety(&self.line(line)).data()
    }

    /// Runs a command, which must fail, and returns its message.
    #[track_caller]
    fn fails(&self, line: &str, code: i32) -> String {
        let envelope = self.sandbox.surety(&self.line(line)).expect(code).envelope();
        envelope["error"]["message"].as_str().unwrap().to_owned()
    }
}

const PUBLISH: &str = "book publish book/public ON --uri https://corvus.example/1 --allow-insecure-srs --key";

#[test]
fn a_venue_publishes_a_book_whose_root_everybody_takes_from_the_chain() {
    let Some(scene) = Scene::new() else { return };
    let verify = "book verify book/public --allow-insecure-srs BOOKS";
    let message = scene.fails(verify, 5);
    assert!(message.contains("no book of the venue"), "{message}");

    // Nobody but the venue, and no registry but the one that the book is for.
    let message = scene.fails(&format!("{PUBLISH} stranger"), 5);
    assert!(message.contains("the venue's own key"), "{message}");
    let book = read_json(&scene.sandbox.path("book/public/book.json"));
    let deployment = fs::read_to_string(scene.sandbox.path("deployment.json")).unwrap();
    let registry = read_json(&scene.sandbox.path("deployment.json"))["registry"].as_str().unwrap().to_owned();
    scene.sandbox.write("deployment.json", &deployment.replace(&scene.books, &registry));
    let message = scene.fails(&format!("{PUBLISH} corvus"), 5);
    assert!(message.contains("book: registry"), "{message}");
    scene.sandbox.write("deployment.json", &deployment);
    // A page that is not valid would be there for good.
    let pages = scene.sandbox.path("book/public/pages.bin");
    let valid = fs::read(&pages).unwrap();
    let mut changed = valid.clone();
    *changed.last_mut().unwrap() ^= 1;
    fs::write(&pages, &changed).unwrap();
    scene.fails(&format!("{PUBLISH} corvus"), 3);
    fs::write(&pages, &valid).unwrap();

    let published = scene.run(&format!("{PUBLISH} corvus"));
    assert_eq!(published["root"], book["root"]);
    assert!(published["registered"].is_object() && published["gas"].as_u64().unwrap() < 700_000, "{published}");
    println!("book of two sources: {} gas; rules: {} gas", published["gas"], published["registered"]["gas"]);
    let verified = scene.run(verify);
    assert_eq!(verified["accepted"]["root_known"], true);
    assert_eq!((&verified["on_chain"]["root"], &verified["on_chain"]["counts"]), (&book["root"], &json!(true)));
    assert_eq!(verified["taken_on_faith"].as_array().unwrap().len(), 1);

    // A second book of the same moment, for other people.
    let message = scene.fails(&format!("{PUBLISH} corvus"), 3);
    assert!(message.contains("NotNewer"), "{message}");
    scene.run("book build demo/venue --accounts demo/venue/accounts.csv --out other");
    scene.run("book prove other --workers 1");
    let message = scene.fails(&format!("{} corvus", PUBLISH.replace("book/", "other/")), 3);
    assert!(message.contains("NotNewer"), "{message}");
    let message = scene.fails(&verify.replace("book/", "other/"), 5);
    assert!(message.contains("book: root"), "{message}");
    // Audits compare with the same registry.
    let audit = "audit book/public --allow-insecure-srs AUDITED";
    let audited = scene.run(audit);
    assert_eq!(audited["books"][0]["claim"]["on_chain"]["root"], book["root"]);
    assert_eq!(audited["books"][0]["claim"]["faith"].as_array().unwrap().len(), 1);
    let audited = scene.sandbox.surety(&scene.line(&audit.replace("book/", "other/"))).expect(5).told();
    assert_eq!(audited["books"][0]["reason"]["code"], "anchor");
    // A book that the venue has not handed over is missed.
    let kinds = |audited: &Value| -> Vec<Value> {
        audited["findings"].as_array().unwrap().iter().map(|finding| finding["kind"].clone()).collect()
    };
    assert_eq!(kinds(&scene.run(&format!("{audit} --books-since 0"))), [""; 0]);
    let line = format!("{} --books-since 0", audit.replace("book/", "other/"));
    let audited = scene.sandbox.surety(&scene.line(&line)).expect(5).told();
    assert_eq!(kinds(&audited), ["missing-book"]);
    assert!(audited["findings"][0]["message"].as_str().unwrap().contains("https://corvus.example/1"), "{audited}");
    // Whoever relies on a registry says which.
    let message = scene.fails(&verify.replace("BOOKS", &format!("RPC --registry {registry}")), 5);
    assert!(message.contains("book: registry"), "{message}");
    scene.fails(&verify.replace("BOOKS", "RPC"), 2);
}
