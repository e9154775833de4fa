//! The file that one process runs from: its roles, its state, and what it serves.
//!
//! Paths are relative to the file. Secrets are never in the file: it names the file or the environment variable that
//! holds them.

use std::{
    collections::BTreeMap,
    env,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use surety_chain::wallets::{COIN_DECIMALS, Order, Wallet};
use surety_core::{
    FormatVersion,
    decimal::Decimal,
    ident::{Bytes32, EvmAddress, Name},
    kind::{Kind, KindOf, Kinded},
    problem::{Problem, not_empty, repeated, require},
    text::{Document, WrittenBy},
    units::{Decimals, Ppm, Seconds},
};
use surety_host::keys::SecretAt;

use crate::address::Address;

/// What one process does.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Configuration {
    /// The format.
    pub kind: KindOf<Configuration>,
    /// Version of the format.
    pub version: FormatVersion,
    /// Directory of what outlives the process. One process at a time uses it.
    pub state: PathBuf,
    /// What is served; nothing if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<Http>,
    /// How other parties are asked.
    #[serde(default, skip_serializing_if = "Peers::is_default")]
    pub peers: Peers,
    /// Sources: custodians, venues, watchers of chains.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub source: Vec<SourceRole>,
    /// Oracle nodes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub oracle: Vec<OracleRole>,
    /// Holders.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub holder: Vec<HolderRole>,
    /// Keepers of what is on a chain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keeper: Vec<KeeperRole>,
    /// Auditors.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub auditor: Vec<AuditorRole>,
}

impl Kinded for Configuration {
    const KIND: Kind = Kind::Service;
}

/// What is served, and how.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Http {
    /// Address and port, such as `127.0.0.1:8700`.
    pub listen: SocketAddr,
    /// The certificate and its key; without them only this machine is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<Tls>,
    /// Serve other machines without a certificate: only behind a proxy that has one.
    #[serde(default)]
    pub plain: bool,
    /// Address and port, on this machine alone, of what operators read: numbers for Prometheus, and which roles are not
    /// well. They say how an account fares, and are for nobody else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operators: Option<SocketAddr>,
}

/// A certificate for the server.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// The certificate and those that lead to its authority, in PEM.
    pub certificate: PathBuf,
    /// Its key, in PEM.
    pub key: Secret,
    /// The authority, in PEM, that clients must have a certificate of; any client is served if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<PathBuf>,
}

/// How other parties are asked.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Peers {
    /// The authority, in PEM, that their certificates are of; those that browsers know if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authority: Option<PathBuf>,
    /// The certificate that this party shows, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub certificate: Option<PathBuf>,
    /// Its key, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<Secret>,
}

impl Peers {
    fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Secret {
    /// In a file.
    File(PathBuf),
    /// In an environment variable.
    Variable(String),
    /// In a credential of systemd: the file `surety_NAME` in `$CREDENTIALS_DIRECTORY`.
    Credential(String),
}

impl From<Secret> for SecretAt {
    fn from(secret: Secret) -> Self {
        match secret {
            Secret::File(path) => Self::File(path),
            Secret::Variable(name) => Self::Variable(name),
            Secret::Credential(name) => {
                // Without the directory, the error names the place where the file would be.
                let directory = env::var_os("CREDENTIALS_DIRECTORY").map(PathBuf::from).unwrap_or_default();
                Self::File(directory.join(format!("surety_{name}")))
            }
        }
    }
}

/// Whoever signs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SignsWith {
    /// A key in a file, a keystore or bare digits.
    File(PathBuf),
    /// A key in an environment variable.
    Variable(String),
    /// A key that is a credential of systemd, as [`Secret::Credential`] is.
    Credential(String),
    /// A command that signs with a key which is elsewhere.
    Command(SigningCommand),
}

/// A command that gets what is to be signed as JSON on its standard input, and writes the signature to its standard
/// output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SigningCommand {
    /// The command, which is split into words as a shell does.
    pub run: String,
    /// Whose signature it must be.
    pub address: EvmAddress,
}

/// Where a text comes from that states balances or prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Feed {
    /// A file, read anew each time.
    File(PathBuf),
    /// A program and its arguments, which writes the text to its standard output.
    Command(Vec<String>),
    /// Something that answers over HTTPS, or HTTP on this machine.
    Url(Request),
    /// A query to PostgreSQL, whose answer is a table.
    Query(Query),
    /// Wallets on a chain, at its newest final block; for balances alone.
    Wallets(Wallets),
}

