//! What the page shows: every kind of notice at least once, as people meet it.
//!
//! A fixture is facts (a record, stopped tasks, a document); the notices are made of them by Slipway's own constructors. To add
//! one, add a scenario to `wells`, `failures`, `code_deploy` or `troubles`.

use slipway_core::model::notice::{Notice, NoticeKind};

mod code_deploy;
mod course;
mod failures;
mod troubles;
mod wells;

/// What is published about one deployment, or a notice that stands alone.
pub struct Scenario {
    /// Its name in addresses: `crash`.
    pub name: &'static str,
    /// What happens, for whoever reads the page.
    pub title: &'static str,
    /// The notices, in the order in which they are published.
    pub notices: Vec<Notice>,
}

impl Scenario {
    fn new(name: &'static str, title: &'static str, notices: impl Into<Vec<Notice>>) -> Self {
        Self { name, title, notices: notices.into() }
    }

    /// The name of one of its notices on the page: `crash-rolled_back`; where a kind comes twice, `outside-external-2`.
    pub fn name_of(&self, at: usize) -> String {
        let kind = |notice: &Notice| notice.kind;
        let before = self.notices[..at].iter().filter(|it| kind(it) == kind(&self.notices[at])).count();
        let name = format!("{}-{}", self.name, self.notices[at].kind.as_str());
        if before == 0 { name } else { format!("{name}-{}", before + 1) }
    }
}

/// Every scenario, in the order of the page.
pub fn all() -> Vec<Scenario> {
    let mut all = wells::all();
    all.extend(failures::all());
    all.extend(code_deploy::all());
    all.extend(troubles::all());
    all
}

/// The kinds that no fixture has.
pub fn missing(scenarios: &[Scenario]) -> Vec<NoticeKind> {
    let has =
        |kind: &NoticeKind| scenarios.iter().flat_map(|scenario| &scenario.notices).any(|notice| notice.kind == *kind);
    NoticeKind::known().filter(|kind| !has(kind)).collect()
}
