//! The key `codedeploy`.

use super::*;

#[test]
fn how_codedeploy_deploys_is_read() {
    let config = config(
        "version: 1
defaults: { cluster: prod, tags: { semver: '*' }, codedeploy: { hooks: { AfterInstall: check } } }
targets:
  - { repository: shop/web, service: web }
  - { repository: shop/api, service: api, codedeploy: { application: shop, group: api } }
  - { repository: shop/job, service: job, codedeploy: { hooks: {} } }
  - repository: shop/all
    service: all
    codedeploy: { hooks: { AfterAllowTraffic: warm, BeforeInstall: 'arn:aws:lambda:eu-west-1:123456789012:function:first' } }
",
    );
    let read: Vec<String> = config
        .targets()
        .iter()
        .map(|target| {
            let CodeDeploySettings { group, hooks, .. } = &target.code_deploy;
            let group = group.as_ref().map(ToString::to_string);
            let hooks = hooks.as_ref().map(|hooks| serde_json::json!(hooks).to_string());
            format!("{} {}", group.as_deref().unwrap_or("any group"), hooks.as_deref().unwrap_or("any hooks"))
        })
        .collect();
    let expected = [
        r#"any group [{"AfterInstall":"check"}]"#,
        "shop/api any hooks",
        "any group []",
        r#"any group [{"BeforeInstall":"arn:aws:lambda:eu-west-1:123456789012:function:first"},{"AfterAllowTraffic":"warm"}]"#,
    ];
    assert_eq!(read, expected);
    assert_eq!(config_of_one("prod/web").targets()[0].code_deploy, CodeDeploySettings::default());
}

#[test]
fn what_is_wrong_about_codedeploy_is_reported_with_what_would_be_right() {
    let reported: Vec<String> = [
        "codedeploy: { application: shop }",
        "codedeploy: { group: web, hooks: {} }",
        "codedeploy: { application: shop, grup: web }",
        "codedeploy: { application: '', group: 7 }",
        "codedeploy: { hooks: { AfterInstal: check, afterAllowTraffic: check, Nonsense: check } }",
        "codedeploy: { hooks: { AfterInstall: '', BeforeInstall: , AfterAllowTraffic: [a, b] } }",
        "codedeploy: { hooks: { AfterInstall: a, AfterInstall: b } }",
        "codedeploy: { hooks: [{ AfterInstall: check }] }",
        "codedeploy: { hooks: }",
        "codedeploy: shop/web",
        "codedeploy:",
    ]
    .map(mistakes_of_target)
    .into();
    assert_snapshot!(reported.join("\n---\n"), @r#"
    targets[0].codedeploy.application: has no meaning without `group`; write both, such as {application: shop, group: web}, or neither (line 6)
    ---
    targets[0].codedeploy.group: has no meaning without `application`; write both, such as {application: shop, group: web}, or neither (line 6)
    ---
    targets[0].codedeploy.grup: is not a known key; did you mean `group`? (line 6)
    ---
    targets[0].codedeploy.application: has no name; write it, or leave the key out (line 6)
    targets[0].codedeploy.group: 7 without quotes is a number in YAML; write "7" (line 6)
    ---
    targets[0].codedeploy.hooks.AfterInstal: is no hook of a deployment to ECS; did you mean AfterInstall? (line 6)
    targets[0].codedeploy.hooks.afterAllowTraffic: is no hook of a deployment to ECS; did you mean AfterAllowTraffic? (line 6)
    targets[0].codedeploy.hooks.Nonsense: is no hook of a deployment to ECS; they are BeforeInstall, AfterInstall, AfterAllowTestTraffic, BeforeAllowTraffic, AfterAllowTraffic (line 6)
    ---
    targets[0].codedeploy.hooks.AfterInstall: names no function; write its name or its ARN (line 6)
    targets[0].codedeploy.hooks.BeforeInstall: has no value; write the name or the ARN of its Lambda function (line 6)
    targets[0].codedeploy.hooks.AfterAllowTraffic: a list stands where a text is expected; write the name or the ARN of its Lambda function (line 6)
    ---
    targets[0].codedeploy.hooks.AfterInstall: comes twice in the same map; keep one (line 6)
    ---
    targets[0].codedeploy.hooks: a list stands where a map is expected; write {AfterInstall: check-web}, or {} for none (line 6)
    ---
    targets[0].codedeploy.hooks: has no value; write {AfterInstall: check-web}, or {} for none (line 6)
    ---
    targets[0].codedeploy: a text stands where a map is expected; write {application: shop, group: web} (line 6)
    ---
    targets[0].codedeploy: has no value; write {application: shop, group: web} (line 6)
    "#);
    let document = "version: 1\ndefaults: {cluster: prod, tags: {semver: '*'}, codedeploy: {group: web}}\n\
        targets: [{repository: shop/web, service: web}, {repository: shop/api, service: api}]\n";
    assert_snapshot!(mistakes(document), @"defaults.codedeploy.group: has no meaning without `application`; write both, such as {application: shop, group: web}, or neither (line 2)");
}
