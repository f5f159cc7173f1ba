//! Reads what is deployed.

use std::collections::BTreeMap;

use tokio::task::JoinSet;

use crate::aws::{Cloud, CloudError};
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
    let (stacks, key_pair) = tokio::try_join!(
        read_stacks(cloud, direction, stacks),
        read_key_pair(cloud, key_pair)
    )?;
    Ok(Deployed { stacks, key_pair })
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

async fn read_stacks(
    cloud: &Cloud,
    direction: Direction,
    stacks: &[RenderedStack],
) -> Result<BTreeMap<StackName, DeployedStack>, CloudError> {
    let names: Vec<&str> = stacks.iter().map(|stack| stack.name.as_str()).collect();
    let mut found = cloud.stacks(&names).await?;
    let mut reads = JoinSet::new();
    for rendered in stacks {
        if let Some(stack) = found.remove(rendered.name.as_str()) {
            let is_compared = direction == Direction::Up
                && matches!(
                    UpStanding::of(Some(&stack.status)),
                    UpStanding::Compare | UpStanding::Force
                );
            let (cloud, name) = (cloud.clone(), rendered.name.clone());
            reads.spawn(async move {
                let template = if is_compared {
                    cloud.template(&stack.id).await?
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
    Ok(deployed)
}
