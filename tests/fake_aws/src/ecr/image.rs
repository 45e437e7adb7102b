//! Images to push: real manifests, whose digests are the SHA-256 of their text as in every registry.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::identity;

pub(super) const OCI_MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub(super) const OCI_INDEX: &str = "application/vnd.oci.image.index.v1+json";
const OCI_CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const DOCKER_CONFIG: &str = "application/vnd.docker.container.image.v1+json";

/// An image as a client pushes it: the manifests without a tag first, the one that gets the tags last.
#[derive(Clone, Debug)]
pub struct Image {
    pub(super) untagged: Vec<Manifest>,
    pub(super) tagged: Manifest,
    /// The images' configurations, by digest. Where no scenario asks for labels they are any text: ECR doesn't check.
    pub(super) blobs: BTreeMap<String, String>,
}

/// One manifest.
#[derive(Clone, Debug)]
pub(super) struct Manifest {
    pub(super) text: String,
    pub(super) media_type: String,
    pub(super) artifact_media_type: Option<String>,
}

impl Manifest {
    pub(super) fn digest(&self) -> String {
        identity::digest(self.text.as_bytes())
    }

    /// Gives the image's configuration these labels; `false` for what has none, an index or an attestation.
    fn label(&mut self, labels: &Value, blobs: &mut BTreeMap<String, String>) -> bool {
        let mut manifest: Value = serde_json::from_str(&self.text).unwrap_or_default();
        let digest = manifest["config"]["digest"].as_str().unwrap_or_default();
        let Some(config) = blobs.remove(digest) else { return false };
        let (digest, config) = kept(
            json!({
                "architecture": "amd64", "os": "linux", "author": config,
                "config": { "Cmd": ["/web"], "Labels": labels },
                "rootfs": { "type": "layers", "diff_ids": [manifest["layers"][0]["digest"]] },
            })
            .to_string(),
        );
        manifest["config"]["digest"] = json!(digest);
        manifest["config"]["size"] = json!(config.len());
        blobs.insert(digest, config);
        *self = Self::of(&manifest);
        true
    }

    fn of(manifest: &Value) -> Self {
        Self::parse(manifest.to_string(), None)
    }

    /// Takes a manifest's text as a client sent it.
    pub(super) fn parse(text: String, media_type: Option<&str>) -> Self {
        let manifest: Value = serde_json::from_str(&text).unwrap_or_default();
        let media_type = media_type.or(manifest["mediaType"].as_str()).unwrap_or(OCI_MANIFEST).to_owned();
        let artifact = manifest["artifactType"].as_str().or(manifest["config"]["mediaType"].as_str());
        Self { artifact_media_type: artifact.map(str::to_owned), media_type, text }
    }
}

impl Image {
    /// An OCI image for a single platform. The same content is the same image.
    pub fn single(content: &str) -> Self {
        Self::alone(&manifest(OCI_MANIFEST, OCI_CONFIG, content), content)
    }

    /// An image in Docker's own format, schema 2, as `docker push` makes it without buildx.
    pub fn docker(content: &str) -> Self {
        Self::alone(&manifest(DOCKER_MANIFEST, DOCKER_CONFIG, content), content)
    }

    /// Something that is no container image: a chart, a signature, an SBOM, by its config's media type.
    pub fn artifact(content: &str, config_media_type: &str) -> Self {
        Self::alone(&manifest(OCI_MANIFEST, config_media_type, content), content)
    }

    /// What buildx pushes for two platforms: a child and an attestation for each, and the index with the tag.
    pub fn multi_platform(content: &str) -> Self {
        let mut untagged = Vec::new();
        let mut listed = Vec::new();
        let mut blobs = BTreeMap::new();
        for architecture in ["amd64", "arm64"] {
            let content = format!("{content} for {architecture}");
            let child = Manifest::of(&manifest(OCI_MANIFEST, OCI_CONFIG, &content));
            blobs.extend([kept(config(&content))]);
            listed.push(json!({
                "mediaType": OCI_MANIFEST, "digest": child.digest(), "size": child.text.len(),
                "platform": { "architecture": architecture, "os": "linux" },
            }));
            untagged.push(child);
        }
        for child in untagged.clone() {
            let attestation = Manifest::of(&attestation(&child));
            listed.push(json!({
                "mediaType": OCI_MANIFEST, "digest": attestation.digest(), "size": attestation.text.len(),
                "annotations": {
                    "vnd.docker.reference.digest": child.digest(),
                    "vnd.docker.reference.type": "attestation-manifest",
                },
                "platform": { "architecture": "unknown", "os": "unknown" },
            }));
            untagged.push(attestation);
        }
        let index = json!({ "schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": listed });
        Self { untagged, tagged: Manifest::of(&index), blobs }
    }

