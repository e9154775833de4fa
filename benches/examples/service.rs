//! A holder process that keeps many attestations fresh at epochs of a minute, and a source that answers its holders:
//!
//! `cargo run --release -p surety-benches --example service -- 200 5`, for 200 holders over five epochs.
//!
//! Sources, oracle nodes and holders are processes of their own on the processors of one machine. The time of an
//! attestation counts from the beginning of its epoch until its file is there: prices, statements, proof and all.

#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "a measurement stops at a surprise")]

use std::{
    env, fs,
    net::TcpListener,
    path::Path,
    process::{Child, Command, Stdio},
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use surety_benches::processor_time_of;
use surety_core::text::Document as _;
use surety_host::{directories::Directories, setup::Setups};
use surety_kzg::Srs;
use surety_margin::universe::Universe;
use surety_prover::bundle::Identity;
use surety_service::{configuration::Configuration, run::Service};
use surety_walkthrough::example;

const EPOCH: u64 = 60;
const SOURCES: [(&str, &str); 3] =
    [("custodian-north", "treasury"), ("custodian-south", "lending"), ("venue-atlas", "trading")];
const TOKEN: &str = "0123456789abcdef0123456789abcdef";
const REGISTRY: &str = "0x2222222222222222222222222222222222222222";

/// How long requests are made, by how many at a time.
const REQUESTS: (Duration, usize) = (Duration::from_secs(10), 8);

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["run", configuration] => run(Path::new(configuration)),
        [holders, epochs] => measure(holders.parse().unwrap(), epochs.parse().unwrap()),
        _ => panic!("expected the number of holders and of epochs"),
    }
}

/// The roles of a configuration, until the process is killed.
fn run(path: &Path) {
    let text = fs::read_to_string(path).unwrap();
    let configuration = Configuration::from_toml(path.to_str().unwrap(), &text).unwrap();
    let configuration = configuration.in_directory(path.parent().unwrap());
    let setups = Setups::new(&Directories::of_user().unwrap());
    Service::new(configuration, setups).unwrap().run().unwrap();
}

/// A process that is killed when dropped.
struct Party(Child);

impl Party {
    fn start(directory: &Path, name: &str, address: &str, roles: &str) -> Self {
        let head = format!("kind = \"surety/service\"\nversion = 1\nstate = \"state-{name}\"\n\n");
        let text = format!("{head}[http]\nlisten = \"{address}\"\n\n{roles}");
        let path = directory.join(format!("{name}.toml"));
        fs::write(&path, text).unwrap();
        let log = fs::File::create(directory.join(format!("{name}.log"))).unwrap();
        let mut command = Command::new(env::current_exe().unwrap());
        Self(command.arg("run").arg(path).stdout(Stdio::null()).stderr(log).spawn().unwrap())
    }

    fn processor_time(&self) -> Duration {
        processor_time_of(&self.0.id().to_string())
    }

    /// The most memory that it had, in mebibytes.
    fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1_024
    }
}

impl Drop for Party {
    fn drop(&mut self) {
        self.0.kill().unwrap();
        self.0.wait().unwrap();
    }
}

fn subject(holder: usize) -> String {
    format!("0x{:040x}", holder + 1)
}

fn seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs_f64()
}

fn percentiles(name: &str, unit: &str, mut values: Vec<f64>) {
    values.sort_by(f64::total_cmp);
    let at = |share: f64| values[((values.len() - 1) as f64 * share) as usize];
    let (half, most, worst) = (at(0.5), at(0.99), at(1.0));
    println!("{name:<24} {half:.1} {unit} for half, {most:.1} for 99 %, {worst:.1} at most ({})", values.len());
}

fn measure(holders: usize, epochs: u64) {
    let directory = tempfile::tempdir().unwrap();
    let directory = directory.path();
    let listeners: Vec<_> = (0..3).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    let addresses: Vec<_> = listeners.iter().map(|listener| listener.local_addr().unwrap().to_string()).collect();
    drop(listeners);
    write_files(directory);

    let source = Party::start(directory, "sources", &addresses[0], &sources(directory, holders));
    let oracle = Party::start(directory, "oracles", &addresses[1], &oracles(&addresses[1]));
    let holder = Party::start(directory, "holders", &addresses[2], &holding(holders, &addresses));
    let (first, start) = ((seconds() / EPOCH as f64) as u64 + 2, Instant::now());
    let until = |epoch: u64| thread::sleep(Duration::from_secs_f64((epoch * EPOCH) as f64 - seconds()));
    println!("{holders} holders of 16 × 16, three statements each, {epochs} epochs of {EPOCH} s");
    until(first);
    println!("started in {:.0} s at most", start.elapsed().as_secs_f64());
    let before = [&source, &oracle, &holder].map(Party::processor_time);
    until(first + epochs);
    let after = [&source, &oracle, &holder].map(Party::processor_time);
    // What is proven late is late, and counts.
    thread::sleep(Duration::from_secs(EPOCH / 2));

    let (mut times, mut missing) = (Vec::new(), 0);
    for epoch in first..first + epochs {
        for holder in 0..holders {
            let path = directory.join(format!("attested/{holder}/maintenance-{epoch}.json"));
            let Ok(written) = fs::metadata(path) else {
                missing += 1;
                continue;
            };
            let written = written.modified().unwrap().duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
            times.push(written - (epoch * EPOCH) as f64);
        }
    }
    println!("attestations             {} of {}, {missing} missing", times.len(), times.len() + missing);
    percentiles("from epoch to file", "s", times);
    let parties = [("sources", &source), ("oracle nodes", &oracle), ("holders", &holder)];
    for (i, (name, party)) in parties.iter().enumerate() {
        let each = (after[i] - before[i]).as_secs_f64() / epochs as f64;
        println!("{name:<24} {each:.1} s of processor time an epoch, {} MiB", party.memory());
    }
    ask(&addresses[0], holders);
}

