//! Random models and accounts, for tests of models and of the circuit.

#![allow(clippy::panic, clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::{collections::BTreeMap, ops::Range};

use proptest::prelude::*;
use surety_core::{
    decimal::Magnitude,
    ident::Name,
    units::{Allowance, Decimals, Lots, Notional, Ppm, Price, Seconds, ShockPpm},
};
use surety_margin::{
    compile::{CompileError, compile},
    evaluate::{Evaluation, evaluate},
    holdings::Position,
    level::ByBasis,
    market::MarketEntry,
    models::{
        Amount, Any, Asset, Bucket, Collateral, CombinedCommodity, CreditBasis, CreditTier, Cross, CrossPosition,
        Delta, DeltaSign, Depth, Greeks, Isolated, Liquidity, MarketScenario, Member, Mode, Model, ModelPart, Modes,
        Profit, RateTier, ScenarioMargin, ScenarioPosition, Span, SpreadCredit, Sum, Tier, Tiering,
    },
    policy::Policy,
    program::{Program, ProgramError, TailShare},
    universe::InstrumentClass,
};

use crate::sample::{self, Sample};

/// The number of instruments: cash at par, and others with a price of their own.
pub const INSTRUMENTS: usize = 5;

/// A name.
///
/// # Panics
/// If the text is none.
pub fn name(text: String) -> Name {
    Name::new(text).unwrap()
}

fn by_basis(rising: bool) -> impl Strategy<Value = ByBasis> {
    (0..=1_000_000u32, 0..=1_000_000u32).prop_map(move |(a, b)| {
        let (low, high) = (Ppm(a.min(b)), Ppm(a.max(b)));
        if rising { ByBasis { maintenance: low, initial: high } } else { ByBasis { maintenance: high, initial: low } }
    })
}

/// What a model says of one instrument: whether it may be short, a weight, and a rate or tiers of it.
type Rule = (bool, ByBasis, (ByBasis, Vec<RateTier>));

/// Tiers of weights, and how much of a position each applies to.
type TieredWeights = (Vec<Tier>, Tiering);

fn rules() -> impl Strategy<Value = Vec<Rule>> {
    prop::collection::vec((prop::bool::weighted(0.9), by_basis(false), rates(0)), INSTRUMENTS)
}

/// Up to four tiers, the last with or without an end; none at all means a single weight.
fn ladders() -> impl Strategy<Value = Vec<Tier>> {
    let tiers = prop::collection::btree_map(1..100_000_000u64, (0..=1_000_000u32, 0..=1_000_000u32), 0..5);
    (tiers, any::<bool>(), any::<bool>()).prop_map(|(tiers, ends, by_units)| {
        let (mut initial, mut maintenance): (Vec<_>, Vec<_>) =
            tiers.values().map(|(a, b)| (*a.min(b), *a.max(b))).unzip();
        initial.sort_by(|a, b| b.cmp(a));
        maintenance.sort_by(|a, b| b.cmp(a));
        let tier = |((end, initial), maintenance): ((&u64, u32), u32)| {
            let (up_to, up_to_units) = end_of_tier(*end, by_units);
            Tier { up_to, up_to_units, weight: ByBasis { maintenance: Ppm(maintenance), initial: Ppm(initial) } }
        };
        let mut tiers: Vec<_> = tiers.keys().zip(initial).zip(maintenance).map(tier).collect();
        if let Some(last) = tiers.last_mut().filter(|_| !ends) {
            (last.up_to, last.up_to_units) = (None, None);
        }
        tiers
    })
}

/// A value, or a number of units with as many decimals as lots of every instrument have.
fn end_of_tier(end: u64, by_units: bool) -> (Option<Notional>, Option<Magnitude>) {
    let units = || Magnitude::scaled(end.into(), Decimals::new(2).unwrap());
    if by_units { (None, units()) } else { (Notional::new(end).ok(), None) }
}