/// Wallets on a chain, which their keys have bound to the account's subject and to the source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wallets {
    /// Where the URLs of two nodes of different operators are, each in a secret of its own.
    pub rpc: [Secret; 2],
    /// The chain's identifier (EIP-155).
    pub chain_id: u64,
    /// The wallets, as `surety source wallet` writes them.
    pub wallets: Vec<Wallet>,
    /// What is looked for in them.
    pub holdings: Vec<WalletHolding>,
}

/// Something that wallets hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WalletHolding {
    /// The instrument of the universe that it counts as.
    pub instrument: Name,
    /// Decimal places of the coin or token.
    pub decimals: Decimals,
    /// The token; the chain's coin if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<WalletToken>,
}

/// A token, and where it keeps its balances.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WalletToken {
    /// The contract.
    pub contract: EvmAddress,
    /// The slot of its mapping from owners to balances, such as 9 for USDC.
    pub slot: u64,
    /// Whether owner or slot comes first in the hash.
    #[serde(default)]
    pub order: Order,
}

/// A request over HTTPS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The address.
    pub address: Address,
    /// The header `Authorization`, if one is asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authorization: Option<Secret>,
}

/// A query to PostgreSQL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Query {
    /// Where the database's URL is.
    pub database: Secret,
    /// One statement that reads.
    pub sql: String,
}

/// The form of balances.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Form {
    /// What `--holdings` takes: a table, TOML or JSON.
    #[default]
    Holdings,
    /// What ccxt's `fetchBalance` gives: the amounts under `total`, by currency.
    Ccxt,
}

/// Signs statements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceRole {
    /// What the role is called, in addresses, logs and metrics.
    pub name: Name,
    /// The universe.
    pub universe: PathBuf,
    /// The signing key.
    pub key: SignsWith,
    /// The passphrase of its keystore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Secret>,
    /// Chain of the attestation registry that the statements are for.
    pub chain_id: u64,
    /// The attestation registry that the statements are for.
    pub registry: EvmAddress,
    /// Time from one statement about an account to the next.
    pub every: Seconds,
    /// Validity of a statement.
    pub valid_for: Seconds,
    /// The accounts.
    pub accounts: Vec<SourceAccount>,
}

/// An account that a source states.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceAccount {
    /// Name of the account in the policy.
    pub account: Name,
    /// Who owns it.
    pub subject: EvmAddress,
    /// To whom openings are encrypted: `age1…`.
    pub recipient: String,
    /// The token that the holder shows.
    pub token: Secret,
    /// Where the balances come from.
    pub balances: Feed,
    /// Their form.
    #[serde(default)]
    pub form: Form,
    /// Names in the balances that the universe calls otherwise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub names: BTreeMap<String, String>,
    /// The only policy that the account is pledged to, if any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pledge: Option<Bytes32>,
}

/// Signs reports of prices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OracleRole {
    /// What the role is called, in addresses, logs and metrics.
    pub name: Name,
    /// The universe.
    pub universe: PathBuf,
    /// The policy.
    pub policy: PathBuf,
    /// The signing key.
    pub key: SignsWith,
    /// The passphrase of its keystore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Secret>,
    /// Where prices come from: a table of `entry`, `price`, `confidence` and optionally `age`.
    pub prices: Feed,
    /// The largest move from this node's last report that it signs at once, as a share: a larger one is signed once it
    /// has stood for an epoch.
    #[serde(default = "OracleRole::usual_question")]
    pub question: Ppm,
    /// Where snapshots are published, such as `https://node-1.example/v1/oracles/node-1`; left out by the node that
    /// publishes them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub publisher: Option<Address>,
    /// The nodes whose reports this one puts together, as it is the one that publishes snapshots.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<Address>,
    /// Whether a report may say that there is no earlier snapshot, for as long as this node has seen none.
    #[serde(default)]
    pub first: bool,
    /// The file of a deployment for whose oracle this node signs each snapshot that it has checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment: Option<PathBuf>,
    /// Sign for a deployment over a development set-up, whose proofs prove nothing.
    #[serde(default)]
    pub allow_insecure_srs: bool,
}

impl OracleRole {
    /// A fifth.
    fn usual_question() -> Ppm {
        Ppm(200_000)
    }
}

