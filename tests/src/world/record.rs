//! The record of every call that reached World: who asked what of whom, what came back, and from when to when.

use std::time::{Duration, Instant};

use jiff::Timestamp;
use serde_json::Value;

use super::ledger;
use super::wire::Request;

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// `ECS`, `ECR`, `SNS`, `SSM`, `S3`, `DynamoDB`.
    pub service: String,
    /// `UpdateService`.
    pub operation: String,
    /// The request's members: the JSON body, the form's fields, or bucket and key.
    pub request: Value,
    /// The item that a PutItem of DynamoDB was to replace.
    pub before: Option<Value>,
    /// The HTTP status; `None` while there is no answer, or when the connection was cut instead.
    pub status: Option<u16>,
    /// The error's code if the answer was a refusal.
    pub refused: Option<String>,
    /// The session token that came with the call, else the access key that signed it; it distinguishes the functions.
    pub caller: Option<String>,
    /// The region that it was signed for, `None` where it is not signed.
    pub region: Option<String>,
    /// Whether it has had its effect, or will have none.
    pub decided: bool,
    /// World's time when it came.
    pub at: Timestamp,
    /// When it came and when it was answered, in the machine's time since World started.
    pub span: Span,
}

/// From when to when a call was under way, since World started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// When the request had come.
    pub start: Duration,
    /// When its answer was given; later than everything while there is none.
    pub end: Duration,
}

impl Call {
    /// `ECS.UpdateService`.
    pub fn name(&self) -> String {
        format!("{}.{}", self.service, self.operation)
    }

    /// Whether the call may change something: everything but describing, listing and getting.
    pub fn is_write(&self) -> bool {
        const READS: [&str; 13] = [
            "Describe",
            "List",
            "Get",
            "BatchGet",
            "BatchCheck",
            "Query",
            "Scan",
            "Head",
            "GET ",
            "HEAD ",
            "Receive",
            "Simulate",
            "TestEventPattern",
        ];
        !READS.iter().any(|read| self.operation.starts_with(read))
    }
}

impl Call {
    /// Whether the call only takes, lets go or leaves an input behind the lease of a service: a write that changes nothing of what
    /// the ledger remembers.
    pub fn is_lease(&self) -> bool {
        self.name() == "DynamoDB.PutItem" && ledger::is_lease(self.before.as_ref(), &self.request["Item"])
    }
}

/// All calls so far, and how many of them a scenario has read.
#[derive(Debug)]
pub(crate) struct Record {
    started: Instant,
    calls: Vec<Call>,
    read: usize,
}

impl Record {
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), calls: Vec::new(), read: 0 }
    }

    /// Writes a call down when it comes; the number is for [`Record::end`].
    pub(crate) fn begin(&mut self, request: &Request, at: Timestamp, before: Option<Value>) -> usize {
        self.calls.push(Call {
            service: request.service.clone(),
            operation: request.operation.clone(),
            request: request.members.clone(),
            before,
            status: None,
            refused: None,
            decided: false,
            caller: request.caller.clone(),
            region: request.region.clone(),
            at,
            span: Span { start: self.started.elapsed(), end: Duration::MAX },
        });
        self.calls.len() - 1
    }

    /// Notes that a call has had its effect; its answer may be late.
    pub(crate) fn decided(&mut self, number: usize) {
        if let Some(call) = self.calls.get_mut(number) {
            call.decided = true;
        }
    }

    /// Adds what came back.
    pub(crate) fn end(&mut self, number: usize, status: Option<u16>, refused: Option<String>) {
        let now = self.started.elapsed();
        if let Some(call) = self.calls.get_mut(number) {
            call.status = status;
            call.refused = refused;
            call.decided = true;
            call.span.end = now;
        }
    }

    /// A call by its number.
    pub(crate) fn call(&self, number: usize) -> Option<&Call> {
        self.calls.get(number)
    }

    /// Every call since World started.
    pub(crate) fn all(&self) -> &[Call] {
        &self.calls
    }

    /// The calls that nobody has read yet; from now on they count as read.
    pub(crate) fn take(&mut self) -> Vec<Call> {
        let unread = self.calls[self.read..].to_vec();
        self.read = self.calls.len();
        unread
    }

    /// The calls that nobody has read yet.
    pub(crate) fn unread(&self) -> &[Call] {
        &self.calls[self.read..]
    }
}
