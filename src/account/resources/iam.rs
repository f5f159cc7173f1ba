//! IAM: roles, policies, instance profiles. Recorded; nothing is enforced.

use super::family::{Failure, Family, Physical, Request};
use crate::account::store::State;
use serde_json::Value;

pub(super) struct Identities;

impl Family for Identities {
    fn create(&self, state: &mut State, request: &Request<'_>) -> Result<Physical, Failure> {
        check_documents(request)?;
        let path = request.text("Path").unwrap_or_else(|| "/".to_owned());
        Ok(match request.resource_type {
            "AWS::IAM::Role" => {
                let name = request.name("RoleName", 64);
                let arn = request.global_arn("iam", &format!("role{path}{name}"));
                Physical::new(name)
                    .with("Arn", arn)
                    .with("RoleId", format!("AROA{}", request.options.ids.suffix(17)))
            }
            "AWS::IAM::InstanceProfile" => {
                check_roles(state, request)?;
                let name = request.name("InstanceProfileName", 128);
                let arn = request.global_arn("iam", &format!("instance-profile{path}{name}"));
                Physical::new(name).with("Arn", arn)
            }
            "AWS::IAM::ManagedPolicy" => {
                let name = request.name("ManagedPolicyName", 128);
                let arn = request.global_arn("iam", &format!("policy{path}{name}"));
                Physical::new(arn.clone())
                    .with("PolicyArn", arn)
                    .with(
                        "PolicyId",
                        format!("ANPA{}", request.options.ids.suffix(17)),
                    )
                    .with("DefaultVersionId", "v1")
            }
            _ => {
                check_roles(state, request)?;
                Physical::new(request.name("-", 128))
            }
        })
    }

    fn update(
        &self,
        state: &mut State,
        request: &Request<'_>,
        id: &str,
    ) -> Result<Physical, Failure> {
        check_documents(request)?;
        check_roles(state, request)?;
        Ok(Physical::new(id))
    }
}

/// A policy document is an object, or that object as text.
fn check_documents(request: &Request<'_>) -> Result<(), Failure> {
    for name in ["AssumeRolePolicyDocument", "PolicyDocument"] {
        let well_formed = match request.properties.get(name) {
            None | Some(Value::Object(_)) => true,
            Some(Value::String(text)) => {
                serde_json::from_str::<Value>(text).is_ok_and(|value| value.is_object())
            }
            Some(_) => false,
        };
        if !well_formed {
            return Err(Failure::invalid(format!(
                "MalformedPolicyDocument: {name} is not a policy document"
            )));
        }
    }
    Ok(())
}

fn check_roles(state: &State, request: &Request<'_>) -> Result<(), Failure> {
    let roles = request.properties.get("Roles").and_then(Value::as_array);
    for role in roles.into_iter().flatten().filter_map(Value::as_str) {
        if state.inventory.get("AWS::IAM::Role", role).is_none() {
            return Err(Failure::not_found(format!(
                "The role with name {role} cannot be found."
            )));
        }
    }
    Ok(())
}
