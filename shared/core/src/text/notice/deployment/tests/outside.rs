//! What somebody else deploys: it is theirs, and may be a decision or a placeholder.

use super::*;

#[test]
fn somebody_else_s_deployment_is_not_blamed_on_slipway() {
    insta::assert_snapshot!(published(&external(), &News::InProgress), @r#"
    Changed outside Slipway: prod/web is getting web:42 with shop/web:1.5.0

    ECS is starting the new tasks of prod/web. Slipway did not start this deployment and does not intervene.

    Repository    shop/web
    Image         1.4.2 (sha256:aaaaaaaaaaaa) → 1.5.0 (sha256:bbbbbbbbbbbb)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  somebody outside Slipway
    "#);
    insta::assert_snapshot!(ended(&external(), Outcome::RolledBackByEcs), @r#"
    Changed outside Slipway: prod/web was going to run web:42 with shop/web:1.5.0, but ECS rolled back

    The deployment failed. ECS rolled back automatically; prod/web runs the previous version again. Slipway did not start this deployment and does not intervene.

    Repository    shop/web
    Image         1.4.2 (sha256:aaaaaaaaaaaa) → 1.5.0 (sha256:bbbbbbbbbbbb)
    Revision      web:41 → web:42
    Deployment    ecs-svc/2
    Triggered by  somebody outside Slipway
    Took          4 min 30 s
    "#);
}

#[test]
fn a_placeholder_of_others_is_no_decision_and_an_older_image_is_one() {
    let placeholder = Deployment { image: None, ..external() };
    let text = ended(&placeholder, Outcome::Completed);
    assert!(text.contains("so it counts as a placeholder and not as a decision."), "{text}");
    assert!(text.contains("\n- To end this, let the tool leave the service's task definition alone"), "{text}");
    assert_eq!(
        notice(&placeholder, &News::Ended { end: &end(Outcome::Completed), next: None }).severity,
        Severity::Warning
    );
    let text = published(&placeholder, &News::InProgress);
    assert!(text.starts_with("Changed outside Slipway: prod/web is getting web:42 with a placeholder image"), "{text}");
    let text = ended(&external(), Outcome::Completed);
    assert!(text.contains("It counts as a decision: from now on, only images that are pushed later"), "{text}");
}
