//! Which registry answers under a host, and which host an ECR registry has.
//!
//! One private ECR registry answers under four hosts, in every partition under other suffixes;
//! this is the one place that knows them.

use std::fmt;

use crate::model::id::{AccountId, Home, Region};
use crate::model::image::{Digest, ImageRef, is_path};

/// Docker Hub's name, also where an image names no host.
const DOCKER_HUB: &str = "docker.io";

/// The DNS suffixes of a partition.
struct Suffixes {
    /// How the partition's regions begin.
    regions: &'static str,
    /// Of `A.dkr.ecr.R.SUFFIX` and `A.dkr.ecr-fips.R.SUFFIX`.
    plain: &'static str,
    /// Of `A.dkr-ecr.R.SUFFIX` and `A.dkr-ecr-fips.R.SUFFIX`.
    dual_stack: &'static str,
}

/// Every partition but `aws` and `aws-us-gov`, which share [`COMMERCIAL`].
const PARTITIONS: [Suffixes; 6] = [
    Suffixes { regions: "cn-", plain: "amazonaws.com.cn", dual_stack: "on.amazonwebservices.com.cn" },
    Suffixes { regions: "eusc-", plain: "amazonaws.eu", dual_stack: "on.amazonwebservices.eu" },
    Suffixes { regions: "us-iso-", plain: "c2s.ic.gov", dual_stack: "on.aws.ic.gov" },
    Suffixes { regions: "us-isob-", plain: "sc2s.sgov.gov", dual_stack: "on.aws.scloud" },
    Suffixes { regions: "eu-isoe-", plain: "cloud.adc-e.uk", dual_stack: "on.cloud-aws.adc-e.uk" },
    Suffixes { regions: "us-isof-", plain: "csp.hci.ic.gov", dual_stack: "on.aws.hci.ic.gov" },
];
const COMMERCIAL: Suffixes = Suffixes { regions: "", plain: "amazonaws.com", dual_stack: "on.aws" };

impl Suffixes {
    /// A region that no partition here claims is taken for a new commercial one.
    fn of(region: &str) -> &'static Self {
        PARTITIONS.iter().find(|suffixes| region.starts_with(suffixes.regions)).unwrap_or(&COMMERCIAL)
    }
}

/// Who keeps a repository.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Registry {
    /// A private ECR registry; all four host forms of an account and region are this one registry.
    Ecr {
        /// The registry's account.
        account: AccountId,
        /// The registry's region.
        region: Region,
    },
    /// Any other registry by its host in lower case, such as `docker.io` or `localhost:5000`.
    Other(String),
}

impl Registry {
    /// The registry that answers under this host, `host[:port]`.
    ///
    /// ECR's hosts are `A.dkr.ecr.R.amazonaws.com`, `A.dkr.ecr-fips.R.amazonaws.com`, `A.dkr-ecr.R.on.aws`
    /// and `A.dkr-ecr-fips.R.on.aws`, with other suffixes in other partitions (Amazon ECR user guide, "Making requests").
    pub fn of_host(host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        if let Some(ecr) = Self::ecr(&host) {
            return ecr;
        }
        match host.as_str() {
            "index.docker.io" | "registry-1.docker.io" => Self::Other(DOCKER_HUB.to_owned()),
            _ => Self::Other(host),
        }
    }

    /// Docker Hub.
    pub fn docker_hub() -> Self {
        Self::Other(DOCKER_HUB.to_owned())
    }

    /// The host to write where no form is given: of an ECR registry the plain one.
    pub fn host(&self) -> String {
        match self {
            Self::Ecr { account, region } => {
                format!("{account}.dkr.ecr.{region}.{}", Suffixes::of(region.as_str()).plain)
            }
            Self::Other(host) => host.clone(),
        }
    }

    fn ecr(host: &str) -> Option<Self> {
        let (account, rest) = host.split_once('.')?;
        if account.len() != 12 || !account.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        let plain = rest.strip_prefix("dkr.ecr.").or_else(|| rest.strip_prefix("dkr.ecr-fips."));
        let dual_stack = rest.strip_prefix("dkr-ecr.").or_else(|| rest.strip_prefix("dkr-ecr-fips."));
        let (region, suffix) = plain.or(dual_stack)?.split_once('.')?;
        let suffixes = Suffixes::of(region);
        let own = if plain.is_some() { suffixes.plain } else { suffixes.dual_stack };
        (!region.is_empty() && suffix == own)
            .then(|| Self::Ecr { account: AccountId::new(account), region: Region::new(region) })
    }
}

impl fmt::Display for Registry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.host())
    }
}

/// A repository: a registry and a path. Its text is the URI, `123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Repository {
    /// Who keeps it.
    pub registry: Registry,
    /// Its name there, slashes included: `shop/web`.
    pub name: String,
}

impl Repository {
    /// The repository of this name in the account and region where the function runs.
    pub fn at_home(name: &str, home: &Home) -> Self {
        Self {
            registry: Registry::Ecr { account: home.account.clone(), region: home.region.clone() },
            name: name.to_owned(),
        }
    }

    /// Parses a repository's URI, `host[:port]/path`; `None` with a tag, a digest, or without a host.
    pub fn parse(uri: &str) -> Option<Self> {
        let reference = ImageRef::parse(uri)?;
        let bare = reference.host.is_some() && reference.tag.is_none() && reference.digest.is_none();
        bare.then(|| reference.repository())
    }

