//! The words of a request: its actions, its keys, and which action takes which keys. What is read is named here only.

/// What a request asks for, by its word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verb {
    Deploy,
    Redeploy,
    Rollback,
    Hold,
    Release,
    Reconcile,
    History,
    Explain,
    Status,
}

impl Verb {
    pub(super) const ALL: [Self; 9] = [
        Self::Deploy,
        Self::Redeploy,
        Self::Rollback,
        Self::Hold,
        Self::Release,
        Self::Reconcile,
        Self::History,
        Self::Explain,
        Self::Status,
    ];

    /// The one of this word.
    pub(super) fn of(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verb| verb.word() == word)
    }

    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Redeploy => "redeploy",
            Self::Rollback => "rollback",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Reconcile => "reconcile",
            Self::History => "history",
            Self::Explain => "explain",
            Self::Status => "status",
        }
    }

    /// Its keys, in the order in which a person is told them.
    pub(super) fn keys(self) -> &'static [Key] {
        use Key::*;
        match self {
            Self::Deploy => &[Action, Target, Repository, Tag, Digest, Force, Who, DryRun, Id],
            Self::Redeploy | Self::Reconcile => &[Action, Target, Who, DryRun, Id],
            Self::Rollback => &[Action, Target, To, Who, DryRun, Id],
            Self::Hold => &[Action, Target, Reason, Who],
            Self::Release => &[Action, Target, Repository, Tag, Digest, Reason, Who],
            Self::History => &[Action, Target, Last, Who],
            Self::Explain => &[Action, Event, Who],
            Self::Status => &[Action, Target, Repository, Tag, Digest, Who, DryRun, Id],
        }
    }

    /// Whether it means every target where it names none: what only looks, and what is the same for all.
    pub(super) fn may_mean_all(self) -> bool {
        match self {
            Self::Status | Self::Reconcile | Self::History | Self::Explain => true,
            Self::Deploy | Self::Redeploy | Self::Rollback | Self::Hold | Self::Release => false,
        }
    }
}

/// A key of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    Action,
    Target,
    Repository,
    Tag,
    Digest,
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
        match self {
            Self::Action => "action",
            Self::Target => "target",
            Self::Repository => "repository",
            Self::Tag => "tag",
            Self::Digest => "digest",
            Self::Force => "force",
            Self::To => "to",
            Self::Reason => "reason",
            Self::Last => "last",
            Self::Event => "event",
            Self::Who => "who",
            Self::DryRun => "dry_run",
            Self::Id => "id",
        }
    }
}
