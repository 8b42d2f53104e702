//! Load, parse, fold, judge: everything that a run looks at.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use model::effect::FailsWhen;
use model::schema::{Born, Schema};
use model::trace::{Judged, Session, Settings, Trace, Unit};
use project::config::SessionTimeout;
use project::load::{History, Project, Request};
use project::migration::{Migration, Section, UnitText};
use rayon::prelude::*;
use syntax::ast::Script;

use crate::{Engine, Error, Options};

#[derive(Debug)]
pub struct View {
    pub histories: Vec<HistoryView>,
    pub skipped: Vec<(PathBuf, String)>,
    /// Whole sentences about the run.
    pub notes: Vec<String>,
}

/// One history, and those of its migrations that were asked for.
#[derive(Debug)]
pub struct HistoryView {
    pub history: Arc<History>,
    pub settings: Settings,
    pub files: Vec<FileView>,
    /// The schema after the last migration.
    pub latest: Schema,
}

#[derive(Clone, Debug)]
pub struct FileView {
    /// Index in `history.migrations`.
    pub migration: usize,
    /// May be rewritten: not applied anywhere as far as git knows, or the caller insists.
    pub pending: bool,
    pub sections: Vec<SectionView>,
}

#[derive(Clone, Debug)]
pub struct SectionView {
    /// Index in the migration's units.
    pub unit: usize,
    pub script: Arc<Script>,
    /// The session in which the section begins.
    pub session: Session,
    pub trace: Arc<Trace>,
}

impl HistoryView {
    #[must_use]
    pub fn migration(&self, file: &FileView) -> &Migration {
        &self.history.migrations[file.migration]
    }
}

pub(crate) fn open(engine: &Engine, options: &Options) -> Result<View, Vec<Error>> {
    let project = load(engine, options)?;
    let histories: Vec<HistoryView> =
        project.histories.into_par_iter().map(|history| judge_whole(engine, options, history)).collect();
    let skipped = project.skipped.into_iter().map(|it| (it.path, it.reason)).collect();
    Ok(View { histories, skipped, notes: project.notes })
}

pub(crate) fn load(engine: &Engine, options: &Options) -> Result<Project, Vec<Error>> {
    let names: Vec<&str> = rule_names().collect();
    let request = Request {
        paths: &options.paths,
        pending: options.pending,
        tool: options.tool,
        editor: options.editor,
        since: options.since.as_deref(),
        rule_names: &names,
    };
    project::load::load(&engine.files, &request)
}

/// What a configuration may name: rules and groups.
pub(crate) fn rule_names() -> impl Iterator<Item = &'static str> {
    rules::ALL.iter().map(|rule| rule.info.name).chain(rules::Group::ALL.iter().map(|group| group.name()))
}

fn judge_whole(engine: &Engine, options: &Options, history: History) -> HistoryView {
    let (settings, begin) = beginning(options, &history);
    judge(engine, options, history, settings, begin, |migration| is_target(migration, options))
}

/// How a history is judged, and what it begins with.
pub(crate) fn beginning(options: &Options, history: &History) -> (Settings, Begin) {
    let settings = Settings {
        majors: options.majors.clone().unwrap_or_else(|| history.config.postgres.clone()),
        external_timeouts: history.config.lock_timeout == SessionTimeout::External,
    };
    let schema = Schema { complete: knows_its_beginning(history), presumed: true, ..Schema::default() };
    (settings, Begin { schema, session: Session::default() })
}

/// Where a judgement begins.
pub(crate) struct Begin {
    pub schema: Schema,
    pub session: Session,
}

/// Executes the migrations of a history in order and judges those that `is_target` names.
pub(crate) fn judge(
    engine: &Engine,
    options: &Options,
    history: History,
    settings: Settings,
    begin: Begin,
    is_target: impl Fn(&Migration) -> bool,
) -> HistoryView {
    let scripts: Vec<Vec<Arc<Script>>> = history
        .migrations
        .par_iter()
        .map(|migration| migration.units.iter().map(|unit| Arc::new(parse(engine, unit))).collect())
        .collect();
    let Begin { mut schema, mut session } = begin;
    let mut files = Vec::new();
    for (index, migration) in history.migrations.iter().enumerate() {
        let born = born(migration);
        let up = migration.units.iter().position(|unit| unit.section == Section::Up);
        let Some(up) = up else { continue };
        if stands_alone(migration) {
            (schema, session) = (Schema::default(), Session::default());
        }
        let unit = Unit { script: &scripts[index][up], runner: &migration.units[up].runner };
        if !is_target(migration) {
            (schema, session) = model::trace::fold(&schema, &session, &unit, &settings, born);
            continue;
        }
        let trace = model::trace::trace(&schema, &session, &unit, &settings);
        let after = trace.after.aged(&schema, born);
        let begins = std::mem::replace(&mut session, trace.session_after.clone());
        let trace = Arc::new(trace);
        let mut sections = vec![SectionView { unit: up, script: scripts[index][up].clone(), session: begins, trace }];
        // A second Up section, which the tool refuses, is looked at too.
        for (down, text) in migration.units.iter().enumerate().filter(|(index, _)| *index != up) {
            let unit = Unit { script: &scripts[index][down], runner: &text.runner };
            let begins = Session::default();
            let trace = Arc::new(model::trace::trace(&after, &begins, &unit, &settings));
            sections.push(SectionView { unit: down, script: scripts[index][down].clone(), session: begins, trace });
        }
        // Where git cannot tell what is applied, those that are named.
        let pending = options.all_files || migration.pending.unwrap_or(migration.named);
        files.push(FileView { migration: index, pending, sections });
        schema = after;
    }
    judge_undone(&history, &scripts, &settings, &schema, &mut files);
    HistoryView { history: Arc::new(history), settings, files, latest: schema }
}

