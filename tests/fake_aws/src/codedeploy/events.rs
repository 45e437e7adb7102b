//! The event that CodeDeploy sends when the state of a deployment changes. It does so as best it can: no decision may wait for one.

use serde_json::json;

use super::Context;
use super::deployments::Deployment;
use crate::events::envelope;

impl Deployment {
    /// Sends the event of this state: `START`, `READY`, `SUCCESS`, `FAILURE` or `STOP`. Nothing is sent when traffic shifts.
    pub(super) fn send(&self, context: &mut Context<'_, '_>, state: &str) {
        let place = context.around.place;
        let application = place.arn("codedeploy", &format!("application:{}", self.application));
        let group = place.arn("codedeploy", &format!("deploymentgroup:{}/{}", self.application, self.group));
        let detail = json!({
            "instanceGroupId": self.group_id,
            "region": place.region,
            "application": self.application,
            "deploymentId": self.id,
            "state": state,
            "deploymentGroup": self.group,
        });
        let name = "CodeDeploy Deployment State-change Notification";
        let event = envelope(place, context.now(), "aws.codedeploy", name, &[&application, &group], detail);
        context.around.events.push(event);
    }
}
