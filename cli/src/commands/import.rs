//! `surety import`

use std::path::{Path, PathBuf};

use serde_json::json;
use surety_core::{
    ident::{Bytes32, EvmAddress, Name},
    spelling,
    units::Timestamp,
    words::counted,
};
use surety_host::{documents, files};
use surety_import::{
    ForeignError, Import, Parties,
    book::Book,
    derive_pm2,
    haircuts::{self, Ends, Programme},
    positions,
};
use surety_margin::universe::Universe;
use surety_prover::layout::Layout;

use crate::{
    Session,
    error::{Error, ForeignFile},
    imported::Imported,
    inputs::{Force, HoldingsOptions, TableOptions, directory_of},
    output::Answer,
};

#[derive(clap::Subcommand)]
pub(crate) enum Command {
    /// Import a case of Derive's portfolio margin (PM2) as universe, policy, prices and holdings
    DerivePm2(DerivePm2Args),
    /// Import an exchange's table of prices and collateral ratios as universe, policy and prices
    Haircuts(HaircutsArgs),
    /// Import amounts from a spreadsheet (a table of instrument and amount, or lots) as holdings
    Positions(PositionsArgs),
}

#[derive(clap::Args)]
pub(crate) struct DerivePm2Args {
    /// The case, as JSON
    #[arg(value_name = "CASE.json")]
    case: PathBuf,
    #[command(flatten)]
    target: Target,
}

#[derive(clap::Args)]
pub(crate) struct HaircutsArgs {
    /// The table
    #[arg(value_name = "FILE.csv")]
    file: PathBuf,
    #[command(flatten)]
    table: TableOptions,
    /// Token to import; may be repeated [default: all tokens with a price and a ladder]
    #[arg(long = "token", value_name = "NAME", value_parser = name)]
    tokens: Vec<Name>,
    /// The exchange's ladder to import
    #[arg(long, value_enum, default_value_t = Ladder::Margin)]
    ladder: Ladder,
    /// Unit of the ends of tiers
    #[arg(long, value_enum, default_value_t = LadderIn::Quote)]
    ladder_in: LadderIn,
    /// Time of the observation [default: now]
    #[arg(long, value_name = "TIME", value_parser = spelling::time)]
    at: Option<Timestamp>,
    #[command(flatten)]
    target: Target,
}

#[derive(clap::Args)]
pub(crate) struct PositionsArgs {
    /// Table of instrument and amount (in units) or lots; derivatives also need their cost: entry_price, cost, or
    /// unrealised_pnl and mark_price
    #[arg(value_name = "FILE")]
    positions: PathBuf,
    /// The universe of the positions
    #[arg(long, value_name = "FILE")]
    universe: PathBuf,
    /// File for the holdings [default: private/holdings.csv beside the universe]
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    #[command(flatten)]
    reading: HoldingsOptions,
    #[command(flatten)]
    force: Force,
}

/// A column of the exchange's table.
#[derive(Clone, Copy, clap::ValueEnum)]
enum Ladder {
    VipLoan,
    Margin,
    PortfolioMargin,
}

/// The unit of the ends of tiers.
#[derive(Clone, Copy, clap::ValueEnum)]
enum LadderIn {
    /// Values in the quote currency
    Quote,
    /// Units of the token
    Units,
}

impl From<LadderIn> for Ends {
    fn from(ends: LadderIn) -> Self {
        match ends {
            LadderIn::Quote => Self::Quote,
            LadderIn::Units => Self::Units,
        }
    }
}

impl From<Ladder> for Programme {
    fn from(ladder: Ladder) -> Self {
        match ladder {
            Ladder::VipLoan => Self::VipLoan,
            Ladder::Margin => Self::Margin,
            Ladder::PortfolioMargin => Self::PortfolioMargin,
        }
    }
}

/// The destination of an import, and the set-up and signers of the imported policy.
#[derive(clap::Args)]
struct Target {
    /// Directory for the files
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Set-up of the universe: an identifier, the name of a ceremony, or development
    #[arg(long, default_value = "ppot-0085", value_name = "ID", value_parser = spelling::set_up)]
    srs: Bytes32,
    /// Address of an oracle node; may be repeated [default: three addresses without known keys]
    #[arg(long = "node", value_name = "0xADDRESS", value_parser = spelling::address)]
    nodes: Vec<EvmAddress>,
    /// Address of the source [default: an address without a known key]
    #[arg(long, value_name = "0xADDRESS", value_parser = spelling::address)]
    source: Option<EvmAddress>,
    /// Give the policy levels that claim the shortfall of each level, too
    #[arg(long)]
    shortfall: bool,
    #[command(flatten)]
    force: Force,
}

impl Target {
    /// The import with the levels that are wanted.
    fn completed(&self, import: Import) -> Result<Import, ForeignError> {
        if self.shortfall { import.with_shortfalls() } else { Ok(import) }
    }

