//! What a call meets on its way in and out when there is a laboratory: a
//! limit, a rule, the log.

use super::connection::Connection;
use crate::account::ApiError;
use crate::account::clock::Timestamp;
use crate::account::lab::{Call, CallEffect, CallOutcome, Lab, Met};
use std::future::Future;
use std::time::Duration;

/// The way that one call takes.
pub(super) struct Gate<'a> {
    pub(super) lab: &'a Lab,
    pub(super) connection: Option<Connection>,
}

/// What is asked.
pub(super) struct Asked<'a, F> {
    service: &'a str,
    operation: &'a str,
    parameters: F,
}

impl<'a, F: FnOnce() -> Vec<String>> Asked<'a, F> {
    /// A call, with a way to the names of its parameters.
    pub(super) fn of(service: &'a str, operation: &'a str, parameters: F) -> Self {
        Self {
            service,
            operation,
            parameters,
        }
    }
}

// === impl Gate ===

impl Gate<'_> {
    /// Does a call, or what its rule says. `done` gives the answer with the
    /// code of the error that is in it.
    pub(super) async fn pass<T>(
        &self,
        asked: Asked<'_, impl FnOnce() -> Vec<String>>,
        done: impl Future<Output = (T, Option<String>)>,
    ) -> Result<T, ApiError> {
        if !self.lab.is_on() {
            return Ok(done.await.0);
        }
        let operation = format!("{}:{}", asked.service, asked.operation);
        let met = self.lab.meet(&operation);
        let note = |outcome: CallOutcome, error: Option<String>| {
            self.lab.note(Call {
                time: Timestamp::now(),
                operation: operation.clone(),
                parameters: (asked.parameters)(),
                outcome,
                error,
            });
        };
        let refuse = |error: ApiError| (CallOutcome::Failed, error);
        let (outcome, error) = match met {
            None => return Ok(told(done.await, note)),
            Some(Met::Rule(CallEffect::Delay { seconds })) => {
                tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
                return Ok(told(done.await, note));
            }
            Some(Met::Rule(CallEffect::ResetAfter)) => {
                let (_, code) = done.await;
                self.reset();
                note(CallOutcome::Lost, code);
                return Err(lost());
            }
            Some(Met::Rule(CallEffect::Reset)) => {
                self.reset();
                (CallOutcome::Reset, lost())
            }
            Some(Met::Limit | Met::Rule(CallEffect::Throttle)) => refuse(throttled(asked.service)),
            Some(Met::Rule(CallEffect::Internal)) => {
                refuse(ApiError::internal("An internal error occurred."))
            }
            Some(Met::Rule(CallEffect::Error {
                code,
                message,
                status,
            })) => refuse(ApiError::new(code, message).with_status(status)),
        };
        let code = (outcome == CallOutcome::Failed).then(|| error.code.to_string());
        note(outcome, code);
        Err(error)
    }

    fn reset(&self) {
        if let Some(connection) = &self.connection {
            connection.reset();
        }
    }
}

fn told<T>(
    (answer, code): (T, Option<String>),
    note: impl FnOnce(CallOutcome, Option<String>),
) -> T {
    let outcome = match code {
        None => CallOutcome::Done,
        Some(_) => CallOutcome::Refused,
    };
    note(outcome, code);
    answer
}

/// What nobody reads: the connection is reset before it is written.
fn lost() -> ApiError {
    ApiError::internal("the connection is reset")
}

/// What each service says when it is called too often.
fn throttled(service: &str) -> ApiError {
    match service {
        "ec2" => ApiError::new("RequestLimitExceeded", "Request limit exceeded.").with_status(503),
        "ecr" | "ecs" => ApiError::new("ThrottlingException", "Rate exceeded"),
        "s3" => ApiError::new("SlowDown", "Reduce your request rate.").with_status(503),
        "registry" => ApiError::new("TOOMANYREQUESTS", "Rate exceeded").with_status(429),
        _ => ApiError::new("Throttling", "Rate exceeded"),
    }
}
