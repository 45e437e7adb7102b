//! The verbs, one file each: its options, what it asks, and what it shows.

use crate::exit::Exit;
use crate::options::{Command, Verb};
use crate::problem::Problem;

pub(crate) mod check;
pub(crate) mod completions;
pub(crate) mod continue_;
pub(crate) mod deploy;
pub(crate) mod explain;
pub(crate) mod history;
pub(crate) mod hold;
pub(crate) mod init;
pub(crate) mod plan;
pub(crate) mod reconcile;
pub(crate) mod redeploy;
pub(crate) mod release;
pub(crate) mod rollback;
pub(crate) mod status;
pub(crate) mod wait;

/// Does what was asked for.
pub(crate) async fn run(command: &Command) -> Result<Exit, Problem> {
    let options = &command.options;
    match &command.verb {
        Verb::Status(args) => status::run(options, args).await,
        Verb::Wait(args) => wait::run(options, args).await,
        Verb::Plan(args) => plan::run(options, args).await,
        Verb::Deploy(args) => deploy::run(options, args).await,
        Verb::Redeploy(args) => redeploy::run(options, args).await,
        Verb::Rollback(args) => rollback::run(options, args).await,
        Verb::Continue(args) => continue_::run(options, args).await,
        Verb::Hold(args) => hold::run(options, args).await,
        Verb::Release(args) => release::run(options, args).await,
        Verb::Reconcile(args) => reconcile::run(options, args).await,
        Verb::History(args) => history::run(options, args).await,
        Verb::Explain(args) => explain::run(options, args).await,
        Verb::Check(args) => check::run(options, args).await,
        Verb::Init(args) => init::run(options, args).await,
        Verb::Completions(args) => Ok(completions::run(args)),
    }
}
