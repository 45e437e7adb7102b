//! Every fault of every call: a scenario is run through once undisturbed, and then once for each of its calls and each trouble
//! that may befall it. However it went, it must end as the undisturbed one did.

use std::fmt;
use std::time::Duration;

use e2e::world::Fault;

use crate::scenario::side_by_side;

/// So many worlds are run through at once; they mostly wait.
const AT_ONCE: usize = 12;

/// What befalls a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It is refused because there were too many.
    Throttled,
    /// It is answered by status 500.
    Broken,
    /// The connection ends before it takes effect.
    CutBefore,
    /// It takes effect, and the connection ends before the answer.
    CutAfter,
    /// It takes effect, and the function dies before the answer.
    Killed,
}

const TROUBLES: [Trouble; 5] =
    [Trouble::Throttled, Trouble::Broken, Trouble::CutBefore, Trouble::CutAfter, Trouble::Killed];

impl Trouble {
    /// What the world has to do for it.
    pub(crate) fn fault(self) -> Fault {
        match self {
            Self::Throttled => Fault::Throttle,
            Self::Broken => Fault::Break,
            Self::CutBefore => Fault::CutBefore,
            Self::CutAfter => Fault::CutAfter,
            Self::Killed => Fault::Late(Duration::from_secs(3600)),
        }
    }
}

/// This trouble at this call, counted from 1.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    pub(crate) call: usize,
    pub(crate) trouble: Trouble,
}

/// Runs a scenario through undisturbed, and then with each trouble at each of its calls. `run` answers how many calls the
/// troubled invocation made, and how the scenario ended.
pub(crate) async fn survives<End: fmt::Debug + PartialEq>(
    scenario: impl fmt::Debug,
    run: impl AsyncFn(Option<Case>) -> (usize, End),
) {
    let (calls, undisturbed) = run(None).await;
    let cases: Vec<Case> = (1..=calls).flat_map(|call| TROUBLES.map(|trouble| Case { call, trouble })).collect();
    let mut differing = Vec::new();
    for chunk in cases.chunks(AT_ONCE) {
        let runs = chunk.iter().map(async |case| (case, run(Some(*case)).await.1));
        for (Case { call, trouble }, end) in side_by_side(runs.collect()).await {
            if end != undisturbed {
                differing.push(format!("{trouble:?} at call {call}: {end:?}"));
            }
        }
    }
    println!("{scenario:?}: {} faults at {calls} calls, and one end", cases.len());
    assert!(differing.is_empty(), "{scenario:?} ends as {undisturbed:?}, but\n{}", differing.join("\n"));
}
