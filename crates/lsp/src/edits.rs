//! The changes that an editor tells, made in our copy of the text.

use std::sync::Arc;

use diagnostics::Source;
use tower_lsp::ls_types::TextDocumentContentChangeEvent;

use crate::convert::Encoding;

/// The text after some changes, one after the other. A place behind the text is its end.
pub fn apply(text: &Arc<str>, encoding: Encoding, changes: Vec<TextDocumentContentChangeEvent>) -> Arc<str> {
    // Nothing before a whole text matters.
    let whole = changes.iter().rposition(|change| change.range.is_none());
    let mut text = Arc::clone(text);
    for change in changes.into_iter().skip(whole.unwrap_or(0)) {
        let Some(range) = change.range else {
            text = change.text.into();
            continue;
        };
        let source = Source::new(Arc::clone(&text));
        let start = encoding.offset(&source, range.start) as usize;
        let end = (encoding.offset(&source, range.end) as usize).max(start);
        text = [&text[..start], &change.text, &text[end..]].concat().into();
    }
    text
}

#[cfg(test)]
mod tests {
    use tower_lsp::ls_types::{Position, Range};

    use super::*;

    fn applied(text: &str, changes: &[(Option<[u32; 4]>, &str)]) -> String {
        let changes = changes.iter().map(|(range, text)| TextDocumentContentChangeEvent {
            range: range.map(|[a, b, c, d]| Range::new(Position::new(a, b), Position::new(c, d))),
            range_length: None,
            text: (*text).to_owned(),
        });
        apply(&text.into(), Encoding::Utf16, changes.collect()).to_string()
    }

    #[test]
    fn changes_are_made_in_order() {
        assert_eq!(applied("a\nb\n", &[(Some([1, 0, 1, 1]), "xyz"), (Some([1, 1, 1, 2]), "")]), "a\nxz\n");
        assert_eq!(applied("old", &[(Some([0, 0, 9, 9]), "gone"), (None, "new"), (Some([0, 3, 0, 3]), "er")]), "newer");
        assert_eq!(applied("😀é\r\nß", &[(Some([0, 2, 0, 3]), "e"), (Some([1, 1, 1, 1]), "!")]), "😀e\r\nß!");
        assert_eq!(applied("", &[(Some([0, 0, 0, 0]), "first")]), "first");
    }

    #[test]
    fn places_outside_of_the_text_do_no_harm() {
        assert_eq!(applied("ab", &[(Some([0, 9, 7, 7]), "c")]), "abc");
        assert_eq!(applied("ab\ncd", &[(Some([1, 1, 0, 1]), "x")]), "ab\ncxd");
        // Inside of a pair of surrogates.
        assert_eq!(applied("😀", &[(Some([0, 1, 0, 1]), "x")]), "x😀");
    }
}
