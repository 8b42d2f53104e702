//! What stands in a section, statement by statement, also where one does not parse.

use syntax::Span;
use syntax::ast::{AlterAction, ColumnDef, Constraint, ObjectKind, Script, Statement, StatementKind, Template};

/// A statement, or a part of one.
#[derive(Clone, Debug, PartialEq)]
pub struct Item {
    /// `ALTER TABLE orders`, `ADD COLUMN currency char(3)`.
    pub name: String,
    pub detail: Option<String>,
    pub shape: Shape,
    /// All of it, in the file.
    pub span: Span,
    /// What names it, inside `span`.
    pub selection: Span,
    pub children: Vec<Item>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Table,
    View,
    Sequence,
    Index,
    Type,
    Function,
    Trigger,
    Column,
    Constraint,
    /// Rows are read or written.
    Data,
    Other,
    /// It does not parse.
    Broken,
}

/// The statements of a script. `text` is the whole file.
#[must_use]
pub fn outline(text: &str, script: &Script) -> Vec<Item> {
    script.statements.iter().map(|statement| item(text, statement)).collect()
}

fn item(text: &str, statement: &Statement) -> Item {
    let kind = &*statement.parsed.kind;
    let span = Span { start: statement.span.start, end: statement.end };
    if let StatementKind::Invalid(error) | StatementKind::Template(Template { error, .. }) = kind {
        let name = line(statement.span.slice(text));
        let detail = Some(error.message.clone());
        return Item { name, detail, shape: Shape::Broken, span, selection: statement.span, children: Vec::new() };
    }
    let named = named(kind).filter(|span| !span.is_empty()).map(|span| statement.locate(span));
    let command = diagnostics::command::name(kind);
    let name = match named {
        Some(named) => format!("{command} {}", line(named.slice(text))),
        None => command,
    };
    Item {
        name,
        detail: None,
        shape: shape(kind),
        span,
        selection: named.unwrap_or(statement.span),
        children: parts(text, statement),
    }
}

/// The name of what the statement is about.
fn named(kind: &StatementKind) -> Option<Span> {
    Some(match kind {
        StatementKind::AlterTable(it) => it.relation.name.span,
        StatementKind::CreateTable(it) => it.name.span,
        StatementKind::CreateTableAs(it) => it.name.span,
        StatementKind::CreateIndex(it) => it.name.as_ref().map_or(it.relation.name.span, |name| name.span),
        StatementKind::CreateView(it) => it.name.span,
        StatementKind::CreateSequence(it) => it.name.span,
        StatementKind::AlterSequence(it) => it.name.span,
        StatementKind::RefreshMaterializedView { name, .. } => name.span,
        StatementKind::Truncate { relations, .. } | StatementKind::LockTable { relations, .. } => {
            relations.first()?.name.span.to(relations.last()?.name.span)
        }
        StatementKind::Drop(it) => it.names.first()?.name.span.to(it.names.last()?.name.span),
        StatementKind::Rename(it) => it.relation.as_ref().unwrap_or(&it.name).span,
        StatementKind::SetSchema(it) => it.name.span,
        StatementKind::SetOwner(it) => it.name.span,
        StatementKind::Comment(it) => it.relation.as_ref().map_or(it.name.span, |of| of.span.to(it.name.span)),
        StatementKind::Reindex(it) => it.name.as_ref()?.span,
        StatementKind::CreateTrigger(it) => it.name.span,
        StatementKind::CreateRule { name, .. }
        | StatementKind::CreatePolicy { name, .. }
        | StatementKind::AlterPolicy { name, .. } => name.span,
        StatementKind::CreateEnum { name, .. }
        | StatementKind::CreateComposite { name, .. }
        | StatementKind::CreateRange { name }
        | StatementKind::Define { name, .. }
        | StatementKind::CreateDomain { name, .. }
        | StatementKind::AlterDomain { name, .. }
        | StatementKind::AlterFunction { name, .. }
        | StatementKind::Call { name, .. } => name.span,
        StatementKind::AlterEnum(it) => it.name.span,
        StatementKind::CreateFunction(it) => it.name.span,
        StatementKind::Insert(it) => it.target.name.span,
        StatementKind::Update(it) => it.target.name.span,
        StatementKind::Delete(it) => it.target.name.span,
        StatementKind::Merge { target, .. } => target.name.span,
        StatementKind::Copy(it) => it.relation.as_ref()?.name.span,
        _ => return None,
    })
}

