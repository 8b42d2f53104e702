//! A plan to files, the way the migration's tool wants them.
//!
//! A part of a plan is what may stand in one file. The first stays in the file of the original; the others get files behind
//! it, with versions that sort right after it. psql has no ledger, so a plain file keeps all parts, in blocks. Nothing is
//! written here; see [`crate::write`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use model::plan::{Mode, Part, Plan, Setting, Step};
use model::runner::{Messages, RunnerTransaction};
use syntax::ast::{Script, StatementKind, TransactionKind};

use crate::emit::body::{Block, Envelope, Line, Session};
use crate::emit::down::Share;
use crate::emit::header::{above_block, header};
use crate::emit::original::{Original, left_alone, marks_of, trailing};
use crate::emit::target::targets;
pub use crate::emit::target::{Moves, make_room};
use crate::files::Files;
use crate::load::History;
use crate::migration::{Key, Migration, Role, Section, UnitText};
use crate::tool::{Writer, tool_setting};

mod body;
mod clause;
mod down;
mod header;
mod in_place;
mod original;
mod target;
mod things;
pub(crate) mod version;

/// What the caller knows beside the plan.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The plan differs from the original. If not, its file only gets timeouts where they are missing.
    pub changed: bool,
    /// Later files may get other versions although git does not call them pending.
    pub all_files: bool,
    /// No file can be created: all parts must stand in that of the original.
    pub one_file: bool,
    /// Words are for the user of an editor.
    pub editor: bool,
}

/// What a rewrite does to the disk.
#[derive(Clone, Debug, Default)]
pub struct Emission {
    /// Sorted by path, each path once, none without effect.
    pub changes: Vec<FileChange>,
    /// In the order in which they run.
    pub parts: Vec<Emitted>,
    /// Later migrations that made room: files, from where to where. They stand in `changes` too.
    pub moves: Moves,
    /// Whole sentences without full stop.
    pub notes: Vec<String>,
}

impl Emission {
    /// How many files hold parts.
    #[must_use]
    pub fn files(&self) -> usize {
        self.parts.iter().map(|part| &part.path).collect::<BTreeSet<_>>().len()
    }
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
        let setting = tool_setting(options.editor);
        return Err(Withheld(format!(
            "it is not known which tool runs the file; name it with {setting} or in safestep.toml"
        )));
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
    let job = Job { files, history, migration, plan, options, writer, unit, script, one_file: writer.one_file };
    if options.changed { split(&job).map_err(Withheld) } else { Ok(in_place::emit(&job)) }
}

/// What is written, and by which rules.
#[derive(Clone, Copy)]
struct Job<'a> {
    files: &'a Files,
    history: &'a History,
    migration: &'a Migration,
    plan: &'a Plan,
    options: &'a Options,
    writer: &'a Writer,
    /// The Up section, and what stands in it.
    unit: &'a UnitText,
    script: &'a Script,
    /// All parts stand in one file, each in a transaction of its own.
    one_file: bool,
}

/// Steps that run together.
struct Piece {
    part: usize,
    steps: std::ops::Range<usize>,
    transaction: bool,
    title: String,
}

