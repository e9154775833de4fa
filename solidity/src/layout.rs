//! Where a verifying contract keeps things in memory.
//!
//! The order of the first part is the transcript's: every round's bytes lie in a row, with a word for the hash before
//! them, so that a challenge is one hash over memory in place.

use surety_verifier::proof::protocol::{ColumnCommitment, Opening, Polynomial, Protocol, Rotation};

/// Where Solidity would begin to allocate memory. It never does in these contracts.
const START: usize = 0x80;

/// Length of a word.
pub(super) const WORD: usize = 0x20;

/// Length of a point.
pub(super) const POINT: usize = 0x40;

/// Length of a point that is a running sum: behind it there is room for a point and a factor, the operands of the next
/// step.
const SUM: usize = POINT + POINT + WORD;

/// A named place in memory.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) name: String,
    pub(super) offset: usize,
}

/// Places that belong together.
#[derive(Debug)]
pub(super) struct Section {
    pub(super) title: &'static str,
    pub(super) slots: Vec<Slot>,
}

/// A round of the protocol: what the prover says, and what it is asked then.
#[derive(Debug)]
pub(super) struct Round {
    /// Where the hashed bytes begin: with the hash of the round before, or the key.
    pub(super) start: String,
    /// How many bytes are hashed.
    pub(super) length: usize,
    /// The challenges that are drawn.
    pub(super) challenges: &'static [&'static str],
}

/// A part of the proof that lies in memory in one piece.
#[derive(Debug)]
pub(super) struct Piece {
    /// The first element.
    pub(super) slot: String,
    /// Where it is in the proof.
    pub(super) offset: usize,
    /// How many bytes.
    pub(super) length: usize,
}

/// The whole plan.
#[derive(Debug)]
pub(super) struct MemoryLayout {
    pub(super) sections: Vec<Section>,
    pub(super) rounds: Vec<Round>,
    pub(super) pieces: Vec<Piece>,
    /// All points, in the order in which the transcript takes them.
    pub(super) points: Vec<String>,
    /// All evaluations, in the same order.
    pub(super) scalars: Vec<String>,
    next: usize,
}

impl MemoryLayout {
    /// The transcript's part of memory. Sections are added by [`Self::section`].
    pub(super) fn of(protocol: &Protocol) -> Self {
        let mut layout = Self {
            sections: Vec::new(),
            rounds: Vec::new(),
            pieces: Vec::new(),
            points: Vec::new(),
            scalars: Vec::new(),
            next: START,
        };
        layout.transcript(protocol);
        layout
    }

    /// Reserves places.
    pub(super) fn section(&mut self, title: &'static str, slots: impl IntoIterator<Item = (String, usize)>) {
        self.sections.push(Section { title, slots: Vec::new() });
        for (name, length) in slots {
            self.reserve(name, length);
        }
    }

    /// Reserves a word for each name.
    pub(super) fn words(&mut self, title: &'static str, names: impl IntoIterator<Item = impl Into<String>>) {
        self.section(title, names.into_iter().map(|name| (name.into(), WORD)));
    }

    fn reserve(&mut self, name: String, length: usize) {
        if let Some(section) = self.sections.last_mut() {
            section.slots.push(Slot { name, offset: self.next });
        }
        self.next += length;
    }

    fn transcript(&mut self, protocol: &Protocol) {
        let points = |polynomials: Vec<Polynomial>| -> Vec<String> {
            polynomials.into_iter().map(|polynomial| point(protocol, polynomial)).collect()
        };
        let lookups = || 0..protocol.lookups.len();
        let by = |commitment| points(protocol.advice_by(commitment).map(Polynomial::Advice).collect());
        let permuted = lookups().flat_map(|index| [Polynomial::LookupInput(index), Polynomial::LookupTable(index)]);
        let products = lookups().map(Polynomial::LookupProduct).chain([Polynomial::Blinding]);
        let quotient = (0..protocol.quotient_pieces).map(quotient_piece).collect();
        let scalars = protocol.evaluations().into_iter().map(|opening| evaluation(protocol, opening)).collect();

        self.words(
            "Round 1: the key and the statement, what blinds the holdings, then the columns that the prover commits to",
            ["KEY", "CONTEXT"],
        );
        self.points(by(ColumnCommitment::Known));
        // Not one to check: it is computed from two that are.
        by(ColumnCommitment::Difference).into_iter().for_each(|name| self.reserve(name, POINT));
        self.points.push(HOLD.to_owned());
        self.points_of_proof(by(ColumnCommitment::Sent));
        self.close("KEY", &["THETA"]);
        self.round("Round 2: the sorted columns of the lookups", "HASH_1");
        self.points_of_proof(points(permuted.collect()));
        self.close("HASH_1", &["BETA", "GAMMA"]);
        self.round("Round 3: the running products of the lookups, and the blinding polynomial", "HASH_2");
        self.points_of_proof(points(products.collect()));
        self.close("HASH_2", &["Y"]);
        self.round("Round 4: the quotient, in pieces", "HASH_3");
        self.points_of_proof(quotient);
        self.close("HASH_3", &["X"]);
        self.round("Round 5: evaluations at x and its neighbours", "HASH_4");
        self.scalars_of_proof(scalars);
        self.close("HASH_4", &["OPENING_Y", "OPENING_V"]);
        self.round("Round 6: the multi-opening's W, and W', after which nothing is asked", "HASH_5");
        self.points_of_proof(vec!["W_POINT".to_owned()]);
        self.close("HASH_5", &["OPENING_U"]);
        self.points_of_proof(vec!["W_PRIME_POINT".to_owned()]);
        self.section(
            "The operands of a subtraction: the blinded holdings, and the holdings",
            [BLINDED_HOLD.to_owned(), HOLD.to_owned()].map(|name| (name, POINT)),
        );
        let challenges: Vec<_> = self.rounds.iter().flat_map(|round| round.challenges.iter().copied()).collect();
        self.words("Challenges", challenges);
    }

