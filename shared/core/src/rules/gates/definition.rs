//! Whether a definition may be deployed: the service takes it, it is meant for this service, and, where nobody asked for it, new.

use super::{Verdict, closed};
use crate::model::id::TaskDefinitionArn;
use crate::model::reason::Reason;
use crate::rules::base::Definition;
use crate::rules::candidate::{By, TargetFacts};
use crate::rules::mechanism::unfit_for_express;

/// Whether the service takes the definition, and the family's newest is meant for it: other services of the family run the same.
pub(in crate::rules) fn of_this_service(facts: &TargetFacts<'_>) -> Verdict {
    if let Some(problem) = unfit_for_express(facts.service, facts.base) {
        return closed(Reason::NotForExpress { revision: facts.base.arn.short().to_owned(), problem });
    }
    match facts.family.and_then(|family| family.other.as_ref()) {
        Some(other) => {
            let revision = facts.running.arn.short().to_owned();
            closed(Reason::SharedFamily { revision, other: Box::new(other.clone()) })
        }
        None => Ok(()),
    }
}

/// Whether a definition that is deployed by itself is newer than those of all deployments on record. One that is not was part of
/// a deployment that did not last.
pub(in crate::rules) fn new_definition(facts: &TargetFacts<'_>, by: By<'_>) -> Verdict {
    let (By::Definition(_), Some(Definition { revision, .. })) = (by, facts.definition()) else { return Ok(()) };
    let is_as_new = |definition: &str| {
        let definition = TaskDefinitionArn::new(definition);
        definition.family() == revision.family() && definition.revision() >= revision.revision()
    };
    match facts.record.deployments.iter().find(|it| it.definition.as_deref().is_some_and(is_as_new)) {
        Some(deployment) => closed(Reason::DefinitionOlder {
            definition: revision.short().to_owned(),
            revision: deployment.revision.new.clone(),
        }),
        None => Ok(()),
    }
}
