//! Nobody knows what runs it: standard input, or signs of several tools. What would fail in a transaction is reported as
//! such, and nothing is rewritten.

use model::runner::{Messages, Runner, RunnerTransaction};

use crate::migration::Templates;
use crate::tool::{Evidence, Reading, Settings, Source, Tool};
use crate::tools::{no_settings, plain};

pub(super) static TOOL: Tool = Tool {
    name: "unknown",
    label: "an unknown tool",
    evidence: Evidence { signature: |_| false, always_signed: false, files: &[], dependencies: &[], by_name: false },
    settings: no_settings,
    place: plain::place,
    recursive: false,
    read,
};

fn read(source: &Source, _: &Settings) -> Reading {
    let runner = Runner {
        name: "an unknown tool",
        transaction: RunnerTransaction::Unknown,
        messages: Messages::Each,
        opt_out: None,
        opted_out: false,
        resets_session: false,
    };
    let templates = Templates { dollar_brace: true, psql: true };
    Reading { units: plain::whole_files(source, &runner, templates), problems: Vec::new() }
}
