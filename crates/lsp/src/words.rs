//! Words that Safestep gives a meaning to: those of its directives in comments and those of `safestep.toml`. What is
//! being typed parses rarely, so all that is looked at are the lines up to the place.

use std::ops::Range;

use diagnostics::Source;
use engine::{CONFIG_KEYS, CONFIG_LEVELS, DIRECTIVES, Group, Rule};
use tower_lsp::ls_types::{
    CompletionItem, CompletionItemKind, CompletionTextEdit, Documentation, Hover, HoverContents, Position, TextEdit,
};

use crate::markup;
use crate::world::Abilities;

/// Characters behind which something can be offered without being asked for.
pub const TRIGGERS: [&str; 6] = [":", "(", ",", "[", ".", "\""];

/// What can be written at a place. `found` are the rules that have something to say about the file: they come first.
pub fn completion(
    source: &Source,
    is_config: bool,
    client: Abilities,
    position: Position,
    found: &[&str],
) -> Vec<CompletionItem> {
    let offset = client.encoding.offset(source, position) as usize;
    let (range, words) = if is_config { config(source.text(), offset) } else { directive(source.text(), offset) };
    let at = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    let range = client.encoding.range(source, at(range.start), at(range.end));
    let item = |word: Word| CompletionItem {
        kind: Some(word.kind),
        detail: word.detail,
        documentation: Some(Documentation::MarkupContent(markup::content(client.plain_completion, word.docs))),
        sort_text: found.contains(&word.label.as_str()).then(|| format!(" {}", word.label)),
        filter_text: Some(word.text.clone()),
        text_edit: Some(CompletionTextEdit::Edit(TextEdit::new(range, word.text))),
        label: word.label,
        ..CompletionItem::default()
    };
    words.into_iter().map(item).collect()
}

/// What the word at a place means; `None` for any other.
pub fn hover(source: &Source, is_config: bool, client: Abilities, position: Position) -> Option<Hover> {
    let text = source.text();
    let offset = client.encoding.offset(source, position) as usize;
    let in_word = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    let start = text[..offset].trim_end_matches(in_word).len();
    let end = text.len() - text[offset..].trim_start_matches(in_word).len();
    let word = &text[start..end];
    let line = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let value = if is_config {
        let (table, path) = (table_at(text, line), text[line..start].trim_start_matches(['[', ' ', '\t', '"']));
        let path = if text[line..start].trim_start().starts_with('[') {
            format!("{path}{word}")
        } else if path.contains('=') {
            // A value: only the names of rules mean something there.
            return None;
        } else {
            format!("{table}{path}{word}")
        };
        let path = path.replace('"', "");
        match path.strip_prefix("rules.") {
            Some(name) => rule(name).map(page).or_else(|| group(name))?,
            None => key_docs(CONFIG_KEYS.iter().find(|key| key.name == path)?),
        }
    } else {
        let before = comment(&text[line..start])?.strip_prefix("safestep")?.trim_start().strip_prefix(':')?;
        match before.split_once('(') {
            None => DIRECTIVES.iter().find(|(verb, _)| *verb == word)?.1.to_owned(),
            Some((_, list)) if !list.contains(')') => page(rule(word)?),
            Some(_) => return None,
        }
    };
    let at = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
    Some(Hover {
        contents: HoverContents::Markup(markup::content(client.plain_hover, value)),
        range: Some(client.encoding.range(source, at(start), at(end))),
    })
}

/// What can be offered.
struct Word {
    label: String,
    text: String,
    kind: CompletionItemKind,
    detail: Option<String>,
    docs: String,
}

fn rule(name: &str) -> Option<&'static Rule> {
    engine::rules().find(|rule| rule.info.name == name)
}

fn group(name: &str) -> Option<String> {
    let group = Group::ALL.into_iter().find(|group| group.name() == name)?;
    let rules = engine::rules().filter(|rule| rule.info.group == group).map(|rule| format!("- {}", rule.info.name));
    Some(format!("The rules of the group {name}:\n\n{}", rules.collect::<Vec<_>>().join("\n")))
}