/// Asks a source for statements, as fast as it answers.
fn ask(address: &str, holders: usize) {
    let (duration, at_once) = REQUESTS;
    let start = Instant::now();
    let times: Vec<f64> = thread::scope(|scope| {
        let ask = |who: usize| {
            move || {
                let (agent, mut times) = (ureq::Agent::new_with_defaults(), Vec::new());
                let (name, account) = SOURCES[who % SOURCES.len()];
                for i in 0.. {
                    let asked = Instant::now();
                    if asked - start > duration {
                        break;
                    }
                    let subject = subject((who + i) % holders);
                    let request = agent.get(format!("http://{address}/v1/sources/{name}/{account}/{subject}"));
                    let request = request.header("authorization", format!("Bearer {TOKEN}"));
                    assert!(!request.call().unwrap().body_mut().read_to_string().unwrap().is_empty());
                    times.push(asked.elapsed().as_secs_f64() * 1e3);
                }
                times
            }
        };
        let threads: Vec<_> = (0..at_once).map(|who| scope.spawn(ask(who))).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    println!("a source answers         {:.0} requests a second", times.len() as f64 / duration.as_secs_f64());
    percentiles("from question to answer", "ms", times);
}

fn write_files(directory: &Path) {
    let write = |name: &str, text: &str| fs::write(directory.join(name), text).unwrap();
    let universe = Universe::from_toml(example::UNIVERSE.path, example::UNIVERSE.text).unwrap();
    write("universe.toml", &example::universe_over(Srs::development(universe.capacity).verifier_key()));
    let policy = example::POLICY.text.replace("epoch = 300", &format!("epoch = {EPOCH}"));
    assert_ne!(policy, example::POLICY.text);
    write("policy.toml", &policy);
    example::HOLDINGS.iter().enumerate().for_each(|(i, file)| write(&format!("holdings-{i}.csv"), file.text));
    example::OBSERVATIONS.iter().enumerate().for_each(|(i, file)| write(&format!("prices-{i}.csv"), file.text));
    write("token", TOKEN);
    write("identity", &Identity::random().file_text());
    for name in SOURCES.map(|(name, _)| name).into_iter().chain(["oracle-1", "oracle-2", "oracle-3"]) {
        write(&format!("{name}.key"), &alloy_primitives::keccak256(format!("surety demo key: {name}")).to_string());
    }
}

fn sources(directory: &Path, holders: usize) -> String {
    let recipient = fs::read_to_string(directory.join("identity")).unwrap();
    let recipient = Identity::from_file_text(&recipient).unwrap().recipient().to_string();
    let source = |(i, (name, account)): (usize, (&str, &str))| {
        let head = format!(
            "[[source]]\nname = \"{name}\"\nuniverse = \"universe.toml\"\nkey = {{ file = \"{name}.key\" }}\n\
             chain_id = 31337\nregistry = \"{REGISTRY}\"\nevery = \"{EPOCH}s\"\nvalid_for = \"10m\"\n\n"
        );
        let account = |holder: usize| {
            let subject = subject(holder);
            format!(
                "[[source.accounts]]\naccount = \"{account}\"\nsubject = \"{subject}\"\nrecipient = \"{recipient}\"\n\
                 token = {{ file = \"token\" }}\nbalances = {{ file = \"holdings-{i}.csv\" }}\n\n"
            )
        };
        head + &(0..holders).map(account).collect::<String>()
    };
    SOURCES.into_iter().enumerate().map(source).collect()
}

fn oracles(address: &str) -> String {
    let at = |node: usize| format!("http://{address}/v1/oracles/oracle-{node}");
    let role = |node: usize| {
        let others = match node {
            1 => format!("nodes = [\"{}\", \"{}\"]", at(2), at(3)),
            _ => format!("publisher = \"{}\"", at(1)),
        };
        format!(
            "[[oracle]]\nname = \"oracle-{node}\"\nuniverse = \"universe.toml\"\npolicy = \"policy.toml\"\n\
             key = {{ file = \"oracle-{node}.key\" }}\nprices = {{ file = \"prices-{}.csv\" }}\nfirst = true\n\
             {others}\n\n",
            node - 1
        )
    };
    (1..=3).map(role).collect()
}

fn holding(holders: usize, addresses: &[String]) -> String {
    let from = |(name, account): (&str, &str)| {
        format!(
            "[[holder.sources]]\nsource = \"http://{}/v1/sources/{name}\"\naccount = \"{account}\"\n\
             token = {{ file = \"token\" }}\n\n",
            addresses[0]
        )
    };
    let sources: String = SOURCES.into_iter().map(from).collect();
    let role = |holder: usize| {
        format!(
            "[[holder]]\nname = \"fund-{holder}\"\nuniverse = \"universe.toml\"\npolicy = \"policy.toml\"\n\
             levels = [\"maintenance\"]\nsubject = \"{}\"\nidentity = {{ file = \"identity\" }}\n\
             snapshots = [\"http://{}/v1/oracles/oracle-1\"]\nallow_insecure_srs = true\n\
             directory = \"attested/{holder}\"\n\n{sources}",
            subject(holder),
            addresses[1]
        )
    };
    (0..holders).map(role).collect()
}
