//! What an HTTP request to AWS asks for: which service, which operation, with which members, and on whose behalf.

use hyper::body::Bytes;
use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

/// How a service is spoken to, which decides how its errors look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// JSON 1.0 or 1.1 with `X-Amz-Target`.
    Json,
    /// A form in, XML out: SNS, CloudFormation, IAM.
    Query,
    /// Methods and paths with XML: S3.
    Rest,
    /// Methods and paths with JSON: Lambda, Scheduler.
    RestJson,
}

/// A request, understood.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// `ECS`, `SNS`; the name people use.
    pub(crate) service: String,
    /// `UpdateService`.
    pub(crate) operation: String,
    pub(crate) protocol: Protocol,
    /// The members: the JSON body, the form's fields, or what the path says.
    pub(crate) members: Value,
    /// Who made it: the session token, in which the emulator writes the function's name, else the access key.
    pub(crate) caller: Option<String>,
    /// The region that it was signed for, `None` where it is not signed.
    pub(crate) region: Option<String>,
}

impl Request {
    /// Reads the head and body of a request.
    pub(crate) fn read(head: &Parts, body: &Bytes) -> Self {
        let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
        let Scope { key, region, service: signed_for } = Scope::of(header("authorization").unwrap_or_default());
        let caller = header("x-amz-security-token").map(str::to_owned).or(key);
        if let Some((prefix, operation)) = header("x-amz-target").and_then(|target| target.split_once('.')) {
            return Self {
                service: service_of_target(prefix),
                operation: operation.to_owned(),
                protocol: Protocol::Json,
                members: serde_json::from_slice(body).unwrap_or(Value::Null),
                caller,
                region,
            };
        }
        let presigned = head.uri.query().filter(|query| query.contains("X-Amz-Signature="));
        let signed_for = signed_for.or(presigned.map(|_| "s3"));
        let service = service_of_signature(signed_for.unwrap_or_default());
        let is_form = header("content-type").is_some_and(|kind| kind.starts_with("application/x-www-form-urlencoded"));
        if is_form {
            let fields: Map<String, Value> = form_urlencoded::parse(body)
                .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                .collect();
            let operation = fields.get("Action").and_then(Value::as_str).unwrap_or("unknown").to_owned();
            let members = Value::Object(fields);
            return Self { service, operation, protocol: Protocol::Query, members, caller, region };
        }
        let (operation, mut members) = match service.as_str() {
            "Scheduler" => scheduler(head, body),
            _ => rest(head, &service),
        };
        if let Some(query) = presigned {
            // Whoever has the address may use it, and need not say who they are.
            members["query"] = json!(query);
            members["signed"] = json!(caller.is_some());
        }
        let protocol = if service == "S3" { Protocol::Rest } else { Protocol::RestJson };
        Self { service, operation, protocol, members, caller, region }
    }

    /// `ECS.UpdateService`.
    pub(crate) fn call(&self) -> String {
        format!("{}.{}", self.service, self.operation)
    }
}

/// What a signature counts for: `AWS4-HMAC-SHA256 Credential=KEY/DATE/REGION/SERVICE/aws4_request, …`.
struct Scope<'a> {
    key: Option<String>,
    region: Option<String>,
    service: Option<&'a str>,
}

impl<'a> Scope<'a> {
    fn of(authorization: &'a str) -> Self {
        let credential = authorization.split_once("Credential=").map_or("", |(_, rest)| rest);
        let credential = credential.split([',', ' ']).next().unwrap_or_default();
        let mut parts = credential.split('/');
        let key = parts.next().filter(|key| !key.is_empty()).map(str::to_owned);
        Self { key, region: parts.nth(1).map(str::to_owned), service: parts.next() }
    }
}

fn service_of_target(prefix: &str) -> String {
    match prefix {
        "AmazonEC2ContainerServiceV20141113" => "ECS".to_owned(),
        "AmazonEC2ContainerRegistry_V20150921" => "ECR".to_owned(),
        "AmazonSSM" => "SSM".to_owned(),
        "AWSEvents" => "EventBridge".to_owned(),
        "AmazonSQS" => "SQS".to_owned(),
        // DynamoDB_20120810, CodeDeploy_20141006, Logs_20140328
        other => other.split_once('_').map_or(other, |(name, _)| name).to_owned(),
    }
}

fn service_of_signature(name: &str) -> String {
    match name {
        "lambda" => "Lambda".to_owned(),
        "scheduler" => "Scheduler".to_owned(),
        "cloudformation" => "CloudFormation".to_owned(),
        "" => "unsigned".to_owned(),
        short => short.to_uppercase(),
    }
}

/// `POST /schedules/NAME` and its like, with the name and the query's group among the members, as the model has them.
fn scheduler(head: &Parts, body: &Bytes) -> (String, Value) {
    let verb = match head.method.as_str() {
        "POST" => "Create",
        "PUT" => "Update",
        "DELETE" => "Delete",
        _ => "Get",
    };
    let Some(name) = head.uri.path().strip_prefix("/schedules/") else {
        return rest(head, "Scheduler");
    };
    let mut members = serde_json::from_slice(body).unwrap_or_else(|_| json!({}));
    members["Name"] = json!(name);
    for (key, value) in form_urlencoded::parse(head.uri.query().unwrap_or_default().as_bytes()) {
        let member = match key.as_ref() {
            "groupName" => "GroupName",
            "clientToken" => "ClientToken",
            other => other,
        };
        members[member] = json!(value);
    }
    (format!("{verb}Schedule"), members)
}

fn rest(head: &Parts, service: &str) -> (String, Value) {
    let path = head.uri.path();
    if service == "S3" {
        let host = head.headers.get("host").and_then(|host| host.to_str().ok()).unwrap_or_default();
        let address = host.starts_with(|first: char| first.is_ascii_digit()) || host.starts_with("localhost");
        let (bucket, key) = match host.split_once('.') {
            Some((bucket, _)) if !address => (bucket, path.trim_start_matches('/')),
            _ => path.trim_start_matches('/').split_once('/').unwrap_or((path.trim_start_matches('/'), "")),
        };
        let kind = if key.is_empty() { "Bucket" } else { "Object" };
        let verb = match head.method.as_str() {
            "PUT" => "Put",
            "DELETE" => "Delete",
            "HEAD" => "Head",
            "POST" => "Post",
            _ => "Get",
        };
        let key: String = form_urlencoded::parse(format!("k={}", key.replace('+', "%2B")).as_bytes())
            .map(|(_, key)| key.into_owned())
            .collect();
        return (format!("{verb}{kind}"), json!({ "Bucket": bucket, "Key": key }));
    }
    (format!("{} {path}", head.method), json!({ "query": head.uri.query().unwrap_or_default() }))
}
