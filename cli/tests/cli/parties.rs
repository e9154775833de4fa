//! Processes of `surety run`, and the parts of configurations that its tests share.

use std::{
    fs,
    net::TcpListener,
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use crate::sandbox::Sandbox;

/// The example's sources, and the accounts that they state.
pub(crate) const SOURCES: [(&str, &str); 3] =
    [("custodian-north", "treasury"), ("custodian-south", "lending"), ("venue-atlas", "trading")];

/// The token of every holder.
pub(crate) const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// Longest time that anything takes.
const PATIENCE: Duration = Duration::from_secs(180);

/// A process that is killed when dropped.
pub(crate) struct Process(pub(crate) Child);

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Starts the roles of a configuration, whose log goes on in a file.
pub(crate) fn start(sandbox: &Sandbox, name: &str) -> Process {
    let log = fs::File::options().create(true).append(true).open(sandbox.path(&format!("{name}.log")));
    let config = format!("{name}.toml");
    let mut command = sandbox.command(["run", "--config", &config, "--log-json"]);
    Process(command.stdout(Stdio::null()).stderr(log.unwrap()).spawn().unwrap())
}

/// The logs of some configurations, one after the other.
pub(crate) fn logs(sandbox: &Sandbox, names: &[&str]) -> String {
    names.iter().map(|name| fs::read_to_string(sandbox.path(&format!("{name}.log"))).unwrap_or_default()).collect()
}

/// Waits for something; `logs` tells why it does not come.
#[track_caller]
pub(crate) fn wait_for(what: &str, logs: impl Fn() -> String, is_there: impl Fn() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !is_there() {
        assert!(Instant::now() < end, "expected {what}\n{}", logs());
        thread::sleep(Duration::from_millis(200));
    }
}

/// Ports that are free.
pub(crate) fn free_ports(count: usize) -> Vec<u16> {
    let listeners: Vec<_> = (0..count).map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
    listeners.iter().map(|listener| listener.local_addr().unwrap().port()).collect()
}

/// Writes the configuration of some roles, which others and operators ask at two ports.
pub(crate) fn configure(sandbox: &Sandbox, name: &str, [everybody, operators]: [u16; 2], roles: &str) {
    let head = format!(
        "kind = \"surety/service\"\nversion = 1\nstate = \"state-{name}\"\n\n[http]\n\
         listen = \"127.0.0.1:{everybody}\"\noperators = \"127.0.0.1:{operators}\"\n\n"
    );
    sandbox.write(&format!("{name}.toml"), &format!("{head}{roles}"));
}

/// The roles of the example's sources, with its files in a directory.
pub(crate) fn sources(sandbox: &Sandbox, directory: &str, subject: &str, registry: &str, every: &str) -> String {
    sandbox.write("token", TOKEN);
    let recipient = sandbox.surety("key recipient --out fund.age").expect(0).stdout.trim().to_owned();
    let source = |(name, account): (&str, &str)| {
        format!(
            "[[source]]\nname = \"{name}\"\nuniverse = \"{directory}/universe.toml\"\nkey = {{ file = \"{}\" }}\n\
             chain_id = 31337\nregistry = \"{registry}\"\nevery = \"{every}\"\nvalid_for = \"10m\"\n\n\
             [[source.accounts]]\naccount = \"{account}\"\nsubject = \"{subject}\"\nrecipient = \"{recipient}\"\n\
             token = {{ file = \"token\" }}\nbalances = {{ file = \"{directory}/holdings/{name}.csv\" }}\n\n",
            sandbox.demo_key(name)
        )
    };
    SOURCES.map(source).concat()
}

/// Where a holder has the statements of the example's sources from.
pub(crate) fn statements_at(port: u16) -> String {
    let from = |(name, account): (&str, &str)| {
        format!(
            "[[holder.sources]]\nsource = \"http://127.0.0.1:{port}/v1/sources/{name}\"\naccount = \"{account}\"\n\
             token = {{ file = \"token\" }}\n\n"
        )
    };
    SOURCES.map(from).concat()
}
