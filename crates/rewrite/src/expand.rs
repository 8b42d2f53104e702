//! Each chosen operation becomes the steps of its recipe, every other statement one step that is the original's bytes.

use model::plan::{Class, Inverse, Mode, Setting};
use syntax::Span;
use syntax::ast::{AlterAction, AlterTable, MaskedKind, StatementKind, TransactionKind};
use syntax::directive::{self, Scope};

use crate::alter;
use crate::context::{Site, prefix};
use crate::draft::{Draft, Place, Rewrite, Role};
use crate::edit::{self, Edit};
use crate::layout::{Around, layout};
use crate::plan::shared_transaction;
use crate::settings::{InForce, reaches, setting};
use crate::{Request, bonds, recipes, titles};

/// A step in the order of the original.
#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub draft: Draft,
    /// The statement that it comes from.
    pub statement: usize,
    /// The operations that it does differently.
    pub operations: Vec<usize>,
    /// The original's bytes.
    pub verbatim: bool,
    /// Nothing about its statement was chosen.
    pub untouched: bool,
    pub spaced: bool,
    /// In force where it runs.
    pub settings: Vec<Setting>,
}

#[derive(Debug)]
pub(crate) struct Expansion {
    pub items: Vec<Item>,
    /// Settings in force at the end, beyond the transactions.
    pub left: Vec<Setting>,
    pub class: Class,
    pub assumptions: Vec<String>,
    /// With the reason: (statement, operation).
    pub withheld: Vec<(usize, usize, String)>,
    /// The lowest class above the allowed one that an operation waits for.
    pub higher: Option<Class>,
}

/// Expands the operations in `chosen`. Statements of operations in `isolated` stay, but count as touched. What makes new enum
/// values ends its part when it was chosen, or when the original is `failing` in its transaction.
pub(crate) fn expand(
    request: &Request,
    chosen: &[(usize, usize)],
    isolated: &[(usize, usize)],
    failing: bool,
) -> Expansion {
    let (around, tail) = layout(request);
    let mut out = Expansion {
        items: Vec::new(),
        left: Vec::new(),
        class: Class::Safe,
        assumptions: Vec::new(),
        withheld: Vec::new(),
        higher: None,
    };
    let bonds = bonds::bonds(request);
    let mut settings = InForce::default();
    // Comments of statements that leave no step.
    let mut carried = Carried::default();
    for (index, statement) in request.script.statements.iter().enumerate() {
        let kind = &*statement.parsed.kind;
        let text = statement.span.slice(request.text);
        if let StatementKind::Transaction { kind } = kind {
            if *kind == TransactionKind::Commit {
                settings.end_transaction();
            }
            carried.add(&around[index]);
            continue;
        }
        if let Some(setting) = setting(kind, text) {
            settings.apply(setting);
            carried.add(&around[index]);
            continue;
        }
        let place = carried.take(&around[index]);
        let operations: Vec<usize> = operations(chosen, index);
        let touched = !operations.is_empty() || isolated.iter().any(|(statement, _)| *statement == index);
        let first = out.items.len();
        statement_items(request, index, &operations, &place, &mut out);
        let bound = bonds.iter().find(|it| it.statements.contains(&index));
        let follows = first > 0 && bound.is_some_and(|bond| bond.statements.contains(&out.items[first - 1].statement));
        for item in &mut out.items[first..] {
            item.untouched = !touched || bound.is_some();
            if follows {
                item.draft.role = Role::Joined;
            }
            let alone = || shared_transaction(&request.trace.judged[index]).is_none();
            if matches!(kind, StatementKind::AlterEnum(_)) && (failing || touched || alone()) {
                item.draft.role = Role::EndsPart;
            }
            item.settings.clone_from(&settings.0);
            if item.draft.mode != Mode::Tx {
                item.settings.retain(|it| reaches(&it.name, &item.draft.sql));
            }
        }
    }
    out.left = settings.0.into_iter().filter(|it| !it.local).collect();
    let rest = carried.rest(&tail);
    let stays = |item: &&mut Item| !matches!(item.draft.role, Role::Assertion | Role::RequiredAssertion);
    if let Some(last) = out.items.iter_mut().rev().find(stays)
        && !rest.is_empty()
    {
        last.draft.sql.push('\n');
        last.draft.sql.push_str(&rest);
    }
    out.assumptions.dedup();
    out
}

fn operations(chosen: &[(usize, usize)], index: usize) -> Vec<usize> {
    let mut operations: Vec<usize> =
        chosen.iter().filter(|(statement, _)| *statement == index).map(|(_, operation)| *operation).collect();
    operations.sort_unstable();
    operations.dedup();
    operations
}

/// Comments around statements of which nothing else stays.
#[derive(Debug, Default)]
struct Carried {
    above: String,
    spaced: bool,
}

