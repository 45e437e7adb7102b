//! A placeholder: a revision of which no container runs an image of the target's repository.
//!
//! Infrastructure is often made first, with a dummy image, and the tool that made it may put that image back later. Neither
//! is a decision about what runs: where an image of the repository ran before, it is deployed again, once for each
//! deployment of the placeholder; where none did, the best image that policy and gates allow is.

use crate::model::facts::{Revision, ServiceFacts};
use crate::model::id::{ContainerName, DeploymentId, EventId};
use crate::model::image::{Digest, Repository};
use crate::model::reason::Reason;
use crate::model::record::{KnownGood, Service};
use crate::rules::recency::Recency;
use crate::rules::render::{ContainerImage, images};

/// The image that ran before a placeholder, or that was deployed last and failed.
#[derive(Clone, Debug)]
pub struct ImageBefore {
    /// The image, as the known-good revision names it; its digest is known.
    pub image: ContainerImage,
    /// The image.
    pub digest: Digest,
    /// The containers that ran it.
    pub containers: Vec<ContainerName>,
}

/// Whether no container of a revision runs an image of any of these entries' repositories.
pub fn is_placeholder<'a>(revision: &Revision, mut entries: impl Iterator<Item = (Recency<'a>, Repository)>) -> bool {
    entries.all(|(recency, repository)| images(revision, recency, &repository).is_empty())
}

/// The image of the repository that a known-good revision ran.
pub fn image_before(
    known_good: &KnownGood,
    revision: &Revision,
    recency: Recency<'_>,
    repository: &Repository,
) -> Option<ImageBefore> {
    let images = images(revision, recency, repository);
    let image = images.first()?.clone();
    let ran = || known_good.ran.iter().find(|ran| ran.container == image.container.as_str())?.digest.clone();
    let digest = image.digest.clone().or_else(ran)?;
    let containers = images.into_iter().map(|it| it.container).collect();
    Some(ImageBefore { image: ContainerImage { digest: Some(digest.clone()), ..image }, digest, containers })
}

/// The image that Slipway deployed last, where none is known to have run: it failed. Without it one older image after the other
/// would be tried.
pub fn image_tried(record: &Service, recency: Recency<'_>, repository: &Repository) -> Option<ImageBefore> {
    let images = record.deployments.iter().filter(|it| !it.is_external()).filter_map(|it| it.image.as_ref());
    let image = images.into_iter().find(|image| image.repository == repository.name)?;
    let digest = image.new.digest.clone()?;
    let (tag, pushed_at) = recency.of_running(&digest, image.new.tag.as_ref(), None);
    let containers = recency.target.containers.clone();
    let container = containers.first().cloned().unwrap_or_else(|| ContainerName::new(""));
    Some(ImageBefore {
        image: ContainerImage { container, digest: Some(digest.clone()), tag, pushed_at },
        digest,
        containers,
    })
}

/// What a deployment over a placeholder is triggered by: the deployment of the placeholder, so that it is made once.
pub fn event(placeholder: &DeploymentId) -> EventId {
    EventId::new(format!("placeholder-{placeholder}"))
}

/// Why the image before is not deployed over this placeholder, if it is not: it was, and the placeholder runs again.
pub fn replaced_before(record: &Service, service: &ServiceFacts, shown: &str) -> Option<Reason> {
    let deployment = &service.primary()?.id;
    let event = event(deployment);
    let was = record.deployments.iter().any(|it| it.event.as_ref() == Some(&event) && it.id().is_some());
    was.then(|| Reason::PlaceholderAgain {
        image: shown.to_owned(),
        revision: service.task_definition.short().to_owned(),
        deployment: deployment.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::facts::{RanImage, Rollout};
    use crate::model::record::Deployment;
    use crate::model::trigger::Trigger;
    use crate::rules::situation::{arn, at, digest, pinned, primary, repository, revision, service, versions};

    #[test]
    fn the_image_before_is_the_one_that_ran() {
        #[track_caller]
        fn check(containers: &[(&str, String)], ran: Option<char>, expected: Option<(char, &[&str])>) {
            let ran = ran.map(|digit| RanImage {
                container: "web".to_owned(),
                image: String::new(),
                digest: Some(digest(digit)),
            });
            let known_good = KnownGood { revision: arn(41), ran: ran.into_iter().collect(), at: at("11:00:00") };
            let (target, record) = (versions(), Service::default());
            let recency = Recency { target: &target, record: &record };
            let before = image_before(&known_good, &revision(41, containers), recency, &repository("shop/web"));
            let shown = before.map(|it| {
                assert_eq!(it.image.digest.as_ref(), Some(&it.digest));
                (it.digest, it.containers.iter().map(|it| it.as_str().to_owned()).collect::<Vec<_>>())
            });
            let expected =
                expected.map(|(digit, names)| (digest(digit), names.iter().map(|it| (*it).to_owned()).collect()));
            assert_eq!(shown, expected);
        }
        let (by_digest, by_tag) = (pinned('a'), "shop/web:prod".to_owned());
        check(&[("web", by_digest.clone())], None, Some(('a', &["web"])));
        check(
            &[("log", "log:1".to_owned()), ("web", by_digest.clone()), ("job", by_digest)],
            None,
            Some(('a', &["web", "job"])),
        );
        check(&[("web", by_tag.clone())], Some('b'), Some(('b', &["web"])));
        check(&[("web", by_tag)], None, None);
        check(&[("web", "dummy:2.4".to_owned())], Some('b'), None);
    }

    #[test]
    fn a_placeholder_is_replaced_once() {
        let service = service(vec![primary(Rollout::Completed)]);
        let mut record = Service::default();
        assert_eq!(replaced_before(&record, &service, "1.5.0"), None);
        let over = |deployment: &str| Deployment {
            event: Some(event(&DeploymentId::new(deployment))),
            ..Deployment::of(Trigger::Reconcile, at("11:00:00"))
        };
        record.add(over("ecs-svc/1"));
        assert_eq!(replaced_before(&record, &service, "1.5.0"), None, "it never began");
        let mut began = over("ecs-svc/1");
        began.state = serde_json::from_value(
            serde_json::json!({ "in_progress": { "deployment": "ecs-svc/2", "began_at": at("11:00:01") } }),
        )
        .unwrap();
        record.add(began.clone());
        let reason = replaced_before(&record, &service, "1.5.0").map(|it| it.to_string());
        assert_eq!(
            reason.as_deref(),
            Some(
                "1.5.0 was already deployed over the placeholder image of web:41 (ecs-svc/1), which runs again; deploy it by \
                 hand, or correct the task definition"
            )
        );
        let mut other = Service::default();
        other.add(Deployment { event: Some(event(&DeploymentId::new("ecs-svc/0"))), ..began });
        assert_eq!(replaced_before(&other, &service, "1.5.0"), None, "that was another one");
    }
}
