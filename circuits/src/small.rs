//! A small statement for the tests of this crate's modules.

use group::Curve as _;
use rand_core::OsRng;
use surety_core::units::Lots;
use surety_kzg::{Masks, Params, Srs, holding::holding_column, progress::Silent};
use surety_margin::{compile::compile, holdings::Position};
use surety_testing::sample;
use surety_verifier::KnownCommitments;

use crate::{columns::AdviceColumn, witness::Witness};

/// Bases, and a witness with its commitments.
pub(crate) fn statement() -> (Params, KnownCommitments, Witness) {
    let sample = sample::scenario_margin(9, 2, 1);
    let (capacity, prices) = (sample.universe.capacity, sample::prices(&sample.policy));
    let program = compile(&sample.policy, &sample.universe).unwrap().remove(0);
    let lots = [1_000_000, -3];
    let position = Position::from_lots(lots.map(|lots| Lots::new(lots).unwrap()).to_vec());
    let assignment = program.solve(&position, &prices).unwrap();
    let masks = Masks::random(&mut OsRng);
    let hold = holding_column(capacity, &lots.into_iter().enumerate().collect::<Vec<_>>(), &masks).unwrap();
    let witness = Witness::new(&program, &prices, &hold, &assignment).unwrap();
    let params = Params::from_srs(&Srs::development(capacity), capacity, &Silent).unwrap();
    let columns = [AdviceColumn::Idx, AdviceColumn::Flag, AdviceColumn::Coef, AdviceColumn::BlindedHold];
    let [idx, flag, coef, hold] = columns.map(|column| params.commit_column(&witness[column]).to_affine());
    (params, KnownCommitments { idx, flag, coef, hold }, witness)
}
