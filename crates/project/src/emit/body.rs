//! The statements of one section with the timeouts and settings they run under.

use model::plan::{Mode, Setting};
use syntax::lex::{self, TokenKind};

use crate::config::{Config, SessionTimeout};

/// A statement to be written.
#[derive(Clone, Debug)]
pub(crate) struct Line {
    /// With its comments and its terminator.
    pub sql: String,
    pub mode: Mode,
    pub verbatim: bool,
    pub spaced: bool,
    pub blocks: bool,
    pub long: bool,
}

/// What holds the statements together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Envelope {
    /// The tool's transaction, or a message of several statements.
    Given,
    /// BEGIN and COMMIT in the file.
    Written,
    /// Nothing: each statement commits by itself.
    Nothing,
    /// Nothing, and nothing else may stand there.
    Alone,
}

/// One transaction, or statements outside any.
#[derive(Clone, Debug)]
pub(crate) struct Block {
    pub envelope: Envelope,
    pub settings: Vec<Setting>,
    pub lines: Vec<Line>,
}

/// What is in force in the session where a block begins, and what later files meet.
#[derive(Clone, Debug, Default)]
pub(crate) struct Session {
    /// Settings of the original made so far.
    pub made: Vec<Setting>,
    /// Values of ours: name and value.
    ours: Vec<(&'static str, String)>,
}

const LOCK: &str = "lock_timeout";
const STATEMENT: &str = "statement_timeout";

/// The text of one block, statements on lines of their own, without final newline.
pub(crate) fn write(block: &Block, config: &Config, session: &mut Session) -> String {
    let mut out: Vec<(bool, String)> = Vec::new();
    match block.envelope {
        Envelope::Alone => {}
        Envelope::Given | Envelope::Written => {
            let begins = block.envelope == Envelope::Written;
            restore(block, session, |setting| !setting.local && !is_timeout(&setting.name), &mut out);
            let local = local_timeouts(block, config);
            let own: Vec<&Setting> = block.settings.iter().filter(|it| it.local && !is_timeout(&it.name)).collect();
            // A single statement is a transaction of its own.
            let begins = begins && (block.lines.len() > 1 || !local.is_empty() || !own.is_empty());
            if begins {
                out.push((false, "BEGIN;".to_owned()));
            }
            out.extend(own.into_iter().map(|setting| (false, setting.sql.clone())));
            out.extend(local.into_iter().map(|sql| (false, sql)));
            out.extend(block.lines.iter().map(|line| (line.spaced, line.sql.clone())));
            if begins {
                out.push((false, "COMMIT;".to_owned()));
            }
            return joined(&out);
        }
        Envelope::Nothing => {
            restore(block, session, |setting| !setting.local, &mut out);
            for line in &block.lines {
                for (name, value) in wanted(line, block, config, session) {
                    session.set(name, value.as_deref(), block, &mut out);
                }
                out.push((
                    line.spaced && !out.last().is_some_and(|(_, sql)| sql.starts_with("SET ")),
                    line.sql.clone(),
                ));
            }
            return joined(&out);
        }
    }
    joined(&block.lines.iter().map(|line| (line.spaced, line.sql.clone())).collect::<Vec<_>>())
}

/// What takes our session values back, where blocks of the same session would meet them.
pub(crate) fn reset(session: &mut Session) -> Vec<String> {
    let ours = std::mem::take(&mut session.ours);
    ours.into_iter()
        .map(|(name, _)| match session.made.iter().find(|setting| setting.name == name) {
            Some(setting) => setting.sql.clone(),
            None => format!("RESET {name};"),
        })
        .collect()
}

/// What takes all session values back at the end of a file, where the tool's own statements and later files would meet them,
/// but for what the original leaves too. Its timeouts are not brought about for their own sake.
pub(crate) fn leave(session: &mut Session, left: &[Setting]) -> Vec<String> {
    let made = std::mem::take(&mut session.made);
    let mut names: Vec<String> =
        std::mem::take(&mut session.ours).into_iter().map(|(name, _)| name.to_owned()).collect();
    let theirs = made.iter().filter(|it| !left.contains(it) && !is_reset(&it.sql) && !is_characteristic(&it.name));
    let theirs: Vec<String> = theirs.map(|it| it.name.clone()).filter(|it| !names.contains(it)).collect();
    names.extend(theirs);
    let stays = |it: &&Setting| !is_reset(&it.sql);
    let back = names.iter().map(|name| match left.iter().filter(stays).find(|it| it.name == *name) {
        Some(setting) => setting.sql.clone(),
        None => format!("RESET {name};"),
    });
    let known = |it: &&Setting| made.contains(it) || names.contains(&it.name) || is_timeout(&it.name);
    let missing = left.iter().filter(stays).filter(|it| !known(it));
    back.chain(missing.map(|it| it.sql.clone())).collect()
}

impl Session {
    /// Sets a value of ours, or what the original had (`None`).
    fn set(&mut self, name: &'static str, value: Option<&str>, block: &Block, out: &mut Vec<(bool, String)>) {
        let known = self.ours.iter().position(|(known, _)| *known == name);
        let Some(value) = value else {
            if let Some(known) = known {
                self.ours.remove(known);
                out.push((false, own(block, name).map_or_else(|| format!("RESET {name};"), |it| it.sql.clone())));
            }
            return;
        };
        match known {
            Some(known) if self.ours[known].1 == value => return,
            Some(known) => self.ours[known].1 = value.to_owned(),
            None => self.ours.push((name, value.to_owned())),
        }
        out.push((false, format!("SET {name} = {value};")));
    }
}

/// Makes again the settings that the block needs and the session does not have.
fn restore(block: &Block, session: &mut Session, which: fn(&Setting) -> bool, out: &mut Vec<(bool, String)>) {
    for setting in block.settings.iter().filter(|setting| which(setting)) {
        if !session.made.contains(setting) {
            session.made.retain(|made| made.name != setting.name);
            session.made.push(setting.clone());
            out.push((false, setting.sql.clone()));
        }
    }
}

/// SET LOCAL lines for a transaction.
fn local_timeouts(block: &Block, config: &Config) -> Vec<String> {
    let blocks = block.lines.iter().any(|line| line.blocks);
    let long = block.lines.iter().any(|line| line.long);
    let long_new = block.lines.iter().any(|line| line.long && !line.verbatim);
    let mut lines = Vec::new();
    match (own(block, LOCK), config.lock_timeout) {
        (Some(setting), _) => lines.push(local(setting)),
        (None, SessionTimeout::Milliseconds(time)) if blocks => {
            lines.push(format!("SET LOCAL {LOCK} = '{}';", spelled(time)))
        }
        _ => {}
    }
    match (own(block, STATEMENT), config.statement_timeout) {
        _ if long_new => lines.push(format!("SET LOCAL {STATEMENT} = 0;")),
        (Some(setting), _) => lines.push(local(setting)),
        (None, SessionTimeout::Milliseconds(time)) if blocks && !long => {
            lines.push(format!("SET LOCAL {STATEMENT} = '{}';", spelled(time)));
        }
        _ => {}
    }
    let others = block.settings.iter().filter(|it| is_timeout(&it.name) && it.name != LOCK && it.name != STATEMENT);
    lines.extend(others.map(local));
    lines
}

/// The setting of the original that limits something.
fn own<'a>(block: &'a Block, name: &str) -> Option<&'a Setting> {
    block.settings.iter().find(|it| it.name == name && !is_zero(&it.sql))
}

