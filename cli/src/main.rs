//! The command line. Each command reads files, calls the library, and answers with text for people and data for
//! programs.

mod commands;
mod error;
mod excerpt;
mod exit;
mod imported;
mod inputs;
mod output;
mod pdf;
mod progress;
mod screen;
mod usage;

use std::{ffi::OsString, process::ExitCode};

use clap::{CommandFactory as _, Parser, Subcommand, error::ErrorKind};
use surety_core::{shown::Screen, units::Timestamp};
use surety_host::clock;

use self::{
    commands::{
        archive, audit, book, calldata, chain, consent, demo, doctor, explain, generate, import, info, init, key,
        market, page, policy, prove, reproduce, run as service, solidity, source, srs, trust, universe, verify,
    },
    exit::Exit,
    output::{Answer, Form, Reported},
    progress::Progress,
};
use crate::error::Error;

/// Prove that hidden positions satisfy a public margin rule, and verify such proofs.
///
/// Exit codes: 0 success, 1 internal error, 2 bad usage or input, 3 invalid proof or statement, 4 margin rule not
/// satisfied, 5 mismatched files or versions, 6 not enough memory.
#[derive(Parser)]
#[command(name = "surety", version, max_term_width = 100, propagate_version = true)]
struct Cli {
    /// Answer with a JSON envelope on stdout, also on failure
    #[arg(long, global = true)]
    json: bool,
    /// Print only warnings and errors on stderr
    #[arg(long, short, global = true)]
    quiet: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the example from end to end and write an attestation with all its files
    Demo(demo::Args),
    /// Write the example's files for editing
    Init(init::Args),
    /// Turn published files into universe, policy, prices and holdings
    #[command(subcommand)]
    Import(import::Command),
    /// Check or show a universe of instruments
    #[command(subcommand)]
    Universe(universe::Command),
    /// Compile or inspect a policy
    #[command(subcommand)]
    Policy(policy::Command),
    /// Sign a report of prices, or aggregate reports into a snapshot
    #[command(subcommand)]
    Market(market::Command),
    /// State the balances of an account, as a custodian, a venue or a chain watcher
    #[command(subcommand)]
    Source(source::Command),
    /// Make signing keys and show their addresses
    #[command(subcommand)]
    Key(key::Command),
    /// Prove that the account satisfies a level of the policy
    Prove(prove::Args),
    /// Sign an attestation as its subject, which consents to it
    Consent(consent::Args),
    /// Verify an attestation
    Verify(verify::Args),
    /// Write a verifier's trust file, and keep it up to date
    #[command(subcommand)]
    Trust(trust::Command),
    /// Verify all attestations in a directory at once and write a report
    Audit(Box<audit::Args>),
    /// Write the page that verifies and audits in a browser, without a server
    Page(page::Args),
    /// Recompute the claims of attestations, commitments and contracts from public inputs
    Reproduce(reproduce::Args),
    /// Show the account's margin at every level (as secret as the account)
    Explain(explain::Args),
    /// Prove every account of a venue, and let each user check theirs
    #[command(subcommand)]
    Book(book::Command),
    /// Play the roles of a configuration, epoch after epoch: source, oracle node, holder, auditor
    Run(service::Args),
    /// Keep public documents in an append-only archive
    #[command(subcommand)]
    Archive(archive::Command),
    /// Identify a file
    Info(info::Args),
    /// Import, download, check or list set-ups (structured reference strings)
    #[command(subcommand)]
    Srs(srs::Command),
    /// Write the verifying contract of a capacity class and a set-up
    Solidity(solidity::Args),
    /// Write the call data that submits an attestation to its attestation registry
    Calldata(calldata::Args),
    /// Deploy contracts, publish policies, take prices and submit attestations on a chain
    #[command(subcommand)]
    Chain(chain::Command),
    /// Check this installation
    Doctor(doctor::Args),
    /// Write shell completions to stdout
    Completions(generate::CompletionsArgs),
    /// Write the manual to stdout, or one page per command to a directory
    Man(generate::ManArgs),
}