/// Proves, each epoch.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HolderRole {
    /// What the role is called, in addresses, logs and metrics.
    pub name: Name,
    /// The universe.
    pub universe: PathBuf,
    /// The policy.
    pub policy: PathBuf,
    /// The levels to attest.
    pub levels: Vec<Name>,
    /// Whose account it is.
    pub subject: EvmAddress,
    /// The key that openings are encrypted to: a file of age.
    pub identity: Secret,
    /// Where statements come from.
    pub sources: Vec<StatementsFrom>,
    /// Where snapshots are published. All that answer must have the same. Left out where the deployment's oracle takes
    /// prices from feeds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub snapshots: Vec<Address>,
    /// How many of them must answer; all if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreeing: Option<usize>,
    /// Accept a development set-up, whose proofs prove nothing.
    #[serde(default)]
    pub allow_insecure_srs: bool,
    /// Where attestations are written, beside being served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
    /// The registry on a chain that they are brought to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<ChainAt>,
    /// The multiple of a level's requirement below which a warning is due, in parts per million.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub headroom: Option<Ppm>,
    /// What may be added to the account when its headroom is low: the cheapest top-up out of these is written to
    /// `top-up.json` in the state.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub moves: Vec<MoveRule>,
}

/// Something that may be added to an account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveRule {
    /// The instrument.
    pub instrument: Name,
    /// The most units of it in a top-up.
    pub at_most: Decimal,
    /// What a unit costs, in any currency that all moves share.
    pub cost: Decimal,
    /// Leave to deposit it; without it the move is told of, and made by somebody.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deposit: Option<DepositRule>,
}

/// Leave to deposit in the policy's vault, from the account of the key under `chain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DepositRule {
    /// The most units within a day.
    pub a_day: Decimal,
    /// Deposits are whole multiples of so many units: everybody sees them, and an exact amount would say how much the
    /// account lacks.
    pub step: Decimal,
}

/// Where the statements about one account come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StatementsFrom {
    /// Such as `https://custodian.example/v1/sources/custody`.
    pub source: Address,
    /// Name of the account in the policy.
    pub account: Name,
    /// The token that this holder shows.
    pub token: Secret,
}

/// A deployment on a chain, and who pays there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChainAt {
    /// The deployment's file.
    pub deployment: PathBuf,
    /// Where the URLs of nodes are, one a line, which stand in for each other.
    pub rpc: Secret,
    /// The key of the account that pays.
    pub key: SignsWith,
    /// The passphrase of its keystore.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase: Option<Secret>,
}

/// Brings snapshots to a chain, watches who attests there, and flags and liquidates who does not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct KeeperRole {
    /// What the role is called, in logs and metrics.
    pub name: Name,
    /// The universe.
    pub universe: PathBuf,
    /// The policy.
    pub policy: PathBuf,
    /// Where it keeps.
    pub chain: ChainAt,
    /// Whether it brings snapshots.
    #[serde(default = "KeeperRole::usual_snapshots")]
    pub snapshots: bool,
    /// The oracle nodes that sign snapshots, such as `https://node-1.example/v1/oracles/node-1`; none where the
    /// deployment's oracle takes prices from feeds.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<Address>,
    /// The level that accounts must attest to.
    pub level: Name,
    /// The largest age of the prices of an attestation that counts; the policy's if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_age: Option<Seconds>,
    /// Accounts that are watched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub subjects: Vec<EvmAddress>,
    /// A venue whose accounts are flagged and liquidated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub venue: Option<VenueAt>,
    /// Time from one look at the chain to the next.
    #[serde(default = "KeeperRole::usual_interval")]
    pub every: Seconds,
    /// Accept a development set-up, whose proofs prove nothing.
    #[serde(default)]
    pub allow_insecure_srs: bool,
}

impl KeeperRole {
    fn usual_snapshots() -> bool {
        true
    }

    /// About a block of Ethereum.
    fn usual_interval() -> Seconds {
        Seconds(12)
    }
}

/// A venue on a chain.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VenueAt {
    /// Its address.
    pub address: EvmAddress,
    /// The block that it was created in, or one before.
    pub from: u64,
    /// The market entry with the price of the chain's coin in the venue's quote token: steps whose gas costs more than
    /// they pay are left. All are taken if left out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coin: Option<Name>,
    /// Leave to buy at the venue's auction, for the key under `chain`; without it nothing is bought.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auctions: Option<AuctionsRule>,
}

