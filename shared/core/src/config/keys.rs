//! The keys of the document, each once: what it is called, what it takes, what it means, and how it is read.
//!
//! The reader, `infra/slipway.schema.json` and the README's table of keys follow these tables.

use strum::VariantNames;

use super::code_deploy::Given;
use super::document::{self, Document, Entry, VERSION};
use super::key::{Key, Map, Need, Takes};
use super::policy::{self, Matched, Tags};
use super::{Base, code_deploy, life, notify};
use crate::model::id::{ClusterName, ServiceName};
use crate::model::notice::{Route, route};
use crate::model::record::RollbackMode;

/// The names that ECS allows, see [`names`](super::names).
const NAME: &str = "^[A-Za-z0-9_-]{1,255}$";

/// See [`RepositoryName`](super::RepositoryName). A name's first part has no dot if another part follows, else it would
/// be a registry's host.
const REPOSITORY: &str = concat!(
    r"^(?=.{2,})(?:[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*|",
    r"(?:[0-9]{12}\.dkr[.-]ecr(?:-fips)?\.[a-z0-9-]+\.[a-z0-9.-]+|[a-z0-9]+(?:(?:_|__|-+)[a-z0-9]+)*)",
    r"/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*)$",
);

/// The document itself. The first key says whether the others are ours to judge.
pub(super) static DOCUMENT: &[Key<Document>] = &[
    Key {
        name: "version",
        need: Need::Required("write version: 1"),
        takes: Takes::Number(VERSION..=VERSION),
        example: "1",
        says: "the version of this document's form",
        read: document::version,
    },
    Key {
        name: "defaults",
        need: Need::Optional("none"),
        takes: Takes::Map(Map::Defaults),
        example: r#"{"cluster": "prod", "tags": {"semver": "*"}}"#,
        says: "what every target has that does not say otherwise; a target's own key replaces it as a whole, \
               but `environment` is merged by variable",
        read: document::defaults,
    },
    Key {
        name: "targets",
        need: Need::Required(
            "write a list such as [{repository: shop/web, service: web, cluster: prod, tags: {semver: \"*\"}}]",
        ),
        takes: Takes::List { of: &Takes::Map(Map::Target), least: 1 },
        example: r#"[{"repository": "shop/web", "service": "web", "cluster": "prod", "tags": {"semver": "*"}}]"#,
        says: "what is deployed where; a service may have several entries, one for each repository",
        read: document::targets,
    },
];

