//! Byte offsets to the places that the client counts, and texts to edits.

use diagnostics::Source;
use tower_lsp::ls_types::{Position, PositionEncodingKind, Range, TextEdit};

/// What the client counts columns in.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    Utf32,
    /// What every client counts in unless something else was agreed.
    #[default]
    Utf16,
}

impl Encoding {
    /// The first of UTF-8, UTF-32 and UTF-16 that the client offers.
    pub fn agree(offered: Option<&[PositionEncodingKind]>) -> Self {
        let offers = |encoding: Self| offered.is_some_and(|offered| offered.contains(&encoding.kind()));
        [Self::Utf8, Self::Utf32].into_iter().find(|encoding| offers(*encoding)).unwrap_or_default()
    }

    pub fn kind(self) -> PositionEncodingKind {
        match self {
            Self::Utf8 => PositionEncodingKind::UTF8,
            Self::Utf32 => PositionEncodingKind::UTF32,
            Self::Utf16 => PositionEncodingKind::UTF16,
        }
    }

    pub fn position(self, source: &Source, offset: u32) -> Position {
        let (line, column) = match self {
            Self::Utf8 => source.utf8(offset),
            Self::Utf16 => source.utf16(offset),
            Self::Utf32 => {
                let position = source.position(offset);
                (position.line - 1, position.column - 1)
            }
        };
        Position::new(line, column)
    }

    pub fn range(self, source: &Source, start: u32, end: u32) -> Range {
        Range::new(self.position(source, start), self.position(source, end))
    }

    /// A place behind its line is the end of the line.
    pub fn offset(self, source: &Source, position: Position) -> u32 {
        let Position { line, character } = position;
        match self {
            Self::Utf8 => source.offset_of_utf8(line, character),
            Self::Utf16 => source.offset_of_utf16(line, character),
            Self::Utf32 => {
                let text = &source.text()[source.line(line)];
                let column = text.char_indices().nth(character as usize).map_or(text.len(), |(at, _)| at);
                source.offset_of_utf8(line, u32::try_from(column).unwrap_or(u32::MAX))
            }
        }
    }

    /// One edit that turns the source into another text and leaves what both begin and end with.
    pub fn rewrite(self, source: &Source, new: &str) -> TextEdit {
        let old = source.text();
        let alike = |pair: &(char, char)| pair.0 == pair.1;
        let prefix = old.chars().zip(new.chars()).take_while(alike).map(|(char, _)| char.len_utf8()).sum::<usize>();
        // A line end is replaced as a whole or not at all: editors know no place inside it.
        let prefix = old[..prefix].trim_end_matches('\r').len();
        let ends = old[prefix..].chars().rev().zip(new[prefix..].chars().rev());
        let mut suffix = ends.take_while(alike).map(|(char, _)| char.len_utf8()).sum::<usize>();
        let splits =
            |text: &str| text[..text.len() - suffix].ends_with('\r') && text[text.len() - suffix..].starts_with('\n');
        if splits(old) || splits(new) {
            suffix -= 1;
        }
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        let range = self.range(source, offset(prefix), offset(old.len() - suffix));
        TextEdit::new(range, new[prefix..new.len() - suffix].to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_is_asked_for_utf8_first() {
        let agree = |names: &[&'static str]| {
            let kinds: Vec<_> = names.iter().map(|name| PositionEncodingKind::new(name)).collect();
            Encoding::agree(Some(&kinds))
        };
        assert_eq!(Encoding::agree(None), Encoding::Utf16);
        assert_eq!(agree(&["utf-16", "utf-8"]), Encoding::Utf8);
        assert_eq!(agree(&["utf-16", "utf-32"]), Encoding::Utf32);
        assert_eq!(agree(&["utf-7"]), Encoding::Utf16);
    }

    #[test]
    fn places_come_back_in_every_encoding() {
        let source = Source::new("é😀x;\r\nß 😀😀y".into());
        for encoding in [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32] {
            for (offset, _) in source.text().char_indices().filter(|(_, char)| *char != '\n') {
                let offset = u32::try_from(offset).expect("small");
                assert_eq!(encoding.offset(&source, encoding.position(&source, offset)), offset, "{encoding:?}");
            }
            assert_eq!(encoding.offset(&source, Position::new(0, 99)), 8, "before the line end");
        }
        let columns = [Encoding::Utf8, Encoding::Utf16, Encoding::Utf32].map(|it| it.position(&source, 6).character);
        assert_eq!(columns, [6, 3, 2]);
    }

    #[test]
    fn a_rewrite_leaves_alone_what_stays() {
        let edit = |old: &str, new: &str| {
            let edit = Encoding::Utf16.rewrite(&Source::new(old.into()), new);
            let Range { start, end } = edit.range;
            (start.line, start.character, end.line, end.character, edit.new_text)
        };
        assert_eq!(edit("a;\nb;\n", "a;\nnew;\nb;\n"), (1, 0, 1, 0, "new;\n".to_owned()));
        assert_eq!(edit("a\r\nb", "a\nb"), (0, 1, 1, 0, "\n".to_owned()));
        assert_eq!(edit("😀a", "😀b"), (0, 2, 0, 3, "b".to_owned()));
        assert_eq!(edit("same", "same"), (0, 4, 0, 4, String::new()));
    }
}
