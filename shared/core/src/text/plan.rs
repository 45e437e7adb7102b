//! A plan as a person reads it, in a dry run, in an answer and in the log.

use std::fmt;

use crate::model::plan::{MadeFrom, NextRevision, Plan, Step, UpdateCall};
use crate::rules::base::LOOK_BACK;

/// The plan as a person reads it: the target and the reason, then a line for each step, then what changes.
impl fmt::Display for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.target, self.reason)?;
        for step in &self.steps {
            write!(f, "\n  - {step}")?;
            if let Step::Register(rendering) = step {
                self.made_from(f, rendering.family())?;
            }
        }
        if let Some(rendering) = self.rendering() {
            for line in rendering.diff.to_string().lines() {
                write!(f, "\n      {line}")?;
            }
        }
        Ok(())
    }
}

impl Plan {
    /// What the new revision is made from, where that is not what anybody would expect.
    fn made_from(&self, f: &mut fmt::Formatter<'_>, family: &str) -> fmt::Result {
        match (&self.made_from, &self.running) {
            (MadeFrom::Family(base), _) => write!(f, ", made from {}", base.short()),
            (MadeFrom::RunningForLack, Some(running)) => write!(
                f,
                ", made from {}, which runs: nobody but Slipway registered one of the newest {LOOK_BACK} revisions of \
                 {family}",
                running.short()
            ),
            (MadeFrom::Running | MadeFrom::RunningForLack, _) => Ok(()),
        }
    }
}

/// So long the description of a deployment of CodeDeploy may be; the API names no number.
const LONGEST_DESCRIPTION: usize = 256;

impl Plan {
    /// What a deployment of CodeDeploy says of itself: the image, why, and who asked for it.
    pub fn description(&self, who: Option<&str>) -> String {
        let who = who.map(|who| format!(", by {who}")).unwrap_or_default();
        let why = format!("{}{who}", self.reason);
        let text = match &self.image {
            Some(it) => format!("Slipway: {} {} ({why})", it.repository, it.new),
            None => format!("Slipway: {why}"),
        };
        text.chars().take(LONGEST_DESCRIPTION).collect()
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register(rendering) => write!(f, "register a new revision of {}", rendering.family()),
            Self::Update { cluster, service, to, call, .. } => {
                let to = match to {
                    NextRevision::Registered => "it",
                    NextRevision::Existing(revision) => revision.short(),
                };
                write!(f, "update {cluster}/{service} to {to}")?;
                match call {
                    UpdateCall::UpdateService { force_new_deployment: false } => Ok(()),
                    UpdateCall::UpdateService { force_new_deployment: true } => {
                        f.write_str(", forcing a new deployment")
                    }
                    UpdateCall::CreateDeployment(it) => write!(f, " by a CodeDeploy deployment of {}", it.group),
                    UpdateCall::UpdateExpressGatewayService { .. } => f.write_str(" by UpdateExpressGatewayService"),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::TargetName;
    use crate::model::image::{Digest, Tag};
    use crate::model::plan::{ImageChange, Shown};
    use crate::model::reason::Reason;

    fn plan(reason: Reason) -> Plan {
        let new = Shown { tag: Tag::parse("1.5.0"), digest: Digest::parse(&format!("sha256:{}", "b".repeat(64))) };
        let image = ImageChange { repository: "shop/web".to_owned(), old: None, new };
        Plan { image: Some(image), ..Plan::nothing(TargetName::new("prod/web"), reason) }
    }

    #[test]
    fn a_deployment_says_what_it_brings_why_and_who_asked() {
        #[track_caller]
        fn check(plan: &Plan, who: Option<&str>, expected: &str) {
            assert_eq!(plan.description(who), expected);
        }
        let pushed = || plan(Reason::Pushed { tag: Tag::parse("1.5.0").unwrap() });
        let asked = || plan(Reason::Asked { image: "1.5.0".to_owned() });
        check(&pushed(), None, "Slipway: shop/web 1.5.0 (1.5.0 was pushed)");
        check(&asked(), Some("ana"), "Slipway: shop/web 1.5.0 (1.5.0 was requested, by ana)");
        check(
            &Plan { image: None, ..plan(Reason::RedeployForced) },
            Some("ana"),
            "Slipway: a redeploy was requested; nothing changes, so a new deployment is forced, by ana",
        );
        let long = pushed().description(Some(&"ä".repeat(300)));
        assert_eq!(long.chars().count(), LONGEST_DESCRIPTION);
        assert!(long.starts_with("Slipway: shop/web 1.5.0 (1.5.0 was pushed, by ä"), "{long}");
    }
}
