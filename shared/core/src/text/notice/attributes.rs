//! The notice's message attributes, by which a subscription's filter policy chooses.

use super::limits::shorten;
use crate::model::clean::clean;
use crate::model::notice::Notice;

/// Longer than any of ECS's names (255), and short enough that all attributes together stay small.
const LONGEST: usize = 300;

impl Notice {
    /// `kind`, `severity`, and where a service is meant `target`, `cluster` and `service`.
    ///
    /// SNS takes no empty value, so what is absent has no attribute.
    pub fn attributes(&self) -> Vec<(&'static str, String)> {
        let attributes = [
            ("kind", Some(self.kind.as_str())),
            ("severity", Some(self.severity.as_str())),
            ("target", self.target.as_ref().map(|target| target.as_str())),
            ("cluster", self.cluster.as_ref().map(|cluster| cluster.as_str())),
            ("service", self.service.as_ref().map(|service| service.as_str())),
        ];
        attributes
            .into_iter()
            .filter_map(|(name, value)| Some((name, shorten(&clean(value?).replace(['\n', '\t'], " "), LONGEST))))
            .filter(|(_, value)| !value.trim().is_empty())
            .collect()
    }
}
