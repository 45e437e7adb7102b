//! The track function of the storm: looks, assesses what is open, rolls back once, tells, and wakes who waits.

use std::collections::HashMap;

use jiff::{Timestamp, ToSpan};
use serde_json::Value;
use slipway_core::facts::{Monitors, Pause, Revision, ServiceDeploymentFacts, ServiceDeploymentStatus, ServiceFacts};
use slipway_core::id::{EventId, TaskDefinitionArn};
use slipway_core::ledger::{self, Decision, Failing, Good, Once, Outcome, Ran, Service, Wish};
use slipway_core::notice::{News, end_is_untold};
use slipway_core::outcome::{
    Assessment, DeploymentEvent, End, FailedBy, Pace, Situation, Unrecorded, Who, assess, its_service_deployment,
    its_way_back, of_its_time, unrecorded,
};
use slipway_core::rollback::{self, Facts, GoodFacts, RevisionState, WayBack};
use slipway_core::schedule::{self, Ring};

use crate::bug::Bug;
use crate::deployer::{Held, arm_deadline, take, update};
use crate::ecs::{Told, digest_of};
use crate::invocation::Again;
use crate::laws::By;
use crate::world::Hand;

/// A look that changes the record is followed by another; so many are more than a story has steps.
const LOOKS: u32 = 8;

/// ECS tells something.
pub(crate) async fn hear(hand: Hand, told: Told) -> Result<(), Again> {
    match told {
        Told::Change(event) => follow(&hand, Some(&event)).await,
        Told::TaskStopped(deployment, task) => {
            change(&hand, "counts the task", |record| {
                if let Some(number) = record.of_id(&deployment).map(|it| it.number) {
                    record.task_failed(number, &task);
                }
            })
            .await?;
            follow(&hand, None).await
        }
    }
}

/// A deadline rings.
pub(crate) async fn ring(hand: Hand, _ring: Value) -> Result<(), Again> {
    follow(&hand, None).await
}

/// What there is to see.
struct Seen {
    record: Service,
    service: ServiceFacts,
    revisions: HashMap<TaskDefinitionArn, Revision>,
    stories: Vec<ServiceDeploymentFacts>,
    now: Timestamp,
}

async fn follow(hand: &Hand, event: Option<&DeploymentEvent>) -> Result<(), Again> {
    for _ in 0..LOOKS {
        let seen = look(hand).await?;
        if let Some(found) = find(hand, &seen) {
            let decided = Decision { what: "outside".to_owned(), at: found.intended_at, who: None };
            hand.note(format_args!(
                "finds {} by {}",
                found.deployment.as_ref().map_or("", |it| it.as_str()),
                found.trigger
            ));
            change(hand, "records what it found", |record| {
                if record.find(found.clone()).is_some() && found.is_outside() {
                    record.decided(decided.clone());
                }
            })
            .await?;
            continue;
        }
        let open: Vec<u64> =
            seen.record.deployments.iter().rev().filter(|it| it.outcome.is_none()).map(|it| it.number).collect();
        let mut changed = false;
        for number in open {
            changed |= step(hand, &seen, number, event).await?;
            if changed {
                break;
            }
        }
        if !changed {
            return tell_all(hand).await;
        }
    }
    tell_all(hand).await
}

async fn look(hand: &Hand) -> Result<Seen, Again> {
    let record = hand.call("reads the record", |world| world.store.read().1).await?;
    let (service, stories) = hand
        .call("looks at the service", |world| (world.ecs.service(), world.ecs.past().map(story).collect::<Vec<_>>()))
        .await?;
    let revisions = hand
        .call("looks at the revisions", |world| {
            let arns = service.deployments.iter().map(|it| &it.task_definition);
            arns.filter_map(|arn| Some((arn.clone(), world.ecs.revision(arn)?.clone()))).collect()
        })
        .await?;
    Ok(Seen { record, service, revisions, stories, now: hand.know(|world| world.now) })
}

