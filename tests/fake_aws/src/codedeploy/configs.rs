//! Deployment configurations: how CodeDeploy shifts the traffic. Only those that AWS has predefined for ECS.

use jiff::SignedDuration;
use serde_json::json;

use super::refused;
use crate::identity;
use crate::refusal::{Answer, Members, Refusal, text};
use crate::time::epoch_seconds;

/// A deployment configuration.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) name: &'static str,
    routing: Routing,
}

#[derive(Debug)]
enum Routing {
    AllAtOnce,
    /// So many percent at once, and again each time so many minutes are over.
    Linear {
        percent: i64,
        minutes: i64,
    },
    /// So many percent at once, and the rest after so many minutes.
    Canary {
        percent: i64,
        minutes: i64,
    },
}

const CONFIGS: [Config; 5] = [
    Config { name: "CodeDeployDefault.ECSAllAtOnce", routing: Routing::AllAtOnce },
    linear("CodeDeployDefault.ECSLinear10PercentEvery1Minutes", 1),
    linear("CodeDeployDefault.ECSLinear10PercentEvery3Minutes", 3),
    canary("CodeDeployDefault.ECSCanary10Percent5Minutes", 5),
    canary("CodeDeployDefault.ECSCanary10Percent15Minutes", 15),
];

const fn linear(name: &'static str, minutes: i64) -> Config {
    Config { name, routing: Routing::Linear { percent: 10, minutes } }
}

const fn canary(name: &'static str, minutes: i64) -> Config {
    Config { name, routing: Routing::Canary { percent: 10, minutes } }
}

/// The configuration of this name; ECS's standard where there is no name.
pub(super) fn named(name: Option<&str>) -> Result<&'static Config, Refusal> {
    let name = name.unwrap_or(CONFIGS[0].name);
    CONFIGS.iter().find(|config| config.name == name).ok_or_else(|| {
        refused("DeploymentConfigDoesNotExist", format!("No Deployment Configuration found for name: {name}"))
    })
}

/// GetDeploymentConfig.
pub(super) fn get(request: &Members) -> Answer {
    let config = named(text(request, "deploymentConfigName"))?;
    let routing = match &config.routing {
        Routing::AllAtOnce => json!({ "type": "AllAtOnce" }),
        Routing::Linear { percent, minutes } => json!({
            "type": "TimeBasedLinear",
            "timeBasedLinear": { "linearPercentage": percent, "linearInterval": minutes },
        }),
        Routing::Canary { percent, minutes } => json!({
            "type": "TimeBasedCanary",
            "timeBasedCanary": { "canaryPercentage": percent, "canaryInterval": minutes },
        }),
    };
    Ok(json!({ "deploymentConfigInfo": {
        "deploymentConfigId": identity::uuid(config.name, 0),
        "deploymentConfigName": config.name,
        "computePlatform": "ECS",
        "createTime": epoch_seconds(jiff::Timestamp::UNIX_EPOCH),
        "trafficRoutingConfig": routing,
    }}))
}

impl Config {
    /// How many percent of the traffic the replacement has so long after the shift began.
    pub(super) fn shifted_after(&self, time: SignedDuration) -> i64 {
        match self.routing {
            Routing::AllAtOnce => 100,
            Routing::Linear { percent, minutes } => (percent * (1 + time.as_mins() / minutes)).min(100),
            Routing::Canary { percent, minutes } if time.as_mins() < minutes => percent,
            Routing::Canary { .. } => 100,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn traffic_shifts_in_steps() {
        let check = |name: &str, minutes: &[i64], expected: &[i64]| {
            let config = named(Some(&format!("CodeDeployDefault.ECS{name}"))).unwrap();
            let shifted = minutes.iter().map(|it| config.shifted_after(SignedDuration::from_mins(*it)));
            assert_eq!(shifted.collect::<Vec<_>>(), expected, "{name}");
        };
        check("AllAtOnce", &[0, 9], &[100, 100]);
        check("Linear10PercentEvery1Minutes", &[0, 1, 8, 9, 60], &[10, 20, 90, 100, 100]);
        check("Linear10PercentEvery3Minutes", &[0, 2, 3, 26, 27], &[10, 10, 20, 90, 100]);
        check("Canary10Percent5Minutes", &[0, 4, 5], &[10, 10, 100]);
        check("Canary10Percent15Minutes", &[0, 14, 15], &[10, 10, 100]);
        assert_eq!(named(None).unwrap().name, "CodeDeployDefault.ECSAllAtOnce");
        assert_eq!(named(Some("OneAtATime")).unwrap_err().code, "DeploymentConfigDoesNotExistException");
    }
}