/// Up to four tiers of rates above a base, the last without end, and the single rate beside them: none of one's own
/// where there are tiers.
fn rates(base: u32) -> impl Strategy<Value = (ByBasis, Vec<RateTier>)> {
    let tiers = prop::collection::btree_map(1..100_000_000u64, (0..=1_000_000u32, 0..=1_000_000u32), 1..5);
    let tiers = (tiers, any::<bool>()).prop_map(move |(tiers, by_units)| {
        let (mut low, mut high): (Vec<_>, Vec<_>) = tiers.values().map(|(a, b)| (*a.min(b), *a.max(b))).unzip();
        low.sort_unstable();
        high.sort_unstable();
        let tier = |((end, low), high): ((&u64, u32), u32)| {
            let (up_to, up_to_units) = end_of_tier(*end, by_units);
            RateTier { up_to, up_to_units, rate: ByBasis { maintenance: Ppm(base + low), initial: Ppm(base + high) } }
        };
        let mut tiers: Vec<_> = tiers.keys().zip(low).zip(high).map(tier).collect();
        tiers.last_mut().into_iter().for_each(|last| (last.up_to, last.up_to_units) = (None, None));
        (ByBasis { maintenance: Ppm(base), initial: Ppm(base) }, tiers)
    });
    let single = by_basis(true).prop_map(move |rate| {
        let above = |Ppm(rate)| Ppm(base + rate);
        (ByBasis { maintenance: above(rate.maintenance), initial: above(rate.initial) }, Vec::new())
    });
    prop_oneof![single, tiers]
}

/// A debt spread, a surcharge, a requirement, and a weight of debts with its tiers.
type Extra = (Option<Name>, Option<Name>, Option<Name>, (ByBasis, Vec<RateTier>));

/// What a model says of one instrument besides: debt spread, surcharge, requirement, liability weights. Each is usual
/// half of the time.
fn extras() -> impl Strategy<Value = Vec<Extra>> {
    let liability = prop_oneof![Just((one(), Vec::new())), rates(1_000_000)];
    let entry = || prop::option::of((1..=2).prop_map(|i| name(format!("extra-{i}"))));
    prop::collection::vec((entry(), entry(), entry(), liability), INSTRUMENTS)
}

/// What is required of an instrument whatever its size: none half of the time, and never much.
fn allowances() -> impl Strategy<Value = Vec<Option<Allowance>>> {
    let allowance = (1..100_000u32).prop_map(|atoms| Allowance::new(&format!("0.{atoms:07}")).unwrap());
    prop::collection::vec(prop::option::of(allowance), INSTRUMENTS)
}

/// The largest step that the average of the assets' weights may be cut to; none if they have other weights.
fn largest_step(assets: &[Asset]) -> Ppm {
    let weights = assets.iter().flat_map(|asset| asset.weight.into_iter().chain(asset.tiers.iter().map(|t| t.weight)));
    let least = weights.map(|weight| weight.initial).min();
    if assets.iter().any(|asset| asset.liquidity.is_some()) { Ppm(0) } else { least.unwrap_or(Ppm(0)) }
}

/// A market with depth, or none.
fn liquidities() -> impl Strategy<Value = Option<Liquidity>> {
    let depth = prop::collection::btree_map(1..100_000_000u64, 0..400_000u32, 1..4).prop_map(|steps| {
        let mut slippages: Vec<_> = steps.values().copied().collect();
        slippages.sort_unstable();
        let step =
            |(end, slippage): (&u64, u32)| Depth { up_to: Notional::new(*end).unwrap(), slippage: Ppm(slippage) };
        steps.keys().zip(slippages).map(step).collect()
    });
    let liquidity = (by_basis(true), 0..200_000u32, by_basis(true), 1..1_000_000u64, depth).prop_map(
        |(haircut, volatility, deviations, horizon, depth)| Liquidity {
            haircut: ByBasis { maintenance: Ppm(haircut.maintenance.0 / 4), initial: Ppm(haircut.initial.0 / 4) },
            volatility: Ppm(volatility),
            deviations,
            horizon: Seconds(horizon),
            depth,
        },
    );
    prop_oneof![2 => Just(None), 1 => liquidity.prop_map(Some)]
}

/// The moves of up to five scenarios.
fn shocks() -> impl Strategy<Value = Vec<Vec<i32>>> {
    prop::collection::vec(prop::collection::vec(-900_000..900_000i32, 8), 0..6)
}