/// Session values for a statement that commits by itself; `None` is what the original had set.
fn wanted(line: &Line, block: &Block, config: &Config, session: &Session) -> Vec<(&'static str, Option<String>)> {
    let zero = || Some("0".to_owned());
    if line.mode == Mode::NonTx {
        // A timeout would stop it half-way and leave an invalid index. Kept statements are left to their author, unless a
        // timeout is known to be in force.
        let zeroed = |name: &&str| {
            !line.verbatim || own(block, name).is_some() || session.ours.iter().any(|(ours, _)| ours == name)
        };
        return [LOCK, STATEMENT].into_iter().filter(zeroed).map(|name| (name, zero())).collect();
    }
    let ours = |time| Some(format!("'{}'", spelled(time)));
    let mut wanted = Vec::new();
    match (own(block, LOCK), config.lock_timeout) {
        (Some(_), _) => wanted.push((LOCK, None)),
        (None, SessionTimeout::Milliseconds(time)) if line.blocks => wanted.push((LOCK, ours(time))),
        _ => {}
    }
    match (own(block, STATEMENT), config.statement_timeout) {
        _ if line.long && !line.verbatim => wanted.push((STATEMENT, zero())),
        (Some(_), _) => wanted.push((STATEMENT, None)),
        (None, SessionTimeout::Milliseconds(time)) if line.blocks && !line.long => wanted.push((STATEMENT, ours(time))),
        _ if line.long => wanted.push((STATEMENT, None)),
        _ => {}
    }
    wanted
}

