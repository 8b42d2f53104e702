//! The command `safestep`: reads arguments, calls the engine, prints, exits. Nothing else in the house prints or exits.

#![allow(clippy::exit, reason = "the exit code is the contract of a command line tool")]

mod arguments;
mod commands;
mod output;

use clap::Parser;

/// Nothing to report.
const CLEAN: i32 = 0;
/// Findings at or above `--fail-on`.
const FINDINGS: i32 = 1;
/// The command could not do its work: usage, unreadable files, a failed write.
const FAILURE: i32 = 2;

fn main() {
    let arguments = arguments::Arguments::parse();
    let code = match commands::run(arguments) {
        Ok(code) => code,
        Err(message) => {
            output::complain(&message);
            FAILURE
        }
    };
    std::process::exit(code);
}
