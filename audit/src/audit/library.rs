//! The public files that attestations refer to, found by identifier and prepared once.

use core::num::NonZeroU128;
use std::collections::{BTreeMap, BTreeSet};

use rand_core::{OsRng, RngCore as _};
use rayon::prelude::*;
use surety_books::rules::BookRules;
use surety_core::{failure::AnyFailure, ident::Bytes32, text::Document};
use surety_kzg::{Observer, SrsId};
use surety_margin::{market::Snapshot, policy::Policy, universe::Universe};
use surety_verifier::{
    VerifyingKey,
    attestation::{
        check::{Files, Groundwork},
        claim::Claim,
        compiled::{CommittedPolicy, CompiledPolicyFile},
        identifiers::{DocumentId, UniverseId},
        rejection::{Rejection, Rule},
        signature::{KnownKeys, Signed},
    },
    proof::pairing::PairingKey,
};

use super::{
    means::Means,
    scan::Found,
    source::{Place, Source},
};

/// A policy that attestations may refer to.
pub(super) struct Known {
    pub(super) place: Place,
    pub(super) policy: CommittedPolicy,
    pub(super) verifying_key: VerifyingKey,
}

/// All public files of a directory.
#[derive(Default)]
pub(super) struct Library {
    pub(super) policies: Vec<Known>,
    pub(super) snapshots: Vec<Snapshot>,
    pub(super) book_rules: Vec<BookRules>,
    /// What looked like a public file and is of no use, with the reason.
    pub(super) unusable: Vec<(Place, AnyFailure)>,
    keys: KnownKeys,
}

impl Library {
    /// Reads and compiles what was found.
    pub(super) fn load(source: &Source<'_>, found: &Found, means: &dyn Means, observer: &dyn Observer) -> Self {
        let mut library = Self::default();
        let universes: Vec<Universe> = library.read(source, &found.universes);
        let compiled: Vec<CompiledPolicyFile> = library.read(source, &found.compiled);
        library.snapshots = library.read(source, &found.snapshots);
        library.book_rules = library.read(source, &found.book_rules);
        for place in &found.policies {
            if let Err(error) = library.add((source, place), &universes, &compiled, means, observer) {
                library.unusable.push((place.clone(), error));
            }
        }
        library
    }

    fn read<T: Document>(&mut self, source: &Source<'_>, places: &[Place]) -> Vec<T> {
        let mut all = Vec::with_capacity(places.len());
        for place in places {
            match source.read(place) {
                Ok(content) => all.push(content),
                Err(error) => self.unusable.push((place.clone(), error)),
            }
        }
        all
    }

