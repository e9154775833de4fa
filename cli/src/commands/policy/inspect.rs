//! `surety policy inspect`: a policy in words, with every parameter, and its boxes beside the last observed prices.

use std::{collections::BTreeMap, path::PathBuf};

use serde_json::{Value, json};
use surety_core::{
    ident::Name,
    shown::grouped,
    units::{Decimals, Price},
    words::counted,
};
use surety_host::documents;
use surety_margin::{
    compile::{CompileError, compile},
    level::{Basis, Claimed, Level},
    market::{
        MarkedProofs, MarketEntry, PriceRange, Snapshot,
        derived::{DerivedEntry, Formula, Rounding},
    },
    oracle::market_without_reports,
    policy::Policy,
    program::Program,
    universe::Universe,
};
use surety_prover::resources::Estimate;
use surety_verifier::attestation::compiled::CompiledError;

use super::{
    describe::{self, Description},
    words::{duration, percent, place, ratio, scaled, times},
};
use crate::{error::Error, inputs::PolicyFiles, output::Answer};

#[derive(clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    files: PolicyFiles,
    /// The last observed prices [default: market.json in DIR]
    #[arg(long, value_name = "FILE")]
    market: Option<PathBuf>,
}

pub(super) fn run(args: &Args) -> Result<Answer, Error> {
    let universe = args.files.read_universe()?;
    let policy = args.files.read_policy(&universe)?;
    let default = Some(args.files.layout().market()).filter(|path| path.exists());
    let snapshot: Option<Snapshot> = args.market.clone().or(default).as_deref().map(documents::read).transpose()?;
    let programs = compile(&policy, &universe).map_err(|error: CompileError| CompiledError::from(error))?;
    let boxes = boxes(&policy, &universe, snapshot.as_ref());
    let warnings: Vec<_> = policy.warnings(&universe).iter().map(ToString::to_string).collect();
    let page = page(&policy, &universe, &programs, (&boxes, snapshot.as_ref()), &warnings);
    Answer::new(data(&policy, &universe, &programs, (&boxes, snapshot.as_ref()), &warnings), page)
}

/// A market entry's range, and the last observed value.
struct PriceBox<'a> {
    name: &'a Name,
    decimals: Decimals,
    range: PriceRange,
    last: Option<Price>,
}

impl PriceBox<'_> {
    fn shown(&self, price: Price) -> String {
        // Prices are below 2^96.
        scaled(price.get() as i128, self.decimals.get().into())
    }

    fn words(&self) -> String {
        let range = format!("from {} to {}", self.shown(self.range.min), self.shown(self.range.max));
        match self.last {
            Some(last) => format!("{range}; last {}: {}", self.shown(last), place(self.range, last.get())),
            None => range,
        }
    }

    fn data(&self) -> Value {
        let (PriceRange { min, max }, last) = (self.range, self.last);
        json!({
            "name": self.name,
            "decimals": self.decimals,
            "min": min,
            "max": max,
            "last": last,
            "inside": last.map(|last| (min..=max).contains(&last)),
            "last_over_min": last.and_then(|last| ratio(last.get(), min.get())),
            "max_over_last": last.and_then(|last| ratio(max.get(), last.get())),
        })
    }
}

/// The boxes of all named entries, reported and derived.
fn boxes<'a>(policy: &'a Policy, universe: &Universe, snapshot: Option<&Snapshot>) -> Vec<PriceBox<'a>> {
    let prices = snapshot.map(|snapshot| snapshot.prices.as_slice()).unwrap_or_default();
    let observed: BTreeMap<_, _> = prices.iter().map(|stated| (&stated.entry, stated.price)).collect();
    // Only of a market that the policy admits.
    let vector = snapshot.and_then(|snapshot| market_without_reports(policy, universe, snapshot).ok());
    let reported = policy.market.iter().map(|entry| {
        let MarketEntry { name, decimals, min, max, .. } = entry;
        PriceBox {
            name,
            decimals: *decimals,
            range: PriceRange { min: *min, max: *max },
            last: observed.get(name).copied(),
        }
    });
    let derived = policy.derived.iter().enumerate().map(|(i, entry)| {
        let DerivedEntry { name, decimals, min, max, .. } = entry;
        let last = vector.as_ref().and_then(|vector| vector.get(policy.market.len() + i)).copied();
        PriceBox { name, decimals: *decimals, range: PriceRange { min: *min, max: *max }, last }
    });
    reported.chain(derived).collect()
}