/// Any model, isolated ones included: two models that share the instruments between them. Or two modes, each with all.
/// Some say nothing of one of the instruments.
pub fn models() -> impl Strategy<Value = Model> {
    let isolated = (simple_models(), simple_models(), 1..INSTRUMENTS).prop_map(|(first, second, cut)| {
        let buckets = [("first", only(first, 0..cut)), ("second", only(second, cut..INSTRUMENTS))];
        let bucket = |(text, model): (&str, Model)| Bucket { name: name(text.to_owned()), model };
        Model::Isolated(Isolated { buckets: buckets.into_iter().map(bucket).collect() })
    });
    let modes = (simple_models(), simple_models()).prop_map(|(first, second)| {
        let mode = |(text, model): (&str, Model)| Mode { name: name(text.to_owned()), model };
        Model::Modes(Modes { modes: [("first", first), ("second", second)].into_iter().map(mode).collect() })
    });
    let sum = (simple_models(), simple_models(), 1..INSTRUMENTS).prop_map(|(first, second, cut)| {
        let part = |(text, model): (&str, Model)| ModelPart { name: name(text.to_owned()), model };
        let parts = [("first", only(first, 0..cut)), ("second", only(second, cut..INSTRUMENTS))];
        let parts = parts.map(|(text, model)| (text, without_tail(model)));
        Model::Sum(Sum { parts: parts.into_iter().map(part).collect() })
    });
    let any = (simple_models(), prop_oneof![simple_models(), forgetful_models()]).prop_map(|(first, second)| {
        let part = |(text, model): (&str, Model)| ModelPart { name: name(text.to_owned()), model };
        let short = first.rules().into_iter().map(|rule| (rule.instrument.clone(), rule.short)).collect();
        let parts = [("second", with_sides(second, &short)), ("first", first)];
        let parts = parts.map(|(text, model)| (text, without_tail(model)));
        Model::Any(Any { parts: parts.into_iter().map(part).collect() })
    });
    let (isolated, modes, sum, any) = (isolated.boxed(), modes.boxed(), sum.boxed(), any.boxed());
    prop_oneof![6 => simple_models(), 2 => forgetful_models(), 2 => isolated, 1 => modes, 2 => sum, 2 => any]
}

/// Scenario margin by the worst scenario: what expected shortfalls are multiplied with leaves no room for another
/// model's unit.
fn without_tail(mut model: Model) -> Model {
    if let Model::Scenario(model) = &mut model {
        model.tail = None;
    }
    model
}

/// A model in which the same instruments may be short as in another one.
fn with_sides(mut model: Model, short: &BTreeMap<Name, bool>) -> Model {
    let side = |instrument: &Name| short.get(instrument).copied().unwrap_or_default();
    match &mut model {
        Model::Collateral(model) => model.assets.iter_mut().for_each(|it| it.short = side(&it.instrument)),
        Model::Cross(model) => model.positions.iter_mut().for_each(|it| it.short = side(&it.instrument)),
        Model::Scenario(model) => model.positions.iter_mut().for_each(|it| it.short = side(&it.instrument)),
        Model::Span(model) => {
            model.collateral.iter_mut().for_each(|it| it.short = side(&it.instrument));
            let members = model.commodities.iter_mut().flat_map(|commodity| &mut commodity.members);
            members.for_each(|it| it.short = side(&it.instrument));
        }
        model => panic!("no simple model: {model:?}"),
    }
    model
}

/// A model that does not mention an instrument, which may then be neither held nor owed.
fn forgetful_models() -> BoxedStrategy<Model> {
    let models = prop_oneof![collateral_models(), cross_models(), scenario_models()];
    let models = (models, 0..INSTRUMENTS).prop_map(|(mut model, forgotten)| {
        match &mut model {
            Model::Collateral(model) => drop(model.assets.remove(forgotten)),
            Model::Cross(model) => {
                model.positions.remove(forgotten);
                forget_profits(model);
            }
            Model::Scenario(model) => drop(model.positions.remove(forgotten)),
            model => panic!("mentions its instruments in more than one place: {model:?}"),
        }
        model
    });
    models.boxed()
}

/// Leaves out the profits of positions that there are not.
fn forget_profits(model: &mut Cross) {
    let names: Vec<_> = model.positions.iter().map(|position| position.instrument.clone()).collect();
    model.profits.retain(|profit| profit.instruments.iter().all(|instrument| names.contains(instrument)));
}

