//! File texts, and byte offsets to lines and columns.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use crate::draw::path_name;
use line_index::{LineCol, LineIndex, TextSize, WideEncoding, WideLineCol};

/// The texts that findings point into.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: BTreeMap<PathBuf, Source>,
    /// Where relative paths start, seen from the root of the repository: what reads a report there knows no other directory.
    pub directory: PathBuf,
}

impl Sources {
    pub fn insert(&mut self, path: PathBuf, text: Arc<str>) {
        self.files.insert(path, Source::new(text));
    }

    #[must_use]
    pub fn get(&self, path: &Path) -> Option<&Source> {
        self.files.get(path)
    }

    /// A path as the root of the repository sees it.
    pub(crate) fn path_name(&self, path: &Path) -> String {
        path_name(&self.directory.join(path))
    }
}

/// One text with its lines, which are counted when first asked for. Lines end at `\n`.
#[derive(Clone, Debug)]
pub struct Source {
    text: Arc<str>,
    lines: OnceLock<LineIndex>,
}

/// A place as a reader counts: line and column from 1, the column in Unicode scalar values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    pub byte: u32,
    pub line: u32,
    pub column: u32,
}

impl Source {
    /// Texts above 4 GiB are refused where they are read.
    #[must_use]
    pub fn new(text: Arc<str>) -> Self {
        Self { text, lines: OnceLock::new() }
    }

    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The place of an offset. One past the end is the end; one inside a character is its beginning.
    #[must_use]
    pub fn position(&self, offset: u32) -> Position {
        let (byte, at) = self.line_col(offset);
        let wide = self.lines().to_wide(WideEncoding::Utf32, at).map_or(at.col, |wide| wide.col);
        Position { byte, line: at.line + 1, column: wide + 1 }
    }

    /// Line and column from 0, the column in UTF-16 code units, as editors count by default.
    #[must_use]
    pub fn utf16(&self, offset: u32) -> (u32, u32) {
        let (_, at) = self.line_col(offset);
        (at.line, self.lines().to_wide(WideEncoding::Utf16, at).map_or(at.col, |wide| wide.col))
    }

    /// Line and column from 0, the column in bytes.
    #[must_use]
    pub fn utf8(&self, offset: u32) -> (u32, u32) {
        let (_, at) = self.line_col(offset);
        (at.line, at.col)
    }

    /// The offset of a place counted in UTF-16 from 0. A place behind its line is the end of the line.
    #[must_use]
    pub fn offset_of_utf16(&self, line: u32, column: u32) -> u32 {
        let at = self.lines().to_utf8(WideEncoding::Utf16, WideLineCol { line, col: column });
        self.offset(line, at.map_or(u32::MAX, |at| at.col))
    }

    /// The offset of a place counted in bytes from 0. A place behind its line is the end of the line.
    #[must_use]
    pub fn offset_of_utf8(&self, line: u32, column: u32) -> u32 {
        self.offset(line, column)
    }

    /// The bytes of a line, counted from 0, without its end; empty at the end of the text when there is no such line.
    #[must_use]
    pub fn line(&self, line: u32) -> Range<usize> {
        let Some(range) = self.lines().line(line) else { return self.text.len()..self.text.len() };
        let range: Range<usize> = range.into();
        let text = &self.text[range.clone()];
        let text = text.strip_suffix('\n').unwrap_or(text);
        let text = text.strip_suffix('\r').unwrap_or(text);
        range.start..range.start + text.len()
    }

    fn offset(&self, line: u32, column: u32) -> u32 {
        let range = self.line(line);
        let offset = range.start.saturating_add(column as usize).min(range.end);
        u32::try_from(floor(&self.text, offset)).unwrap_or(u32::MAX)
    }

    fn line_col(&self, offset: u32) -> (u32, LineCol) {
        let offset = floor(&self.text, offset as usize);
        let byte = u32::try_from(offset).unwrap_or(u32::MAX);
        (byte, self.lines().line_col(TextSize::new(byte)))
    }

    fn lines(&self) -> &LineIndex {
        self.lines.get_or_init(|| LineIndex::new(&self.text))
    }
}

/// The nearest character boundary at or before an offset.
pub(crate) fn floor(text: &str, offset: usize) -> usize {
    let end = offset.min(text.len());
    (0..=end).rev().find(|&at| text.is_char_boundary(at)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Source;

    fn source(text: &str) -> Source {
        Source::new(text.into())
    }

    #[test]
    fn columns_count_scalar_values_and_utf16_units() {
        let s = source("a\u{1F600}ß;\r\nb");
        let places = |offset| (s.position(offset).line, s.position(offset).column, s.utf16(offset), s.utf8(offset));
        assert_eq!(places(0), (1, 1, (0, 0), (0, 0)));
        assert_eq!(places(5), (1, 3, (0, 3), (0, 5)));
        assert_eq!(places(3), places(1), "inside a character is its beginning");
        assert_eq!(places(10), (2, 1, (1, 0), (1, 0)));
        assert_eq!(places(99), places(11), "behind the end is the end");
    }

    #[test]
    fn places_come_back_as_offsets() {
        let s = source("a\u{1F600}ß;\r\nb\n");
        for offset in [0, 1, 5, 7, 8, 10, 11, 12] {
            let (line, column) = s.utf16(offset);
            assert_eq!(s.offset_of_utf16(line, column), offset);
            let (line, column) = s.utf8(offset);
            assert_eq!(s.offset_of_utf8(line, column), offset);
        }
        assert_eq!(s.offset_of_utf16(0, 99), 8, "the end of the line, before CRLF");
        assert_eq!(s.offset_of_utf16(99, 0), 12, "the end of the text");
    }

    #[test]
    fn empty_text_has_one_line() {
        let s = source("");
        assert_eq!((s.position(0).line, s.position(0).column), (1, 1));
        assert_eq!(s.line(0), 0..0);
        assert_eq!(s.line(1), 0..0);
    }
}
