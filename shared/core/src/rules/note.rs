//! What an observation adds to the record; it is recorded with the next write.

use crate::model::build::BuildChange;
use crate::model::facts::RanImage;
use crate::model::id::TaskDefinitionArn;
use crate::model::record::{Began, Blocked, Decision, Family, KnownGood, PendingInput, Service, TagPush};

/// Something to record with the next write; recording it twice changes nothing more.
#[derive(Clone, Debug, PartialEq)]
pub enum Note {
    /// The service was observed for the first time: what runs is adopted as it is.
    Adopted(Option<KnownGood>, Decision),
    /// A tag was pushed to an image.
    TagPushed(TagPush),
    /// The family of the service's task definition, and its base.
    Family(Family),
    /// A person decided, here or elsewhere.
    Decided(Decision),
    /// What a known-good revision's tags pointed to when it ran.
    Ran(TaskDefinitionArn, Vec<RanImage>),
    /// An update whose answer was lost made this deployment.
    Began(u64, Began),
    /// An update that this invocation intended in an earlier try never took effect.
    Discarded(u64),
    /// An update that an invocation intended that is gone never took effect: it is decided again.
    NeverBegan(u64),
    /// What the images of a deployment were built from.
    Built(u64, BuildChange),
    /// A notice was published; of a deployment, where it has a number.
    Published(Option<u64>, String),
    /// An input cannot be served now.
    Blocked(PendingInput, Blocked),
}

impl Note {
    /// Records it.
    pub fn write(&self, record: &mut Service) {
        match self {
            Self::Adopted(known_good, decision) => {
                if is_first_observation(record) {
                    known_good.iter().for_each(|it| record.record_known_good(it.clone()));
                    record.decided(decision.clone());
                }
            }
            Self::TagPushed(push) => record.tag_pushed(push.clone()),
            Self::Family(family) => record.family = Some(family.clone()),
            Self::Decided(decision) => record.decided(decision.clone()),
            Self::Ran(revision, ran) => {
                if let Some(known_good) =
                    record.known_good.iter_mut().find(|it| it.revision == *revision && it.ran.is_empty())
                {
                    known_good.ran.clone_from(ran);
                }
            }
            Self::Began(number, began) => record.began(*number, began),
            Self::Discarded(number) => record.discard_intent(*number),
            Self::NeverBegan(number) => record.never_began(*number),
            Self::Built(number, build) => record.built(*number, build.clone()),
            Self::Published(number, id) => record.record_published(*number, id),
            Self::Blocked(input, blocked) => record.block(input.clone(), *blocked),
        }
    }
}

/// Whether nothing is recorded of the service: Slipway observes it for the first time, or the table was lost.
pub fn is_first_observation(record: &Service) -> bool {
    record.decision.is_none() && record.known_good.is_empty() && record.deployments.is_empty()
}
