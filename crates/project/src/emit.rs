//! A plan to files, the way the migration's tool wants them.
//!
//! A part of a plan is what may stand in one file. The first stays in the file of the original; the others get files behind
//! it, with versions that sort right after it. psql has no ledger, so a plain file keeps all parts, in blocks. Nothing is
//! written here; see [`crate::write`].

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::plan::{Mode, Part, Plan, Step};
use model::runner::{Messages, RunnerTransaction};
use syntax::Span;
use syntax::ast::{Script, StatementKind, TransactionKind};

use crate::emit::body::{Block, Envelope, Line, Session};
use crate::emit::down::Share;
use crate::files::Files;
use crate::lines::lines;
use crate::load::History;
use crate::migration::{Key, Migration, Role, Section, UnitText};
use crate::tool::Writer;

mod body;
mod down;
mod in_place;
pub(crate) mod version;

/// What the caller knows beside the plan.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'a> {
    /// The plan differs from the original. If not, its file only gets timeouts where they are missing.
    pub changed: bool,
    /// For each part what it locks, as phrases for the header: `ACCESS EXCLUSIVE on orders, for an instant`. May be empty.
    pub locks: &'a [Vec<String>],
    /// Later files may get other versions although git does not call them pending.
    pub all_files: bool,
}

/// What a rewrite does to the disk.
#[derive(Clone, Debug, Default)]
pub struct Emission {
    /// Sorted by path, each path once, none without effect.
    pub changes: Vec<FileChange>,
    /// In the order in which they run.
    pub parts: Vec<Emitted>,
    /// Whole sentences without full stop.
    pub notes: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileChange {
    pub path: PathBuf,
    /// `None`: there is no such file.
    pub old: Option<Arc<str>>,
    /// `None`: the file goes.
    pub new: Option<String>,
}

/// Where steps of a part went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Emitted {
    pub path: PathBuf,
    pub part: usize,
    pub steps: std::ops::Range<usize>,
    pub transaction: bool,
}

/// Why nothing can be written: a whole sentence without full stop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Withheld(pub String);

/// Paths with their texts; `None` for a file that goes.
pub type Written = Vec<(PathBuf, Option<String>)>;

/// One migration to be written, before the tool's marks.
pub struct Sheet<'a> {
    pub migration: &'a Migration,
    pub path: PathBuf,
    /// It stays in the file of the original.
    pub original: bool,
    pub transaction: bool,
    /// Comment lines, each with its newline; may be empty.
    pub header: String,
    pub up: Text,
    pub down: Option<Text>,
    /// The Down section runs in a transaction.
    pub down_transaction: bool,
}

/// The text of a section in three pieces.
#[derive(Clone, Debug, Default)]
pub struct Text {
    /// Bytes of the original above the first statement: its marks, with the comments between them. Empty in new files.
    pub lead: String,
    /// Without final newline.
    pub body: String,
    /// White space of the original behind the last statement; one newline in new files.
    pub tail: String,
}

/// Turns the plan of a migration into files. The migration is one of the history's.
pub fn emit(
    files: &Files,
    history: &History,
    migration: &Migration,
    plan: &Plan,
    options: &Options,
) -> Result<Emission, Withheld> {
    let Some(writer) = &migration.tool.writer else {
        return Err(Withheld(
            "it is not known which tool runs the file; name it with --tool or in safestep.toml".to_owned(),
        ));
    };
    if !migration.exact {
        return Err(Withheld("the file is not UTF-8; save it as UTF-8 first".to_owned()));
    }
    if let Some(problem) = migration.problems.iter().find(|problem| problem.fatal) {
        return Err(Withheld(format!("as the file is, {}", problem.message)));
    }
    let Some(unit) = migration.unit(Section::Up) else {
        return Err(Withheld("the file has no Up section".to_owned()));
    };
    let script = &syntax::parse(&unit.text, &unit.options);
    let job = Job { files, history, migration, plan, options, writer, unit, script };
    if options.changed { split(&job).map_err(Withheld) } else { Ok(in_place::emit(&job)) }
}

