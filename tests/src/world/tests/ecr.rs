//! The registry: pushes and their events, descriptions, refusals, pages.

use serde_json::{Value, json};

use super::{alone, answered, call, call_in, refused, send};
use crate::world::{Image, Place, identity};
use http_body_util::Full;
use hyper::body::Bytes;

const INDEX: &str = "application/vnd.oci.image.index.v1+json";

#[tokio::test]
async fn a_multi_platform_push_sends_children_and_attestations_untagged_and_then_the_index() {
    let world = alone().await;
    let push = world.push("shop/web", ["1.5.0", "latest"], &Image::multi_platform("web 1.5.0"));
    let reported = |event: &Value| {
        let detail = &event["detail"];
        let kept = ["image-tag", "manifest-media-type", "artifact-media-type"];
        kept.map(|name| detail[name].as_str().unwrap_or("absent").to_owned()).join(" ")
    };
    let child = " application/vnd.oci.image.manifest.v1+json application/vnd.oci.image.config.v1+json";
    let index = |tag: &str| format!("{tag} {INDEX} absent");
    let expected = [child, child, child, child, &index("1.5.0"), &index("latest")];
    assert_eq!(push.events.iter().map(reported).collect::<Vec<_>>(), expected);
    assert_eq!(push.event()["detail"]["image-digest"], json!(push.digest));

    let request = json!({"repositoryName": "shop/web", "imageIds": [{"imageTag": "latest"}]});
    let got = answered(call(&world, "ECR.BatchGetImage", request).await);
    let manifest = got["images"][0]["imageManifest"].as_str().unwrap();
    assert_eq!(identity::digest(manifest.as_bytes()), push.digest);
    let manifest: Value = serde_json::from_str(manifest).unwrap();
    let children = manifest["manifests"].as_array().unwrap();
    assert_eq!(children.len(), 4);
    assert_eq!(children[0]["platform"]["architecture"], "amd64");
    assert_eq!(children[3]["annotations"]["vnd.docker.reference.type"], "attestation-manifest");
    world.finish();
}

#[tokio::test]
async fn each_account_and_region_has_a_registry_of_its_own() {
    let world = alone().await;
    let there = Place { region: "us-east-1".to_owned(), ..Place::default() };
    let here = world.push("shop/web", ["1.5.0"], &Image::single("here")).digest;
    let push = world.push_to(&there, "shop/web", ["1.5.0"], &Image::single("there"));
    assert_eq!((&push.event()["region"], &push.event()["account"]), (&json!("us-east-1"), &json!("123456789012")));
    let request = |account: &str| json!({"registryId": account, "repositoryName": "shop/web", "imageIds": [{"imageTag": "1.5.0"}]});
    for (region, digest) in [("eu-west-1", &here), ("us-east-1", &push.digest)] {
        let found = answered(call_in(&world, region, "ECR.DescribeImages", request("123456789012")).await);
        assert_eq!(found["imageDetails"][0]["imageDigest"], **digest, "{region}");
    }
    for (region, account) in [("ap-south-1", "123456789012"), ("us-east-1", "210987654321")] {
        refused(
            call_in(&world, region, "ECR.DescribeImages", request(account)).await,
            "RepositoryNotFoundException",
            &format!("The repository with name 'shop/web' does not exist in the registry with id '{account}'"),
        );
    }
    let regions: Vec<Option<String>> = world.calls().into_iter().map(|call| call.region).collect();
    let signed_for = ["eu-west-1", "us-east-1", "ap-south-1", "us-east-1"].map(|region| Some(region.to_owned()));
    assert_eq!(regions, signed_for);
    world.finish();
}

#[tokio::test]
async fn a_replication_has_the_shape_of_the_guides_sample() {
    let world = alone().await;
    let there = Place { account: "210987654321".to_owned(), region: "us-east-1".to_owned(), ..Place::default() };
    let push = world.push_to(&there, "shop/web", ["1.5.0"], &Image::multi_platform("web"));
    let [replication, copied] =
        <[Value; 2]>::try_from(world.replicate(&there, world.place(), "shop/web", "1.5.0")).unwrap();
    let sample: Value =
        serde_json::from_str(include_str!("../../../events/ecr_replication_action_success.json")).unwrap();
    let keys = |event: &Value| {
        let mut keys: Vec<String> = event.as_object().unwrap().keys().cloned().collect();
        keys.sort();
        keys
    };
    assert_eq!((keys(&replication), keys(&replication["detail"])), (keys(&sample), keys(&sample["detail"])));
    let detail = &replication["detail"];
    assert_eq!((&detail["source-account"], &detail["source-region"]), (&json!("210987654321"), &json!("us-east-1")));
    assert_eq!((&replication["account"], &replication["region"]), (&json!("123456789012"), &json!("eu-west-1")));
    assert_eq!(
        (&detail["image-digest"], &copied["detail"]["image-digest"]),
        (&json!(push.digest), &json!(push.digest))
    );
    // With what it refers to.
    let manifest = json!({"repositoryName": "shop/web", "imageIds": [{"imageTag": "1.5.0"}]});
    let index = answered(call(&world, "ECR.BatchGetImage", manifest).await)["images"][0]["imageManifest"].clone();
    let index: Value = serde_json::from_str(index.as_str().unwrap()).unwrap();
    let child = json!({"repositoryName": "shop/web", "imageIds": [{"imageDigest": index["manifests"][0]["digest"]}]});
    assert_eq!(answered(call(&world, "ECR.BatchGetImage", child).await)["failures"], json!([]));
    world.finish();
}

