//! What goes wrong with LINE as a whole, and when.

use std::time::Duration;

use crate::time::Millis;

/// A time in which LINE does not answer as usual.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spell {
    /// How long after the beginning of the run it begins.
    pub from: Duration,
    /// How long it lasts.
    pub lasts: Duration,
    /// What is wrong.
    pub kind: SpellKind,
    /// Who notices it.
    pub whom: Whom,
}

/// What is wrong with LINE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpellKind {
    /// There is no connection.
    Unreachable,
    /// Every answer is 500. Nothing is accepted.
    Errors,
    /// There is no answer. Nothing is accepted.
    Silent,
    /// The token is not valid: 401.
    Unauthorized,
    /// 403.
    Forbidden,
}

/// Whose requests are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Everybody's.
    All,
    /// Those of the consumer environment with this number. They are counted from 0 in the order of
    /// their starts.
    Environment(u32),
    /// Those for the person with this number, alone or among others.
    Person(u32),
}

impl Spell {
    /// When it begins.
    pub(crate) fn begins(&self) -> Millis {
        millis(self.from)
    }

    /// When it is over.
    pub(crate) fn ends(&self) -> Millis {
        millis(self.from.saturating_add(self.lasts))
    }

    /// Whether it is on.
    pub(crate) fn is_at(&self, now: Millis) -> bool {
        (self.begins()..self.ends()).contains(&now)
    }
}

fn millis(duration: Duration) -> Millis {
    Millis::try_from(duration.as_millis()).unwrap_or(Millis::MAX)
}

/// What a request of the environment with this number meets now. `is_for` says whether it is for
/// the person with a number.
pub(crate) fn met(
    spells: &[Spell],
    now: Millis,
    environment: u32,
    is_for: impl Fn(u32) -> bool,
) -> Option<SpellKind> {
    let meets = |spell: &&Spell| {
        let is_meant = match spell.whom {
            Whom::All => true,
            Whom::Environment(number) => number == environment,
            Whom::Person(number) => is_for(number),
        };
        spell.is_at(now) && is_meant
    };
    spells.iter().find(meets).map(|spell| spell.kind)
}

/// Whether LINE works for at least some. A worker is the only environment: `is_alone`.
pub(crate) fn is_fair(spells: &[Spell], now: Millis, is_alone: bool) -> bool {
    let mut all = spells.iter().filter(|spell| match spell.whom {
        Whom::All => true,
        Whom::Environment(_) => is_alone,
        Whom::Person(_) => false,
    });
    !all.any(|spell| spell.is_at(now))
}