/// A model over some of its instruments.
fn only(model: Model, kept: Range<usize>) -> Model {
    match model {
        Model::Collateral(mut model) => {
            model.assets = model.assets[kept].to_vec();
            Model::Collateral(model)
        }
        Model::Cross(mut model) => {
            model.positions = model.positions[kept].to_vec();
            forget_profits(&mut model);
            Model::Cross(model)
        }
        Model::Scenario(mut model) => {
            model.positions = model.positions[kept].to_vec();
            Model::Scenario(model)
        }
        Model::Span(mut model) => {
            let names: Vec<_> = kept.map(instrument).collect();
            model.collateral.retain(|asset| names.contains(&asset.instrument));
            for commodity in &mut model.commodities {
                commodity.members.retain(|member| names.contains(&member.instrument));
            }
            model.commodities.retain(|commodity| !commodity.members.is_empty());
            let left: Vec<_> = model.commodities.iter().map(|commodity| commodity.name.clone()).collect();
            model.credits.retain(|credit| credit.commodities.iter().all(|name| left.contains(name)));
            Model::Span(model)
        }
        model => panic!("no simple model: {model:?}"),
    }
}

fn simple_models() -> BoxedStrategy<Model> {
    prop_oneof![collateral_models(), cross_models(), scenario_models(), span_models()].boxed()
}

/// The name of an instrument, by its place in the universe.
pub fn instrument(i: usize) -> Name {
    name(if i == 0 { "USD".to_owned() } else { format!("PERP-{i}") })
}

/// The market entry that prices an instrument; none for cash.
pub fn price(i: usize) -> Option<Name> {
    (i > 0).then(|| name(format!("p{i}")))
}

/// One at both bases.
pub fn one() -> ByBasis {
    ByBasis { maintenance: Ppm::ONE, initial: Ppm::ONE }
}

fn collateral_models() -> impl Strategy<Value = Model> {
    let counted = prop::collection::vec((by_basis(false), ladders(), liquidities(), tiering()), INSTRUMENTS);
    (rules(), counted, extras(), allowances(), any::<bool>()).prop_map(|(rules, counted, extras, allowances, cut)| {
        let mut assets = Vec::new();
        for (i, ((rule, counted), extra)) in rules.into_iter().zip(counted).zip(extras).enumerate() {
            let ((short, ..), (weight, tiers, liquidity, tiering), (debt_spread, ..)) = (rule, counted, extra);
            // An average is of single weights.
            let liquidity = liquidity.filter(|_| !cut);
            let tiers = if cut || liquidity.is_some() { Vec::new() } else { tiers };
            let weight = (tiers.is_empty() && liquidity.is_none()).then_some(weight);
            let tiering = if tiers.is_empty() { Tiering::Marginal } else { tiering };
            let (instrument, price, allowance) = (instrument(i), price(i), allowances[i]);
            assets.push(Asset { instrument, price, debt_spread, short, weight, tiers, tiering, liquidity, allowance });
        }
        let average_step = if cut { largest_step(&assets) } else { Ppm(0) };
        Model::Collateral(Collateral { assets, average_step })
    })
}

/// Marginal tiers, as a rule.
fn tiering() -> impl Strategy<Value = Tiering> {
    prop_oneof![3 => Just(Tiering::Marginal), 1 => Just(Tiering::WholePosition)]
}

fn cross_models() -> impl Strategy<Value = Model> {
    let ladders = prop::collection::vec((ladders(), tiering()), INSTRUMENTS);
    (rules(), ladders, extras(), allowances(), self::ladders()).prop_map(
        |(rules, ladders, extras, allowances, tiers)| {
            let profits = profits(tiers);
            let mut positions = Vec::new();
            for (i, ((rule, (tiers, tiering)), extra)) in rules.into_iter().zip(ladders).zip(extras).enumerate() {
                let ((short, weight, (fraction, fraction_tiers)), extra) = (rule, extra);
                let (debt_spread, surcharge, requirement, (liability, liability_tiers)) = extra;
                let in_profit = profits.iter().any(|profit| profit.instruments.contains(&instrument(i)));
                let (weight, tiers) = if in_profit { (one(), Vec::new()) } else { (weight, tiers) };
                let tiered = [tiers.len(), fraction_tiers.len(), liability_tiers.len()].iter().any(|count| *count > 0);
                positions.push(CrossPosition {
                    instrument: instrument(i),
                    price: price(i),
                    debt_spread,
                    short,
                    weight: if tiers.is_empty() { weight } else { one() },
                    tiers,
                    fraction,
                    fraction_tiers,
                    liability,
                    liability_tiers,
                    tiering: if tiered { tiering } else { Tiering::Marginal },
                    orders: None,
                    surcharge,
                    requirement,
                    allowance: allowances[i],
                });
            }
            Model::Cross(Cross { positions, profits })
        },
    )
}

