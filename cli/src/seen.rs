//! Where stacks of Slipway were found before: a small file of the person's, so that an error can name the region that they
//! meant. Nothing depends on it, and where it cannot be read or written, nothing is said.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

/// So many places are kept.
const MOST: usize = 20;

/// A place in which a stack answered.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    /// The stack.
    pub(crate) stack: String,
    /// The region.
    pub(crate) region: String,
    /// The profile, if one was named.
    pub(crate) profile: Option<String>,
}

impl Place {
    /// As it is given on the command line.
    pub(crate) fn options(&self) -> String {
        let profile = self.profile.as_ref().map(|profile| format!(" --profile {profile}")).unwrap_or_default();
        format!("--stack {} --region {}{profile}", self.stack, self.region)
    }
}

/// Remembers a place.
pub(crate) fn remember(place: &Place) {
    let Some(file) = file() else { return };
    let mut places = all();
    if places.first() == Some(place) {
        return;
    }
    places.retain(|it| it != place);
    places.insert(0, place.clone());
    places.truncate(MOST);
    let Ok(text) = serde_json::to_string(&places) else { return };
    let aside = file.with_extension(std::process::id().to_string());
    let _ = file
        .parent()
        .map_or(Ok(()), std::fs::create_dir_all)
        .and_then(|()| std::fs::write(&aside, text))
        .and_then(|()| std::fs::rename(&aside, &file));
}

/// The places, the last one first.
pub(crate) fn all() -> Vec<Place> {
    let text = file().and_then(|file| std::fs::read_to_string(file).ok()).unwrap_or_default();
    serde_json::from_str(&text).unwrap_or_default()
}

fn file() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local/state")))?;
    Some(folder.join("slipway/stacks.json"))
}
