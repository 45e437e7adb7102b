//! Where the document is kept, and how large it may be there. Pure: somebody else fetches it.

use std::fmt;

use super::{Config, Mistake, Mistakes, version_of};

/// The setting that says where the document is.
const SETTING: &str = "SLIPWAY_CONFIG";

/// All environment variables of a Lambda function together have 4 KB (Lambda's quotas), and the others need their part of it.
const INLINE: usize = 3 * 1024;

/// The largest parameter that SSM stores, of the advanced tier (SSM's quotas).
const PARAMETER: usize = 8 * 1024;

/// Ten thousand targets with everything that a target can have are about two megabytes; more would be read too slowly.
const OBJECT: usize = 4 * 1024 * 1024;

/// Where the document is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// An SSM parameter, by its name: `ssm:/slipway/config`.
    Parameter(String),
    /// An S3 object: `s3://bucket/key`.
    Object {
        /// The bucket's name.
        bucket: String,
        /// The object's key, without a leading slash.
        key: String,
    },
    /// The setting is the document itself.
    Inline(String),
}

impl Source {
    /// Reads the setting `SLIPWAY_CONFIG`: `ssm:/name`, `s3://bucket/key`, or the document itself.
    pub fn parse(setting: &str) -> Result<Self, Mistake> {
        let text = setting.trim();
        if text.is_empty() {
            return Err(mistake("is empty; write ssm:/name, s3://bucket/key, or the document itself"));
        }
        if let Some(name) = text.strip_prefix("ssm:") {
            return parameter(name);
        }
        if let Some(path) = text.strip_prefix("s3:") {
            return object(path);
        }
        let is_one_word = !text.contains(char::is_whitespace) && !text.starts_with(['{', '[']);
        if is_one_word {
            return Err(mistake(format!(
                "{text:?} is no place; write ssm:/name, s3://bucket/key, or the document itself"
            )));
        }
        Ok(Self::Inline(setting.to_owned()))
    }

    /// How many bytes a document has at most in this place.
    pub fn limit(&self) -> usize {
        match self {
            Self::Inline(_) => INLINE,
            Self::Parameter(_) => PARAMETER,
            Self::Object { .. } => OBJECT,
        }
    }

    /// Reads a document that was found in this place; one that is too large for it is a mistake.
    pub fn parse_document(&self, text: &str) -> Result<Config, Mistakes> {
        let limit = self.limit();
        if text.len() <= limit {
            return Config::parse(text);
        }
        let (what, instead) = match self {
            Self::Inline(_) => {
                ("a document in the setting itself", "keep it in an SSM parameter (8 KB) or in S3 (4 MB)")
            }
            Self::Parameter(_) => ("a document in an SSM parameter", "keep it in S3 (4 MB)"),
            Self::Object { .. } => {
                ("a document in S3", "install Slipway several times, each for a part of the targets")
            }
        };
        let too_large = mistake(format!("{what} has at most {limit} bytes, and this one has more; {instead}"));
        Err(Mistakes { version: version_of(text), mistakes: vec![too_large] })
    }
}

impl fmt::Display for Source {
    /// Where the document is, as the setting says it; of a document in the setting itself, the setting's name.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parameter(name) => write!(f, "ssm:{name}"),
            Self::Object { bucket, key } => write!(f, "s3://{bucket}/{key}"),
            Self::Inline(_) => f.write_str(SETTING),
        }
    }
}

fn parameter(name: &str) -> Result<Source, Mistake> {
    // SSM's API reference: names are of these characters, and a hierarchy's begins with a slash.
    let right = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
    if right && name.starts_with('/') && !name.ends_with('/') {
        return Ok(Source::Parameter(name.to_owned()));
    }
    Err(mistake(format!("\"ssm:{name}\" names no SSM parameter; write one such as ssm:/slipway/config")))
}

fn object(path: &str) -> Result<Source, Mistake> {
    let parts = path.strip_prefix("//").and_then(|path| path.split_once('/'));
    match parts {
        Some((bucket, key)) if !bucket.is_empty() && !key.is_empty() => {
            Ok(Source::Object { bucket: bucket.to_owned(), key: key.to_owned() })
        }
        _ => Err(mistake(format!("\"s3:{path}\" names no object in S3; write one such as s3://bucket/slipway.yaml"))),
    }
}

