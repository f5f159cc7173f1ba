//! Resources that are a name and no more: log groups, SSM parameters, handles.

use super::family::{Failure, Family, Physical, Request};
use crate::account::store::State;

pub(super) struct Plain;

impl Family for Plain {
    fn create(&self, _: &mut State, request: &Request<'_>) -> Result<Physical, Failure> {
        Ok(match request.resource_type {
            "AWS::Logs::LogGroup" => log_group(request),
            "AWS::SSM::Parameter" => parameter(request, request.name("Name", 1011)),
            // The URL names the stack, as AWS's does: each has handles of its own.
            _ => Physical::new(format!(
                "https://cloudformation-waitcondition-{}.s3.amazonaws.com/{}/{}",
                request.options.region,
                request.stack_id.replace(':', "%3A"),
                request.logical_id
            )),
        })
    }

    fn update(&self, _: &mut State, request: &Request<'_>, id: &str) -> Result<Physical, Failure> {
        Ok(match request.resource_type {
            "AWS::SSM::Parameter" => parameter(request, id.to_owned()),
            _ => Physical::new(id),
        })
    }
}

fn log_group(request: &Request<'_>) -> Physical {
    let name = request.name("LogGroupName", 512);
    let arn = request.arn("logs", &format!("log-group:{name}:*"));
    Physical::new(name).with("Arn", arn)
}

fn parameter(request: &Request<'_>, name: String) -> Physical {
    Physical::new(name)
        .with("Type", request.text("Type").unwrap_or_default())
        .with("Value", request.text("Value").unwrap_or_default())
}
