//! The Down section divided among the files of a plan.
//!
//! A step whose exact inverse is known is undone by it, and what the original Down section says about the same thing is
//! left out. Every other clause of the original Down section goes to the file with the step that it undoes. Files are
//! undone last first, so the inverse of each file comes in the right order by itself.

use std::collections::BTreeSet;

use model::plan::{Inverse, Mode, Setting, Step};
use syntax::Options;
use syntax::ast::{AlterAction, Constraint, ConstraintKind, DomainAction, EnumAction, ObjectKind, StatementKind};

use crate::emit::body::{Line, is_timeout};
use crate::emit::original::unmarked;
use crate::migration::UnitText;

/// What one file's Down section does.
#[derive(Clone, Debug, Default)]
pub(crate) struct Share {
    pub lines: Vec<Line>,
    /// What stands there in place of statements: whole sentences.
    pub remarks: Vec<String>,
}

/// A Down section in parts.
#[derive(Clone, Debug)]
pub(crate) struct Division {
    /// One per file.
    pub shares: Vec<Share>,
    /// Timeouts that the original Down section sets.
    pub settings: Vec<Setting>,
    /// The first share is the whole original section in its order, and the others are empty.
    pub unchanged: bool,
}

/// Divides the Down section for files that hold these steps each. The error is a reason, as a phrase.
pub(crate) fn divide(unit: &UnitText, files: &[Vec<&Step>]) -> Result<Division, String> {
    let (statements, settings) = statements(unit)?;
    let steps: Vec<Known> =
        files.iter().enumerate().flat_map(|(file, steps)| steps.iter().map(move |step| known(file, step))).collect();

    let mut clauses: Vec<(Clause, Home)> = Vec::new();
    let mut replaced = false;
    for statement in statements {
        let homes: Vec<Home> = statement.pieces.iter().map(|piece| home(piece, &steps)).collect::<Result<_, _>>()?;
        let any = homes.iter().any(|home| home.replaced);
        replaced |= any;
        match homes.first() {
            // Pieces that stay together stay one statement.
            Some(first) if !any && homes.iter().all(|home| home.file == first.file) => {
                clauses.push((statement.whole, *first));
            }
            _ => clauses.extend(statement.pieces.into_iter().zip(homes)),
        }
    }

    let mut shares = vec![Share::default(); files.len()];
    for (file, share) in shares.iter_mut().enumerate() {
        let own: Vec<usize> = (0..clauses.len()).filter(|at| clauses[*at].1.file == file).collect();
        let mut placed: Vec<usize> = Vec::new();
        let exact = steps.iter().any(|step| step.file == file && matches!(step.step.inverse, Inverse::Sql { .. }));
        replaced |= exact;
        for (index, step) in steps.iter().enumerate().rev().filter(|(_, step)| step.file == file && exact) {
            let mine = |at: &&usize| clauses[**at].1.step == Some(index);
            if let Inverse::Sql { sql, mode } = &step.step.inverse {
                // What is said about a statement is said about what takes its place.
                let said = own
                    .iter()
                    .filter(mine)
                    .filter(|at| clauses[**at].1.replaced)
                    .map(|at| clauses[*at].0.above.as_str());
                share.lines.push(Line {
                    sql: said.chain([sql.as_str()]).collect(),
                    mode: *mode,
                    verbatim: false,
                    spaced: false,
                    blocks: *mode != Mode::NonTx,
                    long: false,
                });
            }
            for at in own.iter().filter(mine).filter(|at| !clauses[**at].1.replaced) {
                share.lines.push(clauses[*at].0.line(share.lines.is_empty()));
                placed.push(*at);
            }
        }
        for at in own.iter().filter(|at| !placed.contains(at) && !clauses[**at].1.replaced) {
            share.lines.push(clauses[*at].0.line(share.lines.is_empty()));
        }
        if share.lines.is_empty() {
            let impossible = files[file].iter().filter_map(|step| match &step.inverse {
                Inverse::Impossible(reason) => Some(format!("Not undone: {reason}.")),
                _ => None,
            });
            share.remarks = impossible.collect::<BTreeSet<_>>().into_iter().collect();
        }
    }
    let unchanged = !replaced && shares.iter().skip(1).all(|share| share.lines.is_empty());
    Ok(Division { shares, settings, unchanged })
}

