//! Failures with a place and a way out.

use std::fmt;
use std::path::{Path, PathBuf};

use syntax::Span;

/// Why something could not be read, understood or written, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    pub path: PathBuf,
    pub position: Option<Position>,
    /// A whole sentence without final full stop.
    pub message: String,
}

/// A place in a text file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub span: Span,
    /// From 1.
    pub line: usize,
    /// From 1, in Unicode scalar values.
    pub column: usize,
}

impl Error {
    pub fn new(path: &Path, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), position: None, message: message.into() }
    }

    pub fn at(path: &Path, text: &str, span: Span, message: impl Into<String>) -> Self {
        Self { path: path.to_owned(), position: Some(Position::new(text, span)), message: message.into() }
    }
}

impl Position {
    #[must_use]
    pub fn new(text: &str, span: Span) -> Self {
        let before = text.get(..span.start as usize).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            span,
            line: before.matches('\n').count() + 1,
            column: before[line_start..].trim_start_matches('\u{feff}').chars().count() + 1,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.path.display())?;
        if let Some(position) = self.position {
            write!(f, ":{}:{}", position.line, position.column)?;
        }
        write!(f, ": {}", self.message)
    }
}

impl std::error::Error for Error {}