/// What is written, and by which rules.
#[derive(Clone, Copy)]
struct Job<'a> {
    files: &'a Files,
    history: &'a History,
    migration: &'a Migration,
    plan: &'a Plan,
    options: &'a Options<'a>,
    writer: &'a Writer,
    /// The Up section, and what stands in it.
    unit: &'a UnitText,
    script: &'a Script,
}

/// Steps that run together.
struct Piece {
    part: usize,
    steps: std::ops::Range<usize>,
    transaction: bool,
    title: String,
}

fn split(job: &Job) -> Result<Emission, String> {
    let Job { files, history, migration, plan, writer, unit, .. } = *job;
    let whole = unit.runner.messages == Messages::Whole;
    let pieces = pieces(plan, whole);
    let groups: Vec<&[Piece]> = if writer.one_file { vec![&pieces] } else { pieces.chunks(1).collect() };
    possible(job, &pieces)?;
    let (targets, moves) = targets(job, &groups)?;

    let down_unit = migration.unit(Section::Down);
    let steps_of = |group: &[Piece]| -> Vec<&Step> {
        group.iter().flat_map(|piece| &plan.parts[piece.part].steps[piece.steps.clone()]).collect()
    };
    let division = match down_unit {
        Some(unit) => {
            let steps: Vec<Vec<&Step>> = groups.iter().map(|group| steps_of(group)).collect();
            Some(down::divide(unit, &steps).map_err(|reason| format!("its Down section cannot be divided: {reason}"))?)
        }
        None => None,
    };
    let has_down = division.as_ref().is_some_and(|division| {
        division.unchanged && !division.shares[0].lines.is_empty()
            || division.shares.iter().any(|it| !it.lines.is_empty())
    });

    let original = Original::new(job);
    let mut emission = Emission::default();
    let mut written: BTreeMap<PathBuf, Option<String>> = BTreeMap::new();
    for (index, (group, target)) in groups.iter().zip(&targets).enumerate() {
        let mut session = Session::default();
        let blocks = group.iter().map(|piece| {
            let part = &plan.parts[piece.part];
            let lines = part.steps[piece.steps.clone()].iter().map(|step| original.line(step, writer)).collect();
            Block { envelope: envelope(job, piece.transaction), settings: part.settings.clone(), lines }
        });
        let texts: Vec<String> = blocks.map(|block| body::write(&block, &history.config, &mut session)).collect();
        let mut text = texts.join("\n\n");
        for line in if unit.runner.resets_session { Vec::new() } else { body::reset(&mut session) } {
            text.push('\n');
            text.push_str(&line);
        }
        let transaction = group.iter().all(|piece| piece.transaction);
        let (lead, head) = if index == 0 { original.lead() } else { (original.switches.clone(), String::new()) };
        let tail = if index == 0 { original.tail.clone() } else { "\n".to_owned() };
        let up = Text { lead, body: format!("{head}{text}"), tail };

        let down = match (down_unit, &division) {
            (Some(unit), Some(division)) if division.unchanged && index == 0 => {
                Some((Text { lead: unit.span.slice(&unit.text).to_owned(), ..Text::default() }, !unit.runner.opted_out))
            }
            (Some(unit), Some(division)) => {
                let share = &division.shares[index];
                let (body, transaction) = down_body(job, share, division, unit, transaction)?;
                let whole = unit.span.slice(&unit.text);
                Some(match index {
                    0 => (Text { lead: marks_of(unit), body, tail: trailing(whole).to_owned() }, transaction),
                    _ => (Text { lead: String::new(), body, tail: "\n".to_owned() }, transaction),
                })
            }
            _ if index > 0 && writer.down_required => {
                Some((Text { lead: String::new(), body: String::new(), tail: String::new() }, transaction))
            }
            _ => None,
        };
        let (down, down_transaction) = match down {
            Some((text, transaction)) => (Some(text), transaction),
            None => (None, transaction),
        };
        let header = header(job, &groups, &targets, index, has_down);
        let sheet = Sheet {
            migration,
            path: target.path.clone(),
            original: index == 0,
            transaction,
            header,
            up,
            down,
            down_transaction,
        };
        for (path, text) in (writer.write)(&sheet)? {
            let text = text.map(|text| with_line_endings(&migration.text, text));
            if written.insert(path.clone(), text).is_some() {
                return Err(format!("two steps would be written to {}", files.display(&path)));
            }
        }
        emission.parts.extend(group.iter().map(|piece| Emitted {
            path: target.path.clone(),
            part: piece.part,
            steps: piece.steps.clone(),
            transaction: piece.transaction,
        }));
    }
    if pieces.iter().any(|piece| !piece.transaction) {
        emission.notes.extend((writer.advice)(&history.settings).map(str::to_owned));
    }
    for (from, to) in moves {
        let text = files.read(&from).map_err(|error| error.message)?.text;
        emission.notes.push(format!("{} becomes {}, to make room", files.display(&from), files.display(&to)));
        written.insert(from, None);
        written.insert(to, Some(text.to_string()));
    }
    for (path, new) in written {
        let old = files.is_file(&path).then(|| files.read(&path)).transpose().map_err(|error| error.message)?;
        let old = old.map(|old| old.text);
        if old.as_deref() != new.as_deref() {
            emission.changes.push(FileChange { path, old, new });
        }
    }
    Ok(emission)
}