/// A target. Those that each target gives itself come first; the others may also stand in `defaults`.
pub(super) static TARGET: &[Key<Entry>] = &[
    Key {
        name: "repository",
        need: Need::Required("write where the images come from, such as repository: shop/web"),
        takes: Takes::Text(REPOSITORY),
        example: r#""shop/web""#,
        says: "where the images come from: an ECR repository's name in the account and region where Slipway runs, \
               or the full URI of any private ECR repository",
        read: |entry, reader, at| entry.repository = document::repository(reader, at),
    },
    Key {
        name: "service",
        need: Need::Required("write the ECS service's name, such as service: web"),
        takes: Takes::Text(NAME),
        example: r#""web""#,
        says: "the ECS service's name",
        read: |entry, reader, at| {
            entry.service = document::name(reader, at, "service").map(ServiceName::new);
        },
    },
    Key {
        name: "cluster",
        need: Need::Inherited(
            "write the ECS cluster's name, such as cluster: prod, here or under the document's `defaults`",
        ),
        takes: Takes::Text(NAME),
        example: r#""prod""#,
        says: "the ECS cluster's name",
        read: |entry, reader, at| {
            put(&mut entry.cluster, document::name(reader, at, "cluster").map(ClusterName::new).map(Some));
        },
    },
    Key {
        name: "tags",
        need: Need::Inherited(
            "write which tags are deployed, such as tags: {semver: \">=1, <2\"}, here or under the document's `defaults`",
        ),
        takes: Takes::Map(Map::Tags),
        example: r#"{"semver": ">=1.4, <2", "ignore": ["*-dev"]}"#,
        says: "the tag policy: which tags are deployed, and which of two is newer",
        read: |entry, reader, at| put(&mut entry.tags, policy::read(reader, at).map(Some)),
    },
    Key {
        name: "containers",
        need: Need::Optional("every container whose image comes from the repository"),
        takes: Takes::Distinct(&Takes::Text(NAME)),
        example: r#"["web", "sidekiq"]"#,
        says: "the containers whose image is set; a service that was created with a placeholder image needs them",
        read: |entry, reader, at| put(&mut entry.containers, document::containers(reader, at)),
    },
    Key {
        name: "base",
        need: Need::Optional("`service`"),
        takes: Takes::Words(|| Base::VARIANTS.to_vec()),
        example: r#""family""#,
        says: "which task definition the new one is made from: `service`, the revision that the service runs, \
               or `family`, the family's newest that Slipway did not register, so that Terraform's edits are taken over",
        read: |entry, reader, at| put(&mut entry.base, document::base(reader, at)),
    },
    Key {
        name: "deploy_definition_changes",
        need: Need::Optional("`false`"),
        takes: Takes::Truth,
        example: "true",
        says: "with `base: family`: whether the reconcile deploys a new definition of the family by itself, with the \
               image that runs",
        read: |entry, reader, at| put(&mut entry.deploy_definition_changes, reader.truth(at)),
    },
    Key {
        name: "environment",
        need: Need::Optional("none"),
        takes: Takes::Variables,
        example: r#"{"APP_VERSION": "{tag}"}"#,
        says: "environment variables to set in these containers at each deploy; `{tag}`, `{digest}` and \
               `{short_digest}` are filled in, other braces are data",
        read: |entry, reader, at| document::environment(&mut entry.environment, reader, at),
    },
    Key {
        name: "rollback",
        need: Need::Optional("`auto`"),
        takes: Takes::Words(|| RollbackMode::VARIANTS.to_vec()),
        example: r#""notify""#,
        says: "what is done when a deployment fails and ECS does not roll back automatically: `auto` rolls back to \
               the last known-good revision, `notify` says how to, `off` only says that it failed",
        read: |entry, reader, at| put(&mut entry.settings.rollback, life::rollback(reader, at)),
    },
    Key {
        name: "deadline",
        need: Need::Optional("`30m`"),
        takes: Takes::Text("^[0-9]+[smh]$"),
        example: r#""45m""#,
        says: "how long a deployment may take before it counts as failed, `24h` at most; one that still makes progress \
               gets more",
        read: |entry, reader, at| put(&mut entry.settings.deadline_seconds, life::deadline(reader, at)),
    },
    Key {
        name: "max_failed_tasks",
        need: Need::Optional("half of the desired count, at least 3, at most 200: ECS's own rule"),
        takes: Takes::Number(1..=u32::MAX as u64),
        example: "5",
        says: "so many tasks of a deployment may stop by themselves before it counts as failed",
        read: |entry, reader, at| {
            put(&mut entry.settings.max_failed_tasks, life::tasks(reader, at).map(Some));
        },
    },
    Key {
        name: "settle",
        need: Need::Optional("`0s`"),
        takes: Takes::Seconds(life::LONGEST_SETTLE),
        example: r#""10s""#,
        says: "how long to wait after a push for a better one, 120 seconds at most",
        read: |entry, reader, at| put(&mut entry.settle, life::settle(reader, at)),
    },
    Key {
        name: "codedeploy",
        need: Need::Optional(
            "the group that deployed to it last, or else the one that the ECS console makes; the hooks of its last revision",
        ),
        takes: Takes::Map(Map::CodeDeploy),
        example: r#"{"application": "shop", "group": "web", "hooks": {"AfterInstall": "check-web"}}"#,
        says: "for a service that CodeDeploy deploys: its deployment group, `{application: shop, group: web}`, and the hooks \
               of each deployment, `{hooks: {AfterInstall: check-web}}`, or `{hooks: {}}` for none; `{termination_wait: \
               {cut_after: 10m}}` lets a push that waits end the wait before the old tasks end",
        read: |entry, reader, at| put(&mut entry.code_deploy, code_deploy::read(reader, at)),
    },
    Key {
        name: "notify",
        need: Need::Optional("the template's `SlackChannel`"),
        takes: Takes::List { of: &Takes::Map(Map::Route), least: 0 },
        example: r##"[{"slack": "#deploys"}, {"slack": "#incidents", "on": ["failed", "rolled_back"]}]"##,
        says: "the Slack channels that get notices: `[{slack: \"#deploys\"}, {slack: \"#incidents\", on: [failed, \
               rolled_back]}]`",
        read: |entry, reader, at| put(&mut entry.notify, notify::read(reader, at)),
    },
];

