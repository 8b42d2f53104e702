//! The text of EXECUTE where it is constant: strings, `||` of strings, `format` of constants.

use crate::convert::source::Part;
use crate::lex::{self, Token, TokenKind};
use crate::span::Span;
use crate::strings::{self, Value};

/// The constant that the tokens of an expression spell, with the way back to `source`.
pub fn constant_text(source: &str, tokens: &[Token]) -> Option<Value> {
    let mut tokens = tokens;
    while let [first, middle @ .., last] = tokens {
        let wrapped = first.kind == TokenKind::LeftParen && last.kind == TokenKind::RightParen && closes_at_end(tokens);
        if !wrapped {
            break;
        }
        tokens = middle;
    }
    let mut whole = Value::default();
    let mut rest = tokens;
    loop {
        let (operand, behind) = operand(source, rest)?;
        append(&mut whole, operand);
        match behind {
            [] => return Some(whole),
            [operator, more @ ..] if operator.kind == TokenKind::Operator && operator.span.slice(source) == "||" => {
                rest = more
            }
            _ => return None,
        }
    }
}

/// Whether a text of which only some is constant may bring things into being. Its statement is told by the words it begins
/// with; values that are filled in are taken for values, not for further statements.
pub fn may_create(source: &str, tokens: &[Token]) -> bool {
    const CREATE_NOTHING: [&str; 12] = [
        "ANALYZE", "CLUSTER", "COMMENT", "DELETE", "DROP", "GRANT", "LOCK", "REFRESH", "REINDEX", "REVOKE", "TRUNCATE",
        "UPDATE",
    ];
    const OF_TABLE: [&str; 8] = ["ALTER", "CLUSTER", "DISABLE", "DROP", "ENABLE", "FORCE", "OWNER", "VALIDATE"];
    const OF_TABLE_BUT: [&str; 5] = ["ADD", "ATTACH", "DETACH", "RENAME", "SCHEMA"];
    let text = skeleton(source, tokens).to_ascii_uppercase();
    let words: Vec<&str> = text.split(|c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '%' | ';')).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    if text.trim_end().trim_end_matches(';').contains(';') {
        return true;
    }
    match words.as_slice() {
        [first, ..] if CREATE_NOTHING.contains(first) => false,
        ["CREATE" | "ALTER", "POLICY" | "ROLE" | "TRIGGER", ..] | ["ALTER", "DEFAULT", "PRIVILEGES", ..] => false,
        ["ALTER", "TABLE", rest @ ..] => {
            !rest.iter().any(|word| OF_TABLE.contains(word)) || rest.iter().any(|word| OF_TABLE_BUT.contains(word))
        }
        _ => true,
    }
}

/// The constant pieces of a text, with a `%` for each of the others.
fn skeleton(source: &str, tokens: &[Token]) -> String {
    let mut text = String::new();
    let mut rest = tokens;
    let call = |tokens| opens(tokens).then(|| arguments(tokens)).flatten();
    while let [first, behind @ ..] = rest {
        match operand(source, rest) {
            Some((value, behind)) => {
                text.push_str(&value.text);
                rest = behind;
            }
            None if lex::fold(first.span.slice(source)) == "format" => {
                let Some((arguments, behind)) = call(behind) else { break };
                let pattern = arguments.first().and_then(|pattern| constant_text(source, pattern));
                text.push_str(pattern.as_ref().map_or("%", |pattern| &pattern.text));
                rest = behind;
            }
            None if matches!(first.kind, TokenKind::LeftParen | TokenKind::RightParen) => rest = behind,
            None if first.kind == TokenKind::Operator && first.span.slice(source) == "||" => rest = behind,
            None => {
                text.push('%');
                rest = call(behind).map_or(behind, |(_, behind)| behind);
            }
        }
    }
    text
}

fn opens(tokens: &[Token]) -> bool {
    tokens.first().is_some_and(|token| token.kind == TokenKind::LeftParen)
}

fn closes_at_end(tokens: &[Token]) -> bool {
    let mut depth = 0_usize;
    for (index, token) in tokens.iter().enumerate() {
        match token.kind {
            TokenKind::LeftParen => depth += 1,
            TokenKind::RightParen => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return index + 1 == tokens.len();
                }
            }
            _ => {}
        }
    }
    false
}

fn append(whole: &mut Value, next: Value) {
    let shift = whole.text.len();
    whole.parts.extend(next.parts.iter().map(|part| Part { at: part.at + Span::new(shift, shift).start, ..*part }));
    whole.text.push_str(&next.text);
}