/// Where a clause goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Home {
    file: usize,
    /// The step that it undoes, where one is meant.
    step: Option<usize>,
    /// The step's own inverse takes the clause's place.
    replaced: bool,
}

/// A statement of the original Down section.
struct Statement {
    whole: Clause,
    /// Itself, or one for each thing that it removes.
    pieces: Vec<Clause>,
}

#[derive(Clone)]
struct Clause {
    /// The comments above it.
    above: String,
    sql: String,
    /// `None`: nobody knows what it touches.
    things: Option<Vec<Thing>>,
    /// Harmless wherever it stands.
    idle: bool,
    data: bool,
    mode: Mode,
    spaced: bool,
    long: bool,
}

impl Clause {
    fn line(&self, first: bool) -> Line {
        Line {
            sql: format!("{}{}", self.above, self.sql),
            mode: self.mode,
            verbatim: true,
            spaced: self.spaced && !first,
            blocks: self.mode != Mode::NonTx && !self.data && !self.idle,
            long: self.long,
        }
    }
}

struct Known<'a> {
    file: usize,
    step: &'a Step,
    things: Option<Vec<Thing>>,
    undone: Vec<Thing>,
    data: bool,
}

/// Something that statements make, change or remove.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Thing {
    kind: &'static str,
    /// The relation it is on, without schema.
    on: Option<String>,
    /// Without schema; empty is any of the kind.
    name: String,
}

/// A relation that a statement has to do with, and no thing of its own.
const NEAR: &str = "near";

fn known<'a>(file: usize, step: &'a Step) -> Known<'a> {
    let script = syntax::parse(&step.sql, &Options::default());
    let kinds: Vec<&StatementKind> = script.statements.iter().map(|statement| &statement.parsed.kind).collect();
    let touched: Option<Vec<Vec<Thing>>> = kinds.iter().map(|kind| things(kind)).collect();
    let undone = match &step.inverse {
        Inverse::Sql { sql, .. } => {
            let script = syntax::parse(sql, &Options::plain());
            script.statements.iter().filter_map(|statement| things(&statement.parsed.kind)).flatten().collect()
        }
        _ => Vec::new(),
    };
    Known {
        file,
        step,
        things: touched.map(|touched| touched.into_iter().flatten().collect()),
        undone,
        data: kinds.iter().any(|kind| is_data(kind)),
    }
}

fn home(clause: &Clause, steps: &[Known]) -> Result<Home, String> {
    let file = |file: usize| Ok(Home { file, step: None, replaced: false });
    let unclear = || Err(format!("`{}` could belong to several of the files", first_line(&clause.sql)));
    let Some(things) = &clause.things else {
        let working: BTreeSet<usize> = steps.iter().filter(|it| !it.step.from.is_empty()).map(|it| it.file).collect();
        return match working.len() {
            0 | 1 => file(working.first().copied().unwrap_or(0)),
            _ => unclear(),
        };
    };
    if clause.idle {
        return file(0);
    }
    let meets = |step: &Known| step.things.iter().flatten().any(|it| things.iter().any(|thing| same(thing, it)));
    let exact: Vec<usize> = (0..steps.len()).filter(|at| meets(&steps[*at])).collect();
    let inverted = |at: &usize| {
        let mut own = things.iter().filter(|thing| thing.kind != NEAR);
        own.all(|thing| steps[*at].undone.iter().any(|it| same(thing, it)))
    };
    if let Some(at) = exact.iter().find(|at| inverted(at)) {
        return Ok(Home { file: steps[*at].file, step: Some(*at), replaced: true });
    }
    // What was made first is removed last.
    if let Some(at) = exact.first() {
        return Ok(Home { file: steps[*at].file, step: Some(*at), replaced: false });
    }
    let relations: BTreeSet<&str> = things.iter().filter_map(relation).collect();
    let touches = |step: &&Known| {
        let mut touched = step.things.iter().flatten().filter_map(relation);
        touched.any(|name| relations.contains(name)) && (!clause.data || step.data)
    };
    let near: BTreeSet<usize> = steps.iter().filter(touches).map(|step| step.file).collect();
    match near.len() {
        0 | 1 => file(near.first().copied().unwrap_or(0)),
        _ => unclear(),
    }
}

