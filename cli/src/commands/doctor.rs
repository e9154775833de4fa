//! `surety doctor`

use std::path::Path;

use serde_json::json;
use surety_core::{capacity::Capacity, spelling::iso_time, units::Timestamp};
use surety_host::{
    carried::carried,
    directories::Directories,
    files::{self, Access, Existing},
    memory::available_memory,
    setup::Setups,
    store::{Place, StoredSrs},
};
use surety_kzg::{Observer, Origin, Srs};
use surety_prover::self_test;
use surety_verifier::VerifyingKey;

use crate::{
    Session,
    error::{Error, Unhealthy},
    inputs::origin_name,
    output::Answer,
};

#[derive(clap::Args)]
pub(crate) struct Args {}

/// Lower bound of a plausible clock, in seconds since 1970: no version of the program is older.
const EARLIEST: Timestamp = Timestamp(1_735_689_600);

/// The finding of a check, or the reason of its failure.
type Finding = Result<String, String>;

pub(crate) fn run(session: &Session) -> Result<Answer, Error> {
    let directories = Directories::of_user()?;
    let setups = Setups::new(&directories);
    let checks: [(&str, Finding); 10] = [
        ("cache directory", writable(&directories.cache)),
        ("cached bases and tables", cached(&setups)),
        ("data directory", writable(&directories.data)),
        ("state directory", writable(&directories.state)),
        ("set-up in this program", in_program(&session.progress)),
        ("imported set-ups", imported(&setups, &session.progress)),
        ("verifying keys", verifying_keys()),
        ("proof", proof()),
        ("memory", memory()),
        ("clock", clock(session.now)),
    ];
    for (name, finding) in &checks {
        if let Ok(found) = finding {
            session.progress.note(&format!("{name}: good: {found}"));
        }
    }
    let failures: Vec<_> =
        checks.iter().filter_map(|(name, finding)| Some(format!("{name}: {}", finding.as_ref().err()?))).collect();
    if !failures.is_empty() {
        return Err(Error::from(Unhealthy(failures)));
    }
    let checks: serde_json::Map<_, _> =
        checks.into_iter().map(|(name, finding)| (name.to_owned(), json!(finding.unwrap_or_default()))).collect();
    Answer::new(json!({ "checks": checks }), "all is well")
}

fn said(error: impl ToString) -> String {
    error.to_string()
}

fn writable(directory: &Path) -> Finding {
    files::create_directory(directory).map_err(said)?;
    let probe = directory.join(".doctor");
    files::write(&probe, b"", Access::Secret, Existing::Replace).map_err(said)?;
    std::fs::remove_file(&probe).map_err(said)?;
    Ok(directory.display().to_string())
}

/// The size of what a user may delete.
fn cached(setups: &Setups) -> Finding {
    let (files, bytes) = setups.cached().map_err(said)?;
    Ok(format!("{files} files, {} MiB", bytes.div_ceil(1 << 20)))
}

fn in_program(observer: &dyn Observer) -> Finding {
    let Some(carried) = carried()? else { return Ok("none; this release was built without".to_owned()) };
    carried.read(observer).map_err(said)?;
    Ok(format!("sound: {} with 2^{} powers, SHA-256 {}", carried.ceremony, carried.k, carried.sha256))
}

/// A set-up of no known ceremony always fails, even if a user has accepted it: otherwise a set-up whose maker can cheat
/// would pass as long as nobody looked at its name. Damaged powers and files that are no set-ups fail as well.
fn imported(setups: &Setups, observer: &dyn Observer) -> Finding {
    let (stored, passed_over) = setups.store().survey().map_err(said)?;
    // The carried set-up is checked separately.
    let in_file = |place: &Place| *place != Place::Program;
    let damaged = stored.iter().filter(|stored| in_file(&stored.place));
    let damaged = damaged.filter_map(|stored| setups.store().read(stored, None, observer).err().map(said));
    let passed_over = passed_over.iter().filter(|passed_over| in_file(&passed_over.place)).map(said);
    let damaged: Vec<_> = damaged.chain(passed_over).collect();
    if !damaged.is_empty() {
        return Err(format!(
            "expected sound set-ups, found damaged files: {}; delete them, and get what is missing with surety srs get",
            damaged.join("; ")
        ));
    }
    let of = |has: fn(Origin) -> bool| -> Vec<&StoredSrs> {
        stored.iter().filter(|stored| has(stored.verifier_key.origin())).collect()
    };
    let sound: Vec<_> = of(|origin| matches!(origin, Origin::Ceremony(_)))
        .into_iter()
        .map(|stored| format!("{} with 2^{} powers", origin_name(stored.verifier_key.origin()), stored.k))
        .collect();
    let sound = if sound.is_empty() {
        "none sound: get one with surety srs get; until then proofs are over the insecure development set-up".to_owned()
    } else {
        format!("sound: {}", sound.join(", "))
    };
    let unknown: Vec<_> = of(|origin| origin == Origin::Unknown)
        .into_iter()
        .map(|stored| format!("{} ({})", stored.verifier_key.id(), stored.place))
        .collect();
    if !unknown.is_empty() {
        return Err(format!(
            "expected set-ups of known ceremonies only, found of unknown origin: {}; whoever made one of these can \
             prove \
             anything under it: delete its file unless you know who did; {sound}",
            unknown.join(", ")
        ));
    }
    let insecure = of(|origin| origin == Origin::InsecureDevelopment).len();
    Ok(if insecure == 0 { sound } else { format!("{sound}; insecure, their secret is published: {insecure}") })
}

/// Compares the keys that are checked in with their recorded digests.
fn verifying_keys() -> Finding {
    let smallest = Capacity::all().next().ok_or("no capacity class")?;
    let development = Srs::development(smallest).id();
    for capacity in Capacity::all() {
        VerifyingKey::pinned(capacity, development).map_err(said)?;
    }
    Ok(format!("k from {} to {}", Capacity::MIN_K, Capacity::MAX_K))
}

fn proof() -> Finding {
    let smallest = Capacity::all().next().ok_or("no capacity class")?;
    self_test::run(smallest).map_err(said)?;
    Ok(format!("made and verified at k = {}", smallest.k()))
}

fn memory() -> Finding {
    Ok(available_memory().map_or_else(|| "unknown".to_owned(), |bytes| format!("{} MiB free", bytes >> 20)))
}

fn clock(now: Timestamp) -> Finding {
    if now < EARLIEST {
        return Err(format!("expected a time after {}, found {}", iso_time(EARLIEST), iso_time(now)));
    }
    Ok(iso_time(now))
}
