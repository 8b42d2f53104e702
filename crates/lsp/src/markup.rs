//! Texts in the markup that the client asks for. They are written in Markdown.

use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};
use tower_lsp::ls_types::{MarkupContent, MarkupKind};

/// Whether a client would rather have no Markdown: the kinds stand in its order of preference. One that says nothing shows
/// Markdown, as in the first versions of the protocol.
pub fn is_plain(kinds: Option<&[MarkupKind]>) -> bool {
    kinds.and_then(<[_]>::first) == Some(&MarkupKind::PlainText)
}

pub fn content(is_plain: bool, markdown: String) -> MarkupContent {
    match is_plain {
        true => MarkupContent { kind: MarkupKind::PlainText, value: plain(&markdown) },
        false => MarkupContent { kind: MarkupKind::Markdown, value: markdown },
    }
}

/// Cells of a table are parted by tabs; a link's address stands behind its text.
fn plain(markdown: &str) -> String {
    let mut text = String::with_capacity(markdown.len());
    let mut address = None;
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        match event {
            Event::Text(piece) | Event::Code(piece) => text.push_str(&piece),
            Event::SoftBreak | Event::HardBreak => text.push('\n'),
            Event::Start(Tag::Item) => {
                if !text.is_empty() && !text.ends_with('\n') {
                    text.push('\n');
                }
                text.push_str("- ");
            }
            Event::Start(Tag::Link { dest_url, .. }) => address = Some(dest_url),
            Event::End(TagEnd::Link) => {
                let address = address.take().map(|address| format!(" ({address})"));
                text.push_str(&address.unwrap_or_default());
            }
            Event::End(TagEnd::TableCell) => text.push('\t'),
            Event::End(TagEnd::TableHead | TagEnd::TableRow) => {
                text.truncate(text.trim_end_matches('\t').len());
                text.push('\n');
            }
            Event::End(TagEnd::Item) if !text.ends_with('\n') => text.push('\n'),
            Event::End(TagEnd::Paragraph | TagEnd::Heading(_)) => text.push_str("\n\n"),
            Event::End(TagEnd::List(_) | TagEnd::CodeBlock | TagEnd::Table) => text.push('\n'),
            _ => {}
        }
    }
    text.truncate(text.trim_end().len());
    text
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn plain_text_keeps_all_words() {
        let markdown = "Runs **alone**, in `ROLLBACK`\nof [goose](https://x.y/z).\n\n- **locks** a_b\n- two\n\n| others want | as for |\n| --- | --- |\n| `SHARE` | CREATE INDEX |\n\n```sql\nSELECT 1;\n```\n\nEnd.\n";
        expect![[r#"
            Runs alone, in ROLLBACK
            of goose (https://x.y/z).

            - locks a_b
            - two

            others want	as for
            SHARE	CREATE INDEX

            SELECT 1;

            End."#]]
        .assert_eq(&plain(markdown));
    }
}
