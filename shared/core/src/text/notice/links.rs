//! Where a person looks next: the ECS console, whose address depends on the partition.

use urlencoding::encode;

use crate::model::id::{DeploymentId, LogStream};
use crate::model::notice::{Link, Place};

/// The service's pages in the ECS console; none in the partitions whose console has no public address.
pub(super) fn of_service(place: Place<'_>, revision: Option<&str>) -> Vec<Link> {
    let Some(domain) = console(place.home.partition.as_str()) else { return Vec::new() };
    let region = encode(place.home.region.as_str());
    let start = format!("https://{region}.console.{domain}/ecs/v2");
    let service =
        format!("{start}/clusters/{}/services/{}", encode(place.cluster.as_str()), encode(place.service.as_str()));
    let mut links = vec![
        Link { name: "Deployments".to_owned(), url: format!("{service}/deployments?region={region}") },
        Link { name: "Events".to_owned(), url: format!("{service}/events?region={region}") },
        Link { name: "Logs".to_owned(), url: format!("{service}/logs?region={region}") },
    ];
    if let Some((family, number)) = revision.and_then(|revision| revision.rsplit_once(':')) {
        let url = format!("{start}/task-definitions/{}/{}?region={region}", encode(family), encode(number));
        links.push(Link { name: "Task definition".to_owned(), url });
    }
    links
}

/// A deployment's page in the CodeDeploy console; none for one that ECS carries out.
pub(super) fn of_code_deploy(place: Place<'_>, deployment: &DeploymentId) -> Option<Link> {
    let domain = console(place.home.partition.as_str()).filter(|_| deployment.is_of_code_deploy())?;
    let (region, id) = (encode(place.home.region.as_str()), encode(deployment.as_str()));
    let url = format!("https://{region}.console.{domain}/codesuite/codedeploy/deployments/{id}?region={region}");
    Some(Link { name: "CodeDeploy".to_owned(), url })
}

/// The log of the container that died, in the CloudWatch console.
pub(super) fn of_log(place: Place<'_>, log: &LogStream) -> Option<Link> {
    let domain = console(place.home.partition.as_str())?;
    // The console's own way to write a path behind `#`: escaped twice, with `$` for the outer `%`.
    let part = |text: &str| encode(&encode(text)).replace('%', "$");
    let region = encode(&log.region);
    let (group, stream) = (part(&log.group), part(&log.stream));
    Some(Link {
        name: "Log of the failed task".to_owned(),
        url: format!(
            "https://{region}.console.{domain}/cloudwatch/home?region={region}#logsV2:log-groups/log-group/{group}/log-events/{stream}"
        ),
    })
}

fn console(partition: &str) -> Option<&'static str> {
    match partition {
        "aws" => Some("aws.amazon.com"),
        "aws-cn" => Some("amazonaws.cn"),
        "aws-us-gov" => Some("amazonaws-us-gov.com"),
        "aws-eusc" => Some("amazonaws-eusc.eu"),
        // A wrong link is worse than none.
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::{ClusterName, Home, ServiceName};

    #[track_caller]
    fn check(arn: &str, service: &str, expected: Option<&str>) {
        let home = Home::of_arn(arn).unwrap();
        let (cluster, service) = (ClusterName::new("prod"), ServiceName::new(service));
        let links = of_service(Place { home: &home, cluster: &cluster, service: &service }, Some("web:42"));
        assert_eq!(links.first().map(|link| link.url.as_str()), expected);
    }

    #[test]
    fn each_partition_has_its_own_console() {
        check(
            "arn:aws:lambda:eu-west-1:123456789012:function:track",
            "web",
            Some(
                "https://eu-west-1.console.aws.amazon.com/ecs/v2/clusters/prod/services/web/deployments?region=eu-west-1",
            ),
        );
        check(
            "arn:aws-cn:lambda:cn-north-1:123456789012:function:track",
            "web",
            Some(
                "https://cn-north-1.console.amazonaws.cn/ecs/v2/clusters/prod/services/web/deployments?region=cn-north-1",
            ),
        );
        check(
            "arn:aws-us-gov:lambda:us-gov-west-1:123456789012:function:track",
            "a b/ü",
            Some(
                "https://us-gov-west-1.console.amazonaws-us-gov.com/ecs/v2/clusters/prod/services/a%20b%2F%C3%BC\
                 /deployments?region=us-gov-west-1",
            ),
        );
        check("arn:aws-iso:lambda:us-iso-east-1:123456789012:function:track", "web", None);
    }

    #[test]
    fn the_log_of_a_container_is_found_by_group_and_stream() {
        let home = Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:track").unwrap();
        let (cluster, service) = (ClusterName::new("prod"), ServiceName::new("web"));
        let log = LogStream {
            region: "us-east-1".to_owned(),
            group: "/ecs/web".to_owned(),
            stream: "shop/web/0ebb429f".to_owned(),
        };
        let link = of_log(Place { home: &home, cluster: &cluster, service: &service }, &log);
        assert_eq!(
            link.map(|link| link.url).as_deref(),
            Some(
                "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1\
                 #logsV2:log-groups/log-group/$252Fecs$252Fweb/log-events/shop$252Fweb$252F0ebb429f"
            )
        );
    }
}
