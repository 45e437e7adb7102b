//! The ids that AWS would make up, derived from what they name instead of from chance.
//!
//! An id depends only on its subject and on how many that subject had before, so calls that race for different
//! subjects get the same ids in every run.

use std::fmt::Write;

use sha2::{Digest, Sha256};

/// `sha256:` and the digest of these bytes, as registries write it.
pub fn digest(bytes: &[u8]) -> String {
    format!("sha256:{}", hexadecimal(bytes, 64))
}

/// A number of nineteen digits, as in `ecs-svc/1702860048778063437`.
pub fn nineteen_digits(subject: &str, ordinal: usize) -> u64 {
    const LOWEST: u64 = 1_000_000_000_000_000_000;
    let hash = Sha256::digest(format!("{subject}#{ordinal}"));
    let number = hash.iter().take(8).fold(0_u64, |number, byte| (number << 8) | u64::from(*byte));
    LOWEST + number % (8 * LOWEST)
}

/// An id in the form of a version 4 UUID.
pub fn uuid(subject: &str, ordinal: usize) -> String {
    let hex = hexadecimal(format!("{subject}#{ordinal}").as_bytes(), 32);
    format!("{}-{}-4{}-8{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
}

/// An id of 32 hexadecimal digits, as ECS gives its tasks.
pub fn task_id(subject: &str, ordinal: usize) -> String {
    hexadecimal(format!("{subject}#{ordinal}").as_bytes(), 32)
}

/// Sixteen hexadecimal digits, with which the ARN of a target group ends.
pub fn short(subject: &str) -> String {
    hexadecimal(subject.as_bytes(), 16)
}

/// The id of a deployment of CodeDeploy, `d-A1B2C3D4E`.
pub fn code_deploy_id(subject: &str, ordinal: usize) -> String {
    const LETTERS: &[u8; 36] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    let hash = Sha256::digest(format!("{subject}#{ordinal}"));
    let letters = hash.iter().take(9).map(|byte| char::from(LETTERS[usize::from(byte % 36)]));
    format!("d-{}", letters.collect::<String>())
}

/// A service deployment's id, 21 characters of which only their form is known.
pub fn service_deployment_id(subject: &str, ordinal: usize) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    let hash = Sha256::digest(format!("{subject}#{ordinal}"));
    hash.iter().take(21).map(|byte| char::from(LETTERS[usize::from(byte & 63)])).collect()
}

fn hexadecimal(bytes: &[u8], length: usize) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(bytes) {
        let _ = write!(text, "{byte:02x}");
    }
    text.truncate(length);
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_have_the_forms_that_aws_gives_them() {
        assert_eq!(digest(b""), "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
        assert_eq!(nineteen_digits("prod/web", 0).to_string().len(), 19);
        assert_eq!(nineteen_digits("prod/web", 1).to_string().len(), 19);
        assert_ne!(nineteen_digits("prod/web", 0), nineteen_digits("prod/web", 1));
        assert_eq!(uuid("event", 0).len(), 36);
        assert_eq!(task_id("prod/web", 0).len(), 32);
        assert_eq!(service_deployment_id("prod/web", 0).len(), 21);
        assert_eq!(code_deploy_id("prod/web", 0).len(), 11);
        assert_eq!(short("blue").len(), 16);
    }
}
