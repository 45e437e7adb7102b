//! Bugs that can be planted, to see that the laws notice. With each the port answers falsely; the engine knows nothing of it.

/// A bug.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// A record is read without its lease.
    NoLease,
    /// A record is read without its quarantine.
    NoQuarantine,
    /// A record is read without its hold.
    NoHold,
    /// A record is read without a person's last decision.
    NoDecision,
    /// CreateSchedule succeeds, and there is no schedule.
    NoTimer,
    /// Some writes of a record succeed, and the record is as before.
    LostWrite,
    /// PutItem of evidence succeeds, and there is none.
    NoEvidence,
    /// Some publishes succeed, and nobody gets the notice.
    LostPublish,
    /// DescribeServices answers as it did minutes ago.
    LaggingList,
}

/// All of them, by their names on the command line.
pub const BUGS: [(&str, Bug); 9] = [
    ("no-lease", Bug::NoLease),
    ("no-quarantine", Bug::NoQuarantine),
    ("no-hold", Bug::NoHold),
    ("no-decision", Bug::NoDecision),
    ("no-timer", Bug::NoTimer),
    ("lost-write", Bug::LostWrite),
    ("no-evidence", Bug::NoEvidence),
    ("lost-publish", Bug::LostPublish),
    ("lagging-list", Bug::LaggingList),
];
