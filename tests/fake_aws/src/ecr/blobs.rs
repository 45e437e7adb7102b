//! The images' configurations, which ECR keeps in a bucket of its own and only gives a signed address of.

use serde_json::{Value, json};

use super::operations::find;
use super::{Context, Ecr};
use crate::identity;
use crate::place::Place;
use crate::refusal::{Answer, Members, Refusal, text};

/// `GetDownloadUrlForLayer`; the address counts for an hour, to whoever has it.
pub(super) fn get_download_url_for_layer(ecr: &Ecr, context: &Context<'_>, request: &Members) -> Answer {
    let name = text(request, "repositoryName").unwrap_or_default();
    let digest = text(request, "layerDigest").unwrap_or_default();
    if !find(ecr, context.place, name)?.blobs.contains_key(digest) {
        return Err(no_layer(context.place, name, digest));
    }
    let path = format!("/{}/{}/{name}/{digest}", bucket(context.place), context.place.account);
    let query = signed(context.place, &path);
    Ok(json!({ "downloadUrl": format!("{}{path}?{query}", context.url), "layerDigest": digest }))
}

/// What a GetObject gets from ECR's bucket; `None` for another bucket, and for what another account keeps there.
///
/// The address is all that it takes: who signs the request as well is refused, as S3 does.
pub(crate) fn blob_of(ecr: &Ecr, place: &Place, request: &Value) -> Option<Result<String, Refusal>> {
    let member = |name: &str| request[name].as_str().unwrap_or_default();
    let (bucket_asked, key, query) = (member("Bucket"), member("Key"), member("query"));
    if bucket_asked != bucket(place) || key.split('/').next() != Some(place.account.as_str()) {
        return None;
    }
    let refusal = |status, code: &str, why: &str| Some(Err(Refusal { status, ..Refusal::new(code, why) }));
    if request["signed"] == json!(true) {
        return refusal(400, "InvalidArgument", "Only one auth mechanism allowed");
    }
    if query != signed(place, &format!("/{bucket_asked}/{key}")) {
        return refusal(
            403,
            "SignatureDoesNotMatch",
            "The request signature does not match the signature you provided.",
        );
    }
    let path = key.split_once('/').and_then(|(_, path)| path.rsplit_once('/'));
    let (name, digest) = path.unwrap_or_default();
    match ecr.repositories.get(name).and_then(|repository| repository.blobs.get(digest)) {
        Some(blob) => Some(Ok(blob.clone())),
        None => refusal(404, "NoSuchKey", "The specified key does not exist."),
    }
}

/// ECR's answer for a layer that a repository does not have.
pub(super) fn no_layer(place: &Place, name: &str, digest: &str) -> Refusal {
    let registry = &place.account;
    Refusal::new(
        "LayersNotFoundException",
        format!("The layer with digest '{digest}' does not exist in '{name}' in registry with id '{registry}'"),
    )
}

fn bucket(place: &Place) -> String {
    format!("prod-{}-starport-layer-bucket", place.region)
}

/// The signature in an address.
fn signed(place: &Place, path: &str) -> String {
    let signature = identity::digest(path.as_bytes());
    format!(
        "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20261121T120000Z&X-Amz-SignedHeaders=host&X-Amz-Expires=3600\
         &X-Amz-Credential=AKIASTARPORT%2F20261121%2F{}%2Fs3%2Faws4_request&X-Amz-Signature={}",
        place.region,
        &signature["sha256:".len()..]
    )
}
