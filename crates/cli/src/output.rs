//! Standard output and error, with a closed pipe taken for what it is: the reader has seen enough.

use std::io::{ErrorKind, IsTerminal, Write};
use std::path::Path;

use diagnostics::Style;

use crate::arguments::Color;

/// Prints a whole text. A reader that went away (`| head`) is no failure.
pub fn print(text: &str) -> Result<(), String> {
    let mut out = std::io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(format!("cannot write to standard output: {error}")),
        _ => Ok(()),
    }
}

/// Adds a text to a file that others may have begun.
pub fn append(path: &Path, text: &str) -> Result<(), String> {
    let file = std::fs::OpenOptions::new().append(true).create(true).open(path);
    file.and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(|error| format!("{}: cannot be written: {error}", path.display()))
}

/// Says why the command failed.
pub fn complain(message: &str) {
    // When standard error is closed as well there is nobody left to tell.
    let _ = writeln!(std::io::stderr().lock(), "safestep: {message}");
}

/// How to draw for whoever reads standard output.
pub fn style(color: Color) -> Style {
    let terminal = std::io::stdout().is_terminal();
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty());
    let color = match color {
        Color::Always => true,
        Color::Never => false,
        // https://no-color.org, and the convention of CLICOLOR_FORCE.
        Color::Auto => {
            variable("CLICOLOR_FORCE").is_some_and(|value| value != "0")
                || terminal && variable("NO_COLOR").is_none() && std::env::var("TERM").as_deref() != Ok("dumb")
        }
    };
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].iter().find_map(|name| variable(name));
    let unicode = locale.is_none_or(|locale| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    });
    let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok()).filter(|width| *width >= 40);
    Style { color, unicode, width: width.unwrap_or(if terminal { 100 } else { 120 }) }
}
