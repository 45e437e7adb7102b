//! What is known of a key of the document, in one place: the reader, the schema and the README's table are all made from it.

use std::ops::RangeInclusive;

use super::reader::{At, Reader};

/// A key of one of the document's maps; `T` is what that map is read into.
#[cfg_attr(not(test), expect(dead_code, reason = "the schema and the README are written by tests"))]
pub(super) struct Key<T: 'static> {
    pub(super) name: &'static str,
    pub(super) need: Need,
    pub(super) takes: Takes,
    /// A right value, as JSON.
    pub(super) example: &'static str,
    /// What it means, without a capital letter and a full stop, as the README's table has it.
    pub(super) says: &'static str,
    /// Takes a value, and notes the mistakes in it.
    pub(super) read: for<'n> fn(&mut T, &mut Reader<'n>, &At<'n, '_>),
}

/// Whether a map may lack the key.
#[cfg_attr(not(test), expect(dead_code, reason = "the schema and the README are written by tests"))]
pub(super) enum Need {
    /// It may not; this says what to write. `defaults` cannot give it.
    Required(&'static str),
    /// Every target has it, its own or the one of `defaults`; this says what to write.
    Inherited(&'static str),
    /// Exactly one of the map's keys with this need is there; the map's own reader checks it.
    OneOf,
    /// It may; this is what counts then.
    Optional(&'static str),
}

/// What values a key takes, as far as a schema can say it.
#[cfg_attr(not(test), expect(dead_code, reason = "the schema is written by tests"))]
pub(super) enum Takes {
    /// A whole number.
    Number(RangeInclusive<u64>),
    /// A text in which this regular expression of ECMAScript finds something.
    Text(&'static str),
    /// Any text but the empty one.
    AnyText,
    /// `true` or `false`.
    Truth,
    /// One of these.
    Words(fn() -> Vec<&'static str>),
    /// A length of time, or a number of seconds of at most so many.
    Seconds(u64),
    /// A list of at least so many.
    List { of: &'static Takes, least: u64 },
    /// A list of at least one, in which nothing stands twice.
    Distinct(&'static Takes),
    /// A map with known keys.
    Map(Map),
    /// A map from variables' names to texts.
    Variables,
    /// A map from the hooks of an AppSpec to texts.
    Hooks,
}

/// The document's maps with known keys; their tables are in [`keys`](super::keys).
pub(super) enum Map {
    Defaults,
    Target,
    Tags,
    Ordered,
    Matching,
    Route,
    CodeDeploy,
    TerminationWait,
}

impl<T> Key<T> {
    /// Whether each target gives it, so that `defaults` cannot.
    pub(super) fn is_own(&self) -> bool {
        matches!(self.need, Need::Required(_))
    }

    pub(super) fn is_one_of(&self) -> bool {
        matches!(self.need, Need::OneOf)
    }
}