#[tokio::test]
async fn an_event_has_the_shape_of_a_captured_one() {
    let world = alone().await;
    let event = world.push("team/web", ["v1"], &Image::docker("web")).event();
    let keys: Vec<&String> = event.as_object().unwrap().keys().collect();
    let expected = ["version", "id", "detail-type", "source", "account", "time", "region", "resources", "detail"];
    assert_eq!(keys, expected);
    assert_eq!((&event["time"], &event["resources"]), (&json!("2026-11-21T12:00:00Z"), &json!([])));
    assert_eq!(event["detail"]["artifact-media-type"], "application/vnd.docker.container.image.v1+json");
}

#[tokio::test]
async fn images_are_described_by_tag_and_digest_with_every_tag_and_the_push_time() {
    let world = alone().await;
    let pushed_at = world.now();
    let push = world.push("shop/web", ["1.5.0"], &Image::single("web"));
    let retagged = world.retag("shop/web", &push.digest, "prod");
    assert_eq!(retagged["detail"]["image-tag"], "prod");
    for id in [json!({"imageTag": "1.5.0"}), json!({"imageDigest": push.digest})] {
        let request = json!({"repositoryName": "shop/web", "imageIds": [id]});
        let detail = answered(call(&world, "ECR.DescribeImages", request).await)["imageDetails"][0].clone();
        assert_eq!((&detail["imageDigest"], &detail["imageTags"]), (&json!(push.digest), &json!(["1.5.0", "prod"])));
        assert_eq!(detail["imagePushedAt"].as_f64(), Some(pushed_at.as_second() as f64));
        assert_eq!(detail["imageStatus"], "ACTIVE");
    }
    let earlier = "2026-01-01T00:00:00Z".parse().unwrap();
    let old = world.push_at("shop/web", ["1.4.0"], &Image::single("old"), earlier);
    let request = json!({"repositoryName": "shop/web", "imageIds": [{"imageDigest": old.digest}]});
    let detail = answered(call(&world, "ECR.DescribeImages", request).await);
    assert_eq!(detail["imageDetails"][0]["imagePushedAt"].as_f64(), Some(1_767_225_600.0));
    world.finish();
}

#[tokio::test]
async fn what_is_missing_is_refused_in_ecrs_own_words() {
    let world = alone().await;
    world.push("shop/web", ["1.5.0"], &Image::single("web"));
    let request = json!({"repositoryName": "shop/web", "imageIds": [{"imageTag": "1.5.0"}, {"imageTag": "2"}]});
    refused(
        call(&world, "ECR.DescribeImages", request).await,
        "ImageNotFoundException",
        "The image with imageId {imageDigest:'null', imageTag:'2'} does not exist within the repository with name \
         'shop/web' in the registry with id '123456789012'",
    );
    let request = json!({"repositoryName": "shop/none", "imageIds": [{"imageTag": "2"}]});
    refused(
        call(&world, "ECR.DescribeImages", request).await,
        "RepositoryNotFoundException",
        "The repository with name 'shop/none' does not exist in the registry with id '123456789012'",
    );
    let request = json!({"repositoryName": "shop/web", "imageIds": [{"imageTag": "2"}]});
    let got = answered(call(&world, "ECR.BatchGetImage", request).await);
    assert_eq!(got["failures"][0]["failureCode"], "ImageNotFound");
    world.finish();
}

