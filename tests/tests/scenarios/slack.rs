//! Scenarios about Slack: one living message for each deployment, whatever comes in which order, and whatever Slack does.

use std::time::Duration;

use insta::assert_snapshot;
use libtest_mimic::Trial;
use slipway_core::model::notice::{Notice, NoticeKind};

use crate::room::{By, Room, notice, route};
use crate::scenario::{Scenario, WEB};
use crate::{scenarios, trial};

pub(crate) fn scenarios() -> Vec<Trial> {
    scenarios!("slack" {
        a_deployment_is_one_message
        a_failure_and_its_rollback_are_one_message_and_a_word_to_the_channel
        notices_in_any_order_show_the_end
        a_webhook_reports_the_start_and_the_end
        two_channels_by_severity
        two_hundred_deployments_at_once
        a_new_token_is_read_when_the_old_one_is_refused
        a_revoked_token_puts_the_notices_aside_and_is_reported_once
        an_archived_channel_loses_nothing_in_another
        slack_is_down_for_an_hour
        a_pause_that_slack_asks_for_is_kept
        a_refused_layout_costs_only_the_layout
        a_deleted_message_is_made_anew
        a_notice_carries_its_target_s_channels
        a_crash_in_the_middle_is_completed_later
        a_crash_at_the_post_may_double_a_message_and_loses_none
    })
}

async fn a_deployment_is_one_message(name: &'static str) {
    let mut room = Room::open(name, By::Bot).await;
    for (kind, second) in [(NoticeKind::Started, 0), (NoticeKind::InProgress, 5), (NoticeKind::Completed, 90)] {
        let notice = notice("1", kind, second);
        room.deliver(&notice).await;
        // Every notice comes twice.
        room.deliver(&notice).await;
    }
    assert_snapshot!(room.slack.view("#deploys"), @"✅ Deployed to prod/web: 1.1.0 (edited 2×)");
    assert_eq!(room.slack.asked().len(), 3);
    room.close();
}