/// The sum of two positions that counts by a ladder, if it has tiers and they end at values.
fn profits(tiers: Vec<Tier>) -> Vec<Profit> {
    let instruments = vec![instrument(1), instrument(3)];
    let by_units = tiers.iter().any(|tier| tier.up_to_units.is_some());
    if tiers.is_empty() || by_units { Vec::new() } else { vec![Profit { instruments, tiers }] }
}

/// Sensitivities that are market entries, whichever they are.
fn greeks() -> impl Strategy<Value = Vec<Option<Greeks>>> {
    let entry = || (1..INSTRUMENTS).prop_map(|i| name(format!("p{i}")));
    let greeks =
        (entry(), entry(), entry(), any::<bool>(), 0..3usize).prop_map(|(delta, gamma, vega, call, v)| Greeks {
            delta,
            delta_sign: if call { DeltaSign::Positive } else { DeltaSign::Negative },
            gamma,
            vega,
            volatility: name(format!("v{v}")),
        });
    prop_oneof![Just(vec![None; INSTRUMENTS]), prop::collection::vec(prop::option::weighted(0.3, greeks), INSTRUMENTS)]
}

fn scenario_models() -> impl Strategy<Value = Model> {
    let tail = prop::option::of(1..=1_000_000u32);
    let ladders = prop::collection::vec((ladders(), tiering()), INSTRUMENTS);
    (rules(), ladders, greeks(), shocks(), by_basis(true), tail).prop_map(
        |(rules, ladders, greeks, shocks, loss_multiple, tail)| {
            let position = |(i, ((rule, ladder), greeks)): (usize, ((Rule, TieredWeights), _))| {
                let ((short, weight, (charge, charge_tiers)), (tiers, tiering)) = (rule, ladder);
                let (instrument, price, factor) = (instrument(i), price(i), Some(name(format!("f{i}"))));
                let weight = if tiers.is_empty() { weight } else { one() };
                let tiered = !(tiers.is_empty() && charge_tiers.is_empty());
                let tiering = if tiered { tiering } else { Tiering::Marginal };
                ScenarioPosition {
                    instrument,
                    price,
                    short,
                    weight,
                    tiers,
                    charge,
                    charge_tiers,
                    tiering,
                    factor,
                    greeks,
                }
            };
            let scenario = |(s, moves): (usize, Vec<i32>)| {
                let factors = ["f0", "f1", "f2", "f3", "f4", "v0", "v1", "v2"];
                let shocks = moves.into_iter().zip(factors).map(|(shock, f)| (name(f.to_owned()), ShockPpm(shock)));
                MarketScenario { name: name(format!("s{s}")), shocks: shocks.collect::<BTreeMap<_, _>>() }
            };
            Model::Scenario(ScenarioMargin {
                loss_multiple,
                tail: tail.map(|share| TailShare::new(Ppm(share)).unwrap()),
                positions: rules.into_iter().zip(ladders).zip(greeks).enumerate().map(position).collect(),
                scenarios: shocks.into_iter().enumerate().map(scenario).collect(),
            })
        },
    )
}

fn amount(amount: i64) -> Amount {
    Amount::new(amount).unwrap()
}

fn member(i: usize, short: bool) -> Member {
    Member {
        instrument: instrument(i),
        price: name(format!("p{i}")),
        short,
        risk_array: Vec::new(),
        delta: None,
        month: None,
    }
}

fn commodity(c: usize, decimals: u8, members: Vec<Member>) -> CombinedCommodity {
    CombinedCommodity {
        name: name(format!("c{c}")),
        decimals: Decimals::new(decimals).unwrap(),
        outright: None,
        calendar: None,
        short_option_minimum: None,
        members,
    }
}

/// A commodity with risk arrays, of two members.
fn array_commodities(c: usize, members: [usize; 2]) -> impl Strategy<Value = CombinedCommodity> {
    let loss = || -50_000_000..50_000_000i64;
    let arrays = prop::collection::vec((loss(), loss()), 1..5);
    let minimum = prop::option::of(0..20_000_000i64);
    (arrays, minimum, any::<[bool; 2]>(), 0..6u8).prop_map(move |(arrays, minimum, short, decimals)| {
        let (first, second): (Vec<_>, Vec<_>) = arrays.into_iter().map(|(a, b)| (amount(a), amount(b))).unzip();
        let members =
            [(0, first), (1, second)].map(|(m, risk_array)| Member { risk_array, ..member(members[m], short[m]) });
        let short_option_minimum = minimum.map(amount);
        CombinedCommodity { short_option_minimum, ..commodity(c, decimals, members.to_vec()) }
    })
}

