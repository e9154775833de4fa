//! `surety run`: parties as processes of their own, which are killed and started again.

use std::{
    fs,
    path::Path,
    process::{Command, Stdio},
};

use serde_json::Value;

use crate::{
    parties::{Process, SOURCES, configure, free_ports, logs, sources, start, statements_at, wait_for},
    sandbox::{Sandbox, read_json},
};

/// How many processes there are.
const PARTIES: usize = 6;

/// Seconds of an epoch.
const EPOCH: u64 = 4;

const SUBJECT: &str = "0x1111111111111111111111111111111111111111";
const REGISTRY: &str = "0x2222222222222222222222222222222222222222";

/// The example's parties, each with a configuration and a port.
struct Town {
    sandbox: Sandbox,
    ports: Vec<u16>,
}

impl Town {
    fn new() -> Self {
        let sandbox = Sandbox::new();
        sandbox.surety("init .").expect(0);
        let policy = fs::read_to_string(sandbox.path("policy.toml")).unwrap();
        let short = policy.replace("epoch = 300", &format!("epoch = {EPOCH}"));
        assert_ne!(short, policy);
        sandbox.write("policy.toml", &short);
        for (name, _) in SOURCES {
            sandbox.demo_key(name);
        }
        (1..=3).for_each(|node| drop(sandbox.demo_key(&format!("oracle-{node}"))));
        let ports = free_ports(2 * PARTIES);
        Self { sandbox, ports }
    }

    fn configure(&self, name: &str, party: usize, roles: &str) {
        configure(&self.sandbox, name, [self.ports[party], self.ports[party + PARTIES]], roles);
    }

    fn url(&self, party: usize) -> String {
        format!("http://127.0.0.1:{}", self.ports[party])
    }

    fn write_configurations(&self) {
        self.configure("source", 0, &sources(&self.sandbox, ".", SUBJECT, REGISTRY, "8s"));
        let at = |node: usize| format!("\"{}/v1/oracles/oracle-{node}\"", self.url(node));
        for node in 1..=3 {
            let others =
                if node == 1 { format!("nodes = [{}, {}]", at(2), at(3)) } else { format!("publisher = {}", at(1)) };
            let role = format!(
                "[[oracle]]\nname = \"oracle-{node}\"\nuniverse = \"universe.toml\"\npolicy = \"policy.toml\"\n\
                 key = {{ file = \"oracle-{node}.key\" }}\nprices = {{ file = \"market/node-{node}.csv\" }}\n\
                 first = true\n{others}\n"
            );
            self.configure(&format!("oracle-{node}"), node, &role);
        }
        let holder = format!(
            "[[holder]]\nname = \"fund\"\nuniverse = \"universe.toml\"\npolicy = \"policy.toml\"\n\
             levels = [\"maintenance\"]\nsubject = \"{SUBJECT}\"\nidentity = {{ file = \"fund.age\" }}\n\
             snapshots = [{}, {}]\nallow_insecure_srs = true\ndirectory = \"attested\"\n\n{}",
            at(1),
            at(2),
            statements_at(self.ports[0])
        );
        self.configure("holder", 4, &holder);
        let auditor = format!(
            "[[auditor]]\nname = \"auditor\"\nuniverse = \"universe.toml\"\npolicy = \"policy.toml\"\n\
             allow_insecure_srs = true\nevery = \"2s\"\nreport = \"report.html\"\n\n\
             [[auditor.holders]]\nat = \"{}/v1/holders/fund\"\nsubject = \"{SUBJECT}\"\n",
            self.url(4)
        );
        self.configure("auditor", 5, &auditor);
    }

    fn start(&self, name: &str) -> Process {
        start(&self.sandbox, name)
    }

    fn get(&self, party: usize, path: &str) -> Option<(u16, String)> {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut response = agent.get(format!("{}{path}", self.url(party))).call().ok()?;
        Some((response.status().as_u16(), response.body_mut().read_to_string().ok()?))
    }

    fn epochs(&self) -> Vec<u64> {
        let answer = self.get(4, "/v1/holders/fund/levels/maintenance");
        answer.and_then(|(_, text)| serde_json::from_str(&text).ok()).unwrap_or_default()
    }

    fn logs(&self) -> String {
        logs(&self.sandbox, &["source", "oracle-1", "oracle-2", "oracle-3", "holder", "auditor"])
    }

