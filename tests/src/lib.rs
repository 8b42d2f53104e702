//! Support for the workspace tests: real servers, fixtures, the built binary.

// Support code fails by panicking, as the tests it serves do.
#![allow(clippy::unwrap_used, clippy::missing_panics_doc)]

pub mod catalog;
pub mod editor;
pub mod generated;
pub mod observe;
pub mod run;
pub mod servers;
pub mod tools;
pub mod watch;