fn same(a: &Thing, b: &Thing) -> bool {
    let on = match (&a.on, &b.on) {
        (Some(a), Some(b)) => a == b,
        _ => true,
    };
    a.kind == b.kind && a.kind != NEAR && on && (a.name == b.name || a.name.is_empty() || b.name.is_empty())
}

fn relation(thing: &Thing) -> Option<&str> {
    match (&thing.on, thing.kind) {
        (Some(on), _) => Some(on),
        (None, "relation") => Some(&thing.name),
        (None, _) => None,
    }
}

fn statements(unit: &UnitText) -> Result<(Vec<Statement>, Vec<Setting>), String> {
    let text = &*unit.text;
    let script = syntax::parse(text, &unit.options);
    let mut found = Vec::new();
    let mut settings = Vec::new();
    let mut from = unit.span.start as usize;
    let count = script.statements.len();
    for (index, statement) in script.statements.iter().enumerate() {
        let kind = &statement.parsed.kind;
        let (start, end) = (statement.span.start as usize, statement.end as usize);
        let gap = unmarked(text, from, start, &unit.marks);
        // A comment behind the terminator belongs to the statement.
        let rest = text[end..unit.span.end as usize].split(['\n', '\r']).next().unwrap_or_default();
        let below = if rest.trim_start().starts_with("--") { rest } else { "" };
        from = end + below.len();
        let terminator = if text[start..end].ends_with(';') { "" } else { ";" };
        let sql = format!("{}{terminator}{below}", text[start..end].trim_end());
        match kind {
            StatementKind::Transaction { .. } if index == 0 || index + 1 == count => continue,
            StatementKind::Transaction { .. } => return Err("the Down section has transactions of its own".to_owned()),
            StatementKind::Invalid(_) | StatementKind::Template(_) => {
                return Err("the Down section holds a statement that cannot be read".to_owned());
            }
            StatementKind::Set(set) if is_timeout(&set.name) => {
                if set.values.is_some() {
                    settings.push(Setting { name: set.name.clone(), sql, local: set.local });
                }
                continue;
            }
            StatementKind::Set(set) => {
                return Err(format!("the Down section sets {} for the statements behind it", set.name));
            }
            _ => {}
        }
        let above = gap.trim_start();
        let clause = |above: &str, sql: String, things, spaced| Clause {
            above: above.to_owned(),
            sql,
            things,
            idle: matches!(kind, StatementKind::Select(query) if query.functions.is_empty() && query.reads.is_empty()),
            data: is_data(kind),
            mode: if refuses_transaction(kind) { Mode::NonTx } else { Mode::Tx },
            spaced,
            long: !is_instant(kind),
        };
        let spaced = gap[..gap.len() - above.len()].matches('\n').count() > 1;
        let whole = clause(above, sql, things(kind), spaced);
        let pieces = match cut(&statement.parsed.text, kind) {
            Some(pieces) => {
                let pieces = pieces.into_iter().enumerate();
                let above = |at| if at == 0 { above } else { "" };
                pieces.map(|(at, (sql, things))| clause(above(at), sql, things, spaced && at == 0)).collect()
            }
            None => vec![whole.clone()],
        };
        found.push(Statement { whole, pieces });
    }
    // What is said at the end stays behind the last statement.
    let end = unmarked(text, from, unit.span.end as usize, &unit.marks);
    if let (Some(last), end) = (found.last_mut(), end.trim())
        && !end.is_empty()
    {
        last.whole.sql.push_str(&format!("\n{end}"));
        if let Some(piece) = last.pieces.last_mut() {
            piece.sql.push_str(&format!("\n{end}"));
        }
    }
    Ok((found, settings))
}

