//! What a write of the ledger changes, in a few words, so that a transcript shows no whole items, and so that taking and
//! letting go the lease is kept apart from what is really remembered.

use serde_json::{Map, Value};

/// What differs between two items of the ledger's table, in the order of the record; empty where nothing does.
pub(crate) fn changes(before: Option<&Value>, item: &Value) -> Vec<String> {
    if let Some(number) = item["item"]["S"].as_str().and_then(|item| item.strip_prefix("deployment#")) {
        return vec![format!("deployment {} archived", number.trim_start_matches('0'))];
    }
    if let Some(number) = item["item"]["S"].as_str().and_then(|item| item.strip_prefix("evidence#")) {
        return vec![format!("evidence of {}", number.trim_start_matches('0'))];
    }
    let old = before.map(|before| plain(&before["record"])).unwrap_or_default();
    let new = plain(&item["record"]);
    let mut reported = lease(&old, &new);
    let count = |record: &Value, blocked| pending(record, blocked).len();
    reported.extend(grown(count(&old, false), count(&new, false), ["an input left", "inputs left", "inputs taken"]));
    reported.extend(grown(
        count(&old, true),
        count(&new, true),
        ["an input blocked", "inputs blocked", "inputs unblocked"],
    ));
    reported.extend(deployments(&old, &new));
    for good in added(&old, &new, "known_good", "revision") {
        reported.push(format!(
            "{} good",
            good["revision"].as_str().unwrap_or_default().rsplit('/').next().unwrap_or_default()
        ));
    }
    for quarantined in added(&old, &new, "quarantine", "digest") {
        let shown = quarantined["tag"].as_str().or(quarantined["digest"].as_str()).unwrap_or_default();
        reported.push(format!("{shown} quarantined"));
    }
    for released in added(&new, &old, "quarantine", "digest") {
        let shown = released["tag"].as_str().or(released["digest"].as_str()).unwrap_or_default();
        reported.push(format!("{shown} released"));
    }
    if old["decision"] != new["decision"] {
        reported.push(format!("decision {}", new["decision"]["what"].as_str().unwrap_or("none")));
    }
    if old["hold"] != new["hold"] {
        reported.push(if new["hold"].is_null() { "released" } else { "held" }.to_owned());
    }
    if old["published"] != new["published"] && length(&new, "published") > 0 {
        reported.push("published".to_owned());
    }
    if reported.is_empty() && without_lease(&old) != without_lease(&new) {
        reported.push("changed".to_owned());
    }
    reported
}

/// Whether a write changes nothing but the lease and inputs that nothing blocks, and is hence no memory.
pub(crate) fn is_lease(before: Option<&Value>, item: &Value) -> bool {
    let beside = ["deployment#", "evidence#"];
    let service = item["item"]["S"].as_str().is_some_and(|item| !beside.iter().any(|it| item.starts_with(it)));
    let old = before.map(|before| plain(&before["record"])).unwrap_or_default();
    service && without_lease(&old) == without_lease(&plain(&item["record"]))
}

/// The record without what only serialises the writers. What is empty is as good as not there.
fn without_lease(record: &Value) -> Map<String, Value> {
    let members = record.as_object().into_iter().flatten();
    let serialising = ["version", "fence", "lease"];
    let blocked = |(name, value): (&String, &Value)| match name.as_str() {
        "pending" => (name.clone(), pending(record, true).into_iter().cloned().collect()),
        _ => (name.clone(), value.clone()),
    };
    let empty = |value: &Value| value.is_null() || *value == 0 || value.as_array().is_some_and(Vec::is_empty);
    members.map(blocked).filter(|(name, value)| !serialising.contains(&name.as_str()) && !empty(value)).collect()
}

fn lease(old: &Value, new: &Value) -> Vec<String> {
    let reported = match (&old["lease"], &new["lease"]) {
        (old, new) if old == new => return Vec::new(),
        (Value::Null, _) => "lease taken",
        (_, Value::Null) => "lease let go",
        (old, new) if old["holder"] == new["holder"] => "lease taken again",
        _ => "lease taken over",
    };
    vec![reported.to_owned()]
}

/// The pending inputs that something blocks, or those that nothing does.
fn pending(record: &Value, blocked: bool) -> Vec<&Value> {
    items(record, "pending").iter().filter(|it| it["blocked"].is_null() != blocked).collect()
}