impl Command {
    /// The name of the command in JSON envelopes.
    fn name(&self) -> String {
        let (command, action) = match self {
            Self::Demo(_) => ("demo", None),
            Self::Init(_) => ("init", None),
            Self::Import(command) => ("import", Some(command.name())),
            Self::Universe(command) => ("universe", Some(command.name())),
            Self::Policy(command) => ("policy", Some(command.name())),
            Self::Market(command) => ("market", Some(command.name())),
            Self::Source(command) => ("source", Some(command.name())),
            Self::Key(command) => ("key", Some(command.name())),
            Self::Prove(_) => ("prove", None),
            Self::Consent(_) => ("consent", None),
            Self::Verify(_) => ("verify", None),
            Self::Trust(command) => ("trust", Some(command.name())),
            Self::Audit(args) => ("audit", args.name()),
            Self::Page(_) => ("page", None),
            Self::Reproduce(_) => ("reproduce", None),
            Self::Explain(_) => ("explain", None),
            Self::Book(command) => ("book", Some(command.name())),
            Self::Run(_) => ("run", None),
            Self::Archive(command) => ("archive", Some(command.name())),
            Self::Info(_) => ("info", None),
            Self::Srs(command) => ("srs", Some(command.name())),
            Self::Solidity(_) => ("solidity", None),
            Self::Calldata(_) => ("calldata", None),
            Self::Chain(command) => ("chain", Some(command.name())),
            Self::Doctor(_) => ("doctor", None),
            Self::Completions(_) => ("completions", None),
            Self::Man(_) => ("man", None),
        };
        action.map_or_else(|| command.to_owned(), |action| format!("{command} {action}"))
    }

    fn run(self, session: &Session) -> Result<Answer, Error> {
        match self {
            Self::Demo(args) => demo::run(&args, session),
            Self::Init(args) => init::run(&args, session),
            Self::Import(command) => import::run(command, session),
            Self::Universe(command) => universe::run(command, session),
            Self::Policy(command) => policy::run(command, session),
            Self::Market(command) => market::run(command, session),
            Self::Source(command) => source::run(command, session),
            Self::Key(command) => key::run(command, session),
            Self::Prove(args) => prove::run(&args, session),
            Self::Consent(args) => consent::run(&args, session),
            Self::Verify(args) => verify::run(&args, session),
            Self::Trust(command) => trust::run(command, session),
            Self::Audit(args) => audit::run(&args, session),
            Self::Page(args) => page::run(&args),
            Self::Reproduce(args) => reproduce::run(&args, session),
            Self::Explain(args) => explain::run(&args, session),
            Self::Book(command) => book::run(command, session),
            Self::Run(args) => service::run(&args, session),
            Self::Archive(command) => archive::run(command, session),
            Self::Info(args) => info::run(&args, session),
            Self::Srs(command) => srs::run(command, session),
            Self::Solidity(args) => solidity::run(&args, session),
            Self::Calldata(args) => calldata::run(&args, session),
            Self::Chain(command) => chain::run(command, session),
            Self::Doctor(_) => doctor::run(session),
            Self::Completions(args) => generate::completions(&args, Cli::command()),
            Self::Man(args) => generate::man(&args, Cli::command()),
        }
    }
}

/// Shared by all commands.
struct Session {
    progress: Progress,
    now: Timestamp,
    /// The destination of text answers.
    screen: Screen,
}

/// Runs a command line and returns the exit code.
fn main() -> ExitCode {
    run(std::env::args_os().collect())
}

fn run(arguments: Vec<OsString>) -> ExitCode {
    // A command line that cannot be understood may still say how it wants to be answered.
    let wants_json = arguments.iter().any(|argument| argument == "--json");
    let exit = match Cli::try_parse_from(arguments) {
        Ok(cli) => {
            let form = if cli.json { Form::Json } else { Form::Text };
            let session =
                Session { progress: Progress::new(cli.quiet), now: clock::now(), screen: screen::of_stdout() };
            let name = cli.command.name();
            output::report(form, &name, cli.command.run(&session))
        }
        Err(error) => misused(&error, if wants_json { Form::Json } else { Form::Text }),
    };
    exit.into()
}

/// Help and version are answers; every other message of the parser is a mistake.
fn misused(error: &clap::Error, form: Form) -> Exit {
    let is_help = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let (written, exit) = match form {
        _ if is_help => (error.print(), Exit::Good),
        // Without any command, the help is shown.
        Form::Text if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => {
            (error.print(), Exit::Input)
        }
        Form::Text => {
            let message = format!("{}\n\n{}", usage::message(error), usage::synopsis(error));
            (Reported::usage(message.trim_end().to_owned()).write(form, ""), Exit::Input)
        }
        Form::Json => (Reported::usage(usage::message(error)).write(form, ""), Exit::Input),
    };
    if written.is_err() && exit == Exit::Good { Exit::Internal } else { exit }
}
