//! Messages as Slack gets them, and pressed against its limits.

use slipway_core::model::notice::TriggeredBy;
use slipway_core::model::trigger::Trigger;

use super::*;

fn notice() -> Notice {
    let text = r#"{
        "version": 1, "id": "ecs-svc/2/rolled_back", "kind": "rolled_back", "severity": "failure",
        "at": "2026-09-04T17:15:10Z",
        "headline": "Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again",
        "reason": "The deployment failed. ECS rolled back automatically.\nECS says: \"tasks <!channel> failed & died\"",
        "target": "prod/web", "deployment": "ecs-svc/2", "duration_seconds": 910,
        "cause": { "trigger": "push", "event": "13cde686-328b-6117-af20-0e5566167482" }, "tasks": { "running": 2, "desired": 2 },
        "build": { "old": { "commit": "3f2a91c0" },
                   "new": { "commit": "8b1d02e7", "source": "https://github.com/shop/web", "version": "1.5.0" } },
        "details": ["17:12:31 (service web) deployment failed: ```tasks```", "The last lines of web's log:",
                    "| 1", "| 2", "| 3", "| 4", "| 5", "| 6", "| 7", "| 8 <module> died"],
        "advice": ["Fix the image and push it",
                   "Or release it: run `slipway release prod/web`, or invoke the deploy function's alias operate with {\"action\": \"release\", \"target\": \"prod/`web`\"}"],
        "links": [{ "name": "Deployments", "url": "https://eu-west-1.console.aws.amazon.com/ecs/v2?a=1&b=2" },
                  { "name": "Trap", "url": "https://evil.example/|<!here>" }],
        "account": "123456789012", "region": "eu-west-1"
    }"#;
    Notice::parse(text).unwrap()
}

