//! Application revisions: what was deployed, by where it is or by the SHA-256 of its AppSpec.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Application, CodeDeploy, no_application, refused};
use crate::identity;
use crate::refusal::{Answer, Members, Refusal, text};
use crate::time::epoch_seconds;

/// A revision.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Revision {
    /// As answers show it: an AppSpec by its SHA-256 alone.
    pub(super) location: Value,
    /// The AppSpec, where it is part of the revision.
    pub(super) content: Option<String>,
}

/// A revision that its application knows.
#[derive(Debug)]
pub(super) struct Registered {
    revision: Revision,
    description: Option<String>,
    registered_at: Timestamp,
    first_used: Option<Timestamp>,
    last_used: Option<Timestamp>,
}

impl Registered {
    /// As answers show it.
    pub(super) fn location(&self) -> &Value {
        &self.revision.location
    }

    /// The AppSpec, where it is part of the revision.
    pub(super) fn content(&self) -> Option<&str> {
        self.revision.content.as_deref()
    }
}

impl Revision {
    /// The revision that a request names, by its location or, for AppSpecContent, by content, SHA-256 or both.
    pub(super) fn of(request: &Members) -> Result<Self, Refusal> {
        let Some(revision) = request.get("revision").filter(|revision| !revision.is_null()) else {
            return Err(refused("RevisionRequired", "The revision must be given."));
        };
        if revision["revisionType"] != "AppSpecContent" {
            return Ok(Self { location: revision.clone(), content: None });
        }
        let content = revision["appSpecContent"]["content"].as_str().map(str::to_owned);
        let given = revision["appSpecContent"]["sha256"].as_str();
        let sha256 = match (&content, given) {
            (None, None) => return Err(refused("InvalidRevision", "The AppSpecContent has no content.")),
            (None, Some(given)) => given.to_owned(),
            (Some(content), given) => {
                let digest = identity::digest(content.as_bytes());
                let digest = digest.trim_start_matches("sha256:");
                if given.is_some_and(|given| given != digest) {
                    return Err(refused("InvalidRevision", "The sha256 of the AppSpecContent is not its content's."));
                }
                digest.to_owned()
            }
        };
        let location = json!({ "revisionType": "AppSpecContent", "appSpecContent": { "sha256": sha256 } });
        Ok(Self { location, content })
    }
}

impl Application {
    /// Takes a revision in, unless it is there.
    pub(super) fn add_revision(&mut self, now: Timestamp, revision: &Revision, description: Option<&str>) {
        if self.revisions.iter().any(|known| known.revision.location == revision.location) {
            return;
        }
        self.revisions.push(Registered {
            revision: revision.clone(),
            description: description.map(str::to_owned),
            registered_at: now,
            first_used: None,
            last_used: None,
        });
    }

    /// Notes that a deployment uses a revision.
    pub(super) fn use_revision(&mut self, now: Timestamp, revision: &Revision) {
        self.add_revision(now, revision, None);
        for known in self.revisions.iter_mut().filter(|known| known.revision.location == revision.location) {
            known.first_used.get_or_insert(now);
            known.last_used = Some(now);
        }
    }
}

impl CodeDeploy {
    /// The AppSpec of a revision that its application knows.
    pub(super) fn content_of(&self, application: &str, revision: &Revision) -> Option<String> {
        let mut known = self.applications.get(application)?.revisions.iter();
        known.find(|known| known.revision.location == revision.location)?.revision.content.clone()
    }
}

/// RegisterApplicationRevision.
pub(super) fn register(codedeploy: &mut CodeDeploy, now: Timestamp, request: &Members) -> Answer {
    let name = text(request, "applicationName").unwrap_or_default();
    let application = codedeploy.applications.get_mut(name).ok_or_else(|| no_application(name))?;
    let revision = Revision::of(request)?;
    if revision.location["revisionType"] == "AppSpecContent" && revision.content.is_none() {
        return Err(refused("InvalidRevision", "The AppSpecContent has no content."));
    }
    application.add_revision(now, &revision, text(request, "description"));
    Ok(json!({}))
}

/// GetApplicationRevision, the only call that gives the content of an AppSpec.
pub(super) fn get(codedeploy: &CodeDeploy, request: &Members) -> Answer {
    let (name, application) = codedeploy.application(request)?;
    let asked = Revision::of(request)?;
    let known = application.revisions.iter().find(|known| known.revision.location == asked.location);
    let known = known.ok_or_else(|| refused("RevisionDoesNotExist", "No revision found for this location."))?;
    let mut revision = known.revision.location.clone();
    if let Some(content) = &known.revision.content {
        revision["appSpecContent"]["content"] = json!(content);
    }
    let groups = application.groups.keys().filter(|group| {
        let target = codedeploy.last_successful(name, group);
        target.is_some_and(|target| target.revision.location == known.revision.location)
    });
    let mut info = json!({
        "deploymentGroups": groups.collect::<Vec<_>>(),
        "registerTime": epoch_seconds(known.registered_at),
    });
    if let Some(description) = &known.description {
        info["description"] = json!(description);
    }
    for (member, at) in [("firstUsedTime", known.first_used), ("lastUsedTime", known.last_used)] {
        if let Some(at) = at {
            info[member] = json!(epoch_seconds(at));
        }
    }
    Ok(json!({ "applicationName": name, "revision": revision, "revisionInfo": info }))
}