/// A statement that removes several things, as one statement for each.
fn cut(text: &str, kind: &StatementKind) -> Option<Vec<(String, Option<Vec<Thing>>)>> {
    match kind {
        StatementKind::AlterTable(it) if it.subcommands.len() > 1 => {
            let first = it.subcommands.first()?.span.start as usize;
            let head = &text[..first];
            let pieces = it.subcommands.iter().map(|subcommand| {
                let on = &it.relation.name.name;
                (format!("{head}{};", subcommand.span.slice(text)), Some(action_things(on, &subcommand.action)))
            });
            Some(pieces.collect())
        }
        StatementKind::Drop(it) if it.names.len() > 1 && it.names.iter().all(|name| name.relation.is_none()) => {
            let (first, last) = (it.names.first()?.name.span, it.names.last()?.name.span);
            // Routines carry arguments behind their names.
            if matches!(
                it.object,
                ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine | ObjectKind::Aggregate
            ) {
                return None;
            }
            let (head, tail) = (&text[..first.start as usize], &text[last.end as usize..]);
            let pieces = it.names.iter().map(|name| {
                let thing = object(it.object, None, &name.name.name);
                (format!("{head}{}{tail};", name.name.span.slice(text)), thing.map(|thing| vec![thing]))
            });
            Some(pieces.collect())
        }
        _ => None,
    }
}

fn thing(kind: &'static str, name: &str) -> Thing {
    Thing { kind, on: None, name: name.to_owned() }
}

fn on(kind: &'static str, relation: &str, name: &str) -> Thing {
    Thing { kind, on: Some(relation.to_owned()), name: name.to_owned() }
}

fn object(kind: ObjectKind, relation: Option<&str>, name: &str) -> Option<Thing> {
    let class = match kind {
        ObjectKind::Table
        | ObjectKind::Index
        | ObjectKind::View
        | ObjectKind::MaterializedView
        | ObjectKind::Sequence
        | ObjectKind::ForeignTable => "relation",
        ObjectKind::Type | ObjectKind::Domain => "type",
        ObjectKind::Column | ObjectKind::Attribute => "column",
        ObjectKind::TableConstraint | ObjectKind::DomainConstraint => "constraint",
        ObjectKind::Trigger => "trigger",
        ObjectKind::Rule => "rule",
        ObjectKind::Policy => "policy",
        ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine | ObjectKind::Aggregate => "routine",
        ObjectKind::Schema => "schema",
        ObjectKind::Extension => "extension",
        ObjectKind::Statistics => "statistics",
        ObjectKind::Publication => "publication",
        ObjectKind::Subscription => "subscription",
        ObjectKind::EventTrigger => "event trigger",
        ObjectKind::Collation => "collation",
        ObjectKind::Role => "role",
        ObjectKind::Database => "database",
        ObjectKind::Tablespace => "tablespace",
        ObjectKind::Other => return None,
    };
    Some(Thing { kind: class, on: relation.map(str::to_owned), name: name.to_owned() })
}

