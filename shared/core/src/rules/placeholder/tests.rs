//! The image before a placeholder, and that it is restored once.

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