fn split(job: &Job) -> Result<Emission, String> {
    let Job { files, history, migration, plan, options, writer, unit, .. } = *job;
    let whole = unit.runner.messages == Messages::Whole;
    let pieces = pieces(plan, whole);
    let job = &Job { one_file: writer.one_file || options.one_file && pieces.len() > 1, ..*job };
    let groups: Vec<&[Piece]> = if job.one_file { vec![&pieces] } else { pieces.chunks(1).collect() };
    possible(job, &pieces)?;
    let (targets, moves) = targets(job, &groups)?;

    let down_unit = migration.unit(Section::Down);
    let steps_of = |group: &[Piece]| -> Vec<&Step> {
        group.iter().flat_map(|piece| &plan.parts[piece.part].steps[piece.steps.clone()]).collect()
    };
    let division = match down_unit {
        Some(unit) => {
            let steps: Vec<Vec<&Step>> = groups.iter().map(|group| steps_of(group)).collect();
            let mut division = down::divide(unit, &steps).map_err(|reason| {
                format!("its Down section cannot be divided: {reason}; divide the migration by hand")
            })?;
            for (share, group) in division.shares.iter_mut().zip(&groups) {
                share.find_names(group.iter().flat_map(|piece| &plan.parts[piece.part].settings));
            }
            Some(division)
        }
        None => None,
    };
    let has_down = division.as_ref().is_some_and(|division| {
        division.unchanged && !division.shares[0].lines.is_empty()
            || division.shares.iter().any(|it| !it.lines.is_empty())
    });

    let original = Original::new(job);
    let earlier = header::earlier(&migration.text).filter(|_| groups.len() > 1).unwrap_or_default();
    let mut emission = Emission::default();
    let mut written: BTreeMap<PathBuf, Option<String>> = BTreeMap::new();
    for (index, (group, target)) in groups.iter().zip(&targets).enumerate() {
        let mut session = Session::default();
        // Only the last file leaves what the original leaves.
        let left: &[Setting] = if index + 1 == groups.len() { &plan.left } else { &[] };
        let blocks = group.iter().map(|piece| {
            let part = &plan.parts[piece.part];
            let lines = part.steps[piece.steps.clone()].iter().map(|step| original.line(step, writer)).collect();
            let (envelope, mut settings) = (envelope(job, piece.transaction), part.settings.clone());
            // The tool writes down in its own transaction what it ran; one that the file writes ends before that.
            if envelope == Envelope::Written && !job.one_file {
                let ends = |it: &&mut Setting| !body::is_timeout(&it.name) && !left.contains(it);
                settings.iter_mut().filter(ends).for_each(body::make_local);
            }
            Block { envelope, settings, lines }
        });
        // Who goes on with a block that failed finds its timeouts there, and what comes after the file none of ours.
        let texts = blocks.enumerate().map(|(at, block)| {
            let mut text = above_block(job, &groups, &targets, at);
            text.push_str(&body::write(&block, &history.config, &mut session));
            let back = match block.envelope {
                Envelope::Alone => Vec::new(),
                _ if at + 1 == group.len() && !unit.runner.resets_session => body::leave(&mut session, left),
                _ => body::reset(&mut session),
            };
            text.extend(back.iter().map(|line| format!("\n{line}")));
            text
        });
        let text = texts.collect::<Vec<String>>().join("\n\n");
        // Blocks that begin and commit by themselves are not held together by the tool.
        let transaction = group.iter().all(|piece| piece.transaction) && (group.len() == 1 || writer.one_file);
        let (lead, head) = if index == 0 { original.lead() } else { (original.switches.clone(), String::new()) };
        let tail = if index == 0 { original.tail.clone() } else { "\n".to_owned() };
        let up = Text { lead, body: format!("{head}{text}"), tail };

        let down = match (down_unit, &division) {
            (Some(unit), Some(division)) if division.unchanged && index == 0 => {
                Some((Text { lead: unit.span.slice(&unit.text).to_owned(), ..Text::default() }, !unit.runner.opted_out))
            }
            (Some(unit), Some(division)) => {
                let share = &division.shares[index];
                let (body, transaction) = down_body(job, share, unit, transaction)?;
                let whole = unit.span.slice(&unit.text);
                Some(match index {
                    0 => (Text { lead: marks_of(unit, writer), body, tail: trailing(whole).to_owned() }, transaction),
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
            let text = text.map(|text| with_line_endings(&migration.text, text.replacen(earlier, "", 1)));
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
    emission.notes.extend(moves.iter().map(|(from, to)| moved(files, from, to)));
    written.extend(written_by(files, &moves)?);
    emission.moves = moves;
    emission.changes = changes(files, written)?;
    if options.one_file && emission.changes.iter().any(|change| change.old.is_none()) {
        return Err(format!("the rewrite needs another file beside it for {}", migration.tool.label));
    }
    Ok(emission)
}

/// What moves do to the disk. A name that one file leaves may be taken by another.
fn written_by(files: &Files, moves: &Moves) -> Result<BTreeMap<PathBuf, Option<String>>, String> {
    let mut written: BTreeMap<PathBuf, Option<String>> = moves.iter().map(|(from, _)| (from.clone(), None)).collect();
    for (from, to) in moves {
        let text = files.read(from).map_err(|error| error.message)?.text;
        written.insert(to.clone(), Some(text.to_string()));
    }
    Ok(written)
}

fn changes(files: &Files, written: BTreeMap<PathBuf, Option<String>>) -> Result<Vec<FileChange>, String> {
    let mut changes = Vec::new();
    for (path, new) in written {
        let old = files.is_file(&path).then(|| files.read(&path)).transpose().map_err(|error| error.message)?;
        let old = old.map(|old| old.text);
        if old.as_deref() != new.as_deref() {
            changes.push(FileChange { path, old, new });
        }
    }
    Ok(changes)
}

/// A move, as a user is told of it.
#[must_use]
pub fn moved(files: &Files, from: &Path, to: &Path) -> String {
    format!("{} becomes {}, to make room", files.display(from), files.display(to))
}

/// What else must know of written files: a file of checksums beside the migrations. A whole sentence.
#[must_use]
pub fn checksums(files: &Files, history: &History) -> Option<String> {
    let sums = history.root.join("atlas.sum");
    files
        .is_file(&sums)
        .then(|| format!("{} does not know the written files: run `atlas migrate hash`", files.display(&sums)))
}

/// What [`make_room`] found to be needed, as changes of files.
pub fn moving(files: &Files, moves: &Moves) -> Result<Vec<FileChange>, String> {
    changes(files, written_by(files, moves)?)
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
        RunnerTransaction::Unknown => {
            let setting = tool_setting(job.options.editor);
            return Err(format!(
                "it is not known whether the file runs in a transaction; name the tool with {setting} or in safestep.toml"
            ));
        }
        _ => {}
    }
    if job.one_file && !writer.one_file && unit.runner.messages == Messages::Whole {
        return Err(format!("{label} sends each file as one message, so the steps need files of their own"));
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
    let Job { unit, script, one_file, .. } = *job;
    let whole = unit.runner.messages == Messages::Whole;
    let wrapped = unit.runner.opted_out || unit.runner.transaction != RunnerTransaction::None;
    match (transaction, whole) {
        (true, _) if wrapped && !one_file => Envelope::Given,
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
        .any(|statement| matches!(*statement.parsed.kind, StatementKind::Transaction { kind: TransactionKind::Begin }))
}

/// The Down section of one file, and whether it runs in a transaction.
fn down_body(job: &Job, share: &Share, unit: &UnitText, up_transaction: bool) -> Result<(String, bool), String> {
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
            "its Down section cannot be divided: a statement that refuses a transaction would not be alone in its file; divide the migration by hand"
                .to_owned(),
        );
    }
    if outside && writer.one_switch && up_transaction {
        return Err(
            "its Down section cannot be divided: it would need a transaction turned off that the Up section needs; divide the migration by hand"
                .to_owned(),
        );
    }
    let transaction = if writer.one_switch { up_transaction } else { !outside };
    let envelope = match (transaction, job.one_file, whole) {
        (_, true, _) => Envelope::Nothing,
        (true, false, _) => Envelope::Given,
        (false, false, true) if share.lines.len() == 1 => Envelope::Alone,
        (false, false, true) => Envelope::Given,
        (false, false, false) => Envelope::Nothing,
    };
    let settings = share.settings.clone();
    let needed = settings.iter().find(|setting| !body::is_timeout(&setting.name));
    if let (Envelope::Alone, Some(Setting { name, .. })) = (envelope, needed) {
        return Err(format!(
            "its Down section cannot be divided: a statement that must be alone in its file needs {name}; divide the migration by hand"
        ));
    }
    let fenced = share.lines.iter().map(|line| Line {
        sql: (writer.statement)(&line.sql, false),
        verbatim: line.verbatim || left_alone(line.mode, writer),
        ..line.clone()
    });
    let block = Block { envelope, settings, lines: fenced.collect() };
    let mut session = Session::default();
    let mut text = body::write(&block, &job.history.config, &mut session);
    let back = if unit.runner.resets_session { body::reset(&mut session) } else { body::leave(&mut session, &[]) };
    text.extend(back.iter().map(|line| format!("\n{line}")));
    Ok((text, transaction))
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
