//! How a schedule begins: a service that runs an image, its tag policy, and what ECS is set to do about failures.

use jiff::Timestamp;
use slipway_core::config::{Config, Target};
use slipway_core::facts::{Breaker, Strategy};
use slipway_core::id::Home;
use slipway_core::image::{Repository, Tag};

use crate::ecs::Ecs;
use crate::registry::{Fate, Registry};

/// A Saturday noon.
const BEGAN: i64 = 1_795_262_400;

/// How a schedule begins.
#[derive(Debug)]
pub(crate) struct Scene {
    /// When.
    pub(crate) began: Timestamp,
    /// The registry, with the image that runs.
    pub(crate) registry: Registry,
    /// The service.
    pub(crate) ecs: Ecs,
    /// Its entry in the configuration.
    pub(crate) target: Target,
    /// How its tags are ordered.
    pub(crate) order: Order,
}

/// How tags are ordered; the laws know it by themselves, without asking the policy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// By version.
    Version,
    /// By the time of the push.
    Pushed,
    /// One tag, whatever it points to.
    OneTag,
}

impl Scene {
    /// A scene by chance.
    pub(crate) fn by_chance(chance: &mut fastrand::Rng) -> Self {
        let home = Home::of_arn("arn:aws:lambda:eu-west-1:123456789012:function:slipway-deploy")
            .unwrap_or_else(|| unreachable!("an ARN"));
        let began = Timestamp::constant(BEGAN, 0);
        let order = [Order::Version, Order::Version, Order::Pushed, Order::OneTag][chance.usize(0..4)];
        let breaker = [Breaker::Off, Breaker::Fails, Breaker::RollsBack][chance.usize(0..3)];
        let strategy = [Strategy::Rolling, Strategy::Rolling, Strategy::BlueGreen][chance.usize(0..3)].clone();
        let tags = match order {
            Order::Version => "semver: '*'",
            Order::Pushed => "newest: { pattern: '^1[.]' }",
            Order::OneTag => "tag: prod",
        };
        let document = format!(
            "version: 1\ntargets:\n  - {{ repository: shop/web, cluster: prod, service: web, tags: {{ {tags} }}, deadline: 10m }}"
        );
        let config = Config::parse(&document).unwrap_or_else(|mistakes| unreachable!("{mistakes}"));
        let mut registry = Registry::new(Repository::at_home("shop/web", &home));
        let digest = registry.push(&first_tag(order), Fate::Good, began);
        let image = match order {
            // As Terraform writes it before Slipway comes: by its tag, or pinned.
            Order::OneTag => format!("{}:{}", registry.repository, first_tag(order)),
            _ => format!("{}@{digest}", registry.repository),
        };
        let ecs = Ecs::new(breaker, strategy, &image, began);
        Self { began, registry, ecs, target: config.targets()[0].clone(), order }
    }
}

/// The tag of the n-th push.
pub(crate) fn tag(order: Order, n: u32) -> Tag {
    let text = if order == Order::OneTag { "prod".to_owned() } else { format!("1.{n}.0") };
    Tag::parse(&text).unwrap_or_else(|| unreachable!("{text} is a tag"))
}

fn first_tag(order: Order) -> Tag {
    tag(order, 0)
}
