//! Sorts the SDK's errors into the port's: by the code, which AWS documents per operation, and by the HTTP status.

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use slipway_engine::error::{Error, ErrorKind};

/// The error of a call, from the SDK's.
pub(crate) fn of<E>(call: &'static str, subject: impl Into<String>, error: SdkError<E, HttpResponse>) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    let kind = match &error {
        SdkError::ServiceError(context) if context.err().message().is_some_and(is_concurrency) => ErrorKind::Throttled,
        SdkError::ServiceError(context) if context.err().message().is_some_and(is_too_large) => ErrorKind::TooLarge,
        SdkError::ServiceError(context) => {
            kind_of_answer(context.err().code().unwrap_or_default(), context.raw().status().as_u16())
        }
        SdkError::ConstructionFailure(_) => ErrorKind::Rejected,
        _ => ErrorKind::Unreachable,
    };
    let message = match &error {
        SdkError::ServiceError(context) => {
            let code = context.err().code().unwrap_or("error");
            match context.err().message() {
                Some(message) if !message.is_empty() => format!("{code}: {message}"),
                _ => format!("{code} (HTTP {})", context.raw().status().as_u16()),
            }
        }
        other => whole_chain(other),
    };
    Error::new(call, subject, kind, message)
}

/// The codes that AWS's services use for throttling; ECS's own is not in its model.
const THROTTLED: [&str; 10] = [
    "Throttling",
    "ThrottlingException",
    "ThrottledException",
    "Throttled",
    "RequestLimitExceeded",
    "RequestThrottled",
    "TooManyRequestsException",
    "SlowDown",
    "ProvisionedThroughputExceededException",
    "ReplicatedWriteConflictException",
];

/// Whether ECS refuses a registration because another one of the same family is under way. Only the text of its `ClientException`
/// says so ([issue 9777 of Terraform's AWS provider]).
///
/// [issue 9777 of Terraform's AWS provider]: https://github.com/hashicorp/terraform-provider-aws/issues/9777
fn is_concurrency(message: &str) -> bool {
    message.starts_with("Too many concurrent attempts to create a new revision")
}

/// Whether DynamoDB refuses an item for its size. Its `ValidationException` has many causes, and only the text says which
/// ([Naming rules and limits]).
///
/// [Naming rules and limits]: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Constraints.html
fn is_too_large(message: &str) -> bool {
    message.starts_with("Item size has exceeded the maximum allowed size")
}

fn kind_of_answer(code: &str, status: u16) -> ErrorKind {
    if THROTTLED.contains(&code) || status == 429 {
        ErrorKind::Throttled
    } else if status >= 500 {
        ErrorKind::Unreachable
    } else if code.contains("NotFound") || code.starts_with("NoSuch") {
        ErrorKind::NotFound
    } else if code.starts_with("AccessDenied") || matches!(code, "AuthorizationError" | "UnauthorizedException") {
        ErrorKind::Denied
    } else if matches!(code, "ExpiredToken" | "ExpiredTokenException" | "RequestExpired") {
        // Lambda renews the credentials of a new execution environment; the retry gets them.
        ErrorKind::Unreachable
    } else {
        ErrorKind::Rejected
    }
}

/// An error with every cause behind it: "dispatch failure" alone explains nothing.
fn whole_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_sorted_by_code_and_status() {
        assert_eq!(kind_of_answer("ThrottlingException", 400), ErrorKind::Throttled);
        assert_eq!(kind_of_answer("ServerException", 500), ErrorKind::Unreachable);
        assert_eq!(kind_of_answer("ImageNotFoundException", 400), ErrorKind::NotFound);
        assert_eq!(kind_of_answer("AccessDeniedException", 400), ErrorKind::Denied);
        assert_eq!(kind_of_answer("InvalidParameterException", 400), ErrorKind::Rejected);
        assert_eq!(kind_of_answer("NoSuchKey", 404), ErrorKind::NotFound);
    }
}
