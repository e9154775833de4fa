//! Many attestations to try an audit on: institutions of different size that prove different levels over several
//! epochs.
//!
//! Nothing secret is left: balances, masks and openings are erased with the process. Of what is made, the layout
//! follows from the number of attestations alone.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use rand_core::{OsRng, RngCore as _};
use surety_core::{
    failure::{AnyFailure, Internal},
    ident::{Bytes32, EvmAddress, Name},
    text::table::Dialect,
    units::{Lots, Price, Timestamp},
};
use surety_host::{
    documents,
    files::{self, Access, Existing, FileError},
    keys::demo_key,
    setup::Setups,
};
use surety_import::observations::read_observations;
use surety_kzg::{Observer, Origin, Params, SrsId};
use surety_margin::{
    market::{Observed, Report, Snapshot},
    policy::Policy,
    universe::Universe,
};
use surety_prover::{
    layout::Layout,
    many::ToProve,
    opening::Opening,
    oracle::{self, Clock, Comparison},
    prove::{ProofRequest, Prover},
    source::{self, StatementTerms},
};
use surety_verifier::attestation::{
    claim::Attestation,
    compiled::CompiledPolicy,
    report::snapshot_id,
    statement::Statement,
    trust::{Newest, Trust},
};

use crate::{Ground, STATEMENT_VALIDITY, audience, demo_address, example, name, prepare, trust_text};

/// The time over which attestations are spread if all of them are to count at its end: shorter than the example's
/// validity of a day.
pub const CURRENT: u64 = 72_000;

/// Most epochs.
const MOST_EPOCHS: usize = 6;

/// Where attestations and market snapshots are.
const ATTESTATIONS: &str = "attestations";
const MARKETS: &str = "markets";

/// What directories of institutions are called, before their number.
const INSTITUTION: &str = "subject-";

/// The levels of the example, of which each institution proves the first one, two or three.
const LEVELS: [&str; 3] = ["maintenance", "initial", "maintenance-1.5x"];

/// How much later each source states balances than the one before, in seconds.
const STAGGER: u64 = 20;

/// What was made.
#[derive(Clone, Debug)]
pub struct Batch {
    /// The set-up.
    pub srs: SrsId,
    /// Where it comes from.
    pub origin: Origin,
    /// How many attestations.
    pub attestations: usize,
    /// Of how many subjects.
    pub subjects: usize,
    /// Over how many epochs.
    pub epochs: usize,
    /// The directory of the attestations.
    pub directory: PathBuf,
}

/// What all attestations share.
struct Shared<'a> {
    universe: &'a Universe,
    policy: &'a CompiledPolicy,
    params: &'a Params,
}

/// A market, and its place among the epochs: the oldest has number 1.
struct Epoch {
    number: u64,
    now: Timestamp,
    snapshot: Snapshot,
}

/// Makes `count` attestations, the newest as of `now`, the oldest up to `span` seconds before: in a new or empty
/// directory, or, where existing files may be replaced, in place of an earlier batch, whose attestations and markets
/// are removed.
///
/// # Errors
/// If there is something in the directory that is to be kept, or something fails on the way.
pub fn run(
    directory: &Path,
    (count, span): (usize, u64),
    setups: &Setups,
    now: Timestamp,
    existing: Existing,
    observer: &dyn Observer,
) -> Result<Batch, AnyFailure> {
    let layout = Layout::new(directory);
    files::create_directory(directory)?;
    match existing {
        Existing::Keep => refuse_content(directory)?,
        Existing::Replace => remove_earlier(directory)?,
    }
    let Ground { setup, universe, policy, params } = prepare(&layout, setups, existing, observer)?;
    let epochs = epochs(&layout, (&policy, &universe), count, span, now)?;
    let policy = CompiledPolicy::compile(policy, universe.clone(), &params)?;
    documents::write(&layout.compiled(), &policy.committed().file(), existing)?;
    let trust = trust(&policy, &epochs)?;
    files::write(&layout.trust(), trust_text(&trust)?.as_bytes(), Access::Public, existing)?;

    let table = setups.table(&params, observer);
    let prover = Prover::with_table(params, table)?;
    let shared = Shared { universe: &universe, policy: &policy, params: prover.params() };
    let directory = layout.directory().join(ATTESTATIONS);
    let plan = plan(epochs.len(), count);
    let subjects = plan.last().map_or(0, |planned| planned.institution);
    let mut inputs = Inputs { shared: &shared, epochs: &epochs, directory: &directory, last: None };
    let mut attestations = 0;
    prover.prove_many(plan.into_iter().map(|planned| inputs.input(planned)), observer, |input, attestation| {
        attestations += 1;
        input.write(&attestation?)
    })?;
    Ok(Batch { srs: setup.id(), origin: setup.origin(), attestations, subjects, epochs: epochs.len(), directory })
}