    #[track_caller]
    fn wait_for(&self, what: &str, is_there: impl Fn() -> bool) {
        wait_for(what, || self.logs(), is_there);
    }
}

/// All parties over some epochs, of which the holder, the publisher and the source are killed in between: nothing is
/// lost, nothing is attested twice, the report has no rejection, and no secret is in a log or an answer.
#[test]
fn parties_survive_the_death_of_each() {
    let town = Town::new();
    town.write_configurations();
    let mut source = town.start("source");
    let mut publisher = town.start("oracle-1");
    let _nodes = [town.start("oracle-2"), town.start("oracle-3")];
    let mut holder = town.start("holder");
    let _auditor = town.start("auditor");
    town.wait_for("a first attestation", || !town.epochs().is_empty());
    for round in 0..3 {
        let count = town.epochs().len();
        let (process, name) = match round {
            0 => (&mut holder, "holder"),
            1 => (&mut publisher, "oracle-1"),
            _ => (&mut source, "source"),
        };
        // SIGKILL.
        process.0.kill().unwrap();
        process.0.wait().unwrap();
        *process = town.start(name);
        town.wait_for(&format!("an attestation after the death of {name}"), || town.epochs().len() > count);
    }
    let attested = town.epochs();
    let mut once = attested.clone();
    once.dedup();
    assert_eq!(once, attested);
    let report = || -> Option<Value> {
        let (status, text) = town.get(5, "/v1/auditors/auditor/report")?;
        (status == 200).then(|| serde_json::from_str(&text).unwrap())
    };
    town.wait_for("a report of all", || {
        report().is_some_and(|report| report["accepted"].as_u64() >= Some(attested.len() as u64))
    });
    assert_eq!(report().unwrap()["rejected"], 0);
    assert!(fs::read_to_string(town.sandbox.path("report.html")).unwrap().contains("<svg"));
    // What the processes have told: neither balances nor keys nor tokens.
    assert_eq!(town.get(4, "/metrics").unwrap().0, 404, "numbers are for operators");
    let (_, metrics) = town.get(4 + PARTIES, "/metrics").unwrap();
    let told = format!("{}{metrics}", town.logs());
    let secrets = ["fund.age", "token", "custodian-north.key"].map(|name| {
        let text = fs::read_to_string(town.sandbox.path(name)).unwrap();
        text.lines().last().unwrap().trim().to_owned()
    });
    let balances = fs::read_to_string(town.sandbox.path("holdings/custodian-north.csv")).unwrap();
    let amounts = balances.lines().skip(1).filter_map(|line| line.split(',').nth(1)).filter(|text| text.len() > 5);
    for secret in secrets.iter().map(String::as_str).chain(amounts) {
        assert!(!told.contains(secret), "{secret} is told");
    }
    // A file for each attestation, whole.
    for entry in fs::read_dir(town.sandbox.path("attested")).unwrap() {
        assert_eq!(read_json(&entry.unwrap().path())["kind"], "surety/attestation");
    }
}

/// A disk that is full keeps a holder from attesting, and takes nothing from it.
#[test]
fn a_full_disk_loses_nothing() {
    let town = Town::new();
    town.write_configurations();
    let _source = town.start("source");
    let _nodes = ["oracle-1", "oracle-2", "oracle-3"].map(|name| town.start(name));
    // No file of the process grows beyond 128 KiB, and a signal about it is ignored: writing fails.
    let limited = "trap '' XFSZ; ulimit -f 256; exec \"$0\" \"$@\"";
    let inner = town.sandbox.command(["run", "--config", "holder.toml", "--log-json"]);
    let mut command = Command::new("sh");
    command.arg("-c").arg(limited).arg(inner.get_program()).args(inner.get_args());
    command.current_dir(inner.get_current_dir().unwrap());
    command.envs(inner.get_envs().filter_map(|(name, value)| Some((name, value?))));
    let log = fs::File::create(town.sandbox.path("full.log")).unwrap();
    let full = Process(command.stdout(Stdio::null()).stderr(log).spawn().unwrap());
    let said = || fs::read_to_string(town.sandbox.path("full.log")).unwrap();
    town.wait_for("a disk that is full", || said().contains("is full") || said().contains("disk I/O error"));
    let before = town.epochs();
    drop(full);
    let _holder = town.start("holder");
    town.wait_for("an attestation on a disk with room", || town.epochs().len() > before.len());
    let after = town.epochs();
    assert!(before.iter().all(|epoch| after.contains(epoch)), "{before:?} {after:?}");
    for entry in fs::read_dir(town.sandbox.path("attested")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            assert_eq!(read_json(&path)["kind"], "surety/attestation");
        }
    }
}