/// What a rule is about, without its examples.
fn page(rule: &Rule) -> String {
    let info = &rule.info;
    let prose = info.docs.split("```").next().unwrap_or_default().trim();
    let (level, group) = (info.level.name(), info.group.name());
    format!("**{0}** ({level}, {group})\n\n{prose}\n\n[{0}]({1})", info.name, engine::page(info.name))
}

fn rule_word(rule: &Rule, text: String) -> Word {
    let info = &rule.info;
    Word {
        label: info.name.to_owned(),
        text,
        kind: CompletionItemKind::ENUM_MEMBER,
        detail: Some(format!("{}, {}", info.level.name(), info.group.name())),
        docs: format!("{}.\n\n[{}]({})", info.summary(), info.name, engine::page(info.name)),
    }
}

/// The last comment that opens on a line, without white space at its beginning.
fn comment(line: &str) -> Option<&str> {
    let at = line.rfind("--").max(line.rfind("/*"))?;
    Some(line[at + 2..].trim_start())
}

/// Words of a directive that is being written on the line of an offset.
fn directive(text: &str, offset: usize) -> (Range<usize>, Vec<Word>) {
    const NAME: &str = "safestep";
    let nothing = (offset..offset, Vec::new());
    let line = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let Some(written) = comment(&text[line..offset]) else { return nothing };
    let verb = |prefix: &str, (verb, docs): (&str, &str)| Word {
        label: format!("{}{verb}(...)", prefix.trim_start()),
        text: format!("{prefix}{verb}("),
        kind: CompletionItemKind::KEYWORD,
        detail: None,
        docs: docs.to_owned(),
    };
    let Some(rest) = written.strip_prefix(NAME).map(str::trim_start).and_then(|rest| rest.strip_prefix(':')) else {
        // Prose begins with other words.
        return match written.is_empty() || !NAME.starts_with(written) {
            true => nothing,
            false => {
                let words = DIRECTIVES.into_iter().map(|it| verb("safestep: ", it)).collect();
                (offset - written.len()..offset, words)
            }
        };
    };
    let rest = rest.trim_start();
    let Some((verb_written, list)) = rest.split_once('(') else {
        if !rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') {
            return nothing;
        }
        // The space behind the colon is part of what is written where it is not there yet.
        let space = if text[..offset - rest.len()].ends_with(':') { " " } else { "" };
        return (offset - rest.len()..offset, DIRECTIVES.into_iter().map(|it| verb(space, it)).collect());
    };
    if !DIRECTIVES.iter().any(|(known, _)| *known == verb_written.trim_end()) {
        return nothing;
    }
    if let Some((_, reason)) = list.split_once(')') {
        let word = reason.rsplit(char::is_whitespace).next().unwrap_or_default();
        let until = Word {
            label: "until=".to_owned(),
            text: "until=".to_owned(),
            kind: CompletionItemKind::KEYWORD,
            detail: Some("until=2027-01-31".to_owned()),
            docs: "The last day on which the directive holds.".to_owned(),
        };
        return match word.is_empty() || "until=".starts_with(word) {
            true => (offset - word.len()..offset, vec![until]),
            false => nothing,
        };
    }
    let word = list.rsplit(',').next().unwrap_or_default().trim_start();
    let named: Vec<&str> = list.split(',').map(str::trim).filter(|name| *name != word).collect();
    let rules = engine::rules().filter(|rule| !named.contains(&rule.info.name));
    (offset - word.len()..offset, rules.map(|rule| rule_word(rule, rule.info.name.to_owned())).collect())
}

/// The table that a line of `safestep.toml` belongs to, with a dot at its end; nothing for the first one.
fn table_at(text: &str, line: usize) -> String {
    let header = text[..line].lines().rev().map(str::trim).find(|line| line.starts_with('['));
    let name = header.map(|line| line.trim_matches(['[', ']', ' ']).replace('"', "")).unwrap_or_default();
    if name.is_empty() { name } else { format!("{name}.") }
}

