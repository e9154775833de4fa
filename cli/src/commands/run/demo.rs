//! All parties of the example in one process, on this machine: what `surety run --demo` writes and runs.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rand_core::{OsRng, RngCore as _};
use surety_chain::{Deployment, local::Anvil};
use surety_core::text::Document as _;
use surety_host::{
    files::{self, Access, Existing},
    keys::demo_secret,
};
use surety_margin::universe::Universe;
use surety_prover::bundle::Identity;
use surety_walkthrough::example;

use super::local::{Chain, PAYERS};
use crate::{
    Session,
    commands::demo::KEYS,
    error::{Error, Usage},
    inputs::{directory_of, setups, warn_of_set_up},
};

/// Where the process listens, to others and to operators.
const LISTEN: [&str; 2] = ["127.0.0.1:8700", "127.0.0.1:9464"];

/// The file that tells the demonstration's directories from others.
const MARK: &str = "DEMONSTRATION";

/// Seconds of an epoch: short enough to look on.
const EPOCH: u64 = 15;

/// Sources, and the accounts that they state.
const SOURCES: [(&str, &str); 3] =
    [("custodian-north", "treasury"), ("custodian-south", "lending"), ("venue-atlas", "trading")];

const SUBJECT: &str = "0x1111111111111111111111111111111111111111";
const REGISTRY: &str = "0x2222222222222222222222222222222222222222";

/// Writes the example's files to a directory, unless they are there, and starts a chain: in a new directory if there is
/// a program for it, in another one if it was there before. Gives the configuration's path, and the chain.
pub(super) fn prepare(directory: &Path, session: &Session) -> Result<(PathBuf, Option<Chain>), Error> {
    let (configuration, mark) = (directory.join("surety.toml"), directory.join(MARK));
    session.progress.warn(KEYS);
    let is_new = !directory.exists() || fs::read_dir(directory).is_ok_and(|mut entries| entries.next().is_none());
    if !is_new && !mark.exists() {
        // Keys of somebody's may be there.
        let expected = "expected a new directory, or one that surety run --demo has written";
        return Err(Usage(format!("--demo: {expected}, found another: {}", directory.display())).into());
    }
    let setups = setups()?;
    if configuration.exists() {
        let is_on_chain = directory.join("deployment.json").exists();
        let chain = is_on_chain.then(|| Chain::start(directory, &setups, session)).transpose()?;
        return Ok((configuration, chain));
    }
    let put = |name: &str, text: &str, access: Access| {
        let path = directory.join(name);
        files::create_directory(directory_of(&path))?;
        files::write(&path, text.as_bytes(), access, Existing::Replace)
    };
    put(MARK, &format!("{KEYS}\n"), Access::Public)?;
    let universe = Universe::from_toml(example::UNIVERSE.path, example::UNIVERSE.text)?;
    let setup = setups.preferred(universe.capacity, &session.progress)?;
    warn_of_set_up(setup.origin(), setup.id(), &session.progress);
    put("universe.toml", &example::universe_over(&setup), Access::Public)?;
    let policy = example::POLICY.text.replace("epoch = 300", &format!("epoch = {EPOCH}"));
    put("policy.toml", &policy, Access::Public)?;
    for file in example::HOLDINGS.iter().chain(&example::OBSERVATIONS) {
        put(file.path, file.text, Access::Public)?;
    }
    // Everybody can derive the keys that the example's policy lists.
    for (name, _) in SOURCES {
        put(&format!("keys/{name}"), &demo_secret(name).to_string(), Access::Secret)?;
    }
    for node in 1..=3 {
        let name = format!("oracle-{node}");
        put(&format!("keys/{name}"), &demo_secret(&name).to_string(), Access::Secret)?;
    }
    let identity = Identity::random();
    put("fund.age", &identity.file_text(), Access::Secret)?;
    let mut token = [0; 16];
    OsRng.fill_bytes(&mut token);
    put("token", &alloy_primitives::hex::encode(token), Access::Secret)?;
    let chain = if Anvil::is_there() {
        Some(Chain::start(directory, &setups, session)?)
    } else {
        session.progress.note("anvil is not on PATH: the demonstration does without a chain");
        None
    };
    // Last: a directory with it is whole.
    let deployment = chain.as_ref().map(|chain| &chain.deployment);
    put("surety.toml", &text(&identity.recipient().to_string(), deployment), Access::Public)?;
    Ok((configuration, chain))
}

