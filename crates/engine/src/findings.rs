//! What the rules found, as diagnostics: paths, fingerprints, fixes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use diagnostics::{Assumed, Finding, Fingerprints, Report, Sources};
use model::plan::Class;
use project::config::Level as ConfigLevel;
use project::load::History;
use project::migration::Section as FileSection;
use rayon::prelude::*;
use rules::{Level, Section};

use crate::fix::{self, Offer};
use crate::view::{self, FileView, HistoryView, SectionView, View};
use crate::{Engine, Linted, Options};

/// Where the pages of the rules stand.
pub(crate) const DOCS: &str = "https://github.com/safestep/safestep/blob/main/rules.md";

pub(crate) fn lint(engine: &Engine, options: &Options, view: &View, class: Option<Class>) -> Linted {
    let mut linted = Linted {
        report: Report { assumed: assumed(view), notes: view.notes.clone(), ..Report::default() },
        sources: Sources::default(),
        fail_on: Some(Level::Warning),
        changes: Vec::new(),
    };
    linted.report.skipped = view.skipped.iter().map(|(path, why)| (shown(engine, path), why.clone())).collect();
    for history in &view.histories {
        linted.fail_on = level(history.history.config.fail_on);
        let judged: Vec<Judged> = match class {
            None => history.files.par_iter().map(|file| offered(engine, options, history, file)).collect(),
            Some(class) => {
                let fixed = fix::fix(engine, options, history, class);
                linted.report.fixed += fixed.removed;
                linted.changes.extend(fixed.changes);
                linted.report.notes.extend(fixed.notes);
                fixed.rest
            }
        };
        for file in judged {
            // A migration may have its Down section in a file of its own.
            linted.report.files += file.texts.iter().map(|(path, _)| path).collect::<BTreeSet<_>>().len();
            linted.report.suppressed += file.suppressed;
            for (path, text) in file.texts {
                linted.sources.insert(path, text);
            }
            linted.report.findings.extend(file.findings);
        }
    }
    let mut said = BTreeSet::new();
    linted.report.notes.retain(|note| said.insert(note.clone()));
    linted
}

/// One migration with its findings.
pub(crate) struct Judged {
    /// The files it consists of, as shown.
    pub texts: Vec<(std::path::PathBuf, Arc<str>)>,
    pub findings: Vec<Finding>,
    pub suppressed: usize,
}

impl Judged {
    /// Takes the new names of files that were renamed.
    pub(crate) fn move_to(&mut self, moves: &BTreeMap<std::path::PathBuf, std::path::PathBuf>) {
        let paths = self.findings.iter_mut().flat_map(|finding| {
            std::iter::once(&mut finding.path).chain(finding.related.iter_mut().map(|related| &mut related.path))
        });
        for path in paths.chain(self.texts.iter_mut().map(|(path, _)| path)) {
            if let Some(new) = moves.get(path) {
                path.clone_from(new);
            }
        }
    }
}

/// The findings of a migration, each with the fix that would remove it.
fn offered(engine: &Engine, options: &Options, history: &HistoryView, file: &FileView) -> Judged {
    let found = find(engine, options, history, file);
    let offers = fix::offers(engine, options, history, file, &found);
    finish(engine, history, file, found, &offers)
}

/// What the rules say about one migration, before it is put into words for the outside.
#[derive(Clone, Debug)]
pub(crate) struct Found {
    /// Index in the file's sections, and the finding.
    pub findings: Vec<(usize, rules::Finding)>,
    /// Those of the findings that a rewrite is to remove.
    pub wanted: BTreeSet<usize>,
    pub suppressed: usize,
}

pub(crate) fn find(engine: &Engine, options: &Options, history: &HistoryView, file: &FileView) -> Found {
    let migration = history.migration(file);
    let settings = settings(&history.history, migration, options);
    let mut found = Found { findings: Vec::new(), wanted: BTreeSet::new(), suppressed: 0 };
    for (index, section) in file.sections.iter().enumerate() {
        let unit = &migration.units[section.unit];
        let context = rules::Context {
            trace: &section.trace,
            script: &section.script,
            text: &unit.text,
            runner: &unit.runner,
            settings: &settings,
            section: self::section(unit.section),
            latest: Some(&history.latest),
        };
        let linted = rules::lint(&context);
        engine.rules.fetch_add(linted.called, Ordering::Relaxed);
        found.suppressed += linted.suppressed.len();
        let kept = linted.findings.into_iter().filter(|finding| {
            // A rollback is run by hand and rarely: only what makes it fail is worth a word.
            unit.section == FileSection::Up || fails(finding, section)
        });
        found.findings.extend(kept.map(|finding| (index, finding)));
    }
    found.wanted = (0..found.findings.len()).collect();
    found
}

/// The finding says that the statement does not run at all, not that it hurts while it does.
fn fails(finding: &rules::Finding, section: &SectionView) -> bool {
    use rules::Group::{Compatibility, Data, Transaction};
    let judged = section.trace.judged.get(finding.statement);
    finding.level == Level::Error
        && match finding.rule.group {
            Compatibility => true,
            Data | Transaction => judged.is_none_or(|it| it.fails.is_some()),
            _ => false,
        }
}