/// Keys, tables and values of `safestep.toml`.
fn config(text: &str, offset: usize) -> (Range<usize>, Vec<Word>) {
    let line = text[..offset].rfind('\n').map_or(0, |at| at + 1);
    let written = text[line..offset].trim_start();
    if written.starts_with('#') {
        return (offset..offset, Vec::new());
    }
    if let Some(header) = written.strip_prefix('[') {
        return headers(header, text, offset);
    }
    let table = table_at(text, line);
    if let Some((key, value)) = written.split_once('=') {
        return assigned(&format!("{table}{}", key.trim().replace('"', "")), value, offset);
    }
    // A dotted key is completed part by part.
    let (path, word) = match written.rsplit_once('.') {
        Some((path, word)) => (format!("{table}{path}."), word),
        None => (table, written),
    };
    (offset - word.len()..offset, keys(&path))
}

fn key_docs(key: &engine::ConfigKey) -> String {
    format!("{}\n\nTakes {}. Default: {}.", key.docs, key.takes, key.default)
}

/// The keys of a table, whose path ends in a dot.
fn keys(path: &str) -> Vec<Word> {
    if path == "rules." {
        return rule_names(|name| format!("{name} = "));
    }
    if path.starts_with("rules.") {
        let word = |name: &str, docs: &str| Word {
            label: name.to_owned(),
            text: format!("{name} = "),
            kind: CompletionItemKind::PROPERTY,
            detail: None,
            docs: docs.to_owned(),
        };
        return vec![
            word("level", "`error`, `warning`, `info` or `off`."),
            word("allow", "Path patterns of files in which the rule says nothing."),
        ];
    }
    let mut words: Vec<Word> = Vec::new();
    for key in CONFIG_KEYS {
        let Some(rest) = key.name.strip_prefix(path) else { continue };
        let (label, is_table) = match rest.split_once('.') {
            Some((table, _)) => (table, true),
            None => (rest, key.name == "rules"),
        };
        // Overrides are an array of tables: they have headers only.
        if label == "override" || words.iter().any(|word| word.label == label) {
            continue;
        }
        words.push(Word {
            label: label.to_owned(),
            text: if is_table { format!("{label}.") } else { format!("{label} = ") },
            kind: if is_table { CompletionItemKind::MODULE } else { CompletionItemKind::PROPERTY },
            detail: (!is_table).then(|| key.takes.to_owned()),
            docs: if is_table && key.name != "rules" { tables(label) } else { key_docs(key) },
        });
    }
    words
}

/// The keys of a table, as a list.
fn tables(table: &str) -> String {
    let below = format!("{table}.");
    let keys = CONFIG_KEYS.iter().filter_map(|key| Some((key.name.strip_prefix(&below)?, key.docs)));
    keys.map(|(key, docs)| format!("- `{key}`: {docs}\n")).collect()
}

fn rule_names(text: impl Fn(&str) -> String) -> Vec<Word> {
    let rules = engine::rules().map(|rule| rule_word(rule, text(rule.info.name)));
    let groups = Group::ALL.into_iter().map(|group| Word {
        label: group.name().to_owned(),
        text: text(group.name()),
        kind: CompletionItemKind::ENUM,
        detail: Some("group".to_owned()),
        docs: self::group(group.name()).unwrap_or_default(),
    });
    rules.chain(groups).collect()
}

/// Tables in brackets. `written` stands behind the first one.
fn headers(written: &str, text: &str, offset: usize) -> (Range<usize>, Vec<Word>) {
    let closed = text[offset..].starts_with(']');
    let close = |name: &str, brackets: &str| if closed { name.to_owned() } else { format!("{name}{brackets}") };
    if let Some(word) = written.strip_prefix("rules.") {
        let Some(word) = word.strip_prefix('"') else {
            return (offset - word.len()..offset, rule_names(|name| close(name, "]")));
        };
        let quoted = text[offset..].starts_with('"');
        let close = |name: &str| if quoted { name.to_owned() } else { close(&format!("{name}\""), "]") };
        return (offset - word.len()..offset, rule_names(close));
    }
    let word = |name: &str, text: String, docs: String| Word {
        label: name.to_owned(),
        text,
        kind: CompletionItemKind::MODULE,
        detail: None,
        docs,
    };
    let mut names: Vec<&str> = CONFIG_KEYS.iter().filter_map(|key| Some(key.name.split_once('.')?.0)).collect();
    names.dedup();
    let (start, words) = match written.strip_prefix('[') {
        Some(start) => (start, vec![word("override", close("override", "]]"), tables("override"))]),
        None => {
            let tables = names.iter().map(|name| match *name {
                "override" => word("[override]", close("[override", "]]"), tables(name)),
                name => word(name, close(name, "]"), tables(name)),
            });
            let rules = CONFIG_KEYS.iter().find(|key| key.name == "rules").map(key_docs).unwrap_or_default();
            (written, tables.chain([word("rules", close("rules", "]"), rules)]).collect())
        }
    };
    (offset - start.len()..offset, words)
}

