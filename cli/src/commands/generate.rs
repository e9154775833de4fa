//! `surety completions` and `surety man`

use std::path::PathBuf;

use clap_complete::Shell;
use serde_json::json;
use surety_core::failure::Internal;
use surety_host::files::{self, Access, Existing};

use crate::{error::Error, output::Answer};

#[derive(clap::Args)]
pub(crate) struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

#[derive(clap::Args)]
pub(crate) struct ManArgs {
    /// Directory for one page per command [default: write the overview to stdout]
    #[arg(value_name = "DIR")]
    directory: Option<PathBuf>,
}

pub(crate) fn completions(args: &CompletionsArgs, mut command: clap::Command) -> Result<Answer, Error> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut command, "surety", &mut script);
    text_answer("script", script)
}

pub(crate) fn man(args: &ManArgs, mut command: clap::Command) -> Result<Answer, Error> {
    command.build();
    let Some(directory) = &args.directory else {
        return text_answer("page", page(&command)?);
    };
    files::create_directory(directory)?;
    let mut pages = Vec::new();
    let mut rest = vec![command];
    while let Some(command) = rest.pop() {
        let name = command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned();
        let path = directory.join(format!("{name}.1"));
        files::write(&path, &page(&command)?, Access::Public, Existing::Replace)?;
        pages.push(path);
        rest.extend(command.get_subcommands().filter(|command| command.get_name() != "help").cloned());
    }
    pages.sort();
    let text: String = pages.iter().map(|path| format!("{}\n", path.display())).collect();
    Answer::new(json!({ "pages": pages }), text)
}

fn page(command: &clap::Command) -> Result<Vec<u8>, Error> {
    let mut page = Vec::new();
    let rendered = clap_mangen::Man::new(command.clone()).render(&mut page);
    rendered.map_err(|error| Error::from(Internal(error.to_string())))?;
    Ok(page)
}

fn text_answer(key: &str, bytes: Vec<u8>) -> Result<Answer, Error> {
    let text = String::from_utf8(bytes).map_err(|error| Error::from(Internal(error.to_string())))?;
    Answer::new(json!({ key: text }), &text)
}