/// What a statement makes, changes or removes; `None` when that is not known.
fn things(kind: &StatementKind) -> Option<Vec<Thing>> {
    let one = |thing: Thing| Some(vec![thing]);
    match kind {
        StatementKind::AlterTable(it) => {
            let relation = &it.relation.name.name;
            Some(it.subcommands.iter().flat_map(|subcommand| action_things(relation, &subcommand.action)).collect())
        }
        StatementKind::CreateTable(it) => one(thing("relation", &it.name.name)),
        StatementKind::CreateTableAs(it) => one(thing("relation", &it.name.name)),
        StatementKind::CreateIndex(it) => {
            let named = it.name.iter().map(|name| thing("relation", &name.text));
            Some(named.chain([on(NEAR, &it.relation.name.name, "")]).collect())
        }
        StatementKind::CreateView(it) => one(thing("relation", &it.name.name)),
        StatementKind::CreateSequence(it) => one(thing("relation", &it.name.name)),
        StatementKind::AlterSequence(it) => one(on("sequence", &it.name.name, "")),
        StatementKind::RefreshMaterializedView { .. } | StatementKind::Analyze { .. } | StatementKind::Vacuum(_) => {
            Some(Vec::new())
        }
        StatementKind::Truncate { relations, .. } => {
            Some(relations.iter().map(|relation| on("rows", &relation.name.name, "")).collect())
        }
        StatementKind::Drop(it) => it
            .names
            .iter()
            .map(|name| object(it.object, name.relation.as_ref().map(|it| it.name.as_str()), &name.name.name))
            .collect(),
        StatementKind::Rename(it) => {
            let relation = it.relation.as_ref().map(|relation| relation.name.as_str());
            let on = if it.object == it.relation_object { None } else { relation };
            Some(vec![object(it.object, on, &it.name.name)?, object(it.object, on, &it.new_name)?])
        }
        StatementKind::SetSchema(it) => one(Thing { kind: "schema of", ..object(it.object, None, &it.name.name)? }),
        StatementKind::SetOwner(it) => one(thing("owner", &it.name.name)),
        StatementKind::Comment(it) => one(Thing {
            kind: "comment",
            on: it.relation.as_ref().map(|relation| relation.name.clone()),
            name: it.name.name.clone(),
        }),
        StatementKind::Grant(it) => Some(it.names.iter().map(|name| thing("privileges", &name.name)).collect()),
        StatementKind::CreateTrigger(it) => one(on("trigger", &it.relation.name, &it.name.text)),
        StatementKind::CreateRule { name, relation, .. } => one(on("rule", &relation.name, &name.text)),
        StatementKind::CreatePolicy { name, relation, .. } | StatementKind::AlterPolicy { name, relation, .. } => {
            one(on("policy", &relation.name, &name.text))
        }
        StatementKind::CreateStatistics { name, .. } => one(thing("statistics", &name.as_ref()?.name)),
        StatementKind::CreateEnum { name, .. }
        | StatementKind::CreateComposite { name, .. }
        | StatementKind::CreateRange { name }
        | StatementKind::CreateDomain { name, .. } => one(thing("type", &name.name)),
        StatementKind::AlterEnum(it) => Some(match &it.action {
            EnumAction::AddValue { value, .. } | EnumAction::DropValue { value } => {
                vec![on("enum value", &it.name.name, value)]
            }
            EnumAction::RenameValue { from, to } => {
                vec![on("enum value", &it.name.name, from), on("enum value", &it.name.name, to)]
            }
        }),
        StatementKind::AlterDomain { name, action } => Some(match action {
            DomainAction::SetDefault(_) => vec![on("default", &name.name, "")],
            DomainAction::SetNotNull | DomainAction::DropNotNull => vec![on("not null", &name.name, "")],
            DomainAction::AddConstraint(it) => {
                vec![on("constraint", &name.name, it.name.as_ref().map_or("", |it| &it.text))]
            }
            DomainAction::DropConstraint { name: constraint, .. } => {
                vec![on("constraint", &name.name, &constraint.text)]
            }
            DomainAction::ValidateConstraint { .. } => Vec::new(),
        }),
        StatementKind::CreateFunction(it) => one(thing("routine", &it.name.name)),
        StatementKind::AlterFunction { name, .. } => one(thing("routine", &name.name)),
        StatementKind::CreateSchema { name, elements, .. } if elements.is_empty() => {
            one(thing("schema", name.as_ref()?))
        }
        StatementKind::CreateExtension { name, .. } | StatementKind::AlterExtension { name } => {
            one(thing("extension", name))
        }
        StatementKind::CreatePublication(it) => one(thing("publication", &it.name)),
        StatementKind::AlterPublication { publication, .. } => one(thing("publication", &publication.name)),
        StatementKind::Reindex(_) | StatementKind::LockTable { .. } | StatementKind::SetConstraints { .. } => {
            Some(Vec::new())
        }
        StatementKind::Insert(it) => one(on("rows", &it.target.name.name, "")),
        StatementKind::Update(it) => one(on("rows", &it.target.name.name, "")),
        StatementKind::Delete(it) => one(on("rows", &it.target.name.name, "")),
        StatementKind::Merge { target, .. } => one(on("rows", &target.name.name, "")),
        StatementKind::Copy(it) => one(on("rows", &it.relation.as_ref()?.name.name, "")),
        StatementKind::Select(query) if query.functions.is_empty() && query.writes.is_empty() => Some(Vec::new()),
        _ => None,
    }
}