/// Each part by itself, and where a file is one message each statement that refuses a transaction by itself.
fn pieces(plan: &Plan, whole: bool) -> Vec<Piece> {
    let mut pieces = Vec::new();
    for (part, Part { transaction, title, steps, .. }) in plan.parts.iter().enumerate() {
        let count = steps.len();
        if *transaction || !whole || count == 1 {
            pieces.push(Piece { part, steps: 0..count, transaction: *transaction, title: title.clone() });
            continue;
        }
        let mut start = 0;
        while start < count {
            let alone = steps[start].mode == Mode::NonTx;
            let end = if alone {
                start + 1
            } else {
                (start..count).find(|at| steps[*at].mode == Mode::NonTx).unwrap_or(count)
            };
            let title = if alone { title.clone() } else { steps[start].title.clone() };
            pieces.push(Piece { part, steps: start..end, transaction: !alone, title });
            start = end;
        }
    }
    pieces
}

/// What the runner rules out.
fn possible(job: &Job, pieces: &[Piece]) -> Result<(), String> {
    let Job { unit, writer, migration, .. } = *job;
    let label = migration.tool.label;
    let outside = pieces.iter().any(|piece| !piece.transaction);
    match unit.runner.transaction {
        RunnerTransaction::AllPending if pieces.len() > 1 || outside => {
            return Err(format!(
                "{label} runs all pending files in one transaction, so the steps must be written as separate migrations and \
                 deployed one after the other"
            ));
        }
        RunnerTransaction::Unit if writer.one_file && (pieces.len() > 1 || outside) => {
            return Err(
                "the file runs in one transaction, as safestep.toml says; write the steps as separate files".to_owned()
            );
        }
        RunnerTransaction::Unknown => return Err("it is not known whether the file runs in a transaction".to_owned()),
        _ => {}
    }
    if writer.one_file && unit.runner.messages == Messages::Whole && outside && pieces.len() > 1 {
        return Err("the file runs as one message, as safestep.toml says; write the steps as separate files".to_owned());
    }
    if matches!(migration.key, Key::Repeatable(_)) && pieces.len() > 1 {
        return Err(format!("{label} repeats the file, and its steps would have to be files that run once"));
    }
    Ok(())
}

/// What holds the statements of a file together.
fn envelope(job: &Job, transaction: bool) -> Envelope {
    let Job { unit, writer, script, .. } = *job;
    let whole = unit.runner.messages == Messages::Whole;
    let wrapped = unit.runner.opted_out || unit.runner.transaction != RunnerTransaction::None;
    match (transaction, whole) {
        (true, _) if wrapped && !writer.one_file => Envelope::Given,
        (true, true) if !begins(script) => Envelope::Given,
        (true, _) => Envelope::Written,
        (false, true) => Envelope::Alone,
        (false, false) => Envelope::Nothing,
    }
}

fn begins(script: &Script) -> bool {
    script
        .statements
        .iter()
        .any(|statement| matches!(statement.parsed.kind, StatementKind::Transaction { kind: TransactionKind::Begin }))
}

