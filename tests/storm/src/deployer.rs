//! The deploy function of the storm: the lease, the wishes, the decision, the update, in the order of the real one.

use std::collections::{BTreeSet, HashMap};

use jiff::{Timestamp, ToSpan};
use slipway_core::deploy::{self, By, Facts, Insist, Known, Note, Question};
use slipway_core::facts::{ImageFacts, ImageName, Revision, ServiceFacts};
use slipway_core::id::{EventId, TaskDefinitionArn};
use slipway_core::ledger::{Began, Busy, Candidate, Deployment, Fence, Hold, Service, Settings, Unserved, Wish, gate};
use slipway_core::outcome::Intent;
use slipway_core::plan::{Plan, Step, To};
use slipway_core::reason::Reason;
use slipway_core::schedule::{self, Ring};

use crate::bug::Bug;
use crate::ecs::digest_of;
use crate::invocation::{Again, Ask, Payload};
use crate::laws;
use crate::tracker::{History, history_of};
use crate::world::Hand;

/// The lease outlives its holder by this much.
const MARGIN: i64 = 30;

/// How long a person's request waits for the lease, in tries.
const PATIENCE: u32 = 3;

/// Answers an invocation.
pub(crate) async fn answer(hand: Hand, payload: Payload) -> Result<(), Again> {
    match payload {
        Payload::Push { event, tag, at } => {
            let repository = hand.know(|world| world.registry.repository.to_string());
            by_itself(&hand, Some(Wish { event, repository: Some(repository), tag: Some(tag), at, who: None })).await
        }
        Payload::Reconcile => {
            let at = hand.know(|world| world.now);
            let event = EventId::new(format!("reconcile-{}", hand.request));
            reconcile(&hand, Wish { event, repository: None, tag: None, at, who: None }).await
        }
        Payload::Ring(_) => woken(&hand).await,
        Payload::Ask(ask) => asked(&hand, ask).await,
        Payload::Ecs(_) => Ok(()),
    }
}

/// Whoever holds the lease, with the record as it last saw it.
pub(crate) struct Held {
    /// Its number.
    pub(crate) fence: Fence,
    /// Counts the writes.
    pub(crate) rev: u64,
    /// The record.
    pub(crate) record: Service,
}

/// Takes the lease, or leaves the wish with whoever has it.
pub(crate) async fn take(hand: &Hand, wish: Option<&Wish>) -> Result<Option<Held>, Again> {
    let holder = format!("request-{}", hand.request);
    let (mut rev, mut record) = hand.call("reads the record", |world| world.store.read()).await?;
    loop {
        let now = hand.know(|world| world.now);
        let short = hand.know(|world| world.bug == Some(Bug::ShortLease));
        let until = if short { add(now, 20) } else { add(hand.deadline, MARGIN) };
        let taken = match record.acquire(&holder, now, until) {
            Err(_) if hand.know(|world| world.bug) == Some(Bug::NoLease) => Ok(Fence(record.fence)),
            taken => taken,
        };
        match (&taken, wish) {
            (Err(_), Some(wish)) if hand.know(|world| world.bug) != Some(Bug::NoWishes) => record.wish(wish.clone()),
            _ => {}
        }
        match hand.call("writes the lease", |world| world.store.write(rev, &record)).await? {
            Ok(rev) => match taken {
                Ok(fence) => return Ok(Some(Held { fence, rev, record })),
                Err(Busy { until }) => {
                    if wish.is_some() || !record.wishes.is_empty() {
                        arm_wake(hand, add(until, 1)).await?;
                    }
                    hand.note(format_args!("finds the service busy"));
                    return Ok(None);
                }
            },
            Err(there) => (rev, record) = *there,
        }
    }
}

impl Held {
    /// Changes the record, unless the lease is lost.
    pub(crate) async fn change<T>(
        &mut self,
        hand: &Hand,
        name: &str,
        mut change: impl FnMut(&mut Service) -> T,
    ) -> Result<T, Again> {
        loop {
            let fenced = hand.know(|world| world.bug) != Some(Bug::NoLease);
            if fenced && self.record.check(self.fence).is_err() {
                hand.note(format_args!("has lost the lease"));
                return Err(Again);
            }
            let before = self.record.clone();
            let changed = change(&mut self.record);
            if self.record == before {
                return Ok(changed);
            }
            match hand.call(name, |world| world.store.write(self.rev, &self.record)).await? {
                Ok(rev) => {
                    self.rev = rev;
                    return Ok(changed);
                }
                Err(there) => (self.rev, self.record) = *there,
            }
        }
    }