fn find(hand: &Hand, seen: &Seen) -> Option<ledger::Deployment> {
    // Until the deploy function has seen the service, what runs is nobody's deployment but what was there.
    if slipway_core::deploy::is_first_sight(&seen.record) {
        return None;
    }
    let adopted = seen.record.good.iter().any(|it| it.revision == seen.service.task_definition.as_str());
    let settings = hand.know(|world| world.target.settings.clone());
    let found = unrecorded(&Unrecorded {
        record: &seen.record,
        service: &seen.service,
        revisions: &seen.revisions,
        repositories: &["shop/web"],
        settings: &settings,
        now: seen.now,
    });
    found.filter(|it| !(adopted && it.is_outside()))
}

/// Takes one step in the story of a deployment; whether there was one to take.
async fn step(hand: &Hand, seen: &Seen, number: u64, event: Option<&DeploymentEvent>) -> Result<bool, Again> {
    let Some(deployment) = seen.record.numbered(number) else { return Ok(false) };
    let story = its_service_deployment(deployment, &seen.service, &seen.stories);
    let situation = Situation {
        record: &seen.record,
        deployment,
        event,
        service: &seen.service,
        service_deployment: story,
        revisions: &seen.revisions,
        history: &[],
        now: seen.now,
    };
    let mut assessment = assess(&situation);
    if assessment == Assessment::NeverBegan {
        let history = history_of(hand, &seen.record, deployment, &seen.revisions).await?;
        let History { service, revisions, past } = &history;
        assessment = assess(&Situation { service, revisions, history: past, ..situation });
    }
    hand.note(format_args!("deployment {number}: {assessment}"));
    match &assessment {
        Assessment::Meant { until } => arm_deadline(hand, number, *until).await.map(|()| false),
        Assessment::Began(began) => {
            change(hand, "notes that it began", |record| record.began(number, began)).await.map(|()| true)
        }
        Assessment::NeverBegan => {
            change(hand, "forgets it", |record| record.forget(number)).await?;
            // Whoever meant it died; what it wanted is decided again.
            wake(hand, Some(seen.now)).await.map(|()| true)
        }
        Assessment::InProgress(pace) => rearm(hand, number, *pace).await,
        Assessment::Failing { .. } | Assessment::RollbackDue => {
            failing(hand, seen, deployment, story, &assessment).await
        }
        Assessment::RollingBack { pace, by } => {
            if *by == Who::Slipway {
                adopt_back(hand, seen, number).await?;
            }
            let failed = mark(hand, deployment, FailedBy::Ecs, seen.now).await?;
            Ok(failed | rearm(hand, number, *pace).await?)
        }
        Assessment::Ended(end) => {
            let outcome = end.recorded(deployment);
            if outcome == Outcome::RolledBackBySlipway {
                adopt_back(hand, seen, number).await?;
            }
            finish(hand, seen, deployment, outcome).await.map(|()| true)
        }
        Assessment::Over(_) => Ok(false),
    }
}

/// ECS's history, the service as it was listed after it, and the revisions of both.
pub(crate) struct History {
    pub(crate) service: ServiceFacts,
    pub(crate) revisions: HashMap<TaskDefinitionArn, Revision>,
    pub(crate) past: Vec<ServiceDeploymentFacts>,
}

/// ECS's history, as far as it is of the time of this deployment, and another look at the service: three more calls.
pub(crate) async fn history_of(
    hand: &Hand,
    record: &Service,
    meant: &ledger::Deployment,
    known: &HashMap<TaskDefinitionArn, Revision>,
) -> Result<History, Again> {
    let past = hand.call("asks ECS's history", |world| world.ecs.past().map(story).collect::<Vec<_>>()).await?;
    let service = hand.call("looks at the service again", |world| world.ecs.service()).await?;
    let named = of_its_time(record, meant, &past).filter_map(|it| it.task_definition.clone());
    let named: Vec<_> = named.chain(service.deployments.iter().map(|it| it.task_definition.clone())).collect();
    let mut revisions = known.clone();
    let read = hand
        .call("looks at the revisions of then", |world| {
            named.iter().filter_map(|arn| Some((arn.clone(), world.ecs.revision(arn)?.clone()))).collect::<Vec<_>>()
        })
        .await?;
    revisions.extend(read);
    Ok(History { service, revisions, past })
}

async fn rearm(hand: &Hand, number: u64, pace: Pace) -> Result<bool, Again> {
    let Pace::Rearm { at, .. } = pace else { return Ok(false) };
    arm_deadline(hand, number, at).await?;
    change(hand, "gives it time", |record| {
        if let Some(it) = record.at(number) {
            it.deadline = Some(at);
        }
    })
    .await?;
    Ok(false)
}

