//! Whether a service and an image are of a kind that Slipway and ECS can deal with.

use super::{Verdict, closed};
use crate::config::Target;
use crate::model::facts::{Controller, Hooks, ImageFacts, ServiceFacts, Storage};
use crate::model::plan::Shown;
use crate::model::reason::Reason;

/// Whether Slipway can deploy to this service at all; decided before its task definition is looked up.
pub fn deployable<'s>(target: &Target, service: Option<&'s ServiceFacts>) -> Result<&'s ServiceFacts, Reason> {
    let missing =
        || Reason::ServiceMissing { service: target.service.to_string(), cluster: target.cluster.to_string() };
    let service = service.ok_or_else(missing)?;
    supported(service)?;
    match (&service.controller, &service.code_deploy) {
        (Controller::CodeDeploy, None) => Err(Reason::NoDeploymentGroup { service: target.name.clone() }),
        (_, Some(code_deploy)) if code_deploy.hooks == Hooks::Unreadable => {
            Err(Reason::HooksUnknown { group: code_deploy.group.name.to_string() })
        }
        _ => Ok(service),
    }
}

/// Whether Slipway deploys services of this kind.
pub fn supported(service: &ServiceFacts) -> Result<(), Reason> {
    // Deleted services still come for a while, as INACTIVE.
    if service.status != "ACTIVE" {
        return Err(Reason::ServiceNotActive { status: service.status.clone() });
    }
    match &service.controller {
        Controller::Ecs | Controller::Express | Controller::CodeDeploy => Ok(()),
        controller @ (Controller::External | Controller::Other(_)) => {
            Err(Reason::WrongController { controller: controller.to_string() })
        }
    }
}

/// Whether what the registry holds is something that ECS can run.
pub fn runnable(image: &ImageFacts, shown: &Shown) -> Verdict {
    const IMAGES: [&str; 2] =
        ["application/vnd.oci.image.config.v1+json", "application/vnd.docker.container.image.v1+json"];
    // An index has no artifact type; charts, signatures and SBOMs have one of their own.
    if let Some(media_type) = &image.artifact_media_type
        && !IMAGES.contains(&media_type.as_str())
    {
        return closed(Reason::NotAnImage { image: shown.to_string(), media_type: media_type.clone() });
    }
    match image.storage {
        Storage::Active => Ok(()),
        Storage::Archived => closed(Reason::Archived {
            image: shown.to_string(),
            repository: image.repository.name.clone(),
            digest: image.digest.clone(),
        }),
        Storage::Restoring => closed(Reason::BeingRestored { image: shown.to_string() }),
    }
}