    /// Adds a policy over each universe of the name that it states: universes over several set-ups may share one.
    fn add(
        &mut self,
        at: (&Source<'_>, &Place),
        universes: &[Universe],
        compiled: &[CompiledPolicyFile],
        means: &dyn Means,
        observer: &dyn Observer,
    ) -> Result<(), AnyFailure> {
        let name = at.0.read::<Policy>(at.1)?.universe;
        let mut fitting = universes.iter().filter(|universe| universe.name == name).peekable();
        if fitting.peek().is_none() {
            return Err(missing("policy: universe", format!("the universe {name}"), universes.len()).into());
        }
        let (mut usable, mut failure) = (false, None);
        for universe in fitting {
            match self.compile(at, universe, compiled, means, observer) {
                Ok(()) => usable = true,
                Err(error) => failure = Some(error),
            }
        }
        failure.filter(|_| !usable).map_or(Ok(()), Err)
    }

    fn compile(
        &mut self,
        at: (&Source<'_>, &Place),
        universe: &Universe,
        compiled: &[CompiledPolicyFile],
        means: &dyn Means,
        observer: &dyn Observer,
    ) -> Result<(), AnyFailure> {
        let policy = at.0.read_policy(at.1, universe)?;
        // Of several files with commitments some may be forged: each that stands is a policy of its own, with its own
        // identifier.
        let published: Vec<_> = published(compiled, &policy, universe)?.map(Some).collect();
        let candidates = if published.is_empty() { vec![None] } else { published };
        let (mut usable, mut failure) = (false, None);
        for candidate in candidates {
            match means.commitments(policy.clone(), universe.clone(), candidate, observer) {
                Ok(policy) => {
                    let own = policy.is_at_first_hand();
                    self.keep(at.1, policy, means, observer)?;
                    usable = true;
                    if own {
                        break;
                    }
                }
                Err(error) => failure = Some(error),
            }
        }
        failure.filter(|_| !usable).map_or(Ok(()), Err)
    }

    fn keep(
        &mut self,
        place: &Place,
        policy: CommittedPolicy,
        means: &dyn Means,
        observer: &dyn Observer,
    ) -> Result<(), AnyFailure> {
        if self.policies.iter().all(|known| known.policy.id() != policy.id()) {
            let universe = policy.universe();
            let verifying_key = means.verifying_key(SrsId::from(universe.srs), universe.capacity, observer)?;
            self.policies.push(Known { place: place.clone(), policy, verifying_key });
        }
        Ok(())
    }

    /// Checks signatures together, each once, so that shelves know those that are right.
    pub(super) fn check_signatures(&self, signed: BTreeSet<Signed>) {
        let signed: Vec<Signed> = signed.into_iter().collect();
        let length = signed.len().div_ceil(rayon::current_num_threads()).max(1);
        signed.par_chunks(length).for_each(|signed| {
            let weights: Vec<NonZeroU128> = signed.iter().map(|_| weight()).collect();
            self.keys.check_together(signed, &weights);
        });
    }

    /// What attestations can be checked with.
    pub(super) fn shelves(&self) -> Shelves<'_> {
        let mut shelves = BTreeMap::new();
        for known in &self.policies {
            let snapshots: &mut BTreeMap<_, Vec<_>> = shelves.entry(known.policy.id().0).or_default();
            for snapshot in &self.snapshots {
                let files = Files { policy: &known.policy, snapshot, verifying_key: &known.verifying_key };
                let groundwork = Groundwork::new(files, &self.keys);
                snapshots.entry(groundwork.snapshot_id().0).or_default().push(groundwork);
            }
        }
        Shelves(shelves)
    }

    /// The set-ups, prepared for pairings.
    pub(super) fn pairing_keys(&self) -> Vec<&PairingKey> {
        let mut keys: Vec<&PairingKey> = Vec::new();
        for known in &self.policies {
            let key = known.verifying_key.pairing_key();
            if keys.iter().all(|other| other.srs() != key.srs()) {
                keys.push(key);
            }
        }
        keys
    }
}

/// A random weight.
fn weight() -> NonZeroU128 {
    let mut bytes = [0; 16];
    OsRng.fill_bytes(&mut bytes);
    NonZeroU128::new(u128::from_ne_bytes(bytes)).unwrap_or(NonZeroU128::MIN)
}

/// Groundwork by policy and snapshot. Files with different reports can be the same snapshot.
pub(super) struct Shelves<'a>(BTreeMap<Bytes32, BTreeMap<Bytes32, Vec<Groundwork<'a>>>>);

impl<'a> Shelves<'a> {
    /// The files that a claim refers to.
    ///
    /// # Errors
    /// If there are none.
    pub(super) fn find(&self, claim: &Claim) -> Result<&Groundwork<'a>, Rejection> {
        let snapshots = self.0.get(&claim.policy.0).ok_or_else(|| {
            missing("policy", format!("the policy {}, with its universe and set-up", claim.policy.0), self.0.len())
        })?;
        let same = snapshots
            .get(&claim.snapshot.0)
            .ok_or_else(|| missing("market", format!("the market snapshot {}", claim.snapshot.0), snapshots.len()))?;
        // Whoever adds a file whose reports are no good, or are left out, must not spoil the snapshot for everybody.
        let reported = |groundwork: &&Groundwork<'a>| !groundwork.files().snapshot.reports.is_empty();
        let good = |groundwork: &&Groundwork<'a>| same.len() == 1 || groundwork.market().is_ok();
        let best = same.iter().filter(reported).find(good).or_else(|| same.iter().find(good));
        best.or(same.first()).ok_or_else(|| missing("market", "a snapshot".to_owned(), 0))
    }
}

fn missing(input: &str, expected: String, others: usize) -> Rejection {
    let expected = format!("{expected}, in the directory or below it");
    Rejection::new(Rule::Reference, input, expected, format!("none, and {others} others"))
}

/// The files with commitments that claim to be of this policy over this universe.
fn published<'a>(
    compiled: &'a [CompiledPolicyFile],
    policy: &Policy,
    universe: &Universe,
) -> Result<impl Iterator<Item = &'a CompiledPolicyFile> + use<'a>, AnyFailure> {
    let (document, universe) = (DocumentId::of(policy)?, UniverseId::of(universe)?);
    Ok(compiled.iter().filter(move |file| file.document == document && file.universe == universe))
}