async fn mark(hand: &Hand, deployment: &ledger::Deployment, by: FailedBy, at: Timestamp) -> Result<bool, Again> {
    if deployment.failing.is_some() {
        return Ok(false);
    }
    let failing = Failing {
        at,
        by: by.as_str().to_owned(),
        cause: "its tasks stopped".to_owned(),
        evidence: Vec::new(),
        log: None,
        advice: Vec::new(),
    };
    change(hand, "notes that it fails", |record| record.failing(deployment.number, failing.clone())).await?;
    Ok(true)
}

/// It failed: back, once, or the end.
async fn failing(
    hand: &Hand,
    seen: &Seen,
    deployment: &ledger::Deployment,
    story: Option<&ServiceDeploymentFacts>,
    assessment: &Assessment,
) -> Result<bool, Again> {
    if let Assessment::Failing { by } = assessment
        && mark(hand, deployment, *by, seen.now).await?
    {
        return Ok(true);
    }
    let goods = goods(&seen.record);
    let facts = Facts {
        record: &seen.record,
        deployment,
        assessment,
        service: &seen.service,
        service_deployment: story,
        goods: &goods,
    };
    let way = rollback::decide(&facts);
    hand.note(format_args!("deployment {}: {way}", deployment.number));
    match &way {
        _ if way.acts() => go_back(hand, deployment.number, &way).await,
        WayBack::Human(_)
        | WayBack::Tell(rollback::Tell::Off | rollback::Tell::Notify(_) | rollback::Tell::Outside) => {
            let late = deployment.failing.as_ref().is_some_and(|it| it.by == "deadline");
            let outcome = if late { Outcome::TimedOut } else { Outcome::Failed };
            finish(hand, seen, deployment, End::of(outcome).recorded(deployment)).await.map(|()| true)
        }
        _ => Ok(false),
    }
}

/// The way back, under the lease, with its intent written down before.
async fn go_back(hand: &Hand, number: u64, way: &WayBack) -> Result<bool, Again> {
    let Some(mut held) = take(hand, None).await? else {
        // Whoever has the lease may be superseding it just now; look again in a minute.
        arm_deadline(hand, number, add(hand.know(|world| world.now), 60)).await?;
        return Ok(false);
    };
    // What was decided before the lease may not be true any more.
    let seen = look(hand).await?;
    let still = seen.record.numbered(number).filter(|it| it.outcome.is_none()).cloned();
    let due = still.as_ref().is_some_and(|it| is_due(&seen, it));
    if let (Some(deployment), true) = (&still, due) {
        carry_back(hand, &mut held, &seen, deployment, way).await?;
    }
    while !held.let_go(hand).await? {
        // Wishes are the deploy function's to serve: it is woken when the lease is free.
        let fence = held.fence;
        wake(hand, None).await?;
        let free = held
            .change(hand, "lets go with wishes", |record| {
                let wishes = std::mem::take(&mut record.wishes);
                let gone = record.let_go(fence).is_ok();
                record.wishes = wishes;
                gone
            })
            .await?;
        if free {
            break;
        }
    }
    Ok(due)
}

fn is_due(seen: &Seen, deployment: &ledger::Deployment) -> bool {
    let story = its_service_deployment(deployment, &seen.service, &seen.stories);
    let assessment = assess(&Situation {
        record: &seen.record,
        deployment,
        event: None,
        service: &seen.service,
        service_deployment: story,
        revisions: &seen.revisions,
        history: &[],
        now: seen.now,
    });
    matches!(assessment, Assessment::Failing { .. } | Assessment::RollbackDue)
}

