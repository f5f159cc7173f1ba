//! Changes that would lose data.
//!
//! What a change does is the service's word, from its change set, not ours.

use std::fmt;

use crate::aws::{ChangeAction, Cloud, Replacement, ResourceChange};

/// The types whose resources hold what nobody can make anew.
const TYPES: &[&str] = &[
    "AWS::ECR::Repository",
    "AWS::Logs::LogGroup",
    "AWS::S3::Bucket",
    "AWS::DynamoDB::Table",
    "AWS::EFS::FileSystem",
    "AWS::EC2::Volume",
    "AWS::RDS::DBInstance",
    "AWS::RDS::DBCluster",
    "AWS::KMS::Key",
    "AWS::SecretsManager::Secret",
    "AWS::SSM::Parameter",
];

/// Data that a change would lose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Loss {
    /// The resource's name in the template.
    pub(super) logical_id: String,
    /// The resource's name in the account, where it has one.
    pub(super) physical_id: Option<String>,
    words: String,
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.words)
    }
}

/// The changes that would lose data. A repository without images holds none.
pub(super) async fn losses(cloud: &Cloud, changes: &[ResourceChange]) -> Vec<Loss> {
    let mut losses = Vec::new();
    for change in changes {
        let Some(what) = what(change) else { continue };
        let mut holds = String::new();
        if change.resource_type == "AWS::ECR::Repository"
            && let Some(name) = &change.physical_id
        {
            match cloud.images(name).await {
                Ok(0) => continue,
                Ok(1) => holds = " with 1 image".to_owned(),
                Ok(images) => holds = format!(" with {images} images"),
                Err(_) => {}
            }
        }
        let ResourceChange {
            logical_id,
            physical_id,
            resource_type,
            ..
        } = change;
        losses.push(Loss {
            logical_id: logical_id.clone(),
            physical_id: physical_id.clone(),
            words: format!("{what} `{logical_id}` ({resource_type}){holds}"),
        });
    }
    losses
}

fn what(change: &ResourceChange) -> Option<&'static str> {
    if !TYPES.contains(&change.resource_type.as_str()) || change.is_kept {
        return None;
    }
    match (change.action, change.replacement) {
        (ChangeAction::Remove, _) => Some("deletes"),
        (ChangeAction::Modify, Replacement::Yes) => Some("replaces"),
        (ChangeAction::Modify, Replacement::Conditional) => Some("may replace"),
        (ChangeAction::Modify, Replacement::No) | (ChangeAction::Add | ChangeAction::Other, _) => {
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_goes_and_holds_data_is_a_loss() {
        let change = |action, replacement, resource_type: &str| ResourceChange {
            action,
            logical_id: "A".into(),
            physical_id: None,
            resource_type: resource_type.into(),
            replacement,
            is_kept: false,
            attributes: Vec::new(),
        };
        let group = "AWS::Logs::LogGroup";
        for (found, expected) in [
            (
                change(ChangeAction::Remove, Replacement::No, group),
                Some("deletes"),
            ),
            (
                change(ChangeAction::Modify, Replacement::Yes, group),
                Some("replaces"),
            ),
            (
                change(ChangeAction::Modify, Replacement::Conditional, group),
                Some("may replace"),
            ),
            (change(ChangeAction::Modify, Replacement::No, group), None),
            (change(ChangeAction::Add, Replacement::No, group), None),
            (
                change(ChangeAction::Remove, Replacement::No, "AWS::EC2::Route"),
                None,
            ),
            (
                ResourceChange {
                    is_kept: true,
                    ..change(ChangeAction::Remove, Replacement::No, group)
                },
                None,
            ),
        ] {
            assert_eq!(what(&found), expected, "{found:?}");
        }
    }
}
