//! What goes with a table, a column, an index, a trigger or a view.

use std::sync::Arc;

use model::expr::columns;
use model::name::QName;
use model::schema;
use syntax::ast::Drop;

use super::{Footprint, Print, Thing, sorted, stands_alone};

impl Print<'_> {
    pub(super) fn drop_index(&mut self, it: &Drop) {
        for dropped in &it.names {
            let name = self.resolved(&dropped.name);
            match self.schema.indexes.get(&name).cloned() {
                Some(index) if !it.cascade => {
                    self.on(&index.table);
                    self.index_columns(&index);
                    self.untie(&index);
                    self.write(Thing::Relation(name));
                }
                _ => self.out.barrier = true,
            }
        }
    }

    /// A table goes with all that is its own.
    pub(super) fn drop_table(&mut self, it: &Drop) {
        for dropped in &it.names {
            let table = self.resolved(&dropped.name);
            let known = self.schema.relations.get(&table).filter(|it| !it.open && stands_alone(it)).cloned();
            let Some(known) = known.filter(|_| !it.cascade) else {
                self.out.barrier = true;
                return;
            };
            for constraint in &known.constraints {
                self.known_constraint(&table, &constraint.name, true);
            }
            for index in self.schema.indexes_of(&table).cloned().collect::<Vec<_>>() {
                self.write(Thing::Relation(index.name));
            }
            for column in &known.columns {
                self.sequences_of(&table, &column.name);
            }
            self.write(Thing::Type(table.name.to_string()));
            for thing in [Thing::Relation, Thing::Columns, Thing::DroppedColumns, Thing::Rows, Thing::Triggers] {
                self.write(thing(table.clone()));
            }
        }
    }

    /// A column goes with the constraints, indexes and sequences that are on it.
    pub(super) fn drop_column(&mut self, table: &QName, column: &str) {
        let Some(known) = self.schema.relations.get(table).filter(|it| !it.open && stands_alone(it)).cloned() else {
            self.write(Thing::Relation(table.clone()));
            return;
        };
        self.write(Thing::Column(table.clone(), column.to_owned()));
        self.write(Thing::DroppedColumns(table.clone()));
        self.write(Thing::Default(table.clone(), column.to_owned()));
        self.write(Thing::NotNull(table.clone(), column.to_owned()));
        self.read(Thing::Triggers(table.clone()));
        for constraint in known.constraints.iter().filter(|it| has_column(&it.kind, column)) {
            self.known_constraint(table, &constraint.name, true);
        }
        for index in self.schema.indexes_of(table).cloned().collect::<Vec<_>>() {
            let mut print = Print { schema: self.schema, search_path: self.search_path, out: Footprint::default() };
            print.index_columns(&index);
            if print.out.reads.contains(&Thing::Column(table.clone(), column.to_owned())) {
                self.index_columns(&index);
                self.untie(&index);
                self.write(Thing::Relation(index.name));
            }
        }
        self.sequences_of(table, column);
    }

    pub(super) fn sequences_of(&mut self, table: &QName, column: &str) {
        let owned = self
            .schema
            .relations
            .values()
            .filter(|it| it.owned_by.as_ref().is_some_and(|(owner, of)| owner == table && **of == *column));
        for sequence in owned.map(|it| it.name.clone()).collect::<Vec<_>>() {
            self.write(Thing::Relation(sequence));
        }
    }

    pub(super) fn drop_trigger(&mut self, it: &Drop) {
        for dropped in &it.names {
            let Some(table) = dropped.relation.as_ref().filter(|_| !it.cascade) else {
                self.out.barrier = true;
                return;
            };
            let table = self.resolved(table);
            let mut known = self.schema.relations.get(&table).into_iter().flat_map(|it| &it.triggers);
            let trigger = known.find(|it| *it.name == *dropped.name.name);
            self.read(Thing::Function(trigger.map_or_else(String::new, |it| it.function.name.to_string())));
            self.on(&table);
            self.write(Thing::Triggers(table));
        }
    }

    pub(super) fn drop_view(&mut self, it: &Drop) {
        for dropped in &it.names {
            let name = self.resolved(&dropped.name);
            let Some(known) = self.schema.relations.get(&name) else {
                self.out.barrier = true;
                return;
            };
            for (relation, _) in known.reads.clone() {
                self.on(&relation);
                self.all_columns(&relation);
            }
            for function in known.calls.clone() {
                self.read(Thing::Function(function.to_string()));
            }
            self.write(Thing::Relation(name));
        }
    }

    /// A type change of a column would meet the index, or not.
    pub(super) fn index_columns(&mut self, index: &schema::Index) {
        for element in &index.elements {
            if let Some(column) = &element.column {
                self.read(Thing::Column(index.table.clone(), column.to_string()));
            }
            if let Some(expression) = &element.expression {
                self.expr(&index.table, expression);
            }
        }
        for column in &index.including {
            self.read(Thing::Column(index.table.clone(), column.to_string()));
        }
        if let Some(predicate) = &index.predicate {
            self.expr(&index.table, predicate);
        }
    }

    pub(super) fn untie(&mut self, index: &schema::Index) {
        if index.unique {
            let columns: Vec<String> =
                index.elements.iter().filter_map(|it| it.column.as_ref()).map(Arc::to_string).collect();
            self.write(Thing::Tie(index.table.clone(), sorted(&columns)));
        }
    }
}

/// A constraint that goes when the column goes.
fn has_column(kind: &schema::ConstraintKind, column: &str) -> bool {
    match kind {
        schema::ConstraintKind::Check { expr, .. } => columns(expr).contains(&column),
        schema::ConstraintKind::NotNull { column: it } => **it == *column,
        schema::ConstraintKind::Unique { columns }
        | schema::ConstraintKind::PrimaryKey { columns }
        | schema::ConstraintKind::Exclude { columns, .. }
        | schema::ConstraintKind::ForeignKey { columns, .. } => columns.iter().any(|it| **it == *column),
    }
}
