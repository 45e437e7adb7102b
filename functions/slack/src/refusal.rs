//! What Slack's errors mean for us: <https://docs.slack.dev/reference/methods/chat.postMessage#errors>.

/// Why Slack does not do what was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// The token or the webhook's address is no longer valid; there may be another one by now.
    Secret,
    /// It rejects the layout of the message.
    Layout,
    /// The message that was to be edited or replied to is not there.
    Gone,
    /// It will never do this, until a person changes something in Slack.
    Permanent,
}

impl Refusal {
    /// The meaning of an error; `None` for one that says that Slack is not available.
    pub(crate) fn of(word: &str) -> Option<Self> {
        match word {
            "invalid_auth" | "not_authed" | "token_revoked" | "token_expired" | "account_inactive" => {
                Some(Self::Secret)
            }
            "invalid_blocks"
            | "invalid_blocks_format"
            | "invalid_attachments"
            | "invalid_metadata_format"
            | "invalid_metadata_schema"
            | "metadata_too_large"
            | "msg_blocks_too_long"
            | "msg_too_long"
            | "attachment_payload_limit_exceeded"
            | "too_many_attachments"
            | "markdown_text_conflict" => Some(Self::Layout),
            "message_not_found"
            | "cant_update_message"
            | "edit_window_closed"
            | "thread_not_found"
            | "cannot_reply_to_message" => Some(Self::Gone),
            "internal_error"
            | "fatal_error"
            | "service_unavailable"
            | "request_timeout"
            | "team_added_to_org"
            | "accesslimited" => None,
            _ => Some(Self::Permanent),
        }
    }
}
