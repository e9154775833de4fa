//! What an oracle node does: signs what it observed; and what anybody can do: put reports together.

use std::borrow::Cow;

use surety_core::{
    FormatVersion,
    canonical::NotCanonical,
    failure::{Class, Failure, LocatedProblem},
    ident::HexBytes,
    kind::KindOf,
    problem::{Problem, listed},
    units::Timestamp,
};
use surety_margin::{
    market::{Observed, Predecessor, Report, Snapshot},
    oracle::{self, Moved},
    policy::Policy,
    universe::Universe,
};
use surety_verifier::attestation::{
    identifiers::{FeedsId, PricesId},
    rejection::Rejection,
    report,
    signature::KnownKeys,
    signer::{Signer, SignerError},
};

use crate::prove::class_before_proof;

/// Why there is no report or no snapshot.
#[derive(Debug, thiserror::Error)]
pub enum OracleError {
    /// What was observed is not what the policy asks for.
    #[error("{}", listed(input, problems))]
    Problems {
        /// What the input is called.
        input: String,
        /// What is wrong with it.
        problems: Vec<Problem>,
    },
    /// The snapshot before is not good.
    #[error("the previous snapshot: {0}")]
    Previous(Rejection),
    /// The list of market entries has no identifier.
    #[error("policy: {0}")]
    Feeds(#[from] NotCanonical),
    /// No signature.
    #[error(transparent)]
    Signer(#[from] SignerError),
}

impl OracleError {
    /// The same of an input by what its user calls it.
    #[must_use]
    pub fn of_input(self, input: &str, called: &str) -> Self {
        match self {
            Self::Problems { input: of, problems } if of == input => {
                Self::Problems { input: called.to_owned(), problems }
            }
            other => other,
        }
    }

    fn problem(input: &str, path: &str, expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self::Problems { input: input.to_owned(), problems: vec![Problem::new(path, expected, found)] }
    }
}

/// The prices of the snapshot before, which have passed every check that a verifier would make of them.
#[derive(Clone, Debug)]
pub struct Previous {
    id: PricesId,
    prices: Predecessor,
}

impl Previous {
    /// Checks a snapshot, and takes its prices.
    ///
    /// # Errors
    /// If it does not follow the policy's rules, or is not signed.
    pub fn check(policy: &Policy, universe: &Universe, snapshot: &Snapshot) -> Result<Self, OracleError> {
        let feeds = FeedsId::of(&policy.market)?;
        report::check_signed(policy, universe, feeds, snapshot).map_err(OracleError::Previous)?;
        let prices = Predecessor::from(snapshot);
        Ok(Self { id: PricesId::of(feeds, &prices), prices })
    }

    /// What reports call these prices.
    #[must_use]
    pub fn id(&self) -> PricesId {
        self.id
    }
}

/// What a node compares its prices with, for circuit breakers.
#[derive(Clone, Copy, Debug)]
pub enum Comparison<'a> {
    /// With nothing: enough for policies without a circuit breaker.
    None,
    /// With nothing, because there is no earlier snapshot.
    First,
    /// With the prices before.
    With(&'a Previous),
}

impl Comparison<'_> {
    /// Which observations have moved further from the prices before than the policy's circuit breaker allows: if they
    /// are right, the next snapshot is marked. A node signs them all the same, and should look twice.
    #[must_use]
    pub fn moved<'p>(self, policy: &'p Policy, observations: &[Observed]) -> Vec<Moved<'p>> {
        match self {
            Self::With(previous) => oracle::moved(policy, &previous.prices, observations),
            Self::None | Self::First => Vec::new(),
        }
    }
}

/// When prices were observed, and the time of the clock.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// When the prices were observed.
    pub observed_at: Timestamp,
    /// What time it is.
    pub now: Timestamp,
}

/// What the observations are called in errors.
pub const OBSERVATIONS: &str = "observations";

impl Clock {
    /// Prices that have been observed this moment.
    #[must_use]
    pub fn at(now: Timestamp) -> Self {
        Self { observed_at: now, now }
    }
}

