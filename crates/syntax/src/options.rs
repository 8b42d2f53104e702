//! What a text may hold beside SQL.

use crate::span::Span;

/// The dialect of a text. The default takes in what real migrations hold: psql commands, COPY data and template tags.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Options {
    /// Backslash commands are masked, and `\g`, `\gexec` and the like end a statement.
    pub psql: bool,
    /// The lines behind COPY ... FROM stdin up to `\.` are data.
    pub copy_data: bool,
    pub templates: Templates,
    /// Off: backslashes escape in plain strings.
    pub standard_conforming_strings: bool,
    /// Only this part of the text is read; spans still count from the beginning of the text.
    pub range: Option<Span>,
}

/// Which placeholders are masked. Inside strings and comments none is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Templates {
    /// `${x}`, `#{x}`, `%(x)s`, `$evolutions{{{x}}}`.
    pub braces: bool,
    /// `{{ x }}`, `{x}`, `{% x %}`, `{# x #}`.
    pub mustache: bool,
    /// `:x`, `:'x'`, `:"x"`.
    pub colon: bool,
    /// `@x@`.
    pub at: bool,
    /// `<%= x %>`.
    pub erb: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            psql: true,
            copy_data: true,
            templates: Templates { braces: true, mustache: true, colon: true, at: true, erb: true },
            standard_conforming_strings: true,
            range: None,
        }
    }
}

impl Options {
    /// Plain SQL: what a PostgreSQL server is sent.
    #[must_use]
    pub fn plain() -> Self {
        Self {
            psql: false,
            copy_data: false,
            templates: Templates { braces: false, mustache: false, colon: false, at: false, erb: false },
            standard_conforming_strings: true,
            range: None,
        }
    }
}
