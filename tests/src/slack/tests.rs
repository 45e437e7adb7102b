//! This Slack refuses what the real one does.

use serde_json::json;

use super::*;

#[test]
fn a_message_s_shape_is_held_against_slack_s_limits() {
    let known = ["text", "blocks", "attachments"];
    let check = |body: Value| check::message(&body, &known);
    let section =
        |length: usize| json!({ "type": "section", "text": { "type": "mrkdwn", "text": "x".repeat(length) } });
    assert_eq!(check(json!({ "text": "hello", "blocks": [section(3_000)] })), Ok(()));
    assert_eq!(check(json!({ "blocks": [section(1)] })), Err("no_text"));
    assert_eq!(check(json!({ "text": "x", "icon": ":x:" })), Err("invalid_arguments"));
    assert_eq!(check(json!({ "text": "x", "blocks": [section(3_001)] })), Err("invalid_blocks"));
    assert_eq!(check(json!({ "text": "x", "blocks": [section(0)] })), Err("invalid_blocks"));
    assert_eq!(check(json!({ "text": "x", "blocks": vec![section(10); 51] })), Err("invalid_blocks"));
    assert_eq!(check(json!({ "text": "x", "blocks": vec![section(3_000); 5] })), Err("msg_blocks_too_long"));
    let header = json!({ "type": "header", "text": { "type": "plain_text", "text": "x".repeat(151) } });
    assert_eq!(check(json!({ "text": "x", "blocks": [header] })), Err("invalid_blocks"));
    let fields = json!({ "type": "section", "fields": vec![json!({ "type": "mrkdwn", "text": "x" }); 11] });
    assert_eq!(check(json!({ "text": "x", "blocks": [fields] })), Err("invalid_blocks"));
    assert_eq!(check(json!({ "text": "x", "attachments": [{ "color": "red" }] })), Err("invalid_attachments"));
}

#[test]
fn a_channel_takes_a_message_a_second() {
    let mut state = State::new();
    let start = SystemTime::UNIX_EPOCH;
    let taken = (0..10).filter(|_| state.admit("C1", start).is_ok()).count();
    assert_eq!(taken, 4);
    assert_eq!(state.admit("C1", start + Duration::from_secs(1)), Ok(()));
    assert_eq!(state.admit("C1", start + Duration::from_secs(1)), Err(Duration::from_secs(1)));
    assert_eq!(state.admit("C2", start), Ok(()));
}
