//! What a statement reads and writes, as far as the order of statements matters. Two statements may swap when neither writes
//! what the other reads or writes. What is not understood is a barrier that nothing crosses.

use std::collections::BTreeSet;
use std::sync::Arc;

use model::expr::{children, columns};
use model::name::QName;
use model::schema::{self, Relation, RelationKind, Schema};
use model::volatility::is_volatile;
use syntax::ast::{
    AlterAction, AlterTable, Assignment, Body, ColumnDef, Constraint, ConstraintKind, CreateIndex, CreateTable, Expr,
    Grant, Name, ObjectKind, Persistence, Query, StatementKind, TypeName,
};

mod drops;

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Thing {
    /// That it exists under this name, and all that has no finer thing; indexes too.
    Relation(QName),
    /// A column's type.
    Column(QName, String),
    Default(QName, String),
    NotNull(QName, String),
    /// Which columns are added, in which order.
    Columns(QName),
    /// Which columns are dropped: the order of those that stay does not depend on it.
    DroppedColumns(QName),
    /// What rows there are. Every statement on a table reads it, so that data changes never pass one.
    Rows(QName),
    Constraint(QName, String),
    /// That the columns are unique; `*` for the primary key.
    Key(QName, String),
    /// Which unique index a foreign key would be tied to. An index may be built beside another one on the same columns, but
    /// a foreign key must not come between and hold the one that is to be dropped.
    Tie(QName, String),
    Comment(QName, String),
    /// Which triggers fire on its rows.
    Triggers(QName),
    /// Of an object of this name.
    Privileges(String),
    Type(String),
    /// Of this name; without a name one of which only its trigger is known.
    Function(String),
    Schema(String),
    /// The order of data changes among themselves.
    Data,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Footprint {
    pub reads: BTreeSet<Thing>,
    pub writes: BTreeSet<Thing>,
    pub barrier: bool,
}

/// All that keeps the two in their order is that the later one changes columns which the earlier one reads.
pub(crate) fn differ_in_columns_only(earlier: &Footprint, later: &Footprint) -> bool {
    let column = |it: &Thing| matches!(it, Thing::Column(..));
    !earlier.barrier
        && !later.barrier
        && earlier.writes.is_disjoint(&later.reads)
        && earlier.writes.is_disjoint(&later.writes)
        && later.writes.intersection(&earlier.reads).all(column)
}

/// The footprint of a statement before which the schema is `schema`.
pub(crate) fn of(kind: &StatementKind, schema: &Schema, search_path: &[String]) -> Footprint {
    let mut print = Print { schema, search_path, out: Footprint::default() };
    match kind {
        StatementKind::AlterTable(it) => print.alter_table(it),
        StatementKind::CreateTable(it) => print.create_table(it),
        StatementKind::CreateIndex(it) => print.create_index(it),
        StatementKind::Drop(it) if it.object == ObjectKind::Index => print.drop_index(it),
        StatementKind::Drop(it) if it.object == ObjectKind::Table => print.drop_table(it),
        StatementKind::Drop(it) if it.object == ObjectKind::Trigger => print.drop_trigger(it),
        StatementKind::Drop(it) if matches!(it.object, ObjectKind::Function | ObjectKind::Procedure) && !it.cascade => {
            print.write(Thing::Function(String::new()));
            for dropped in &it.names {
                print.write(Thing::Function(dropped.name.name.clone()));
            }
        }
        StatementKind::Drop(it) if it.object == ObjectKind::View && !it.cascade => print.drop_view(it),
        StatementKind::CreateView(it) => {
            let name = print.created(&it.name);
            print.query(&it.query);
            for read in &it.query.reads {
                let relation = print.resolved(&read.relation.name);
                print.all_columns(&relation);
            }
            print.write(Thing::Relation(name));
        }
        StatementKind::CreateSequence(it) => {
            let name = print.created(&it.name);
            if let Some((table, column)) = &it.owned_by {
                let table = print.resolved(table);
                print.on(&table);
                print.read(Thing::Column(table, column.clone()));
            }
            print.write(Thing::Relation(name));
        }
        StatementKind::AlterSequence(it) => {
            let name = print.resolved(&it.name);
            if let Some((table, column)) = &it.owned_by {
                let table = print.resolved(table);
                print.on(&table);
                print.read(Thing::Column(table, column.clone()));
            }
            print.write(Thing::Relation(name));
        }
        StatementKind::CreateEnum { name, .. }
        | StatementKind::CreateRange { name }
        | StatementKind::CreateComposite { name, .. } => print.write(Thing::Type(name.name.clone())),
        StatementKind::AlterEnum(it) => print.write(Thing::Type(it.name.name.clone())),
        StatementKind::CreateFunction(it) if it.language == "plpgsql" && !it.atomic => {
            print.write(Thing::Function(it.name.name.clone()));
            match it.body.as_ref().and_then(body_relations) {
                // Whoever calls it from now on finds these as they are when it is made.
                Some(relations) => {
                    for relation in relations {
                        let relation = print.resolved(relation);
                        print.columns(&relation);
                        print.read(Thing::Relation(relation));
                    }
                }
                None => print.out.barrier = true,
            }
        }
        StatementKind::CreateTrigger(it) => {
            let table = print.resolved(&it.relation);
            print.on(&table);
            print.columns(&table);
            print.read(Thing::Function(it.function.name.clone()));
            print.write(Thing::Triggers(table));
        }
        StatementKind::Comment(it) => print.comment(it),
        StatementKind::Grant(it) => print.grant(it),
        StatementKind::Insert(it) => print.data(&it.target.name, &it.facts, true),
        StatementKind::Update(it) => {
            let plain = |it: &Assignment| it.value.as_ref().is_some_and(|it| it.expr != Expr::SetToDefault);
            print.data(&it.target.name, &it.facts, !it.assignments.iter().all(plain));
        }
        StatementKind::Delete(it) => print.data(&it.target.name, &it.facts, false),
        _ => print.out.barrier = true,
    }
    print.out
}

/// ALTER TABLE that only says what new rows get.
pub(crate) fn sets_defaults_only(it: &AlterTable) -> bool {
    it.subcommands.iter().all(|it| matches!(it.action, AlterAction::SetDefault { .. }))
}

/// It changes rows and nothing else.
pub(crate) fn is_data(kind: &StatementKind) -> bool {
    matches!(kind, StatementKind::Insert(_) | StatementKind::Update(_) | StatementKind::Delete(_))
}

/// The relations that a body reads or writes, by the names it has for them; nothing when not all of it is understood.
pub(crate) fn body_relations(body: &Body) -> Option<Vec<&Name>> {
    if !body.opaque.is_empty() {
        return None;
    }
    let mut found = Vec::new();
    for lowered in &body.statements {
        let (target, facts) = match &lowered.kind {
            StatementKind::Select(it) => (None, it),
            StatementKind::Insert(it) => (Some(&it.target.name), &it.facts),
            StatementKind::Update(it) => (Some(&it.target.name), &it.facts),
            StatementKind::Delete(it) => (Some(&it.target.name), &it.facts),
            StatementKind::Merge { target, facts } => (Some(&target.name), facts),
            _ => continue,
        };
        found.extend(target);
        found.extend(facts.reads.iter().map(|it| &it.relation.name));
        found.extend(facts.writes.iter().map(|it| &it.relation.name));
    }
    Some(found)
}

struct Print<'a> {
    schema: &'a Schema,
    search_path: &'a [String],
    out: Footprint,
}

