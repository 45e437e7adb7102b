//! What a verb is about: its targets, and the image.

use serde_json::{Value, json};

/// The targets of a verb that has to name them.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Targets {
    /// The targets, cluster/service, or `*` for all.
    #[arg(required = true, value_name = "TARGET")]
    targets: Vec<String>,
}

/// The targets of a verb that is for all of them where none is named.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct AnyTargets {
    /// The targets, cluster/service; all by default.
    #[arg(value_name = "TARGET")]
    targets: Vec<String>,
}

/// The image that a verb is about, or may be about.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct ImageArgs {
    /// The image, by its tag.
    #[arg(long, conflicts_with = "digest")]
    tag: Option<String>,
    /// The image, by its digest, sha256:…
    #[arg(long)]
    digest: Option<String>,
    /// The repository, for a service that is the target of several.
    #[arg(long)]
    repository: Option<String>,
}

impl Targets {
    /// A request for this action, about them.
    pub(crate) fn request(&self, action: &str) -> Value {
        request(action, &self.targets)
    }
}

impl AnyTargets {
    /// A request for this action, about them.
    pub(crate) fn request(&self, action: &str) -> Value {
        request(action, &self.targets)
    }
}

impl ImageArgs {
    /// Whether one is named.
    pub(crate) fn is_named(&self) -> bool {
        self.tag.is_some() || self.digest.is_some()
    }

    /// Puts it into a request.
    pub(crate) fn put_into(&self, request: &mut Value) {
        for (key, value) in [("tag", &self.tag), ("digest", &self.digest), ("repository", &self.repository)] {
            if let Some(value) = value {
                request[key] = json!(value);
            }
        }
    }
}

fn request(action: &str, targets: &[String]) -> Value {
    match targets {
        [] => json!({ "action": action, "target": "*" }),
        [all] if all == "*" => json!({ "action": action, "target": "*" }),
        named => json!({ "action": action, "target": named }),
    }
}
