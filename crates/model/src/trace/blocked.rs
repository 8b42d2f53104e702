//! What other sessions cannot do while a statement's locks are held.
//!
//! A session that reads or writes one relation locks others too: what a view reads, partitions, both ends of foreign keys,
//! sequences of defaults, indexes. A lock on any of these stops it.

use std::collections::BTreeMap;

use syntax::ast::{Body, StatementKind};

use crate::effect::{Blocked, Effect, LockMode, Operation, OperationKind, Work, blocks_reads, blocks_writes};
use crate::name::QName;
use crate::schema::{ConstraintKind, Relation, RelationKind, Schema};
use crate::volatility;

/// `concurrent`: the statement refuses transaction blocks, so that its ACCESS EXCLUSIVE locks on indexes are taken when
/// nobody uses those any more (index_concurrently_set_dead, index.c). `waits`: it waits for those who use them.
pub(super) fn blocked(
    schema: &Schema,
    effects: &[Effect],
    operations: &[Operation],
    concurrent: bool,
    waits: bool,
    major: u32,
) -> Vec<Blocked> {
    // A partition that is being detached is no longer reached through its parent (find_inheritance_children, pg_inherits.c).
    let detaching = concurrent && operations.iter().any(|it| it.kind == OperationKind::DetachPartition);
    let mut found = Found { schema, detaching, blocked: BTreeMap::new() };
    let on_tables = |table: &QName| effects.iter().filter(|it| it.relation == *table).map(|it| it.lock).max();
    for effect in effects {
        let (relation, lock) = match &effect.on {
            None => (&effect.relation, effect.lock),
            // Planning and writing lock every index of a table (get_relation_info, plancat.c; ExecOpenIndices). Partitioned
            // indexes hold nothing, and are planned with since 16.
            Some(table) => {
                let dead = concurrent && (waits || on_tables(table) <= Some(LockMode::ShareUpdateExclusive));
                if (effect.kind == RelationKind::PartitionedIndex && major < 16) || dead {
                    continue;
                }
                (table, effect.lock)
            }
        };
        found.lock(relation, lock, effect.on.is_none());
    }
    // A statement that commits as it goes keeps no row locked.
    let rows = effects.iter().filter(|it| it.work == Work::Rows && it.on.is_none() && !concurrent);
    for effect in rows {
        // INSERT writes rows that nobody else sees.
        let changes = |it: &&Operation| {
            matches!(it.kind, OperationKind::Update | OperationKind::Delete | OperationKind::Merge)
                && it.effects.iter().any(|own| own.relation == effect.relation && own.work == Work::Rows)
        };
        if effect.lock == LockMode::RowShare || operations.iter().any(|it| changes(&it)) {
            found.rows(&effect.relation);
            // The row that a deleted one references cannot be deleted before it is known whether it is still referenced.
            if operations.iter().any(|it| it.kind == OperationKind::Delete && changes(&it)) {
                found.referenced_rows(&effect.relation);
            }
        }
    }
    let blocked = found.blocked.into_iter().filter(|(_, it)| it.reads || it.writes || it.rows);
    blocked
        .map(|(relation, it)| Blocked {
            relation,
            reads: it.reads,
            writes: it.writes || it.rows,
            rows: it.rows && !it.writes,
        })
        .collect()
}

#[derive(Clone, Copy, Default)]
struct Marks {
    reads: bool,
    writes: bool,
    rows: bool,
}

struct Found<'a> {
    schema: &'a Schema,
    detaching: bool,
    blocked: BTreeMap<QName, Marks>,
}

