//! Following an old trace behind an edit: the states differ from its states in a few entries, so that a statement which did
//! not look at these does again what it did.

use std::sync::Arc;

use syntax::ast::{Statement, StatementKind};

use super::judged::Apart;
use super::transaction::Machine;
use super::{Held, Judged, Place, Settings, control, run, timeouts};
use crate::schema::{Born, Schema};

/// Where the old trace is followed.
pub(super) struct Follow<'a> {
    old: &'a [Judged],
    /// After all of it.
    old_end: &'a Machine,
    apart: Arc<Apart>,
    /// How the last judgement that was taken over is apart from the state in which it was made.
    known: Option<(Option<Arc<Apart>>, Arc<Apart>)>,
    /// [`Schema::complete`] after the last statement: what is kept of the state before one has seen it fail already.
    complete: bool,
    /// The machine is in the state before the next statement.
    settled: bool,
}

/// States that differ in more entries are no longer nearly the same.
const FEW: usize = 1024;

impl<'a> Follow<'a> {
    /// From a statement on before which the machine was `then` and is `now`.
    pub fn from(old: &'a [Judged], old_end: &'a Machine, then: &Machine, now: &Machine) -> Option<Self> {
        let near = now.is_near(then);
        let (then, now) = (&then.state, &now.state);
        let apart = Apart::of((&then.schema, &then.held), (&now.schema, &now.held)).filter(|_| near)?;
        let complete = now.schema.complete;
        (apart.keys.len() <= FEW).then(|| Self {
            old,
            old_end,
            apart: Arc::new(apart),
            known: None,
            complete,
            settled: true,
        })
    }

    /// What the old trace says of a statement, if that is so again; else it has to be judged. `was`: its old index.
    pub fn take(
        &mut self,
        was: usize,
        statement: &Statement,
        place: Place,
        machine: &mut Machine,
        settings: &Settings,
    ) -> Option<Judged> {
        let old = &self.old[was];
        let message_turns = place.shared && (place.last || machine.inside() != Some(true));
        if control(statement).is_some() || message_turns || self.meets(was) {
            return None;
        }
        let timeouts = timeouts(&machine.state.session, settings);
        if old.changes_session {
            // SET looks at no schema, so that it does not matter which there is.
            if !matches!(*statement.parsed.kind, StatementKind::Set(_)) || old.fails.is_some() {
                return None;
            }
            let outcome = run(machine, statement, *settings.majors.end(), Born::Here, true, settings);
            (machine.state.session, machine.state.durable) = (outcome.session, outcome.durable);
        }
        self.settled = false;
        self.complete = self.apart.completes().unwrap_or(old.completes());
        Some(old.moved(machine.transaction(), timeouts, &self.apart, &mut self.known))
    }

    fn meets(&self, was: usize) -> bool {
        self.old[was].reads.as_ref().is_none_or(|reads| reads.meet(&self.apart.keys))
    }

    /// Brings the machine into the state before the next statement.
    pub fn settle(&mut self, was: usize, machine: &mut Machine) {
        if std::mem::replace(&mut self.settled, true) {
            return;
        }
        let state = &mut machine.state;
        (state.schema, state.held) = self.apart.new_state(self.old_state(was));
        state.schema.complete = self.complete;
    }

    /// Goes on behind a statement that was judged again; `None` when the states are no longer nearly the same.
    pub fn go_on(mut self, was: usize, new: &Judged, machine: &Machine) -> Option<Self> {
        if self.meets(was) && (self.old[was].changes_session || new.changes_session) {
            return None;
        }
        self.settled = true;
        self.complete = machine.state.schema.complete;
        let (then, now) = (self.old_state(was + 1), &machine.state);
        let idle =
            |it: &Judged, (schema, held): (&Schema, &Held)| it.before().is_same(schema) && it.held().ptr_eq(held);
        if idle(new, (&now.schema, &now.held)) && idle(&self.old[was], then) {
            return Some(self);
        }
        self.apart = Arc::new(Apart::of(then, (&now.schema, &now.held))?);
        self.known = None;
        (self.apart.keys.len() <= FEW).then_some(self)
    }

    fn old_state(&self, was: usize) -> (&Schema, &Held) {
        let end = (&self.old_end.state.schema, &self.old_end.state.held);
        self.old.get(was).map_or(end, |it| (it.before(), it.held()))
    }
}