/// What can stand behind the `=` of a key, of which `written` stands there.
fn assigned(path: &str, written: &str, offset: usize) -> (Range<usize>, Vec<Word>) {
    let Some(items) = written.trim_start().strip_prefix('{') else { return values(path, written, offset) };
    // In an inline table the pair that is being written stands behind the last comma.
    let item = items.rsplit(',').next().unwrap_or_default().trim_start();
    match item.split_once('=') {
        Some((key, value)) => assigned(&format!("{path}.{}", key.trim().replace('"', "")), value, offset),
        None if item.contains(['"', '}', ']']) => (offset..offset, Vec::new()),
        None => (offset - item.len()..offset, keys(&format!("{path}."))),
    }
}

/// Values of a key, in a string or before it begins.
fn values(path: &str, written: &str, offset: usize) -> (Range<usize>, Vec<Word>) {
    let nothing = (offset..offset, Vec::new());
    let word = written.trim_start();
    let (word, quoted) = match word.strip_prefix('"') {
        Some(word) if !word.contains('"') => (word, true),
        Some(_) => return nothing,
        None => (word, false),
    };
    let (names, docs): (Vec<String>, String) = match path.strip_prefix("rules.") {
        Some(rest) if rest.split_once('.').is_none_or(|(_, key)| key == "level") => {
            let docs = rule(rest.split('.').next().unwrap_or_default()).map(|rule| rule.info.summary().to_owned());
            (CONFIG_LEVELS.iter().map(|(name, _)| (*name).to_owned()).collect(), docs.unwrap_or_default())
        }
        _ => {
            let Some(key) = CONFIG_KEYS.iter().find(|key| key.name == path) else { return nothing };
            // What the key takes names its values in backticks.
            let named = key.takes.split('`').skip(1).step_by(2).map(|name| name.trim_matches('"').to_owned());
            let examples = key.takes.split('"').skip(1).step_by(2).filter(|_| !key.takes.contains('`'));
            let tools = key.takes.contains("migration tool").then(engine::tool_names).into_iter().flatten();
            let names = named.chain(examples.map(str::to_owned)).chain(tools.map(str::to_owned));
            (names.collect(), key_docs(key))
        }
    };
    let item = |name: String| Word {
        text: if quoted { name.clone() } else { format!("\"{name}\"") },
        label: name,
        kind: CompletionItemKind::VALUE,
        detail: None,
        docs: docs.clone(),
    };
    (offset - word.len()..offset, names.into_iter().map(item).collect())
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::convert::Encoding;

    /// What is offered at `|`, with the text before it that is replaced.
    fn check(is_config: bool, text: &str, expected: Expect) {
        let (before, after) = text.split_once('|').expect("a place");
        let source = Source::new(format!("{before}{after}").into());
        let client = Abilities { encoding: Encoding::Utf16, ..Abilities::default() };
        let position = client.encoding.position(&source, u32::try_from(before.len()).expect("small"));
        let mut drawn = String::new();
        let items = completion(&source, is_config, client, position, &[]);
        for item in items.iter().take(4) {
            let Some(CompletionTextEdit::Edit(edit)) = &item.text_edit else { panic!("no edit: {item:?}") };
            let offset = |position| client.encoding.offset(&source, position) as usize;
            let old = &source.text()[offset(edit.range.start)..offset(edit.range.end)];
            drawn += &format!("{}: {old:?} -> {:?}\n", item.label, edit.new_text);
        }
        if items.len() > 4 {
            drawn += "...\n";
        }
        expected.assert_eq(&drawn);
    }

    #[test]
    fn directives() {
        let sql = |text, expected| check(false, text, expected);
        sql(
            "SELECT 1; -- sa|",
            expect![[r#"
            safestep: allow(...): "sa" -> "safestep: allow("
            safestep: allow-file(...): "sa" -> "safestep: allow-file("
            safestep: acknowledge(...): "sa" -> "safestep: acknowledge("
        "#]],
        );
        sql(
            "-- safestep:|\r\n",
            expect![[r#"
            allow(...): "" -> " allow("
            allow-file(...): "" -> " allow-file("
            acknowledge(...): "" -> " acknowledge("
        "#]],
        );
        sql(
            "/* 😀 */ -- safestep: al|",
            expect![[r#"
            allow(...): "al" -> "allow("
            allow-file(...): "al" -> "allow-file("
            acknowledge(...): "al" -> "acknowledge("
        "#]],
        );
        sql(
            "-- safestep: allow(drop-|",
            expect![[r#"
            add-column-not-null-without-default: "drop-" -> "add-column-not-null-without-default"
            add-column-rewrite: "drop-" -> "add-column-rewrite"
            attach-partition-scan: "drop-" -> "attach-partition-scan"
            backfill-before-default: "drop-" -> "backfill-before-default"
            ...
        "#]],
        );
        sql(
            "-- safestep: allow(add-column-rewrite, |) x",
            expect![[r#"
            add-column-not-null-without-default: "" -> "add-column-not-null-without-default"
            attach-partition-scan: "" -> "attach-partition-scan"
            backfill-before-default: "" -> "backfill-before-default"
            backfill-in-ddl-transaction: "" -> "backfill-in-ddl-transaction"
            ...
        "#]],
        );
        sql(
            "-- safestep: allow(drop-column) |",
            expect![[r#"
            until=: "" -> "until="
        "#]],
        );
        for nothing in
            ["SELECT safe|", "-- a comment|", "-- |", "-- safestep writes|", "-- safestep: ignore(|", "ALTER TABLE t|"]
        {
            sql(nothing, expect![[""]]);
        }
    }

    #[test]
    fn configuration() {
        let toml = |text, expected| check(true, text, expected);
        toml(
            "po|",
            expect![[r#"
            tool: "po" -> "tool = "
            postgres: "po" -> "postgres = "
            dirs: "po" -> "dirs = "
            exclude: "po" -> "exclude = "
            ...
        "#]],
        );
        toml(
            "tool = |",
            expect![[r#"
            goose: "" -> "\"goose\""
            golang-migrate: "" -> "\"golang-migrate\""
            dbmate: "" -> "\"dbmate\""
            sqlx: "" -> "\"sqlx\""
            ...
        "#]],
        );
        toml(
            "fail-on = \"w|\"",
            expect![[r#"
            error: "w" -> "error"
            warning: "w" -> "warning"
            info: "w" -> "info"
        "#]],
        );
        toml(
            "[|",
            expect![[r#"
            session: "" -> "session]"
            backfill: "" -> "backfill]"
            [override]: "" -> "[override]]"
            rules: "" -> "rules]"
        "#]],
        );
        toml(
            "[[|]]",
            expect![[r#"
            override: "" -> "override"
        "#]],
        );
        toml(
            "[session]\r\n# é\r\nlock|",
            expect![[r#"
            lock_timeout: "lock" -> "lock_timeout = "
            statement_timeout: "lock" -> "statement_timeout = "
            pooler: "lock" -> "pooler = "
        "#]],
        );
        toml(
            "[session]\nlock_timeout = |",
            expect![[r#"
            2s: "" -> "\"2s\""
            external: "" -> "\"external\""
        "#]],
        );
        toml(
            "[rules]\n|",
            expect![[r#"
            add-column-not-null-without-default: "" -> "add-column-not-null-without-default = "
            add-column-rewrite: "" -> "add-column-rewrite = "
            attach-partition-scan: "" -> "attach-partition-scan = "
            backfill-before-default: "" -> "backfill-before-default = "
            ...
        "#]],
        );
        toml(
            "[rules]\ndrop-column = |",
            expect![[r#"
            off: "" -> "\"off\""
            info: "" -> "\"info\""
            warning: "" -> "\"warning\""
            error: "" -> "\"error\""
        "#]],
        );
        toml(
            "[rules.|]",
            expect![[r#"
            add-column-not-null-without-default: "" -> "add-column-not-null-without-default"
            add-column-rewrite: "" -> "add-column-rewrite"
            attach-partition-scan: "" -> "attach-partition-scan"
            backfill-before-default: "" -> "backfill-before-default"
            ...
        "#]],
        );
        toml(
            "[rules.drop-column]\n|",
            expect![[r#"
            level: "" -> "level = "
            allow: "" -> "allow = "
        "#]],
        );
        toml(
            "[rules.drop-column]\nlevel = \"|\"",
            expect![[r#"
            off: "" -> "off"
            info: "" -> "info"
            warning: "" -> "warning"
            error: "" -> "error"
        "#]],
        );
        toml(
            "session.|",
            expect![[r#"
            lock_timeout: "" -> "lock_timeout = "
            statement_timeout: "" -> "statement_timeout = "
            pooler: "" -> "pooler = "
        "#]],
        );
        toml(
            "[[override]]\nt|",
            expect![[r#"
            files: "t" -> "files = "
            tool: "t" -> "tool = "
            transaction: "t" -> "transaction = "
        "#]],
        );
        toml(
            "[rules]\ndrop-table = { level = \"o|\" }",
            expect![[r#"
            off: "o" -> "off"
            info: "o" -> "info"
            warning: "o" -> "warning"
            error: "o" -> "error"
        "#]],
        );
        toml(
            "session = { lock_timeout = \"2s\", |}",
            expect![[r#"
            lock_timeout: "" -> "lock_timeout = "
            statement_timeout: "" -> "statement_timeout = "
            pooler: "" -> "pooler = "
        "#]],
        );
        toml(
            "[rules.\"|\"]",
            expect![[r#"
            add-column-not-null-without-default: "" -> "add-column-not-null-without-default"
            add-column-rewrite: "" -> "add-column-rewrite"
            attach-partition-scan: "" -> "attach-partition-scan"
            backfill-before-default: "" -> "backfill-before-default"
            ...
        "#]],
        );
        toml(
            "[rules.\"drop-|]",
            expect![[r#"
            add-column-not-null-without-default: "drop-" -> "add-column-not-null-without-default\""
            add-column-rewrite: "drop-" -> "add-column-rewrite\""
            attach-partition-scan: "drop-" -> "attach-partition-scan\""
            backfill-before-default: "drop-" -> "backfill-before-default\""
            ...
        "#]],
        );
        for nothing in ["# to|", "drop-table = { level = \"off\" |}"] {
            toml(nothing, expect![[""]]);
        }
    }

    #[test]
    fn meanings() {
        let client = Abilities::default();
        let mut drawn = String::new();
        for (is_config, text) in [
            (false, "-- é 😀\r\n-- safestep: allow(drop-column, ren|ame-table) x"),
            (false, "-- safestep: al|low-file(drop-column)"),
            (false, "-- safestep: allow(nonsen|se)"),
            (false, "-- safestep: allow(drop-column) drop-|column"),
            (false, "SELECT 1 -- drop-co|lumn"),
            (true, "[rules.drop-co|lumn]\nlevel = \"off\""),
            (true, "[rules]\nlo|ck = \"off\""),
            (true, "[session]\nlock_|timeout = \"2s\""),
            (true, "tool = \"go|ose\""),
        ] {
            let (before, after) = text.split_once('|').expect("a place");
            let source = Source::new(format!("{before}{after}").into());
            let position = client.encoding.position(&source, u32::try_from(before.len()).expect("small"));
            let told = hover(&source, is_config, client, position).map(|hover| match hover.contents {
                HoverContents::Markup(markup) => markup.value.lines().next().unwrap_or_default().to_owned(),
                other => format!("{other:?}"),
            });
            drawn += &format!("{}\n", told.unwrap_or_default());
        }
        expect![[r#"
            **rename-table** (warning, compatibility)
            Findings of these rules are not reported in this file.



            **drop-column** (warning, compatibility)
            The rules of the group lock:
            The lock_timeout that rewrites put before statements that block. `external`: it is set outside the migrations, so nothing is reported or written.

        "#]].assert_eq(&drawn);
    }
}