/// The configuration: every party asks the others over HTTP, as if they were elsewhere.
fn text(recipient: &str, deployment: Option<&Deployment>) -> String {
    let [everybody, operators] = LISTEN;
    let registry = deployment.map_or_else(|| REGISTRY.to_owned(), |deployment| deployment.registry.to_string());
    let paid_by = |name: &str| {
        format!("deployment = \"deployment.json\"\nrpc = {{ file = \"rpc\" }}\nkey = {{ file = \"keys/{name}\" }}\n")
    };
    let at = format!("http://{everybody}/v1");
    let mut text = format!(
        "# Three sources, three oracle nodes, a holder and an auditor, all on this machine.\n\
         kind = \"surety/service\"\nversion = 1\nstate = \"state\"\n\n\
         [http]\nlisten = \"{everybody}\"\noperators = \"{operators}\"\n"
    );
    for (name, account) in SOURCES {
        text += &format!(
            "\n[[source]]\nname = \"{name}\"\nuniverse = \"universe.toml\"\nkey = {{ file = \"keys/{name}\" }}\n\
             chain_id = 31337\nregistry = \"{registry}\"\nevery = \"30s\"\nvalid_for = \"10m\"\n\n\
             [[source.accounts]]\naccount = \"{account}\"\nsubject = \"{SUBJECT}\"\nrecipient = \"{recipient}\"\n\
             token = {{ file = \"token\" }}\nbalances = {{ file = \"holdings/{name}.csv\" }}\n"
        );
    }
    for node in 1..=3 {
        let others = match node {
            1 => format!("nodes = [\"{at}/oracles/oracle-2\", \"{at}/oracles/oracle-3\"]"),
            _ => format!("publisher = \"{at}/oracles/oracle-1\""),
        };
        text += &format!(
            "\n[[oracle]]\nname = \"oracle-{node}\"\nuniverse = \"universe.toml\"\npolicy = \"policy.toml\"\n\
             key = {{ file = \"keys/oracle-{node}\" }}\nprices = {{ file = \"market/node-{node}.csv\" }}\n\
             first = true\n{others}\n"
        );
        if deployment.is_some() {
            text += "deployment = \"deployment.json\"\nallow_insecure_srs = true\n";
        }
    }
    text += &format!(
        "\n[[holder]]\nname = \"fund\"\nuniverse = \"universe.toml\"\npolicy = \"policy.toml\"\n\
         levels = [\"maintenance\", \"initial\"]\nsubject = \"{SUBJECT}\"\nidentity = {{ file = \"fund.age\" }}\n\
         snapshots = [\"{at}/oracles/oracle-1\", \"{at}/oracles/oracle-2\"]\nheadroom = 1_200_000\n\
         # The set-up of a demonstration may be a development one.\nallow_insecure_srs = true\n\
         directory = \"attested\"\n"
    );
    for (name, account) in SOURCES {
        text += &format!(
            "\n[[holder.sources]]\nsource = \"{at}/sources/{name}\"\naccount = \"{account}\"\n\
             token = {{ file = \"token\" }}\n"
        );
    }
    if deployment.is_some() {
        let [holder, keeper] = PAYERS;
        text += &format!("\n[holder.chain]\n{}", paid_by(holder));
        let nodes = [1, 2, 3].map(|node| format!("\"{at}/oracles/oracle-{node}\"")).join(", ");
        text += &format!(
            "\n[[keeper]]\nname = \"keeper\"\nuniverse = \"universe.toml\"\npolicy = \"policy.toml\"\n\
             level = \"maintenance\"\nsubjects = [\"{SUBJECT}\"]\nnodes = [{nodes}]\nevery = \"1s\"\n\
             allow_insecure_srs = true\n\n[keeper.chain]\n{}",
            paid_by(keeper)
        );
    }
    text += &format!(
        "\n[[auditor]]\nname = \"auditor\"\nuniverse = \"universe.toml\"\npolicy = \"policy.toml\"\n\
         allow_insecure_srs = true\nevery = \"{EPOCH}s\"\nreport = \"report.html\"\n\n\
         [[auditor.holders]]\nat = \"{at}/holders/fund\"\nsubject = \"{SUBJECT}\"\n"
    );
    text
}

#[cfg(test)]
mod tests {
    use surety_service::configuration::Configuration;

    use surety_core::{
        FormatVersion,
        ident::{Bytes32, EvmAddress},
        kind::KindOf,
    };

    use super::*;

    #[test]
    fn the_configuration_is_one() {
        let read = |deployment| Configuration::from_toml("surety.toml", &text("age1recipient", deployment)).unwrap();
        assert_eq!(read(None).roles().len(), 8);
        let at = EvmAddress::ZERO;
        let deployment = Deployment {
            kind: KindOf::new(),
            version: FormatVersion,
            chain_id: 31_337,
            verifying_key: Bytes32::ZERO,
            verifier: at,
            policies: at,
            oracle: at,
            registry: at,
            books: None,
            vault: None,
        };
        assert_eq!(read(Some(&deployment)).roles().len(), 9);
    }
}
