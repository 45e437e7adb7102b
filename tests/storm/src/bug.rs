//! Decisions that can be broken on purpose, to see that the storm notices.

/// A decision left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// The lease is given to everybody.
    NoLease,
    /// The lease ends before its holder does.
    ShortLease,
    /// What failed comes back.
    NoQuarantine,
    /// Older images are deployed over newer ones.
    NeverDown,
    /// A deployment is rolled back as often as somebody thinks of it.
    NotOnce,
    /// Images from before a person's decision are deployed.
    NoDecision,
    /// The lease is let go although there are wishes.
    NoWishes,
    /// No deadline is armed.
    NoDeadline,
}

/// All of them, by the names they go by on the command line.
pub const BUGS: [(&str, Bug); 8] = [
    ("no-lease", Bug::NoLease),
    ("short-lease", Bug::ShortLease),
    ("no-quarantine", Bug::NoQuarantine),
    ("never-down", Bug::NeverDown),
    ("not-once", Bug::NotOnce),
    ("no-decision", Bug::NoDecision),
    ("no-wishes", Bug::NoWishes),
    ("no-deadline", Bug::NoDeadline),
];