/// An attestation that is to be made.
struct Planned {
    /// The institution's number, from 1.
    institution: usize,
    /// The epoch's place.
    epoch: usize,
    level: &'static str,
}

/// The first `count` attestations: of institution after institution, each at every epoch and each of its levels.
fn plan(epochs: usize, count: usize) -> Vec<Planned> {
    let of = |institution: usize| {
        let levels = &LEVELS[..=(institution - 1) % LEVELS.len()];
        (0..epochs).flat_map(move |epoch| levels.iter().map(move |level| Planned { institution, epoch, level }))
    };
    (1..).flat_map(of).take(count).collect()
}

/// The inputs of planned attestations, made when they are asked for.
struct Inputs<'a> {
    shared: &'a Shared<'a>,
    epochs: &'a [Epoch],
    directory: &'a Path,
    /// That of the attestation before, which often is that of the next.
    last: Option<Arc<Stated<'a>>>,
}

/// An institution at an epoch, which all its levels share.
struct Stated<'a> {
    institution: Arc<Institution>,
    epoch: &'a Epoch,
    statements: Vec<Statement>,
    openings: Vec<Opening>,
}

/// The inputs of an attestation.
struct Input<'a> {
    policy: &'a CompiledPolicy,
    stated: Arc<Stated<'a>>,
    level: Name,
}

impl<'a> Inputs<'a> {
    fn input(&mut self, Planned { institution, epoch, level }: Planned) -> Result<Input<'a>, AnyFailure> {
        let last = self.last.take().filter(|last| last.institution.number == institution);
        let epoch = &self.epochs[epoch];
        let stated = match last {
            Some(last) if last.epoch.number == epoch.number => last,
            last => {
                let new = || Institution::new(institution, self.directory).map(Arc::new);
                let institution = last.map_or_else(new, |last| Ok(Arc::clone(&last.institution)))?;
                let (statements, openings) = institution.state(self.shared, epoch)?;
                Arc::new(Stated { institution, epoch, statements, openings })
            }
        };
        self.last = Some(Arc::clone(&stated));
        Ok(Input { policy: self.shared.policy, stated, level: name(level)? })
    }
}

impl ToProve for Input<'_> {
    fn request(&self) -> ProofRequest<'_> {
        let Stated { institution, epoch, statements, .. } = &*self.stated;
        ProofRequest {
            policy: self.policy,
            snapshot: &epoch.snapshot,
            on_chain: false,
            vault: None,
            statements,
            level: &self.level,
            verifier: institution.verifier,
            valid_until: None,
            presentation: Bytes32::ZERO,
            now: epoch.now,
        }
    }

    fn openings(&self) -> &[Opening] {
        &self.stated.openings
    }
}

impl Input<'_> {
    fn write(&self, attestation: &Attestation) -> Result<(), AnyFailure> {
        let Stated { institution, epoch, .. } = &*self.stated;
        let file = format!("{}-{}.json", epoch.snapshot.epoch, self.level);
        Ok(documents::write(&institution.directory.join(file), attestation, Existing::Keep)?)
    }
}

fn refuse_content(directory: &Path) -> Result<(), FileError> {
    let failed = |error| FileError::Io { path: directory.to_owned(), action: "cannot be read", error };
    match directory.read_dir().map_err(failed)?.next() {
        None => Ok(()),
        Some(entry) => Err(FileError::Exists(entry.map_err(failed)?.path())),
    }
}

