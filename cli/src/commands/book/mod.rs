//! `surety book`

mod accounts;
mod build;
mod cells;
mod demo;
mod files;
mod fleet;
mod prove;
mod publish;
mod status;
mod verify;
mod workers;

use crate::{Session, error::Error, output::Answer};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Write rules of books to begin with, beside a universe and a policy
    Init(build::InitArgs),
    /// Assign accounts to pages and write their encrypted inputs
    Build(build::Args),
    /// Prove the pages that are not proven yet, then the reserves, and publish the book
    Prove(prove::Args),
    /// Go on proving after an interruption: the same as prove
    Resume(prove::Args),
    /// Prove pages that a queue on PostgreSQL gives out, until told to end
    Worker(fleet::WorkerArgs),
    /// Report how many pages are proven
    Status(status::Args),
    /// Put pages that failed for good back into the queue
    Retry(fleet::RetryArgs),
    /// Publish a book in the registry of books on a chain, which verifies the reserves
    Publish(publish::Args),
    /// Verify a published book from its public files
    Verify(verify::Args),
    /// Write the file of a user, who checks it (as secret as the account)
    Cell(cells::CellArgs),
    /// Check that an account is in a published book, with exactly these balances
    Check(cells::CheckArgs),
    /// Write the files of all users (as secret as the accounts)
    Export(cells::ExportArgs),
    /// Run an example venue from end to end, with attacks that are refused
    Demo(demo::Args),
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::Init(_) => "init",
            Self::Build(_) => "build",
            Self::Prove(_) => "prove",
            Self::Resume(_) => "resume",
            Self::Worker(_) => "worker",
            Self::Status(_) => "status",
            Self::Retry(_) => "retry",
            Self::Publish(_) => "publish",
            Self::Verify(_) => "verify",
            Self::Cell(_) => "cell",
            Self::Check(_) => "check",
            Self::Export(_) => "export",
            Self::Demo(_) => "demo",
        }
    }
}

pub(crate) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    match command {
        Command::Init(args) => build::init(&args),
        Command::Build(args) => build::run(&args, session),
        Command::Prove(args) | Command::Resume(args) => prove::run(&args, session),
        Command::Worker(args) => fleet::worker(&args, session),
        Command::Status(args) => status::run(&args, session),
        Command::Retry(args) => fleet::retry(&args),
        Command::Publish(args) => publish::run(&args, session),
        Command::Verify(args) => verify::run(&args, session),
        Command::Cell(args) => cells::cell(&args, session),
        Command::Check(args) => cells::check(&args, session),
        Command::Export(args) => cells::export(&args, session),
        Command::Demo(args) => demo::run(&args, session),
    }
}
