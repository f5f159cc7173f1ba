//! What can go wrong between here and the endpoint, and what to do about it.

use aws_sdk_cloudformation::config::http::HttpResponse;
use aws_sdk_cloudformation::error::{DisplayErrorContext, ProvideErrorMetadata, SdkError};

/// Why a call came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CloudError {
    /// The credential chain came up empty.
    #[error("no AWS credentials were found (for `{operation}`)")]
    NoCredentials {
        /// The call, as IAM names it.
        operation: &'static str,
        /// What the chain said.
        detail: String,
    },
    /// The credentials were good once.
    #[error("the AWS credentials have expired (for `{operation}`)")]
    ExpiredCredentials {
        /// The call, as IAM names it.
        operation: &'static str,
    },
    /// The endpoint does not know the credentials.
    #[error("AWS does not accept the credentials (for `{operation}`): {message}")]
    RefusedCredentials {
        /// The call, as IAM names it.
        operation: &'static str,
        /// What the endpoint said.
        message: String,
    },
    /// Nobody answered.
    #[error("`{endpoint}` could not be reached (for `{operation}`): {reason}")]
    Unreachable {
        /// The call, as IAM names it.
        operation: &'static str,
        /// Where it went.
        endpoint: String,
        /// What the connection said.
        reason: String,
    },
    /// The answer took too long, each time.
    #[error("`{operation}` got no answer in time")]
    TimedOut {
        /// The call, as IAM names it.
        operation: &'static str,
    },
    /// The caller lacks a permission.
    #[error("`{operation}` is not allowed: {message}")]
    AccessDenied {
        /// The call, as IAM names it.
        operation: &'static str,
        /// What the endpoint said.
        message: String,
    },
    /// The account made too many calls, and retries did not help.
    #[error("`{operation}` was throttled: {message}")]
    Throttled {
        /// The call, as IAM names it.
        operation: &'static str,
        /// What the endpoint said.
        message: String,
    },
    /// The endpoint understood the request and said no.
    #[error("`{operation}` failed: {message} ({code})")]
    Refused {
        /// The call, as IAM names it.
        operation: &'static str,
        /// The error's code.
        code: String,
        /// What the endpoint said.
        message: String,
    },
    /// The endpoint's answer made no sense.
    #[error("the answer to `{operation}` could not be read: {reason}")]
    Unreadable {
        /// The call, as IAM names it.
        operation: &'static str,
        /// What is wrong with it.
        reason: String,
    },
    /// This build cannot do it.
    #[error("this colormesh was built without EC2 key pairs (for `{operation}`)")]
    NotBuilt {
        /// The call, as IAM names it.
        operation: &'static str,
    },
}

// === impl CloudError ===

impl CloudError {
    /// The error's code, where the endpoint gave one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Refused { code, .. } => Some(code),
            Self::ExpiredCredentials { .. } => Some("ExpiredToken"),
            Self::AccessDenied { .. } => Some("AccessDenied"),
            Self::Throttled { .. } => Some("Throttling"),
            Self::NoCredentials { .. }
            | Self::RefusedCredentials { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Unreadable { .. }
            | Self::NotBuilt { .. } => None,
        }
    }

    /// What the endpoint said, where it said something.
    pub fn message(&self) -> &str {
        match self {
            Self::Refused { message, .. }
            | Self::AccessDenied { message, .. }
            | Self::Throttled { message, .. }
            | Self::RefusedCredentials { message, .. } => message,
            Self::NoCredentials { .. }
            | Self::ExpiredCredentials { .. }
            | Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Unreadable { .. }
            | Self::NotBuilt { .. } => "",
        }
    }

    /// Whether the same call may succeed a moment later.
    pub fn is_transient(&self) -> bool {
        matches!(
            self,
            Self::Throttled { .. } | Self::TimedOut { .. } | Self::Unreachable { .. }
        ) || matches!(self, Self::Refused { code, .. }
                if matches!(code.as_str(), "InternalFailure" | "InternalError" | "ServiceUnavailable" | "InternalServerError" | "RequestTimeout"))
            || matches!(self, Self::Unreadable { .. })
    }

    /// Whether the endpoint says that a stack, or another thing, is not there.
    pub fn is_absent(&self) -> bool {
        let Self::Refused { code, message, .. } = self else {
            return false;
        };
        code.contains("NotFound")
            || (code == "ValidationError" && message.contains("does not exist"))
    }

    /// What to do about it.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoCredentials { .. } => Some(
                "set `AWS_PROFILE`, or run `aws configure` or `aws sso login`; `--target local` needs no account".into(),
            ),
            Self::ExpiredCredentials { .. } => Some("sign in again, for example with `aws sso login`".into()),
            Self::RefusedCredentials { .. } => {
                Some("check which credentials are used: `AWS_PROFILE`, `AWS_ACCESS_KEY_ID`, the profile file".into())
            }
            Self::Unreachable { endpoint, .. } if endpoint.contains("127.0.0.1") || endpoint.contains("localhost") => {
                Some("look at `colormesh local status`; `colormesh local start` starts the endpoint".into())
            }
            Self::Unreachable { .. } => Some("check the network, the region and `--endpoint-url`".into()),
            Self::AccessDenied { message, .. } if message.contains("Cross-account") => {
                Some("name a role of the account that is deployed to, with `--role-arn`".into())
            }
            Self::AccessDenied { operation, message } => {
                let action = refused_action(message).unwrap_or(operation);
                Some(format!("ask for a policy that allows `{action}` for the caller"))
            }
            Self::Throttled { .. } | Self::TimedOut { .. } => Some("run the same command again: it goes on where it was".into()),
            Self::Refused { code, .. } if code == "InsufficientCapabilitiesException" => {
                Some("the template needs a capability that was not given with it".into())
            }
            Self::Refused { code, .. } if code == "NoSuchBucket" => {
                Some("make it with `aws s3 mb s3://NAME`, or name another with `--s3-bucket`".into())
            }
            Self::Refused { code, .. } if code == "PermanentRedirect" => {
                Some("name a bucket of the stacks' region with `--s3-bucket`".into())
            }
            Self::Refused { code, .. } if code == "LimitExceededException" => {
                Some("a quota of the account is used up: remove what is not needed or ask AWS for more".into())
            }
            Self::NotBuilt { .. } => Some(
                "name a key pair that exists and build with `--features ec2` to have one made, or set `bastion: { enabled: false }`".into(),
            ),
            Self::Refused { .. } | Self::Unreadable { .. } => None,
        }
    }
}