/// Removes what an earlier batch has left, so that no audit mixes two: files of the names that a batch gives, and
/// nothing else.
fn remove_earlier(directory: &Path) -> Result<(), FileError> {
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|digit| digit.is_ascii_digit());
    let is_own = |path: &Path| {
        let name = |path: &Path| path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        let (file, parent) = (name(path), path.parent().map(name).unwrap_or_default());
        let stem = file.strip_suffix(".json").unwrap_or_default();
        let level = stem.split_once('-').filter(|(epoch, _)| is_number(epoch)).map(|(_, level)| level);
        parent == MARKETS && is_number(stem)
            || parent.strip_prefix(INSTITUTION).is_some_and(is_number)
                && level.is_some_and(|level| LEVELS.contains(&level))
    };
    for part in [ATTESTATIONS, MARKETS].map(|part| directory.join(part)).iter().filter(|part| part.is_dir()) {
        for path in files::under(part, |_, _| true)?.iter().filter(|path| is_own(path)) {
            let failed = |error| FileError::Io { path: path.clone(), action: "cannot be removed", error };
            std::fs::remove_file(path).map_err(failed)?;
        }
    }
    Ok(())
}

/// Prices that move by up to 3 per mille from epoch to epoch, as evenly spread as there are epochs; the oldest first.
fn epochs(
    layout: &Layout,
    (policy, universe): (&Policy, &Universe),
    count: usize,
    span: u64,
    now: Timestamp,
) -> Result<Vec<Epoch>, AnyFailure> {
    let number = (count / 10).clamp(1, MOST_EPOCHS) as u64;
    let step = (span / number).max(policy.oracle.epoch.0);
    let directory = layout.directory().join(MARKETS);
    files::create_directory(&directory)?;
    let epoch = |number_from_last: u64| -> Result<Epoch, AnyFailure> {
        let now = Timestamp(now.0.saturating_sub(number_from_last * step));
        let factor = 997_000 + u128::from(OsRng.next_u32() % 6_001);
        let scaled = |price: Price| Price::new(price.get() * factor / 1_000_000).map_err(Internal);
        let nodes = policy.oracle.nodes.iter().zip(example::OBSERVATIONS);
        let reports = nodes.map(|(node, file)| -> Result<Report, AnyFailure> {
            let mut observations =
                read_observations(file.path, file.text, policy, &Dialect::default(), &mut Vec::new())?;
            for observed in &mut observations {
                if let Observed::Price(observation) = observed {
                    observation.price = scaled(observation.price)?;
                    observation.confidence = scaled(observation.confidence)?;
                }
            }
            let key = demo_key(node.name.as_str())?;
            Ok(oracle::sign(policy, universe, observations, Clock::at(now), Comparison::None, &key)?)
        });
        let snapshot =
            oracle::aggregate(policy, universe, &reports.collect::<Result<Vec<_>, AnyFailure>>()?, None, now)?;
        documents::write(&directory.join(format!("{}.json", snapshot.epoch)), &snapshot, Existing::Keep)?;
        Ok(Epoch { number: number - number_from_last, now, snapshot })
    };
    (0..number).rev().map(epoch).collect()
}

/// What an auditor would pin.
fn trust(policy: &CompiledPolicy, epochs: &[Epoch]) -> Result<Trust, AnyFailure> {
    let committed = policy.committed();
    let rules = committed.policy();
    let first = |source: &surety_margin::policy::SourceRule| {
        let accounts = source.accounts.iter().map(|account| (account.clone(), Newest::numbered(1))).collect();
        (source.name.clone(), accounts)
    };
    Ok(Trust {
        policy: Some(committed.id()),
        srs: Some(committed.universe().srs),
        epoch: epochs.first().map(|epoch| epoch.snapshot.epoch),
        snapshots: Some(epochs.iter().map(|epoch| snapshot_id(committed, &epoch.snapshot)).collect()),
        audience: Some(audience()?),
        sources: Some(rules.sources.iter().map(|source| (source.name.clone(), source.signer)).collect()),
        oracles: Some(rules.oracle.nodes.iter().map(|node| (node.name.clone(), node.signer)).collect()),
        sequences: rules.sources.iter().map(first).collect(),
        ..Trust::nothing()
    })
}

