//! What a party does by itself: one module a role.

mod allowance;
pub mod auditor;
mod chain;
pub mod holder;
pub mod keeper;
pub mod oracle;
pub mod source;

use std::{
    collections::{BTreeMap, BTreeSet},
    panic::{AssertUnwindSafe, catch_unwind},
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use surety_core::{
    capacity::Capacity,
    failure::{AnyFailure, Internal},
    text::table::Note,
    units::Timestamp,
};
use surety_fleet::backoff::Backoff;
use surety_host::{
    clock::now,
    documents,
    keys::{self, KeyError, SecretAt},
    setup::Setups,
};
use surety_kzg::{Event, Observer, Origin, Params, SrsId};
use surety_margin::{policy::Policy, universe::Universe};
use surety_prover::{many::on_one_thread, prove::Prover};
use surety_signing::command::CommandSigner;
use surety_verifier::attestation::signer::Signer;

use crate::{
    configuration::{Secret, SignsWith},
    error::NotDone,
    metrics::{Metrics, RoleLabel, seconds},
    peer::Client,
    signals::{Permits, Stop},
    state::{Shelf, State},
};

/// How long a role that failed waits at first before it tries again; each further failure doubles the time.
const FIRST_RETRY: Duration = Duration::from_secs(2);

/// How long a role that failed waits at most, unless it says otherwise.
const LAST_RETRY: Duration = Duration::from_mins(1);

/// Seconds of a day.
pub(crate) const DAY: u64 = 86_400;

/// How many epochs documents stay on a shelf.
pub(crate) const KEPT: u32 = 10_000;

/// Whoever signs for a role.
pub(crate) type AnySigner = Box<dyn Signer + Send + Sync>;

/// Something that a party does by itself.
pub trait Role: Send {
    /// Its kind and name.
    fn label(&self) -> &RoleLabel;

    /// Does what is due at a time, and says when it wants to be called again, at the latest.
    ///
    /// # Errors
    /// If something that is due was not done; it is called again soon.
    fn step(&mut self, now: Timestamp) -> Result<Timestamp, AnyFailure>;

    /// The longest wait after failures, before it is called again.
    fn longest_wait(&self) -> Duration {
        LAST_RETRY
    }

    /// Whether somebody has asked for it since the last step.
    fn is_wanted(&self) -> bool {
        false
    }
}

/// What the roles of one process share.
#[derive(Debug)]
pub struct World {
    /// What outlives the process.
    pub state: State,
    /// Numbers for operators.
    pub metrics: Metrics,
    /// Tells the roles to stop or to wake.
    pub stop: Stop,
    /// Asks other parties.
    pub client: Client,
    /// Set-ups, and what is cached of them.
    pub setups: Setups,
    provers: Mutex<BTreeMap<(SrsId, Capacity), Arc<Prover>>>,
    proving: Permits,
    /// The roles whose last step failed.
    failing: Mutex<BTreeMap<String, String>>,
    /// The roles that have not taken a step yet.
    starting: Mutex<BTreeSet<String>>,
}

impl World {
    /// A world in which nothing has happened yet.
    #[must_use]
    pub fn new(state: State, client: Client, setups: Setups) -> Self {
        Self {
            state,
            metrics: Metrics::default(),
            stop: Stop::default(),
            client,
            setups,
            provers: Mutex::default(),
            proving: Permits::new(rayon::current_num_threads()),
            failing: Mutex::default(),
            starting: Mutex::default(),
        }
    }

    /// The roles of interest that are not well: those whose last step failed, and those that have not taken one. A role
    /// is told by its kind and name.
    pub fn unwell(&self, is_of_interest: impl Fn(&str) -> bool) -> Vec<String> {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let starting = self.starting.lock().unwrap_or_else(PoisonError::into_inner);
        failing.keys().chain(starting.iter()).filter(|role| is_of_interest(role)).cloned().collect()
    }

    /// The bases of a universe's capacity class.
    ///
    /// # Errors
    /// If the set-up is not at hand, or nobody's and not allowed.
    pub(crate) fn params(&self, universe: &Universe, allow_insecure: bool) -> Result<Params, AnyFailure> {
        let params = self.setups.params(SrsId::from(universe.srs), universe.capacity, &Logged)?;
        if params.verifier_key().origin() == Origin::InsecureDevelopment {
            if !allow_insecure {
                let expected = "a set-up of a ceremony";
                let advice = "allow_insecure_srs = true accepts the development set-up, for tests only";
                return Err(NotDone::mismatch("universe: srs", expected, "the development set-up")
                    .advise(advice)
                    .into());
            }
            tracing::warn!("INSECURE set-up: its secret is public, and proofs over it prove nothing");
        }
        Ok(params)
    }

    /// The prover of a capacity class, which all roles share.
    ///
    /// # Errors
    /// If there is too little memory, or the key is not the one that verifiers expect.
    pub(crate) fn prover(&self, params: &Params) -> Result<Arc<Prover>, AnyFailure> {
        let mut provers = self.provers.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (params.id(), params.capacity());
        if let Some(prover) = provers.get(&key) {
            return Ok(Arc::clone(prover));
        }
        let prover = Arc::new(Prover::with_table(params.clone(), self.setups.table(params, &Logged))?);
        provers.insert(key, Arc::clone(&prover));
        Ok(prover)
    }

    /// Proves on one thread, once it is this role's turn: as many proofs are made at a time as there are threads.
    pub(crate) fn prove<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        self.proving.with(|| on_one_thread(work))
    }

    /// Notes an event, for logs and operators. Nothing in it may be secret.
    pub(crate) fn note(&self, now: Timestamp, label: &RoleLabel, what: &str) {
        tracing::info!(kind = label.kind, role = label.role, "{what}");
        if let Err(error) = self.state.note(now, &label.role, what) {
            tracing::error!("{error}");
        }
    }
}