    /// Lets the lease go; `false` while wishes are left to serve.
    pub(crate) async fn let_go(&mut self, hand: &Hand) -> Result<bool, Again> {
        let fence = self.fence;
        let gone = self
            .change(hand, "lets go", |record| match record.let_go(fence) {
                Ok(()) => true,
                Err(Unserved::Wishes) => false,
                Err(Unserved::Lost) => true,
            })
            .await?;
        Ok(gone)
    }
}

async fn by_itself(hand: &Hand, wish: Option<Wish>) -> Result<(), Again> {
    let Some(mut held) = take(hand, wish.as_ref()).await? else { return Ok(()) };
    serve(hand, &mut held, wish.into_iter().collect()).await
}

/// What waited may be decided now.
async fn woken(hand: &Hand) -> Result<(), Again> {
    let Some(mut held) = take(hand, None).await? else { return Ok(()) };
    held.change(hand, "wishes again for what waited", |record| record.wake()).await?;
    serve(hand, &mut held, Vec::new()).await
}

async fn reconcile(hand: &Hand, wish: Wish) -> Result<(), Again> {
    let Some(mut held) = take(hand, None).await? else { return Ok(()) };
    if deploy::is_first_sight(&held.record) {
        let service = hand.call("looks at the service", |world| world.ecs.service()).await?;
        let now = hand.know(|world| world.now);
        let note = deploy::first_sight(&service, &[], Some(now), now);
        hand.note(format_args!("takes the service over as it is"));
        held.change(hand, "adopts", |record| note.write(record)).await?;
        hand.judge(|laws| laws.decided(now));
        return serve(hand, &mut held, Vec::new()).await;
    }
    serve(hand, &mut held, vec![wish]).await?;
    // What was lost of the endings is track's to find.
    let overdue = hand.know(|world| {
        let unfinished = |it: &&Deployment| it.deployment.is_some() && deploy::is_unfinished(it);
        let it = world.store.record().deployments.iter().find(unfinished)?;
        Some((it.number, world.now))
    });
    if let Some((number, now)) = overdue {
        arm_deadline(hand, number, now).await?;
    }
    Ok(())
}

/// Serves wishes until there are none, and lets the lease go.
async fn serve(hand: &Hand, held: &mut Held, own: Vec<Wish>) -> Result<(), Again> {
    let mut wishes = own;
    let mut unjudged = BTreeSet::new();
    let (mut queued, mut armed) = (false, false);
    loop {
        wishes.extend(held.record.wishes.clone());
        let seen = see(hand, held).await?;
        unjudged.extend(deploy::unjudged(&held.record, &seen.service).map(|it| it.number));
        let waits = if wishes.is_empty() { Vec::new() } else { decide(hand, held, &seen, &wishes).await? };
        let served = std::mem::take(&mut wishes);
        queued |= !waits.is_empty();
        // Nobody follows what they wait for: it is looked at again in two minutes.
        let unfollowed = |held: &Held| queued && held.record.open().is_none();
        if unfollowed(held) && !armed {
            arm_wake(hand, add(hand.know(|world| world.now), 120)).await?;
            armed = true;
        }
        held.change(hand, "takes the wishes off", |record| {
            record.wishes.retain(|it| !served.contains(it));
            waits.iter().for_each(|wish| record.wait(wish.clone()));
        })
        .await?;
        if held.let_go(hand).await? {
            if unfollowed(held) && !armed {
                arm_wake(hand, add(hand.know(|world| world.now), 120)).await?;
            }
            for number in unjudged {
                arm_deadline(hand, number, hand.know(|world| world.now)).await?;
            }
            return Ok(());
        }
    }
}

/// The service as it was looked at.
struct Seen {
    service: ServiceFacts,
    revisions: HashMap<TaskDefinitionArn, Revision>,
    at: Timestamp,
}

/// Looks, and writes down what the record lacks of what ECS says.
async fn see(hand: &Hand, held: &mut Held) -> Result<Seen, Again> {
    let seen = look(hand).await?;
    let now = hand.know(|world| world.now);
    let notes = if deploy::is_first_sight(&held.record) {
        vec![deploy::first_sight(&seen.service, &[], None, now)]
    } else {
        let mut notes = Vec::new();
        let mut resolved = held.record.clone();
        for meant in deploy::unresolved(&held.record) {
            let note = resolve(hand, &resolved, meant, &seen).await?;
            note.write(&mut resolved);
            notes.push(note);
        }
        notes.extend(deploy::outside(&resolved, &seen.service));
        notes
    };
    held.change(hand, "notes what it saw", |record| notes.iter().for_each(|note| note.write(record))).await?;
    Ok(seen)
}

