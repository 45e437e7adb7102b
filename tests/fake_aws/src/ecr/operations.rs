//! ECR's API: the operations that Slipway and a person with the AWS CLI use, with ECR's own refusals.

use serde_json::{Value, json};

use super::image::Manifest;
use super::{Context, Ecr, Repository, Status, Stored, blobs};
use crate::place::Place;
use crate::refusal::{Answer, Members, Refusal, bounded_page, objects, page, text, texts};
use crate::time::epoch_seconds;

/// Answers one operation, its name without the service.
pub(crate) fn answer(ecr: &mut Ecr, context: &mut Context<'_>, operation: &str, request: &Members) -> Answer {
    match operation {
        "DescribeImages" => describe_images(ecr, context, request),
        "BatchGetImage" => batch_get_image(ecr, context, request),
        "GetDownloadUrlForLayer" => blobs::get_download_url_for_layer(ecr, context, request),
        "CreateRepository" => create_repository(ecr, context, request),
        "DescribeRepositories" => describe_repositories(ecr, context, request),
        "PutImage" => put_image(ecr, context, request),
        "BatchDeleteImage" => batch_delete_image(ecr, context, request),
        "SetRepositoryPolicy" => set_repository_policy(ecr, context, request),
        "GetRepositoryPolicy" => get_repository_policy(ecr, context, request),
        "UpdateImageStorageClass" => update_image_storage_class(ecr, context, request),
        _ => Err(Refusal::new("UnknownOperationException", format!("The fake's ECR doesn't know {operation}."))),
    }
}

/// ECR's answer for a repository that doesn't exist.
pub(crate) fn no_repository(place: &Place, name: &str) -> Refusal {
    let registry = &place.account;
    Refusal::new(
        "RepositoryNotFoundException",
        format!("The repository with name '{name}' does not exist in the registry with id '{registry}'"),
    )
}

fn describe_images(ecr: &Ecr, context: &Context<'_>, request: &Members) -> Answer {
    let name = text(request, "repositoryName").unwrap_or_default();
    let repository = find(ecr, context.place, name)?;
    if request.contains_key("imageIds") {
        if request.contains_key("maxResults") || request.contains_key("nextToken") {
            return Err(Refusal::invalid("maxResults and nextToken cannot be used together with imageIds."));
        }
        let mut details = Vec::new();
        for id in objects(request, "imageIds") {
            let (digest, stored) = image(repository, id).map_err(|_| missing(context.place, name, id))?;
            details.push(detail(context.place, name, repository, digest, stored));
        }
        return Ok(json!({ "imageDetails": details }));
    }
    let filter = request.get("filter").and_then(Value::as_object).cloned().unwrap_or_default();
    let tags = text(&filter, "tagStatus").unwrap_or("ANY");
    let status = text(&filter, "imageStatus").unwrap_or("ACTIVE");
    // By digest: ECR promises no order, and whoever wants the newest has to read all.
    let images = repository.images.iter().filter(|(digest, stored)| {
        let tagged = !repository.tags_of(digest).is_empty();
        let tag_fits = tags == "ANY" || (tags == "TAGGED") == tagged;
        tag_fits && (status == "ANY" || status == stored.status.name())
    });
    let details = images.map(|(digest, stored)| detail(context.place, name, repository, digest, stored)).collect();
    let (details, next) = page(details, request, 100)?;
    let mut answer = json!({ "imageDetails": details });
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    Ok(answer)
}

fn batch_get_image(ecr: &Ecr, context: &Context<'_>, request: &Members) -> Answer {
    let name = text(request, "repositoryName").unwrap_or_default();
    let repository = find(ecr, context.place, name)?;
    let mut images: Vec<Value> = Vec::new();
    let mut failures = Vec::new();
    for id in objects(request, "imageIds") {
        match image(repository, id) {
            Ok((digest, stored)) => {
                let mut image_id = json!({ "imageDigest": digest });
                if let Some(tag) = text(id, "imageTag") {
                    image_id["imageTag"] = json!(tag);
                }
                images.push(json!({
                    "registryId": context.place.account, "repositoryName": name, "imageId": image_id,
                    "imageManifest": stored.manifest, "imageManifestMediaType": stored.media_type,
                }));
            }
            Err((code, reason)) => {
                failures.push(json!({ "imageId": id, "failureCode": code, "failureReason": reason }));
            }
        }
    }
    Ok(json!({ "images": images, "failures": failures }))
}

