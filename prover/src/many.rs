//! Many attestations at once: one proof on each thread, as many at a time as the memory allows.
//!
//! A proof on one thread takes less processor time than one that is spread over all of them, and none waits for
//! another. Each thread has a pool of its own, with nobody else in it: in a shared pool, a thread that waits for a part
//! of its proof would begin another proof, and hold the memory of both.

use std::{
    borrow::Cow,
    collections::VecDeque,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc::{self, Receiver, Sender},
    },
    thread,
};

use rayon::ThreadPoolBuilder;
use surety_core::{
    failure::{Class, Failure, LocatedProblem},
    ident::EvmAddress,
};
use surety_host::memory::available_memory;
use surety_kzg::{Event, Observer, progress::Stage};
use surety_verifier::attestation::claim::Attestation;

use crate::{
    opening::Opening,
    prove::{ProofRequest, ProveError, Prover},
    resources::at_a_time,
};

/// Inputs that are at hand for each thread: that of its proof, and one more, so that no thread waits while the results
/// of another are late.
const INPUTS_PER_THREAD: usize = 2;

/// The inputs of one of many attestations.
pub trait ToProve: Send {
    /// What is to be attested.
    fn request(&self) -> ProofRequest<'_>;

    /// The openings of its statements.
    fn openings(&self) -> &[Opening];
}

/// Why one of many attestations was not made.
#[derive(Debug, thiserror::Error)]
#[error("attestation {index}{}: {error}", .subject.map(|subject| format!(" about {subject}")).unwrap_or_default())]
pub struct NotMade {
    /// Its place among the inputs, from 0.
    pub index: usize,
    /// Whose account it would have been about; none without statements.
    pub subject: Option<EvmAddress>,
    /// The reason.
    #[source]
    pub error: Box<ProveError>,
}

/// An input on its way, and where the result goes.
struct Job<T> {
    index: usize,
    input: T,
    answer: Sender<(T, Result<Attestation, NotMade>)>,
}

impl Prover {
    /// Makes many attestations, and delivers each with its input, in the order of the inputs and on the calling thread,
    /// as soon as those before it are delivered.
    ///
    /// One that cannot be made is delivered as an error and keeps nobody else's from being made. If `deliver` fails, no
    /// proof is begun any more, and what was not delivered is lost: nothing is left half done. An input that fails is
    /// the last that is asked for; what came before it is delivered first.
    ///
    /// Inputs are asked for when a thread will soon be free: at most two for each thread are held at
    /// a time, with fewer witnesses. A proof takes one thread; as many are made at a time as rayon has threads here,
    /// and as there is memory for.
    ///
    /// # Errors
    /// Those of `inputs` and of `deliver`.
    ///
    /// # Panics
    /// If the operating system starts no thread.
    pub fn prove_many<T: ToProve, E>(
        &self,
        inputs: impl IntoIterator<Item = Result<T, E>>,
        observer: &dyn Observer,
        deliver: impl FnMut(T, Result<Attestation, NotMade>) -> Result<(), E>,
    ) -> Result<(), E> {
        let threads = at_a_time(self.params().capacity(), rayon::current_num_threads(), available_memory());
        self.prove_on(threads, inputs, observer, deliver)
    }

