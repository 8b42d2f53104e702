//! Stands in for the real `bindgen` while pg_query is built.
//!
//! pg_query's build script runs bindgen, which needs libclang; a fresh machine with Rust and a C compiler has none. The
//! workspace patches bindgen with this crate, which writes bindings generated once from the `pg_query.h` of pg_query 18.1.
//! After an upgrade of pg_query they must be generated again (see CONTRIBUTING.md); a header with another version fails the
//! build here rather than at run time.

use std::io::{Error, Result};
use std::path::Path;

const BINDINGS: &str = include_str!("pg_query_18.1.rs");
/// The line of `pg_query.h` that the committed bindings were generated from.
const VERSION_LINE: &str = "#define PG_VERSION_NUM 180006";

#[derive(Default)]
pub struct Builder {
    header: String,
}

impl Builder {
    #[must_use]
    pub fn header(mut self, path: &str) -> Self {
        self.header = path.to_owned();
        self
    }

    /// # Errors
    /// When the header cannot be read or is not the one the bindings were generated from.
    pub fn generate(self) -> Result<Bindings> {
        let header = std::fs::read_to_string(&self.header)?;
        if !header.contains(VERSION_LINE) {
            return Err(Error::other(format!("{} lacks `{VERSION_LINE}`: generate the bindings again", self.header)));
        }
        Ok(Bindings)
    }
}

pub struct Bindings;

impl Bindings {
    /// # Errors
    /// When the file cannot be written.
    pub fn write_to_file(&self, path: impl AsRef<Path>) -> Result<()> {
        std::fs::write(path, BINDINGS)
    }
}