/// What became of an update that was meant; ECS's history is asked before it is forgotten.
async fn resolve(hand: &Hand, record: &Service, meant: &Deployment, seen: &Seen) -> Result<Note, Again> {
    let (service, revisions) = (&seen.service, &seen.revisions);
    let note = deploy::resolve(&Intent { record, meant, service, revisions }, &[]);
    if !matches!(note, Note::Forgotten(_)) {
        return Ok(note);
    }
    let History { service, revisions, past } = &history_of(hand, record, meant, revisions).await?;
    Ok(deploy::resolve(&Intent { record, meant, service, revisions }, past))
}

async fn look(hand: &Hand) -> Result<Seen, Again> {
    let (service, at) = hand.call("looks at the service", |world| (world.ecs.service(), world.now)).await?;
    let revisions = hand
        .call("looks at the revisions", |world| {
            let arns = service.deployments.iter().map(|it| &it.task_definition);
            arns.filter_map(|arn| Some((arn.clone(), world.ecs.revision(arn)?.clone()))).collect()
        })
        .await?;
    Ok(Seen { service, revisions, at })
}

/// Decides about the wishes, the best image first, and carries the first plan out that has steps. What has to wait.
async fn decide(hand: &Hand, held: &mut Held, seen: &Seen, wishes: &[Wish]) -> Result<Vec<Wish>, Again> {
    let again = wishes.iter().find(|wish| wish.tag.is_none());
    let images: Vec<ImageFacts> = hand
        .call("looks at the registry", |world| match again {
            Some(_) => world.registry.images().iter().map(|image| image.facts.clone()).collect(),
            None => wishes
                .iter()
                .filter_map(|wish| Some(world.registry.find(&ImageName::Tag(wish.tag.clone()?))?.facts.clone()))
                .collect(),
        })
        .await?;
    let Some(running) = seen.revisions.get(&seen.service.task_definition) else { return Ok(Vec::new()) };
    let (target, repository) = hand.know(|world| (world.target.clone(), world.registry.repository.clone()));
    for (image, tag) in deploy::ranked(&target, &images) {
        let wish = wishes.iter().find(|wish| wish.tag.as_ref().is_some_and(|it| image.tags.contains(it)));
        let Some(wish) = wish.or(again) else { continue };
        let by = if wish.tag.is_some() { By::Push(tag) } else { By::Registry(tag) };
        let record = seen_with_bug(hand, &held.record);
        let facts = Facts {
            target: &target,
            repository: &repository,
            service: &seen.service,
            running,
            base: running,
            record: &record,
        };
        let request = format!("request-{}", hand.request);
        let tagged_at = wish.tag.is_some().then_some(wish.at);
        let wanted = deploy::Wish { image, by, event: &wish.event, request: &request, tagged_at };
        let plan = plan(hand, &facts, &wanted).await?;
        hand.note(format_args!("decides: {}", plan.reason));
        match &plan.reason {
            Reason::Queued { .. } => return Ok(wishes.to_vec()),
            Reason::AlreadyRuns { .. } | Reason::AlreadyUnderWay { .. } | Reason::Older { .. } => break,
            _ if plan.steps.is_empty() => {}
            _ => {
                let moved = target.tags.follows_tag().and(tagged_at);
                let gate = Gate { digest: image.digest.clone(), pushed_at: moved.max(image.pushed_at) };
                carry_out(hand, held, &plan, (laws::By::Itself, seen.at), &wish.event, Some(&gate)).await?;
                return Ok(Vec::new());
            }
        }
    }
    Ok(Vec::new())
}

