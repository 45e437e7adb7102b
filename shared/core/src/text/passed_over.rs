//! Known-good revisions that a rollback cannot go to, in words, and how a person restores an image from ECR's archive.

use std::fmt;

use crate::model::record::{PassedOver, Unusable};

/// `web:41 needs shop/web@sha256:182264c5b6e5, which is archived in ECR`.
impl fmt::Display for PassedOver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (image, which) = match &self.because {
            Unusable::RevisionGone => return write!(f, "{} can no longer be read", self.revision),
            Unusable::ImageGone(image) => (image, "the registry no longer has"),
            Unusable::ImageArchived(image) => (image, "is archived in ECR"),
            Unusable::ImageRestoring(image) => (image, "ECR is restoring from its archive"),
        };
        write!(f, "{} needs {}, which {which}", self.revision, short(image))
    }
}

/// All of them in half a sentence.
pub(super) fn each(passed_over: &[PassedOver]) -> String {
    passed_over.iter().map(ToString::to_string).collect::<Vec<_>>().join(", and ")
}

/// An image with the first twelve digits of its digest, as people read it.
pub(super) fn short(image: &str) -> &str {
    /// So many digits are enough.
    const DIGITS: usize = 12;
    let end = image.find("@sha256:").map(|at| at + "@sha256:".len() + DIGITS);
    end.and_then(|end| image.get(..end)).unwrap_or(image)
}

/// The command by which a person restores an image, `shop/web@sha256:…` or `shop/web:1.4.2`.
pub(super) fn restore(image: &str) -> String {
    let (repository, id) = match (image.split_once('@'), image.rsplit_once(':')) {
        (Some((repository, digest)), _) => (repository, format!("imageDigest={digest}")),
        (None, Some((repository, tag))) => (repository, format!("imageTag={tag}")),
        (None, None) => (image, "imageTag=latest".to_owned()),
    };
    format!(
        "aws ecr update-image-storage-class --repository-name {repository} --image-id {id} --target-storage-class STANDARD"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revision_is_passed_over_for_a_reason() {
        #[track_caller]
        fn check(because: Unusable, expected: &str) {
            assert_eq!(PassedOver { revision: "web:41".to_owned(), because }.to_string(), expected);
        }
        let image = format!("shop/web@sha256:{}", "a".repeat(64));
        let shown = "web:41 needs shop/web@sha256:aaaaaaaaaaaa, which";
        check(Unusable::RevisionGone, "web:41 can no longer be read");
        check(Unusable::ImageGone(image.clone()), &format!("{shown} the registry no longer has"));
        check(Unusable::ImageArchived(image.clone()), &format!("{shown} is archived in ECR"));
        check(Unusable::ImageRestoring(image), &format!("{shown} ECR is restoring from its archive"));
        check(
            Unusable::ImageGone("shop/web:prod".to_owned()),
            "web:41 needs shop/web:prod, which the registry no longer has",
        );
        check(
            Unusable::ImageGone("shop/web@sha256:a".to_owned()),
            "web:41 needs shop/web@sha256:a, which the registry no longer has",
        );
    }

    #[test]
    fn a_person_restores_an_image_by_its_digest_or_else_by_its_tag() {
        let command = |repository: &str, id: &str| {
            format!(
                "aws ecr update-image-storage-class --repository-name {repository} --image-id {id} \
                 --target-storage-class STANDARD"
            )
        };
        assert_eq!(restore("shop/web@sha256:ab"), command("shop/web", "imageDigest=sha256:ab"));
        assert_eq!(restore("shop/web:1.4.2"), command("shop/web", "imageTag=1.4.2"));
    }
}