fn action_things(relation: &str, action: &AlterAction) -> Vec<Thing> {
    let one = |kind, name: &str| vec![on(kind, relation, name)];
    match action {
        AlterAction::AddColumn { column, .. } => {
            let named = column.constraints.iter().filter_map(|constraint| constraint.name.as_ref());
            let constraints = named.map(|name| on("constraint", relation, &name.text));
            std::iter::once(on("column", relation, &column.name.text)).chain(constraints).collect()
        }
        AlterAction::DropColumn { column, .. } => one("column", &column.text),
        AlterAction::SetDefault { column, .. } | AlterAction::DropDefault { column } => one("default", &column.text),
        AlterAction::SetNotNull { column } | AlterAction::DropNotNull { column } => one("not null", &column.text),
        AlterAction::AlterType { column, .. } => one("type of", &column.text),
        AlterAction::SetExpression { column, .. } | AlterAction::DropExpression { column, .. } => {
            one("expression", &column.text)
        }
        AlterAction::AddIdentity { column, .. }
        | AlterAction::SetIdentity { column, .. }
        | AlterAction::DropIdentity { column, .. } => one("identity", &column.text),
        AlterAction::SetStatistics { column } => one("statistics of", column.as_ref().map_or("", |it| &it.text)),
        AlterAction::SetColumnOptions { column, .. } | AlterAction::ResetColumnOptions { column, .. } => {
            one("options of", &column.text)
        }
        AlterAction::SetStorage { column } => one("storage of", &column.text),
        AlterAction::SetCompression { column } => one("compression of", &column.text),
        AlterAction::AddConstraint(constraint) => constraint_things(relation, constraint),
        AlterAction::AlterConstraint { name, .. } | AlterAction::DropConstraint { name, .. } => {
            one("constraint", &name.text)
        }
        AlterAction::ValidateConstraint { .. } => Vec::new(),
        AlterAction::Owner { .. } => vec![thing("owner", relation)],
        AlterAction::ClusterOn { .. } | AlterAction::SetWithoutCluster => one("cluster", ""),
        AlterAction::SetLogged | AlterAction::SetUnlogged => one("logged", ""),
        AlterAction::SetAccessMethod { .. } => one("access method", ""),
        AlterAction::SetTablespace { .. } => one("tablespace of", ""),
        AlterAction::SetOptions { .. } | AlterAction::ResetOptions { .. } | AlterAction::GenericOptions => {
            one("options", "")
        }
        AlterAction::Inherit { parent } | AlterAction::NoInherit { parent } => one("parent", &parent.name),
        AlterAction::Of { .. } | AlterAction::NotOf => one("of type", ""),
        AlterAction::ReplicaIdentity { .. } => one("replica identity", ""),
        AlterAction::RowSecurity { .. } => one("row security", ""),
        AlterAction::ForceRowSecurity { .. } => one("forced row security", ""),
        AlterAction::EnableTrigger { name } | AlterAction::DisableTrigger { name } => {
            one("firing of", name.as_ref().map_or("", |name| &name.text))
        }
        AlterAction::EnableRule { name } | AlterAction::DisableRule { name } => one("rule firing of", &name.text),
        AlterAction::AttachPartition { partition, .. } | AlterAction::DetachPartition { partition, .. } => {
            one("partition", &partition.name)
        }
        AlterAction::SetWithoutOids => Vec::new(),
    }
}

fn constraint_things(relation: &str, constraint: &Constraint) -> Vec<Thing> {
    let name = constraint.name.as_ref().map_or("", |name| name.text.as_str());
    let mut things = vec![on("constraint", relation, name)];
    match &constraint.kind {
        ConstraintKind::NotNull { column: Some(column) } => things.push(on("not null", relation, &column.text)),
        // The index takes the name of the constraint.
        ConstraintKind::Unique(key) | ConstraintKind::PrimaryKey(key) => {
            things.extend(key.using_index.iter().map(|index| thing("relation", &index.text)));
        }
        _ => {}
    }
    things
}

fn is_data(kind: &StatementKind) -> bool {
    matches!(
        kind,
        StatementKind::Insert(_)
            | StatementKind::Update(_)
            | StatementKind::Delete(_)
            | StatementKind::Merge { .. }
            | StatementKind::Copy(_)
            | StatementKind::Truncate { .. }
    )
}

/// Statements that PostgreSQL refuses in a transaction block, as far as Down sections hold them.
fn refuses_transaction(kind: &StatementKind) -> bool {
    match kind {
        StatementKind::CreateIndex(it) => it.concurrently,
        StatementKind::Drop(it) => it.concurrently,
        StatementKind::Reindex(it) => it.concurrently,
        StatementKind::AlterTable(it) => it
            .subcommands
            .iter()
            .any(|subcommand| matches!(subcommand.action, AlterAction::DetachPartition { concurrently: true, .. })),
        StatementKind::Vacuum(_)
        | StatementKind::AlterSystem
        | StatementKind::CreateDatabase
        | StatementKind::DropDatabase { .. } => true,
        _ => false,
    }
}

