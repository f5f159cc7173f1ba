//! ECR repositories, shared with the ECR interface.

use super::family::{Failure, Family, Physical, Request, truth_of};
use crate::account::clock::Timestamp;
use crate::account::ecr::Repository;
use crate::account::store::State;
use serde_json::Value;

pub(super) struct Repositories;

impl Family for Repositories {
    fn create(&self, state: &mut State, request: &Request<'_>) -> Result<Physical, Failure> {
        let name = request.name("RepositoryName", 256).to_lowercase();
        let (options, valid) = (request.options, valid_name(&name));
        if !valid {
            return Err(Failure::invalid(format!(
                "Invalid parameter at 'repositoryName' failed to satisfy constraint: '{name}' is not a repository name"
            )));
        }
        if state.ecr.repositories.contains_key(&name) {
            return Err(Failure::exists(format!(
                "Resource of type 'AWS::ECR::Repository' with identifier '{name}' already exists."
            )));
        }
        let mut repository = Repository {
            name: name.clone(),
            created: Timestamp::now(),
            ..Repository::default()
        };
        apply(&mut repository, request);
        state.ecr.repositories.insert(name.clone(), repository);
        let arn = request.arn("ecr", &format!("repository/{name}"));
        let uri = format!("{}/{name}", options.registry_host);
        Ok(Physical::new(name)
            .with("Arn", arn)
            .with("RepositoryUri", uri))
    }

    fn update(
        &self,
        state: &mut State,
        request: &Request<'_>,
        id: &str,
    ) -> Result<Physical, Failure> {
        if let Some(repository) = state.ecr.repositories.get_mut(id) {
            apply(repository, request);
        }
        Ok(Physical::new(id))
    }

    fn actual(&self, state: &State, resource_type: &str, id: &str) -> Option<Value> {
        let repository = state.ecr.repositories.get(id)?;
        let recorded = state.inventory.get(resource_type, id)?;
        let mut properties = recorded.properties.clone();
        if let Some(mutability) = properties.get_mut("ImageTagMutability") {
            let is = if repository.immutable {
                "IMMUTABLE"
            } else {
                "MUTABLE"
            };
            *mutability = is.into();
        }
        Some(properties)
    }

    fn delete(&self, state: &mut State, resource_type: &str, id: &str) -> Result<(), Failure> {
        let recorded = state.inventory.get(resource_type, id);
        let empty_on_delete =
            recorded.and_then(|recorded| truth_of(recorded.properties.get("EmptyOnDelete")?));
        let repository = state.ecr.repositories.get(id);
        if !empty_on_delete.unwrap_or(false)
            && repository.is_some_and(|repository| !repository.is_empty())
        {
            return Err(Failure::in_use(format!(
                "The repository with name '{id}' cannot be deleted because it still contains images"
            )));
        }
        state.ecr.repositories.remove(id);
        Ok(())
    }
}

fn apply(repository: &mut Repository, request: &Request<'_>) {
    repository.immutable = request.text("ImageTagMutability").as_deref() == Some("IMMUTABLE");
    let tags = request.properties.get("Tags").and_then(Value::as_array);
    let pair = |tag: &Value| {
        Some((
            tag.get("Key")?.as_str()?.to_owned(),
            tag.get("Value")?.as_str()?.to_owned(),
        ))
    };
    let own = tags.into_iter().flatten().filter_map(pair);
    repository.tags = request.stack_tags.clone().into_iter().chain(own).collect();
}

fn valid_name(name: &str) -> bool {
    let part = |part: &str| {
        let inner = part.bytes().all(|byte| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte)
        });
        inner
            && part
                .bytes()
                .next()
                .is_some_and(|byte| byte.is_ascii_alphanumeric())
    };
    (2..=256).contains(&name.len()) && name.split('/').all(part)
}
