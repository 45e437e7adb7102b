//! Decides how a deployment stands, and how it ended. Pure, and changes nothing.
//!
//! An event is a hint: it comes late, twice, or in another order, and it names neither image nor revision. The record
//! says what was intended, ECS's service deployment and its list of deployments what happened. Success is "this
//! deployment won", never "the service is stable": after a rollback by ECS the service is stable too, and the last event
//! is the *old* deployment's COMPLETED, under its old id.

pub use app_spec::{AppSpec, app_spec, serving_placement};
pub use assess::{Assessment, End, RollbackInitiator, Situation, assess};
pub use code_deploy::{
    can_be_stopped, events_count, makers, may_cut_the_wait, service_deployments, that_started, with_code_deploy,
};
pub use ecs_messages::SKEW;
pub use effect::{Intent, Unanswered, effect, list_decides, of_its_time, unanswered};
pub(in crate::rules) use express::unfit_for_express;
pub use listed::{
    CutShort, awaits_its_tasks, completed_after_all, completed_early, cuts_short, goes_back_to, has_failed,
    has_not_won, has_run, is_completed, is_in_progress, is_primary, is_under_way, may_complete_after_all,
    with_rollouts,
};
pub use monitors::asks_which_was_triggered;
pub use pace::{Because, Pace};
pub use rollback::its_rollback;
pub use service_deployment::{Became, became, belongs_to, its_service_deployment, takes_all_traffic, traffic_shift};
pub use stage::{Milestone, Stage, hook, is_reminder_due, observe_again, pause, stage};
pub use tasks::{fails_repeatedly, is_task_failure, too_many_failed_tasks};
pub use unrecorded::{Unrecorded, unrecorded};

mod app_spec;
mod assess;
mod code_deploy;
mod ecs_messages;
mod effect;
mod express;
mod listed;
mod monitors;
mod pace;
mod rollback;
mod service_deployment;
mod stage;
mod tasks;
mod unrecorded;

#[cfg(test)]
mod table;
