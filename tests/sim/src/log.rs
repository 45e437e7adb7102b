//! What the engine logs, kept for the trace of a schedule that is replayed.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};

thread_local! {
    static LINES: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    /// Whether this thread runs a schedule that is written down.
    static KEEPS: Cell<bool> = const { Cell::new(false) };
}

/// What was logged on this thread and nobody has taken yet.
pub(crate) fn take() -> Vec<String> {
    LINES.with(RefCell::take)
}

/// Does this while the engine's log is kept.
pub(crate) fn keeping<T>(work: impl FnOnce() -> T) -> T {
    // One for all threads: what comes and goes with a thread misses lines while another thread's comes and goes.
    let _ = tracing::subscriber::set_global_default(Keeper);
    take();
    KEEPS.set(true);
    let came = work();
    KEEPS.set(false);
    came
}

struct Keeper;

impl Subscriber for Keeper {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, _: &Metadata<'_>) -> bool {
        KEEPS.get()
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().level().as_str().to_ascii_lowercase());
        event.record(&mut line);
        LINES.with(|lines| lines.borrow_mut().push(line.0));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // A text takes any write.
        let _ = match field.name() {
            "message" => write!(self.0, " {value:?}"),
            // A plan or a notice says all of it once more.
            "plan" | "notice" => Ok(()),
            name => write!(self.0, " {name}={value:?}"),
        };
    }
}
