//! `surety book verify`

use std::path::PathBuf;

use rand_core::OsRng;
use serde_json::json;
use surety_books::book::{Book, BookTerms, ESTABLISHED, KnownBook, NOT_ESTABLISHED, verify};
use surety_chain::{Node, books};
use surety_core::{
    ident::{Bytes32, EvmAddress},
    spelling,
    units::Timestamp,
};
use surety_verifier::attestation::check::NOTHING_ESTABLISHED;

use super::files::{BookFiles, Published};
use crate::{Session, error::Error, output::Answer};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// Directory with the public files of the book
    #[arg(value_name = "DIR")]
    directory: PathBuf,
    /// The root that you know from elsewhere: a chain, or other users
    #[arg(long, value_name = "HASH", value_parser = spelling::hash, conflicts_with = "rpc")]
    root: Option<Bytes32>,
    /// URL of a JSON-RPC node of the chain whose registry of books knows the root
    #[arg(long, value_name = "URL", requires = "registry")]
    rpc: Vec<String>,
    /// The registry of books that you rely on
    #[arg(long, value_name = "ADDRESS", value_parser = spelling::address, requires = "rpc")]
    registry: Option<EvmAddress>,
    /// Accept a set-up whose secret is public, for tests only: such a book proves nothing
    #[arg(long)]
    allow_insecure_srs: bool,
    /// The moment to verify at [default: now]
    #[arg(long, value_name = "TIME", value_parser = spelling::time)]
    at: Option<Timestamp>,
}

pub(super) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    let Published { book, pages, files } = Published::read(&args.directory, session)?;
    files.warn(session);
    let BookFiles { rules, snapshot, .. } = files;
    let on_chain = on_chain(args, &book)?;
    let root = args.root.or(on_chain.as_ref().map(|known| known.root));
    let now = args.at.unwrap_or(session.now);
    let terms = BookTerms { allow_insecure_srs: args.allow_insecure_srs, root, now };
    let accepted = verify(&book, &pages, &rules, &snapshot, &terms, &mut OsRng)?;
    let established = if accepted.insecure_srs { NOTHING_ESTABLISHED } else { ESTABLISHED };
    let of_root = (!accepted.root_known)
        .then(|| "that others see the book of this root: compare it, or give --root or --rpc".to_owned());
    // They lie beside the book, and say whose word on reserves and prices counts.
    let of_rules = format!(
        "that rules, policy, universe, and the custodians and oracle nodes in it are those that you have reviewed: \
         compare the rules' identifier, {}",
        rules.summary().id().0
    );
    let faith: Vec<String> = of_root.into_iter().chain([of_rules]).collect();
    let mut text = format!(
        "valid: the book of {} with root {}\nuntil {}, balances as of {}\n{} slots in {} pages\n\
         established: {established}\n",
        rules.rules.venue,
        accepted.root,
        spelling::iso_time(accepted.valid_until),
        spelling::iso_time(accepted.balances_at),
        accepted.slots,
        pages.len(),
    );
    if let Some(known) = &on_chain {
        let counts = if known.counts { "the venue's newest book, and counts" } else { "superseded, or counts no more" };
        text.push_str(&format!("on chain: {counts}\n"));
    }
    faith.iter().for_each(|faith| text.push_str(&format!("taken on faith: {faith}\n")));
    NOT_ESTABLISHED.iter().for_each(|not| text.push_str(&format!("not established: {not}\n")));
    let mut data = json!({
        "accepted": accepted,
        "established": established,
        "taken_on_faith": faith,
        "not_established": NOT_ESTABLISHED,
    });
    if let Some(known) = on_chain {
        data["on_chain"] = json!(known);
    }
    Answer::new(data, text)
}

/// What the registry that the verifier relies on says of the book; none where no registry is asked.
fn on_chain(args: &Args, book: &Book) -> Result<Option<KnownBook>, Error> {
    let Some(registry) = args.registry else {
        return Ok(None);
    };
    Ok(Some(books::known(&Node::connect_any(&args.rpc)?, registry, book)?))
}
