//! Files to ordered migrations, plans to files, configuration, git.
//!
//! Invariants: the only crate that reads or writes files and calls git; it knows no rule, and it judges nothing. Paths are
//! absolute and clean inside. Everything is read through [`files::Files`], so that unsaved text and the files of a rewrite
//! not yet written are read like any other. What the disk holds never makes it panic.

pub mod config;
pub mod emit;
pub mod error;
pub mod files;
pub mod git;
pub mod load;
pub mod migration;
pub mod tool;
pub mod write;

mod detect;
mod lines;
mod tools;

#[cfg(test)]
mod testing;
