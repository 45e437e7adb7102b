//! What two entries may not both say: a service is deployed from one repository by one entry, and a container is set by one.

use std::collections::HashMap;

use super::RepositoryName;
use super::document::Entry;
use super::reader::{At, Reader};
use crate::model::id::ContainerName;

/// What an entry sets on its service.
struct Claim<'e> {
    at: &'e At<'e, 'e>,
    repository: &'e RepositoryName,
    containers: &'e [ContainerName],
}

pub(super) fn check(reader: &mut Reader<'_>, entries: &[(&At<'_, '_>, Entry)]) {
    let mut by_service: HashMap<_, Vec<Claim<'_>>> = HashMap::with_capacity(entries.len());
    for (at, entry) in entries {
        let (Some(cluster), Some(service), Some(repository)) = (&entry.cluster, &entry.service, &entry.repository)
        else {
            continue;
        };
        let claim = Claim { at, repository, containers: &entry.containers };
        let earlier = by_service.entry((cluster, service)).or_default();
        let service = format!("{cluster}/{service}");
        if let Some(text) = earlier.iter().find_map(|first| contradiction(first, &claim, &service)) {
            reader.wrong(at, text);
        }
        earlier.push(claim);
    }
}

fn contradiction(first: &Claim<'_>, second: &Claim<'_>, service: &str) -> Option<String> {
    let first_place = format!("{} (line {})", first.at.path(), first.at.node.line);
    let name = second.repository.name();
    if first.repository == second.repository {
        return Some(format!("deploys {name} to {service}, as {first_place} does already; keep one of the two"));
    }
    if first.repository.may_be(second.repository) {
        return Some(format!(
            "deploys {name} to {service} by another name of the repository than {first_place}; \
             keep one of the two, or write both repositories as full URIs"
        ));
    }
    let shared = second.containers.iter().find(|container| first.containers.contains(container))?;
    Some(format!("sets the container {shared} of {service}, as {first_place} does already; name it in one of the two"))
}