    fn prove_on<T: ToProve, E>(
        &self,
        threads: usize,
        inputs: impl IntoIterator<Item = Result<T, E>>,
        observer: &dyn Observer,
        mut deliver: impl FnMut(T, Result<Attestation, NotMade>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut inputs = inputs.into_iter().enumerate();
        let total = inputs.size_hint().0;
        let report = |done: usize| {
            let (done, total) = (done as u64, total.max(done) as u64);
            observer.event(Event::Progress { stage: Stage::Proving, done, total });
        };
        report(0);
        let (jobs, queue) = mpsc::channel();
        let (queue, stopped) = (Mutex::new(queue), AtomicBool::new(false));
        thread::scope(|scope| {
            for _ in 0..threads {
                let work = || self.work(&queue, &stopped);
                scope.spawn(move || on_one_thread(work));
            }
            // Dropped first, also on an error: threads without jobs end.
            let jobs: Sender<Job<T>> = jobs;
            let (mut due, mut failure) = (VecDeque::new(), Ok(()));
            for done in 1.. {
                while due.len() < INPUTS_PER_THREAD * threads
                    && failure.is_ok()
                    && let Some((index, input)) = inputs.next()
                {
                    let (answer, result) = mpsc::channel();
                    match input {
                        Ok(input) => {
                            // The queue is there until the scope ends.
                            let _ = jobs.send(Job { index, input, answer });
                            due.push_back(result);
                        }
                        Err(error) => failure = Err(error),
                    }
                }
                // Nothing comes from a thread that has panicked, which the end of the scope passes on.
                let Some(Ok((input, result))) = due.pop_front().map(|result: Receiver<_>| result.recv()) else { break };
                if let Err(error) = deliver(input, result) {
                    stopped.store(true, Ordering::Relaxed);
                    return Err(error);
                }
                report(done);
            }
            failure
        })
    }

    /// Makes one proof after the other, until there are no more.
    fn work<T: ToProve>(&self, queue: &Mutex<Receiver<Job<T>>>, stopped: &AtomicBool) {
        let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        while let Ok(Job { index, input, answer }) = next()
            && !stopped.load(Ordering::Relaxed)
        {
            let result = self.prove_one(index, &input);
            // Nobody waits for it if a delivery has failed.
            let _ = answer.send((input, result));
        }
    }

    fn prove_one(&self, index: usize, input: &impl ToProve) -> Result<Attestation, NotMade> {
        let request = input.request();
        let subject = request.statements.first().map(|statement| statement.subject);
        self.prove(&request, input.openings()).map_err(|error| NotMade { index, subject, error: error.into() })
    }
}

/// Does something, such as a proof, on a thread with a pool of its own. Without one, which the operating system may
/// refuse, it is spread over all threads.
pub fn on_one_thread<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    match ThreadPoolBuilder::new().num_threads(1).build() {
        Ok(pool) => pool.install(work),
        Err(_) => work(),
    }
}

impl Failure for NotMade {
    fn class(&self) -> Class {
        self.error.class()
    }

    fn code(&self) -> Cow<'static, str> {
        self.error.code()
    }

    fn problems(&self) -> Vec<LocatedProblem> {
        self.error.problems()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]
mod tests {
    use std::{
        collections::BTreeSet,
        panic::{AssertUnwindSafe, catch_unwind},
        sync::atomic::AtomicUsize,
    };

    use surety_core::{
        ident::{Bytes32, HexBytes, Name},
        kind::KindOf,
        units::{Lots, Price, Seconds, Timestamp},
    };
    use surety_kzg::{Capacity, Params, Srs, progress::Silent};
    use surety_margin::{
        holdings::{Balance, Holdings},
        level::Claimed,
        market::{Observation, Observed, Snapshot},
        universe::Universe,
    };
    use surety_testing::sample::{Sample, prices, scenario_margin};
    use surety_verifier::{
        CompiledPolicy, VerifyingKey,
        attestation::{
            check::{Asked, Files, Presentation, VerifierTerms, verify},
            eip712::Audience,
            signature::SigningKey,
            statement::Statement,
            trust::Trust,
        },
    };

    use super::*;
    use crate::{
        oracle::{self, Clock, Comparison},
        source::{self, StatementTerms},
    };

    const NOW: Timestamp = Timestamp(1_800_000_100);
    const THREADS: usize = 3;

    fn key(number: u8) -> SigningKey {
        SigningKey::from_secret_bytes(&[number; 32]).unwrap()
    }

    /// One policy, and prices.
    struct Scene {
        universe: Universe,
        policy: CompiledPolicy,
        snapshot: Snapshot,
        level: Name,
        prover: Prover,
    }

