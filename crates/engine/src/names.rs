//! What a whole history names, for following a name through it.

use std::path::PathBuf;
use std::sync::Arc;

use model::schema::{Born, Schema};
use model::symbols::Symbols;
use model::trace::{Session, Unit};
use project::migration::Section as FileSection;
use rayon::prelude::*;
use rules::Section;
use syntax::Span;
use syntax::ast::Script;
use syntax::mentions::{Mention, mentions};

use crate::view::{self, Begin};
use crate::{Engine, Error, Options};

/// The names in the migrations of one history.
#[derive(Clone, Debug, Default)]
pub struct Names {
    /// In the order in which they run, each Up section before its Down section.
    pub units: Vec<NamedUnit>,
    /// Its places count these units.
    pub symbols: Symbols,
}

#[derive(Clone, Debug)]
pub struct NamedUnit {
    pub path: PathBuf,
    pub text: Arc<str>,
    pub section: Section,
    /// Sections divide their file without gaps.
    pub span: Span,
}

pub(crate) fn names(engine: &Engine, options: &Options) -> Result<Option<Names>, Vec<Error>> {
    let path = options.paths.first().map(|path| engine.files.absolute(path));
    let histories = view::load(engine, options)?.histories.into_iter();
    let holds = |history: &project::load::History| {
        history.migrations.iter().flat_map(|it| &it.units).any(|unit| Some(&unit.path) == path.as_ref())
    };
    let Some(history) = histories.into_iter().find(holds) else { return Ok(None) };
    let scripts: Vec<Vec<(Script, Vec<Vec<Mention>>)>> = history
        .migrations
        .par_iter()
        .map(|migration| {
            let read = |unit| {
                let script = view::parse(engine, unit);
                let all = script.statements.iter().map(|it| mentions(&it.parsed, &unit.options)).collect();
                (script, all)
            };
            migration.units.iter().map(read).collect()
        })
        .collect();
    let (settings, Begin { mut schema, mut session }) = view::beginning(options, &history);
    let mut names = Names::default();
    for (migration, scripts) in history.migrations.iter().zip(&scripts) {
        if view::stands_alone(migration) {
            (schema, session) = (Schema::default(), Session::default());
        }
        let mut sections: Vec<_> = migration.units.iter().zip(scripts).collect();
        sections.sort_by_key(|(text, _)| text.section);
        for (text, (script, mentions)) in sections {
            let number = names.units.len();
            names.units.push(NamedUnit {
                path: text.path.clone(),
                text: text.text.clone(),
                section: crate::findings::section(text.section),
                span: text.span,
            });
            let unit = Unit { script, runner: &text.runner };
            let mut each = mentions.iter();
            let symbols = &mut names.symbols;
            let is_down = text.section == FileSection::Down;
            if is_down {
                symbols.enter_down();
            }
            let begins = if is_down { Session::default() } else { session.clone() };
            let after = model::trace::follow(&schema, &begins, &unit, &settings, Born::Before, |step| {
                symbols.read(number, &step, each.next().map_or(&[], Vec::as_slice));
            });
            if is_down {
                symbols.leave_down();
            } else {
                (schema, session) = after;
            }
        }
    }
    Ok(Some(names))
}