/// That a list grew, or shrank: "an input left", "2 inputs left", "inputs taken".
fn grown(before: usize, now: usize, [one, many, emptied]: [&str; 3]) -> Option<String> {
    match (before, now) {
        (before, now) if now > before && now - before == 1 => Some(one.to_owned()),
        (before, now) if now > before => Some(format!("{} {many}", now - before)),
        (before, now) if now < before => Some(emptied.to_owned()),
        _ => None,
    }
}

fn deployments(old: &Value, new: &Value) -> Vec<String> {
    let mut reported = Vec::new();
    for deployment in items(new, "deployments").iter().rev() {
        let number = &deployment["number"];
        let before = items(old, "deployments").iter().find(|before| before["number"] == *number);
        let Some(before) = before else {
            reported.push(format!(
                "{number} {}",
                if deployment["state"]["intended"].is_null() { "recorded" } else { "intended" }
            ));
            continue;
        };
        reported.extend(steps(&flat(before), &flat(deployment)).into_iter().map(|step| format!("{number} {step}")));
    }
    // What was archived is gone from the record, too; that isn't forgotten.
    let count = |record: &Value| record["count"].as_u64().unwrap_or_default();
    if count(old) == count(new) {
        reported.extend(
            added(new, old, "deployments", "number").iter().map(|gone| format!("{} forgotten", gone["number"])),
        );
    }
    reported
}

/// A deployment of the record with the members of its state beside its own.
pub(crate) fn flat(deployment: &Value) -> Value {
    let mut all = deployment.clone();
    let state = all.as_object_mut().and_then(|all| all.remove("state")).unwrap_or_default();
    let (ended, progress) = (&state["ended"], &state["in_progress"]);
    let progress = if progress.is_null() { &ended["progress"] } else { progress };
    for name in ["deployment", "began_at", "failing", "rollback"] {
        all[name] = progress[name].clone();
    }
    for (name, member) in
        [("outcome", "outcome"), ("ended_at", "at"), ("reason", "reason"), ("corrected_from", "corrected_from")]
    {
        all[name] = ended[member].clone();
    }
    all
}

fn steps(old: &Value, new: &Value) -> Vec<String> {
    let mut steps = Vec::new();
    let mut known = vec!["published", "number"];
    let mut step = |members: &[&'static str], word: &dyn Fn() -> String| {
        known.extend(members);
        if members.iter().any(|member| old[*member] != new[*member]) {
            steps.push(word());
        }
    };
    step(&["deployment", "began_at"], &|| "began".to_owned());
    step(&["deadline"], &|| "deadline".to_owned());
    step(&["failed_tasks"], &|| format!("{} failed tasks", length(new, "failed_tasks")));
    step(&["warnings"], &|| "warned".to_owned());
    step(&["failing"], &|| "failing".to_owned());
    step(&["rollback"], &|| match (old["rollback"].is_null(), &new["rollback"]) {
        (true, rollback) => format!("rolls back by {}", rollback["how"].as_str().unwrap_or_default()),
        _ => "rollback accepted".to_owned(),
    });
    step(&["outcome", "ended_at", "reason"], &|| new["outcome"].as_str().unwrap_or("reopened").to_owned());
    if old["published"] != new["published"] {
        steps.push("published".to_owned());
    }
    let members = new.as_object().into_iter().flatten().map(|(name, _)| name.as_str());
    steps.extend(members.filter(|name| !known.contains(name) && old[*name] != new[*name]).map(str::to_owned));
    steps
}

/// What the new list has and the old one has not, by a member.
fn added(old: &Value, new: &Value, list: &str, by: &str) -> Vec<Value> {
    let news = items(new, list).iter().filter(|item| !items(old, list).iter().any(|known| known[by] == item[by]));
    news.cloned().collect()
}

fn items<'a>(record: &'a Value, list: &str) -> &'a [Value] {
    record[list].as_array().map_or(&[], Vec::as_slice)
}

fn length(record: &Value, list: &str) -> usize {
    items(record, list).len()
}

/// An attribute value as plain JSON.
pub(crate) fn plain(attribute: &Value) -> Value {
    let Some((kind, value)) = attribute.as_object().and_then(|one| one.iter().next()) else {
        return Value::Null;
    };
    match (kind.as_str(), value) {
        ("N", Value::String(number)) => serde_json::from_str(number).unwrap_or_default(),
        ("L", Value::Array(items)) => items.iter().map(plain).collect(),
        ("M", Value::Object(members)) => {
            Value::Object(members.iter().map(|(name, value)| (name.clone(), plain(value))).collect())
        }
        ("NULL", _) => Value::Null,
        (_, value) => value.clone(),
    }
}