    fn parties(&self) -> Parties {
        let placeholders = Parties::default();
        let nodes = if self.nodes.is_empty() { placeholders.nodes } else { self.nodes.clone() };
        Parties { nodes, source: self.source.unwrap_or(placeholders.source) }
    }
}

impl Command {
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Self::DerivePm2(_) => "derive-pm2",
            Self::Haircuts(_) => "haircuts",
            Self::Positions(_) => "positions",
        }
    }
}

pub(crate) fn run(command: Command, session: &Session) -> Result<Answer, Error> {
    match command {
        Command::DerivePm2(args) => derive_pm2(&args, session),
        Command::Haircuts(args) => haircuts(&args, session),
        Command::Positions(args) => positions(&args, session),
    }
}

fn derive_pm2(args: &DerivePm2Args, session: &Session) -> Result<Answer, Error> {
    let text = files::read_text(&args.case)?;
    session.progress.note("deriving values and compiling both levels");
    let (target, failed) = (&args.target, failed(&args.case));
    let import = derive_pm2::import(&text, target.srs, &target.parties());
    let import = import.and_then(|import| target.completed(import)).map_err(failed)?;
    write(import, &args.case, target, session)
}

fn haircuts(args: &HaircutsArgs, session: &Session) -> Result<Answer, Error> {
    let text = files::read_text(&args.file)?;
    let (file, mut notes) = (args.file.display().to_string(), Vec::new());
    let tokens =
        haircuts::read(&file, &text, (args.ladder.into(), args.ladder_in.into()), &args.table.dialect(), &mut notes)?;
    session.progress.notes(&notes);
    let failed = failed(&args.file);
    let tokens = haircuts::choose(tokens, &args.tokens).map_err(|problems| failed(ForeignError::Rules(problems)))?;
    session.progress.note(&format!("compiling both levels for {} tokens", tokens.len()));
    let (target, at) = (&args.target, args.at.unwrap_or(session.now));
    let import = haircuts::import(&tokens, at, target.srs, &target.parties());
    let import = import.and_then(|import| target.completed(import)).map_err(failed)?;
    write(import, &args.file, target, session)
}

fn write(import: Import, from: &Path, target: &Target, session: &Session) -> Result<Answer, Error> {
    let imported = Imported::new(import, from, &target.parties());
    let layout = Layout::new(&target.out);
    let paths = imported.write(&layout, target.force.existing())?;
    if imported.has_placeholders() {
        session.progress.warn(PLACEHOLDERS);
    }
    let Import { universe, policy, snapshot, holdings } = imported.import();
    let k = universe.capacity.k();
    let data = json!({
        "directory": target.out,
        "files": paths,
        "universe": universe.name,
        "policy": policy.name,
        "srs": universe.srs,
        "k": k,
        "instruments": universe.instruments.len(),
        "market": policy.market.len(),
        "time": snapshot.time,
        "holdings": holdings.is_some(),
        "placeholders": imported.has_placeholders(),
    });
    let mut text: String = paths.iter().map(|path| format!("{}\n", path.display())).collect();
    let (instruments, prices) = (universe.instruments.len(), policy.market.len());
    text += &format!("{}, {}, k = {k}\n", counted(instruments, "instrument"), counted(prices, "price"));
    if imported.has_placeholders() {
        text += &format!("{PLACEHOLDERS}\n");
    }
    Answer::new(data, text)
}

const PLACEHOLDERS: &str = "PLACEHOLDERS: nobody has the keys of this policy's oracle nodes or source, so that it can \
     be \
                            explained and compiled but nothing proven; give --node and --source";

fn positions(args: &PositionsArgs, session: &Session) -> Result<Answer, Error> {
    let universe: Universe = documents::read(&args.universe)?;
    let text = files::read_text(&args.positions)?;
    let (file, mut notes) = (args.positions.display().to_string(), Vec::new());
    let Book { holdings, .. } = positions::read(&file, &text, &universe, &args.reading.reading(), &mut notes)?;
    session.progress.notes(&notes);
    let out = match &args.out {
        // Somebody's own directory is left as it is: the file is private anyway.
        Some(out) => out.clone(),
        None => {
            let layout = Layout::new(directory_of(&args.universe));
            files::create_private_directory(&layout.private())?;
            layout.holdings()
        }
    };
    files::write(&out, holdings.to_csv(&universe).as_bytes(), files::Access::Secret, args.force.existing())?;
    let data =
        json!({ "file": out, "universe": universe.name, "instruments": holdings.balances.len(), "notes": notes });
    Answer::new(
        data,
        format!("{} of {}: {}", counted(holdings.balances.len(), "instrument"), universe.name, out.display()),
    )
}

fn failed(path: &Path) -> impl Fn(ForeignError) -> Error {
    let file = path.display().to_string();
    move |error| ForeignFile { file: file.clone(), error }.into()
}

fn name(text: &str) -> Result<Name, String> {
    Name::new(text)
}
