//! What whoever invokes the deploy function may have done by it. IAM says who may invoke it through which alias; this says
//! what each alias is for.
//!
//! Without an alias come only the events of the template's own rule and what Slipway's schedules send. They come through no
//! alias, so that nobody who may make requests can send a push that nobody made, or a timer that never fired.

use strum::{EnumString, IntoStaticStr, VariantArray};

use crate::model::id::FunctionArn;
use crate::rules::request::{Action, Request, Run};

/// What may be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// What the alias is for.
    Of(Alias),
    /// To send what triggers Slipway by itself: events and what schedules send.
    Trigger,
}

/// An alias of the deploy function, as the template names it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Alias {
    /// Requests that change nothing.
    Read,
    /// Every request.
    Operate,
}

/// What the function is invoked with, as far as it matters who may send it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvokedWith<'a> {
    /// What a person or a pipeline asks.
    Request(&'a Request),
    /// An event of ECR.
    Event,
    /// What one of Slipway's schedules sends.
    Scheduled,
}

/// What did not come as it has to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotAllowed {
    /// The function's name.
    pub function: String,
    /// The alias, or the version, by which it was invoked.
    pub qualifier: Option<String>,
    /// What was attempted.
    pub attempt: Attempt,
}

/// What was attempted, and is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attempt {
    /// A request.
    Request {
        /// Its action's word.
        action: &'static str,
        /// Whether it was to be carried out.
        run: Run,
        /// The alias that it needs.
        needs: Alias,
    },
    /// An event.
    Event,
    /// What only a schedule sends.
    Scheduled,
}

impl Alias {
    /// Its name.
    pub fn name(self) -> &'static str {
        self.into()
    }

    /// The one that a request needs.
    pub fn needed_by(request: &Request) -> Self {
        use Action::{Continue, Deploy, Explain, History, Hold, Reconcile, Redeploy, Release, Rollback, Status};
        match (&request.action, request.run) {
            (Status(_) | History(_) | Explain(_), Run::Real | Run::Dry) => Self::Read,
            (Deploy { .. } | Redeploy | Rollback(_) | Reconcile, Run::Dry) => Self::Read,
            (Deploy { .. } | Redeploy | Rollback(_) | Reconcile, Run::Real) => Self::Operate,
            // They have no dry run.
            (Hold(_) | Continue | Release(..), Run::Real | Run::Dry) => Self::Operate,
        }
    }

    fn allows(self, needed: Self) -> bool {
        match (self, needed) {
            (Self::Read, Self::Read) | (Self::Operate, Self::Read | Self::Operate) => true,
            (Self::Read, Self::Operate) => false,
        }
    }
}

impl Authority {
    /// That of whoever invoked the function so; `None` for an alias that Slipway does not have, and for a version.
    ///
    /// `$LATEST` is what a call without an alias runs, and counts as none: whether Lambda names it then is not documented for
    /// each kind of invocation. It opens nothing, because a request without an alias is refused.
    pub fn of(function: &FunctionArn) -> Option<Self> {
        match function.qualifier.as_deref() {
            None | Some("$LATEST") => Some(Self::Trigger),
            Some(alias) => alias.parse().ok().map(Self::Of),
        }
    }

    fn allows(self, needed: Self) -> bool {
        match (self, needed) {
            (Self::Trigger, Self::Trigger) => true,
            (Self::Of(alias), Self::Of(needed)) => alias.allows(needed),
            (Self::Trigger, Self::Of(_)) | (Self::Of(_), Self::Trigger) => false,
        }
    }
}

/// Whether the function may be invoked with this in the way in which it was.
pub fn check(function: &FunctionArn, with: InvokedWith<'_>) -> Result<(), NotAllowed> {
    let (needed, attempt) = match with {
        InvokedWith::Request(request) => {
            let needs = Alias::needed_by(request);
            (Authority::Of(needs), Attempt::Request { action: request.action.name(), run: request.run, needs })
        }
        InvokedWith::Event => (Authority::Trigger, Attempt::Event),
        InvokedWith::Scheduled => (Authority::Trigger, Attempt::Scheduled),
    };
    match Authority::of(function) {
        Some(authority) if authority.allows(needed) => Ok(()),
        Some(_) | None => {
            let (function, qualifier) = (function.name.clone(), function.qualifier.clone());
            Err(NotAllowed { function, qualifier, attempt })
        }
    }
}

#[cfg(test)]
mod tests;