fn mistake(text: impl Into<String>) -> Mistake {
    Mistake::of_setting(SETTING, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_is_a_place_or_the_document() {
        let object = Source::Object { bucket: "acme".to_owned(), key: "a/slipway.yaml".to_owned() };
        assert_eq!(Source::parse("ssm:/slipway/config"), Ok(Source::Parameter("/slipway/config".to_owned())));
        assert_eq!(Source::parse(" s3://acme/a/slipway.yaml\n"), Ok(object));
        for document in ["version: 1\ntargets: []\n", "{\"version\":1}", "# s3://x/y\nversion: 1"] {
            assert_eq!(Source::parse(document), Ok(Source::Inline(document.to_owned())));
        }
    }

    #[test]
    fn a_wrong_setting_is_reported_with_a_right_one() {
        let reported: Vec<String> = [
            "",
            " ",
            "ssm:config",
            "ssm:",
            "ssm:/a b",
            "s3://acme",
            "s3:acme/key",
            "config.yaml",
            "arn:aws:s3:::acme/key",
        ]
        .iter()
        .map(|setting| Source::parse(setting).unwrap_err().to_string())
        .collect();
        insta::assert_snapshot!(reported.join("\n"), @r#"
        SLIPWAY_CONFIG: is empty; write ssm:/name, s3://bucket/key, or the document itself
        SLIPWAY_CONFIG: is empty; write ssm:/name, s3://bucket/key, or the document itself
        SLIPWAY_CONFIG: "ssm:config" names no SSM parameter; write one such as ssm:/slipway/config
        SLIPWAY_CONFIG: "ssm:" names no SSM parameter; write one such as ssm:/slipway/config
        SLIPWAY_CONFIG: "ssm:/a b" names no SSM parameter; write one such as ssm:/slipway/config
        SLIPWAY_CONFIG: "s3://acme" names no object in S3; write one such as s3://bucket/slipway.yaml
        SLIPWAY_CONFIG: "s3:acme/key" names no object in S3; write one such as s3://bucket/slipway.yaml
        SLIPWAY_CONFIG: "config.yaml" is no place; write ssm:/name, s3://bucket/key, or the document itself
        SLIPWAY_CONFIG: "arn:aws:s3:::acme/key" is no place; write ssm:/name, s3://bucket/key, or the document itself
        "#);
    }

    #[track_caller]
    fn check_size(setting: &str, most: usize) {
        let source = Source::parse(setting).unwrap();
        assert_eq!(source.limit(), most);
        let mistake = |bytes| source.parse_document(&"#".repeat(bytes)).unwrap_err().to_string();
        assert!(!mistake(most).contains("bytes"));
        assert!(mistake(most + 1).contains("bytes"));
    }

    #[test]
    fn each_place_has_its_size() {
        check_size("version: 1\n", 3072);
        check_size("ssm:/config", 8192);
        check_size("s3://acme/key", 4_194_304);
    }

    #[test]
    fn too_large_says_so_and_what_to_use_instead() {
        let large = format!("version: 1\n#{}", "-".repeat(5_000_000));
        let reported: Vec<String> = [large.as_str(), "ssm:/config", "s3://acme/key"]
            .iter()
            .map(|setting| Source::parse(setting).unwrap().parse_document(&large).unwrap_err().to_string())
            .collect();
        insta::assert_snapshot!(reported.join("\n"), @r#"
        SLIPWAY_CONFIG: a document in the setting itself has at most 3072 bytes, and this one has more; keep it in an SSM parameter (8 KB) or in S3 (4 MB)
        SLIPWAY_CONFIG: a document in an SSM parameter has at most 8192 bytes, and this one has more; keep it in S3 (4 MB)
        SLIPWAY_CONFIG: a document in S3 has at most 4194304 bytes, and this one has more; install Slipway several times, each for a part of the targets
        "#);
    }
}
