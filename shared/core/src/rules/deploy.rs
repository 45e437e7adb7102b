//! Decides about a candidate for a target: from facts to a plan.
//!
//! The order of the checks is the order of the reasons a person would want to hear.

use crate::model::facts::Revision;
use crate::model::plan::{ImageChange, Plan, Rendering, Shown};
use crate::model::provenance::Provenance;
use crate::model::reason::Reason;
use crate::rules::candidate::{By, Candidate, Known, TargetFacts, tag_to_show};
use crate::rules::{gates, mechanism, render, steps};

/// Plans to run an image.
pub fn deploy(facts: &TargetFacts<'_>, candidate: &Candidate<'_>, known: &Known<'_>) -> Plan {
    let new =
        Shown { tag: tag_to_show(facts.recency(), candidate).cloned(), digest: Some(candidate.image.digest.clone()) };
    let running = gates::running(facts, &candidate.image.digest);
    let old = running.as_ref().map(|running| running.shown(facts.recency(), known.running_image));
    let reason = match candidate.by {
        By::Push(tag) => Reason::Pushed { tag: new.tag.clone().unwrap_or_else(|| tag.clone()) },
        By::Registry(_) => Reason::Reconciled { image: new.to_string() },
        By::Restore(_) => {
            Reason::PlaceholderReplaced { image: new.to_string(), revision: facts.running.arn.short().to_owned() }
        }
        By::Definition(_) => {
            Reason::DefinitionChanged { image: new.to_string(), definition: facts.base.arn.short().to_owned() }
        }
        By::Request { .. } => Reason::Asked { image: new.to_string() },
    };
    let ordered = || match (candidate.by, &running) {
        (By::Push(_) | By::Registry(_), Some(running)) => {
            gates::not_older(facts, candidate, &new, running, known.running_image)
                .and_then(|()| gates::another_build(candidate, &new, running, facts.recency(), known))
        }
        _ => Ok(()),
    };
    let decided = gates::runnable(candidate.image, &new)
        .and_then(|()| ordered())
        .and_then(|()| Ok(render_onto(facts.base, facts, candidate, &new)?))
        .and_then(|rendering| {
            if rendering.equals(facts.running) || changes_the_definition_only(facts, candidate, &new) {
                return Err(as_it_is(facts, &new).into());
            }
            gates::of_this_service(facts)?;
            gates::admit(facts, candidate, &new)?;
            gates::new_definition(facts, candidate.by)?;
            gates::placeholder_ended(facts, candidate.by)?;
            gates::undisturbed(facts.service, facts.record, candidate.by).map(|()| rendering.against(facts.running))
        });
    let plan = match decided {
        Ok(rendering) => {
            let steps = steps::register_and_update(facts.service, rendering);
            Plan { steps, ..Plan::nothing(facts.target.name.clone(), reason) }
        }
        Err(not_open) => not_open.plan(&facts.target.name),
    };
    let image = Some(ImageChange { repository: facts.repository.name.clone(), old, new });
    Plan { image, running: Some(facts.running.arn.clone()), made_from: facts.made_from(), ..plan }
}

/// Whether an image that came by itself runs already, and nothing is new but the family's definition: that is not what was pushed.
fn changes_the_definition_only(facts: &TargetFacts<'_>, candidate: &Candidate<'_>, shown: &Shown) -> bool {
    candidate.by.is_ordered()
        && facts.base.arn != facts.running.arn
        && render_onto(facts.running, facts, candidate, shown).is_ok_and(|it| it.equals(facts.running))
}

fn render_onto(
    base: &Revision,
    facts: &TargetFacts<'_>,
    candidate: &Candidate<'_>,
    shown: &Shown,
) -> Result<Rendering, Reason> {
    let provenance = Provenance {
        repository: facts.repository.name.clone(),
        tag: shown.tag.clone(),
        digest: candidate.image.digest.clone(),
        pushed_at: facts.recency().came_at(candidate.image),
        event: candidate.event.clone(),
        request: Some(candidate.request.to_owned()),
        trigger: candidate.trigger.clone(),
        previous: Some(facts.running.arn.short().to_owned()),
        definition: facts.definition().map(|it| it.revision.short().to_owned()),
    };
    render::render(base, facts.target, facts.repository, facts.named_containers(), &provenance)
}

/// Why there is nothing to do when the service has exactly this.
fn as_it_is(facts: &TargetFacts<'_>, shown: &Shown) -> Reason {
    let (image, revision) = (shown.to_string(), facts.running.arn.short().to_owned());
    match facts.service.primary() {
        Some(primary) if mechanism::is_under_way(facts.record, primary) => {
            Reason::AlreadyUnderWay { image, revision, deployment: primary.id.clone() }
        }
        Some(primary) if mechanism::has_failed(primary) => {
            Reason::AlreadyFailed { image, revision, deployment: primary.id.clone() }
        }
        _ => Reason::AlreadyRuns { image, revision },
    }
}

#[cfg(test)]
mod tests;
