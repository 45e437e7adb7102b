//! The little of SNS, SSM and S3, and what is handed on to an emulator.

use http_body_util::Full;
use serde_json::json;

use super::{alone, answered, call, publish, refused, send};
use crate::world::World;

#[tokio::test]
async fn a_notice_is_published_with_its_attributes() {
    let world = alone().await;
    let topic = world.topic("notices");
    let client = aws_sdk_sns::Client::from_conf(
        aws_sdk_sns::Config::builder()
            .behavior_version(aws_sdk_sns::config::BehaviorVersion::latest())
            .region(aws_sdk_sns::config::Region::new("eu-west-1"))
            .credentials_provider(aws_sdk_sns::config::Credentials::new("deploy", "secret", None, None, "test"))
            .endpoint_url(world.url())
            .http_client(slipway_aws::https::client())
            .build(),
    );
    let kind = aws_sdk_sns::types::MessageAttributeValue::builder().data_type("String").string_value("started");
    let published = client
        .publish()
        .topic_arn(&topic)
        .subject("prod/web: 1.5.0")
        .message("a & b <c>\n{}")
        .message_attributes("kind", kind.build().unwrap())
        .send()
        .await
        .unwrap();
    assert!(published.message_id().is_some());
    let [notice] = <[_; 1]>::try_from(world.notices()).unwrap();
    assert_eq!((notice.topic, notice.subject), (topic, "prod/web: 1.5.0".to_owned()));
    assert_eq!(notice.message, "a & b <c>\n{}");
    assert_eq!(notice.attributes["kind"], "started");

    let error = client.publish().topic_arn("arn:aws:sns:eu-west-1:123456789012:none").message("a").send().await;
    assert!(error.unwrap_err().into_service_error().is_not_found_exception());
    world.expect_writes(["SNS.Publish \"\" ⇒ NotFound", "SNS.Publish started \"prod/web: 1.5.0\""]);
    world.finish();
}

#[tokio::test]
async fn what_sns_refuses_is_refused_and_noted() {
    let world = alone().await;
    let topic = world.topic("notices");
    let check = async |fields: &[(&str, &str)], violation: &str| {
        let fields: Vec<_> =
            [("TopicArn", topic.as_str()), ("Message", "hello")].iter().chain(fields).copied().collect();
        let (status, body) = publish(&world, &fields).await;
        let noted = std::mem::take(&mut world.shared.lock().violations);
        assert_eq!((status, noted), (400, vec![format!("SNS.Publish request: {violation}")]), "{body}");
    };
    check(&[("Subject", &"x".repeat(101))], "Invalid parameter: Subject").await;
    check(&[("Subject", "prod/web → 1.5.0")], "Invalid parameter: Subject").await;
    check(
        &[
            ("MessageAttributes.entry.1.Name", "target"),
            ("MessageAttributes.entry.1.Value.DataType", "String"),
            ("MessageAttributes.entry.1.Value.StringValue", ""),
        ],
        "Invalid parameter: The message attribute 'target' must contain a non-empty value",
    )
    .await;
    check(
        &[("MessageAttributes.entry.1.Name", "target"), ("MessageAttributes.entry.1.Value.StringValue", "a")],
        "MessageAttributes[\"target\"] lacks DataType, which MessageAttributeValue requires",
    )
    .await;
    world.transcript();
    world.finish();
}

#[tokio::test]
async fn parameters_are_read_and_secrets_only_when_decrypted() {
    let world = alone().await;
    world.parameter("/slipway/config", "version: 1");
    world.secure_parameter("/slipway/slack", "https://hooks");
    let get = async |name: &str, decrypt: bool| {
        call(&world, "SSM.GetParameter", json!({"Name": name, "WithDecryption": decrypt})).await
    };
    assert_eq!(answered(get("/slipway/config", false).await)["Parameter"]["Value"], "version: 1");
    assert_eq!(answered(get("/slipway/slack", true).await)["Parameter"]["Value"], "https://hooks");
    assert_ne!(answered(get("/slipway/slack", false).await)["Parameter"]["Value"], "https://hooks");
    refused(get("/none", false).await, "ParameterNotFound", "");
    world.finish();
}

#[tokio::test]
async fn objects_are_read() {
    let world = alone().await;
    world.object("settings", "slip way/config.yaml", "version: 1");
    let get = async |path: &str| {
        let request = hyper::Request::get(format!("{}{path}", world.url()))
            .header("authorization", "AWS4-HMAC-SHA256 Credential=deploy/20261121/eu-west-1/s3/aws4_request, x");
        let (status, body) = send(request.body(Full::default()).unwrap()).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    };
    assert_eq!(get("/settings/slip%20way/config.yaml").await, (200, "version: 1".to_owned()));
    let (status, body) = get("/settings/none").await;
    assert!(status == 404 && body.contains("<Code>NoSuchKey</Code>"), "{body}");
    insta::assert_snapshot!(world.transcript(), @r"
    S3.GetObject settings/none ⇒ NoSuchKey
    S3.GetObject settings/slip way/config.yaml
    ");
    world.finish();
}

#[tokio::test]
async fn all_but_ecs_and_ecr_is_handed_on_as_it_came_and_recorded() {
    // A second world stands for the emulator.
    let behind = alone().await;
    let topic = behind.topic("notices");
    behind.parameter("/slipway/config", "version: 1");
    let world = World::before(behind.url(), super::directory()).start().await;
    world.cluster("prod");

    let answer = answered(call(&world, "SSM.GetParameter", json!({"Name": "/slipway/config"})).await);
    assert_eq!(answer["Parameter"]["Value"], "version: 1");
    let (status, body) = publish(&world, &[("TopicArn", &topic), ("Message", "hello"), ("Subject", "hi")]).await;
    assert!(status == 200 && body.contains("<MessageId>"), "{body}");
    assert_eq!(
        answered(call(&world, "ECS.ListServices", json!({"cluster": "prod"})).await),
        json!({"serviceArns": []})
    );

    assert_eq!(world.notices(), behind.notices());
    insta::assert_snapshot!(world.transcript(), @r#"
    SSM.GetParameter /slipway/config
    ECS.ListServices prod
    SNS.Publish "hi"
    "#);
    insta::assert_snapshot!(behind.transcript(), @r#"
    SSM.GetParameter /slipway/config
    SNS.Publish "hi"
    "#);
    world.finish();
    behind.finish();
}
