//! How the command ends, for scripts. The numbers are documented and stay.

use std::process::ExitCode;

/// How the command ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Exit {
    /// As asked.
    AsAsked = 0,
    /// A deployment failed, there is no such image, or a check found an error.
    Failed = 1,
    /// A person has to act first.
    NeedsPerson = 2,
    /// The time is up, and the end is not known.
    TimedOut = 3,
    /// An image is left out, for a newer one or by the tag policy, and nobody accepted that; or a person said no to the plan.
    LeftOut = 4,
    /// The command was called wrongly.
    Usage = 64,
    /// AWS or Slipway cannot be reached, or refuses.
    Unavailable = 69,
}

impl Exit {
    /// That of several targets: the one that says most.
    pub(crate) fn of_all(exits: impl IntoIterator<Item = Self>) -> Self {
        use Exit::{AsAsked, Failed, LeftOut, NeedsPerson, TimedOut, Unavailable, Usage};
        let exits: Vec<Self> = exits.into_iter().collect();
        let order = [Unavailable, Usage, Failed, NeedsPerson, TimedOut, LeftOut];
        order.into_iter().find(|exit| exits.contains(exit)).unwrap_or(AsAsked)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