impl Print<'_> {
    fn read(&mut self, thing: Thing) {
        self.out.reads.insert(thing);
    }

    fn write(&mut self, thing: Thing) {
        self.out.writes.insert(thing);
    }

    fn resolved(&self, name: &Name) -> QName {
        self.schema.resolve(name, self.search_path)
    }

    fn created(&mut self, name: &Name) -> QName {
        let name = QName::of(name, self.search_path.first().map_or("public", String::as_str));
        self.read(Thing::Schema(name.schema.to_string()));
        name
    }

    /// Anything on a table comes after what made it, and keeps its place among data changes.
    fn on(&mut self, table: &QName) {
        self.read(Thing::Relation(table.clone()));
        self.read(Thing::Rows(table.clone()));
    }

    /// Which columns the table has.
    fn columns(&mut self, table: &QName) {
        self.read(Thing::Columns(table.clone()));
        self.read(Thing::DroppedColumns(table.clone()));
    }

    fn alter_table(&mut self, it: &AlterTable) {
        let table = self.resolved(&it.relation.name);
        if it.object != ObjectKind::Table {
            self.out.barrier = true;
            return;
        }
        if sets_defaults_only(it) {
            // It changes nothing for the rows that are there.
            self.read(Thing::Relation(table.clone()));
        } else {
            self.on(&table);
        }
        for subcommand in &it.subcommands {
            self.action(&table, &subcommand.action);
        }
    }

    fn action(&mut self, table: &QName, action: &AlterAction) {
        let column = |name: &str| Thing::Column(table.clone(), name.to_owned());
        match action {
            AlterAction::AddColumn { column: added, .. } => {
                self.write(column(&added.name.text));
                self.write(Thing::Columns(table.clone()));
                self.column(table, added);
            }
            AlterAction::AlterType { column: changed, ty, using, .. } => {
                self.write(column(&changed.text));
                self.ty(ty);
                if let Some(using) = using {
                    self.expr(table, &using.expr);
                }
            }
            AlterAction::SetDefault { column: changed, default } => {
                self.read(column(&changed.text));
                self.write(Thing::Default(table.clone(), changed.text.clone()));
                self.expr(table, &default.expr);
            }
            AlterAction::DropDefault { column: changed } => {
                self.read(column(&changed.text));
                self.write(Thing::Default(table.clone(), changed.text.clone()));
            }
            AlterAction::SetNotNull { column: changed } | AlterAction::DropNotNull { column: changed } => {
                self.read(column(&changed.text));
                self.write(Thing::NotNull(table.clone(), changed.text.clone()));
            }
            AlterAction::DropColumn { column, cascade: false, .. } => self.drop_column(table, &column.text),
            AlterAction::AddConstraint(it) => self.constraint(table, it, None),
            AlterAction::ValidateConstraint { name } => self.known_constraint(table, &name.text, false),
            AlterAction::DropConstraint { name, cascade: false, .. } => {
                self.known_constraint(table, &name.text, true);
            }
            AlterAction::DropConstraint { .. } | AlterAction::DropColumn { cascade: true, .. } => {
                self.out.barrier = true;
            }
            AlterAction::Inherit { .. }
            | AlterAction::NoInherit { .. }
            | AlterAction::AttachPartition { .. }
            | AlterAction::DetachPartition { .. }
            | AlterAction::Of { .. } => self.out.barrier = true,
            _ => self.write(Thing::Relation(table.clone())),
        }
    }

    fn column(&mut self, table: &QName, column: &ColumnDef) {
        if let Some(ty) = &column.ty {
            self.ty(ty);
        }
        for constraint in &column.constraints {
            self.constraint(table, constraint, Some(&column.name.text));
        }
    }

    fn ty(&mut self, ty: &TypeName) {
        self.read(Thing::Type(ty.name.clone()));
    }

    /// The columns that an expression on a table reads, the functions it calls, the sequences and types it names.
    fn expr(&mut self, table: &QName, expr: &Expr) {
        for column in columns(expr) {
            if column == "*" {
                self.columns(table);
            } else {
                self.read(Thing::Column(table.clone(), column.to_owned()));
            }
        }
        self.calls(expr);
    }

    fn calls(&mut self, expr: &Expr) {
        match expr {
            Expr::Call { name, .. } => self.read(Thing::Function(name.name.clone())),
            Expr::Cast { ty, .. } => self.ty(ty),
            Expr::Subquery(query) => self.query(query),
            _ => {}
        }
        for sequence in model::volatility::sequences(expr) {
            let sequence = self.resolved(&sequence);
            self.read(Thing::Relation(sequence));
        }
        for child in children(expr) {
            self.calls(child);
        }
    }

    fn query(&mut self, query: &Query) {
        for read in &query.reads {
            let relation = self.resolved(&read.relation.name);
            self.on(&relation);
            self.columns(&relation);
        }
        for function in &query.functions {
            self.read(Thing::Function(function.name.clone()));
        }
        self.out.barrier |= !query.writes.is_empty() || query.into.is_some();
    }

    fn constraint(&mut self, table: &QName, it: &Constraint, column: Option<&str>) {
        let own = |names: &[syntax::ast::Ident]| -> Vec<String> {
            match column {
                Some(column) if names.is_empty() => vec![column.to_owned()],
                _ => names.iter().map(|name| name.text.clone()).collect(),
            }
        };
        let mut named = Vec::new();
        match &it.kind {
            ConstraintKind::Check(expr) | ConstraintKind::Default(expr) => self.expr(table, &expr.expr),
            ConstraintKind::Generated { expression, .. } => self.expr(table, &expression.expr),
            ConstraintKind::NotNull { column: given } => {
                if let Some(column) = given.as_ref().map(|it| it.text.as_str()).or(column) {
                    self.write(Thing::NotNull(table.clone(), column.to_owned()));
                }
            }
            ConstraintKind::Unique(key) | ConstraintKind::PrimaryKey(key) => {
                named = own(&key.columns);
                if let Some(index) = &key.using_index {
                    let index = table.sibling(&index.text);
                    if let Some(known) = self.schema.indexes.get(&index) {
                        named = known.elements.iter().filter_map(|it| it.column.as_ref()).map(Arc::to_string).collect();
                    }
                    self.write(Thing::Relation(index));
                }
                self.key(table, &named);
                if matches!(it.kind, ConstraintKind::PrimaryKey(_)) {
                    self.write(Thing::Key(table.clone(), "*".to_owned()));
                    for column in &named {
                        self.write(Thing::NotNull(table.clone(), column.clone()));
                    }
                }
            }
            ConstraintKind::ForeignKey(key) => {
                named = own(&key.columns);
                let referenced = self.resolved(&key.referenced);
                self.on(&referenced);
                let columns: Vec<String> = key.referenced_columns.iter().map(|it| it.text.clone()).collect();
                for column in &columns {
                    self.read(Thing::Column(referenced.clone(), column.clone()));
                }
                let key = if columns.is_empty() { "*".to_owned() } else { sorted(&columns) };
                self.read(Thing::Tie(referenced.clone(), key.clone()));
                self.read(Thing::Key(referenced, key));
            }
            ConstraintKind::Exclude(_) => self.write(Thing::Relation(table.clone())),
            ConstraintKind::Null | ConstraintKind::Identity { .. } => {}
        }
        for column in named {
            self.read(Thing::Column(table.clone(), column));
        }
        if let Some(name) = &it.name {
            self.write(Thing::Constraint(table.clone(), name.text.clone()));
        }
    }

    fn key(&mut self, table: &QName, columns: &[String]) {
        self.write(Thing::Key(table.clone(), sorted(columns)));
    }

    /// A constraint that is validated or dropped.
    fn known_constraint(&mut self, table: &QName, name: &str, drops: bool) {
        self.write(Thing::Constraint(table.clone(), name.to_owned()));
        let known = self.schema.relations.get(table).and_then(|it| it.constraint(name)).cloned();
        match known.map(|it| it.kind) {
            Some(schema::ConstraintKind::Check { expr, .. }) => {
                // A valid CHECK proves NOT NULL.
                for column in columns(&expr) {
                    self.read(Thing::Column(table.clone(), column.to_owned()));
                    self.read(Thing::NotNull(table.clone(), column.to_owned()));
                }
            }
            Some(schema::ConstraintKind::NotNull { column }) => {
                self.write(Thing::NotNull(table.clone(), column.to_string()));
            }
            Some(schema::ConstraintKind::ForeignKey { columns, referenced, referenced_columns, .. }) => {
                self.on(&referenced);
                for column in &columns {
                    self.read(Thing::Column(table.clone(), column.to_string()));
                }
                let key: Vec<String> = referenced_columns.iter().map(Arc::to_string).collect();
                for column in &key {
                    self.read(Thing::Column(referenced.clone(), column.clone()));
                }
                self.read(Thing::Tie(referenced.clone(), "*".to_owned()));
                self.read(Thing::Tie(referenced, sorted(&key)));
            }
            Some(kind @ (schema::ConstraintKind::Unique { .. } | schema::ConstraintKind::PrimaryKey { .. })) => {
                let index = table.sibling(name);
                if let Some(index) = self.schema.indexes.get(&index).cloned() {
                    self.index_columns(&index);
                    self.untie(&index);
                }
                if matches!(kind, schema::ConstraintKind::PrimaryKey { .. }) {
                    self.write(Thing::Tie(table.clone(), "*".to_owned()));
                    self.write(Thing::Key(table.clone(), "*".to_owned()));
                }
                self.write(Thing::Relation(index));
            }
            _ if !drops => {}
            _ => self.write(Thing::Relation(table.clone())),
        }
    }

    fn create_table(&mut self, it: &CreateTable) {
        let table = self.created(&it.name);
        self.out.barrier |= it.persistence == Persistence::Temporary || it.of_type.is_some();
        self.write(Thing::Relation(table.clone()));
        for column in &it.columns {
            self.column(&table, column);
        }
        for constraint in &it.constraints {
            self.constraint(&table, constraint, None);
        }
        for like in &it.likes {
            let source = self.resolved(&like.relation);
            self.on(&source);
            self.columns(&source);
        }
        for parent in &it.inherits {
            let parent = self.resolved(parent);
            self.on(&parent);
            self.columns(&parent);
            self.write(Thing::Relation(parent));
        }
        // What the table makes itself is not read from elsewhere.
        self.out.reads.retain(|thing| !matches!(thing, Thing::Column(of, _) if *of == table));
    }

    fn create_index(&mut self, it: &CreateIndex) {
        let table = self.resolved(&it.relation.name);
        self.on(&table);
        let mut plain = Vec::new();
        for element in &it.elements {
            if let Some(column) = &element.column {
                plain.push(column.clone());
                self.read(Thing::Column(table.clone(), column.clone()));
            }
            if let Some(expression) = &element.expression {
                self.expr(&table, expression);
            }
        }
        for column in &it.including {
            self.read(Thing::Column(table.clone(), column.text.clone()));
        }
        if let Some(predicate) = &it.predicate {
            self.expr(&table, &predicate.expr);
        }
        if it.unique {
            self.key(&table, &plain);
        }
        if let Some(name) = &it.name {
            self.write(Thing::Relation(table.sibling(&name.text)));
        }
    }

    /// A query may read each of them.
    fn all_columns(&mut self, relation: &QName) {
        self.columns(relation);
        for column in self.schema.relations.get(relation).into_iter().flat_map(|it| &it.columns) {
            self.out.reads.insert(Thing::Column(relation.clone(), column.name.to_string()));
        }
    }

    fn comment(&mut self, it: &syntax::ast::CommentOn) {
        match (it.object, &it.relation) {
            (ObjectKind::Column, Some(table)) => {
                let table = self.resolved(table);
                self.on(&table);
                self.read(Thing::Column(table.clone(), it.name.name.clone()));
                self.write(Thing::Comment(table, it.name.name.clone()));
            }
            (ObjectKind::TableConstraint, Some(table)) => {
                let table = self.resolved(table);
                self.on(&table);
                self.read(Thing::Constraint(table.clone(), it.name.name.clone()));
                self.write(Thing::Comment(table, it.name.name.clone()));
            }
            (ObjectKind::Function | ObjectKind::Procedure, _) => {
                self.read(Thing::Function(it.name.name.clone()));
                self.write(Thing::Comment(QName::of(&it.name, "public"), String::new()));
            }
            (ObjectKind::Table | ObjectKind::Index | ObjectKind::View, _) => {
                let name = self.resolved(&it.name);
                self.read(Thing::Relation(name.clone()));
                self.write(Thing::Comment(name, String::new()));
            }
            _ => self.out.barrier = true,
        }
    }

    /// Rows are not shown before they are as they shall be, nor is a table before it has its policies.
    fn grant(&mut self, it: &Grant) {
        self.out.barrier |= it.all_in_schema;
        for name in &it.names {
            match it.object {
                ObjectKind::Table | ObjectKind::View | ObjectKind::Sequence => {
                    let relation = self.resolved(name);
                    self.all_columns(&relation);
                    if !it.revoke {
                        self.read(Thing::Rows(relation.clone()));
                    }
                    self.read(Thing::Relation(relation));
                }
                ObjectKind::Function | ObjectKind::Procedure => self.read(Thing::Function(name.name.clone())),
                _ => self.out.barrier = true,
            }
            self.write(Thing::Privileges(name.name.clone()));
        }
    }

    /// Data of a table of which everything is known may pass what concerns other tables.
    fn data(&mut self, target: &Name, facts: &Query, defaults: bool) {
        self.query(facts);
        let table = self.resolved(target);
        let schema = self.schema;
        let simple = schema.complete
            && schema.relations.get(&table).is_some_and(|it| {
                it.kind == RelationKind::Table
                    && !it.open
                    && !it.maybe
                    && it.triggers.is_empty()
                    && it.rules.is_empty()
                    && it.children.is_empty()
                    && it.partition_of.is_none()
                    && it.inherits.is_empty()
            })
            && facts.functions.iter().all(|name| {
                let call = Expr::Call { name: name.clone(), arguments: Vec::new() };
                !is_volatile(&call, schema, self.search_path)
            });
        if !simple {
            self.out.barrier = true;
            return;
        }
        self.read(Thing::Relation(table.clone()));
        self.columns(&table);
        self.read(Thing::Triggers(table.clone()));
        self.write(Thing::Data);
        self.write(Thing::Rows(table.clone()));
        let known = schema.relations.get(&table).cloned();
        if defaults {
            for column in known.iter().flat_map(|it| &it.columns) {
                self.read(Thing::Default(table.clone(), column.name.to_string()));
            }
        }
        for constraint in known.iter().flat_map(|it| &it.constraints) {
            if let schema::ConstraintKind::ForeignKey { referenced, .. } = &constraint.kind {
                self.read(Thing::Rows(referenced.clone()));
            }
        }
        for default in known.iter().flat_map(|it| &it.columns).filter_map(|it| it.default.as_ref()) {
            for sequence in model::volatility::sequences(&default.expr) {
                let sequence = self.resolved(&sequence);
                self.read(Thing::Relation(sequence));
            }
        }
        // ON DELETE and ON UPDATE change the rows of others.
        for (child, _) in schema.foreign_keys_over(&table) {
            self.write(Thing::Rows(child));
        }
    }
}

