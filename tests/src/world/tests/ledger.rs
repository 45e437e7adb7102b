//! The ledger's table: conditions, queries, and what a transcript says of a write.

use serde_json::{Value, json};

use super::{alone, answered, call, refused};
use crate::world::{Fault, World};

fn item(rev: u64, record: Value) -> Value {
    json!({ "target": {"S": "prod/web"}, "item": {"S": "service"}, "rev": {"N": rev.to_string()}, "record": record })
}

fn put(item: &Value, rev: u64) -> Value {
    let mut request = json!({ "TableName": "slipway", "Item": item, "ReturnValuesOnConditionCheckFailure": "ALL_OLD" });
    if rev == 0 {
        request["ConditionExpression"] = json!("attribute_not_exists(rev)");
    } else {
        request["ConditionExpression"] = json!("rev = :rev");
        request["ExpressionAttributeValues"] = json!({ ":rev": {"N": rev.to_string()} });
    }
    request
}

async fn with_table() -> World {
    let world = alone().await;
    world.table("slipway");
    world
}

fn lease(holder: &str) -> Value {
    json!({ "M": { "holder": {"S": holder}, "fence": {"N": "1"}, "until": {"S": "2026-11-21T12:05:00Z"} } })
}

#[tokio::test]
async fn a_write_is_taken_only_on_its_condition() {
    let world = with_table().await;
    let key = json!({ "target": {"S": "prod/web"}, "item": {"S": "service"} });
    let get = json!({ "TableName": "slipway", "Key": key, "ConsistentRead": true });
    assert_eq!(answered(call(&world, "DynamoDB.GetItem", get.clone()).await), json!({}));

    let first = item(1, json!({ "M": { "lease": lease("a") } }));
    assert_eq!(answered(call(&world, "DynamoDB.PutItem", put(&first, 0)).await), json!({}));
    let (status, body) = call(&world, "DynamoDB.PutItem", put(&first, 0)).await;
    assert_eq!((status, &body["__type"]), (400, &json!("ConditionalCheckFailedException")));
    assert_eq!(body["Item"], first);
    let second = item(2, json!({ "M": {} }));
    answered(call(&world, "DynamoDB.PutItem", put(&second, 1)).await);
    assert_eq!(call(&world, "DynamoDB.PutItem", put(&second, 1)).await.0, 400);
    assert_eq!(answered(call(&world, "DynamoDB.GetItem", get).await)["Item"], second);

    assert!(world.calls().iter().filter(|call| call.is_write()).all(super::super::Call::is_lease));
    insta::assert_snapshot!(world.transcript(), @r"
    DynamoDB.GetItem prod/web
    DynamoDB.PutItem prod/web lease taken
    DynamoDB.PutItem prod/web ⇒ ConditionalCheckFailedException
    DynamoDB.PutItem prod/web lease let go
    DynamoDB.PutItem prod/web ⇒ ConditionalCheckFailedException
    DynamoDB.GetItem prod/web
    ");
    world.finish();
}

#[tokio::test]
async fn what_is_remembered_is_shown_in_words() {
    let world = with_table().await;
    let deployment = |state: Value, reported: Value| {
        let deployment = json!({
            "number": {"N": "1"}, "trigger": {"S": "push"}, "state": { "M": state }, "published": { "L": reported },
        });
        json!({ "M": { "count": {"N": "1"}, "lease": lease("a"), "deployments": {"L": [{ "M": deployment }]} } })
    };
    let began = || json!({ "in_progress": { "M": { "deployment": {"S": "ecs-svc/1"} } } });
    let steps = [
        json!({ "M": { "lease": lease("a"), "fence": {"N": "1"} } }),
        deployment(json!({ "intended": { "M": {} } }), json!([])),
        deployment(began(), json!([])),
        deployment(began(), json!([{"S": "x"}])),
    ];
    let mut reported = String::new();
    for (rev, record) in (0_u64..).zip(steps) {
        answered(call(&world, "DynamoDB.PutItem", put(&item(rev + 1, record), rev)).await);
        reported.push_str(&world.transcript());
    }
    insta::assert_snapshot!(reported, @r"
    DynamoDB.PutItem prod/web lease taken
    DynamoDB.PutItem prod/web 1 intended
    DynamoDB.PutItem prod/web 1 began
    DynamoDB.PutItem prod/web 1 published
    ");
    let leases: Vec<bool> = world.calls().iter().map(super::super::Call::is_lease).collect();
    assert_eq!(leases, [true, false, false, false]);
    assert_eq!(world.items("slipway")[0]["record"]["deployments"][0]["number"], 1);
    world.finish();
}

#[tokio::test]
async fn the_archive_is_read_newest_first() {
    let world = with_table().await;
    for number in 1..=3 {
        let item = json!({
            "target": {"S": "prod/web"}, "item": {"S": format!("deployment#{number:020}")}, "record": {"M": {}},
        });
        answered(call(&world, "DynamoDB.PutItem", json!({ "TableName": "slipway", "Item": item })).await);
    }
    world.expect_writes([
        "DynamoDB.PutItem prod/web deployment 1 archived",
        "DynamoDB.PutItem prod/web deployment 2 archived",
        "DynamoDB.PutItem prod/web deployment 3 archived",
    ]);
    let query = json!({
        "TableName": "slipway", "KeyConditionExpression": "#target = :target AND begins_with(#item, :archived)",
        "ExpressionAttributeNames": { "#target": "target", "#item": "item" },
        "ExpressionAttributeValues": { ":target": {"S": "prod/web"}, ":archived": {"S": "deployment#"} },
        "ScanIndexForward": false, "Limit": 2,
    });
    let found = answered(call(&world, "DynamoDB.Query", query).await);
    assert_eq!(found["Count"], 2);
    assert_eq!(found["Items"][0]["item"]["S"], format!("deployment#{:020}", 3));
    assert_eq!(world.transcript(), "DynamoDB.Query prod/web the archive\n");
    world.finish();
}

#[tokio::test]
async fn a_range_of_evidence_is_read_in_pages_of_a_megabyte() {
    let world = with_table().await;
    for number in 9..=13 {
        let item = json!({
            "target": {"S": "prod/web"}, "item": {"S": format!("evidence#{number:020}")},
            "record": {"S": "x".repeat(390 * 1024)},
        });
        answered(call(&world, "DynamoDB.PutItem", json!({ "TableName": "slipway", "Item": item })).await);
    }
    assert!(world.calls().iter().all(|call| !call.is_lease()));
    let written = [9, 10, 11, 12, 13].map(|number| format!("DynamoDB.PutItem prod/web evidence of {number}"));
    world.expect_writes(written.each_ref().map(String::as_str));
    let mut query = json!({
        "TableName": "slipway", "KeyConditionExpression": "#target = :target AND #item BETWEEN :first AND :last",
        "ExpressionAttributeNames": { "#target": "target", "#item": "item" },
        "ExpressionAttributeValues": {
            ":target": {"S": "prod/web"},
            ":first": {"S": format!("evidence#{:020}", 9)}, ":last": {"S": format!("evidence#{:020}", 12)},
        },
        "ConsistentRead": true,
    });
    let first = answered(call(&world, "DynamoDB.Query", query.clone()).await);
    assert_eq!((&first["Count"], &first["Items"][0]["item"]["S"]), (&json!(3), &json!(format!("evidence#{:020}", 9))));
    query["ExclusiveStartKey"] = first["LastEvaluatedKey"].clone();
    let second = answered(call(&world, "DynamoDB.Query", query.clone()).await);
    assert_eq!((&second["Count"], &second["LastEvaluatedKey"]), (&json!(1), &Value::Null));
    assert_eq!(second["Items"][0]["item"]["S"], format!("evidence#{:020}", 12));
    assert_eq!(world.transcript(), "DynamoDB.Query prod/web the evidence\n".repeat(2));
    query["KeyConditionExpression"] = json!("#target = :target AND #item BETWEEN :first");
    assert_eq!(call(&world, "DynamoDB.Query", query).await.1["__type"], "UnknownOperationException");
    assert_eq!(std::mem::take(&mut world.shared.lock().violations).len(), 1);
    world.transcript();
    world.finish();
}

#[tokio::test]
async fn what_world_does_not_understand_is_refused_loudly() {
    let world = with_table().await;
    let mut request = put(&item(1, json!({ "M": {} })), 0);
    request["ConditionExpression"] = json!("attribute_not_exists(rev) OR attribute_exists(rev)");
    assert_eq!(call(&world, "DynamoDB.PutItem", request.clone()).await.1["__type"], "UnknownOperationException");
    assert_eq!(std::mem::take(&mut world.shared.lock().violations).len(), 1);
    request["ConditionExpression"] = json!("rev = :rev");
    request["ExpressionAttributeValues"] = json!({ ":rev": {"N": "1"}, ":old": {"N": "0"} });
    let unused = "Value provided in the expression's maps unused in expressions: :old";
    refused(call(&world, "DynamoDB.PutItem", request.clone()).await, "ValidationException", unused);
    request["TableName"] = json!("none");
    refused(
        call(&world, "DynamoDB.PutItem", request).await,
        "ResourceNotFoundException",
        "Requested resource not found",
    );
    world.transcript();
    world.finish();
}

#[tokio::test]
async fn a_write_may_take_effect_without_an_answer() {
    let world = with_table().await;
    world.fault("DynamoDB.PutItem prod/web", 1, Fault::Throttle);
    let write = put(&item(1, json!({ "M": {} })), 0);
    assert_eq!(call(&world, "DynamoDB.PutItem", write.clone()).await.1["__type"], "ThrottlingException");
    assert!(world.items("slipway").is_empty());
    answered(call(&world, "DynamoDB.PutItem", write).await);
    world.transcript();
    world.finish();
}
