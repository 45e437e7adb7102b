//! What people are told where Slack takes no notices, by the other subscriptions: whom to ask, and how nothing is lost.

use jiff::Timestamp;

use crate::model::id::Home;

use crate::model::notice::{Notice, NoticeKind, Severity, VERSION};

impl Notice {
    /// Slack refuses the notices for a channel for good, by its own word, `is_archived`; `secret` is the parameter that
    /// holds the token or the webhook's address. One notice a day for each channel and word.
    pub fn undelivered(home: &Home, channel: &str, word: &str, secret: &str, at: Timestamp) -> Self {
        let (why, mend) = explained(channel, word, secret);
        Self {
            version: VERSION,
            id: format!("slack/{channel}/{word}/{}", at.strftime("%Y-%m-%d")),
            kind: NoticeKind::Undelivered,
            severity: Severity::Failure,
            at,
            headline: format!("Slack takes no notices for {channel}: {word}"),
            reason: format!("{why} Deployments go on; only their messages in Slack are missing."),
            advice: vec![
                mend,
                "Then redrive the dead-letter queue SlackFailed to the queue SlackNotices (both are among the stack's \
                 outputs): it holds every notice that was refused"
                    .to_owned(),
            ],
            partition: Some(home.partition.clone()),
            account: Some(home.account.clone()),
            region: Some(home.region.clone()),
            ..Self::default()
        }
    }
}

/// Slack's word in a sentence, and what mends it.
fn explained(channel: &str, word: &str, secret: &str) -> (String, String) {
    match word {
        "channel_not_found" => (
            format!("Slack knows no channel {channel} that the app can see."),
            format!("Correct the channel's name; if {channel} is private, invite the app: /invite @Slipway"),
        ),
        "not_in_channel" => (
            format!("The app is not in {channel}."),
            format!("Invite it in {channel}: /invite @Slipway, or give the app the scope chat:write.public"),
        ),
        "is_archived" | "channel_is_archived" => (
            format!("{channel} is archived."),
            "Unarchive it, or name another channel in the configuration's `notify`".to_owned(),
        ),
        "missing_scope" => (
            "The app lacks the scope to post.".to_owned(),
            "Give the app the scope chat:write and install it anew".to_owned(),
        ),
        "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" | "no_service"
        | "no_team" | "invalid_token" => (
            format!("Slack refuses what the parameter {secret} holds, also after it was read anew."),
            format!("Install the app anew, and put its new token or webhook address into the parameter {secret}"),
        ),
        _ => (
            format!("Slack refuses to post there: {word}."),
            "Look the word up in the documentation of Slack's chat.postMessage".to_owned(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_says_whom_to_ask() {
        let home = Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:slack").unwrap();
        let at = "2026-09-04T17:00:01Z".parse().unwrap();
        let notice = Notice::undelivered(&home, "#deploys", "is_archived", "/slipway/slack-token", at);
        insta::assert_snapshot!(notice.text(), @r"
Slack takes no notices for #deploys: is_archived

#deploys is archived. Deployments go on; only their messages in Slack are missing.

What you can do:
- Unarchive it, or name another channel in the configuration's `notify`
- Then redrive the dead-letter queue SlackFailed to the queue SlackNotices (both are among the stack's outputs): it holds every notice that was refused

Slipway, 2026-09-04 17:00:01 UTC, account 123456789012 in eu-west-1, notice slack/#deploys/is_archived/2026-09-04
");
        assert_eq!(notice.id, "slack/#deploys/is_archived/2026-09-04");
    }
}