/// An institution like the example's, of another size.
struct Institution {
    number: usize,
    subject: EvmAddress,
    /// What its attestations say who verifies them.
    verifier: EvmAddress,
    /// Its size in per mille of the example's.
    size: i128,
    directory: PathBuf,
}

impl Institution {
    fn new(number: usize, attestations: &Path) -> Result<Self, AnyFailure> {
        let name = format!("{INSTITUTION}{number:04}");
        let directory = attestations.join(&name);
        files::create_directory(&directory)?;
        Ok(Self {
            number,
            subject: demo_address(&name)?,
            verifier: if number.is_multiple_of(2) { demo_address("verifier")? } else { EvmAddress::ZERO },
            size: i128::from(200 + OsRng.next_u32() % 1_600),
            directory,
        })
    }

    /// Has each source state the balances at an epoch: a little more or less than its size.
    fn state(&self, shared: &Shared<'_>, epoch: &Epoch) -> Result<(Vec<Statement>, Vec<Opening>), AnyFailure> {
        let size = self.size * i128::from(980 + OsRng.next_u32() % 41);
        let sources = shared.policy.committed().policy().sources.iter().zip(example::HOLDINGS);
        let stated = sources.zip(0..).map(|((rule, file), place)| -> Result<(Statement, Opening), AnyFailure> {
            let mut holdings = surety_import::positions::holdings(file.path, file.text, shared.universe)?;
            for balance in &mut holdings.balances {
                balance.lots = Lots::new(balance.lots.get() * size / 1_000_000).map_err(Internal)?;
            }
            let as_of = Timestamp(epoch.now.0.saturating_sub(STAGGER * place));
            let terms = StatementTerms {
                audience: audience()?,
                subject: self.subject,
                account: rule.accounts.first().cloned().unwrap_or_else(|| rule.name.clone()),
                as_of,
                valid_until: Timestamp(as_of.0.saturating_add(STATEMENT_VALIDITY)),
                sequence: epoch.number,
                pledge: None,
            };
            Ok(source::attest(shared.universe, shared.params, holdings, terms, &demo_key(rule.name.as_str())?)?)
        });
        Ok(stated.collect::<Result<Vec<_>, AnyFailure>>()?.into_iter().unzip())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn institutions_prove_one_two_or_three_levels_at_each_epoch() {
        let planned: Vec<_> =
            plan(2, 9).into_iter().map(|planned| (planned.institution, planned.epoch, planned.level)).collect();
        let [one, two, three] = LEVELS;
        let all = [
            (1, 0, one),
            (1, 1, one),
            (2, 0, one),
            (2, 0, two),
            (2, 1, one),
            (2, 1, two),
            (3, 0, one),
            (3, 0, two),
            (3, 0, three),
        ];
        assert_eq!(planned, all);
    }

    #[test]
    fn only_the_files_of_an_earlier_batch_are_removed() {
        let directory = tempfile::tempdir().unwrap();
        let write = |name: &str| {
            let path = directory.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(&path, "").unwrap();
            path
        };
        let own = [
            "attestations/subject-0001/7-initial.json",
            "attestations/subject-0012/8-maintenance-1.5x.json",
            "markets/7.json",
        ];
        let others = [
            "attestations/subject-0001/notes.json",
            "attestations/subject-one/7-initial.json",
            "attestations/7-initial.json",
            "markets/last.json",
            "markets/7.toml",
            "7.json",
        ];
        let (own, others) = (own.map(write), others.map(write));
        remove_earlier(directory.path()).unwrap();
        assert!(own.iter().all(|path| !path.exists()));
        assert!(others.iter().all(|path| path.exists()));
        remove_earlier(&directory.path().join("none")).unwrap();
    }
}