async fn carry_back(
    hand: &Hand,
    held: &mut Held,
    seen: &Seen,
    deployment: &ledger::Deployment,
    way: &WayBack,
) -> Result<(), Again> {
    let number = deployment.number;
    let meant = ledger::Rollback {
        how: way.how().unwrap_or_default().to_owned(),
        to: way.to().map(str::to_owned),
        at: seen.now,
        over: seen.service.primary().map(|it| it.id.clone()),
        deployment: None,
        done_at: None,
    };
    let fence = held.fence;
    let again = deployment.rollback.is_some();
    let once = held
        .change(hand, "means to roll back", |record| record.roll_back(fence, number, meant.clone()))
        .await?
        .map_err(|_| Again)?;
    if once == Once::Before && !again {
        return Ok(());
    }
    arm_deadline(hand, number, add(seen.now, i64::try_from(deployment.settings.deadline_seconds).unwrap_or(600)))
        .await?;
    let made = match way {
        WayBack::Stop { service_deployment, .. } => {
            let stopped = hand
                .call("stops the deployment", |world| {
                    let told = world.ecs.stop(service_deployment, world.now)?;
                    *world.laws.rollbacks.entry(number).or_default() += 1;
                    world.hear(told);
                    Some(())
                })
                .await?;
            if stopped.is_none() {
                // There is nothing to stop any more; the next look tells why.
                return Ok(());
            }
            None
        }
        WayBack::Update { to } => Some(update(hand, held, to, (By::Rollback(number), seen.now), None).await?.0),
        WayBack::Register { base, ran, .. } => {
            let Some(revision) =
                hand.call("reads the good revision", |world| world.ecs.revision(base).cloned()).await?
            else {
                return Ok(());
            };
            let Ok(rendering) = rollback::rendering(&revision, ran, deployment) else { return Ok(()) };
            let now = hand.know(|world| world.now);
            let to = hand
                .call("registers the good revision anew", |world| match world.ecs.latest() {
                    latest if rendering.is_registered_as(latest) => latest.arn.clone(),
                    _ => world.ecs.register(&rendering, now),
                })
                .await?;
            Some(update(hand, held, &to, (By::Rollback(number), seen.now), None).await?.0)
        }
        WayBack::Tell(_) | WayBack::Human(_) => None,
    };
    let now = hand.know(|world| world.now);
    if let Some(made) = &made {
        hand.call("looks again", |world| {
            world.laws.rolling_back(deployment.deployment.as_ref());
            world.laws.rolled_back(made);
        })
        .await?;
    }
    if hand.know(|world| world.bug) == Some(Bug::NotOnce) {
        // As if the way back were a deployment like any other.
        return held
            .change(hand, "notes the way back as a deployment", |record| {
                record.end(number, Outcome::Failed, now, None);
                record.record(ledger::Deployment {
                    trigger: "push".to_owned(),
                    deployment: made.clone(),
                    began_at: Some(now),
                    intended_at: now,
                    revision: slipway_core::notice::RevisionChange { old: None, new: way.to().map(str::to_owned) },
                    rollback: None,
                    failing: None,
                    outcome: None,
                    image: None,
                    told: Vec::new(),
                    ..deployment.clone()
                });
            })
            .await;
    }
    held.change(hand, "notes the way back", |record| {
        if let Some(rollback) = record.at(number).and_then(|it| it.rollback.as_mut()) {
            rollback.deployment = rollback.deployment.clone().or_else(|| made.clone());
            rollback.done_at = rollback.done_at.or(Some(now));
        }
    })
    .await
}

fn goods(record: &Service) -> Vec<GoodFacts> {
    // No image expires in the storm, and no revision is deregistered; tags move only under the policy `tag`.
    record
        .good
        .iter()
        .map(|good| GoodFacts { good: good.clone(), state: RevisionState::Active, images: Vec::new() })
        .collect()
}

/// The way back was taken, and its answer was lost: what ECS shows is it.
async fn adopt_back(hand: &Hand, seen: &Seen, number: u64) -> Result<(), Again> {
    let made = seen.record.numbered(number).and_then(|it| its_way_back(it, &seen.service)).map(|it| it.id.clone());
    change(hand, "notes the way back", |record| {
        if let Some(back) = record.at(number).and_then(|it| it.rollback.as_mut()) {
            back.deployment = back.deployment.clone().or_else(|| made.clone());
            back.done_at = back.done_at.or(Some(seen.now));
        }
    })
    .await
}