async fn plan(hand: &Hand, facts: &Facts<'_>, wish: &deploy::Wish<'_>) -> Result<Plan, Again> {
    let never_down = hand.know(|world| world.bug) == Some(Bug::NeverDown);
    let wish = match wish.by {
        // The gate stays, the order goes.
        By::Push(tag) | By::Registry(tag) if never_down => {
            let candidate =
                Candidate { digest: &wish.image.digest, shown: tag.as_str(), pushed_at: wish.image.pushed_at };
            if let Err(reason) = gate(facts.record, &candidate) {
                return Ok(Plan::nothing(facts.target.name.clone(), reason));
            }
            deploy::Wish { by: By::Request(Some(tag), Insist::No), ..*wish }
        }
        _ => *wish,
    };
    let running_image = match deploy::question(facts, &wish) {
        None => None,
        Some(Question::Registry(name)) => {
            hand.call("asks the registry", |world| world.registry.find(&name).map(|it| it.facts.clone())).await?
        }
        Some(Question::WhatRan(_)) => {
            // What runs by its tag is the first image.
            hand.call("asks what ran", |world| world.registry.images().first().map(|it| it.facts.clone())).await?
        }
    };
    Ok(deploy::deploy(facts, &wish, &Known { running_image: running_image.as_ref(), builds: None }))
}

/// An image that comes by itself, to be held against the record once more when it is meant.
struct Gate {
    digest: slipway_core::image::Digest,
    pushed_at: Option<Timestamp>,
}

impl Gate {
    fn refuses(&self, record: &Service) -> bool {
        gate(record, &Candidate { digest: &self.digest, shown: "", pushed_at: self.pushed_at }).is_err()
    }
}

/// Does what the plan says: the intent and its deadline first, then the revision, the update, and the record of it.
async fn carry_out(
    hand: &Hand,
    held: &mut Held,
    plan: &Plan,
    (by, looked): (laws::By, Timestamp),
    event: &EventId,
    gate: Option<&Gate>,
) -> Result<(), Again> {
    let (now, settings) = hand.know(|world| (world.now, world.target.settings.clone()));
    let over = plan.steps.iter().find_map(|step| match step {
        Step::Update { over, .. } => over.clone(),
        Step::Register(_) => None,
    });
    let trigger = match by {
        laws::By::Request => "deploy",
        _ => "push",
    };
    let deadline = add(now, i64::try_from(settings.deadline_seconds).unwrap_or(i64::MAX));
    let meant = meant(plan, trigger, event, hand, now, settings, deadline, over);
    let fence = held.fence;
    // Track writes without the lease: what it learnt since the decision counts.
    let number = held
        .change(hand, "means it", |record| {
            let seen = seen_with_bug(hand, record);
            if gate.is_some_and(|it| it.refuses(&seen)) {
                return None;
            }
            Some(record.intend(fence, meant.clone()).map(|(number, _)| number))
        })
        .await?;
    let Some(number) = number else { return Ok(()) };
    let number = number.map_err(|_| Again)?;
    arm_deadline(hand, number, deadline).await?;
    let mut revision = None;
    for step in &plan.steps {
        match step {
            Step::Register(rendering) => {
                let now = hand.know(|world| world.now);
                let made = hand
                    .call("registers a revision", |world| match world.ecs.latest() {
                        latest if rendering.is_registered_as(latest) => latest.arn.clone(),
                        _ => world.ecs.register(rendering, now),
                    })
                    .await?;
                revision = Some(made);
            }
            Step::Update { to, .. } => {
                let to = match to {
                    To::Existing(to) => Some(to.clone()),
                    To::Registered => revision.clone(),
                };
                let Some(to) = to else { return Err(Again) };
                let decision = (by == laws::By::Request).then_some(now);
                let (made, at) = update(hand, held, &to, (by, looked), decision).await?;
                let began = Began { deployment: made, at, revision: to };
                held.change(hand, "notes the deployment", |record| record.began(number, &began)).await?;
            }
        }
    }
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "a record has many members, and this is the one place that fills them")]
fn meant(
    plan: &Plan,
    trigger: &str,
    event: &EventId,
    hand: &Hand,
    now: Timestamp,
    settings: Settings,
    deadline: Timestamp,
    over: Option<slipway_core::id::DeploymentId>,
) -> Deployment {
    Deployment {
        event: Some(event.clone()),
        request: Some(format!("request-{}", hand.request)),
        image: plan.image.clone(),
        revision: slipway_core::notice::RevisionChange {
            old: plan.running.as_ref().map(|running| running.short().to_owned()),
            new: None,
        },
        settings,
        over,
        deadline: Some(deadline),
        ..Deployment::of(trigger, now)
    }
}