/// Progress and notices of long computations, as lines of the log.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Logged;

impl Observer for Logged {
    fn event(&self, event: Event) {
        match event {
            Event::Notice(notice) => tracing::info!("{notice}"),
            Event::Progress { stage, done, total } if done == total => tracing::info!(?stage, total, "done"),
            _ => {}
        }
    }
}

/// What a reader of a table has to say, as lines of the log.
pub(crate) fn log_notes(label: &RoleLabel, notes: &[Note]) {
    for note in notes {
        tracing::info!(kind = label.kind, role = label.role, "{note}");
    }
}

/// Keeps a role going until all shall stop.
pub fn keep(role: &mut dyn Role, world: &World) {
    let label = role.label().clone();
    let name = label.to_string();
    let longest = role.longest_wait();
    let retry = || Backoff::new(FIRST_RETRY, longest);
    let mut patience = retry();
    while !world.stop.is_stopped() {
        let (started, now) = (Instant::now(), now());
        let done = catch_unwind(AssertUnwindSafe(|| role.step(now)));
        world.metrics.durations.get_or_create(&label).observe(started.elapsed().as_secs_f64());
        world.starting.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
        let done = done.unwrap_or_else(|_| Err(Internal(format!("{name} panicked")).into()));
        let (next, is_well) = match done {
            Ok(next) => {
                world.metrics.rounds.get_or_create(&label).inc();
                world.metrics.succeeded_at.get_or_create(&label).set(seconds(now));
                let failed = world.failing.lock().unwrap_or_else(PoisonError::into_inner).remove(&name);
                if failed.is_some() {
                    world.note(now, &label, "well again");
                }
                patience = retry();
                // Never more than one step a second.
                (next.0.max(now.0 + 1), true)
            }
            Err(error) => {
                world.metrics.failures.get_or_create(&label).inc();
                let error = error.to_string();
                let before =
                    world.failing.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone(), error.clone());
                if before.as_ref() != Some(&error) {
                    world.note(now, &label, &error);
                }
                (now.0 + patience.wait().as_secs().max(1), false)
            }
        };
        let due = || {
            let at = self::now().0;
            at >= next || at < now.0 || role.is_wanted() && is_well && at > now.0
        };
        world.stop.wait(due);
    }
}

/// Notes that a role will take its first step.
pub(crate) fn announce(role: &dyn Role, world: &World) {
    let name = role.label().to_string();
    world.starting.lock().unwrap_or_else(PoisonError::into_inner).insert(name);
}

/// The label of a role.
pub(crate) fn label(kind: &str, name: &surety_core::ident::Name) -> RoleLabel {
    RoleLabel { kind: kind.to_owned(), role: name.to_string() }
}

/// The shelf of a role's documents of one kind.
pub(crate) fn shelf(label: &RoleLabel, rest: &[&str]) -> Shelf {
    let parts = [label.kind.as_str(), label.role.as_str()];
    Shelf::new(&parts.iter().chain(rest).copied().collect::<Vec<_>>())
}

/// A universe and a policy over it.
pub(crate) fn read_policy(universe: &Path, policy: &Path) -> Result<(Universe, Policy), AnyFailure> {
    let universe = documents::read_universe(universe, policy)?;
    let policy = documents::read_policy(policy, &universe)?;
    Ok((universe, policy))
}

/// Whoever signs, without anybody to ask for a passphrase.
pub(crate) fn load_signer(with: SignsWith, passphrase: Option<Secret>) -> Result<AnySigner, AnyFailure> {
    let at = match with {
        SignsWith::Command(command) => return Ok(Box::new(CommandSigner::new(&command.run, command.address)?)),
        SignsWith::File(path) => Secret::File(path),
        SignsWith::Variable(name) => Secret::Variable(name),
        SignsWith::Credential(name) => Secret::Credential(name),
    };
    let ask = || match passphrase {
        Some(at) => SecretAt::from(at).passphrase(),
        None => Err(KeyError::NoPassphrase),
    };
    Ok(Box::new(keys::load(&at.into(), ask, |note| tracing::warn!("{note}"))?))
}
