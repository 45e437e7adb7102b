//! Asks the deploy function, through the alias that the request needs, and says in plain words why there is no answer.

use std::cell::Cell;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::config::StalledStreamProtectionConfig;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::operation::invoke::InvokeError;
use aws_sdk_lambda::primitives::Blob;
use serde_json::{Map, Value, json};
use slipway_core::rules::authority::Alias;

use crate::problem::{LOGIN, Problem, is_denied, needs_login, words};
use crate::seen;
use crate::session::Session;

/// The version of what is printed for programs. Within it members may be added, and none is removed or changed.
pub(crate) const VERSION: u32 = 1;

/// What asks the deploy function.
#[derive(Debug)]
pub(crate) struct Functions<'a> {
    session: &'a Session,
    client: Client,
    /// Whether the place is remembered: a wait asks again and again.
    remembered: Cell<bool>,
}

impl<'a> Functions<'a> {
    /// Of the session's stack. Nothing is asked yet.
    pub(crate) fn of(session: &'a Session) -> Self {
        // A request may be carried out although its answer is lost, so nothing is asked twice; and it may take minutes.
        let config = aws_sdk_lambda::config::Builder::from(&session.settings)
            .retry_config(RetryConfig::disabled())
            .timeout_config(TimeoutConfig::disabled())
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .build();
        Self { session, client: Client::from_conf(config), remembered: Cell::new(false) }
    }

    /// Asks what changes nothing.
    pub(crate) async fn read(&self, request: Value) -> Result<Value, Problem> {
        self.ask(Alias::Read, request).await
    }

    /// Asks for what changes something.
    pub(crate) async fn operate(&self, request: Value) -> Result<Value, Problem> {
        self.ask(Alias::Operate, request).await
    }

    async fn ask(&self, alias: Alias, mut request: Value) -> Result<Value, Problem> {
        if request["id"].is_null() {
            request["id"] = json!(new_id());
        }
        let name = format!("{}-deploy", self.session.place.stack);
        let answer = self
            .client
            .invoke()
            .function_name(&name)
            .qualifier(alias.name())
            .payload(Blob::new(request.to_string()))
            .send()
            .await
            .map_err(|error| self.unanswered(&name, alias, &request, error))?;
        if !self.remembered.replace(true) {
            seen::remember(&self.session.place);
        }
        let payload = answer.payload.map(Blob::into_inner).unwrap_or_default();
        if let Some(kind) = answer.function_error {
            let error: Value = serde_json::from_slice(&payload).unwrap_or_default();
            let words = error["errorMessage"].as_str().or(error["errorType"].as_str()).unwrap_or(&kind).to_owned();
            let problem = Problem::unavailable(format!("the function {name} failed: {words}"))
                .fix(format!("Its log says more: aws logs tail /aws/lambda/{name} --since 10m"));
            return Err(unless_carried_out(problem, alias, &request));
        }
        match serde_json::from_slice(&payload) {
            Ok(Value::Object(answer)) if answer.contains_key("ok") => self.judged(&name, versioned(answer)),
            Ok(_) | Err(_) => {
                let text = format!("the function {name} does not answer as Slipway's deploy function does");
                Err(Problem::unavailable(text)
                    .fix(format!("Is {} a stack of Slipway? Give --stack.", self.session.place.stack)))
            }
        }
    }

