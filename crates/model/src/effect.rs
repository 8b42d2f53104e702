//! What a statement does: locks, work, operations, failures.

use std::collections::BTreeMap;

use syntax::Span;
pub use syntax::ast::LockMode;

use crate::name::QName;
use crate::schema::{Born, RelationKind};

/// Work done while the lock is held. `Instant` does not grow with the table; the others do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Work {
    Instant,
    /// Rows written or row locks taken by a data-modifying statement.
    Rows,
    /// Every row is read.
    Scan,
    /// An index is built: recorded on the index, and on its table, whose rows are all read for it.
    Build,
    /// Every row is copied.
    Rewrite,
}

/// A lock on one relation and the work done under it. One effect per relation and kind of work, and the relation's
/// strongest lock stands in at least one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    pub relation: QName,
    pub kind: RelationKind,
    /// The table of an index.
    pub on: Option<QName>,
    pub lock: LockMode,
    pub work: Work,
    pub born: Born,
    /// The relation certainly holds no rows, so that work on it takes no time.
    pub empty: bool,
    /// The statement may not reach it (IF EXISTS on an unknown object, a branch).
    pub maybe: bool,
}

/// One thing a statement does that a rule may judge and a recipe may do differently: a statement, one subcommand of an
/// ALTER TABLE, or one inline constraint of an added column.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Operation {
    pub kind: OperationKind,
    /// Index of the subcommand of an ALTER TABLE.
    pub subcommand: Option<usize>,
    /// Index of the inline constraint in the added column.
    pub constraint: Option<usize>,
    /// In the statement.
    pub span: Span,
    /// The relation it is about, as far as there is one.
    pub relation: Option<QName>,
    /// What this operation alone asks for.
    pub effects: Vec<Effect>,
    /// Inside a DO or function body: judged, never rewritten.
    pub lowered: bool,
    /// It may not run.
    pub conditional: bool,
    /// Inside a loop of a body.
    pub in_loop: bool,
}

/// Named after the hazard's object, finer than statement kinds and coarser than rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum OperationKind {
    CreateIndex,
    DropIndex,
    Reindex,
    AddForeignKey,
    AddCheck,
    AddUnique,
    AddPrimaryKey,
    AddExclusion,
    /// UNIQUE or PRIMARY KEY USING INDEX.
    AttachIndex,
    SetNotNull,
    ValidateConstraint,
    AddColumn,
    AlterType,
    DropColumn,
    DropConstraint,
    DropTable,
    DropObject,
    RenameColumn,
    RenameRelation,
    RenameObject,
    SetSchema,
    Truncate,
    Update,
    Delete,
    InsertSelect,
    Insert,
    Merge,
    AddEnumValue,
    RenameEnumValue,
    CreatePartition,
    AttachPartition,
    DetachPartition,
    CreateTable,
    CreateTrigger,
    DomainConstraint,
    RewriteTable,
    RefreshMaterializedView,
    LockTable,
    /// A statement that refuses to run in a transaction block.
    NonTransactional,
    SetTimeout,
    /// Any other ALTER TABLE subcommand or DDL statement.
    Other,
    /// What it does is not known: dynamic SQL, an unknown routine.
    Opaque,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    pub sqlstate: &'static str,
    /// PostgreSQL's words.
    pub message: String,
    pub when: FailsWhen,
    /// In the statement.
    pub span: Span,
    /// The majors in range on which it fails, first and last.
    pub majors: (u32, u32),
}