/// One operand of `||` and the tokens behind it.
fn operand<'t>(source: &str, tokens: &'t [Token]) -> Option<(Value, &'t [Token])> {
    let (first, rest) = tokens.split_first()?;
    if let Some(value) = strings::value(source, *first) {
        return Some((value, rest));
    }
    let function = lex::fold(first.span.slice(source));
    if first.kind != TokenKind::Word || rest.first()?.kind != TokenKind::LeftParen {
        return None;
    }
    let (arguments, behind) = arguments(rest)?;
    let first_argument = || strings::value(source, single(arguments.first()?)?);
    let value = match function.as_str() {
        "format" => format(source, &arguments)?,
        "quote_ident" => quoted(&first_argument()?, quote_ident),
        "quote_literal" => quoted(&first_argument()?, quote_literal),
        _ => return None,
    };
    Some((value, behind))
}

/// The arguments of a call whose parenthesis opens `tokens`, and what stands behind it.
fn arguments(tokens: &[Token]) -> Option<(Vec<&[Token]>, &[Token])> {
    let mut depth = 0_usize;
    let close = tokens.iter().position(|token| {
        match token.kind {
            TokenKind::LeftParen | TokenKind::LeftBracket => depth += 1,
            TokenKind::RightParen | TokenKind::RightBracket => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0
    })?;
    let inner = &tokens[1..close];
    let parts = lex::comma_separated(inner).into_iter().map(|range| &inner[range]).collect();
    Some((parts, &tokens[close + 1..]))
}

fn single(tokens: &[Token]) -> Option<Token> {
    match tokens {
        [token] => Some(*token),
        _ => None,
    }
}

fn quoted(value: &Value, quote: fn(&str) -> String) -> Value {
    Value { text: quote(&value.text), parts: vec![Part::whole(0, value.inner)], inner: value.inner }
}

/// `format(pattern, constants)`: `%s`, `%I`, `%L`, `%%`, with `n$` positions. Widths are not followed.
fn format(source: &str, arguments: &[&[Token]]) -> Option<Value> {
    let (pattern, arguments) = arguments.split_first()?;
    let pattern = constant_text(source, pattern)?;
    let values: Vec<Option<Value>> = arguments.iter().map(|tokens| argument(source, tokens)).collect();
    let mut out = Value::default();
    let mut next = 0;
    let mut position = 0;
    while let Some(percent) = pattern.text[position..].find('%').map(|length| position + length) {
        copy(&mut out, &pattern, position, percent);
        let rest = &pattern.text[percent + 1..];
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let mut behind = percent + 1;
        if digits > 0 {
            // A number without `$` is a width.
            let number: usize = rest[..digits].parse().ok()?;
            rest[digits..].strip_prefix('$')?;
            next = number.checked_sub(1)?;
            behind += digits + 1;
        }
        let conversion = pattern.text[behind..].chars().next()?;
        position = behind + conversion.len_utf8();
        if conversion == '%' {
            copy(&mut out, &pattern, behind, position);
            continue;
        }
        let value = values.get(next)?.as_ref()?;
        next += 1;
        let text = match conversion {
            's' => value.text.clone(),
            'I' => quote_ident(&value.text),
            'L' => quote_literal(&value.text),
            _ => return None,
        };
        out.parts.push(Part::whole(out.text.len(), value.inner));
        out.text.push_str(&text);
    }
    copy(&mut out, &pattern, position, pattern.text.len());
    Some(out)
}

/// A constant argument: a string, possibly cast, or a number.
fn argument(source: &str, tokens: &[Token]) -> Option<Value> {
    match tokens {
        [number] if matches!(number.kind, TokenKind::Integer | TokenKind::Float) => {
            Some(Value { text: number.span.slice(source).to_owned(), parts: Vec::new(), inner: number.span })
        }
        [text, cast, ty] if cast.kind == TokenKind::Cast && ty.kind == TokenKind::Word => strings::value(source, *text),
        _ => {
            let value = constant_text(source, tokens)?;
            let inner = tokens.first()?.span.to(tokens.last()?.span);
            Some(Value { inner, ..value })
        }
    }
}

/// Copies a stretch of the pattern with its parts.
fn copy(out: &mut Value, pattern: &Value, from: usize, to: usize) {
    if from >= to {
        return;
    }
    let offset = |at: usize| Span::new(at, at).start;
    let (first, last) = (offset(from), offset(to));
    let begin = pattern.parts.partition_point(|part| part.at <= first).saturating_sub(1);
    for part in pattern.parts[begin..].iter().take_while(|part| part.at < last) {
        let skipped = first.saturating_sub(part.at);
        let at = offset(out.text.len()) + part.at.max(first) - first;
        let from = if part.whole.is_some() { part.from } else { part.from + skipped };
        out.parts.push(Part { at, from, whole: part.whole });
    }
    out.text.push_str(&pattern.text[from..to]);
}

/// `quote_identifier`: quotes unless the name is plain lower case. Keywords are quoted by PostgreSQL too; quoting always
/// is as good where only the meaning counts.
fn quote_ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

fn quote_literal(text: &str) -> String {
    if text.contains('\\') {
        return format!("E'{}'", text.replace('\\', "\\\\").replace('\'', "''"));
    }
    format!("'{}'", text.replace('\'', "''"))
}