/// Signs a report of what a node observed, and of the prices that it saw before.
///
/// # Errors
/// If the policy admits prices at which any account is safe, an observation breaks a rule of the policy, the time is in
/// the future or longer ago than the policy's maximal age, the key is not that of an oracle node of the policy, or the
/// prices before are not of an earlier epoch.
pub fn sign(
    policy: &Policy,
    universe: &Universe,
    observations: Vec<Observed>,
    Clock { observed_at, now }: Clock,
    comparison: Comparison<'_>,
    signer: &dyn Signer,
) -> Result<Report, OracleError> {
    check_boxes(policy, universe)?;
    let problems = oracle::observation_problems(policy, universe, &observations, observed_at, now);
    if !problems.is_empty() {
        return Err(OracleError::Problems { input: OBSERVATIONS.to_owned(), problems });
    }
    if !policy.oracle.nodes.iter().any(|node| node.signer == signer.address()) {
        let expected = "the key of an oracle node of the policy";
        return Err(OracleError::problem("key", "", expected, format!("the key of {}", signer.address())));
    }
    let epoch = observed_at.0 / policy.oracle.epoch.0.max(1);
    let previous = match comparison {
        Comparison::None => Report::NOT_COMPARED,
        Comparison::First => Report::FIRST,
        Comparison::With(Previous { id, prices }) if prices.epoch < epoch => id.0,
        Comparison::With(Previous { prices, .. }) => {
            let expected = format!("one before {epoch}, the epoch of the report");
            return Err(OracleError::problem("the previous snapshot", "epoch", expected, prices.epoch.to_string()));
        }
    };
    let report = Report {
        kind: KindOf::new(),
        version: FormatVersion,
        oracle: signer.address(),
        feeds: FeedsId::of(&policy.market)?.0,
        epoch,
        observed_at,
        previous,
        observations,
        signature: HexBytes::ZERO,
    };
    Ok(report::sign(report, signer)?)
}

/// Refuses a policy that admits prices at which any account is safe.
fn check_boxes(policy: &Policy, universe: &Universe) -> Result<(), OracleError> {
    let problems = policy.box_problems(universe);
    if problems.is_empty() { Ok(()) } else { Err(OracleError::Problems { input: "policy".to_owned(), problems }) }
}

/// Makes a snapshot of signed reports. `previous` are the prices that they name as the ones before, where the policy
/// has a circuit breaker and they name any.
///
/// # Errors
/// If the policy admits prices at which any account is safe; with every rule of the policy that the reports break, or
/// what follows from their prices; or if a report is from the future, or not signed by its node.
pub fn aggregate(
    policy: &Policy,
    universe: &Universe,
    reports: &[Report],
    previous: Option<&Previous>,
    now: Timestamp,
) -> Result<Snapshot, OracleError> {
    check_boxes(policy, universe)?;
    let failed = |problems| OracleError::Problems { input: "reports".into(), problems };
    let feeds = FeedsId::of(&policy.market)?;
    let mut problems = Vec::new();
    for (index, report) in reports.iter().enumerate() {
        problems.extend(oracle::future_problem(report.observed_at, now, &format!("reports[{index}].observed_at")));
        let path = format!("reports[{index}]");
        let mut broken = report::wrong_references(report, &path, feeds, previous.map(|previous| previous.id));
        broken.extend(report::check_report_signature(report, &path, &KnownKeys::default()).err());
        // A verifier's advice is not for the party that puts reports together.
        problems.extend(broken.into_iter().map(|rejection| Problem { advice: None, ..rejection.problem }));
    }
    if !problems.is_empty() {
        return Err(failed(problems));
    }
    let snapshot = oracle::aggregate(policy, reports, previous.map(|previous| &previous.prices)).map_err(failed)?;
    oracle::market_without_reports(policy, universe, &snapshot).map_err(failed)?;
    Ok(snapshot)
}

impl Failure for OracleError {
    fn class(&self) -> Class {
        match self {
            Self::Problems { .. } => Class::Input,
            Self::Previous(rejection) => class_before_proof(rejection),
            Self::Signer(error) => error.class(),
            Self::Feeds(_) => Class::Internal,
        }
    }

    fn code(&self) -> Cow<'static, str> {
        "market".into()
    }

    fn problems(&self) -> Vec<LocatedProblem> {
        match self {
            Self::Problems { input, problems } => LocatedProblem::of_input(input, problems),
            Self::Previous(rejection) => rejection.problems(),
            _ => Vec::new(),
        }
    }
}
