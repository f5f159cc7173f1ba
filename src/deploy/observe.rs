//! Reads what is deployed.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::task::JoinSet;

use super::pace::Pace;
use crate::aws::{Cloud, CloudError, Stack, StackPage};
use crate::plan::{Deployed, DeployedStack, Direction, UpStanding};
use crate::stack::{RenderedStack, StackName};

/// Reads what the account holds of these stacks, and the key pair of that
/// name: one call for all stacks and, on the way up, one for each template
/// that is compared.
pub async fn observe(
    cloud: &Cloud,
    direction: Direction,
    stacks: &[RenderedStack],
    key_pair: Option<&str>,
) -> Result<Deployed, CloudError> {
    let reader = cloud.without_retries();
    let ((stacks, is_alone), key_pair) = tokio::try_join!(
        read_stacks(&reader, direction, stacks),
        read_key_pair(cloud, key_pair)
    )?;
    Ok(Deployed {
        stacks,
        key_pair,
        is_alone,
    })
}

async fn read_key_pair(
    cloud: &Cloud,
    name: Option<&str>,
) -> Result<Option<crate::aws::KeyPair>, CloudError> {
    match name {
        Some(name) => match cloud.key_pair(name).await {
            // The step itself says what to do about it, if it comes to that.
            Err(CloudError::NotBuilt { .. }) => Ok(None),
            answer => answer,
        },
        None => Ok(None),
    }
}

/// Finds the stacks of these names with as few calls as the account's size and
/// the caller's permissions allow. Tells whether the account has no others.
async fn find(
    cloud: &Cloud,
    pace: &Pace,
    names: &[&str],
) -> Result<(BTreeMap<String, Stack>, bool), CloudError> {
    let page = match pace.patiently(|| cloud.stack_page()).await {
        Err(CloudError::AccessDenied { .. }) => StackPage {
            stacks: Vec::new(),
            is_all: false,
        },
        answer => answer?,
    };
    let named = |stack: Stack| (stack.name.clone(), stack);
    let mut found: BTreeMap<String, Stack> = page.stacks.into_iter().map(named).collect();
    let all = found.len();
    found.retain(|name, _| names.contains(&name.as_str()));
    if page.is_all {
        let is_alone = found.len() == all;
        return Ok((found, is_alone));
    }
    for name in names {
        if !found.contains_key(*name) {
            found.extend(pace.patiently(|| cloud.stack(name)).await?.map(named));
        }
    }
    Ok((found, false))
}

async fn read_stacks(
    cloud: &Cloud,
    direction: Direction,
    stacks: &[RenderedStack],
) -> Result<(BTreeMap<StackName, DeployedStack>, bool), CloudError> {
    let names: Vec<&str> = stacks.iter().map(|stack| stack.name.as_str()).collect();
    let pace = Arc::new(Pace::of(cloud));
    let (mut found, is_alone) = find(cloud, &pace, &names).await?;
    let mut reads = JoinSet::new();
    for rendered in stacks {
        if let Some(stack) = found.remove(rendered.name.as_str()) {
            let is_compared = direction == Direction::Up
                && matches!(
                    UpStanding::of(Some(&stack.status)),
                    UpStanding::Compare | UpStanding::Force
                );
            let (cloud, name) = (cloud.clone(), rendered.name.clone());
            let pace = Arc::clone(&pace);
            reads.spawn(async move {
                let template = if is_compared {
                    pace.patiently(|| cloud.template(&stack.id)).await?
                } else {
                    None
                };
                Ok::<_, CloudError>((name, DeployedStack { stack, template }))
            });
        }
    }
    let mut deployed = BTreeMap::new();
    while let Some(read) = reads.join_next().await {
        let (name, stack) = read.expect("reading a template does not panic")?;
        deployed.insert(name, stack);
    }
    Ok((deployed, is_alone))
}