fn page(
    policy: &Policy,
    universe: &Universe,
    programs: &[Program],
    (boxes, snapshot): (&[PriceBox<'_>], Option<&Snapshot>),
    warnings: &[String],
) -> String {
    let mut page = Description::default();
    page.line(0, "policy", policy.name.as_str());
    page.line(0, "universe", &format!("{}, k = {}", universe.name, universe.capacity.k()));
    page.line(0, "validity", &format!("{} from the time of the snapshot", duration(policy.validity)));
    for (level, program) in policy.levels.iter().zip(programs) {
        self::level(&mut page, universe, level, program);
    }
    for source in &policy.sources {
        let accounts: Vec<_> = source.accounts.iter().map(ToString::to_string).collect();
        page.line(0, "source", &format!("{} {}: {}", source.name, source.signer, accounts.join(", ")));
    }
    let (skew, age) = (duration(policy.statements.max_skew), duration(policy.statements.max_age));
    page.line(0, "statements", &format!("at most {skew} apart and {age} old"));
    vault(&mut page, policy, universe);
    oracle(&mut page, policy);
    match snapshot {
        Some(snapshot) => page.line(0, "last prices", &format!("of epoch {}", snapshot.epoch)),
        None => page.line(0, "last prices", "none: no market.json in the directory, and no --market"),
    }
    let (reported, derived) = boxes.split_at(policy.market.len().min(boxes.len()));
    for (entry, of_entry) in policy.market.iter().zip(reported) {
        page.line(0, "price", &format!("{} {}", entry.name, of_entry.words()));
        own_rules(&mut page, entry);
    }
    for (entry, of_entry) in policy.derived.iter().zip(derived) {
        page.line(0, "derived", &format!("{} {}", entry.name, of_entry.words()));
        let rounding = match entry.rounding {
            Rounding::Down => "down",
            Rounding::Up => "up",
        };
        page.line(1, "formula", &format!("{}, rounded {rounding}", formula(&entry.formula)));
    }
    if !policy.unmargined.is_empty() {
        let names: Vec<_> = policy.unmargined.iter().map(Name::as_str).collect();
        page.line(0, "may require nothing", &names.join(", "));
    }
    page.model(0, &policy.model);
    warnings.iter().for_each(|warning| page.line(0, "warning", warning));
    page.text()
}

fn level(page: &mut Description, universe: &Universe, level: &Level, program: &Program) {
    let basis = match level.basis {
        Basis::Maintenance => "maintenance parameters",
        Basis::Initial => "initial parameters",
    };
    let mode = level.mode.as_ref().map(|mode| format!(", mode {mode}")).unwrap_or_default();
    let requirement = format!("{basis}, requirement times {}", times(level.multiple));
    page.line(0, "level", &format!("{}: {requirement}{mode}", level.name));
    if level.claim == Claimed::Shortfall {
        page.line(1, "claims", "a shortfall: the margin is negative");
    }
    if let Some(below) = level.below {
        page.line(1, "band", &format!("the margin is negative where the requirement is times {}", times(below)));
    }
    if !(level.liquidation_penalty.0 == 0 && level.insurance_contribution.0 == 0) {
        page.line(1, "liquidation", &describe::cost(level.liquidation_penalty, level.insurance_contribution));
    }
    let capacity = universe.capacity;
    let rows = format!("{} of {} rows", program.table().len(), capacity.program_rows());
    page.line(1, "program", &format!("{rows}, {} of {} variables", program.variables(), capacity.variables()));
    for (asking, bits) in program.bits() {
        page.line(1, "exact", &format!("{asking}: {}", counted(*bits, "bit")));
    }
}

fn oracle(page: &mut Description, policy: &Policy) {
    let rules = &policy.oracle;
    for node in &rules.nodes {
        page.line(0, "oracle", &format!("{} {}", node.name, node.signer));
    }
    page.line(1, "quorum", &format!("{} of {}", rules.quorum, rules.nodes.len()));
    page.line(1, "epoch", &duration(rules.epoch));
    page.line(1, "age of prices", &format!("at most {}", duration(rules.max_age)));
    page.line(1, "reports", &format!("at most {} apart", duration(rules.max_skew)));
    page.line(1, "confidence", &format!("within {} of the price", percent(rules.max_confidence)));
    match &rules.breaker {
        Some(breaker) => {
            let consequence = match breaker.proofs {
                MarkedProofs::Refused => "no proof counts beyond",
                MarkedProofs::Accepted => "proofs count beyond, with a mark",
            };
            page.line(1, "breaker", &format!("a move of {}: {consequence}", percent(breaker.max_deviation)));
        }
        None => page.line(1, "breaker", "none: prices may jump"),
    }
}

/// The oracle rules of a single entry.
fn own_rules(page: &mut Description, entry: &MarketEntry) {
    let approved = entry.tighter.zip(entry.approved()).map(|(tighter, approved)| {
        let approved = scaled(approved.get() as i128, entry.decimals.get().into());
        format!("tighter as it gets {}: {approved} is approved", tighter.word())
    });
    let rules = [
        ("parameter", approved),
        ("quorum", entry.quorum.map(|quorum| quorum.to_string())),
        ("age", entry.max_age.map(|age| format!("at most {}", duration(age)))),
        ("confidence", entry.max_confidence.map(|confidence| format!("within {} of the price", percent(confidence)))),
        ("breaker", entry.max_deviation.map(|deviation| format!("a move of {}", percent(deviation)))),
    ];
    for (heading, rule) in rules {
        rule.into_iter().for_each(|rule| page.line(1, heading, &rule));
    }
}

fn formula(formula: &Formula) -> String {
    let list = |names: &[Name], between: &str| names.iter().map(Name::as_str).collect::<Vec<_>>().join(between);
    match formula {
        Formula::Product(names) => list(names, " × "),
        Formula::Quotient(names) => list(names, " / "),
        Formula::Sum(names) => list(names, " + "),
        Formula::Difference(names) => list(names, " − "),
        Formula::Least(names) => format!("the least of {}", list(names, ", ")),
        Formula::Greatest(names) => format!("the greatest of {}", list(names, ", ")),
        Formula::Claim(claim) => format!(
            "{} × {} × {}: a claim of {} on {}",
            claim.underlying,
            claim.rate,
            percent(claim.quality),
            claim.token,
            claim.issuer
        ),
        Formula::Ramp(ramp) => {
            let (from, to) = (grouped(&ramp.from.to_string()), grouped(&ramp.to.to_string()));
            format!("{} up to {from} of {}, rising to {} at {to}", percent(ramp.start), ramp.of, percent(ramp.end))
        }
    }
}

/// The vault whose balances count, if there is one.
fn vault(page: &mut Description, policy: &Policy, universe: &Universe) {
    let Some(vault) = &policy.vault else { return };
    page.line(0, "vault", &format!("{} on chain {}", vault.address, vault.chain));
    let age = duration(vault.max_age);
    page.line(1, "lets out", &format!("what {} holds without, at prices at most {age} old", vault.level));
    page.line(1, "counts", &format!("what has stood for more than {} before the snapshot", duration(vault.min_age)));
    for asset in &vault.assets {
        let instrument = universe.position(&asset.instrument).and_then(|index| universe.instruments.get(index));
        let unit = instrument.and_then(|instrument| asset.unit(instrument)).unwrap_or_default();
        let text = format!("token {}, {} of its smallest units a lot", asset.token, grouped(&unit.to_string()));
        page.line(1, asset.instrument.as_str(), &text);
    }
}

fn data(
    policy: &Policy,
    universe: &Universe,
    programs: &[Program],
    (boxes, snapshot): (&[PriceBox<'_>], Option<&Snapshot>),
    warnings: &[String],
) -> Value {
    let capacity = universe.capacity;
    let levels = policy.levels.iter().zip(programs).map(|(level, program)| {
        json!({
            "name": level.name,
            "rows": program.table().len(),
            "variables": program.variables(),
            "equations": program.equations(),
            "bits": program.bits(),
            "rule": level,
        })
    });
    json!({
        "policy": policy.name,
        "warnings": warnings,
        "k": capacity.k(),
        "rows": capacity.program_rows(),
        "variables": capacity.variables(),
        "validity": policy.validity,
        "levels": levels.collect::<Vec<_>>(),
        "sources": policy.sources,
        "statements": policy.statements,
        "vault": policy.vault,
        "oracle": policy.oracle,
        "market": policy.market,
        "derived": policy.derived,
        "unmargined": policy.unmargined,
        "model": policy.model,
        "epoch": snapshot.map(|snapshot| snapshot.epoch),
        "boxes": boxes.iter().map(PriceBox::data).collect::<Vec<_>>(),
        "estimate": Estimate::of(capacity),
    })
}