impl Carried {
    fn add(&mut self, around: &Around) {
        self.spaced |= around.spaced;
        self.part(around.spaced);
        let below = alter::comments_within(&around.below, Span::new(0, around.below.len()));
        for comment in [around.above.trim_end()].into_iter().chain(below.iter().map(String::as_str)) {
            if !comment.is_empty() {
                self.above.push_str(comment);
                self.above.push('\n');
            }
        }
        self.part(around.above.ends_with("\n\n"));
    }

    /// A blank line parts what is said of the file from what is said of a statement.
    fn part(&mut self, spaced: bool) {
        if spaced && !self.above.is_empty() && !self.above.ends_with("\n\n") {
            self.above.push('\n');
        }
    }

    fn take(&mut self, around: &Around) -> Around {
        self.part(around.spaced);
        let carried = std::mem::take(self);
        Around {
            above: carried.above + &around.above,
            spaced: carried.spaced || around.spaced,
            below: around.below.clone(),
        }
    }

    fn rest(self, tail: &str) -> String {
        format!("{}{tail}", self.above).trim_end().to_owned()
    }
}

/// The steps of one statement.
fn statement_items(request: &Request, index: usize, operations: &[usize], around: &Around, out: &mut Expansion) {
    let mut rewrites: Vec<(usize, Rewrite)> = Vec::new();
    for operation in operations {
        let Some(site) = Site::new(request, index, *operation) else { continue };
        match rewrite(&site) {
            Ok(rewrite) if rewrite.class > request.allowed => {
                out.higher = Some(out.higher.map_or(rewrite.class, |known| known.min(rewrite.class)));
                out.withheld.push((index, *operation, beyond(rewrite.class)));
            }
            Ok(rewrite) => rewrites.push((*operation, rewrite)),
            Err(reason) => out.withheld.push((index, *operation, reason)),
        }
    }
    for (_, rewrite) in &rewrites {
        out.class = out.class.max(rewrite.class);
        for assumption in &rewrite.assumptions {
            if !out.assumptions.contains(assumption) {
                out.assumptions.push(assumption.clone());
            }
        }
    }
    let kind = &*request.script.statements[index].parsed.kind;
    let text = request.script.statements[index].span.slice(request.text);
    let first = out.items.len();
    let mut inside = alter::comments_within(text, Span::new(0, text.len()));
    inside.extend(around.before_terminator());
    let whole = rewrites.iter().position(|(_, it)| matches!(it.place, Place::Statement));
    if let Some(position) = whole {
        // Several operations of one statement have one and the same rewrite.
        let (_, rewrite) = rewrites.swap_remove(position);
        let all: Vec<usize> = operations.to_vec();
        out.items.extend(rewrite.steps.into_iter().map(|draft| item(draft, index, all.clone())));
        comments_above(&mut out.items[first..], around, &inside);
        return;
    }
    let changes = rewrites.iter().any(|(_, it)| !matches!(it.place, Place::Kept));
    if let (StatementKind::AlterTable(it), true) = (kind, changes) {
        alter_items(request, it, index, rewrites, out);
        comments_above(&mut out.items[first..], around, &inside);
        let directives = directives(request, index);
        for kept in out.items[first..].iter_mut().skip(1).filter(|item| item.operations.is_empty()) {
            kept.draft.sql.insert_str(0, &directives);
        }
        return;
    }
    let judged = &request.trace.judged[index];
    let refuses = judged.refuses_transaction || commits_inside(kind);
    let mode = match kind {
        _ if refuses => Mode::NonTx,
        StatementKind::AlterTable(it) if !operations.is_empty() && only_validates(it) => Mode::OwnTx,
        _ => Mode::Tx,
    };
    let mut draft = Draft::new(mode, format!("{}{text}{}", around.above, around.below), titles::of(kind));
    draft.inverse = Inverse::Original;
    out.items.push(Item { verbatim: true, spaced: around.spaced, ..item(draft, index, Vec::new()) });
    let steps = rewrites.into_iter().flat_map(|(operation, it)| it.steps.into_iter().map(move |it| (operation, it)));
    out.items.extend(steps.map(|(operation, draft)| item(draft, index, vec![operation])));
}

/// The comments above a statement that allow something in it: they hold for what stays of it, wherever that stands.
fn directives(request: &Request, statement: usize) -> String {
    let (directives, _) = directive::directives(request.text, request.script);
    let start = request.script.statements[statement].span.start;
    let above = directives.iter().filter(|it| it.span.end <= start);
    let here = above.filter(|it| it.scope == Scope::Statement(Some(statement)));
    here.map(|it| format!("{}\n", it.span.slice(request.text))).collect()
}

fn item(draft: Draft, statement: usize, operations: Vec<usize>) -> Item {
    Item { draft, statement, operations, verbatim: false, untouched: false, spaced: false, settings: Vec::new() }
}