/// A table without parents and children.
fn stands_alone(it: &Relation) -> bool {
    it.kind == RelationKind::Table && it.children.is_empty() && it.partition_of.is_none() && it.inherits.is_empty()
}

fn sorted(columns: &[String]) -> String {
    let mut columns = columns.to_vec();
    columns.sort_unstable();
    columns.join(",")
}

/// For each statement those before it that it must follow.
pub(crate) fn dependencies(prints: &[Footprint]) -> Vec<BTreeSet<usize>> {
    use std::collections::BTreeMap;
    #[derive(Default)]
    struct Last {
        writer: Option<usize>,
        readers: Vec<usize>,
    }
    let mut things: BTreeMap<&Thing, Last> = BTreeMap::new();
    let mut barrier = None;
    let mut found: Vec<BTreeSet<usize>> = Vec::with_capacity(prints.len());
    for (index, print) in prints.iter().enumerate() {
        let mut before = BTreeSet::new();
        if print.barrier {
            before.extend(barrier.map_or(0, |last: usize| last)..index);
            barrier = Some(index);
            things.clear();
        }
        before.extend(barrier.filter(|last| *last != index));
        for thing in print.reads.iter().chain(&print.writes) {
            let last = things.entry(thing).or_default();
            before.extend(last.writer);
        }
        for thing in &print.writes {
            let last = things.entry(thing).or_default();
            before.extend(last.readers.drain(..));
            last.writer = Some(index);
        }
        for thing in print.reads.difference(&print.writes) {
            things.entry(thing).or_default().readers.push(index);
        }
        found.push(before);
    }
    found
}
