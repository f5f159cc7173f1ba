//! ECR's repositories.

use crate::account::clock::Timestamp;
use crate::account::ecr::Repository;
use crate::account::{Account, ApiError};
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::BTreeMap;

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Create {
    repository_name: String,
    #[serde(default)]
    tags: Vec<Tag>,
    image_tag_mutability: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Tag {
    key: String,
    #[serde(default)]
    value: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Delete {
    repository_name: String,
    #[serde(default)]
    force: bool,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Describe {
    #[serde(default)]
    repository_names: Option<Vec<String>>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ListTags {
    resource_arn: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SetMutability {
    repository_name: String,
    image_tag_mutability: String,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct AddTags {
    resource_arn: String,
    tags: Vec<Tag>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RemoveTags {
    resource_arn: String,
    tag_keys: Vec<String>,
}

pub(super) fn create(account: &Account, input: &Create) -> Result<Value, ApiError> {
    let tags = input.tags.iter();
    let repository = Repository {
        name: input.repository_name.clone(),
        created: Timestamp::now(),
        tags: tags
            .map(|tag| (tag.key.clone(), tag.value.clone()))
            .collect(),
        immutable: input.image_tag_mutability.as_deref() == Some("IMMUTABLE"),
        ..Repository::default()
    };
    let answer = json!({ "repository": document(account, &repository) });
    account.create_repository(repository)?;
    Ok(answer)
}

pub(super) fn delete(account: &Account, input: &Delete) -> Result<Value, ApiError> {
    let removed = account.delete_repository(&input.repository_name, input.force)?;
    Ok(json!({ "repository": document(account, &removed) }))
}

pub(super) fn describe(account: &Account, input: &Describe) -> Result<Value, ApiError> {
    let repositories: Vec<Value> = match &input.repository_names {
        Some(names) => names
            .iter()
            .map(|name| account.repository(name, |found| document(account, found)))
            .collect::<Result<_, _>>()?,
        None => account.read(|state| {
            let all = state.ecr.repositories.values();
            all.map(|repository| document(account, repository))
                .collect()
        }),
    };
    Ok(json!({ "repositories": repositories }))
}

pub(super) fn list_tags(account: &Account, input: &ListTags) -> Result<Value, ApiError> {
    let name = named(&input.resource_arn);
    let tags: BTreeMap<String, String> = account.repository(name, |found| found.tags.clone())?;
    let tags: Vec<Value> = tags
        .into_iter()
        .map(|(key, value)| json!({ "Key": key, "Value": value }))
        .collect();
    Ok(json!({ "tags": tags }))
}

/// Whether tags of images may move.
pub(super) fn set_mutability(account: &Account, input: &SetMutability) -> Result<Value, ApiError> {
    let name = &input.repository_name;
    account.change_repository(name, |repository| {
        repository.immutable = input.image_tag_mutability == "IMMUTABLE";
    })?;
    Ok(json!({
        "registryId": account.options().account_id,
        "repositoryName": name,
        "imageTagMutability": input.image_tag_mutability,
    }))
}

pub(super) fn tag(account: &Account, input: &AddTags) -> Result<Value, ApiError> {
    account.change_repository(named(&input.resource_arn), |repository| {
        let tags = input.tags.iter();
        let tags = tags.map(|tag| (tag.key.clone(), tag.value.clone()));
        repository.tags.extend(tags);
    })?;
    Ok(json!({}))
}

pub(super) fn untag(account: &Account, input: &RemoveTags) -> Result<Value, ApiError> {
    account.change_repository(named(&input.resource_arn), |repository| {
        repository
            .tags
            .retain(|key, _| !input.tag_keys.contains(key));
    })?;
    Ok(json!({}))
}

/// The name in a repository's ARN.
fn named(arn: &str) -> &str {
    arn.split_once("repository/").map_or(arn, |(_, name)| name)
}

fn document(account: &Account, repository: &Repository) -> Value {
    let Repository { name, .. } = repository;
    json!({
        "repositoryArn": account.arn("ecr", &format!("repository/{name}")),
        "registryId": account.options().account_id,
        "repositoryName": name,
        "repositoryUri": account.repository_uri(name),
        "createdAt": repository.created.seconds(),
        "imageTagMutability": if repository.immutable { "IMMUTABLE" } else { "MUTABLE" },
        "imageScanningConfiguration": { "scanOnPush": false },
        "encryptionConfiguration": { "encryptionType": "AES256" },
    })
}