/// Two commodities with the same outright charge and three members in all, alone or with a credit.
fn outright_commodities() -> impl Strategy<Value = (Vec<CombinedCommodity>, Vec<SpreadCredit>)> {
    let deltas = prop::array::uniform4(-2_000_000..2_000_000i32);
    let calendars = prop::array::uniform2(prop::option::of(0..=1_000_000i64));
    let minimum = prop::option::of(0..20_000_000i64);
    let charges = (0..20_000_000i64, calendars, minimum, prop::option::of(0..=1_000_000u32));
    (deltas, charges, 0..6u8, any::<[bool; 4]>()).prop_map(
        |(deltas, (outright, calendars, minimum, credit), decimals, short)| {
            let kept = i64::from(1_000_000 - credit.unwrap_or(0));
            let of = |c: usize, members: [usize; 2]| {
                let calendar = calendars[c].map(|share| {
                    let most = 2 * outright * kept / 1_000_000;
                    amount((i128::from(most) * i128::from(share) / 1_000_000) as i64)
                });
                let members = members.map(|i| Member {
                    delta: Some(Delta(deltas[i - 1])),
                    month: calendar.map(|_| name(format!("m{i}"))),
                    ..member(i, short[i - 1])
                });
                CombinedCommodity {
                    outright: Some(amount(outright)),
                    calendar,
                    short_option_minimum: minimum.filter(|_| credit.is_none()).map(amount),
                    ..commodity(c, decimals, members.to_vec())
                }
            };
            let credit = credit.map(|credit| SpreadCredit {
                commodities: vec![name("c0".to_owned()), name("c1".to_owned())],
                credit: Some(Ppm(credit)),
                tiers: Vec::new(),
                ratio: vec![1, 1],
                basis: CreditBasis::default(),
            });
            (vec![of(0, [1, 3]), of(1, [2, 4])], credit.into_iter().collect())
        },
    )
}

/// Three commodities with charges of their own and four members in all, and up to three credits of any form.
fn spread_commodities() -> impl Strategy<Value = (Vec<CombinedCommodity>, Vec<SpreadCredit>)> {
    let charges = (0..20_000_000i64, prop::option::of(0..20_000_000i64), prop::option::of(0..20_000_000i64), 0..6u8);
    let members = prop::array::uniform4((-2_000_000..2_000_000i32, any::<bool>()));
    let credits = prop::collection::vec(spread_credits(), 1..4);
    (prop::array::uniform3(charges), members, credits).prop_map(|(charges, drawn, credits)| {
        let of = |(c, (outright, calendar, minimum, decimals)): (usize, (i64, Option<i64>, Option<i64>, u8))| {
            let instruments: &[usize] = [&[1, 3][..], &[2], &[4]][c];
            let member = |i: &usize| {
                let (delta, short) = drawn[i - 1];
                let month = calendar.map(|_| name(format!("m{i}")));
                Member { delta: Some(Delta(delta)), month, ..member(*i, short) }
            };
            CombinedCommodity {
                outright: Some(amount(outright)),
                calendar: calendar.map(amount),
                short_option_minimum: minimum.map(amount),
                ..commodity(c, decimals, instruments.iter().map(member).collect())
            }
        };
        (charges.into_iter().enumerate().map(of).collect(), credits)
    })
}