/// Leave to buy collateral of accounts in debt, for the account of the key under `chain`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuctionsRule {
    /// How much cheaper than at the newest prices collateral must be, in parts per million of its worth.
    pub discount: Ppm,
    /// The most units of the quote token to pay within a day.
    pub a_day: Decimal,
}

/// A holder whom an auditor audits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HolderAt {
    /// Such as `https://fund.example/v1/holders/fund`.
    pub at: Address,
    /// Whose account it is.
    pub subject: EvmAddress,
}

/// Collects attestations and reports on them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuditorRole {
    /// What the role is called, in addresses, logs and metrics.
    pub name: Name,
    /// The universe.
    pub universe: PathBuf,
    /// The policy.
    pub policy: PathBuf,
    /// The holders.
    pub holders: Vec<HolderAt>,
    /// The auditor's own trust files.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub trust: Vec<PathBuf>,
    /// Refuse whatever would have to be taken on faith.
    #[serde(default)]
    pub strict: bool,
    /// Accept a development set-up, whose proofs prove nothing.
    #[serde(default)]
    pub allow_insecure_srs: bool,
    /// Time from one report to the next.
    pub every: Seconds,
    /// The report's file in HTML, beside the one that is served.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<PathBuf>,
}

impl Document for Configuration {
    const WRITTEN_BY: WrittenBy = WrittenBy::People;

    fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let expected = "at least one of [[source]], [[oracle]], [[holder]], [[keeper]] and [[auditor]]";
        problems.extend(require(!self.roles().is_empty(), "", expected, "no role"));
        problems.extend(self.http.iter().flat_map(Http::problems));
        let both = self.peers.certificate.is_some() == self.peers.key.is_some();
        problems.extend(require(both, "peers", "both of certificate and key, or neither", "one of them"));
        problems.extend(unique("source", self.source.iter().map(|role| &role.name)));
        problems.extend(unique("oracle", self.oracle.iter().map(|role| &role.name)));
        problems.extend(unique("holder", self.holder.iter().map(|role| &role.name)));
        problems.extend(unique("keeper", self.keeper.iter().map(|role| &role.name)));
        problems.extend(unique("auditor", self.auditor.iter().map(|role| &role.name)));
        let numbered = |(i, role): (usize, &SourceRole)| role.problems(&format!("source[{i}]"));
        problems.extend(self.source.iter().enumerate().flat_map(numbered));
        let accounts = self.source.iter().flat_map(|role| &role.accounts);
        let wallets = accounts.filter_map(|account| match &account.balances {
            Feed::Wallets(wallets) => Some(wallets),
            _ => None,
        });
        let addresses = wallets.flat_map(|from| from.wallets.iter().map(|one| (from.chain_id, one.address)));
        let wallets: Vec<_> = addresses.map(|(chain, address)| format!("{address} on chain {chain}")).collect();
        problems.extend(repeated(wallets.iter(), |_| "source: wallets".to_owned(), "each wallet in one account"));
        let numbered = |(i, role): (usize, &OracleRole)| role.problems(&format!("oracle[{i}]"));
        problems.extend(self.oracle.iter().enumerate().flat_map(numbered));
        let numbered = |(i, role): (usize, &HolderRole)| role.problems(&format!("holder[{i}]"));
        problems.extend(self.holder.iter().enumerate().flat_map(numbered));
        for (i, role) in self.keeper.iter().enumerate() {
            problems.extend(positive(&format!("keeper[{i}].every"), role.every));
        }
        for (i, role) in self.auditor.iter().enumerate() {
            problems.extend(not_empty(&format!("auditor[{i}].holders"), &role.holders));
            problems.extend(positive(&format!("auditor[{i}].every"), role.every));
        }
        problems
    }
}

/// Names stand in addresses and labels, so no two roles of a kind have the same.
fn unique<'a>(list: &str, names: impl Iterator<Item = &'a Name>) -> Vec<Problem> {
    repeated(names, |i| format!("{list}[{i}].name"), "a name of its own for each role of a kind")
}

fn positive(path: &str, duration: Seconds) -> Option<Problem> {
    require(duration.0 > 0, path, "a duration above zero", duration.0)
}