fn joined(statements: &[(bool, String)]) -> String {
    let mut text = String::new();
    for (index, (spaced, sql)) in statements.iter().enumerate() {
        if index > 0 {
            text.push_str(if *spaced { "\n\n" } else { "\n" });
        }
        text.push_str(sql.trim_end_matches(['\n', '\r']));
    }
    text
}

pub(crate) fn is_timeout(name: &str) -> bool {
    name.ends_with("_timeout")
}

/// `SET x = 0`, `SET x TO '0'`.
fn is_zero(sql: &str) -> bool {
    let value = lex::tokens(sql).into_iter().rfind(|token| token.kind != TokenKind::Semicolon && !token.is_comment());
    value.is_some_and(|value| {
        let value = value.span.slice(sql).trim_matches('\'');
        value.starts_with('0') && !value.contains(|c: char| ('1'..='9').contains(&c))
    })
}

/// Holds for the transaction only from now on.
pub(crate) fn make_local(setting: &mut Setting) {
    setting.sql = local(setting);
    setting.local = true;
}

/// `RESET x`, `SET x TO DEFAULT`.
fn is_reset(sql: &str) -> bool {
    let mut tokens = lex::tokens(sql).into_iter().filter(|it| it.kind != TokenKind::Semicolon && !it.is_comment());
    tokens.next().is_some_and(|it| it.is(sql, "RESET")) || tokens.next_back().is_some_and(|it| it.is(sql, "DEFAULT"))
}

/// `SET TRANSACTION` and `SET SESSION CHARACTERISTICS` are no settings that can be local or reset.
fn is_characteristic(name: &str) -> bool {
    matches!(name, "transaction" | "session characteristics")
}

/// `SET x = 1`, `SET SESSION x = 1` and `set_config('x', '1', false)` for this transaction only.
fn local(setting: &Setting) -> String {
    let sql = &setting.sql;
    if is_characteristic(&setting.name) {
        return sql.clone();
    }
    let tokens: Vec<_> = lex::tokens(sql).into_iter().filter(|token| !token.is_comment()).collect();
    let name = match tokens[..] {
        [select, ..] if select.is(sql, "SELECT") => {
            let Some(for_all) = tokens.iter().rfind(|it| it.is(sql, "FALSE")) else { return sql.clone() };
            return format!("{}true{}", &sql[..for_all.span.start as usize], &sql[for_all.span.end as usize..]);
        }
        [set, session, name, ..] if set.is(sql, "SET") && name.is(sql, "AUTHORIZATION") => session,
        [set, scope, name, ..] if set.is(sql, "SET") && (scope.is(sql, "SESSION") || scope.is(sql, "LOCAL")) => name,
        [set, name, ..] if set.is(sql, "SET") => name,
        _ => return sql.clone(),
    };
    format!("SET LOCAL {}", &sql[name.span.start as usize..])
}

