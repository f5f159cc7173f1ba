//! The plan towards nothing.

use std::collections::BTreeSet;

use super::up::{needed_stacks, of_role};
use super::{Action, Cycle, Deployed, Direction, DownStanding, Plan, Step, StepId, Wishes, order};
use crate::stack::{OWNER_TAG, RenderedStack, Role};

// === impl Plan ===

impl Plan {
    /// Plans how to take the stacks down: each after those that import from
    /// it, the images before their repository, and the VPC last.
    ///
    /// The key pair goes only if it carries the environment's mark.
    pub fn down(
        stacks: Vec<RenderedStack>,
        deployed: &Deployed,
        wishes: &Wishes,
    ) -> Result<Self, Cycle> {
        let mut steps = Vec::new();
        for stack in stacks.iter().rev() {
            // Whatever the settings say now: it may hold images of before.
            if stack.role == Role::EcrRepositories {
                steps.push(emptying(stack, &stacks, deployed));
            }
            let needs = needs(stack, &stacks);
            steps.push(Step {
                id: StepId::Stack(stack.name.clone()),
                needs,
                action: removal(stack, deployed),
            });
        }
        if wishes.key_pair.is_some() {
            let action = key_pair_removal(deployed, wishes);
            steps.push(Step {
                id: StepId::KeyPair,
                needs: of_role(Role::EcsCluster, &stacks),
                action,
            });
        }
        Ok(Self {
            direction: Direction::Down,
            steps: order(steps)?,
            moves: Vec::new(),
            rendered: stacks
                .into_iter()
                .map(|stack| (stack.name.clone(), stack))
                .collect(),
            deployed: deployed.stacks.clone(),
            is_alone: deployed.is_alone,
        })
    }
}

/// What has to be gone before a stack can go.
fn needs(stack: &RenderedStack, stacks: &[RenderedStack]) -> BTreeSet<StepId> {
    let id = StepId::Stack(stack.name.clone());
    let users = stacks
        .iter()
        .filter(|other| needed_stacks(other, stacks).contains(&id));
    let mut needs: BTreeSet<StepId> = users
        .map(|other| StepId::Stack(other.name.clone()))
        .collect();
    match stack.role {
        Role::EcsService | Role::Mesh | Role::EcsCluster | Role::Ingress | Role::Nat => {}
        Role::EcrRepositories => {
            needs.insert(StepId::EmptyRepository(stack.name.clone()));
            needs.extend(of_role(Role::EcsService, stacks));
        }
        Role::Vpc => {
            let others = stacks.iter().filter(|other| other.role != Role::Vpc);
            needs.extend(others.map(|other| StepId::Stack(other.name.clone())));
        }
    }
    needs
}

/// What becomes of a stack that has to go.
pub(super) fn removal(stack: &RenderedStack, deployed: &Deployed) -> Action {
    let status = deployed
        .stacks
        .get(&stack.name)
        .map(|there| &there.stack.status);
    match (DownStanding::of(status), status) {
        (DownStanding::Absent, _) | (_, None) => Action::Absent,
        (DownStanding::Wait, Some(status)) => Action::Wait {
            status: status.clone(),
        },
        (DownStanding::Delete | DownStanding::Again, Some(_)) => Action::Delete,
    }
}

fn emptying(stack: &RenderedStack, stacks: &[RenderedStack], deployed: &Deployed) -> Step {
    let action = match removal(stack, deployed) {
        Action::Absent => Action::Absent,
        _ => Action::Delete,
    };
    // A task that is started anew while the service goes still pulls its image.
    Step {
        id: StepId::EmptyRepository(stack.name.clone()),
        needs: of_role(Role::EcsService, stacks),
        action,
    }
}

fn key_pair_removal(deployed: &Deployed, wishes: &Wishes) -> Action {
    match &deployed.key_pair {
        None => Action::Absent,
        Some(pair) if pair.tags.get(OWNER_TAG) == Some(&wishes.environment) => Action::Delete,
        Some(_) => Action::Unchanged,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use std::collections::BTreeMap;

    use super::*;
    use crate::aws::KeyPair;
    use crate::plan::samples::{deployed, lines, stacks, wishes};

    #[test]
    fn the_service_goes_first_and_the_vpc_last() {
        let stacks = stacks();
        let mut there = Deployed::default();
        for stack in &stacks {
            there
                .stacks
                .insert(stack.name.clone(), deployed(stack, "CREATE_COMPLETE"));
        }
        let plan = Plan::down(stacks, &there, &wishes()).unwrap();
        insta::assert_snapshot!(lines(&plan), @r"
        e-ecs-service: delete
        e-mesh: delete, after e-ecs-service
        images: delete, after e-ecs-service
        e-ecr-repositories: delete, after e-ecs-service, images
        e-ecs-cluster: delete, after e-ecs-service
        e-vpc: delete, after e-ecr-repositories, e-ecs-cluster, e-ecs-service, e-mesh
        key pair: absent, after e-ecs-cluster
        ");
    }

    #[test]
    fn only_our_own_key_pair_goes() {
        let pair = |owner: &str| KeyPair {
            id: None,
            name: "color-app".into(),
            tags: BTreeMap::from([(OWNER_TAG.to_owned(), owner.to_owned())]),
        };
        let action = |owner| {
            let there = Deployed {
                key_pair: Some(pair(owner)),
                ..Deployed::default()
            };
            Plan::down(stacks(), &there, &wishes())
                .unwrap()
                .step(&StepId::KeyPair)
                .unwrap()
                .action
                .clone()
        };
        assert_eq!(action("e"), Action::Delete);
        assert_eq!(action("other"), Action::Unchanged);
    }

    #[test]
    fn nothing_there_is_nothing_to_do() {
        assert!(
            !Plan::down(stacks(), &Deployed::default(), &wishes())
                .unwrap()
                .has_changes()
        );
    }
}