/// The story ends, with everything that follows from it.
async fn finish(hand: &Hand, seen: &Seen, deployment: &ledger::Deployment, outcome: Outcome) -> Result<(), Again> {
    let number = deployment.number;
    let revision = deployment.revision.new.as_deref().map(TaskDefinitionArn::new);
    let revision = revision.and_then(|short| {
        let found = hand.know(|world| world.ecs.revision(&short).cloned());
        found.map(|revision| (revision.arn.clone(), digest_of(Some(&revision))))
    });
    let now = seen.now;
    let won = outcome == Outcome::Completed
        || outcome == Outcome::External
            && deployment.failing.is_none()
            && seen.service.primary().is_some_and(|it| Some(&it.id) == deployment.deployment.as_ref());
    let gave_up = change(hand, &format!("ends {number}: {outcome}"), |record| {
        if record.is_outdated(deployment) || record.end(number, outcome, now, None) == Once::Before {
            return false;
        }
        if let (true, Some((arn, digest))) = (won, &revision) {
            let ran = Ran { container: "web".to_owned(), image: String::new(), digest: digest.clone() };
            record.proved(Good { revision: arn.to_string(), ran: vec![ran], at: now });
        }
        record.wake();
        if outcome.condemns() {
            record.wish(again(number, now));
        }
        outcome == Outcome::RollbackFailed && record.deployments.first().is_some_and(|it| it.number == number)
    })
    .await?;
    if outcome == Outcome::RollbackFailed {
        hand.judge(crate::laws::Laws::rollback_failed);
    }
    if gave_up {
        let primary = hand.know(|world| world.ecs.primary().id.clone());
        hand.judge(|laws| laws.gave_up(now, &primary));
    }
    wake(hand, None).await
}

/// Wakes the deploy function, with a wish to decide again where that is wanted.
async fn wake(hand: &Hand, wish: Option<Timestamp>) -> Result<(), Again> {
    if let Some(at) = wish {
        change(hand, "wishes to decide again", |record| record.wish(again(record.count, at))).await?;
    }
    let at = add(hand.know(|world| world.now), 1);
    hand.call("arms the wake", |world| {
        if !world.store.record().wishes.is_empty() {
            let ring = Ring::Wake(at);
            world.store.arm(schedule::name(ring, &world.target.name), at, schedule::payload(ring, &world.target.name));
        }
    })
    .await?;
    Ok(())
}

fn again(number: u64, at: Timestamp) -> Wish {
    Wish { event: EventId::new(format!("again-{number}")), repository: None, tag: None, at, who: None }
}

/// Publishes what is not told yet, then writes down that it was.
async fn tell_all(hand: &Hand) -> Result<(), Again> {
    let record = hand.call("reads the record", |world| world.store.read().1).await?;
    for deployment in record.deployments.iter().filter(|it| it.deployment.is_some() && end_is_untold(it)) {
        let Some(outcome) = deployment.outcome else { continue };
        let kind = News::Ended { end: &End::of(outcome), next: None }.kind().as_str();
        let id = format!("{}/{kind}", deployment.deployment.as_ref().map_or("", |id| id.as_str()));
        let (number, condemned) = (deployment.number, deployment.digest().filter(|_| outcome.condemns()).cloned());
        hand.call(&format!("tells that {number} ended: {outcome}"), |world| {
            world.laws.ended(number, outcome.as_str(), condemned.as_ref());
        })
        .await?;
        change(hand, "notes that it told", |record| record.tell(Some(number), &id)).await?;
    }
    Ok(())
}

pub(crate) async fn change<T>(hand: &Hand, name: &str, mut change: impl FnMut(&mut Service) -> T) -> Result<T, Again> {
    let (mut rev, mut record) = hand.call("reads the record", |world| world.store.read()).await?;
    loop {
        let before = record.clone();
        let changed = change(&mut record);
        if record == before {
            return Ok(changed);
        }
        match hand.call(name, |world| world.store.write(rev, &record)).await? {
            Ok(_) => return Ok(changed),
            Err(there) => (rev, record) = *there,
        }
    }
}

fn story(past: &crate::ecs::Past) -> ServiceDeploymentFacts {
    ServiceDeploymentFacts {
        arn: past.arn.clone(),
        status: ServiceDeploymentStatus::of(past.status),
        status_reason: None,
        rollback_reason: None,
        rollback_to: None,
        monitors: Monitors::Unread,
        stage: None,
        pause: Pause::No,
        target: Some(past.target()),
        task_definition: Some(past.task_definition.clone()),
        created_at: Some(past.created_at),
        updated_at: None,
        finished_at: past.finished_at,
    }
}

fn add(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(seconds.seconds()).unwrap_or(at)
}
