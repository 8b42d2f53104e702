//! Names for findings that survive edits elsewhere in the file.

use std::collections::HashMap;
use std::path::Path;

use sha2::{Digest, Sha256};

/// Gives each finding of a run its fingerprint. The findings of a file must come in file order.
///
/// A fingerprint depends on the rule, the path, the statement's text without comments, layout and the case of its words,
/// and on how many equal findings came before. So it stays when lines move, and a baseline keeps its meaning.
#[derive(Debug, Default)]
pub struct Fingerprints<'a> {
    seen: HashMap<[u8; 32], u32>,
    /// Many findings point into one statement, which may be long.
    last: Option<(&'a str, [u8; 32])>,
}

impl<'a> Fingerprints<'a> {
    /// 32 hexadecimal digits.
    pub fn next(&mut self, rule: &str, path: &Path, statement: &'a str) -> String {
        let text = match self.last {
            Some((last, digest)) if std::ptr::eq(last, statement) => digest,
            Some(_) | None => Sha256::digest(normalise(statement)).into(),
        };
        self.last = Some((statement, text));

        let mut hash = Sha256::new();
        hash.update(rule);
        for part in path {
            hash.update([0]);
            hash.update(part.as_encoded_bytes());
        }
        hash.update([0, 0]);
        hash.update(text);
        let occurrence = self.seen.entry(hash.clone().finalize().into()).or_default();
        hash.update(occurrence.to_le_bytes());
        *occurrence += 1;
        hash.finalize()[..16].iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// Words in lower case with one space between, no comments; what is quoted stays.
fn normalise(sql: &str) -> String {
    let mut out = String::with_capacity(sql.len());
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let blank = blank_prefix(rest);
        if blank > 0 {
            if !out.ends_with(' ') {
                out.push(' ');
            }
            rest = &rest[blank..];
            continue;
        }
        let quoted = quoted_prefix(rest);
        if quoted > 0 {
            out.push_str(&rest[..quoted]);
            rest = &rest[quoted..];
        } else {
            out.extend(first.to_lowercase());
            rest = &rest[first.len_utf8()..];
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// The length of the white space or comment that the text begins with.
fn blank_prefix(text: &str) -> usize {
    if text.starts_with("--") {
        return text.find('\n').unwrap_or(text.len());
    }
    if !text.starts_with("/*") {
        return text.len() - text.trim_start().len();
    }
    let (mut depth, mut at) = (0, 0);
    loop {
        match text.as_bytes().get(at..at + 2) {
            Some(b"/*") => (depth, at) = (depth + 1, at + 2),
            Some(b"*/") => (depth, at) = (depth - 1, at + 2),
            Some(_) => at += 1,
            None => return text.len(),
        }
        if depth == 0 {
            return at;
        }
    }
}

/// The length of the string, quoted name or dollar-quoted body that the text begins with.
fn quoted_prefix(text: &str) -> usize {
    let end = |open: usize, close: &str| text[open..].find(close).map_or(text.len(), |at| open + at + close.len());
    match text.as_bytes()[0] {
        b'\'' => end(1, "'"),
        b'"' => end(1, "\""),
        b'$' => {
            let tag = text[1..].find(|c: char| !c.is_alphanumeric() && c != '_').map_or(text.len(), |at| at + 1);
            if text[tag..].starts_with('$') { end(tag + 1, &text[..=tag]) } else { 0 }
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use expect_test::expect;

    use super::{Fingerprints, normalise};

    #[test]
    fn layout_comments_and_case_do_not_count() {
        assert_eq!(
            normalise("CREATE  INDEX -- why\n ON t /* a /* b */ */ (\"A  b\", 'C  d''E', $x$ F  -- g $x$, $1)"),
            "create index on t (\"A  b\", 'C  d''E', $x$ F  -- g $x$, $1)"
        );
        for open in ["/*", "'", "\"", "$$", "$a", "$", "--", "é/"] {
            normalise(open);
        }
    }

    #[test]
    fn equal_findings_are_told_apart_by_occurrence() {
        let mut fingerprints = Fingerprints::default();
        let path = Path::new("db/1.sql");
        let mut next = |rule, statement| fingerprints.next(rule, path, statement);
        let first = next("a-rule", "DROP TABLE t");
        expect!["7f8d70f298cef4bcfed203b5ff2b8f0b"].assert_eq(&first);
        assert_ne!(first, next("a-rule", "drop  table t"));
        assert_ne!(first, next("b-rule", "DROP TABLE t"));
        assert_eq!(first, Fingerprints::default().next("a-rule", path, "DROP\nTABLE t -- now"));
    }
}
