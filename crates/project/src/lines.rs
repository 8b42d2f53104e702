//! Lines with their places.

use std::ops::Range;

/// One line of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Without line ending (`\n` or `\r\n`) and, on the first line, without byte-order mark.
    pub text: &'a str,
    pub range: Range<usize>,
    /// Where the next line begins.
    pub next: usize,
}

pub(crate) fn lines(text: &str) -> impl Iterator<Item = Line<'_>> {
    let mut start = 0;
    text.split_inclusive('\n').map(move |whole| {
        let from = if start == 0 && whole.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
        let content = whole.strip_suffix('\n').unwrap_or(whole);
        let content = content.strip_suffix('\r').unwrap_or(content);
        let line = Line {
            text: &content[from.min(content.len())..],
            range: start + from.min(content.len())..start + content.len(),
            next: start + whole.len(),
        };
        start = line.next;
        line
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_knows_its_place_whatever_its_ending() {
        let text = "\u{feff}a\r\nb\n\nc";
        let drawn: Vec<_> = lines(text).map(|line| (line.text, &text[line.range.clone()], line.next)).collect();
        assert_eq!(drawn, [("a", "a", 6), ("b", "b", 8), ("", "", 9), ("c", "c", 10)]);
    }
}
