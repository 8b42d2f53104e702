//! Statements that do what one before them did: a bulk load is one INSERT, many thousand times.

use std::collections::BTreeMap;
use std::sync::Arc;

use syntax::ast::{Statement, StatementKind};

use super::transaction::State;
use super::{Judgement, Transaction};

/// An INSERT that left everything as it found it, so that the next one like it does the same.
#[derive(Debug)]
pub(super) struct Alike {
    insert: Arc<StatementKind>,
    state: State,
    transaction: Transaction,
    /// By length of the text, to which spans go.
    known: BTreeMap<usize, Arc<Judgement>>,
}

impl Alike {
    pub fn new(statement: &Statement, state: &State, transaction: Transaction) -> Option<Self> {
        let insert = Some(&statement.parsed.kind).filter(|kind| matches!(***kind, StatementKind::Insert(_)))?;
        Some(Self { insert: Arc::clone(insert), state: state.clone(), transaction, known: BTreeMap::new() })
    }

    /// Whether a statement that is to run in that state is like those before.
    pub fn is(&self, statement: &Statement, state: &State, transaction: Transaction) -> bool {
        // Statements read with the same header share the INSERT.
        let same = Arc::ptr_eq(&statement.parsed.kind, &self.insert);
        let place = |it: Transaction| (it.inside, it.opened_by, it.until);
        same && statement.parsed.needs.is_none()
            && place(transaction) == place(self.transaction)
            && state.is_same(&self.state)
    }

    pub fn find(&self, statement: &Statement) -> Option<&Arc<Judgement>> {
        self.known.get(&statement.parsed.text.len())
    }

    pub fn note(&mut self, statement: &Statement, judgement: &Arc<Judgement>) {
        self.known.insert(statement.parsed.text.len(), Arc::clone(judgement));
    }

    pub fn is_at(&self, state: &State) -> bool {
        state.is_same(&self.state)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use expect_test::expect;
    use syntax::ast::Script;

    use crate::drawn::{history, plain, runner};
    use crate::runner::{Messages, Runner, RunnerTransaction};
    use crate::trace::{MAJORS, Session, Settings, Trace, Unit, trace};

    /// For each statement the first that shares its judgement, which must be what it gets when it shares nothing.
    fn shared(sql: &str, runner: &Runner) -> String {
        let before = history("CREATE TABLE a (x int); CREATE TABLE b (y int)");
        let judge = |script: &Script| -> Trace {
            let settings = Settings { majors: MAJORS, external_timeouts: false };
            trace(&before, &Session::default(), &Unit { script, runner }, &settings)
        };
        let script = syntax::parse(sql, &syntax::Options::default());
        let mut apart = script.clone();
        for statement in &mut apart.statements {
            let parsed = Arc::make_mut(&mut statement.parsed);
            parsed.kind = Arc::new((*parsed.kind).clone());
        }
        let (judged, alone) = (judge(&script).judged, judge(&apart).judged);
        let mut drawn = Vec::new();
        for (judged, alone) in std::iter::zip(&judged, &alone) {
            assert_eq!(format!("{judged:?}"), format!("{alone:?}"));
        }
        for it in &judged {
            let first = judged.iter().position(|other| Arc::ptr_eq(&it.judgement, &other.judgement));
            drawn.push(first.map_or_else(String::new, |first| first.to_string()));
        }
        drawn.join(" ")
    }

    #[test]
    fn only_what_meets_the_same() {
        let sql = "
INSERT INTO a VALUES (1); INSERT INTO a VALUES (2); INSERT INTO a VALUES (33); INSERT INTO a VALUES (4), (5);
INSERT INTO a VALUES (6); INSERT INTO a VALUES (7); SET LOCAL lock_timeout = 5; INSERT INTO a VALUES (8); ALTER TABLE a ADD z int;
INSERT INTO a VALUES (9); INSERT INTO a VALUES (0); INSERT INTO b VALUES (1); INSERT INTO a VALUES (1); INSERT INTO a VALUES (2)";
        expect!["0 0 2 3 4 4 6 7 8 9 9 11 12 12"].assert_eq(&shared(sql, &plain()));
        let unit = runner(RunnerTransaction::Unit, Messages::Each);
        expect!["0 1 2 3 4 4 6 7 8 9 9 11 12 12"].assert_eq(&shared(sql, &unit));
    }
}