fn shape(kind: &StatementKind) -> Shape {
    let of = |object: ObjectKind| match object {
        ObjectKind::Table | ObjectKind::ForeignTable => Shape::Table,
        ObjectKind::View | ObjectKind::MaterializedView => Shape::View,
        ObjectKind::Sequence => Shape::Sequence,
        ObjectKind::Index => Shape::Index,
        ObjectKind::Type | ObjectKind::Domain => Shape::Type,
        ObjectKind::Column | ObjectKind::Attribute => Shape::Column,
        ObjectKind::TableConstraint | ObjectKind::DomainConstraint => Shape::Constraint,
        ObjectKind::Trigger => Shape::Trigger,
        ObjectKind::Function | ObjectKind::Procedure | ObjectKind::Routine | ObjectKind::Aggregate => Shape::Function,
        _ => Shape::Other,
    };
    match kind {
        StatementKind::AlterTable(it) => of(it.object),
        StatementKind::CreateTable(_) | StatementKind::Truncate { .. } => Shape::Table,
        StatementKind::CreateTableAs(it) => of(it.object),
        StatementKind::CreateIndex(_) => Shape::Index,
        StatementKind::CreateView(_) | StatementKind::RefreshMaterializedView { .. } => Shape::View,
        StatementKind::CreateSequence(_) | StatementKind::AlterSequence(_) => Shape::Sequence,
        StatementKind::Drop(it) => of(it.object),
        StatementKind::Rename(it) => of(it.object),
        StatementKind::SetSchema(it) => of(it.object),
        StatementKind::Comment(it) => of(it.object),
        StatementKind::CreateTrigger(_) => Shape::Trigger,
        StatementKind::CreateEnum { .. }
        | StatementKind::AlterEnum(_)
        | StatementKind::CreateComposite { .. }
        | StatementKind::CreateRange { .. }
        | StatementKind::CreateDomain { .. }
        | StatementKind::AlterDomain { .. } => Shape::Type,
        StatementKind::CreateFunction(_) | StatementKind::AlterFunction { .. } | StatementKind::Do(_) => {
            Shape::Function
        }
        StatementKind::Select(_)
        | StatementKind::Insert(_)
        | StatementKind::Update(_)
        | StatementKind::Delete(_)
        | StatementKind::Merge { .. }
        | StatementKind::Copy(_) => Shape::Data,
        _ => Shape::Other,
    }
}

fn parts(text: &str, statement: &Statement) -> Vec<Item> {
    let column = |column: &ColumnDef| Item {
        name: column.name.span.slice(&statement.parsed.text).to_owned(),
        detail: column.ty.as_ref().map(|ty| line(ty.span.slice(&statement.parsed.text))),
        shape: Shape::Column,
        span: statement.locate(column.span),
        selection: statement.locate(column.name.span),
        children: Vec::new(),
    };
    let constraint = |constraint: &Constraint| {
        let span = statement.locate(constraint.span);
        let selection = constraint.name.as_ref().map_or(span, |name| statement.locate(name.span));
        let name = line(span.slice(text));
        Item { name, detail: None, shape: Shape::Constraint, span, selection, children: Vec::new() }
    };
    match &*statement.parsed.kind {
        StatementKind::AlterTable(it) => {
            let subcommand = |it: &syntax::ast::Subcommand| {
                let span = statement.locate(it.span);
                let shape = match &it.action {
                    AlterAction::AddConstraint(_)
                    | AlterAction::AlterConstraint { .. }
                    | AlterAction::ValidateConstraint { .. }
                    | AlterAction::DropConstraint { .. } => Shape::Constraint,
                    AlterAction::AddColumn { .. }
                    | AlterAction::DropColumn { .. }
                    | AlterAction::SetDefault { .. }
                    | AlterAction::DropDefault { .. }
                    | AlterAction::SetNotNull { .. }
                    | AlterAction::DropNotNull { .. }
                    | AlterAction::AlterType { .. } => Shape::Column,
                    _ => Shape::Other,
                };
                let name = line(span.slice(text));
                Item { name, detail: None, shape, span, selection: span, children: Vec::new() }
            };
            it.subcommands.iter().map(subcommand).collect()
        }
        StatementKind::CreateTable(it) => {
            let mut items: Vec<Item> = it.columns.iter().map(column).collect();
            items.extend(it.constraints.iter().map(constraint));
            items.sort_by_key(|item| item.span);
            items
        }
        StatementKind::CreateComposite { attributes, .. } => attributes.iter().map(column).collect(),
        _ => Vec::new(),
    }
}

/// On one line, and not a long one.
fn line(source: &str) -> String {
    const LONGEST: usize = 60;
    let words: Vec<&str> = source.split_whitespace().collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}...", line[..end].trim_end()),
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn statements_and_their_parts() {
        let text = "CREATE TABLE app.\"T 😀\" (\r\n  id bigint PRIMARY KEY,\n CONSTRAINT u UNIQUE (id)\n);
ALTER TABLE t ADD COLUMN a char(3), ALTER COLUMN b
  SET NOT NULL;
ALTER TABLE t ADD COLUMN;
CREATE INDEX ON t (a); UPDATE t SET a = 'x'; SELECT 1;
DROP TABLE a, b";
        let mut drawn = String::new();
        let mut draw = |depth: &str, item: &Item| {
            assert!(item.span.contains(item.selection), "{item:?}");
            let detail = item.detail.as_deref().map(|detail| format!(" ({detail})")).unwrap_or_default();
            drawn += &format!("{depth}{:?} {}{detail} at {}\n", item.shape, item.name, item.selection.slice(text));
        };
        for item in outline(text, &syntax::parse(text, &syntax::Options::default())) {
            draw("", &item);
            item.children.iter().for_each(|part| draw("  ", part));
        }
        expect![[r#"
            Table CREATE TABLE app."T 😀" at app."T 😀"
              Column id (bigint) at id
              Constraint CONSTRAINT u UNIQUE (id) at u
            Table ALTER TABLE t at t
              Column ADD COLUMN a char(3) at ADD COLUMN a char(3)
              Column ALTER COLUMN b SET NOT NULL at ALTER COLUMN b
              SET NOT NULL
            Broken ALTER TABLE t ADD COLUMN (syntax error at end of input) at ALTER TABLE t ADD COLUMN
            Index CREATE INDEX t at t
            Data UPDATE t at t
            Data SELECT at SELECT 1
            Table DROP TABLE a, b at a, b
        "#]]
        .assert_eq(&drawn);
    }
}