    /// An answer that is an error as a whole is a problem; any other is the answer.
    fn judged(&self, name: &str, answer: Value) -> Result<Value, Problem> {
        let error = &answer["error"];
        if error.is_null() {
            return Ok(answer);
        }
        let mistakes: Vec<(&str, &str)> = error["mistakes"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|it| (it["path"].as_str().unwrap_or_default(), it["text"].as_str().unwrap_or_default()))
            .collect();
        let lines =
            || mistakes.iter().map(|(path, text)| format!("{path}: {text}").trim_start_matches(": ").to_owned());
        Err(match error["code"].as_str().unwrap_or_default() {
            // The command writes no word that its own version of the function does not know.
            "bad_request"
                if mistakes.iter().any(|(path, text)| *path == "action" || text.starts_with("is not a key of")) =>
            {
                let text = format!(
                    "the function {name} does not know what was asked: it is of an older version of Slipway than this command"
                );
                lines()
                    .fold(Problem::unavailable(text), Problem::fix)
                    .fix("Update the installed Slipway, or use its own version of the command.")
            }
            "bad_request" => lines().fold(Problem::usage("Slipway does not accept the request"), Problem::fix),
            "bad_configuration" => {
                let text = format!(
                    "the configuration of the stack {} has mistakes, and nothing is deployed until they are fixed",
                    self.session.place.stack
                );
                lines().fold(Problem::needs_person(text), Problem::fix)
            }
            _ if mistakes.is_empty() => {
                Problem::unavailable(error["text"].as_str().unwrap_or("Slipway answered with an error").to_owned())
                    .that_passes()
            }
            _ => lines().fold(Problem::unavailable("Slipway refuses the request"), Problem::fix),
        })
    }

    /// Why there is no answer.
    fn unanswered(&self, name: &str, alias: Alias, request: &Value, error: SdkError<InvokeError>) -> Problem {
        if let Some(problem) = self.session.no_credentials(&error) {
            return problem;
        }
        let (stack, place) = (&self.session.place.stack, self.session.shown());
        let alias_name = alias.name();
        match error.code().unwrap_or_default() {
            "ResourceNotFoundException" => {
                let problem =
                    Problem::unavailable(format!("there is no function {name} with the alias {alias_name} {place}"))
                        .fix(format!("Is the stack named differently? Give --stack (now {stack})."))
                        .fix(format!(
                            "Is it in another region or account? Give --region (now {}) or --profile.",
                            self.session.place.region
                        ));
                let seen = seen::all().into_iter().filter(|seen| *seen != self.session.place);
                seen.take(3)
                    .fold(problem, |problem, seen| problem.fix(format!("One was seen before with {}.", seen.options())))
            }
            code if is_denied(code) => {
                let (policy, for_whom) = match alias {
                    Alias::Read => ("ReadPolicyArn", "It allows to ask, and nothing else."),
                    Alias::Operate => ("OperatePolicyArn", "It allows to deploy and roll back."),
                };
                Problem::unavailable(format!("AWS does not allow you to invoke {name}:{alias_name} {place}"))
                    .fix(format!("Attach the policy of the stack's output {policy} to your role. {for_whom}"))
                    .fix(format!("aws cloudformation describe-stacks --stack-name {stack} --query \"Stacks[].Outputs[?OutputKey=='{policy}']\""))
            }
            code if needs_login(code) => {
                let words = error.message().unwrap_or("they are not valid").to_owned();
                Problem::unavailable(format!("AWS does not accept your credentials: {words}")).fix(LOGIN)
            }
            "TooManyRequestsException" => {
                Problem::unavailable(format!("too many invocations of {name} at once {place}"))
                    .fix("Try again.")
                    .that_passes()
            }
            _ => {
                let text = format!("there is no answer from {name} {place}: {}", words(&error));
                unless_carried_out(Problem::unavailable(text), alias, request)
            }
        }
    }
}

/// A problem after which a request may have been carried out or not: what only reads may be asked again, all else not blindly.
fn unless_carried_out(problem: Problem, alias: Alias, request: &Value) -> Problem {
    let id = request["id"].as_str().unwrap_or_default();
    match alias {
        Alias::Read => problem.that_passes(),
        Alias::Operate => problem
            .fix("The request may have been carried out: look with `slipway history` and `slipway status`.")
            .fix(format!("To repeat it harmlessly, add --id {id}.")),
    }
}

/// The answer with the version of its shape before all else.
fn versioned(answer: Map<String, Value>) -> Value {
    std::iter::once(("version".to_owned(), json!(VERSION))).chain(answer).collect()
}

/// By which a request is recognised when it comes twice.
fn new_id() -> String {
    format!("cli-{:016x}", fastrand::u64(..))
}