    fn round(&mut self, title: &'static str, hash: &str) {
        self.words(title, [hash]);
    }

    /// Ends what is hashed for the next challenge.
    fn close(&mut self, start: &str, challenges: &'static [&'static str]) {
        let slots = self.sections.last().map_or(&[][..], |section| &section.slots);
        let begin = slots.first().map_or(self.next, |slot| slot.offset);
        self.rounds.push(Round { start: start.to_owned(), length: self.next - begin, challenges });
    }

    fn points_of_proof(&mut self, names: Vec<String>) {
        self.piece(&names, POINT);
        self.points(names);
    }

    fn points(&mut self, names: Vec<String>) {
        names.iter().for_each(|name| self.reserve(name.clone(), POINT));
        self.points.extend(names);
    }

    fn scalars_of_proof(&mut self, names: Vec<String>) {
        self.piece(&names, WORD);
        names.iter().for_each(|name| self.reserve(name.clone(), WORD));
        self.scalars.extend(names);
    }

    fn piece(&mut self, names: &[String], element: usize) {
        if let Some(slot) = names.first() {
            let offset = self.pieces.iter().map(|piece| piece.length).sum();
            self.pieces.push(Piece { slot: slot.clone(), offset, length: names.len() * element });
        }
    }
}

/// The place of the commitment to the holdings, which no column of the circuit has, behind [`BLINDED_HOLD`].
pub(super) const HOLD: &str = "HOLD_POINT";

/// The place of a copy of the commitment to the blinded holdings.
const BLINDED_HOLD: &str = "MINUEND";

/// The place of a running sum of points.
pub(super) fn sum(name: &str) -> (String, usize) {
    (name.to_owned(), SUM)
}

/// The place of the commitment to a polynomial.
pub(super) fn point(protocol: &Protocol, polynomial: Polynomial) -> String {
    format!("{}_POINT", name(protocol, polynomial))
}

/// The place of the commitment to a piece of the quotient.
pub(super) fn quotient_piece(index: usize) -> String {
    format!("QUOTIENT_{index}_POINT")
}

/// The place of an evaluation.
pub(super) fn evaluation(protocol: &Protocol, opening: Opening) -> String {
    let name = name(protocol, opening.polynomial);
    match opening.rotation {
        Rotation::CURRENT => format!("{name}_EVAL"),
        rotation => format!("{name}_{}_EVAL", rotation_name(rotation)),
    }
}

/// What a distance in rows is called.
pub(super) fn rotation_name(rotation: Rotation) -> String {
    match rotation {
        Rotation::CURRENT => "CURRENT".to_owned(),
        Rotation::NEXT => "NEXT".to_owned(),
        Rotation::PREVIOUS => "PREVIOUS".to_owned(),
        Rotation(rows) if rows < 0 => format!("BACK_{}", rows.unsigned_abs()),
        Rotation(rows) => format!("AHEAD_{rows}"),
    }
}

fn name(protocol: &Protocol, polynomial: Polynomial) -> String {
    match polynomial {
        Polynomial::Fixed(_) | Polynomial::Advice(_) => protocol.name(polynomial),
        Polynomial::LookupInput(index) => format!("LOOKUP_{index}_INPUT"),
        Polynomial::LookupTable(index) => format!("LOOKUP_{index}_TABLE"),
        Polynomial::LookupProduct(index) => format!("LOOKUP_{index}_PRODUCT"),
        Polynomial::Quotient => "QUOTIENT".to_owned(),
        Polynomial::Blinding => "BLINDING".to_owned(),
    }
}