    /// Whether ECR would take this as a repository's name: 2 to 256 characters, lower case
    /// (`[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*`, with slashes between; ECR's service model).
    pub fn is_name(name: &str) -> bool {
        (2..=256).contains(&name.len()) && is_path(name)
    }

    /// The image of this digest, in the registry's plain host form.
    pub fn image(&self, digest: &Digest) -> ImageRef {
        ImageRef { host: Some(self.registry.host()), path: self.name.clone(), tag: None, digest: Some(digest.clone()) }
    }
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.registry, self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::id::Partition;

    fn ecr(account: &str, region: &str) -> Registry {
        Registry::Ecr { account: AccountId::new(account), region: Region::new(region) }
    }

    #[track_caller]
    fn check(host: &str, registry: Registry) {
        assert_eq!(Registry::of_host(host), registry);
    }

    #[test]
    fn four_hosts_are_one_ecr_registry() {
        let registry = ecr("123456789012", "eu-west-1");
        check("123456789012.dkr.ecr.eu-west-1.amazonaws.com", registry.clone());
        check("123456789012.dkr.ecr-fips.eu-west-1.amazonaws.com", registry.clone());
        check("123456789012.dkr-ecr.eu-west-1.on.aws", registry.clone());
        check("123456789012.dkr-ecr-fips.eu-west-1.on.aws", registry.clone());
        check("123456789012.DKR.ECR.eu-west-1.AmazonAWS.com", registry);
    }

    #[test]
    fn every_partition_has_its_suffixes() {
        for (region, plain, dual_stack) in [
            ("us-gov-west-1", "amazonaws.com", "on.aws"),
            ("ap-southeast-7", "amazonaws.com", "on.aws"),
            ("cn-northwest-1", "amazonaws.com.cn", "on.amazonwebservices.com.cn"),
            ("eusc-de-east-1", "amazonaws.eu", "on.amazonwebservices.eu"),
            ("us-iso-east-1", "c2s.ic.gov", "on.aws.ic.gov"),
            ("us-isob-east-1", "sc2s.sgov.gov", "on.aws.scloud"),
            ("eu-isoe-west-1", "cloud.adc-e.uk", "on.cloud-aws.adc-e.uk"),
            ("us-isof-south-1", "csp.hci.ic.gov", "on.aws.hci.ic.gov"),
        ] {
            let registry = ecr("123456789012", region);
            for host in [
                format!("123456789012.dkr.ecr.{region}.{plain}"),
                format!("123456789012.dkr.ecr-fips.{region}.{plain}"),
                format!("123456789012.dkr-ecr.{region}.{dual_stack}"),
                format!("123456789012.dkr-ecr-fips.{region}.{dual_stack}"),
            ] {
                check(&host, registry.clone());
            }
            assert_eq!(registry.host(), format!("123456789012.dkr.ecr.{region}.{plain}"));
        }
    }

    #[test]
    fn what_only_looks_like_ecr_is_another_registry() {
        for host in [
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com.evil.example",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com.cn",
            "123456789012.dkr.ecr.cn-north-1.amazonaws.com",
            "123456789012.dkr.ecr.eu-west-1.on.aws",
            "123456789012.dkr-ecr.eu-west-1.amazonaws.com",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com:443",
            "12345678901.dkr.ecr.eu-west-1.amazonaws.com",
            "12345678901a.dkr.ecr.eu-west-1.amazonaws.com",
            "dkr.ecr.eu-west-1.amazonaws.com",
            "123456789012.dkr.ecr..amazonaws.com",
            "public.ecr.aws",
        ] {
            check(host, Registry::Other(host.to_owned()));
        }
    }

    #[test]
    fn docker_hub_has_three_hosts() {
        for host in ["docker.io", "index.docker.io", "registry-1.docker.io", "Docker.IO"] {
            check(host, Registry::docker_hub());
        }
        check("hub.example.com:5000", Registry::Other("hub.example.com:5000".to_owned()));
    }

    #[test]
    fn a_repository_is_parsed_from_its_uri() {
        let uri = "123456789012.dkr.ecr.eu-west-1.amazonaws.com/shop/web";
        let repository = Repository::parse(uri).unwrap();
        assert_eq!(repository, Repository { registry: ecr("123456789012", "eu-west-1"), name: "shop/web".to_owned() });
        assert_eq!(repository.to_string(), uri);

        assert_eq!(Repository::parse("shop/web"), None);
        assert_eq!(Repository::parse(&format!("{uri}:1.4.2")), None);
        assert_eq!(Repository::parse(&format!("{uri}@sha256:{}", "0".repeat(64))), None);
    }

    #[test]
    fn a_repository_at_home_has_the_partitions_host() {
        let home = Home {
            partition: Partition::new("aws-cn"),
            account: AccountId::new("123456789012"),
            region: Region::new("cn-north-1"),
        };
        let digest = Digest::parse(&format!("sha256:{}", "ab".repeat(32))).unwrap();
        let image = Repository::at_home("shop/web", &home).image(&digest).to_string();
        assert_eq!(image, format!("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn/shop/web@{digest}"));
    }

    #[test]
    fn a_repository_name_is_what_ecr_takes() {
        for name in ["ab", "shop/web", "a-b/c_d/e__f/g.h", "a--b", &"a".repeat(256)] {
            assert!(Repository::is_name(name), "{name}");
        }
        for name in
            ["", "a", "Shop/web", "/web", "web/", "a//b", "a..b", "-a", "a-", "a___b", "a b", "ä-web", &"a".repeat(257)]
        {
            assert!(!Repository::is_name(name), "{name}");
        }
    }
}