/// Down sections run newest first, so that an older one meets what the later ones leave, which may be more or less than its
/// own Up section left. One that fails right after its own Up section is judged again where it really runs, and that counts
/// if less of it fails there. Gives the number of sections executed only for the schema that they leave.
pub(crate) fn judge_undone(
    history: &History,
    scripts: &[Vec<Arc<Script>>],
    settings: &Settings,
    latest: &Schema,
    files: &mut [FileView],
) -> usize {
    let failing = |section: &SectionView| section.trace.judged.iter().filter(|it| surely_fails(it)).count();
    let is_down = |migration: usize, unit: usize| history.migrations[migration].units[unit].section == Section::Down;
    let mut doubtful: Vec<(usize, &mut SectionView)> = Vec::new();
    for file in files.iter_mut().filter(|file| !stands_alone(&history.migrations[file.migration])) {
        let sections = file.sections.iter_mut().filter(|it| is_down(file.migration, it.unit) && failing(it) > 0);
        doubtful.extend(sections.map(|section| (file.migration, section)));
    }
    let Some(oldest) = doubtful.iter().map(|(migration, _)| *migration).min() else { return 0 };
    let mut folded = 0;
    let mut schema = latest.clone();
    for (index, migration) in history.migrations.iter().enumerate().skip(oldest).rev() {
        if stands_alone(migration) {
            continue;
        }
        let unit_of = |unit: usize| Unit { script: &scripts[index][unit], runner: &migration.units[unit].runner };
        for (_, section) in doubtful.iter_mut().filter(|(migration, _)| *migration == index) {
            let trace = model::trace::trace(&schema, &section.session, &unit_of(section.unit), settings);
            let undone = SectionView { trace: Arc::new(trace), ..section.clone() };
            if failing(&undone) < failing(section) {
                **section = undone;
            }
        }
        for unit in (0..migration.units.len()).filter(|unit| index > oldest && is_down(index, *unit)) {
            folded += 1;
            (schema, _) = model::trace::fold(&schema, &Session::default(), &unit_of(unit), settings, born(migration));
        }
    }
    folded
}

fn surely_fails(judged: &Judged) -> bool {
    judged.fails.as_ref().is_some_and(|failure| failure.when == FailsWhen::Always)
}

/// What a migration makes, as later ones see it.
pub(crate) fn born(migration: &Migration) -> Born {
    if migration.pending == Some(true) { Born::Pending } else { Born::Before }
}

/// SQL files without a version have no order among them: each is judged by itself.
pub(crate) fn stands_alone(migration: &Migration) -> bool {
    matches!(migration.tool.name, "plain" | "unknown") && migration.version.is_empty()
}

/// Named on the command line; without any names, what is not applied yet, or with `all_files` everything. With `pending`
/// only what is not applied yet. Where git cannot tell, everything counts.
fn is_target(migration: &Migration, options: &Options) -> bool {
    let all = options.paths.is_empty();
    let applied_too = (!all || options.all_files) && !options.pending;
    (all || migration.named) && (applied_too || migration.pending != Some(false))
}

/// A tool that keeps a history starts with an empty database. Plain SQL files and standard input may start anywhere.
fn knows_its_beginning(history: &History) -> bool {
    !matches!(history.tool.name, "plain" | "unknown")
}

pub(crate) fn parse(engine: &Engine, unit: &UnitText) -> Script {
    syntax::parse_cached(&unit.text, &unit.options, &engine.cache)
}

/// As [`parse`], after an edit of what `old` was read from.
pub(crate) fn parse_again(engine: &Engine, unit: &UnitText, old: Option<(&UnitText, &Arc<Script>)>) -> Script {
    let Some((old, script)) = old else { return parse(engine, unit) };
    let before = syntax::Before { text: &old.text, options: &old.options, script };
    syntax::parse_again(&unit.text, &unit.options, &engine.cache, before)
}

/// As a user writes it.
pub(crate) fn range(majors: &RangeInclusive<u32>) -> (u32, u32) {
    (*majors.start(), *majors.end())
}