impl Found<'_> {
    fn lock(&mut self, name: &QName, lock: LockMode, table_itself: bool) {
        let (reads, writes) = (blocks_reads(lock), blocks_writes(lock));
        if !reads && !writes {
            return;
        }
        let Some(relation) = self.schema.relations.get(name).cloned() else {
            self.mark(name, reads, writes);
            return;
        };
        match relation.kind {
            RelationKind::Sequence => {
                self.mark(name, false, writes);
                self.sequence_users(&relation);
                return;
            }
            // A materialized view is written by REFRESH alone, a view through its tables.
            RelationKind::View | RelationKind::MaterializedView => self.mark(name, reads, false),
            _ => self.mark(name, reads, writes),
        };
        self.upward(&relation, reads, writes);
        // Writing to a partition looks at the bounds, which are with the parent (generate_partition_qual, partcache.c).
        if reads && table_itself && relation.kind == RelationKind::PartitionedTable {
            for child in self.schema.descendants(name) {
                self.mark(&child, false, true);
            }
        }
        self.foreign_keys(&relation, lock);
        self.routines(name, lock);
    }

    fn mark(&mut self, name: &QName, reads: bool, writes: bool) -> bool {
        let marks = self.blocked.entry(name.clone()).or_default();
        let new = (reads && !marks.reads) || (writes && !marks.writes);
        marks.reads |= reads;
        marks.writes |= writes;
        new
    }

    /// Whoever reads or writes a parent goes down to its children; whoever reads a view goes to what it reads.
    fn upward(&mut self, relation: &Relation, reads: bool, writes: bool) {
        let parents = relation.inherits.iter().chain(relation.partition_of.as_ref().map(|(parent, _)| parent));
        for parent in parents.filter(|_| !self.detaching).cloned().collect::<Vec<_>>() {
            let parent = &parent;
            if self.mark(parent, reads, writes)
                && let Some(parent) = self.schema.relations.get(parent).cloned()
            {
                self.upward(&parent, reads, writes);
            }
        }
        let views = if reads { self.schema.views_of(&relation.name) } else { Vec::new() };
        for view in views {
            let Some(view) = self.schema.relations.get(&view).cloned() else { continue };
            if view.kind == RelationKind::View && self.mark(&view.name, true, false) {
                self.upward(&view, true, false);
            }
        }
    }

    /// Checks of the other end of a foreign key lock ROW SHARE, referential actions ROW EXCLUSIVE (ri_triggers.c).
    fn foreign_keys(&mut self, relation: &Relation, lock: LockMode) {
        for constraint in relation.constraints.iter().filter(|it| it.enforced) {
            if let ConstraintKind::ForeignKey { referenced, on_update, on_delete, .. } = &constraint.kind {
                let acts = |action: char| !matches!(action, 'a' | 'r');
                // A DELETE that never happens looks for nothing.
                let guarded = self
                    .schema
                    .relations
                    .get(referenced)
                    .is_some_and(|it| it.rules.iter().any(|rule| rule.replaces == Some("delete")));
                if guarded {
                    continue;
                }
                if lock >= LockMode::Exclusive || (lock >= LockMode::Share && (acts(*on_update) || acts(*on_delete))) {
                    self.mark(referenced, false, true);
                }
            }
        }
        let keys = if lock >= LockMode::Exclusive { self.schema.foreign_keys_over(&relation.name) } else { Vec::new() };
        for (child, constraint) in keys {
            if constraint.enforced && self.mark(&child, false, true) {
                for partition in self.schema.descendants(&child) {
                    self.mark(&partition, false, true);
                }
            }
        }
    }

    /// Tables whose columns draw from a sequence: nextval locks it ROW EXCLUSIVE.
    fn sequence_users(&mut self, sequence: &Relation) {
        if let Some((table, column)) = &sequence.owned_by
            && self.schema.relations.get(table).and_then(|it| it.column(column)).is_some_and(|it| it.identity.is_some())
        {
            self.mark(table, false, true);
        }
        for user in self.schema.dependents_of(&sequence.name) {
            let Some(relation) = self.schema.relations.get(&user).cloned() else { continue };
            let draws = relation.columns.iter().filter_map(|column| column.default.as_ref()).any(|default| {
                let path = [user.schema.to_string()];
                volatility::sequences(&default.expr)
                    .iter()
                    .any(|name| self.schema.resolve(name, &path) == sequence.name || *name.name == *sequence.name.name)
            });
            if draws {
                self.mark(&user, false, true);
            }
        }
    }

    /// Tables whose triggers or policies reach the relation.
    fn routines(&mut self, name: &QName, lock: LockMode) {
        // Most tables are used by none, and some are referenced by very many.
        if !self.schema.lookup.used.contains_key(&name.name) {
            return;
        }
        for user in self.schema.dependents_of(name) {
            let Some(relation) = self.schema.relations.get(&user).cloned() else { continue };
            let fires = relation.triggers.iter().filter(|trigger| trigger.enabled).any(|trigger| {
                let functions = self.schema.functions.get(&trigger.function);
                functions
                    .is_some_and(|it| it.iter().filter_map(|it| it.body.as_deref()).any(|it| touches(it, name, lock)))
            });
            let filters = relation.row_security && relation.policies.iter().any(|policy| policy.reads.contains(name));
            if fires || (filters && blocks_reads(lock)) {
                self.mark(&user, filters && blocks_reads(lock), true);
            }
        }
    }

    fn referenced_rows(&mut self, name: &QName) {
        let Some(relation) = self.schema.relations.get(name).cloned() else { return };
        for constraint in relation.constraints.iter().filter(|it| it.enforced) {
            if let ConstraintKind::ForeignKey { referenced, .. } = &constraint.kind {
                self.rows(referenced);
            }
        }
    }

    /// Row locks stop those who write the same rows, also through a parent.
    fn rows(&mut self, name: &QName) {
        self.blocked.entry(name.clone()).or_default().rows = true;
        let Some(relation) = self.schema.relations.get(name).cloned() else { return };
        let parents = relation.inherits.iter().chain(relation.partition_of.as_ref().map(|(parent, _)| parent));
        for parent in parents {
            self.rows(parent);
        }
    }
}

/// Whether a body's own queries wait for a lock on the relation.
fn touches(body: &Body, name: &QName, lock: LockMode) -> bool {
    let is =
        |it: &syntax::ast::Name| it.name == *name.name && it.schema.as_deref().is_none_or(|it| *it == *name.schema);
    body.statements.iter().any(|statement| {
        let (target, facts) = match &statement.kind {
            StatementKind::Select(facts) => (None, facts),
            StatementKind::Insert(it) => (Some(&it.target), &it.facts),
            StatementKind::Update(it) => (Some(&it.target), &it.facts),
            StatementKind::Delete(it) => (Some(&it.target), &it.facts),
            StatementKind::Merge { target, facts } => (Some(target), facts),
            _ => return false,
        };
        let writes =
            target.is_some_and(|target| is(&target.name)) || facts.writes.iter().any(|it| is(&it.relation.name));
        let reads = facts.reads.iter().any(|it| is(&it.relation.name));
        (writes && blocks_writes(lock)) || (reads && blocks_reads(lock))
    })
}