#[test]
fn a_notice_is_laid_out() {
    insta::assert_snapshot!(serde_json::to_string_pretty(&message(&notice())).unwrap(), @r##"
    {
      "text": "↩️ Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again",
      "blocks": [
        {
          "type": "header",
          "text": {
            "type": "plain_text",
            "text": "↩️ Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again",
            "emoji": true
          }
        },
        {
          "type": "section",
          "text": {
            "type": "mrkdwn",
            "text": "The deployment failed. ECS rolled back automatically.\nECS says: \"tasks &lt;!channel&gt; failed &amp; died\""
          }
        }
      ],
      "attachments": [
        {
          "color": "#e01e5a",
          "fallback": "↩️ Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again",
          "blocks": [
            {
              "type": "section",
              "text": {
                "type": "mrkdwn",
                "text": "*What Slipway observed*\n```17:12:31 (service web) deployment failed: '''tasks'''\nThe last lines of web's log:\n| …\n| 3\n| 4\n| 5\n| 6\n| 7\n| 8 &lt;module&gt; died```"
              }
            },
            {
              "type": "section",
              "text": {
                "type": "mrkdwn",
                "text": "*What you can do*\n• Fix the image and push it\n• Or release it: run `slipway release prod/web`, or invoke the deploy function's alias operate with `{\"action\": \"release\", \"target\": \"prod/'web'\"}`"
              }
            },
            {
              "type": "section",
              "fields": [
                {
                  "type": "mrkdwn",
                  "text": "*Deployment*\necs-svc/2"
                },
                {
                  "type": "mrkdwn",
                  "text": "*Triggered by*\nan image push (event 13cde686)"
                },
                {
                  "type": "mrkdwn",
                  "text": "*Commit*\n3f2a91c → 8b1d02e (1.5.0)"
                },
                {
                  "type": "mrkdwn",
                  "text": "*Tasks*\n2 of 2 running"
                },
                {
                  "type": "mrkdwn",
                  "text": "*Took*\n15 min 10 s"
                }
              ]
            },
            {
              "type": "section",
              "text": {
                "type": "mrkdwn",
                "text": "<https://eu-west-1.console.aws.amazon.com/ecs/v2?a=1&amp;b=2|Deployments>  ·  <https://github.com/shop/web/commit/8b1d02e7|Commit>  ·  <https://github.com/shop/web/compare/3f2a91c0...8b1d02e7|Compare>"
              }
            },
            {
              "type": "context",
              "elements": [
                {
                  "type": "mrkdwn",
                  "text": "Slipway, 2026-09-04 17:15:10 UTC, account 123456789012 in eu-west-1"
                }
              ]
            }
          ]
        }
      ]
    }
    "##);
}

#[test]
fn the_thread_has_the_whole_evidence() {
    let glance = message(&notice()).to_string();
    let reply = reply(&notice()).to_string();
    // Of a log the end is what counts.
    assert!(glance.contains("| …") && !glance.contains("| 1") && glance.contains("| 8"));
    assert!(reply.contains("| 1") && reply.contains("| 8"));
    assert!(full_message(&notice()).to_string().contains("| 1"));
    let long = Notice { details: vec![format!("| {}", "<&>".repeat(90)); 12], ..notice() };
    let long = Notice { details: [long.details, vec!["| the end".to_owned()]].concat(), ..long };
    assert!(full_message(&long).to_string().contains("| the end```"));
}

#[test]
fn only_a_request_is_set_as_code() {
    assert_eq!(step("Put it back: {\"action\": \"x`\"} now"), "Put it back: `{\"action\": \"x'\"}` now");
    assert_eq!(step("Fix `it` <now>"), "Fix 'it' &lt;now&gt;");
    assert_eq!(step("} {\"action\""), "} {\"action\"");
}

#[test]
fn a_kind_of_a_later_version_is_posted_with_its_headline() {
    let later = Notice { kind: NoticeKind::Unknown, ..notice() };
    assert_eq!(message(&later)["text"], "❌ Deploy failed on prod/web: shop/web:1.5.0, 1.4.2 runs again");
    assert_eq!(message(&Notice::default())["text"], "ℹ️ Slipway: unknown");
}

#[test]
fn slack_s_limits_hold_whatever_the_notice() {
    let texts = ["&", "<!channel> ", "🚢", "x", "`", "\n", "\u{202E}א", "*_~", "\u{0}"]
        .map(|text| text.repeat(100_000 / text.len()));
    for text in &texts {
        let link = |name: &str| Link { name: name.to_owned(), url: format!("https://a.example/{}", "a".repeat(450)) };
        check_limits(&Notice {
            headline: text.clone(),
            reason: text.clone(),
            cause: Some(TriggeredBy { trigger: Trigger::from(text.as_str()), event: None, who: Some(text.clone()) }),
            details: vec![text.clone(); 50],
            advice: vec![text.clone(); 50],
            links: vec![link(&text[..text.char_indices().nth(80).unwrap().0]); 50],
            ..notice()
        });
    }
    check_limits(&Notice::default());
}

#[track_caller]
fn check_limits(notice: &Notice) {
    for message in [message(notice), reply(notice), full_message(notice), plain(notice)] {
        let length = |value: &Value| value.as_str().map_or(0, |text| text.chars().count());
        assert!((1..=3_000).contains(&length(&message["text"])));
        let top = message["blocks"].as_array().unwrap();
        let within = message["attachments"].as_array().unwrap().iter().flat_map(|it| it["blocks"].as_array().unwrap());
        let blocks: Vec<&Value> = top.iter().chain(within).collect();
        assert!(blocks.len() <= 50);
        for block in &blocks {
            let text = length(&block["text"]["text"]);
            assert!(text <= if block["type"] == "header" { 150 } else { 3_000 }, "{text}");
            assert!(block["type"] != "section" || text > 0 || block["fields"].is_array(), "{block}");
            for field in block["fields"].as_array().into_iter().flatten() {
                assert!((1..=2_000).contains(&length(&field["text"])));
            }
            assert!(block["fields"].as_array().is_none_or(|fields| (1..=10).contains(&fields.len())));
        }
        let all = message.to_string();
        assert!(all.chars().count() < 12_000 + 1_500, "{}", all.chars().count());
        assert!(texts(&message) < 12_000, "{}", texts(&message));
        assert!(!all.contains("<!") && !all.contains('\u{202E}'));
    }
}

/// The characters of all texts in a message.
fn texts(value: &Value) -> usize {
    match value {
        Value::String(text) => text.chars().count(),
        Value::Array(items) => items.iter().map(texts).sum(),
        Value::Object(members) => members.values().map(texts).sum(),
        _ => 0,
    }
}