impl Http {
    fn problems(&self) -> Vec<Problem> {
        let local = self.listen.ip().is_loopback();
        let expected = "a certificate under http.tls where other machines are served, or plain = true behind a proxy";
        let safe = local || self.tls.is_some() || self.plain;
        let mut problems: Vec<_> = require(safe, "http.listen", expected, self.listen).into_iter().collect();
        if let Some(operators) = self.operators {
            let expected = "an address of this machine, such as 127.0.0.1:9464";
            problems.extend(require(operators.ip().is_loopback(), "http.operators", expected, operators));
        }
        problems
    }
}

impl SourceRole {
    fn problems(&self, path: &str) -> Vec<Problem> {
        let mut problems = not_empty(&format!("{path}.accounts"), &self.accounts).into_iter().collect::<Vec<_>>();
        problems.extend(positive(&format!("{path}.every"), self.every));
        let lasts = self.valid_for > self.every;
        let expected = format!("more than every, {}: else statements lapse before the next", self.every.0);
        problems.extend(require(lasts, format!("{path}.valid_for"), expected, self.valid_for.0));
        for (i, account) in self.accounts.iter().enumerate() {
            if let Feed::Wallets(wallets) = &account.balances {
                problems.extend(wallets.problems(&format!("{path}.accounts[{i}].balances.wallets")));
            }
        }
        let account = |account: &SourceAccount| format!("{} of {}", account.account, account.subject);
        let accounts: Vec<_> = self.accounts.iter().map(account).collect();
        let expected = "each account of a subject once";
        problems.extend(repeated(accounts.iter(), |i| format!("{path}.accounts[{i}].account"), expected));
        problems
    }
}

impl Wallets {
    fn problems(&self, path: &str) -> Vec<Problem> {
        let mut problems: Vec<_> = not_empty(&format!("{path}.wallets"), &self.wallets).into_iter().collect();
        problems.extend(not_empty(&format!("{path}.holdings"), &self.holdings));
        for (i, holding) in self.holdings.iter().enumerate().filter(|(_, holding)| holding.token.is_none()) {
            let is_coins = holding.decimals.get() == COIN_DECIMALS;
            let path = format!("{path}.holdings[{i}].decimals");
            problems.extend(require(is_coins, path, format!("{COIN_DECIMALS}, the coin's"), holding.decimals.get()));
        }
        let expected = "nodes of two operators";
        problems.extend(require(self.rpc[0] != self.rpc[1], format!("{path}.rpc"), expected, "one twice"));
        let instruments = self.holdings.iter().map(|holding| &holding.instrument);
        let expected = "each instrument once";
        problems.extend(repeated(instruments, |i| format!("{path}.holdings[{i}].instrument"), expected));
        let tokens: Vec<_> = self.holdings.iter().map(|holding| holding.token.map(|token| token.contract)).collect();
        let tokens: Vec<_> =
            tokens.iter().map(|token| token.map_or("the coin".to_owned(), |at| at.to_string())).collect();
        let expected = "each token once";
        problems.extend(repeated(tokens.iter(), |i| format!("{path}.holdings[{i}].token"), expected));
        problems
    }
}

impl OracleRole {
    fn problems(&self, path: &str) -> Vec<Problem> {
        let publishes = !self.nodes.is_empty();
        let expected = "either publisher, or nodes whose reports are put together here";
        let found = if publishes { "both" } else { "neither" };
        let mut problems: Vec<_> =
            require(publishes != self.publisher.is_some(), path, expected, found).into_iter().collect();
        let is_prices = !matches!(self.prices, Feed::Wallets(_));
        let expected = "a file, a command, a URL or a query";
        problems.extend(require(is_prices, format!("{path}.prices"), expected, "wallets"));
        problems
    }
}