/// The keys that `defaults` takes.
pub(super) fn shared() -> &'static [Key<Entry>] {
    let own = TARGET.iter().take_while(|key| key.is_own()).count();
    TARGET.split_at(own).1
}

/// `tags`. What is left out comes first, so that its mistakes stand before those of the rule in the same line.
pub(super) static TAGS: &[Key<Tags>] = &[
    Key {
        name: "ignore",
        need: Need::Optional("none"),
        takes: Takes::List { of: &Takes::Text("^!?[A-Za-z0-9._*?-]+$"), least: 0 },
        example: r#"["*-dev"]"#,
        says: "globs of tags that are left out: * is any text, ? one character; they come after sha256-*, *.sig, *.att, \
               *.sbom and *cache*, which are always left out; the last glob that matches decides, and \"!*cache*\" \
               takes back in",
        read: |tags, reader, at| tags.ignore = policy::ignore(reader, at),
    },
    Key {
        name: "tag",
        need: Need::OneOf,
        takes: Takes::Text("^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"),
        example: r#""prod""#,
        says: "deploys exactly this tag, whatever it points to now, an older image too: re-tagging promotes",
        read: |tags, reader, at| tags.policy = policy::TAG.read(reader, at),
    },
    Key {
        name: "semver",
        need: Need::OneOf,
        takes: Takes::AnyText,
        example: r#"">=1.4, <2""#,
        says: "deploys the tags that are versions (`1.4.2`, `v1.4.2`) within a range of Cargo's dialect, the highest \
               version first: \">=1.4, <2\"; \"1.4\" means \">=1.4, <2\"; \"~1.4\" means \">=1.4, <1.5\"; \"*\" means every \
               version; a pre-release counts only if the range names one of the same version",
        read: |tags, reader, at| tags.policy = policy::SEMVER.read(reader, at),
    },
    Key {
        name: "numerical",
        need: Need::OneOf,
        takes: Takes::Map(Map::Ordered),
        example: r#"{"pattern": "^build-(?P<v>\\d+)$"}"#,
        says: "deploys the tags in which the pattern's group `v` finds a number, the highest number first",
        read: |tags, reader, at| tags.policy = policy::NUMERICAL.read_map(reader, at, ORDERED),
    },
    Key {
        name: "alphabetical",
        need: Need::OneOf,
        takes: Takes::Map(Map::Ordered),
        example: r#"{"pattern": "^(?P<v>\\d{8}T\\d{6}Z)$"}"#,
        says: "deploys the tags in which the pattern's group `v` finds a text, the last in the alphabet first",
        read: |tags, reader, at| tags.policy = policy::ALPHABETICAL.read_map(reader, at, ORDERED),
    },
    Key {
        name: "newest",
        need: Need::OneOf,
        takes: Takes::Map(Map::Matching),
        example: r#"{"pattern": "^[0-9a-f]{40}$"}"#,
        says: "deploys the tags that match, the last pushed first; for git SHAs, which have no order",
        read: |tags, reader, at| tags.policy = policy::NEWEST.read_map(reader, at, MATCHING),
    },
];

