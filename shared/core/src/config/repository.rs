//! Repositories as the document names them, and which repository that is.

use crate::model::id::Home;
use crate::model::image::{ImageRef, Registry, Repository};

/// A repository as the document names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum RepositoryName {
    /// A name in the account and region where Slipway runs: `shop/web`.
    Home(String),
    /// A full registry URI: `123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web`.
    Full(Repository),
}

impl RepositoryName {
    /// Takes a name or a registry URI in any of ECR's host forms; the error says what is wrong, and what would be right.
    pub fn parse(text: &str) -> Result<Self, String> {
        if let Some((_, name)) = text.split_once(":repository/").filter(|_| text.starts_with("arn:")) {
            return Err(format!("{text:?} is an ARN; write the repository's name, {name:?}, or its URI"));
        }
        if let Some((_, rest)) = text.split_once("://") {
            return Err(format!("{text:?} is a URL; write {rest:?}"));
        }
        let Some(image) = ImageRef::parse(text) else {
            let lower = text.to_lowercase();
            let right = if ImageRef::parse(&lower).is_some() { &lower } else { "shop/web" };
            return Err(format!(
                "{text:?} is no repository; a name is of lower-case letters, digits and . _ - /, such as {right:?}"
            ));
        };
        if image.tag.is_some() || image.digest.is_some() {
            let bare = ImageRef { tag: None, digest: None, ..image }.to_string();
            return Err(format!(
                "{text:?} names an image; write the repository alone, {bare:?}, and what to deploy under `tags`"
            ));
        }
        // ECR's service model: a repository's name has at least two characters.
        if image.path.len() < 2 {
            return Err(format!("{text:?} is no repository: a name in ECR has at least two characters"));
        }
        if image.host.is_none() {
            return Ok(Self::Home(image.path));
        }
        match image.repository() {
            repository @ Repository { registry: Registry::Ecr { .. }, .. } => Ok(Self::Full(repository)),
            Repository { registry, .. } => Err(format!(
                "{registry} is no private ECR registry, and pushes elsewhere are not heard of; \
                 write a name in this account, such as \"shop/web\", or 123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web"
            )),
        }
    }

    /// The name without a registry.
    pub fn name(&self) -> &str {
        match self {
            Self::Home(name) => name,
            Self::Full(repository) => &repository.name,
        }
    }

    /// The repository, from where the function runs.
    pub fn at(&self, home: &Home) -> Repository {
        match self {
            Self::Home(name) => Repository::at_home(name, home),
            Self::Full(repository) => repository.clone(),
        }
    }

    /// Whether it names this repository, from where the function runs.
    pub fn is(&self, repository: &Repository, home: &Home) -> bool {
        self.at(home) == *repository
    }

    /// Whether the two could be one repository: a name at home may be any registry's, until home is known.
    pub(super) fn may_be(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Full(one), Self::Full(other)) => one == other,
            _ => self.name() == other.name(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web";

    #[test]
    fn every_form_of_a_registry_means_the_same_repository() {
        let home = Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:slipway").unwrap();
        let expected = Repository::at_home("shop/web", &home);
        for text in ["shop/web", URI, "123456789012.dkr-ecr.eu-west-1.on.aws/shop/web"] {
            let name = RepositoryName::parse(text).unwrap();
            assert!(name.is(&expected, &home), "{text}");
            assert_eq!(name.at(&home), expected);
        }
        let elsewhere = RepositoryName::parse("123456789012.dkr.ecr.eu-west-2.amazonaws.com/shop/web").unwrap();
        assert!(!elsewhere.is(&expected, &home));
        assert!(!RepositoryName::parse("web").unwrap().is(&expected, &home));
    }

    #[test]
    fn a_wrong_repository_is_reported_with_what_would_be_right() {
        let reported: Vec<String> = [
            "arn:aws:ecr:eu-west-1:123456789012:repository/shop/web",
            &format!("https://{URI}"),
            "Shop/Web",
            "shop web",
            "",
            "w",
            "shop/web:1.4",
            &format!("{URI}:latest"),
            "docker.io/library/nginx",
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com/shop/web",
        ]
        .iter()
        .map(|text| RepositoryName::parse(text).unwrap_err())
        .collect();
        insta::assert_snapshot!(reported.join("\n"), @r#"
            "arn:aws:ecr:eu-west-1:123456789012:repository/shop/web" is an ARN; write the repository's name, "shop/web", or its URI
            "https://123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web" is a URL; write "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web"
            "Shop/Web" is no repository; a name is of lower-case letters, digits and . _ - /, such as "shop/web"
            "shop web" is no repository; a name is of lower-case letters, digits and . _ - /, such as "shop/web"
            "" is no repository; a name is of lower-case letters, digits and . _ - /, such as "shop/web"
            "w" is no repository: a name in ECR has at least two characters
            "shop/web:1.4" names an image; write the repository alone, "shop/web", and what to deploy under `tags`
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web:latest" names an image; write the repository alone, "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web", and what to deploy under `tags`
            docker.io is no private ECR registry, and pushes elsewhere are not heard of; write a name in this account, such as "shop/web", or 123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web
            123456789012.dkr.ecr.cn-north-1.amazonaws.com is no private ECR registry, and pushes elsewhere are not heard of; write a name in this account, such as "shop/web", or 123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web
            "#);
    }
}
