//! What two entries may not both say: a service is deployed from one repository by one entry, and a container is set by one.

use std::collections::HashMap;

use super::RepositoryName;
use super::reader::{Path, Reader};
use crate::model::id::{ClusterName, ContainerName, ServiceName};

/// What an entry lays claim to, as far as it is known.
pub(super) struct Claim {
    /// The entry's place among the targets.
    pub(super) at: usize,
    pub(super) line: usize,
    pub(super) cluster: ClusterName,
    pub(super) service: ServiceName,
    pub(super) repository: RepositoryName,
    pub(super) containers: Vec<ContainerName>,
}

pub(super) fn check(reader: &mut Reader<'_>, claims: &[Claim]) {
    let mut by_service: HashMap<_, Vec<&Claim>> = HashMap::with_capacity(claims.len());
    for claim in claims {
        let earlier = by_service.entry((&claim.cluster, &claim.service)).or_default();
        if let Some(text) = earlier.iter().find_map(|first| contradiction(first, claim)) {
            reader.wrong(&Path::Item(&Path::Key(&Path::Document, "targets"), claim.at), claim.line, text);
        }
        earlier.push(claim);
    }
}

fn contradiction(first: &Claim, second: &Claim) -> Option<String> {
    let service = format!("{}/{}", second.cluster, second.service);
    let first_place = format!("targets[{}] (line {})", first.at, first.line);
    if first.repository == second.repository {
        let name = second.repository.name();
        return Some(format!("deploys {name} to {service}, as {first_place} does already; keep one of the two"));
    }
    if first.repository.may_be(&second.repository) {
        let name = second.repository.name();
        return Some(format!(
            "deploys {name} to {service} by another name of the repository than {first_place}; \
             keep one of the two, or write both repositories as full URIs"
        ));
    }
    let shared = second.containers.iter().find(|container| first.containers.contains(container))?;
    Some(format!("sets the container {shared} of {service}, as {first_place} does already; name it in one of the two"))
}