/// Findings in the words of the outside: paths as shown, fingerprints, fixes.
pub(crate) fn finish(
    engine: &Engine,
    history: &HistoryView,
    file: &FileView,
    found: Found,
    offers: &[Offer],
) -> Judged {
    let migration = history.migration(file);
    let mut texts = BTreeMap::new();
    let mut findings = Vec::with_capacity(found.findings.len());
    let mut fingerprints = Fingerprints::default();
    for section in &file.sections {
        let unit = &migration.units[section.unit];
        texts.insert(shown(engine, &unit.path), unit.text.clone());
    }
    for (at, (index, finding)) in found.findings.into_iter().enumerate() {
        let section = &file.sections[index];
        let unit = &migration.units[section.unit];
        let path = shown(engine, &unit.path);
        let offer = offers.get(at);
        findings.push(Finding {
            rule: finding.rule.name,
            level: finding.level,
            message: finding.message,
            section: self::section(unit.section),
            span: finding.span,
            statement: finding.statement,
            notes: finding.notes,
            related: finding
                .related
                .into_iter()
                .map(|(span, message)| diagnostics::Related { path: path.clone(), span, message })
                .collect(),
            docs: format!("{DOCS}#{}", finding.rule.name),
            fingerprint: fingerprints.next(finding.rule.name, &path, statement_text(section, finding.statement)),
            fix: offer.and_then(|offer| offer.fix.clone()),
            withheld: offer.and_then(|offer| offer.withheld.clone()),
            path,
        });
    }
    for problem in &migration.problems {
        let path = shown(engine, &migration.path);
        findings.push(Finding {
            rule: "runner-problem",
            level: Level::Error,
            message: problem.message.clone(),
            section: Section::Up,
            span: problem.span,
            statement: 0,
            notes: Vec::new(),
            related: Vec::new(),
            docs: format!("{DOCS}#runner-problem"),
            fingerprint: fingerprints.next("runner-problem", &path, ""),
            fix: None,
            withheld: None,
            path,
        });
    }
    Judged { texts: texts.into_iter().collect(), findings, suppressed: found.suppressed }
}

fn statement_text(section: &SectionView, statement: usize) -> &str {
    section.script.statements.get(statement).map_or("", |statement| &statement.parsed.text)
}

/// Rule settings for one migration: the configuration, without the rules that allow this file.
fn settings(history: &History, migration: &project::migration::Migration, options: &Options) -> rules::Settings {
    let mut settings = rules::Settings {
        external_timeouts: history.config.lock_timeout == project::config::SessionTimeout::External,
        transaction_pooler: history.config.transaction_pooler,
        today: options.today,
        majors_configured: options.majors.is_some() || history.config.postgres != model::trace::MAJORS,
        ..rules::Settings::default()
    };
    for (name, wish) in &history.config.rules {
        let choice = if wish.allow.contains(&migration.path) {
            rules::Choice::Off
        } else {
            match wish.level {
                None => rules::Choice::On,
                Some(level) => level_choice(level),
            }
        };
        match rules::Group::ALL.iter().find(|group| group.name() == name) {
            Some(group) => drop(settings.groups.insert(*group, choice)),
            None => drop(settings.rules.insert(name.clone(), choice)),
        }
    }
    settings
}

fn level_choice(level: ConfigLevel) -> rules::Choice {
    match level {
        ConfigLevel::Off => rules::Choice::Off,
        ConfigLevel::Info => rules::Choice::At(Level::Info),
        ConfigLevel::Warning => rules::Choice::At(Level::Warning),
        ConfigLevel::Error => rules::Choice::At(Level::Error),
    }
}

/// `None`: nothing fails the run.
fn level(level: ConfigLevel) -> Option<Level> {
    match level {
        ConfigLevel::Off => None,
        ConfigLevel::Info => Some(Level::Info),
        ConfigLevel::Warning => Some(Level::Warning),
        ConfigLevel::Error => Some(Level::Error),
    }
}

pub(crate) fn section(section: FileSection) -> Section {
    match section {
        FileSection::Up => Section::Up,
        FileSection::Down => Section::Down,
    }
}

fn assumed(view: &View) -> Assumed {
    let mut tools: Vec<&str> = view.histories.iter().map(|history| history.history.tool.label).collect();
    tools.sort_unstable();
    tools.dedup();
    let postgres = view.histories.iter().map(|history| view::range(&history.settings.majors));
    Assumed {
        guessed: view.histories.iter().any(|history| matches!(history.history.tool.name, "plain" | "unknown")),
        tool: tools.join(", "),
        postgres: postgres.reduce(|a, b| (a.0.min(b.0), a.1.max(b.1))).unwrap_or(view::range(&model::trace::MAJORS)),
    }
}

/// A path as a person in the working directory writes it.
pub(crate) fn shown(engine: &Engine, path: &std::path::Path) -> std::path::PathBuf {
    engine.files.display(path).into()
}
