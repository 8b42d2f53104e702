//! The command `safestep`: reads arguments, calls the engine, prints, exits. Nothing else in the house prints or exits.

#![allow(clippy::exit, reason = "the exit code is the contract of a command line tool")]

mod arguments;
mod commands;
mod output;

use clap::Parser;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Nothing to report.
const CLEAN: i32 = 0;
/// Findings at or above `--fail-on`.
const FINDINGS: i32 = 1;
/// The command could not do its work: usage, unreadable files, a failed write.
const FAILURE: i32 = 2;

fn main() {
    let arguments = arguments::Arguments::parse();
    // What the engine returns holds trees as deep as the statements; they are dropped here.
    let thread = std::thread::Builder::new().stack_size(engine::STACK);
    let done = thread.spawn(|| commands::run(arguments)).map(std::thread::JoinHandle::join);
    let result = match done {
        Ok(Ok(result)) => result,
        Ok(Err(_)) => Err("stopped by an error of its own, which is told above; please report it".to_owned()),
        Err(error) => Err(format!("a thread cannot be started: {error}")),
    };
    let code = match result {
        Ok(code) => code,
        Err(message) => {
            output::complain(&message);
            FAILURE
        }
    };
    std::process::exit(code);
}
