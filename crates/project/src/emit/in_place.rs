//! A file that stays as it is, byte for byte, but for timeouts before the statements that need them.

use std::collections::BTreeSet;

use model::plan::Mode;
use model::runner::{Messages, RunnerTransaction};
use syntax::ast::{Script, StatementKind, TransactionKind};

use crate::emit::body::{self, Block, Envelope, Line, Session};
use crate::emit::original::is_fence;
use crate::emit::{Emission, Emitted, FileChange, Job, with_line_endings};
use crate::lines::lines;
use crate::migration::UnitText;
use crate::tool::Writer;

pub(super) fn emit(job: &Job) -> Emission {
    let Job { history, migration, unit, script, plan, writer, .. } = *job;
    let text = &*unit.text;
    let whole = unit.runner.messages == Messages::Whole;
    let by_runner = unit.runner.transaction != RunnerTransaction::None
        || whole && plan.parts.iter().flat_map(|part| &part.steps).all(|step| step.mode != Mode::NonTx);
    let mut session = Session::default();
    // What goes in, and before which byte.
    let mut inserted: Vec<(usize, String)> = Vec::new();
    let mut done: BTreeSet<usize> = BTreeSet::new();
    for part in &plan.parts {
        let statements: Vec<usize> = part.steps.iter().filter_map(|step| step.from.first().copied()).collect();
        let Some(first) = statements.first().copied().filter(|at| *at < script.statements.len()) else { continue };
        let inside = by_runner || explicit(script, first);
        let lines = part.steps.iter().map(|step| Line {
            // Only what stands before it matters.
            sql: String::new(),
            mode: step.mode,
            verbatim: step.verbatim,
            spaced: false,
            blocks: step.blocks,
            long: step.long,
        });
        let lines: Vec<Line> = lines.collect();
        let blocks: Vec<(usize, Block)> = if inside {
            vec![(first, Block { envelope: Envelope::Given, settings: part.settings.clone(), lines })]
        } else if whole {
            Vec::new()
        } else {
            let block =
                |line| Block { envelope: Envelope::Nothing, settings: part.settings.clone(), lines: vec![line] };
            statements.iter().copied().zip(lines.into_iter().map(block)).collect()
        };
        for (statement, mut block) in blocks {
            // The file itself makes these.
            session.made.clone_from(&block.settings);
            if inside {
                block.settings.retain(|setting| body::is_timeout(&setting.name));
            }
            let settings: Vec<String> = block.settings.iter().map(|setting| setting.sql.clone()).collect();
            let before = body::write(&block, &history.config, &mut session);
            let own: Vec<&str> = before
                .lines()
                .filter(|line| !line.is_empty() && !settings.iter().any(|sql| same_setting(sql, line)))
                .collect();
            if !own.is_empty() && done.insert(statement) {
                let at = above(unit, script.statements[statement].span.start as usize, writer);
                inserted.push((at, own.iter().map(|line| format!("{line}\n")).collect()));
            }
        }
    }
    let reset = body::reset(&mut session);
    if let (false, Some(last)) = (reset.is_empty(), script.statements.last()) {
        let end = last.end as usize;
        let line = text[end..].find('\n').map_or(text.len(), |at| end + at + 1);
        let newline = if text[..line].ends_with('\n') { "" } else { "\n" };
        inserted.push((line, format!("{newline}{}\n", reset.join("\n"))));
    }

    let mut new = String::with_capacity(text.len() + 200);
    let mut position = 0;
    inserted.sort_by_key(|(at, _)| *at);
    for (at, lines) in inserted {
        new.push_str(&text[position..at]);
        new.push_str(&lines);
        position = at;
    }
    new.push_str(&text[position..]);
    let new = with_line_endings(text, new);
    let changes = if new == *text {
        Vec::new()
    } else {
        vec![FileChange { path: unit.path.clone(), old: Some(migration.text.clone()), new: Some(new) }]
    };
    let parts = plan.parts.iter().enumerate().map(|(part, it)| Emitted {
        path: unit.path.clone(),
        part,
        steps: 0..it.steps.len(),
        transaction: it.transaction,
    });
    Emission { changes, parts: parts.collect(), ..Emission::default() }
}

/// A BEGIN above is not closed yet.
fn explicit(script: &Script, statement: usize) -> bool {
    let mut open = false;
    for statement in &script.statements[..statement] {
        if let StatementKind::Transaction { kind } = &*statement.parsed.kind {
            match kind {
                TransactionKind::Begin => open = true,
                TransactionKind::Commit | TransactionKind::Rollback | TransactionKind::Prepare => open = false,
                _ => {}
            }
        }
    }
    open
}

/// The same setting and value, LOCAL or not.
fn same_setting(a: &str, b: &str) -> bool {
    let bare = |sql: &str| sql.replace(" LOCAL ", " ").replace(" SESSION ", " ");
    bare(a) == bare(b)
}

/// The beginning of the line where the statement begins, or of the comments and the fence right above it.
fn above(unit: &UnitText, start: usize, writer: &Writer) -> usize {
    let text = &*unit.text;
    let mut at = text[..start].rfind('\n').map_or(0, |newline| newline + 1);
    let head: Vec<_> = lines(text).take_while(|line| line.range.start < at).collect();
    for line in head.iter().rev() {
        let mark = unit.marks.iter().any(|mark| mark.start as usize == line.range.start);
        let fence = mark && is_fence(line.text, writer);
        if line.range.start < unit.span.start as usize || (mark && !fence) || !line.text.trim_start().starts_with("--")
        {
            break;
        }
        at = line.range.start;
    }
    // Another statement begins on the same line.
    let begin = at.max(unit.span.start as usize);
    if text[begin..start].contains(';') && !text[begin..start].trim_start().starts_with("--") { start } else { begin }
}
