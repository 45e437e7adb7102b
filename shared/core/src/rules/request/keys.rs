//! The keys of a request, and which action takes which.

use strum::IntoStaticStr;

use super::Verb;

impl Verb {
    /// Its keys, in the order in which people are shown them.
    pub(super) fn keys(self) -> &'static [Key] {
        use Key::*;
        match self {
            Self::Deploy => &[Action, Target, Repository, Tag, Digest, Force, Who, DryRun, Id],
            Self::Redeploy | Self::Reconcile => &[Action, Target, Who, DryRun, Id],
            Self::Rollback => &[Action, Target, To, Who, DryRun, Id],
            Self::Continue => &[Action, Target, Who, Id],
            Self::Hold => &[Action, Target, Reason, Who, Id],
            Self::Release => &[Action, Target, Repository, Tag, Digest, Reason, Who, Id],
            Self::History => &[Action, Target, Last, Who, Id],
            Self::Explain => &[Action, Event, Who, Id],
            Self::Status => &[Action, Target, Repository, Tag, Digest, Accept, For, Who, DryRun, Id],
        }
    }

    /// Whether it is for every target where it names none: what only reads, and what is the same for all.
    pub(super) fn may_be_for_all(self) -> bool {
        match self {
            Self::Status | Self::Reconcile | Self::History | Self::Explain => true,
            Self::Deploy | Self::Redeploy | Self::Rollback | Self::Hold | Self::Continue | Self::Release => false,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub(super) enum Key {
    Action,
    Target,
    Repository,
    Tag,
    Digest,
    Accept,
    For,
    Force,
    To,
    Reason,
    Last,
    Event,
    Who,
    DryRun,
    Id,
}

impl Key {
    pub(super) fn word(self) -> &'static str {
        self.into()
    }
}