fn rewrite(site: &Site) -> Result<Rewrite, String> {
    if site.operation.lowered {
        return Err(
            "it stands inside a block or function body, which is never rewritten; make it a statement of the file"
                .to_owned(),
        );
    }
    let statement = &site.request.script.statements[site.statement];
    let templated = site.request.script.masked.iter().any(|masked| {
        statement.span.contains(masked.span) && matches!(masked.kind, MaskedKind::Template | MaskedKind::Byte)
    });
    if templated {
        return Err(
            "part of the statement is a template, so that what will run is not known; part it from the others by hand"
                .to_owned(),
        );
    }
    let judged = &site.request.trace.judged[site.statement];
    if judged.fails.as_ref().is_some_and(|failure| failure.when == model::effect::FailsWhen::Always) {
        return Err("the statement fails as it stands; mend it first".to_owned());
    }
    recipes::recipe(site.operation.kind)(site)
}

/// Why a rewrite of a class that is not allowed is withheld.
fn beyond(class: Class) -> String {
    let (fix, why) = match class {
        Class::Plan => ("a fix in several releases (--fix=plan)", "it needs a deploy of the application in between"),
        _ => ("an unsafe fix (--fix=unsafe)", "it rests on assumptions that a user must confirm"),
    };
    format!("only {fix} does this, because {why}")
}

fn only_validates(it: &AlterTable) -> bool {
    it.subcommands.iter().all(|it| matches!(it.action, AlterAction::ValidateConstraint { .. }))
}

/// COMMIT inside DO ends the transaction around it, which must not be a block.
fn commits_inside(kind: &StatementKind) -> bool {
    matches!(kind, StatementKind::Do(it) if !it.body.commits.is_empty())
}

/// An ALTER TABLE of which subcommands or parts of them are taken out.
fn alter_items(
    request: &Request,
    it: &AlterTable,
    statement: usize,
    rewrites: Vec<(usize, Rewrite)>,
    out: &mut Expansion,
) {
    let text = request.script.statements[statement].span.slice(request.text);
    let judged = &request.trace.judged[statement];
    let mut edits: Vec<Edit> = Vec::new();
    let mut cut: Vec<usize> = Vec::new();
    let mut steps: Vec<(usize, usize, Draft)> = Vec::new();
    for (operation, rewrite) in rewrites {
        let Some(subcommand) = judged.operations.get(operation).and_then(|it| it.subcommand) else { continue };
        match rewrite.place {
            Place::Subcommand => cut.push(subcommand),
            Place::Inside(inside) => edits.extend(inside),
            Place::Statement | Place::Kept => {}
        }
        steps.extend(rewrite.steps.into_iter().map(|step| (subcommand, operation, step)));
    }
    let mut take = |subcommand: usize| -> Vec<Item> {
        let (taken, rest) = std::mem::take(&mut steps).into_iter().partition(|(it, ..)| *it == subcommand);
        steps = rest;
        let taken: Vec<(usize, usize, Draft)> = taken;
        taken.into_iter().map(|(_, operation, draft)| item(draft, statement, vec![operation])).collect()
    };
    let order = alter::order(it, &cut);
    if let Some(kept) = alter::kept_text(text, it, &order.kept, &edits) {
        out.items.push(original(it, &order.kept, edit::terminated(kept), statement));
        for subcommand in &order.kept {
            out.items.extend(take(*subcommand));
        }
    }
    for subcommand in &order.rest {
        let first = out.items.len();
        if !cut.contains(subcommand) {
            let words = edit::apply(text, it.subcommands[*subcommand].span, &edits);
            let sql = edit::terminated(format!("{}{words}", prefix(text, Some(it))));
            out.items.push(original(it, &[*subcommand], sql, statement));
        }
        out.items.extend(take(*subcommand));
        let comments = alter::comments_of(text, it, *subcommand);
        comments_above(&mut out.items[first..], &Around::default(), &comments);
    }
}

/// What stays of an ALTER TABLE.
fn original(it: &AlterTable, kept: &[usize], sql: String, statement: usize) -> Item {
    let actions = kept.iter().map(|index| &it.subcommands[*index].action);
    let mut draft = Draft::new(Mode::Tx, sql, titles::alter_table(&it.relation.name.name, actions));
    draft.inverse = Inverse::Original;
    item(draft, statement, Vec::new())
}

/// Puts the comments around the statement on its first step, and those inside it that no step repeats.
fn comments_above(items: &mut [Item], around: &Around, inside: &[String]) {
    let lost: Vec<&String> =
        inside.iter().filter(|comment| !items.iter().any(|item| item.draft.sql.contains(&***comment))).collect();
    let Some(first) = items.first_mut() else { return };
    first.spaced |= around.spaced;
    let mut sql = around.above.clone();
    for comment in lost {
        sql.push_str(comment);
        sql.push('\n');
    }
    sql.push_str(&first.draft.sql);
    // A comment on the line of the terminator.
    sql.push_str(around.behind_terminator());
    first.draft.sql = sql;
}
