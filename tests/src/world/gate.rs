//! Holds calls, so that a scenario decides which of several goes on first, and what befalls it.

use tokio::sync::oneshot;

use super::World;
use super::faults::Fault;

/// A call that is held.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Held {
    /// Its number, by which it is let go.
    pub number: usize,
    /// Its line of the transcript.
    pub line: String,
    /// Who calls: the access key.
    pub caller: String,
    /// How far it came.
    pub at: Halt,
}

/// How far a call came that is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Halt {
    /// It has not taken effect.
    Call,
    /// It took effect, and its answer is held.
    Answer,
}

/// How a call goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum GoOn {
    /// It takes effect, and is answered.
    Wholly,
    /// It takes effect, and its answer is held.
    UntilAnswered,
    /// It meets this.
    Into(Fault),
}

/// The calls that are held.
#[derive(Debug, Default)]
pub(crate) struct Gate {
    closed: bool,
    held: Vec<(Held, oneshot::Sender<GoOn>)>,
}

impl Gate {
    /// A call arrives; if the gate is closed, what will say how it goes on.
    pub(crate) fn arrive(&mut self, held: Held) -> Option<oneshot::Receiver<GoOn>> {
        if !self.closed {
            return None;
        }
        let (goes_on, reported) = oneshot::channel();
        self.held.push((held, goes_on));
        Some(reported)
    }
}

impl World {
    /// From now on every call waits until it is let go.
    pub fn hold_calls(&self) {
        self.shared.lock().gate.closed = true;
    }

    /// The calls that are held, as they came. A call whose caller died is held no more.
    pub fn held(&self) -> Vec<Held> {
        let gate = &mut self.shared.lock().gate;
        gate.held.retain(|(_, goes_on)| !goes_on.is_closed());
        gate.held.iter().map(|(held, _)| held.clone()).collect()
    }

    /// Lets the held call of this number go on.
    pub fn let_go(&self, number: usize, how: GoOn) {
        let gate = &mut self.shared.lock().gate;
        if let Some(place) = gate.held.iter().position(|(held, _)| held.number == number) {
            let (_, goes_on) = gate.held.remove(place);
            // Its caller may have died just now.
            let _ = goes_on.send(how);
        }
    }
}