/// Removing things takes no time; the rest may.
fn is_instant(kind: &StatementKind) -> bool {
    matches!(kind, StatementKind::Drop(_))
}

fn first_line(sql: &str) -> &str {
    let statement = sql.lines().find(|line| !line.trim().is_empty() && !line.trim_start().starts_with("--"));
    statement.unwrap_or_default().trim()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::load::{Request, load};
    use crate::migration::Section;
    use crate::testing::{kept, made, memory};

    /// Divides a Down section and draws who gets what.
    fn drawn(down: &str, files: &[Vec<Step>]) -> String {
        let disk = memory(&[("m/1_a.up.sql", "SELECT 1;"), ("m/1_a.down.sql", down)]);
        let project = load(&disk, &Request::default()).expect("readable");
        let unit = project.histories[0].migrations[0].unit(Section::Down).expect("a Down section");
        let steps: Vec<Vec<&Step>> = files.iter().map(|steps| steps.iter().collect()).collect();
        match divide(unit, &steps) {
            Ok(division) if division.unchanged => "unchanged\n".to_owned(),
            Ok(division) => {
                let mut drawn: String =
                    division.settings.iter().map(|setting| format!("every file: {}\n", setting.sql)).collect();
                for (file, share) in division.shares.iter().enumerate() {
                    let lines = share.lines.iter().map(|line| format!("{file}: {}\n", line.sql.replace('\n', "\\n")));
                    drawn.extend(lines);
                    drawn.extend(share.remarks.iter().map(|remark| format!("{file}: ({remark})\n")));
                }
                drawn
            }
            Err(reason) => format!("withheld: {reason}\n"),
        }
    }

    fn index(from: usize) -> Step {
        made(from, Mode::NonTx, "create_i", "CREATE INDEX CONCURRENTLY i ON t (a);", "DROP INDEX CONCURRENTLY i;")
    }

    #[test]
    fn each_clause_goes_to_the_step_that_it_undoes() {
        let files = [
            vec![kept(0, "ALTER TABLE t ADD COLUMN a int;"), kept(1, "CREATE TABLE s ();")],
            vec![index(2)],
            vec![kept(3, "CREATE VIEW v AS SELECT a FROM t;")],
        ];
        let down = "-- first\nDROP VIEW v;\nDROP INDEX i;\nDROP TABLE s; -- gone\nALTER TABLE t DROP COLUMN a;\n";
        expect![[r#"
            0: DROP TABLE s; -- gone
            0: ALTER TABLE t DROP COLUMN a;
            1: DROP INDEX CONCURRENTLY i;
            2: -- first\nDROP VIEW v;
        "#]]
        .assert_eq(&drawn(down, &files));
        // The order of the original does not matter where the steps give one.
        let down = "ALTER TABLE t DROP COLUMN a;\nDROP INDEX IF EXISTS public.i;\nDROP VIEW v;\nDROP TABLE s;\n";
        expect![[r#"
            0: ALTER TABLE t DROP COLUMN a;
            0: DROP TABLE s;
            1: DROP INDEX CONCURRENTLY i;
            2: DROP VIEW v;
        "#]]
        .assert_eq(&drawn(down, &files));
    }

    #[test]
    fn a_statement_that_undoes_several_steps_is_cut() {
        let files = [
            vec![
                kept(0, "ALTER TABLE t ADD COLUMN a int, ADD COLUMN b int;"),
                made(
                    1,
                    Mode::Tx,
                    "add_c",
                    "ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID;",
                    "ALTER TABLE t DROP CONSTRAINT c;",
                ),
            ],
            vec![index(2)],
            vec![kept(3, "CREATE INDEX j ON u (b);")],
        ];
        let down = "-- all\nALTER TABLE ONLY public.t\n  DROP CONSTRAINT c,\n  DROP COLUMN a,\n  DROP COLUMN b CASCADE;\nDROP INDEX i, j;\n";
        expect![[r#"
            0: -- all\nALTER TABLE t DROP CONSTRAINT c;
            0: ALTER TABLE ONLY public.t\n  DROP COLUMN a;
            0: ALTER TABLE ONLY public.t\n  DROP COLUMN b CASCADE;
            1: DROP INDEX CONCURRENTLY i;
            2: DROP INDEX j;
        "#]]
        .assert_eq(&drawn(down, &files));
    }

    #[test]
    fn what_undoes_nothing_known_stays_or_is_refused() {
        let column = || kept(0, "ALTER TABLE t ADD COLUMN a int;");
        let fill = || kept(1, "UPDATE t SET a = 1;");
        let other = || kept(2, "ALTER TABLE t ALTER COLUMN b SET DEFAULT 1;");
        let down = "UPDATE t SET b = a;\nALTER TABLE t DROP COLUMN a;\n";
        expect![[r#"
            0: ALTER TABLE t DROP COLUMN a;
            1: UPDATE t SET b = a;
        "#]]
        .assert_eq(&drawn(down, &[vec![column()], vec![fill()], vec![other()]]));
        expect![[r#"
            withheld: `ALTER TABLE t DROP COLUMN z;` could belong to several of the files
        "#]]
        .assert_eq(&drawn("ALTER TABLE t DROP COLUMN z;", &[vec![column()], vec![other()]]));
        expect![[r#"
            withheld: `DO $$ BEGIN END $$;` could belong to several of the files
        "#]]
        .assert_eq(&drawn("DO $$ BEGIN END $$;", &[vec![column()], vec![other()]]));
        expect![[r#"
            unchanged
        "#]]
        .assert_eq(&drawn("DO $$ BEGIN END $$;", &[vec![column()]]));
        expect![[r#"
            unchanged
        "#]]
        .assert_eq(&drawn("SELECT 'down SQL query';", &[vec![column()], vec![other()]]));
        expect![[r#"
            unchanged
        "#]]
        .assert_eq(&drawn("", &[vec![column()], vec![other()]]));
        expect![[r#"
            withheld: the Down section sets search_path for the statements behind it
        "#]]
        .assert_eq(&drawn("SET search_path = x;\nDROP TABLE t;", &[vec![column()], vec![other()]]));
    }

    #[test]
    fn a_name_that_comes_back_stays_behind_what_frees_it() {
        let files = [
            vec![
                kept(0, "ALTER TABLE t DROP CONSTRAINT k;"),
                kept(1, "ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY USING INDEX u;"),
            ],
            vec![index(2)],
        ];
        let down = "ALTER TABLE t DROP CONSTRAINT k;\nALTER TABLE t ADD CONSTRAINT k PRIMARY KEY (a, b);\n\
                    CREATE UNIQUE INDEX u ON t (a);\nDROP INDEX i;\n";
        expect![[r#"
            0: ALTER TABLE t DROP CONSTRAINT k;
            0: ALTER TABLE t ADD CONSTRAINT k PRIMARY KEY (a, b);
            0: CREATE UNIQUE INDEX u ON t (a);
            1: DROP INDEX CONCURRENTLY i;
        "#]]
        .assert_eq(&drawn(down, &files));
    }

    #[test]
    fn comments_at_the_end_stay() {
        let files = [vec![kept(0, "CREATE TABLE t ();")], vec![index(1)]];
        expect![[r#"
            0: DROP TABLE t; -- gone\n-- The rows are lost.
            1: DROP INDEX CONCURRENTLY i;
        "#]]
        .assert_eq(&drawn("DROP INDEX i;\nDROP TABLE t; -- gone\n\n-- The rows are lost.\n", &files));
    }

    #[test]
    fn transactions_go_and_timeouts_are_for_every_file() {
        let files = [vec![kept(0, "CREATE TABLE t ();")], vec![index(1)]];
        let down = "BEGIN;\nSET LOCAL lock_timeout = '3s';\nDROP INDEX i;\nDROP TABLE t;\nCOMMIT;\n";
        expect![[r#"
            every file: SET LOCAL lock_timeout = '3s';
            0: DROP TABLE t;
            1: DROP INDEX CONCURRENTLY i;
        "#]]
        .assert_eq(&drawn(down, &files));
        expect![[r#"
            withheld: the Down section has transactions of its own
        "#]]
        .assert_eq(&drawn("DROP INDEX i;\nCOMMIT;\nDROP TABLE t;\n", &files));
        expect![[r#"
            withheld: the Down section holds a statement that cannot be read
        "#]]
        .assert_eq(&drawn("DROP INDEX i i;\n", &files));
    }
}