impl HolderRole {
    fn problems(&self, path: &str) -> Vec<Problem> {
        let lists =
            [not_empty(&format!("{path}.levels"), &self.levels), not_empty(&format!("{path}.sources"), &self.sources)];
        let mut problems: Vec<_> = lists.into_iter().flatten().collect();
        let expected = "where snapshots are published, or a chain whose oracle takes prices from feeds";
        let has_prices = !self.snapshots.is_empty() || self.chain.is_some();
        problems.extend(require(has_prices, format!("{path}.snapshots"), expected, "neither"));
        if let Some(agreeing) = self.agreeing {
            let count = self.snapshots.len();
            let expected = format!("a number from 1 to {count}, that of snapshots");
            problems.extend(require((1..=count).contains(&agreeing), format!("{path}.agreeing"), expected, agreeing));
        }
        if !self.moves.is_empty() {
            let expected = "the headroom that they are to bring";
            problems.extend(require(self.headroom.is_some(), format!("{path}.headroom"), expected, "none"));
        }
        for (i, one) in self.moves.iter().enumerate() {
            let path = format!("{path}.moves[{i}]");
            let rule = one.deposit.map(|rule| [("deposit.a_day", rule.a_day), ("deposit.step", rule.step)]);
            let amounts = [("at_most", one.at_most), ("cost", one.cost)].into_iter().chain(rule.into_iter().flatten());
            for (name, amount) in amounts {
                let expected = "an amount above zero";
                problems.extend(require(amount > Decimal::ZERO, format!("{path}.{name}"), expected, amount));
            }
        }
        problems.extend(repeated(
            self.moves.iter().map(|one| &one.instrument),
            |i| format!("{path}.moves[{i}].instrument"),
            "each instrument once",
        ));
        if let Some(headroom) = self.headroom {
            let expected = "a multiple above one";
            problems.extend(require(headroom > Ppm::ONE, format!("{path}.headroom"), expected, headroom));
        }
        problems
    }
}

impl Configuration {
    /// The roles, each by its kind and name.
    #[must_use]
    pub fn roles(&self) -> Vec<String> {
        let Self { source, oracle, holder, keeper, auditor, .. } = self;
        let sources = source.iter().map(|role| format!("source {}", role.name));
        let oracles = oracle.iter().map(|role| format!("oracle {}", role.name));
        let holders = holder.iter().map(|role| format!("holder {}", role.name));
        let keepers = keeper.iter().map(|role| format!("keeper {}", role.name));
        let auditors = auditor.iter().map(|role| format!("auditor {}", role.name));
        sources.chain(oracles).chain(holders).chain(keepers).chain(auditors).collect()
    }

    /// The same with paths relative to the directory of its file.
    #[must_use]
    pub fn in_directory(mut self, directory: &Path) -> Self {
        let at = |path: &mut PathBuf| *path = directory.join(&*path);
        let secret = |secret: &mut Secret| {
            if let Secret::File(path) = secret {
                at(path);
            }
        };
        let key = |key: &mut SignsWith| {
            if let SignsWith::File(path) = key {
                at(path);
            }
        };
        let chain = |chain: &mut ChainAt| {
            at(&mut chain.deployment);
            secret(&mut chain.rpc);
            key(&mut chain.key);
            chain.passphrase.iter_mut().for_each(secret);
        };
        let feed = |feed: &mut Feed| match feed {
            Feed::File(path) => at(path),
            Feed::Url(request) => request.authorization.iter_mut().for_each(secret),
            Feed::Query(query) => secret(&mut query.database),
            Feed::Wallets(wallets) => wallets.rpc.iter_mut().for_each(secret),
            Feed::Command(_) => {}
        };
        at(&mut self.state);
        if let Some(tls) = self.http.as_mut().and_then(|http| http.tls.as_mut()) {
            at(&mut tls.certificate);
            secret(&mut tls.key);
            tls.clients.iter_mut().for_each(at);
        }
        let peers = &mut self.peers;
        [&mut peers.authority, &mut peers.certificate].into_iter().flatten().for_each(at);
        peers.key.iter_mut().for_each(secret);
        for role in &mut self.source {
            at(&mut role.universe);
            key(&mut role.key);
            role.passphrase.iter_mut().for_each(secret);
            for account in &mut role.accounts {
                secret(&mut account.token);
                feed(&mut account.balances);
            }
        }
        for role in &mut self.oracle {
            [&mut role.universe, &mut role.policy].into_iter().for_each(at);
            key(&mut role.key);
            role.passphrase.iter_mut().for_each(secret);
            feed(&mut role.prices);
            role.deployment.iter_mut().for_each(at);
        }
        for role in &mut self.holder {
            [&mut role.universe, &mut role.policy].into_iter().for_each(at);
            role.directory.iter_mut().for_each(at);
            secret(&mut role.identity);
            role.sources.iter_mut().for_each(|from| secret(&mut from.token));
            role.chain.iter_mut().for_each(chain);
        }
        for role in &mut self.keeper {
            [&mut role.universe, &mut role.policy].into_iter().for_each(at);
            chain(&mut role.chain);
        }
        for role in &mut self.auditor {
            [&mut role.universe, &mut role.policy].into_iter().for_each(at);
            role.trust.iter_mut().chain(&mut role.report).for_each(at);
        }
        self
    }
}