/// The Down section of one file, and whether it runs in a transaction.
fn down_body(
    job: &Job,
    share: &Share,
    division: &down::Division,
    unit: &UnitText,
    up_transaction: bool,
) -> Result<(String, bool), String> {
    let writer = job.writer;
    if share.lines.is_empty() {
        let mut text: Vec<String> =
            share.remarks.iter().map(|remark| format!("-- {}", remark.replace(['\n', '\r'], " "))).collect();
        if text.is_empty() {
            text.push("-- There is nothing to undo.".to_owned());
        }
        text.extend((!writer.nothing.is_empty()).then(|| writer.nothing.to_owned()));
        return Ok((text.join("\n"), if writer.one_switch { up_transaction } else { true }));
    }
    let outside = share.lines.iter().any(|line| line.mode == Mode::NonTx);
    let whole = unit.runner.messages == Messages::Whole;
    if outside && whole && share.lines.len() > 1 {
        return Err(
            "its Down section cannot be divided: a statement that refuses a transaction would not be alone in its file"
                .to_owned(),
        );
    }
    if outside && writer.one_switch && up_transaction {
        return Err(
            "its Down section cannot be divided: it would need a transaction turned off that the Up section needs"
                .to_owned(),
        );
    }
    let transaction = if writer.one_switch { up_transaction } else { !outside };
    let envelope = match (transaction, writer.one_file, whole) {
        (_, true, _) => Envelope::Nothing,
        (true, false, _) => Envelope::Given,
        (false, false, true) if share.lines.len() == 1 => Envelope::Alone,
        (false, false, true) => Envelope::Given,
        (false, false, false) => Envelope::Nothing,
    };
    let fenced = share.lines.iter().map(|line| Line {
        sql: (writer.statement)(&line.sql, false),
        verbatim: line.verbatim || left_alone(line.mode, writer),
        ..line.clone()
    });
    let block = Block { envelope, settings: division.settings.clone(), lines: fenced.collect() };
    let mut session = Session::default();
    let mut text = body::write(&block, &job.history.config, &mut session);
    if !unit.runner.resets_session {
        for line in body::reset(&mut session) {
            text.push('\n');
            text.push_str(&line);
        }
    }
    Ok((text, transaction))
}

/// Where the original's own bytes go.
struct Original {
    /// The marks above the first statement with the comments between them.
    lead: String,
    /// Those comments alone: the first statement's step has them too.
    duplicate: String,
    /// Comments above the first statement that a blank line parts from it.
    head: String,
    /// Marks above the first statement that every file of the migration needs.
    switches: String,
    tail: String,
    /// Statements that stand between marks of their own.
    fenced: Vec<bool>,
}

impl Original {
    fn new(job: &Job) -> Self {
        let Job { unit, script, writer, .. } = *job;
        let text = &*unit.text;
        let start = unit.span.start as usize + if unit.span.start == 0 && text.starts_with('\u{feff}') { 3 } else { 0 };
        let first = script.statements.first().map_or(unit.span.end as usize, |statement| statement.span.start as usize);
        let is_fence =
            |mark: &Span| writer.fences.iter().any(|fence| mark.slice(text).to_ascii_lowercase().contains(fence));
        let marks = unit.marks.iter().filter(|mark| (mark.end as usize) <= first && !is_fence(mark));
        let lead_end = marks.clone().next_back().map_or(start, |mark| {
            text[mark.end as usize..first].find('\n').map_or(first, |at| mark.end as usize + at + 1)
        });
        let lead = text[start..lead_end].to_owned();
        let duplicate = unmarked(text, start, lead_end, &unit.marks).trim_start().to_owned();
        let switches = marks.filter(|mark| mark.slice(text).to_ascii_lowercase().contains("envsub"));
        let switches: String = switches.map(|mark| format!("{}\n", mark.slice(text))).collect();
        let step = job.plan.parts.iter().flat_map(|part| &part.steps).find(|step| !step.sql.is_empty());
        let head = match step {
            Some(step) if lead.is_empty() && step.from.first() == Some(&0) => head_of(&step.sql),
            _ => String::new(),
        };
        let fenced = script.statements.iter().map(|statement| {
            let above = unit.marks.iter().rev().find(|mark| mark.end <= statement.span.start);
            let below = unit.marks.iter().find(|mark| mark.start >= statement.end);
            let others = |other: &&syntax::ast::Statement| {
                other.span != statement.span
                    && above.is_some_and(|mark| other.span.start >= mark.end)
                    && below.is_some_and(|mark| other.end <= mark.start)
            };
            above.is_some_and(is_fence)
                && below.is_some_and(is_fence)
                && !script.statements.iter().any(|it| others(&it))
        });
        Self {
            lead,
            duplicate,
            head,
            switches,
            tail: trailing(unit.span.slice(text)).to_owned(),
            fenced: fenced.collect(),
        }
    }