async fn a_failure_and_its_rollback_are_one_message_and_a_word_to_the_channel(name: &'static str) {
    let mut room = Room::open(name, By::Bot).await;
    for (kind, second) in [(NoticeKind::Started, 0), (NoticeKind::RollingBack, 60), (NoticeKind::RolledBack, 120)] {
        room.deliver(&notice("1", kind, second)).await;
    }
    room.deliver(&notice("2", NoticeKind::Started, 200)).await;
    room.deliver(&notice("2", NoticeKind::Completed, 260)).await;
    assert_snapshot!(room.slack.view("#deploys"), @r"
    ↩️ Deploy failed, rolled back on prod/web: 1.1.0 (edited 2×)
      ↳ 🔻 Rolling back on prod/web: 1.1.0 (also in the channel)
      ↳ ↩️ Deploy failed, rolled back on prod/web: 1.1.0
    ✅ Deployed to prod/web: 1.2.0 (edited 1×)
    ");
    assert_eq!(answers(&room, "ok"), room.slack.asked().len());
    room.close();
}

async fn notices_in_any_order_show_the_end(name: &'static str) {
    let kinds = [NoticeKind::Started, NoticeKind::InProgress, NoticeKind::Completed];
    let mut room = Room::open(name, By::Bot).await;
    let orders = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
    for (deployment, order) in orders.into_iter().enumerate() {
        for at in order {
            room.publish(&notice(&deployment.to_string(), kinds[at], at as i64));
        }
    }
    room.run().await;
    let messages = room.slack.messages("#deploys");
    assert_eq!(messages.len(), orders.len());
    for message in messages {
        assert!(message.body["text"].as_str().unwrap_or_default().starts_with("✅ Deployed"), "{message:#?}");
    }
    room.close();
}

async fn a_webhook_reports_the_start_and_the_end(name: &'static str) {
    let mut room = Room::open(name, By::Webhook).await;
    for (kind, second) in [
        (NoticeKind::Started, 0),
        (NoticeKind::InProgress, 5),
        (NoticeKind::Completed, 90),
        (NoticeKind::InProgress, 6),
    ] {
        let notice = notice("1", kind, second);
        room.deliver(&notice).await;
        room.deliver(&notice).await;
    }
    assert_snapshot!(room.slack.view("#webhook"), @r"
    ⏳ Deploying to prod/web: 1.1.0
    ✅ Deployed to prod/web: 1.1.0
    ");
    room.slack.rotate();
    room.keep_secret(By::Webhook);
    room.deliver(&notice("2", NoticeKind::Started, 100)).await;
    assert_eq!(room.slack.messages("#webhook").len(), 3, "the webhook's new address was read");
    room.close();
}

async fn two_channels_by_severity(name: &'static str) {
    let mut room = Room::open(name, By::Bot).await;
    let routes = [route("#deploys", &[]), route("#incidents", &["failed", "rolled_back"])];
    let well = [(NoticeKind::Started, 0), (NoticeKind::Completed, 9)].map(|(kind, second)| notice("1", kind, second));
    let wrong = [(NoticeKind::Started, 20), (NoticeKind::RollingBack, 30), (NoticeKind::RolledBack, 40)]
        .map(|(kind, second)| notice("2", kind, second));
    // A failure that turns out to be none of that deployment is shown where the failure was.
    let taken_over =
        [(NoticeKind::RollingBack, 50), (NoticeKind::Superseded, 60)].map(|(kind, second)| notice("3", kind, second));
    for notice in well.into_iter().chain(wrong).chain(taken_over) {
        room.deliver(&notice.routed(&routes)).await;
    }
    assert_snapshot!(room.slack.view("#deploys"), @r"
    ✅ Deployed to prod/web: 1.1.0 (edited 1×)
    ↩️ Deploy failed, rolled back on prod/web: 1.2.0 (edited 2×)
      ↳ 🔻 Rolling back on prod/web: 1.2.0 (also in the channel)
      ↳ ↩️ Deploy failed, rolled back on prod/web: 1.2.0
    ℹ️ Something happened to prod/web: 1.3.0 (edited 1×)
      ↳ 🔻 Rolling back on prod/web: 1.3.0
    ");
    assert_snapshot!(room.slack.view("#incidents"), @r"
    ↩️ Deploy failed, rolled back on prod/web: 1.2.0 (edited 1×)
      ↳ 🔻 Rolling back on prod/web: 1.2.0
      ↳ ↩️ Deploy failed, rolled back on prod/web: 1.2.0
    ℹ️ Something happened to prod/web: 1.3.0 (edited 1×)
      ↳ 🔻 Rolling back on prod/web: 1.3.0
    ");
    room.close();
}

async fn two_hundred_deployments_at_once(name: &'static str) {
    const DEPLOYMENTS: usize = 200;
    let mut room = Room::open(name, By::Bot).await;
    let begin = room.world.time()();
    for kind in [NoticeKind::Started, NoticeKind::Completed] {
        for deployment in 0..DEPLOYMENTS {
            room.publish(&notice(&deployment.to_string(), kind, kind.rank().into()));
        }
    }
    room.run().await;

    let messages = room.slack.messages("#deploys");
    let texts: std::collections::BTreeSet<&str> =
        messages.iter().filter_map(|message| message.body["text"].as_str()).collect();
    assert_eq!((messages.len(), texts.len()), (DEPLOYMENTS, DEPLOYMENTS), "nothing lost, nothing doubled");
    assert!(texts.iter().all(|text| text.starts_with("✅ Deployed")), "{texts:#?}");

    // Slack had to refuse none, because no second saw more than one message, but for the functions' own unpunctuality.
    let asked = room.slack.asked();
    assert_eq!(answers(&room, "ok"), asked.len());
    let mut times: Vec<Duration> =
        asked.iter().map(|asked| asked.at.duration_since(begin).unwrap_or_default()).collect();
    times.sort_unstable();
    for window in [10, 60] {
        for (at, time) in times.iter().enumerate() {
            let within = times[at..].iter().take_while(|other| **other < *time + Duration::from_secs(window)).count();
            assert!(within as u64 <= window + 3, "{within} messages within {window} s");
        }
    }
    room.close();
}

async fn a_new_token_is_read_when_the_old_one_is_refused(name: &'static str) {
    let mut room = Room::open(name, By::Bot).await;
    room.deliver(&notice("1", NoticeKind::Started, 0)).await;
    room.slack.rotate();
    room.keep_secret(By::Bot);
    room.deliver(&notice("1", NoticeKind::Completed, 60)).await;
    assert_snapshot!(room.slack.view("#deploys"), @"✅ Deployed to prod/web: 1.1.0 (edited 1×)");
    assert_eq!(answers(&room, "invalid_auth"), 1);
    room.close();
}

async fn a_revoked_token_puts_the_notices_aside_and_is_reported_once(name: &'static str) {
    let mut room = Room::open(name, By::Bot).await;
    room.slack.rotate();
    for deployment in ["1", "2", "3"] {
        room.publish(&notice(deployment, NoticeKind::Started, 0));
    }
    room.run_once().await;
    room.deliver(&notice("4", NoticeKind::Started, 0)).await;
    assert_eq!(room.waiting(), 0);
    let subjects: Vec<String> = room.world.notices().into_iter().map(|notice| notice.subject).collect();
    assert_eq!(subjects, ["Slack rejects notices for #deploys: invalid_auth"]);

    // Somebody puts the new token there, and redrives.
    room.keep_secret(By::Bot);
    let aside = room.world.take_from(&room.refused);
    assert_eq!(aside.len(), 4);
    for body in aside {
        room.enqueue(body);
    }
    room.run().await;
    assert_eq!(room.slack.messages("#deploys").len(), 4);
    let names_it =
        room.world.calls().iter().any(|call| call.service != "SSM" && call.request.to_string().contains("secret-"));
    assert!(!names_it, "the token is nowhere");
    room.close();
}

async fn an_archived_channel_loses_nothing_in_another(name: &'static str) {
    let mut room = Room::open(name, By::Bot).await;
    room.slack.archive("#incidents");
    let routes = [route("#incidents", &[]), route("#deploys", &[])];
    for (kind, second) in [(NoticeKind::Started, 0), (NoticeKind::Completed, 60)] {
        room.deliver(&notice("1", kind, second).routed(&routes)).await;
    }
    assert_snapshot!(room.slack.view("#deploys"), @"✅ Deployed to prod/web: 1.1.0 (edited 1×)");
    let aside: Vec<Notice> = room.world.take_from(&room.refused).iter().filter_map(|it| Notice::parse(it)).collect();
    assert_eq!(aside.len(), 2);
    assert!(
        aside.iter().all(|notice| notice.notify == [route("#incidents", &[])]),
        "a redrive repeats nothing elsewhere"
    );
    let subjects: Vec<String> = room.world.notices().into_iter().map(|notice| notice.subject).collect();
    assert_eq!(subjects, ["Slack rejects notices for #incidents: is_archived"]);
    room.close();
}

async fn slack_is_down_for_an_hour(name: &'static str) {
    let mut room = Room::open(name, By::Bot).await;
    room.deliver(&notice("1", NoticeKind::Started, 0)).await;
    room.slack.go_down();
    for (deployment, kind, second) in [
        ("1", NoticeKind::InProgress, 5),
        ("2", NoticeKind::Started, 10),
        ("1", NoticeKind::Completed, 60),
        ("2", NoticeKind::RollingBack, 70),
    ] {
        room.deliver(&notice(deployment, kind, second)).await;
    }
    for _ in 0..10 {
        room.world.advance(Duration::from_secs(360));
        room.run_once().await;
    }
    assert_eq!(room.waiting(), 4, "nothing is lost, nothing is put aside");
    room.slack.come_back();
    room.run().await;
    assert_snapshot!(room.slack.view("#deploys"), @r"
    ✅ Deployed to prod/web: 1.1.0 (edited 2×)
    🔻 Rolling back on prod/web: 1.2.0 (edited 1×)
      ↳ 🔻 Rolling back on prod/web: 1.2.0 (also in the channel)
    ");
    room.close();
}

async fn a_pause_that_slack_asks_for_is_kept(name: &'static str) {
    let mut room = Room::open(name, By::Bot).await;
    let begin = room.world.time()();
    room.slack.ask_for_a_pause(Duration::from_secs(7));
    room.deliver(&notice("1", NoticeKind::Started, 0)).await;
    let [message] = &room.slack.messages("#deploys")[..] else { panic!("one message") };
    assert!(message.at.duration_since(begin).unwrap_or_default() >= Duration::from_secs(7));

    // Longer than the function has: the queue brings it again.
    room.slack.ask_for_a_pause(Duration::from_secs(600));
    room.deliver(&notice("2", NoticeKind::Started, 0)).await;
    assert_eq!(room.waiting(), 1);
    let begin = room.world.time()();
    room.run().await;
    let [_, message] = &room.slack.messages("#deploys")[..] else { panic!("two messages") };
    assert!(message.at.duration_since(begin).unwrap_or_default() >= Duration::from_secs(590));
    room.close();
}

async fn a_refused_layout_costs_only_the_layout(name: &'static str) {
    let mut room = Room::open(name, By::Bot).await;
    room.slack.dislike_blocks(1);
    room.deliver(&notice("1", NoticeKind::Started, 0)).await;
    let [message] = &room.slack.messages("#deploys")[..] else { panic!("one message") };
    assert_snapshot!(message.body["text"].as_str().unwrap_or_default(), @r"
    ⏳ Deploying to prod/web: 1.1.0
    As the scenario has it.
    ");
    room.close();
}

async fn a_deleted_message_is_made_anew(name: &'static str) {
    let mut room = Room::open(name, By::Bot).await;
    room.deliver(&notice("1", NoticeKind::Started, 0)).await;
    room.slack.sweep("#deploys");
    room.deliver(&notice("1", NoticeKind::RollingBack, 60)).await;
    room.deliver(&notice("1", NoticeKind::RolledBack, 120)).await;
    assert_snapshot!(room.slack.view("#deploys"), @r"
    ↩️ Deploy failed, rolled back on prod/web: 1.1.0 (edited 1×)
      ↳ 🔻 Rolling back on prod/web: 1.1.0
      ↳ ↩️ Deploy failed, rolled back on prod/web: 1.1.0
    ");
    room.close();
}

async fn a_notice_carries_its_target_s_channels(name: &'static str) {
    let config = WEB.replace("tags:", "notify: [{slack: \"#shop\", on: [failure]}], tags:");
    let mut scenario = Scenario::begin(name, &config).await;
    scenario.web_runs("1.4.2");
    scenario.push_web("1.5.0").await;
    let completed = scenario.world.complete("prod", "web").events;
    for event in &completed {
        scenario.track(event).await;
    }
    let notices = scenario.notices();
    assert!(notices.len() >= 2, "a start and an end: {notices:#?}");
    for notice in notices {
        let faces: serde_json::Value = serde_json::from_str(&notice.message).expect("faces");
        let notice = Notice::parse(faces["sqs"].as_str().unwrap_or_default()).expect("a notice");
        assert_eq!(notice.notify, [route("#shop", &["failure"])], "{}", notice.id);
    }
    scenario.world.take_calls();
    scenario.end();
}

async fn a_crash_in_the_middle_is_completed_later(name: &'static str) {
    let mut room = Room::open(name, By::Bot).await;
    room.deliver(&notice("1", NoticeKind::Started, 0)).await;
    // The edit is made, but not written down; the reply is not made.
    room.publish(&notice("1", NoticeKind::RollingBack, 60));
    room.crash_when_slack_was_asked(2).await;
    room.deliver(&notice("1", NoticeKind::RolledBack, 120)).await;
    assert_eq!(room.waiting(), 2, "the dead one's turn is not over yet");
    room.run().await;
    assert_snapshot!(room.slack.view("#deploys"), @r"
    ↩️ Deploy failed, rolled back on prod/web: 1.1.0 (edited 3×)
      ↳ 🔻 Rolling back on prod/web: 1.1.0 (also in the channel)
      ↳ ↩️ Deploy failed, rolled back on prod/web: 1.1.0
    ");
    room.close();
}

async fn a_crash_at_the_post_may_double_a_message_and_loses_none(name: &'static str) {
    let mut room = Room::open(name, By::Bot).await;
    room.publish(&notice("1", NoticeKind::Started, 0));
    room.crash_when_slack_was_asked(1).await;
    room.run().await;
    room.deliver(&notice("1", NoticeKind::Completed, 60)).await;
    assert_snapshot!(room.slack.view("#deploys"), @r"
    ⏳ Deploying to prod/web: 1.1.0
    ✅ Deployed to prod/web: 1.1.0 (edited 1×)
    ");
    let named = |at: usize| room.slack.messages("#deploys")[at].body["metadata"]["event_payload"]["notice"].clone();
    assert_eq!((named(0), named(1)), ("ecs-svc/1/started".into(), "ecs-svc/1/completed".into()));
    room.close();
}

/// How often Slack answered so.
fn answers(room: &Room, answer: &str) -> usize {
    room.slack.asked().iter().filter(|asked| asked.answer == answer).count()
}
