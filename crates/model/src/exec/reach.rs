//! How far a planned statement reaches: indexes, partitions, children and what stands behind views.

use syntax::ast::{Name, RelationRef};

use super::prune::{self, Filter, Reach};
use super::{Exec, Stop};
use crate::effect::{LockMode, Work};
use crate::name::QName;
use crate::schema::{Relation, RelationKind};

/// What a statement wants from a relation.
#[derive(Clone, Copy, Debug)]
pub(super) struct Access<'a> {
    pub lock: LockMode,
    /// On the relations that hold rows.
    pub works: &'a [Work],
    /// ONLY.
    pub only: bool,
    /// Planning locks every index of a table in the mode of the table (get_relation_info, plancat.c). The target of an INSERT
    /// is not planned, and the executor gives its index locks back (ExecCloseIndices, execIndexing.c).
    pub planned: bool,
    pub filter: Filter<'a>,
}

/// Views are rewritten into what they read at most so often: names that changed hands could make a circle.
const DEPTH: usize = 16;

/// The relation that a statement names. It fails where the relation certainly does not exist (parserOpenTable,
/// parse_relation.c). `None` for system catalogs, which are no concern of migrations.
pub(super) fn find(exec: &mut Exec, relation: &RelationRef) -> Result<Option<QName>, Stop> {
    find_name(exec, &relation.name)
}

pub(super) fn find_name(exec: &mut Exec, name: &Name) -> Result<Option<QName>, Stop> {
    if is_system(exec, name) {
        return Ok(None);
    }
    let found = exec.resolve(name);
    if exec.is_missing(&found) {
        return exec.refuse("42P01", format!("relation \"{}\" does not exist", written(name)), name.span);
    }
    Ok(Some(found))
}

/// A name as error messages repeat it.
pub(super) fn written(name: &Name) -> String {
    match &name.schema {
        Some(schema) => format!("{schema}.{}", name.name),
        None => name.name.clone(),
    }
}

fn is_system(exec: &Exec, name: &Name) -> bool {
    match name.schema.as_deref() {
        Some(schema) => matches!(schema, "pg_catalog" | "information_schema" | "pg_toast"),
        None => name.name.starts_with("pg_") && !exec.schema.has_class(&exec.resolve(name)),
    }
}

/// Locks a relation, its indexes and what the statement reaches through it.
pub(super) fn access(exec: &mut Exec, name: &QName, want: &Access<'_>) {
    reach(exec, name, want, DEPTH);
}

fn reach(exec: &mut Exec, name: &QName, want: &Access<'_>, depth: usize) {
    let relation = exec.relation(name);
    let rowless = [RelationKind::PartitionedTable, RelationKind::View, RelationKind::Sequence];
    let has_rows = !rowless.contains(&relation.kind);
    exec.lock(name, want.lock);
    for work in want.works.iter().filter(|_| has_rows) {
        exec.work(name, want.lock, *work);
    }
    if relation.kind == RelationKind::View {
        return behind_view(exec, &relation, want, depth);
    }
    // Indexes of partitioned tables are looked at since 16.
    if want.planned && (relation.kind != RelationKind::PartitionedTable || exec.since(16)) {
        lock_indexes(exec, name, want.lock);
    }
    // The planner looks at the bounds of a partition that is partitioned itself (set_relation_partition_info, plancat.c).
    if want.planned && relation.kind == RelationKind::PartitionedTable {
        lock_ancestors(exec, name);
    }
    if want.only || depth == 0 {
        return;
    }
    for child in &relation.children {
        // Partitions that the planner can rule out are not even locked (expand_partitioned_rtentry, inherit.c); children by
        // INHERITS all are (find_all_inheritors).
        let reached = match relation.kind {
            RelationKind::PartitionedTable => prune::reach(&relation, &exec.relation(child), want.filter),
            _ => Reach::Certain,
        };
        match reached {
            Reach::Certain => reach(exec, child, want, depth - 1),
            Reach::Maybe => exec.perhaps(|exec| reach(exec, child, want, depth - 1)),
            Reach::Never => {}
        }
    }
}

/// The rewriter locks what a view reads before it is planned (AcquireRewriteLocks, rewriteHandler.c); FOR UPDATE goes through.
fn behind_view(exec: &mut Exec, view: &Relation, want: &Access<'_>, depth: usize) {
    if depth == 0 {
        return;
    }
    let mut seen: Vec<&QName> = Vec::new();
    for (read, _) in &view.reads {
        if !seen.contains(&read) {
            seen.push(read);
            // A whole view reads its relations as a whole; row locks go through it.
            let passes = |work: &Work| *work != Work::Scan || !view.filtered;
            let works: Vec<Work> = want.works.iter().copied().filter(passes).collect();
            let works = works.as_slice();
            reach(exec, read, &Access { works, filter: Filter::Unknown, only: false, ..*want }, depth - 1);
        }
    }
}

pub(super) fn lock_indexes(exec: &mut Exec, table: &QName, lock: LockMode) {
    for index in index_names(exec, table) {
        exec.lock(&index, lock);
    }
}

pub(super) fn index_names(exec: &Exec, table: &QName) -> Vec<QName> {
    exec.schema.indexes_of(table).map(|index| index.name.clone()).collect()
}

/// Checking a partition's bounds opens its ancestors (generate_partition_qual, partcache.c), on INSERT and UPDATE of the
/// partition itself.
pub(super) fn lock_ancestors(exec: &mut Exec, partition: &QName) {
    let mut name = partition.clone();
    for _ in 0..DEPTH {
        let Some((parent, _)) = exec.relation(&name).partition_of.clone() else { return };
        exec.lock(&parent, LockMode::AccessShare);
        name = parent;
    }
}

impl Exec {
    /// A name that an expression of a table holds: it was resolved when it was written, so the table's schema is tried too.
    pub(super) fn resolve_near(&self, name: &Name, table: &QName) -> QName {
        let found = self.resolve(name);
        let near = table.sibling(&name.name);
        if name.schema.is_none() && !self.schema.has_class(&found) && self.schema.has_class(&near) {
            near
        } else {
            found
        }
    }

    /// Runs something that may not happen: its locks are recorded as possible.
    pub(super) fn perhaps<T>(&mut self, run: impl FnOnce(&mut Self) -> T) -> T {
        let conditional = std::mem::replace(&mut self.conditional, true);
        let result = run(self);
        self.conditional = conditional;
        result
    }
}