    /// The bytes above the body: those that go above everything of ours, and comments that belong to the whole file.
    fn lead(&self) -> (String, String) {
        (format!("{}{}", self.lead, self.head), String::new())
    }

    /// A step as it is written into a file.
    fn line(&self, step: &Step, writer: &Writer) -> Line {
        let mut sql = step.sql.strip_prefix('\u{feff}').unwrap_or(&step.sql);
        if step.from.first() == Some(&0) {
            sql = sql.strip_prefix(self.duplicate.as_str()).unwrap_or(sql).trim_start_matches(['\n', '\r']);
            sql = sql.strip_prefix(self.head.as_str()).unwrap_or(sql);
        }
        let fenced = step.verbatim && step.from.iter().all(|from| self.fenced.get(*from) == Some(&true));
        Line {
            sql: (writer.statement)(sql, fenced && !step.from.is_empty()),
            mode: step.mode,
            verbatim: step.verbatim || left_alone(step.mode, writer),
            spaced: step.spaced,
            blocks: step.blocks,
            long: step.long,
        }
    }
}

/// Where SET is no free companion, a new statement outside a transaction is treated like an old one.
fn left_alone(mode: Mode, writer: &Writer) -> bool {
    mode == Mode::NonTx && !writer.sets_freely
}

/// Comments at the beginning that a blank line parts from what follows, with that blank line.
fn head_of(sql: &str) -> String {
    let mut end = 0;
    for line in lines(sql) {
        let text = line.text.trim();
        match text {
            "" => end = line.next,
            _ if text.starts_with("--") => {}
            _ => break,
        }
    }
    sql[..end].trim_start_matches('\u{feff}').to_owned()
}

/// The marks at the beginning of a section, with the comments between them.
fn marks_of(unit: &UnitText) -> String {
    let text = unit.span.slice(&unit.text);
    let mut end = 0;
    for line in lines(text) {
        let here = Span::new(line.range.start, line.range.end).shifted(unit.span.start);
        if unit.marks.contains(&here) && end == line.range.start {
            end = line.next;
        }
    }
    text[..end].to_owned()
}

fn trailing(text: &str) -> &str {
    &text[text.trim_end().len()..]
}

/// The text between two offsets without the marks, and without the lines that only they stood on.
pub(crate) fn unmarked(text: &str, from: usize, to: usize, marks: &[Span]) -> String {
    let mut out = String::new();
    let mut position = from;
    for mark in marks.iter().filter(|mark| from <= mark.start as usize && mark.end as usize <= to) {
        out.push_str(&text[position.min(mark.start as usize)..mark.start as usize]);
        position = mark.end as usize;
        let alone = out.rsplit('\n').next().is_none_or(|line| line.trim().is_empty());
        if let Some(end) =
            text[position..to].find('\n').filter(|end| alone && text[position..position + end].trim().is_empty())
        {
            position += end + 1;
        }
    }
    out.push_str(&text[position.min(to)..to]);
    out
}

/// A file of carriage returns throughout stays one.
fn with_line_endings(original: &str, text: String) -> String {
    let newlines = original.matches('\n').count();
    if newlines > 0 && original.matches("\r\n").count() == newlines {
        text.replace("\r\n", "\n").replace('\n', "\r\n")
    } else {
        text
    }
}

/// A file for a group of pieces.
struct Target {
    path: PathBuf,
    version: String,
}

type Moves = Vec<(PathBuf, PathBuf)>;