/// Milliseconds as a person writes them.
fn spelled(time: u64) -> String {
    match time {
        0 => "0".to_owned(),
        _ if time.is_multiple_of(60_000) => format!("{}min", time / 60_000),
        _ if time.is_multiple_of(1000) => format!("{}s", time / 1000),
        _ => format!("{time}ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(sql: &str, mode: Mode, blocks: bool, long: bool) -> Line {
        Line { sql: sql.to_owned(), mode, verbatim: false, spaced: false, blocks, long }
    }

    fn setting(sql: &str) -> Setting {
        let name = sql.split_whitespace().find(|word| word.contains('_')).expect("a name").to_owned();
        Setting { name, sql: sql.to_owned(), local: sql.contains("LOCAL") }
    }

    #[test]
    fn a_transaction_has_local_timeouts() {
        let config = Config::default();
        let mut block = Block {
            envelope: Envelope::Given,
            settings: Vec::new(),
            lines: vec![line("ALTER TABLE a ADD b int;", Mode::Tx, true, false)],
        };
        let mut session = Session::default();
        assert_eq!(
            write(&block, &config, &mut session),
            "SET LOCAL lock_timeout = '2s';\nSET LOCAL statement_timeout = '30s';\nALTER TABLE a ADD b int;"
        );
        block.lines = vec![line("ALTER TABLE a VALIDATE CONSTRAINT c;", Mode::OwnTx, false, true)];
        block.envelope = Envelope::Written;
        assert_eq!(
            write(&block, &config, &mut session),
            "BEGIN;\nSET LOCAL statement_timeout = 0;\nALTER TABLE a VALIDATE CONSTRAINT c;\nCOMMIT;"
        );
        block.lines = vec![line("SELECT 1;", Mode::Tx, false, false)];
        assert_eq!(write(&block, &config, &mut session), "SELECT 1;");
        block.settings = vec![setting("SET SESSION lock_timeout TO '5s';"), setting("SET search_path_ = x;")];
        assert_eq!(
            write(&block, &config, &mut session),
            "SET search_path_ = x;\nBEGIN;\nSET LOCAL lock_timeout TO '5s';\nSELECT 1;\nCOMMIT;"
        );
    }

    #[test]
    fn a_file_leaves_what_the_original_leaves() {
        let config = Config::default();
        let role = setting("SET role_ = 'x';");
        let block = Block {
            envelope: Envelope::Nothing,
            settings: vec![role.clone(), setting("SET lock_timeout = '5s';"), setting("RESET work_mem;")],
            lines: vec![line("CREATE INDEX CONCURRENTLY i ON t (a);", Mode::NonTx, false, true)],
        };
        let leaves = |left: &[Setting]| {
            let mut session = Session::default();
            write(&block, &config, &mut session);
            leave(&mut session, left).join(" ")
        };
        assert_eq!(leaves(&[]), "RESET lock_timeout; RESET statement_timeout; RESET role_;");
        assert_eq!(leaves(&block.settings), "SET lock_timeout = '5s'; RESET statement_timeout;");
        let other = [setting("SET role_ = 'y';"), setting("SET search_path = z;"), setting("SET idle_timeout = 1;")];
        assert_eq!(
            leaves(&other),
            "RESET lock_timeout; RESET statement_timeout; SET role_ = 'y'; SET search_path = z;"
        );
        let mut session = Session::default();
        assert_eq!(leave(&mut session, &[role]).join(" "), "SET role_ = 'x';");
    }

    #[test]
    fn settings_for_one_transaction() {
        let drawn = |name: &str, sql: &str| {
            let mut it = Setting { name: name.to_owned(), sql: sql.to_owned(), local: false };
            make_local(&mut it);
            it.sql
        };
        assert_eq!(drawn("role", "SET ROLE x;"), "SET LOCAL ROLE x;");
        assert_eq!(
            drawn("session_authorization", "SET SESSION AUTHORIZATION x;"),
            "SET LOCAL SESSION AUTHORIZATION x;"
        );
        assert_eq!(drawn("search_path", "SET SESSION search_path = a;"), "SET LOCAL search_path = a;");
        assert_eq!(
            drawn("search_path", "SELECT pg_catalog.set_config('search_path', '', false);"),
            "SELECT pg_catalog.set_config('search_path', '', true);"
        );
        let sql = "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY;";
        assert_eq!(drawn("session characteristics", sql), sql);
        assert_eq!(drawn("role", "RESET ROLE;"), "RESET ROLE;");
    }

    #[test]
    fn outside_a_transaction_the_session_is_set_and_reset() {
        let config = Config::default();
        let block = Block {
            envelope: Envelope::Nothing,
            settings: vec![setting("SET lock_timeout = '5s';")],
            lines: vec![
                line("CREATE INDEX CONCURRENTLY i ON t (a);", Mode::NonTx, false, true),
                line("ALTER TABLE a ADD b int;", Mode::Tx, true, false),
            ],
        };
        let mut session = Session::default();
        let text = write(&block, &config, &mut session);
        assert_eq!(
            text,
            "SET lock_timeout = '5s';\nSET lock_timeout = 0;\nSET statement_timeout = 0;\n\
             CREATE INDEX CONCURRENTLY i ON t (a);\nSET lock_timeout = '5s';\nSET statement_timeout = '30s';\n\
             ALTER TABLE a ADD b int;"
        );
        assert_eq!(reset(&mut session), ["RESET statement_timeout;"]);
    }
}