#[tokio::test]
async fn all_images_come_in_pages_filtered() {
    let world = alone().await;
    let mut digests = Vec::new();
    for number in 0..5 {
        digests
            .push(world.push("shop/web", [&format!("1.{number}") as &str], &Image::single(&number.to_string())).digest);
    }
    world.push("shop/web", [], &Image::single("untagged"));
    let archived = world.archive_image("shop/web", &digests[0]);
    assert_eq!(archived[0]["detail"]["target-storage-class"], "ARCHIVE");

    let mut request = json!({"repositoryName": "shop/web", "maxResults": 3, "filter": {"tagStatus": "TAGGED"}});
    let first = answered(call(&world, "ECR.DescribeImages", request.clone()).await);
    request["nextToken"] = first["nextToken"].clone();
    let second = answered(call(&world, "ECR.DescribeImages", request).await);
    let count = |page: &Value| page["imageDetails"].as_array().unwrap().len();
    assert_eq!((count(&first), count(&second), second.get("nextToken")), (3, 1, None));
    world.finish();
}

#[tokio::test]
async fn a_deleted_image_is_gone_and_a_restored_one_back() {
    let world = alone().await;
    let push = world.push("shop/web", ["1", "2"], &Image::single("web"));
    assert_eq!(world.delete_image("shop/web", "1").len(), 1);
    assert_eq!(world.delete_image("shop/web", &push.digest)[0]["detail"]["image-tag"], "2");
    let request = json!({"repositoryName": "shop/web", "imageIds": [{"imageDigest": push.digest}]});
    assert_eq!(call(&world, "ECR.DescribeImages", request).await.0, 400);

    let push = world.push("shop/web", ["3"], &Image::single("other"));
    world.archive_image("shop/web", &push.digest);
    let restored = world.restore_image("shop/web", &push.digest);
    assert_eq!(restored[0]["detail"]["last-activated-at"], "2026-11-21T12:00:05.00Z");
    world.finish();
}

#[tokio::test]
async fn the_same_push_again_is_no_news() {
    let world = alone().await;
    let image = Image::multi_platform("web");
    assert_eq!(world.push("shop/web", ["1"], &image).events.len(), 5);
    assert_eq!(world.push("shop/web", ["1"], &image).events, [] as [Value; 0]);
    assert_eq!(world.push("shop/web", ["2"], &image).events.len(), 1);
}

#[tokio::test]
async fn an_annotated_build_is_another_digest_of_the_same_children() {
    let world = alone().await;
    let build = Image::multi_platform("web");
    let again = build.clone().annotated("org.opencontainers.image.revision", "0ebb429");
    assert_ne!(build.digest(), again.digest());
    assert_eq!(build.untagged_digests(), again.untagged_digests());
    world.push("shop/web", ["1.0.0"], &build);
    let push = world.push("shop/web", ["latest"], &again);
    world.expire_image("shop/web", &push.digest);
    let request = json!({"repositoryName": "shop/web", "imageIds": [{"imageTag": "latest"}]});
    assert_eq!(call(&world, "ECR.DescribeImages", request).await.1["__type"], "ImageNotFoundException");
    world.finish();
}

#[tokio::test]
async fn a_configuration_is_at_the_signed_address_for_whoever_has_it() {
    let world = alone().await;
    let image = Image::multi_platform("web").labelled([("org.opencontainers.image.version", "1.5.0")]);
    assert_ne!(image.digest(), Image::multi_platform("web").digest());
    world.push("shop/web", ["1.5.0"], &image);
    let child = json!({"repositoryName": "shop/web", "imageIds": [{"imageDigest": image.untagged_digests()[0]}]});
    let got = answered(call(&world, "ECR.BatchGetImage", child).await);
    let manifest: Value = serde_json::from_str(got["images"][0]["imageManifest"].as_str().unwrap()).unwrap();
    let digest = manifest["config"]["digest"].as_str().unwrap();

    let request = json!({"repositoryName": "shop/web", "layerDigest": digest});
    let address = answered(call(&world, "ECR.GetDownloadUrlForLayer", request).await);
    let url = address["downloadUrl"].as_str().unwrap();
    let (status, body) = get(url, ("accept", "*/*")).await;
    assert_eq!((status, identity::digest(&body).as_str()), (200, digest));
    let configuration: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(configuration["config"]["Labels"], json!({"org.opencontainers.image.version": "1.5.0"}));

    assert_eq!(get(&url.replace("X-Amz-Signature=", "X-Amz-Signature=0"), ("accept", "*/*")).await.0, 403);
    // Credentials are nobody's business there.
    assert_eq!(get(url, ("x-amz-security-token", "deploy")).await.0, 400);
    let request = json!({"repositoryName": "shop/web", "layerDigest": format!("sha256:{}", "0".repeat(64))});
    assert_eq!(call(&world, "ECR.GetDownloadUrlForLayer", request).await.1["__type"], "LayersNotFoundException");
    world.finish();
}

async fn get(url: &str, header: (&'static str, &'static str)) -> (u16, Bytes) {
    let request = hyper::Request::get(url).header(header.0, header.1).body(Full::default()).unwrap();
    send(request).await.unwrap()
}
