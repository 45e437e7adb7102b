//! What the other subscribers learn where Slack rejects notices: what to fix, and how nothing is lost.

use jiff::Timestamp;

use crate::model::id::Home;
use crate::model::notice::{Notice, NoticeKind, Severity};

impl Notice {
    /// Slack permanently rejects the notices for a channel, with the error `is_archived`; `secret` is the parameter that
    /// holds the token or the webhook's address. One notice a day for each channel and error.
    pub fn undelivered(home: &Home, channel: &str, error: &str, secret: &str, at: Timestamp) -> Self {
        let (why, fix) = explained(channel, error, secret);
        Self {
            id: format!("slack/{channel}/{error}/{}", at.strftime("%Y-%m-%d")),
            headline: format!("Slack rejects notices for {channel}: {error}"),
            reason: format!("{why} Deployments continue; only their messages in Slack are missing."),
            advice: vec![
                fix,
                "Then redrive the dead-letter queue SlackFailed to the queue SlackNotices (both are among the stack's \
                 outputs): it holds every notice that was rejected"
                    .to_owned(),
            ],
            ..Self::of(home, NoticeKind::Undelivered, Severity::Failure, at)
        }
    }
}

/// Slack's error in a sentence, and what fixes it.
fn explained(channel: &str, error: &str, secret: &str) -> (String, String) {
    match error {
        "channel_not_found" => (
            format!("The app cannot find the channel {channel} in Slack."),
            format!("Correct the channel's name; if {channel} is private, invite the app: /invite @Slipway"),
        ),
        "not_in_channel" => (
            format!("The app is not in {channel}."),
            format!("Invite it to {channel}: /invite @Slipway, or give the app the scope chat:write.public"),
        ),
        "is_archived" | "channel_is_archived" => (
            format!("{channel} is archived."),
            "Unarchive it, or name another channel in the configuration's `notify`".to_owned(),
        ),
        "missing_scope" => (
            "The app lacks the scope to post.".to_owned(),
            "Give the app the scope chat:write and reinstall it".to_owned(),
        ),
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" | "no_service"
        | "no_team" | "invalid_token" => (
            format!("Slack rejects the value of the parameter {secret}, even after it was read again."),
            format!("Reinstall the app, and put its new token or webhook address into the parameter {secret}"),
        ),
        _ => (
            format!("Slack rejects messages there: {error}."),
            "Look the error up in the documentation of Slack's chat.postMessage".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_what_to_fix() {
        let home = Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:slack").unwrap();
        let at = "2026-09-04T17:00:01Z".parse().unwrap();
        let notice = Notice::undelivered(&home, "#deploys", "is_archived", "/slipway/slack-token", at);
        insta::assert_snapshot!(notice.text(), @r"
Slack rejects notices for #deploys: is_archived

#deploys is archived. Deployments continue; only their messages in Slack are missing.

What you can do:
- Unarchive it, or name another channel in the configuration's `notify`
- Then redrive the dead-letter queue SlackFailed to the queue SlackNotices (both are among the stack's outputs): it holds every notice that was rejected

Slipway, 2026-09-04 17:00:01 UTC, account 123456789012 in eu-west-1, notice slack/#deploys/is_archived/2026-09-04
");
        assert_eq!(notice.id, "slack/#deploys/is_archived/2026-09-04");
    }
}
