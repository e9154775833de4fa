//! A town: the files of all parties in one directory, and processes of parties that know each other by address alone.

use std::{
    fs,
    io::{Read as _, Write as _},
    net::TcpListener,
    path::{Path, PathBuf},
    sync::Arc,
    thread,
    time::{Duration, Instant},
};

use surety_core::text::Document as _;
use surety_host::{directories::Directories, setup::Setups};
use surety_kzg::Srs;
use surety_margin::universe::Universe;
use surety_prover::bundle::Identity;
use surety_service::{configuration::Configuration, peer::Client, roles::World, run::Service, state::State};
use surety_walkthrough::example;

/// Seconds of an epoch.
pub(crate) const EPOCH: u64 = 4;

/// Longest time that anything takes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(120);

/// A directory with the files of all parties, and ports for them.
pub(crate) struct Town {
    directory: tempfile::TempDir,
    pub(crate) ports: Vec<u16>,
}

/// A process of one party, as far as a test needs it to be one.
pub(crate) struct Party {
    pub(crate) world: Arc<World>,
    thread: Option<thread::JoinHandle<()>>,
}

impl Drop for Party {
    fn drop(&mut self) {
        self.world.stop.stop();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

impl Town {
    pub(crate) fn new(parties: usize) -> Self {
        Self::with_epochs(parties, EPOCH)
    }

    pub(crate) fn with_epochs(parties: usize, epoch: u64) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listeners: Vec<_> = (0..parties).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports = listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        let town = Self { directory, ports };
        // Nothing is at stake here.
        let universe = Universe::from_toml(example::UNIVERSE.path, example::UNIVERSE.text).unwrap();
        let universe = example::universe_over(Srs::development(universe.capacity).verifier_key());
        let policy = example::POLICY.text.replace("epoch = 300", &format!("epoch = {epoch}"));
        assert_ne!(policy, example::POLICY.text);
        town.write("universe.toml", &universe);
        town.write("policy.toml", &policy);
        for (i, file) in example::HOLDINGS.iter().enumerate() {
            town.write(&format!("holdings-{i}.csv"), file.text);
        }
        for (i, file) in example::OBSERVATIONS.iter().enumerate() {
            town.write(&format!("prices-{i}.csv"), file.text);
        }
        let names = ["custodian-north", "custodian-south", "venue-atlas", "oracle-1", "oracle-2", "oracle-3"];
        for name in names {
            town.write(&format!("{name}.key"), &demo_key_text(name));
        }
        town.write("token", "0123456789abcdef0123456789abcdef");
        town.write("identity", &Identity::random().file_text());
        town
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        path
    }

    pub(crate) fn url(&self, party: usize) -> String {
        format!("http://127.0.0.1:{}", self.ports[party])
    }

    pub(crate) fn start(&self, party: usize, roles: &str) -> Party {
        self.start_in(&format!("state-{party}"), party, roles)
    }

    pub(crate) fn start_in(&self, state: &str, party: usize, roles: &str) -> Party {
        self.start_with("", state, party, roles)
    }

    /// Starts a party that serves with more than an address.
    pub(crate) fn start_with(&self, http: &str, state: &str, party: usize, roles: &str) -> Party {
        let http = format!("[http]\nlisten = \"127.0.0.1:{}\"\n{http}\n\n", self.ports[party]);
        let configuration = self.configuration(state, &format!("{http}{roles}"));
        let service = Service::new(configuration, self.setups(party)).unwrap();
        let world = Arc::clone(service.world());
        let thread = thread::spawn(move || service.run().unwrap());
        Party { world, thread: Some(thread) }
    }

    /// The configuration of a party, and a world for roles that a test calls itself.
    pub(crate) fn configured(&self, party: usize, roles: &str) -> (Configuration, Arc<World>) {
        let configuration = self.configuration(&format!("state-{party}"), roles);
        let state = State::open(&configuration.state).unwrap();
        let client = Client::new(&configuration.peers).unwrap();
        (configuration, Arc::new(World::new(state, client, self.setups(party))))
    }

    pub(crate) fn configuration(&self, state: &str, roles: &str) -> Configuration {
        let text = format!("kind = \"surety/service\"\nversion = 1\nstate = \"{state}\"\n\n{roles}");
        Configuration::from_toml("surety.toml", &text).unwrap().in_directory(self.directory.path())
    }

    pub(crate) fn setups(&self, party: usize) -> Setups {
        let state = self.path(&format!("user-{party}"));
        Setups::new(&Directories { cache: cache(), data: self.path("data"), state })
    }

    pub(crate) fn recipient(&self) -> String {
        let text = fs::read_to_string(self.path("identity")).unwrap();
        Identity::from_file_text(&text).unwrap().recipient().to_string()
    }

    pub(crate) fn sources(&self) -> String {
        let sources = ["custodian-north", "custodian-south", "venue-atlas"].iter().zip(ACCOUNTS).enumerate();
        let source = |(i, (name, account)): (usize, (&&str, &str))| {
            format!(
                "[[source]]\nname = \"{name}\"\nuniverse = \"universe.toml\"\nkey = {{ file = \"{name}.key\" }}\n\
                 chain_id = 31337\nregistry = \"{REGISTRY}\"\nevery = \"6s\"\nvalid_for = \"10m\"\n\n\
                 [[source.accounts]]\naccount = \"{account}\"\nsubject = \"{SUBJECT}\"\nrecipient = \"{}\"\n\
                 token = {{ file = \"token\" }}\nbalances = {{ file = \"holdings-{i}.csv\" }}\n\n",
                self.recipient()
            )
        };
        sources.map(source).collect()
    }

    pub(crate) fn oracle(&self, node: usize) -> String {
        let role = format!(
            "[[oracle]]\nname = \"oracle-{n}\"\nuniverse = \"universe.toml\"\npolicy = \"policy.toml\"\n\
             key = {{ file = \"oracle-{n}.key\" }}\nprices = {{ file = \"prices-{node}.csv\" }}\nfirst = true\n",
            n = node + 1
        );
        let at = |node: usize| format!("{}/v1/oracles/oracle-{}", self.url(1 + node), node + 1);
        match node {
            0 => format!("{role}nodes = [\"{}\", \"{}\"]\n", at(1), at(2)),
            _ => format!("{role}publisher = \"{}\"\n", at(0)),
        }
    }

    pub(crate) fn holder(&self) -> String {
        let from = |(name, account): (&str, &str)| {
            format!(
                "[[holder.sources]]\nsource = \"{}/v1/sources/{name}\"\naccount = \"{account}\"\n\
                 token = {{ file = \"token\" }}\n\n",
                self.url(0)
            )
        };
        let sources: String =
            ["custodian-north", "custodian-south", "venue-atlas"].into_iter().zip(ACCOUNTS).map(from).collect();
        format!(
            "[[holder]]\nname = \"fund\"\nuniverse = \"universe.toml\"\npolicy = \"policy.toml\"\n\
             levels = [\"maintenance\"]\nsubject = \"{SUBJECT}\"\nidentity = {{ file = \"identity\" }}\n\
             snapshots = [\"{}/v1/oracles/oracle-1\", \"{}/v1/oracles/oracle-2\"]\nallow_insecure_srs = true\n\
             directory = \"attested\"\nheadroom = 100_000_000\n\n{sources}",
            self.url(1),
            self.url(2)
        )
    }

    pub(crate) fn auditor(&self) -> String {
        format!(
            "[[auditor]]\nname = \"auditor\"\nuniverse = \"universe.toml\"\npolicy = \"policy.toml\"\n\
             allow_insecure_srs = true\nevery = \"2s\"\nreport = \"report.html\"\n\n\
             [[auditor.holders]]\nat = \"{}/v1/holders/fund\"\nsubject = \"{SUBJECT}\"\n",
            self.url(4)
        )
    }

    pub(crate) fn get(&self, party: usize, path: &str, token: Option<&str>) -> (u16, String) {
        let mut request = agent().get(format!("{}{path}", self.url(party)));
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        let mut response = request.call().unwrap();
        (response.status().as_u16(), response.body_mut().read_to_string().unwrap())
    }

    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, is_there: impl Fn() -> bool) {
        let end = Instant::now() + PATIENCE;
        while !is_there() {
            assert!(Instant::now() < end, "expected {what}");
            thread::sleep(Duration::from_millis(200));
        }
    }
}