/// A credit between two of three commodities: at one share or in up to three tiers, in any small ratio.
fn spread_credits() -> impl Strategy<Value = SpreadCredit> {
    let legs = prop::sample::select(vec![[0, 1], [1, 0], [0, 2], [2, 0], [1, 2], [2, 1]]);
    let ratio = prop_oneof![Just([1, 1]), prop::array::uniform2(1..13u32)];
    let tiers = prop::collection::btree_map(1..100_000_000u128, 0..=1_000_000u32, 0..4);
    (legs, ratio, 0..=1_000_000u32, tiers, any::<bool>()).prop_map(|(legs, ratio, share, tiers, ends)| {
        let tier = |(end, credit): (u128, u32)| CreditTier {
            up_to: Magnitude::scaled(end, Decimals::new(6).unwrap()),
            credit: Ppm(credit),
        };
        let mut tiers: Vec<_> = tiers.into_iter().map(tier).collect();
        tiers.last_mut().filter(|_| !ends).into_iter().for_each(|last| last.up_to = None);
        SpreadCredit {
            commodities: legs.map(|c| name(format!("c{c}"))).to_vec(),
            credit: tiers.is_empty().then_some(Ppm(share)),
            tiers,
            ratio: ratio.to_vec(),
            basis: CreditBasis::default(),
        }
    })
}

/// One commodity with an outright and a calendar charge: four members in up to three months.
fn calendar_commodities() -> impl Strategy<Value = CombinedCommodity> {
    let members = prop::collection::vec((-2_000_000..2_000_000i32, 0..3usize, any::<bool>()), INSTRUMENTS - 1);
    (members, 0..20_000_000i64, 0..=1_000_000i64, 0..6u8).prop_map(|(members, outright, share, decimals)| {
        let of = |(m, (delta, month, short)): (usize, (i32, usize, bool))| Member {
            delta: Some(Delta(delta)),
            month: Some(name(format!("m{month}"))),
            ..member(m + 1, short)
        };
        CombinedCommodity {
            outright: Some(amount(outright)),
            calendar: Some(amount(2 * outright * share / 1_000_000)),
            ..commodity(0, decimals, members.into_iter().enumerate().map(of).collect())
        }
    })
}

fn span_models() -> impl Strategy<Value = Model> {
    let arrays = (array_commodities(0, [1, 3]), array_commodities(1, [2, 4]));
    let arrays = arrays.prop_map(|(first, second)| (vec![first, second], Vec::new()));
    let mixed = (array_commodities(0, [1, 3]), outright_commodities()).prop_map(|(first, (mut outright, _))| {
        outright[0] = first;
        (outright, Vec::new())
    });
    let calendar = calendar_commodities().prop_map(|commodity| (vec![commodity], Vec::new()));
    let commodities = prop_oneof![arrays, mixed, calendar, outright_commodities(), spread_commodities()];
    (rules(), ladders(), by_basis(true), commodities).prop_map(|(rules, tiers, multiple, (commodities, credits))| {
        let weight = tiers.is_empty().then_some(rules[0].1);
        let (instrument, short) = (instrument(0), rules[0].0);
        let (price, debt_spread, liquidity, allowance) = (None, None, None, None);
        let tiering = Tiering::Marginal;
        let cash = Asset { instrument, price, debt_spread, short, weight, tiers, tiering, liquidity, allowance };
        Model::Span(Span { requirement_multiple: multiple, collateral: vec![cash], commodities, credits })
    })
}

/// The lots of an account and the prices of a market.
pub fn accounts() -> impl Strategy<Value = (Vec<i128>, Vec<u128>)> {
    let cash = prop_oneof![-1_000_000_000..1_000_000_000i128, 0..1_000_000_000_000i128];
    let lots = prop_oneof![4 => -1_000_000..1_000_000i128, 1 => Just(0)];
    let positions = prop::collection::vec(lots, INSTRUMENTS - 1);
    let lots = (cash, positions).prop_map(|(cash, positions)| [vec![cash], positions].concat());
    let prices = prop::collection::vec(10_000..=100_000_000u128, INSTRUMENTS - 1);
    let extras = prop::collection::vec(0..=1_000_000u128, 2);
    (lots, (prices, extras).prop_map(|(prices, extras)| [prices, extras].concat()))
}

/// A policy of a model, and prices.
pub struct Case {
    /// The universe and the policy.
    pub sample: Sample,
    /// The market vector.
    pub prices: Vec<Price>,
}

impl Case {
    /// A case of a model, in the smallest usual class that has room. Prices that are missing are zero.
    ///
    /// # Panics
    /// If a price is out of range.
    pub fn new(model: Model, prices: Vec<u128>) -> Self {
        let case = Self::of_class(Self::USUAL, model, prices);
        let Self { sample: Sample { universe, policy }, prices } = &case;
        match compile(policy, universe) {
            Err(CompileError::Program { error: ProgramError::TooLarge { .. }, .. }) => {
                Self::of_class(13, policy.model.clone(), prices.iter().map(|price| price.get()).collect())
            }
            _ => case,
        }
    }

