//! Which service deployment of ECS's history belongs to a recorded deployment: by the number, and by the time only where no
//! number joins.

use super::*;

#[test]
fn a_service_deployment_is_found_by_its_number() {
    let check = |case: &Case, all: &[(&str, Option<&str>, &str)], expected: Option<&str>| {
        let service_deployment = |(arn, of, at): &(&str, Option<&str>, &str)| ServiceDeploymentFacts {
            arn: ServiceDeploymentArn::new(*arn),
            target: of.map(revision),
            task_definition: None,
            created_at: Some(time(at)),
            ..case.service_deployment_of()
        };
        let all: Vec<_> = all.iter().map(service_deployment).collect();
        let found = its_service_deployment(&case.record.deployments[0], &case.service, &all);
        assert_eq!(found.map(|it| it.arn.as_str()), expected, "{all:#?}");
    };
    let going = || with(Off, going());
    let delisted = || with(RollsBack, vec![primary(O, Completed)]);
    let others = [("X's", Some(X), "17:00:01"), ("O's", Some(O), "17:00:00")];
    for case in [going(), delisted(), with(Off, Vec::new())] {
        // Whatever the times are, and whatever else was made in the same moment.
        check(&case, &[others[0], ("N's", Some(N), "17:02:00"), others[1]], Some("N's"));
        check(&case, &[others[0], ("N's", Some(N), "16:59:51"), others[1]], Some("N's"));
    }
    let found_late = || going().progress(|n| n.began_at = time("17:30:00"));
    check(&found_late(), &[("N's", Some(N), "17:00:00")], Some("N's"));

    // A rollback may target an old revision again: it is the newest made at or after the intent.
    let again = [("first", Some(N), "17:00:01"), ("again", Some(N), "17:20:00")];
    check(&going(), &again, Some("again"));
    check(&going(), &[again[1], again[0]], Some("again"));
    check(&going(), &[("before the intent", Some(N), "16:58:00")], None);
    check(&going(), &[("before the intent", Some(N), "16:58:00"), again[0]], Some("first"));
    let external = || going().n(|n| (n.trigger, n.intended_at) = (Trigger::External, time("17:03:00")));
    check(&external(), &[again[0]], Some("first"));

    // Where ECS has none of it, no other is taken for it.
    check(&going(), &others, None);
    check(&delisted(), &others, None);
    check(&going(), &[], None);
    check(&going().intent(), &[("N's", Some(N), "17:00:00")], None);
}

#[test]
fn where_no_number_joins_a_service_deployment_is_found_by_its_time() {
    let case = with(Off, going());
    let service_deployment = |arn: &str, at: &str, runs: Option<&str>| ServiceDeploymentFacts {
        arn: ServiceDeploymentArn::new(arn),
        // The numbers of this history are of another kind.
        target: Some(revision("ecs-svc/77")),
        created_at: Some(time(at)),
        task_definition: runs.map(TaskDefinitionArn::new),
        ..case.service_deployment_of()
    };
    let all = [
        service_deployment("late", "17:02:00", None),
        service_deployment("near", "17:00:01", Some("web:42")),
        service_deployment("other", "17:00:00", Some("web:43")),
        service_deployment("before the intent", "16:59:49", None),
    ];
    let deployment = &case.record.deployments[0];
    let found =
        |service: &ServiceFacts| its_service_deployment(deployment, service, &all).map(|it| it.arn.as_str().to_owned());
    assert_eq!(found(&case.service).as_deref(), Some("near"));
    // The service's word for its current one does not go against the revision.
    let current =
        |of: usize| ServiceFacts { current_service_deployment: Some(all[of].arn.clone()), ..case.service.clone() };
    assert_eq!(found(&current(2)).as_deref(), Some("near"));
    assert_eq!(found(&current(1)).as_deref(), Some("near"));
    let dropped = ServiceFacts { deployments: Vec::new(), ..case.service.clone() };
    assert_eq!(found(&dropped).as_deref(), Some("near"));
    assert_eq!(its_service_deployment(deployment, &case.service, &all[..1]), None);
    assert_eq!(its_service_deployment(deployment, &case.service, &all[3..]), None);
    // One that joins with another deployment says that the numbers are of use here.
    let joined = [
        all[1].clone(),
        ServiceDeploymentFacts { target: Some(revision(O)), ..service_deployment("O's", "09:00:00", None) },
    ];
    assert_eq!(its_service_deployment(deployment, &case.service, &joined), None);
}