/// UpdateService; what the laws say of it is found out there.
pub(crate) async fn update(
    hand: &Hand,
    held: &Held,
    to: &TaskDefinitionArn,
    (by, looked): (laws::By, Timestamp),
    decision: Option<Timestamp>,
) -> Result<(slipway_core::id::DeploymentId, Timestamp), Again> {
    let (fence, request) = (held.fence, hand.request);
    Ok(hand
        .call(&format!("updates the service to {}", to.short()), |world| {
            let digest = digest_of(world.ecs.revision(to));
            if world.ecs.primary().task_definition != *to {
                if world.store.record().check(fence).is_err() || !world.store.record().is_held(world.now) {
                    world.laws.without_lease(request);
                }
                world.laws.updating(by, looked, digest.as_ref(), &world.ecs, &world.registry);
            }
            if let Some(decided) = decision {
                world.laws.decided(decided);
                digest.iter().for_each(|digest| world.laws.pardoned(digest));
            }
            let (made, told) = world.ecs.update(to, world.now);
            world.hear(told);
            (made, world.now)
        })
        .await?)
}

async fn arm_wake(hand: &Hand, at: Timestamp) -> Result<(), Again> {
    hand.call("arms the wake", |world| {
        let ring = Ring::Wake(at);
        let name = schedule::name(ring, &world.target.name);
        world.store.arm(name, at, schedule::payload(ring, &world.target.name));
    })
    .await?;
    Ok(())
}

/// A deadline for a deployment. One that is armed again goes by a name of its own.
pub(crate) async fn arm_deadline(hand: &Hand, number: u64, at: Timestamp) -> Result<(), Again> {
    if hand.know(|world| world.bug) == Some(Bug::NoDeadline) {
        return Ok(());
    }
    let at = at.max(add(hand.know(|world| world.now), 5));
    hand.call(&format!("arms the deadline of {number}"), |world| {
        let ring = Ring::Deadline(number);
        let name = schedule::name_again(ring, &world.target.name, at);
        world.store.arm(name, at, schedule::payload(ring, &world.target.name));
    })
    .await?;
    Ok(())
}

async fn asked(hand: &Hand, ask: Ask) -> Result<(), Again> {
    let (now, event) = (hand.know(|world| world.now), EventId::new(format!("ask-{}", hand.request)));
    // A hold counts at once, whoever has the lease.
    match ask {
        Ask::Hold => {
            let hold = Hold { at: now, who: None, reason: None };
            return crate::tracker::change(hand, "holds", |record| record.hold = Some(hold.clone())).await;
        }
        Ask::Release => {
            crate::tracker::change(hand, "releases", |record| record.hold = None).await?;
            return by_itself(hand, Some(Wish { event, repository: None, tag: None, at: now, who: None })).await;
        }
        Ask::Deploy(_) | Ask::Rollback => {}
    }
    let mut held = None;
    for _ in 0..PATIENCE {
        held = take(hand, None).await?;
        if held.is_some() {
            break;
        }
    }
    let Some(mut held) = held else { return Ok(()) };
    let seen = see(hand, &mut held).await?;
    match ask {
        Ask::Deploy(name) => {
            let image = hand
                .call("looks at the registry", |world| world.registry.find(&name).map(|it| it.facts.clone()))
                .await?;
            let (target, repository) = hand.know(|world| (world.target.clone(), world.registry.repository.clone()));
            if let (Some(image), Some(running)) = (image, seen.revisions.get(&seen.service.task_definition)) {
                let record = held.record.clone();
                let facts = Facts {
                    target: &target,
                    repository: &repository,
                    service: &seen.service,
                    running,
                    base: running,
                    record: &record,
                };
                let request = format!("request-{}", hand.request);
                let by = By::Request(None, Insist::Yes);
                let wanted = deploy::Wish { image: &image, by, event: &event, request: &request, tagged_at: None };
                let plan = plan(hand, &facts, &wanted).await?;
                hand.note(format_args!("decides: {}", plan.reason));
                if !plan.steps.is_empty() {
                    carry_out(hand, &mut held, &plan, (laws::By::Request, seen.at), &event, None).await?;
                }
            }
        }
        Ask::Rollback | Ask::Hold | Ask::Release => {}
    }
    serve(hand, &mut held, Vec::new()).await
}

/// The record as a decision sees it that is broken on purpose.
fn seen_with_bug(hand: &Hand, record: &Service) -> Service {
    let mut record = record.clone();
    match hand.know(|world| world.bug) {
        Some(Bug::NoQuarantine) => record.quarantine.clear(),
        Some(Bug::NoDecision) => record.decision = None,
        _ => {}
    }
    record
}

fn add(at: Timestamp, seconds: i64) -> Timestamp {
    at.saturating_add(seconds.seconds()).unwrap_or(at)
}