fn create_repository(ecr: &mut Ecr, context: &Context<'_>, request: &Members) -> Answer {
    let name = text(request, "repositoryName").unwrap_or_default();
    if ecr.repositories.contains_key(name) {
        return Err(Refusal::new(
            "RepositoryAlreadyExistsException",
            format!(
                "The repository with name '{name}' already exists in the registry with id '{}'",
                context.place.account
            ),
        ));
    }
    let repository = ecr.repository_or_new(name, context.now);
    if let Some(mutability) = text(request, "imageTagMutability") {
        repository.mutability = mutability.to_owned();
    }
    Ok(json!({ "repository": described(context.place, name, repository) }))
}

fn describe_repositories(ecr: &Ecr, context: &Context<'_>, request: &Members) -> Answer {
    let mut repositories = Vec::new();
    let wanted = texts(request, "repositoryNames");
    for name in &wanted {
        let repository = ecr.repositories.get(name).ok_or_else(|| no_repository(context.place, name))?;
        repositories.push(described(context.place, name, repository));
    }
    if !wanted.is_empty() {
        if request.contains_key("maxResults") || request.contains_key("nextToken") {
            return Err(Refusal::invalid("maxResults and nextToken cannot be used together with repositoryNames."));
        }
        return Ok(json!({ "repositories": repositories }));
    }
    let all = ecr.repositories.iter().map(|(name, kept)| described(context.place, name, kept));
    let (all, next) = bounded_page(all.collect(), request, 100, 1000)?;
    let mut answer = json!({ "repositories": all });
    if let Some(next) = next {
        answer["nextToken"] = json!(next);
    }
    Ok(answer)
}

fn set_repository_policy(ecr: &mut Ecr, context: &Context<'_>, request: &Members) -> Answer {
    let name = text(request, "repositoryName").unwrap_or_default();
    let policy = text(request, "policyText").unwrap_or_default().to_owned();
    ecr.repository_mut(context.place, name)?.policy = Some(policy.clone());
    Ok(json!({ "registryId": context.place.account, "repositoryName": name, "policyText": policy }))
}

fn get_repository_policy(ecr: &Ecr, context: &Context<'_>, request: &Members) -> Answer {
    let name = text(request, "repositoryName").unwrap_or_default();
    let Some(policy) = &find(ecr, context.place, name)?.policy else {
        let text = format!(
            "Repository policy does not exist for the repository with name '{name}' in the registry with id '{}'",
            context.place.account
        );
        return Err(Refusal::new("RepositoryPolicyNotFoundException", text));
    };
    Ok(json!({ "registryId": context.place.account, "repositoryName": name, "policyText": policy }))
}

fn put_image(ecr: &mut Ecr, context: &mut Context<'_>, request: &Members) -> Answer {
    let name = text(request, "repositoryName").unwrap_or_default();
    let manifest = text(request, "imageManifest").unwrap_or_default();
    let manifest = Manifest::parse(manifest.to_owned(), text(request, "imageManifestMediaType"));
    if text(request, "imageDigest").is_some_and(|digest| digest != manifest.digest()) {
        return Err(Refusal::new("ImageDigestDoesNotMatchException", "The image digest doesn't match the manifest's."));
    }
    let tag = text(request, "imageTag");
    let digest = ecr.put(context, name, manifest.clone(), tag)?;
    let mut image_id = json!({ "imageDigest": digest });
    if let Some(tag) = tag {
        image_id["imageTag"] = json!(tag);
    }
    Ok(json!({ "image": {
        "registryId": context.place.account, "repositoryName": name, "imageId": image_id,
        "imageManifest": manifest.text, "imageManifestMediaType": manifest.media_type,
    }}))
}

fn batch_delete_image(ecr: &mut Ecr, context: &mut Context<'_>, request: &Members) -> Answer {
    let name = text(request, "repositoryName").unwrap_or_default();
    find(ecr, context.place, name)?;
    let mut deleted = Vec::new();
    let mut failures = Vec::new();
    for id in objects(request, "imageIds") {
        let named = text(id, "imageTag").or(text(id, "imageDigest")).unwrap_or_default();
        match ecr.delete(context, name, named) {
            Ok(()) => deleted.push(json!(id)),
            Err(_) => failures.push(json!({
                "imageId": id, "failureCode": "ImageNotFound", "failureReason": "Requested image not found",
            })),
        }
    }
    Ok(json!({ "imageIds": deleted, "failures": failures }))
}

