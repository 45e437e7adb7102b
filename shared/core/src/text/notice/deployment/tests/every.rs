//! What holds of every notice of a deployment, whatever the news is.

use super::*;

/// Every news, of every record.
pub(super) fn all() -> Vec<Notice> {
    let decisions = [
        update(),
        RollbackDecision::Update(
            Destination::Anew {
                base: Revision {
                    arn: TaskDefinitionArn::new("web:41"),
                    definition: serde_json::Map::new(),
                    tags: Vec::new(),
                },
                ran: Vec::new(),
                because: RegisterReason::TagMoved,
            }
            .into(),
        ),
        RollbackDecision::NoRollback(NoRollback::Off),
        RollbackDecision::NoRollback(NoRollback::Notify(Box::new(update()))),
        RollbackDecision::ManualAction(ManualAction::IsRollback),
        RollbackDecision::ManualAction(ManualAction::NoneUsable(vec![archived()])),
        restoring(),
    ];
    let outcomes = [
        Outcome::Completed,
        Outcome::Failed,
        Outcome::Superseded,
        Outcome::RolledBackByEcs,
        Outcome::RolledBackBySlipway,
        Outcome::RollbackFailed,
        Outcome::Stopped,
        Outcome::TimedOut,
        Outcome::External,
    ];
    let ends = outcomes.map(end);
    let bare = Deployment { image: None, revision: RevisionChange::default(), ..failing(FailedBy::Ecs) };
    let state = record::DeploymentState::Intended { previous_primary: None };
    let nobody = Deployment { state, event: None, ..bare.clone() };
    let hook = hook(OnTimeout::RollsBack);
    let mut notices = Vec::new();
    let ours = [deployment(), failing(FailedBy::Tasks), failing(FailedBy::Deadline), rolled_back()];
    let of_code_deploy = ours.clone().map(code_deploy::by_code_deploy);
    for deployment in ours.into_iter().chain([external(), bare, nobody]).chain(of_code_deploy) {
        let mut news = vec![News::InProgress];
        news.extend([Milestone::TestTraffic, Milestone::Shifting, Milestone::Serving].map(News::Reached));
        news.extend([false, true].map(|again| paused(&hook, again)));
        news.extend(
            [RollbackInitiator::Ecs, RollbackInitiator::Slipway, RollbackInitiator::Somebody]
                .map(|by| News::RollingBack { by, to: None }),
        );
        for end in &ends {
            news.push(News::Ended { end, next: None });
            news.extend(decisions.iter().map(|next| News::Ended { end, next: Some(next) }));
        }
        notices.extend(news.iter().map(|news| notice(&deployment, news)));
    }
    notices
}

#[test]
fn every_notice_reads_as_sentences() {
    for notice in all() {
        for text in [&notice.headline, &notice.reason] {
            for blot in ["  ", "..", " .", " ,", "None", "Some(", ". .", ":.", "the the"] {
                assert!(!text.contains(blot), "{blot:?} in {text:?}");
            }
        }
        assert!(notice.reason.ends_with(['.', '"']), "{}", notice.reason);
        assert!(!notice.headline.ends_with(['.', ',', ' ']), "{}", notice.headline);
        assert!(notice.advice.iter().all(|advice| !advice.ends_with('.')), "{:?}", notice.advice);
        assert_eq!(Notice::parse(&notice.json()), Some(notice));
    }
}

#[test]
fn the_same_observed_twice_makes_a_copy_and_the_rank_only_grows() {
    let id = |deployment: &Deployment, news: &News<'_>| notice(deployment, news).id;
    let completed = end(Outcome::Completed);
    let done = News::Ended { end: &completed, next: None };
    assert_eq!(id(&deployment(), &done), "ecs-svc/2/completed");
    assert_eq!(id(&external(), &done), "ecs-svc/2/external/completed");
    assert_eq!(
        id(&rolled_back(), &News::RollingBack { by: RollbackInitiator::Slipway, to: None }),
        "ecs-svc/2/rolling_back"
    );
    let ranks = [NoticeKind::Started, NoticeKind::InProgress, NoticeKind::RollingBack, NoticeKind::RolledBack];
    let ranks = ranks.map(NoticeKind::rank);
    assert!(ranks.is_sorted_by(|one, next| one < next));
    for notice in all().iter().filter(|notice| notice.id.starts_with("ecs-svc/2/") && !notice.id.contains("external")) {
        let ending = !matches!(
            notice.kind,
            NoticeKind::InProgress | NoticeKind::Paused | NoticeKind::RollingBack | NoticeKind::External
        );
        assert_eq!(notice.kind.rank() == 4, ending, "{:?}", notice.kind);
    }
    // An end is an assessment too.
    assert!(matches!(Assessment::from(completed), Assessment::Ended(_)));
}
