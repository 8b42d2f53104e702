//! A judgement in its place.

use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use super::{Held, Judgement, Timeouts, Transaction};
use crate::effect::{Effect, OperationKind};
use crate::map::Keys;
use crate::schema::patch::Patch;
use crate::schema::{Born, Schema};

/// One statement in its place.
#[derive(Clone, Debug)]
pub struct Judged {
    pub transaction: Transaction,
    /// In force when it runs.
    pub timeouts: Timeouts,
    /// Shared by the statements of a bulk load, which there may be very many of.
    pub judgement: Arc<Judgement>,
    gist: Gist,
    /// In what the state is another now than when it was judged; nothing that it looked at.
    apart: Option<Arc<Apart>>,
    /// The state as it is now, made when somebody asks.
    now: OnceLock<Arc<(Schema, Held)>>,
}

/// In what two states differ that are otherwise the same.
#[derive(Debug)]
pub(super) struct Apart {
    schema: Patch,
    held: Held,
    pub keys: Keys,
}

impl Judged {
    #[must_use]
    pub fn new(transaction: Transaction, timeouts: Timeouts, judgement: Arc<Judgement>) -> Self {
        Self { transaction, timeouts, gist: Gist::of(&judgement), judgement, apart: None, now: OnceLock::new() }
    }

    /// The schema that the statement meets.
    #[must_use]
    pub fn before(&self) -> &Schema {
        self.apart.as_ref().map_or(&self.judgement.before, |apart| &self.now(apart).0)
    }

    /// Locks taken by earlier statements of the same transaction and still held.
    #[must_use]
    pub fn held(&self) -> &Held {
        self.apart.as_ref().map_or(&self.judgement.held, |apart| &self.now(apart).1)
    }

    fn now(&self, apart: &Apart) -> &(Schema, Held) {
        let Judgement { before, held, .. } = &*self.judgement;
        self.now.get_or_init(|| Arc::new(apart.new_state((before, held))))
    }

    /// The same statement in a transaction in which other locks are held.
    #[must_use]
    pub fn placed_as(&self, other: &Self) -> Self {
        let judgement =
            Judgement { before: self.before().clone(), held: other.held().clone(), ..(*self.judgement).clone() };
        Self::new(other.transaction, self.timeouts, Arc::new(judgement))
    }

    /// The same judgement in a state that is further apart from that of its first. `known` keeps what is the same for the
    /// statements around it.
    pub(super) fn moved(
        &self,
        transaction: Transaction,
        timeouts: Timeouts,
        apart: &Arc<Apart>,
        known: &mut Option<(Option<Arc<Apart>>, Arc<Apart>)>,
    ) -> Self {
        let same = |known: &Option<Arc<Apart>>| match (known, &self.apart) {
            (None, None) => true,
            (Some(a), Some(b)) => Arc::ptr_eq(a, b),
            _ => false,
        };
        let joined = match known.take().filter(|(first, _)| same(first)) {
            Some((_, joined)) => joined,
            None => self.apart.as_ref().map_or_else(|| Arc::clone(apart), |first| Arc::new(self.join(first, apart))),
        };
        *known = Some((self.apart.clone(), Arc::clone(&joined)));
        let Self { judgement, gist, .. } = self;
        Self {
            transaction,
            timeouts,
            judgement: Arc::clone(judgement),
            gist: *gist,
            apart: Some(joined).filter(|it| !it.keys.is_empty()),
            now: OnceLock::new(),
        }
    }

    /// [`Schema::complete`] after the statement.
    pub(super) fn completes(&self) -> bool {
        let apart = self.apart.as_ref().and_then(|apart| apart.schema.complete());
        apart.unwrap_or(self.judgement.completes)
    }

    fn join(&self, first: &Apart, second: &Apart) -> Apart {
        let Judgement { before, held, .. } = &*self.judgement;
        Apart::new(before.join(&first.schema, &second.schema), held.join(&first.held, &second.held))
    }

    /// One of its operations is of that kind.
    #[must_use]
    pub fn does(&self, kind: OperationKind) -> bool {
        self.gist.0 & Gist::kind(kind) != 0
    }

    /// It locks something that was there before the pending migrations.
    #[must_use]
    pub fn meets_others(&self) -> bool {
        self.gist.0 & Gist::OTHERS != 0
    }

    #[must_use]
    pub fn may_fail(&self) -> bool {
        self.gist.0 & Gist::FAILS != 0
    }

    /// Its effects, each under the strongest lock that is held on the relation by then: work is not done under locks that
    /// come later.
    #[must_use]
    pub fn effects_under_locks(&self) -> Vec<Effect> {
        let raised = |effect: &Effect| {
            let same = self.effects.iter().filter(|it| it.relation == effect.relation);
            let same = same.chain(self.held().get(&effect.relation));
            Effect { lock: same.map(|it| it.lock).fold(effect.lock, std::cmp::max), ..effect.clone() }
        };
        self.effects.iter().map(raised).collect()
    }
}

impl Deref for Judged {
    type Target = Judgement;

    fn deref(&self) -> &Judgement {
        &self.judgement
    }
}

impl Apart {
    /// In what a state differs from an old one; `None` when it is not only in entries.
    pub fn of(old: (&Schema, &Held), new: (&Schema, &Held)) -> Option<Self> {
        Some(Self::new(old.0.patch_to(new.0)?, old.1.patch_to(new.1)))
    }

    fn new(schema: Patch, held: Held) -> Self {
        let mut keys = schema.keys();
        keys.add(&held);
        Self { schema, held, keys }
    }

    pub fn completes(&self) -> Option<bool> {
        self.schema.complete()
    }

    /// Another old state as it is with the same difference.
    pub fn new_state(&self, old: (&Schema, &Held)) -> (Schema, Held) {
        (old.0.under(&self.schema), old.1.under(&self.held))
    }
}

/// What is asked first about a judgement, in bits: most questions are about few of very many, and each judgement lies
/// elsewhere in memory.
#[derive(Clone, Copy, Debug)]
struct Gist(u64);

impl Gist {
    const OTHERS: u64 = 1 << 63;
    const FAILS: u64 = 1 << 62;

    fn of(judgement: &Judgement) -> Self {
        let kinds = judgement.operations.iter().fold(0, |bits, operation| bits | Self::kind(operation.kind));
        let own = judgement.operations.iter().flat_map(|operation| &operation.effects);
        let others = judgement.effects.iter().chain(own).any(|effect| effect.born == Born::Before);
        let fails = judgement.fails.is_some();
        Self(kinds | if others { Self::OTHERS } else { 0 } | if fails { Self::FAILS } else { 0 })
    }

    const fn kind(kind: OperationKind) -> u64 {
        1 << kind as u32
    }
}

/// All kinds fit beside the other bits.
const _: () = assert!(Gist::kind(OperationKind::Opaque) < Gist::FAILS);
