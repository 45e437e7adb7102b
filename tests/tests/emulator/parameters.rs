//! What the template's parameters take, and the README and the examples say of them.

use super::*;

/// A managed policy holds 6,144 characters, white space not counted, a role has at most ten of them, and all policies
/// that are written in a role hold 10,240 together. Twenty names of 64 characters in each list at once must fit.
/// Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html>
#[tokio::test]
async fn each_list_takes_twenty_names_of_64_characters() {
    const LARGEST: usize = 6144;
    const LARGEST_INLINE: usize = 10_240;
    const MOST: usize = 10;
    let names = |before: &str, name: &str| {
        (0..20).map(|number| format!("{before}{name:-<62}{number:02}")).collect::<Vec<_>>().join(",")
    };
    // 64 characters are also the most that a role's name has.
    let roles = names("arn:aws:iam::777777777777:role/", "production-customer-service");
    let services = names("", "production/customer-service");
    let families = names("", "production-customer-service");
    let repositories = names("", "shop/customer-service");
    let groups = names("", "/ecs/production/customer-service");
    let applications = names("", "AppECS-production-customer-service");
    let parameters = [
        ("PassRoleArns", roles.as_str()),
        ("Services", &services),
        ("TaskDefinitionFamilies", &families),
        ("Repositories", &repositories),
        ("TaskLogGroups", &groups),
        ("CodeDeployApplications", &applications),
        ("SlackTokenParameter", "/slipway/slack-token"),
        ("KmsKeyArn", "arn:aws:kms:eu-west-1:777777777777:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
    ];
    let stack = deployed(shared(), &Account::new("777777777777"), "large-installation", &parameters).await;
    for role in stack.roles().await.unwrap() {
        let (managed, inline): (Vec<_>, Vec<_>) = role.policies.iter().partition(|policy| policy.arn.is_some());
        let size = |policy: &&Policy| policy.document.to_string().len();
        for policy in &managed {
            println!("{} characters: {:?}", size(policy), policy.arn);
            assert!(size(policy) <= LARGEST, "{} characters: {:?}", size(policy), policy.arn);
        }
        assert!(managed.len() <= MOST, "{}: {} managed policies", role.function, managed.len());
        let inline: usize = inline.iter().map(size).sum();
        assert!(inline <= LARGEST_INLINE, "{}: {inline} characters in the role", role.function);
    }
}

/// All environment variables of a function, their names and values, have 4 KB together.
/// Source: <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
#[tokio::test]
async fn the_largest_document_leaves_room_for_the_other_variables() {
    const LARGEST: usize = 4096;
    // As long as a function's name allows, which ends in -deploy and has 64 characters at most.
    let name = format!("{:x<57}", "large-document-");
    let document = format!("{:-<3072}", "version: 1\ntargets: []\n# ");
    let parameters = [("PassRoleArns", ROLES), ("ConfigDocument", document.as_str())];
    let stack = deployed(shared(), &Account::new("888888888888"), &name, &parameters).await;
    assert_eq!(stack.variable("deploy", "SLIPWAY_CONFIG").await.unwrap(), document);
    for function in ["deploy", "track"] {
        let variables = stack.variables(function).await.unwrap();
        let size: usize = variables.iter().map(|(name, value)| name.len() + value.len()).sum();
        println!("{function}: {size} bytes");
        assert!(size <= LARGEST, "{function}: {size} bytes");
    }
}

#[tokio::test]
async fn each_stack_has_a_configuration_of_its_own() {
    let configuration = async |name: &str, parameters: &[(&str, &str)]| {
        let stack = deployed(shared(), &Account::new("999999999999"), name, parameters).await;
        let roles = stack.roles().await.unwrap();
        let statements = roles[0].policies.iter().flat_map(|it| it.document["Statement"].as_array().unwrap());
        let [granted] = statements.filter(|it| it["Sid"] == "Config").collect::<Vec<_>>()[..] else {
            panic!("one place is read")
        };
        (stack.variable("deploy", "SLIPWAY_CONFIG").await.unwrap(), granted["Resource"].as_str().unwrap().to_owned())
    };
    let arn = |name: &str| format!("arn:aws:ssm:eu-west-1:999999999999:parameter{name}");
    let roles = ("PassRoleArns", ROLES);
    let one = configuration("first", &[roles]).await;
    assert_eq!(one, ("ssm:/first/config".to_owned(), arn("/first/config")));
    let two = configuration("second", &[roles]).await;
    assert_eq!(two, ("ssm:/second/config".to_owned(), arn("/second/config")));
    let named = configuration("third", &[roles, ("ConfigParameter", "/shared/slipway")]).await;
    assert_eq!(named, ("ssm:/shared/slipway".to_owned(), arn("/shared/slipway")));
}

#[tokio::test]
async fn a_table_that_a_deleted_stack_left_is_used_again() {
    let emulated = shared();
    let account = Account::new("121212121212");
    let ask = async |service: &str, operation: &str, input: Value| {
        emulated.client.call(&account, service, operation, input).await
    };
    let parameters = [("PassRoleArns", ROLES), ("SlackTokenParameter", "/slipway/slack-token")];
    let old = deployed(emulated, &account, "old", &parameters).await;
    let table = old.output("TableName").unwrap().to_owned();
    let record = json!({"target": {"S": "prod/web"}, "item": {"S": "service"}});
    ask("dynamodb", "PutItem", json!({"TableName": table, "Item": record})).await.unwrap();
    ask("cloudformation", "DeleteStack", json!({"StackName": "old"})).await.unwrap();
    let mut tries = 0;
    while ask("cloudformation", "DescribeStacks", json!({"StackName": "old"})).await.is_ok() {
        tries += 1;
        assert!(tries < 400, "the stack is never deleted");
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }

    let parameters = [parameters[0], parameters[1], ("ExistingTable", table.as_str())];
    let new = deployed(emulated, &account, "new", &parameters).await;
    let tables = ask("dynamodb", "ListTables", json!({})).await.unwrap();
    assert_eq!(tables["TableNames"], json!([table]), "no other is made");
    let found = ask("dynamodb", "GetItem", json!({"TableName": table, "Key": record})).await.unwrap();
    assert_eq!(found["Item"], record);
    assert_eq!(new.output("TableName").unwrap(), table);
    let arn = format!("arn:aws:dynamodb:eu-west-1:121212121212:table/{table}");
    for function in FUNCTIONS {
        assert_eq!(new.variable(function, "SLIPWAY_TABLE").await.unwrap(), table, "{function}");
    }
    for role in new.roles().await.unwrap() {
        let statements = role.policies.iter().flat_map(|it| it.document["Statement"].as_array().unwrap());
        let granted: Vec<_> = statements.filter(|it| it["Sid"] == "Table").map(|it| &it["Resource"]).collect();
        assert_eq!(granted, [&json!(arn)], "{}", role.function);
    }
}

#[test]
fn the_readme_has_a_row_for_each_parameter() {
    let template = include_str!("../../../infra/template.yaml");
    let (_, parameters) = template.split_once("\nParameters:\n").unwrap();
    let (parameters, _) = parameters.split_once("\nConditions:\n").unwrap();
    let names = parameters.lines().filter_map(|line| line.strip_prefix("  ")?.strip_suffix(':'));
    let names: BTreeSet<&str> = names.filter(|name| !name.starts_with(' ')).collect();
    let (_, table) = include_str!("../../../README.md").split_once("\n| parameter | meaning | default |\n").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    // A row may be about several parameters, each in backquotes.
    let first = table.lines().filter_map(|row| row.split('|').nth(1));
    let rows: BTreeSet<&str> = first.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect();
    assert_eq!(rows, names);
}

#[test]
fn the_examples_set_parameters_that_the_template_has() {
    let template = include_str!("../../../infra/template.yaml");
    for file in [
        include_str!("../../../infra/examples/github-actions/parameters.json"),
        include_str!("../../../infra/examples/terraform-image-tag/parameters.json"),
        include_str!("../../../infra/examples/azure-devops/parameters.json"),
        include_str!("../../../infra/examples/codedeploy/parameters.json"),
        include_str!("../../../infra/examples/staging-and-production/parameters.json"),
    ] {
        for (key, value) in parameters_of(file) {
            assert!(template.contains(&format!("\n  {key}:\n    Type:")), "{key}");
            assert!(!value.is_empty(), "{key}");
        }
    }
}

/// The parameters of an example, as `aws cloudformation deploy` reads them from the file.
pub(crate) fn parameters_of(file: &str) -> Vec<(String, String)> {
    let parameters: Vec<Value> = serde_json::from_str(file).unwrap();
    let text = |parameter: &Value, member: &str| parameter[member].as_str().unwrap().to_owned();
    parameters.iter().map(|it| (text(it, "ParameterKey"), text(it, "ParameterValue"))).collect()
}