    /// An institution's inputs. Notes the threads that proofs are made on.
    struct Institution<'a> {
        scene: &'a Scene,
        statements: Vec<Statement>,
        openings: Vec<Opening>,
        on: Option<&'a Mutex<BTreeSet<String>>>,
    }

    impl Scene {
        fn new() -> Self {
            let capacity = Capacity::new(9).unwrap();
            let params = Params::from_srs(&Srs::development(capacity), capacity, &Silent).unwrap();
            let Sample { mut universe, mut policy } = scenario_margin(9, 4, 3);
            universe.srs = params.id().bytes();
            policy.sources[0].signer = key(0xc0).address();
            policy.oracle.nodes.iter_mut().zip(1..).for_each(|(node, number)| node.signer = key(number).address());
            let observe =
                |price| Observed::Price(Observation { price, confidence: Price::new(1).unwrap(), age: Seconds(0) });
            let observations: Vec<_> = prices(&policy).into_iter().map(observe).collect();
            let sign = |number| {
                let (clock, seen) = (Clock::at(NOW), observations.clone());
                oracle::sign(&policy, &universe, seen, clock, Comparison::None, &key(number)).unwrap()
            };
            let snapshot = oracle::aggregate(&policy, &universe, &[sign(1), sign(2)], None, NOW).unwrap();
            let level = policy.levels[0].name.clone();
            let policy = CompiledPolicy::compile(policy, universe.clone(), &params).unwrap();
            Self { universe, policy, snapshot, level, prover: Prover::new(params).unwrap() }
        }

        /// The institution of a number, which has so much cash.
        fn institution(&self, number: u8, cash: i128) -> Institution<'_> {
            let holding = |instrument: &str, lots| Balance {
                instrument: Name::new(instrument).unwrap(),
                lots: Lots::new(lots).unwrap(),
            };
            let holdings = Holdings {
                kind: KindOf::new(),
                version: surety_core::FormatVersion,
                universe: self.universe.name.clone(),
                balances: vec![holding("USD", cash), holding("PERP-1", -3)],
            };
            let terms = StatementTerms {
                audience: Audience { chain_id: 1, registry: HexBytes([0xaa; 20]) },
                subject: key(number).address(),
                account: Name::new("main").unwrap(),
                as_of: NOW,
                valid_until: Timestamp(NOW.0 + 1_000),
                sequence: 1,
                pledge: None,
            };
            let params = self.prover.params();
            let (statement, opening) = source::attest(&self.universe, params, holdings, terms, &key(0xc0)).unwrap();
            Institution { scene: self, statements: vec![statement], openings: vec![opening], on: None }
        }

        fn accepts(&self, attestation: &Attestation) -> bool {
            let params = self.prover.params();
            let verifying_key = &VerifyingKey::pinned(params.capacity(), params.id()).unwrap();
            let files = Files { policy: self.policy.committed(), snapshot: &self.snapshot, verifying_key };
            let terms = VerifierTerms {
                trust: None::<&Trust>,
                strict: false,
                allow_insecure_srs: true,
                vault: None,
                presentation: Presentation::Anybody,
                asked: Asked::Only(Claimed::Sufficient),
                contract_sources: false,
                now: NOW,
            };
            verify(attestation, &files, &terms).is_ok()
        }
    }

    impl ToProve for Institution<'_> {
        fn request(&self) -> ProofRequest<'_> {
            if let Some(on) = self.on {
                on.lock().unwrap().insert(format!("{:?}", thread::current().id()));
            }
            ProofRequest {
                policy: &self.scene.policy,
                snapshot: &self.scene.snapshot,
                on_chain: false,
                vault: None,
                statements: &self.statements,
                level: &self.scene.level,
                verifier: EvmAddress::ZERO,
                valid_until: None,
                presentation: Bytes32::ZERO,
                now: NOW,
            }
        }

        fn openings(&self) -> &[Opening] {
            &self.openings
        }
    }

    const CASH: i128 = 1_000_000_000;

    /// A bad account among many is named, and the others are proven: in order, on so many threads, and with so many
    /// inputs asked for before their time.
    #[test]
    fn many_are_proven_in_order_and_one_that_is_not_is_named() {
        let scene = Scene::new();
        let (asked, on, events) = (AtomicUsize::new(0), Mutex::default(), Mutex::new(Vec::new()));
        let delivered = AtomicUsize::new(0);
        let inputs = (0..11_u8).map(|number| {
            let waiting = asked.fetch_add(1, Ordering::SeqCst) - delivered.load(Ordering::SeqCst);
            assert!(waiting < INPUTS_PER_THREAD * THREADS, "{waiting} inputs at a time");
            let institution = scene.institution(0x10 + number, if number == 4 { 0 } else { CASH });
            Ok::<_, NotMade>(Institution { on: Some(&on), ..institution })
        });
        let observer = |event| events.lock().unwrap().push(event);
        let mut results = Vec::new();
        let deliver = |input: Institution<'_>, result| {
            delivered.fetch_add(1, Ordering::SeqCst);
            results.push((input.statements[0].subject, result));
            Ok(())
        };
        scene.prover.prove_on(THREADS, inputs, &observer, deliver).unwrap();
        assert_eq!(results.len(), 11);
        for (number, (subject, result)) in results.iter().enumerate() {
            assert_eq!(*subject, key(0x10 + number as u8).address());
            match result {
                Ok(attestation) => {
                    assert!(number != 4 && attestation.claim.subject == *subject && scene.accepts(attestation));
                }
                Err(error) => {
                    assert_eq!((number, error.index, error.subject), (4, 4, Some(*subject)));
                    assert!(matches!(*error.error, ProveError::Insufficient(_)), "{error}");
                    let text = error.to_string();
                    assert!(text.starts_with(&format!("attestation 4 about {subject}: ")), "{text}");
                }
            }
        }
        assert!(on.into_inner().unwrap().len() <= THREADS);
        let stages: Vec<_> = (0..=11).map(|done| Event::Progress { stage: Stage::Proving, done, total: 11 }).collect();
        assert_eq!(events.into_inner().unwrap(), stages);
    }

    /// A delivery that fails is the last, and few inputs are asked for in vain.
    #[test]
    fn nothing_is_delivered_after_a_failure() {
        let scene = Scene::new();
        let mut asked = 0;
        let inputs = (0..200_u8).map(|_| {
            asked += 1;
            Ok::<_, usize>(scene.institution(0x10, CASH))
        });
        let mut delivered = 0;
        let failed = scene.prover.prove_on(THREADS, inputs, &Silent, |_, result| {
            delivered += 1;
            result.map_err(|error| error.index).and(if delivered == 2 { Err(7) } else { Ok(()) })
        });
        assert_eq!((failed, delivered, asked), (Err(7), 2, 2 + INPUTS_PER_THREAD * THREADS - 1));
    }

    #[test]
    fn what_comes_before_an_input_that_fails_is_delivered() {
        let scene = Scene::new();
        let inputs =
            (0..5_u8).map(|number| if number == 3 { Err("no file") } else { Ok(scene.institution(0x10, CASH)) });
        let mut delivered = 0;
        let failed = scene.prover.prove_on(THREADS, inputs, &Silent, |_, result| {
            delivered += usize::from(result.is_ok());
            Ok(())
        });
        assert_eq!((failed, delivered), (Err("no file"), 3));
        let none = scene.prover.prove_many(core::iter::empty::<Result<Institution<'_>, ()>>(), &Silent, |_, _| Ok(()));
        assert_eq!(none, Ok(()));
    }

    /// A fault of the program is no wait without end.
    #[test]
    fn a_panic_is_passed_on() {
        struct Faulty;
        impl ToProve for Faulty {
            fn request(&self) -> ProofRequest<'_> {
                panic!("a fault")
            }

            fn openings(&self) -> &[Opening] {
                &[]
            }
        }
        let scene = Scene::new();
        let inputs = || (0..9).map(|_| Ok::<_, ()>(Faulty));
        let run = || scene.prover.prove_on(THREADS, inputs(), &Silent, |_, _| Ok(()));
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err());
    }
}
