//! Steps before they have their place, and what a recipe answers.

use model::plan::{Class, Inverse, Mode};

use crate::edit::Edit;

/// A step of a recipe.
#[derive(Clone, Debug)]
pub(crate) struct Draft {
    /// One statement with its terminator.
    pub sql: String,
    pub mode: Mode,
    pub title: String,
    pub inverse: Inverse,
    pub recovery: Option<String>,
    pub role: Role,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Step,
    /// Must share the transaction of the step before it.
    Joined,
    /// What follows must see it committed.
    EndsPart,
    /// Checks that an index is valid before later steps build on it: opens the next transaction that there is anyway.
    Assertion,
    /// The same, in a transaction of its own when there is no other.
    RequiredAssertion,
    /// Stands before the non-transactional step that follows it.
    Guard,
}

/// How one operation is done differently.
#[derive(Clone, Debug)]
pub(crate) struct Rewrite {
    pub class: Class,
    pub place: Place,
    pub steps: Vec<Draft>,
    /// Whole sentences.
    pub assumptions: Vec<String>,
}

/// What the steps stand for.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// They replace the statement.
    Statement,
    /// They replace the subcommand of the ALTER TABLE.
    Subcommand,
    /// The edits, in the statement, take something out of the subcommand that stays; the steps follow.
    Inside(Vec<Edit>),
    /// The statement stays as it is and the steps follow; what matters is that it no longer shares a transaction with
    /// everything that shared it in the original.
    Kept,
}

impl Draft {
    pub fn new(mode: Mode, sql: String, title: String) -> Self {
        Self { sql, mode, title, inverse: Inverse::Nothing, recovery: None, role: Role::Step }
    }

    pub fn undone_by(mut self, mode: Mode, sql: String) -> Self {
        self.inverse = Inverse::Sql { sql, mode };
        self
    }

    pub fn recovered_by(mut self, sql: String) -> Self {
        self.recovery = Some(sql);
        self
    }

    pub fn role(mut self, role: Role) -> Self {
        self.role = role;
        self
    }
}

impl Rewrite {
    pub fn safe(place: Place, steps: Vec<Draft>) -> Self {
        Self { class: Class::Safe, place, steps, assumptions: Vec::new() }
    }

    pub fn assuming(mut self, assumption: Option<String>) -> Self {
        self.assumptions.extend(assumption);
        self
    }
}
