//! The rows of a service by who deploys to it, and as it is.

use super::*;

#[test]
fn a_service_is_deployed_to_if_ecs_deploys_it_for_the_customer() {
    #[track_caller]
    fn check(change: impl FnOnce(&mut ServiceFacts), expected: &str) {
        let mut service = service(Vec::new());
        change(&mut service);
        let answer =
            deployable(&versions(), Some(&service)).map_or_else(|reason| reason.to_string(), |_| String::new());
        assert_eq!(answer, expected);
    }
    check(|_| {}, "");
    check(
        |it| it.status = "DRAINING".to_owned(),
        "the service is DRAINING; remove the target if the service no longer exists",
    );
    check(|it| it.controller = Controller::Express, "");
    check(|it| *it = by_code_deploy(Hooks::Known(Vec::new())), "");
    check(
        |it| it.controller = Controller::CodeDeploy,
        "no CodeDeploy deployment group of prod/web was found, neither that of the document, nor that of its last deployment, nor one that the ECS console would make; set codedeploy: {application: NAME, group: NAME}",
    );
    check(
        |it| *it = by_code_deploy(Hooks::Unreadable),
        "the hooks of shop/web are not known, because CodeDeploy does not keep the AppSpec of its last revision; set codedeploy: {hooks: {AfterInstall: FUNCTION}}, or {hooks: {}} if there are none",
    );
    check(
        |it| it.controller = Controller::External,
        "the service uses the EXTERNAL deployment controller, which Slipway does not support; deploy it with the tool that controls it, or change its deployment controller to ECS",
    );
    check(
        |it| it.controller = Controller::Other("NEW".to_owned()),
        "the service uses the NEW deployment controller, which Slipway does not support; deploy it with the tool that controls it, or change its deployment controller to ECS",
    );
    assert_eq!(
        deployable(&versions(), None).unwrap_err().to_string(),
        "there is no service web in the cluster prod; create it, or correct the target"
    );
}

#[test]
fn codedeploy_deploys_with_its_hooks_what_it_deploys_to() {
    let hooks = vec![json!({ "AfterInstall": "check" })];
    let case = pushed();
    let plan = Case { service: by_code_deploy(Hooks::Known(hooks.clone())), ..case }.plan();
    assert_eq!(
        summary(&plan),
        "pushed | 1.5.0 b | registers web: shop/web b, pushed at 12:00:00 | updates to it by CodeDeploy"
    );
    let Some(Step::Update { call: UpdateCall::CreateDeployment(new), .. }) = plan.steps.last() else {
        panic!("{plan:?}")
    };
    assert_eq!((new.group.to_string().as_str(), &new.hooks), ("shop/web", &hooks));
    assert!(
        plan.to_string().contains("\n  - update prod/web to it by a CodeDeploy deployment of shop/web\n"),
        "{plan}"
    );
}

#[test]
fn express_mode_gets_what_it_takes_by_its_own_call() {
    let express = |it: Case| Case { service: ServiceFacts { controller: Controller::Express, ..it.service }, ..it };
    let plan = express(pushed()).plan();
    assert_eq!(
        plan.reason.to_string(),
        "ECS Express Mode does not take web:41: it is not for FARGATE; register a revision for FARGATE whose container \
         Main has one TCP port with a name"
    );
    assert_eq!((plan.steps.len(), plan.blocked), (0, None));
    let plan = express(pushed().runs(for_express())).plan();
    assert_eq!(
        summary(&plan),
        "pushed | 1.5.0 b | registers Main: shop/web b, pushed at 12:00:00 | updates to it by Express Mode"
    );
    assert!(plan.to_string().contains("\n  - update prod/web to it by UpdateExpressGatewayService\n"), "{plan}");
}
