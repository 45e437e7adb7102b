//! What is not allowed, and how it is: the sentence for whoever invoked the function in a way that may not do this.

use std::fmt;

use crate::rules::authority::{Alias, Attempt, NotAllowed};
use crate::rules::request::Run;

impl fmt::Display for NotAllowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let function = &self.function;
        let invoke = |alias: Alias| {
            let (name, policy) = (alias.name(), policy(alias));
            format!("invoke {function}:{name}; its policy is the stack's output {policy}")
        };
        let how = match self.qualifier.as_deref() {
            None => "without an alias".to_owned(),
            Some(alias) => format!("through {function}:{alias}"),
        };
        match self.attempt {
            Attempt::Request { action, run, needs } => {
                let dry = match run {
                    Run::Real => "",
                    Run::Dry => "a dry run of ",
                };
                write!(f, "{dry}{action} is not allowed {how}; {}", invoke(needs))
            }
            Attempt::Event => {
                let ask = r#"{"action": "explain", "event": {…}}"#;
                write!(f, "an event is only taken from the template's own rule, and this came {how}; ")?;
                write!(f, "to ask what it would bring about, send {ask}: {}", invoke(Alias::Read))
            }
            Attempt::Scheduled => {
                let ask = r#"{"action": "reconcile"}"#;
                write!(f, "this is only taken from Slipway's own schedules, and it came {how}; ")?;
                write!(f, "to have a service looked at, send {ask}: {}", invoke(Alias::Operate))
            }
        }
    }
}

/// The output of the template that is the alias's policy.
fn policy(alias: Alias) -> &'static str {
    match alias {
        Alias::Read => "ReadPolicyArn",
        Alias::Operate => "OperatePolicyArn",
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use strum::VariantArray as _;

    use super::*;
    use crate::model::id::FunctionArn;
    use crate::rules::authority::{InvokedWith, check};
    use crate::rules::request;

    fn function(end: &str) -> FunctionArn {
        FunctionArn::parse(&format!("arn:aws:lambda:eu-west-1:123456789012:function:slipway-deploy{end}")).unwrap()
    }

    #[test]
    fn a_refused_request_names_the_action_the_way_and_the_fix() {
        #[track_caller]
        fn row(end: &str, request: serde_json::Value, expected: &str) {
            let request = request::parse(request.as_object().unwrap()).unwrap();
            let refused = check(&function(end), InvokedWith::Request(&request)).unwrap_err();
            assert_eq!(refused.to_string(), expected);
        }
        row(
            ":read",
            json!({ "action": "rollback", "target": "prod/web" }),
            "rollback is not allowed through slipway-deploy:read; invoke slipway-deploy:operate; its policy is the stack's \
             output OperatePolicyArn",
        );
        row(
            "",
            json!({ "action": "status" }),
            "status is not allowed without an alias; invoke slipway-deploy:read; its policy is the stack's output ReadPolicyArn",
        );
        row(
            ":beta",
            json!({ "action": "redeploy", "target": "*", "dry_run": true }),
            "a dry run of redeploy is not allowed through slipway-deploy:beta; invoke slipway-deploy:read; its policy is the \
             stack's output ReadPolicyArn",
        );
    }

    #[test]
    fn what_only_comes_by_itself_names_what_to_ask_instead() {
        for (with, expected) in [
            (
                InvokedWith::Event,
                "an event is only taken from the template's own rule, and this came through slipway-deploy:operate; to ask \
                 what it would bring about, send {\"action\": \"explain\", \"event\": {…}}: invoke slipway-deploy:read; its \
                 policy is the stack's output ReadPolicyArn",
            ),
            (
                InvokedWith::Scheduled,
                "this is only taken from Slipway's own schedules, and it came through slipway-deploy:operate; to have a \
                 service looked at, send {\"action\": \"reconcile\"}: invoke slipway-deploy:operate; its policy is the \
                 stack's output OperatePolicyArn",
            ),
        ] {
            assert_eq!(check(&function(":operate"), with).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn the_template_has_the_outputs() {
        let template = include_str!("../../../../infra/template.yaml");
        let (_, outputs) = template.split_once("\nOutputs:\n").unwrap();
        for alias in Alias::VARIANTS {
            assert!(outputs.contains(&format!("\n  {}:\n", policy(*alias))), "{alias:?}");
        }
    }
}