/// To `ARCHIVE` at once; from there to `STANDARD` in a while, which a test lets pass by `Aws::restore_image`.
fn update_image_storage_class(ecr: &mut Ecr, context: &mut Context<'_>, request: &Members) -> Answer {
    let name = text(request, "repositoryName").unwrap_or_default().to_owned();
    let repository = find(ecr, context.place, &name)?;
    let id = request.get("imageId").and_then(Value::as_object).cloned().unwrap_or_default();
    let (digest, _) = image(repository, &id).map_err(|_| missing(context.place, &name, &id))?;
    let digest = digest.to_owned();
    match text(request, "targetStorageClass") {
        Some("ARCHIVE") => ecr.archive(context, &name, &digest)?,
        _ => ecr.begin_restoring(context.place, &name, &digest)?,
    }
    let status = ecr.repositories.get(&name).and_then(|it| it.images.get(&digest)).map(|it| it.status.name());
    Ok(json!({
        "registryId": context.place.account, "repositoryName": name, "imageId": { "imageDigest": digest },
        "imageStatus": status,
    }))
}

/// The repository that a request names.
pub(super) fn find<'a>(ecr: &'a Ecr, place: &Place, name: &str) -> Result<&'a Repository, Refusal> {
    ecr.repositories.get(name).ok_or_else(|| no_repository(place, name))
}

/// The image that an `imageId` names, by tag, digest or both; otherwise BatchGetImage's code and reason.
fn image<'a>(repository: &'a Repository, id: &Members) -> Result<(&'a str, &'a Stored), (&'static str, &'static str)> {
    let none = ("ImageNotFound", "Requested image not found");
    let digest = match (text(id, "imageDigest"), text(id, "imageTag")) {
        (Some(digest), None) => digest,
        (Some(digest), Some(tag)) => match repository.tags.get(tag) {
            Some(points_to) if points_to == digest => digest,
            Some(_) => {
                return Err(("ImageTagDoesNotMatchDigest", "The tag doesn't point to the digest"));
            }
            None => return Err(none),
        },
        (None, Some(tag)) => repository.tags.get(tag).ok_or(none)?,
        (None, None) => {
            return Err(("MissingDigestAndTag", "Invalid request parameters: both tag and digest cannot be null"));
        }
    };
    repository.images.get_key_value(digest).map(|(digest, stored)| (digest.as_str(), stored)).ok_or(none)
}

fn missing(place: &Place, name: &str, id: &Members) -> Refusal {
    let quoted = |member| text(id, member).map_or("null".to_owned(), str::to_owned);
    Refusal::new(
        "ImageNotFoundException",
        format!(
            "The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not exist within the repository with \
             name '{name}' in the registry with id '{}'",
            quoted("imageDigest"),
            quoted("imageTag"),
            place.account
        ),
    )
}

fn detail(place: &Place, name: &str, repository: &Repository, digest: &str, stored: &Stored) -> Value {
    let mut detail = json!({ "registryId": place.account, "repositoryName": name, "imageDigest": digest });
    let tags = repository.tags_of(digest);
    if !tags.is_empty() {
        detail["imageTags"] = json!(tags);
    }
    detail["imageSizeInBytes"] = json!(stored.manifest.len());
    detail["imagePushedAt"] = json!(epoch_seconds(stored.pushed_at));
    detail["imageManifestMediaType"] = json!(stored.media_type);
    if let Some(artifact) = &stored.artifact_media_type {
        detail["artifactMediaType"] = json!(artifact);
    }
    detail["imageStatus"] = json!(stored.status.name());
    if let Status::Archived { at } = stored.status {
        detail["lastArchivedAt"] = json!(epoch_seconds(at));
    }
    detail
}

fn described(place: &Place, name: &str, repository: &Repository) -> Value {
    json!({
        "repositoryArn": place.arn("ecr", &format!("repository/{name}")),
        "registryId": place.account,
        "repositoryName": name,
        "repositoryUri": format!("{}/{name}", place.registry()),
        "createdAt": epoch_seconds(repository.created_at),
        "imageTagMutability": repository.mutability,
    })
}

impl Status {
    fn name(self) -> &'static str {
        match self {
            Self::Active => "ACTIVE",
            Self::Archived { .. } => "ARCHIVED",
            Self::Activating => "ACTIVATING",
        }
    }
}