#[test]
fn a_configuration_is_checked_without_running() {
    let town = Town::new();
    town.write_configurations();
    let checked = town.sandbox.surety("--json run --config holder.toml --check").data();
    assert_eq!(checked["roles"], serde_json::json!(["holder fund"]));
    let told = town.sandbox.surety("info holder.toml").expect(0);
    assert!(told.says("holder fund"), "{}", told.stdout);
    // Each example is one, but for the files that it names.
    let examples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/service");
    for entry in fs::read_dir(examples).unwrap() {
        let path = entry.unwrap().path();
        town.sandbox.run(["info", path.to_str().unwrap()]).expect(0);
    }
}

#[test]
fn rejects_configurations_that_cannot_run() {
    let town = Town::new();
    town.write_configurations();
    let holder = fs::read_to_string(town.sandbox.path("holder.toml")).unwrap();
    for (changed, code, said) in [
        (holder.replace("listen = \"127.0.0.1:", "listen = \"0.0.0.0:"), 2, "http.listen: expected a certificate"),
        (holder.replace("[\"maintenance\"]", "[\"nothing\"]"), 2, "expected one of the policy's"),
        (holder.replace("allow_insecure_srs = true", ""), 5, "expected a set-up of a ceremony"),
        (holder.replace("fund.age", "token"), 2, "holder[0].identity: expected a key of age"),
        (holder.replace("file = \"token\"", "file = \"universe.toml\""), 2, "token: expected at least 32"),
        (holder.replace("http://127.0.0.1", "http://node.example"), 2, "expected https://"),
        (holder.replace("[[holder]]", "[[broker]]"), 2, "found \"broker\""),
    ] {
        assert_ne!(changed, holder, "{said}");
        town.sandbox.write("changed.toml", &changed);
        let run = town.sandbox.surety("run --config changed.toml --check").expect(code);
        assert!(run.says(said), "{said}: {}", run.stderr);
        assert!(!run.says("0123456789abcdef"), "{}", run.stderr);
    }
}

/// A directory of somebody's, with keys of the names that the demonstration writes.
#[test]
fn rejects_a_demonstration_in_a_directory_in_use() {
    let sandbox = Sandbox::new();
    fs::create_dir_all(sandbox.path("own/keys")).unwrap();
    sandbox.write("own/keys/keeper", "a key");
    let run = sandbox.surety("run --demo own --check").expect(2);
    assert!(run.says("expected a new directory"), "{}", run.stderr);
    assert_eq!(fs::read_to_string(sandbox.path("own/keys/keeper")).unwrap(), "a key");
}

#[test]
fn a_bundle_travels_and_is_opened_by_its_holder_alone() {
    let town = Town::new();
    let recipient = town.sandbox.surety("key recipient --out fund.age").expect(0).stdout.trim().to_owned();
    assert_eq!(town.sandbox.surety("key recipient --out fund.age").expect(0).stdout.trim(), recipient);
    let attest = format!(
        "--json source attest --holdings holdings/custodian-north.csv --account treasury --subject {SUBJECT} \
         --chain-id 31337 --registry {REGISTRY} --key custodian-north.key --to {recipient}"
    );
    let made = town.sandbox.surety(&attest).data();
    let bundle = made["bundle"].as_str().unwrap();
    assert!(!town.sandbox.path("private").exists());
    let opened = town.sandbox.surety(&format!("--json source open {bundle} --identity fund.age --out got")).data();
    assert_eq!((&opened["hash"], &opened["sequence"]), (&made["hash"], &made["sequence"]));
    assert!(town.sandbox.path("got/private").is_dir());
    town.sandbox.surety("key recipient --out other.age").expect(0);
    let refused = town.sandbox.surety(&format!("source open {bundle} --identity other.age --out got")).expect(2);
    assert!(refused.says("that its key does not open"), "{}", refused.stderr);
    let told = town.sandbox.surety(&format!("--json info {bundle}")).data();
    assert_eq!(told["sequence"], made["sequence"]);
}