    /// The class of most cases.
    pub const USUAL: u32 = 11;

    /// The same in a capacity class, for models with large programs.
    ///
    /// # Panics
    /// If a price is out of range, or there is no such class.
    #[must_use]
    pub fn of_class(k: u32, model: Model, prices: Vec<u128>) -> Self {
        let mut universe = sample::universe(k, INSTRUMENTS);
        // For what is required of short options.
        universe.instruments[3..].iter_mut().for_each(|instrument| instrument.class = InstrumentClass::Option);
        let mut policy = sample::policy(&universe, INSTRUMENTS, model);
        policy.market.extend([("extra-1", 4), ("extra-2", 0)].map(|(text, decimals)| {
            let (decimals, max) = (Decimals::new(decimals).unwrap(), Price::new(1_000_000).unwrap());
            MarketEntry::new(name(text.to_owned()), decimals, Price::ZERO, max)
        }));
        let mut liquidated = policy.levels[1].clone();
        liquidated.name = name("liquidated".to_owned());
        (liquidated.liquidation_penalty, liquidated.insurance_contribution) = (Ppm(50_000), Ppm(12_345));
        liquidated.multiple = Ppm(1_234_567);
        policy.levels.push(liquidated);
        if let Model::Modes(model) = &policy.model {
            let names = model.modes.iter().map(|mode| mode.name.clone()).cycle();
            policy.levels.iter_mut().zip(names).for_each(|(level, mode)| level.mode = Some(mode));
        }
        let mut prices: Vec<_> = prices.into_iter().map(|price| Price::new(price).unwrap()).collect();
        prices.resize(policy.market.len(), Price::ZERO);
        Self { sample: Sample { universe, policy }, prices }
    }

    /// The policy.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.sample.policy
    }

    /// The program of each level.
    ///
    /// None where numbers are so large that rows could wrap around, which is refused.
    ///
    /// # Panics
    /// If the policy does not compile for another reason.
    #[must_use]
    pub fn programs(&self) -> Vec<Program> {
        match compile(self.policy(), &self.sample.universe) {
            Err(CompileError::Program { error: ProgramError::Wraps { .. }, .. }) => Vec::new(),
            programs => programs.unwrap(),
        }
    }

    /// A position at a level, evaluated without a program.
    ///
    /// # Panics
    /// If the policy does not fit the universe.
    #[must_use]
    pub fn evaluate(&self, level: usize, position: &Position) -> Evaluation {
        evaluate(self.policy(), &self.sample.universe, &self.policy().levels[level], position, &self.prices).unwrap()
    }
}

impl Case {
    /// The least cash that suffices at a level, with everything else brought into what the policy admits; none if no
    /// cash does, or any. One lot less does not suffice.
    pub fn at_the_boundary(&self, level: usize, lots: &[i128]) -> Option<Vec<i128>> {
        let frame = self.policy().frame(&self.sample.universe, &self.policy().levels[level]).unwrap();
        let ranges = frame.holding_ranges();
        let mut lots: Vec<_> =
            lots.iter().zip(&ranges).map(|(lots, range)| *lots.clamp(&range.min, &range.max)).collect();
        let mut sufficient = |cash: i128| {
            lots[0] = cash;
            self.evaluate(level, &position(&lots)).is_sufficient()
        };
        let (mut low, mut high) = (ranges[0].min, ranges[0].max);
        if sufficient(low) || !sufficient(high) {
            return None;
        }
        while high - low > 1 {
            let middle = low + (high - low) / 2;
            if sufficient(middle) { high = middle } else { low = middle }
        }
        lots[0] = high;
        Some(lots)
    }

    /// The absolute value of all holdings, in quote units.
    pub fn gross(&self, lots: &[i128]) -> f64 {
        let cash = lots[0].abs() as f64 / 100.0;
        let positions = lots[1..].iter().zip(&self.prices);
        cash + positions.map(|(lots, price)| lots.abs() as f64 / 1e4 * price.get() as f64 / 100.0).sum::<f64>()
    }
}

/// A position, one number of lots for each instrument.
///
/// # Panics
/// If a number is out of range.
#[must_use]
pub fn position(lots: &[i128]) -> Position {
    Position::from_lots(lots.iter().map(|lots| Lots::new(*lots).unwrap()).collect())
}