/// The files of the steps, and later files that must make room: from where to where.
fn targets(job: &Job, groups: &[&[Piece]]) -> Result<(Vec<Target>, Moves), String> {
    let Job { files, history, migration, writer, options, .. } = *job;
    let mut targets = vec![Target { path: migration.path.clone(), version: migration.version.clone() }];
    let count = groups.len() - 1;
    if count == 0 {
        return Ok((targets, Vec::new()));
    }
    let name = |index: usize| {
        let title = groups[index].first().map_or("", |piece| piece.title.as_str());
        let joined = [migration.name.as_str(), &format!("step{}", index + 1), title];
        joined.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("_")
    };
    let later: Vec<&Migration> = history
        .migrations
        .iter()
        .filter(|other| other.key > migration.key && same_kind(&other.key, &migration.key))
        .collect();
    let key_of = |path: &Path| (migration.tool.place)(path, &history.settings).map(|place| place.key);
    let paths = |versions: &[String]| -> Option<Vec<PathBuf>> {
        versions.iter().enumerate().map(|(at, version)| (writer.path)(migration, version, &name(at + 1))).collect()
    };
    // Between the migration and the next one, and sorted there by the tool's own order.
    let sorted = |paths: &[PathBuf], before: Option<&Key>| {
        let keys: Option<Vec<Key>> = paths.iter().map(|path| key_of(path)).collect();
        keys.is_some_and(|keys| {
            keys.iter().all(|key| *key > migration.key && before.is_none_or(|before| key < before))
                && keys.windows(2).all(|pair| pair[0] < pair[1])
                && paths.iter().all(|path| !files.is_file(path))
        })
    };
    let next = later.first();
    let fitting = (writer.versions)(&migration.version, count, next.map(|next| next.version.as_str()));
    if let Some(versions) = fitting
        && let Some(paths) = paths(&versions)
        && sorted(&paths, next.map(|next| &next.key))
    {
        targets.extend(paths.into_iter().zip(versions).map(|(path, version)| Target { path, version }));
        return Ok((targets, Vec::new()));
    }

    let no_room = || {
        let between = next.map_or_else(String::new, |next| format!(" before {}", files.display(&next.path)));
        format!("there is no version for {count} more files{between}")
    };
    let versions = (writer.versions)(&migration.version, count, None).ok_or_else(no_room)?;
    let paths = paths(&versions).ok_or_else(no_room)?;
    if !sorted(&paths, None) {
        return Err(no_room());
    }
    let mut moves = Vec::new();
    let mut last = versions.last().cloned().unwrap_or_default();
    let mut last_key = paths.last().and_then(|path| key_of(path)).ok_or_else(no_room)?;
    for other in &later {
        if other.key > last_key {
            break;
        }
        if other.pending != Some(true) && !options.all_files {
            return Err(format!("{}, and {} may be applied already", no_room(), files.display(&other.path)));
        }
        last =
            (writer.versions)(&last, 1, None).and_then(|versions| versions.into_iter().next()).ok_or_else(no_room)?;
        for from in belongings(files, history, other) {
            let to = renamed(&history.root, &from, &other.version, &last).ok_or_else(no_room)?;
            if files.is_file(&to) {
                return Err(no_room());
            }
            last_key = key_of(&to).unwrap_or(last_key);
            moves.push((from, to));
        }
    }
    targets.extend(paths.into_iter().zip(versions).map(|(path, version)| Target { path, version }));
    Ok((targets, moves))
}

fn same_kind(a: &Key, b: &Key) -> bool {
    std::mem::discriminant(a) == std::mem::discriminant(b)
}

/// The files of a migration; everything in its directory when it has one to itself.
fn belongings(files: &Files, history: &History, migration: &Migration) -> Vec<PathBuf> {
    match migration.path.parent() {
        Some(directory) if migration.tool.directories && directory != history.root => files.list(directory).0,
        _ => {
            let companions = migration.companions.iter().map(|companion| companion.path.clone());
            std::iter::once(migration.path.clone()).chain(companions).collect()
        }
    }
}