/// Turns the SDK's error for `operation` at `endpoint` into ours.
pub(super) fn translate<E>(
    operation: &'static str,
    endpoint: &str,
    error: &SdkError<E, HttpResponse>,
) -> CloudError
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error {
        SdkError::ServiceError(answer) => from_answer(operation, answer.err()),
        SdkError::TimeoutError(_) => CloudError::TimedOut { operation },
        SdkError::DispatchFailure(failure) => {
            let reason = text_of(error);
            if failure.is_user() || reason.contains("credential") {
                no_credentials(operation, reason)
            } else if failure.is_timeout() {
                CloudError::TimedOut { operation }
            } else {
                CloudError::Unreachable {
                    operation,
                    endpoint: endpoint.to_owned(),
                    reason: innermost(failure.as_connector_error()),
                }
            }
        }
        SdkError::ConstructionFailure(_) => {
            let reason = text_of(error);
            if reason.contains("credential") {
                no_credentials(operation, reason)
            } else {
                CloudError::Unreadable { operation, reason }
            }
        }
        _ => CloudError::Unreadable {
            operation,
            reason: text_of(error),
        },
    }
}

/// The action that the caller may not do, where that is not the call itself.
fn refused_action(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once("perform: ")?;
    rest.split([' ', ',', ';']).next()
}

fn no_credentials(operation: &'static str, detail: String) -> CloudError {
    if detail.contains("expired") || detail.contains("Expired") {
        CloudError::ExpiredCredentials { operation }
    } else {
        CloudError::NoCredentials { operation, detail }
    }
}

fn from_answer(operation: &'static str, error: &impl ProvideErrorMetadata) -> CloudError {
    let code = error.code().unwrap_or("Unknown").to_owned();
    let message = error
        .message()
        .unwrap_or("the endpoint gave no reason")
        .to_owned();
    match code.as_str() {
        "ExpiredToken" | "ExpiredTokenException" | "RequestExpired" => {
            CloudError::ExpiredCredentials { operation }
        }
        "InvalidClientTokenId"
        | "UnrecognizedClientException"
        | "SignatureDoesNotMatch"
        | "AuthFailure" => CloudError::RefusedCredentials { operation, message },
        "AccessDenied" | "AccessDeniedException" | "UnauthorizedOperation" => {
            CloudError::AccessDenied { operation, message }
        }
        "Throttling"
        | "ThrottlingException"
        | "RequestLimitExceeded"
        | "TooManyRequestsException" => CloudError::Throttled { operation, message },
        _ => CloudError::Refused {
            operation,
            code,
            message,
        },
    }
}

fn text_of(error: &(impl std::error::Error + 'static)) -> String {
    DisplayErrorContext(error).to_string()
}

/// The last of a chain of causes, which is the one that a person can act on.
fn innermost(error: Option<&(impl std::error::Error + 'static)>) -> String {
    let Some(error) = error else {
        return "no connection".into();
    };
    let mut cause: &dyn std::error::Error = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use aws_sdk_cloudformation::error::ErrorMetadata;

    use super::*;

    fn answer(code: &str, message: &str) -> CloudError {
        let metadata = ErrorMetadata::builder().code(code).message(message).build();
        from_answer("cloudformation:DescribeStacks", &metadata)
    }

    #[test]
    fn codes_become_kinds_with_advice() {
        assert!(matches!(
            answer("ExpiredToken", ""),
            CloudError::ExpiredCredentials { .. }
        ));
        assert!(matches!(
            answer("AccessDenied", "no"),
            CloudError::AccessDenied { .. }
        ));
        assert!(answer("Throttling", "Rate exceeded").is_transient());
        assert_eq!(
            answer("AccessDenied", "no").hint().as_deref(),
            Some("ask for a policy that allows `cloudformation:DescribeStacks` for the caller")
        );
    }

    #[test]
    fn what_is_not_there_is_told_apart() {
        assert!(answer("ValidationError", "Stack with id x does not exist").is_absent());
        assert!(answer("RepositoryNotFoundException", "gone").is_absent());
        assert!(!answer("ValidationError", "No updates are to be performed.").is_absent());
    }
}