pub(crate) const ACCOUNTS: [&str; 3] = ["treasury", "lending", "trading"];
pub(crate) const SUBJECT: &str = "0x1111111111111111111111111111111111111111";
pub(crate) const REGISTRY: &str = "0x2222222222222222222222222222222222222222";
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

pub(crate) fn agent() -> ureq::Agent {
    ureq::Agent::config_builder().http_status_as_error(false).build().into()
}

/// One cache for all tests of this run: bases and tables take seconds.
pub(crate) fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("cache")
}

/// The text of a key of the demonstration.
fn demo_key_text(name: &str) -> String {
    alloy_primitives::keccak256(format!("surety demo key: {name}")).to_string()
}

pub(crate) fn events(party: &Party) -> Vec<String> {
    let events = party.world.state.events(1_000).unwrap();
    events.into_iter().rev().map(|event| format!("{} {}", event.role, event.what)).collect()
}

/// Answers requests as a party would that nobody has written: with a text for a path, or with status 404.
pub(crate) fn answer(port: u16, text_at: impl Fn(&str) -> Option<String> + Send + 'static) {
    let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut request = [0; 4_096];
            let length = stream.read(&mut request).unwrap_or(0);
            let request = String::from_utf8_lossy(&request[..length]).into_owned();
            let path = request.split(' ').nth(1).unwrap_or_default();
            let (status, text) = text_at(path).map_or(("404 Not Found", String::new()), |text| ("200 OK", text));
            let length = text.len();
            let head = format!("HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n\r\n");
            let _ = stream.write_all(format!("{head}{text}").as_bytes());
        }
    });
}
