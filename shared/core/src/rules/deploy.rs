//! Decides what a push or a request means for a target: from facts to a plan.
//!
//! The order of the checks is the order of the reasons a person would want to hear.

use crate::config::{Target, Template};
use crate::model::plan::{ImageChange, Plan, Rendering, Shown};
use crate::model::provenance::Provenance;
use crate::model::reason::Reason;
use crate::rules::candidate::{By, Facts, Known, Wish, tag_to_show};
use crate::rules::gates;
use crate::rules::mechanism;
use crate::rules::render;
use crate::rules::steps;

/// Plans to run an image.
pub fn deploy(facts: &Facts<'_>, wish: &Wish<'_>, known: &Known<'_>) -> Plan {
    let new = Shown { tag: tag_to_show(facts.target, wish).cloned(), digest: Some(wish.image.digest.clone()) };
    let running = gates::running(facts, &wish.image.digest);
    let old = running.as_ref().map(|running| running.shown(facts.target, known.running_image));
    let reason = match wish.by {
        By::Push(tag) => Reason::Pushed { tag: new.tag.clone().unwrap_or_else(|| tag.clone()) },
        By::Registry(_) => Reason::Reconciled { image: new.to_string() },
        By::Request(..) => Reason::Asked { image: new.to_string() },
    };
    let ordered = || match (wish.by, &running) {
        (By::Push(_) | By::Registry(_), Some(running)) => {
            gates::not_older(facts.target, wish, &new, running, known.running_image)
                .and_then(|()| gates::another_build(wish, &new, running, facts.target, known))
        }
        _ => Ok(()),
    };
    let decided = gates::runnable(wish.image, &new)
        .and_then(|()| ordered())
        .and_then(|()| render_wish(facts, wish, &new))
        .and_then(|rendering| {
            if rendering.equals(facts.running) {
                return Err(as_it_is(facts, &new));
            }
            gates::admit(facts, wish, &new)?;
            gates::undisturbed(facts.service, facts.record, wish.by).map(|()| rendering)
        });
    let (reason, steps) = match decided {
        Ok(rendering) => (reason, steps::register_and_update(facts.service, rendering)),
        Err(reason) => (reason, Vec::new()),
    };
    Plan {
        target: facts.target.name.clone(),
        reason,
        image: Some(ImageChange { repository: facts.repository.name.clone(), old, new }),
        running: Some(facts.running.arn.clone()),
        steps,
    }
}

fn render_wish(facts: &Facts<'_>, wish: &Wish<'_>, shown: &Shown) -> Result<Rendering, Reason> {
    let provenance = Provenance {
        repository: facts.repository.name.clone(),
        tag: shown.tag.clone(),
        digest: wish.image.digest.clone(),
        pushed_at: wish.image.pushed_at,
        event: wish.event.clone(),
        request: Some(wish.request.to_owned()),
        trigger: wish.trigger.clone(),
        previous: Some(facts.running.arn.short().to_owned()),
    };
    let environment = environment(facts.target, shown, wish);
    render::render(
        facts.base,
        &render::Change {
            repository: facts.repository,
            digest: &wish.image.digest,
            containers: &facts.target.containers,
            environment: &environment,
            provenance: &provenance,
        },
    )
}

fn environment(target: &Target, shown: &Shown, wish: &Wish<'_>) -> Vec<(String, String)> {
    let fill =
        |(name, template): &(String, Template)| (name.clone(), template.fill(shown.tag.as_ref(), &wish.image.digest));
    target.environment.iter().map(fill).collect()
}

/// Why nothing is to be done when the service has exactly what is wanted.
fn as_it_is(facts: &Facts<'_>, shown: &Shown) -> Reason {
    let (image, revision) = (shown.to_string(), facts.running.arn.short().to_owned());
    match facts.service.primary() {
        Some(primary) if mechanism::is_in_progress(primary) => {
            Reason::AlreadyUnderWay { image, revision, deployment: primary.id.clone() }
        }
        Some(primary) if mechanism::has_failed(primary) => {
            Reason::AlreadyFailed { image, revision, deployment: primary.id.clone() }
        }
        _ => Reason::AlreadyRuns { image, revision },
    }
}