/// `tags.numerical` and `tags.alphabetical`.
pub(super) static ORDERED: &[Key<Matched>] = &[Key {
    name: "pattern",
    need: Need::OneOf,
    takes: Takes::Text(r"\(\?P?<v>"),
    example: r#""^build-(?P<v>\\d+)$""#,
    says: "a regular expression with a group (?P<v>…) around what is ordered; it is found anywhere in a tag unless it \
           says ^ and $",
    read: Matched::pattern,
}];

/// `tags.newest`.
pub(super) static MATCHING: &[Key<Matched>] = &[Key {
    name: "pattern",
    need: Need::OneOf,
    takes: Takes::AnyText,
    example: r#""^[0-9a-f]{40}$""#,
    says: "a regular expression; it is found anywhere in a tag unless it says ^ and $",
    read: Matched::pattern,
}];

/// An entry of `notify`.
pub(super) static ROUTE: &[Key<Route>] = &[
    Key {
        name: "slack",
        need: Need::Required("write the channel, such as slack: \"#deploys\""),
        takes: Takes::Text(r"^(#[^\sA-Z#.,!?/]{1,80}|[CG][A-Z0-9]{8,})$"),
        example: r##""#deploys""##,
        says: "the channel's name with its #, in quotes because # begins a comment in YAML, or its id",
        read: |route, reader, at| put(&mut route.slack, notify::slack(reader, at)),
    },
    Key {
        name: "on",
        need: Need::Optional("all"),
        takes: Takes::List { of: &Takes::Words(|| route::words().collect()), least: 1 },
        example: r#"["failed", "warning"]"#,
        says: "the kinds and severities of notices that go there; `failed` stands for every kind of a deployment that \
               goes wrong",
        read: |route, reader, at| put(&mut route.on, notify::words(reader, at)),
    },
];

/// `codedeploy`.
pub(super) static CODE_DEPLOY: &[Key<Given>] = &[
    Key {
        name: "application",
        need: Need::Optional("that of the group that deployed to the service last"),
        takes: Takes::AnyText,
        example: r#""AppECS-prod-web""#,
        says: "the application's name; it comes with `group`",
        read: |given, reader, at| given.application = code_deploy::name(reader, at),
    },
    Key {
        name: "group",
        need: Need::Optional("the one that deployed to the service last"),
        takes: Takes::AnyText,
        example: r#""DgpECS-prod-web""#,
        says: "the deployment group's name; it comes with `application`",
        read: |given, reader, at| given.group = code_deploy::name(reader, at),
    },
    Key {
        name: "hooks",
        need: Need::Optional("those of the group's last revision"),
        takes: Takes::Hooks,
        example: r#"{"AfterInstall": "check-web"}"#,
        says: "the Lambda function of each hook: BeforeInstall, AfterInstall, AfterAllowTestTraffic, BeforeAllowTraffic, \
               AfterAllowTraffic; `{}` for none",
        read: |given, reader, at| given.hooks = code_deploy::hooks(reader, at),
    },
    Key {
        name: "termination_wait",
        need: Need::Optional("a push waits to its end"),
        takes: Takes::Map(Map::TerminationWait),
        example: r#"{"cut_after": "10m"}"#,
        says: "the wait before the old tasks end: with `cut_after`, a push that waits ends it once the new tasks have served that \
               long without a failure",
        read: |given, reader, at| given.cut_after = code_deploy::termination_wait(reader, at),
    },
];

/// `codedeploy.termination_wait`.
pub(super) static TERMINATION_WAIT: &[Key<Option<u64>>] = &[Key {
    name: "cut_after",
    need: Need::Required("write after how long it may end, such as cut_after: 10m"),
    takes: Takes::Text("^[0-9]+[smh]$"),
    example: r#""10m""#,
    says: "how long the new tasks serve without a failure before a push that waits ends the wait",
    read: |cut_after, reader, at| *cut_after = life::cut_after(reader, at),
}];

/// A right value replaces what `defaults` gave.
fn put<T>(field: &mut T, read: Option<T>) {
    if let Some(value) = read {
        *field = value;
    }
}
