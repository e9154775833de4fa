//! `surety run`

mod demo;
mod local;

use std::{io, path::PathBuf, sync::Arc, thread};

use serde_json::json;
use surety_core::failure::Internal;
use surety_host::documents;
use surety_service::{configuration::Configuration, roles::World, run::Service};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use crate::{Session, error::Error, inputs::setups, output::Answer};

#[derive(clap::Args)]
pub(crate) struct Args {
    /// The configuration: roles, state and what is served
    #[arg(long, default_value = "surety.toml", value_name = "FILE")]
    config: PathBuf,
    /// Run all parties of the example on this machine, from a directory that is written unless it is there; on a chain
    /// with a keeper, too, if Anvil is on PATH
    #[arg(long, value_name = "DIR", num_args = 0..=1, default_missing_value = "surety-demo", conflicts_with = "config")]
    demo: Option<PathBuf>,
    /// Read the configuration and all that it names, and stop
    #[arg(long)]
    check: bool,
    /// Write the log in JSON, one object a line
    #[arg(long)]
    log_json: bool,
}

pub(crate) fn run(args: &Args, session: &Session) -> Result<Answer, Error> {
    // A chain lives as long as the process.
    let (config, _chain) = match &args.demo {
        Some(directory) => demo::prepare(directory, session)?,
        None => (args.config.clone(), None),
    };
    let configuration: Configuration = documents::read(&config)?;
    let directory = config.parent().map(PathBuf::from).unwrap_or_default();
    let roles = configuration.roles();
    log(args.log_json, session.progress.is_quiet());
    let service = Service::new(configuration.in_directory(&directory), setups()?)?;
    let address = service.address();
    let data = json!({ "roles": roles, "address": address });
    if args.check {
        return Answer::new(data, format!("{} can run: {}", config.display(), roles.join(", ")));
    }
    if let Some(address) = address {
        tracing::info!("serving {address}");
        if args.demo.is_some() {
            tracing::info!("look at http://{address}/v1/holders/fund/levels/maintenance/latest and report.html");
        }
    }
    stop_on_signals(service.world())?;
    service.run()?;
    Answer::new(data, "stopped")
}

/// The log goes to stderr. `RUST_LOG` says how much of it.
fn log(json: bool, quiet: bool) {
    let level = if quiet { "surety_service=warn" } else { "surety_service=info,surety=info" };
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(level));
    let log = tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).with_ansi(false);
    // Somebody else's subscriber stays.
    let _ = if json { log.json().try_init() } else { log.with_target(false).try_init() };
}

/// SIGTERM and SIGINT end the process once what is begun has been finished.
fn stop_on_signals(world: &Arc<World>) -> Result<(), Error> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| Internal(error.to_string()))?;
    let failed = |error: io::Error| Error::from(Internal(error.to_string()));
    let entered = runtime.enter();
    let (mut terminate, mut interrupt) =
        (signal(SignalKind::terminate()).map_err(failed)?, signal(SignalKind::interrupt()).map_err(failed)?);
    drop(entered);
    let world = Arc::clone(world);
    thread::spawn(move || {
        runtime.block_on(async {
            tokio::select! { _ = terminate.recv() => {}, _ = interrupt.recv() => {} }
        });
        tracing::info!("stopping");
        world.stop.stop();
    });
    Ok(())
}