/// The path with another version in the first name below the root that holds the old one.
fn renamed(root: &Path, path: &Path, old: &str, new: &str) -> Option<PathBuf> {
    let mut found = false;
    let mut renamed = root.to_owned();
    for component in path.strip_prefix(root).ok()? {
        let name = component.to_str()?;
        match name.find(old).filter(|_| !found && !old.is_empty()) {
            Some(at) => {
                found = true;
                renamed.push(format!("{}{new}{}", &name[..at], &name[at + old.len()..]));
            }
            None => renamed.push(name),
        }
    }
    found.then_some(renamed)
}

/// Comment lines that say where a file comes from and what to do when it fails.
fn header(job: &Job, groups: &[&[Piece]], targets: &[Target], index: usize, has_down: bool) -> String {
    let Job { history, migration, plan, options, writer, .. } = *job;
    let name = |path: &Path| {
        let below = path.strip_prefix(&history.root).unwrap_or(path);
        below.to_string_lossy().replace('\\', "/")
    };
    let count = groups.len();
    let mut said: Vec<String> = Vec::new();
    if writer.one_file {
        let blocks = groups[0].len();
        if blocks > 1 {
            said.push(format!(
                "Split into {blocks} blocks by safestep. Run it with psql -v ON_ERROR_STOP=1; after a failure go on with the \
                 block that failed."
            ));
        }
    } else if count > 1 && index == 0 {
        let others: Vec<String> = targets[1..].iter().map(|target| name(&target.path)).collect();
        said.push(format!("Step 1 of {count}, split by safestep. Then: {}.", others.join(", ")));
    } else if count > 1 {
        said.push(format!("Step {} of {count}, split by safestep from {}.", index + 1, name(&migration.path)));
    }
    for piece in groups[index] {
        let steps = &plan.parts[piece.part].steps[piece.steps.clone()];
        let locks = options.locks.get(piece.part).filter(|locks| !locks.is_empty() && !writer.one_file);
        said.extend(locks.map(|locks| format!("Locks: {}.", locks.join("; "))));
        said.extend(steps.iter().filter_map(|step| Some(format!("Run it only when {}.", step.after_deploy.as_ref()?))));
        let directory = targets[index].path.parent().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
        let repair = match previous(job, targets, index) {
            Some(previous) => writer.repair.replace("{previous}", &previous).replace("{directory}", &directory),
            None if writer.repair.contains("{previous}") => String::new(),
            None => writer.repair.replace("{directory}", &directory),
        };
        for recovery in steps.iter().filter_map(|step| step.recovery.as_ref()) {
            said.push(format!("If it is interrupted: {} Then {repair}{}.", recovery.trim_end(), writer.run));
        }
        if count > 1 && piece.transaction && !repair.is_empty() {
            said.push(format!("If it fails, nothing has changed: {repair}{}.", writer.run));
        }
    }
    if count > 1 && !writer.one_file {
        said.push(match (has_down, writer.undo) {
            (true, Some(undo)) => format!("Roll back with {undo}, once for each step, last step first."),
            _ => "There is no Down section; undo the steps by a new migration, last step first.".to_owned(),
        });
    }
    // A line break would end the comment.
    let one_line = |line: &String| line.split_whitespace().collect::<Vec<_>>().join(" ");
    said.iter().map(|line| format!("-- {}\n", one_line(line))).collect()
}

/// The version before that of a target.
fn previous(job: &Job, targets: &[Target], index: usize) -> Option<String> {
    if index > 0 {
        return Some(targets[index - 1].version.clone());
    }
    let migrations = &job.history.migrations;
    let at = migrations.iter().position(|it| it.path == job.migration.path)?;
    Some(migrations[at.checked_sub(1)?].version.clone())
}

/// A file of its own for the Down section, beside the Up file, where the original has one.
pub(crate) fn paired(sheet: &Sheet, down: PathBuf, up_text: String) -> Written {
    let mut written = vec![(sheet.path.clone(), Some(up_text))];
    if let Some(text) = &sheet.down {
        let path = match sheet.migration.companion(Role::Down) {
            Some(companion) if sheet.original => companion.path.clone(),
            _ => down,
        };
        written.push((path, Some(text.joined())));
    }
    written
}

impl Text {
    /// The whole section.
    #[must_use]
    pub fn joined(&self) -> String {
        format!("{}{}{}", self.lead, self.body, self.tail)
    }
}