    /// The same image with these labels, as `docker build --label` writes them: another configuration, another digest. Of
    /// several platforms each image has them.
    pub fn labelled<const N: usize>(mut self, labels: [(&str, &str); N]) -> Self {
        let labels: Value = labels.into_iter().collect();
        let mut renamed = Vec::new();
        for child in &mut self.untagged {
            let old = child.digest();
            if child.label(&labels, &mut self.blobs) {
                renamed.push((old, child.clone()));
            }
        }
        self.tagged.label(&labels, &mut self.blobs);
        for (old, child) in renamed {
            let mut index: Value = serde_json::from_str(&self.tagged.text).unwrap_or_default();
            for listed in index["manifests"].as_array_mut().into_iter().flatten() {
                if listed["digest"] == json!(old) {
                    listed["digest"] = json!(child.digest());
                    listed["size"] = json!(child.text.len());
                } else if listed["annotations"]["vnd.docker.reference.digest"] == json!(old) {
                    listed["annotations"]["vnd.docker.reference.digest"] = json!(child.digest());
                }
            }
            self.tagged = Manifest::of(&index);
        }
        self
    }

    /// The same image built for this processor, `arm64`: another configuration, another digest.
    pub fn built_for(self, architecture: &str) -> Self {
        let mut image = self.labelled([]);
        let mut manifest: Value = serde_json::from_str(&image.tagged.text).unwrap_or_default();
        let digest = manifest["config"]["digest"].as_str().unwrap_or_default().to_owned();
        let mut config: Value =
            image.blobs.remove(&digest).and_then(|it| serde_json::from_str(&it).ok()).unwrap_or_default();
        config["architecture"] = json!(architecture);
        let (digest, config) = kept(config.to_string());
        manifest["config"]["digest"] = json!(digest);
        manifest["config"]["size"] = json!(config.len());
        image.blobs.insert(digest, config);
        image.tagged = Manifest::of(&manifest);
        image
    }

    /// The same build with an annotation on what gets the tags, `org.opencontainers.image.revision` for instance: another
    /// digest, but the same config, or of several platforms the same children.
    pub fn annotated(mut self, key: &str, value: &str) -> Self {
        let mut manifest: Value = serde_json::from_str(&self.tagged.text).unwrap_or_default();
        manifest["annotations"][key] = json!(value);
        self.tagged = Manifest::of(&manifest);
        self
    }

    /// The digest that the tags will point to.
    pub fn digest(&self) -> String {
        self.tagged.digest()
    }

    /// The digests of the manifests that get no tag, in the order they are pushed.
    pub fn untagged_digests(&self) -> Vec<String> {
        self.untagged.iter().map(Manifest::digest).collect()
    }

    fn alone(manifest: &Value, content: &str) -> Self {
        Self { untagged: Vec::new(), tagged: Manifest::of(manifest), blobs: [kept(config(content))].into() }
    }
}

fn manifest(media_type: &str, config_media_type: &str, content: &str) -> Value {
    let layer_type = if media_type == DOCKER_MANIFEST {
        "application/vnd.docker.image.rootfs.diff.tar.gzip"
    } else {
        "application/vnd.oci.image.layer.v1.tar+gzip"
    };
    json!({
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": blob(config_media_type, &config(content)),
        "layers": [blob(layer_type, content)],
    })
}

fn config(content: &str) -> String {
    format!("the config of {content}")
}

fn kept(blob: String) -> (String, String) {
    (identity::digest(blob.as_bytes()), blob)
}

fn attestation(child: &Manifest) -> Value {
    let mut layer = blob("application/vnd.in-toto+json", &format!("the provenance of {}", child.digest()));
    layer["annotations"] = json!({ "in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2" });
    json!({
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": blob(OCI_CONFIG, &format!("the attestation of {}", child.digest())),
        "layers": [layer],
    })
}

fn blob(media_type: &str, content: &str) -> Value {
    json!({ "mediaType": media_type, "digest": identity::digest(content.as_bytes()), "size": content.len() })
}