impl Failure {
    /// It fails in any case where it runs: in a transaction or not.
    #[must_use]
    pub fn is_certain(&self, in_transaction: bool) -> bool {
        match self.when {
            FailsWhen::Always => true,
            FailsWhen::Wrapped => in_transaction,
            FailsWhen::NotEmpty => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FailsWhen {
    Always,
    /// Only inside a transaction block or a message of several statements.
    Wrapped,
    /// When the table holds rows (NOT NULL without default).
    NotEmpty,
}

/// Whom a concurrent statement waits for before it can finish, beyond lock conflicts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WaitsFor {
    Readers,
    Writers,
    Snapshots,
}

/// What running application code notices once the statement commits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Breaks {
    ColumnGone {
        relation: QName,
        column: String,
    },
    ColumnRenamed {
        relation: QName,
        from: String,
        to: String,
    },
    RelationGone {
        relation: QName,
    },
    RelationRenamed {
        from: QName,
        to: QName,
    },
    /// Prepared statements fail: `cached plan must not change result type`.
    CachedPlans {
        relation: QName,
    },
    /// INSERTs that leave the column out fail.
    InsertNeedsColumn {
        relation: QName,
        column: String,
    },
    EnumValueRenamed {
        name: QName,
        from: String,
    },
}

/// Sessions that stop: `relation` cannot be read or written by others while the locks are held. Also says what follows
/// indirectly (a view over a locked table, a partition below a locked parent, the other end of a foreign key).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blocked {
    pub relation: QName,
    pub reads: bool,
    pub writes: bool,
    /// Only writes to rows that the statement changed or locked wait, and they do so by row locks.
    pub rows: bool,
}

/// Reads (SELECT takes ACCESS SHARE) wait only for ACCESS EXCLUSIVE (manual, table 13.2).
#[must_use]
pub fn blocks_reads(lock: LockMode) -> bool {
    lock == LockMode::AccessExclusive
}

/// INSERT, UPDATE and DELETE take ROW EXCLUSIVE, which conflicts with SHARE and stronger (manual, table 13.2).
#[must_use]
pub fn blocks_writes(lock: LockMode) -> bool {
    lock >= LockMode::Share
}

/// All modes, the weakest first.
pub const LOCKS: [LockMode; 8] = [
    LockMode::AccessShare,
    LockMode::RowShare,
    LockMode::RowExclusive,
    LockMode::ShareUpdateExclusive,
    LockMode::Share,
    LockMode::ShareRowExclusive,
    LockMode::Exclusive,
    LockMode::AccessExclusive,
];

/// Two transactions cannot hold these on one relation at the same time (manual, table 13.2; LockConflicts in lock.c).
#[must_use]
pub fn conflict(a: LockMode, b: LockMode) -> bool {
    use LockMode::{AccessExclusive, AccessShare, Exclusive, RowExclusive, RowShare, Share, ShareUpdateExclusive};
    let (weak, strong) = (a.min(b), a.max(b));
    match weak {
        AccessShare => strong == AccessExclusive,
        RowShare => strong >= Exclusive,
        RowExclusive => strong >= Share,
        // SHARE is the only one of the others that does not conflict with itself.
        Share => strong > Share,
        ShareUpdateExclusive | LockMode::ShareRowExclusive | Exclusive | AccessExclusive => true,
    }
}

/// The strongest lock for each relation and work.
#[must_use]
pub fn strongest(effects: impl IntoIterator<Item = Effect>) -> Vec<Effect> {
    let mut all: Vec<Effect> = Vec::new();
    let mut known: BTreeMap<(QName, Work), usize> = BTreeMap::new();
    for effect in effects {
        let at = *known.entry((effect.relation.clone(), effect.work)).or_insert(all.len());
        match all.get_mut(at) {
            Some(known) => known.lock = known.lock.max(effect.lock),
            None => all.push(effect),
        }
    }
    all
}

/// The mode as the manual writes it.
#[must_use]
pub fn lock_name(lock: LockMode) -> &'static str {
    match lock {
        LockMode::AccessShare => "ACCESS SHARE",
        LockMode::RowShare => "ROW SHARE",
        LockMode::RowExclusive => "ROW EXCLUSIVE",
        LockMode::ShareUpdateExclusive => "SHARE UPDATE EXCLUSIVE",
        LockMode::Share => "SHARE",
        LockMode::ShareRowExclusive => "SHARE ROW EXCLUSIVE",
        LockMode::Exclusive => "EXCLUSIVE",
        LockMode::AccessExclusive => "ACCESS EXCLUSIVE",
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::{LOCKS, conflict};

    #[test]
    fn table_13_2() {
        let row = |a| LOCKS.map(|b| if conflict(a, b) { 'X' } else { '.' }).iter().collect::<String>();
        expect![[r#"
            .......X
            ......XX
            ....XXXX
            ...XXXXX
            ..XX.XXX
            ..XXXXXX
            .XXXXXXX
            XXXXXXXX"#]]
        .assert_eq(&LOCKS.map(row).join("\n"));
    }
}
