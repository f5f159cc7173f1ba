//! The plan towards an environment.

use std::collections::{BTreeMap, BTreeSet};

use super::compare::{KnownImage, compare};
use super::down;
use super::moves::moves;
use super::{Action, Cycle, Deployed, Direction, Plan, Step, StepId, UpStanding, order};
use crate::stack::{ParameterValue, RenderedStack, Role, StackName};

/// Where the app's image comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ImagePlan {
    /// It is built here and pushed to the environment's repository.
    Build {
        /// Its digest, if it was built already.
        digest: Option<String>,
    },
    /// The user has one.
    Given(String),
}

/// What is wanted besides the stacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes {
    /// The environment's name, which marks what is ours.
    pub environment: String,
    /// The key pair that has to exist, if any.
    pub key_pair: Option<String>,
    /// The app's image.
    pub image: ImagePlan,
    /// Stacks that settings of before may have made and these do not want.
    pub unwanted: Vec<RenderedStack>,
}

// === impl Plan ===

impl Plan {
    /// Plans how to bring the stacks up, given what is deployed.
    ///
    /// A stack needs those that export what it imports. What exports do not
    /// show is said here: the service needs the mesh and the pushed image, the
    /// cluster's bastion the key pair, and the push the repository.
    pub fn up(
        stacks: Vec<RenderedStack>,
        deployed: &Deployed,
        wishes: &Wishes,
    ) -> Result<Self, Cycle> {
        let mut steps = side_steps(&stacks, deployed, wishes);
        for stack in &stacks {
            let mut needs = needed_stacks(stack, &stacks);
            needs.extend(side_needs(stack.role));
            steps.push(Step {
                id: StepId::Stack(stack.name.clone()),
                needs,
                action: action(stack, deployed, wishes),
            });
        }
        let unwanted = &wishes.unwanted;
        steps.extend(
            unwanted
                .iter()
                .filter_map(|old| removal(old, &stacks, deployed)),
        );
        let rendered = stacks
            .into_iter()
            .chain(unwanted.iter().cloned())
            .map(|stack| (stack.name.clone(), stack))
            .collect();
        let steps = order(steps)?;
        Ok(Self {
            direction: Direction::Up,
            moves: moves(&steps, &rendered),
            steps,
            rendered,
            deployed: deployed.stacks.clone(),
            is_alone: deployed.is_alone,
        })
    }
}

/// A stack that is not wanted any more goes once nothing needs it.
fn removal(old: &RenderedStack, stacks: &[RenderedStack], deployed: &Deployed) -> Option<Step> {
    let users = stacks
        .iter()
        .filter(|stack| stack.role.declared_needs().contains(&old.role));
    let step = Step {
        id: StepId::Stack(old.name.clone()),
        needs: users
            .map(|stack| StepId::Stack(stack.name.clone()))
            .collect(),
        action: Action::Delete,
    };
    (down::removal(old, deployed) != Action::Absent).then_some(step)
}

fn side_steps(stacks: &[RenderedStack], deployed: &Deployed, wishes: &Wishes) -> Vec<Step> {
    let mut steps = Vec::new();
    if wishes.key_pair.is_some() {
        let action = if deployed.key_pair.is_some() {
            Action::Unchanged
        } else {
            Action::Create
        };
        steps.push(Step {
            id: StepId::KeyPair,
            needs: BTreeSet::new(),
            action,
        });
    }
    if matches!(wishes.image, ImagePlan::Build { .. }) {
        let mut needs = of_role(Role::EcrRepositories, stacks);
        needs.insert(StepId::ImageBuild);
        steps.push(Step {
            id: StepId::ImageBuild,
            needs: BTreeSet::new(),
            action: Action::Run,
        });
        steps.push(Step {
            id: StepId::ImagePush,
            needs,
            action: Action::Run,
        });
    }
    if stacks.iter().any(has_pushed_images) {
        steps.push(Step {
            id: StepId::SidecarPush,
            needs: of_role(Role::EcrRepositories, stacks),
            action: Action::Run,
        });
    }
    steps
}

fn has_pushed_images(stack: &RenderedStack) -> bool {
    let mut values = stack.parameters.values();
    values.any(|value| matches!(value, ParameterValue::PushedImage(_)))
}

/// The steps of the stacks that export what this one imports.
fn imported(stack: &RenderedStack, stacks: &[RenderedStack]) -> BTreeSet<StepId> {
    let exporters: BTreeMap<&String, &StackName> = stacks
        .iter()
        .flat_map(|other| other.exports.iter().map(move |name| (name, &other.name)))
        .collect();
    stack
        .imports
        .iter()
        .filter_map(|name| exporters.get(name).copied())
        .filter(|name| **name != stack.name)
        .map(|name| StepId::Stack(name.clone()))
        .collect()
}

pub(super) fn of_role(role: Role, stacks: &[RenderedStack]) -> BTreeSet<StepId> {
    stacks
        .iter()
        .filter(|stack| stack.role == role)
        .map(|stack| StepId::Stack(stack.name.clone()))
        .collect()
}

/// The steps of all stacks that one needs: by its imports, or as declared.
pub(super) fn needed_stacks(stack: &RenderedStack, stacks: &[RenderedStack]) -> BTreeSet<StepId> {
    let declared = stack
        .role
        .declared_needs()
        .iter()
        .flat_map(|role| of_role(*role, stacks));
    imported(stack, stacks)
        .into_iter()
        .chain(declared)
        .collect()
}

/// What a stack needs that is no stack.
fn side_needs(role: Role) -> Vec<StepId> {
    match role {
        Role::Vpc | Role::EcrRepositories | Role::Mesh | Role::Ingress | Role::Nat => Vec::new(),
        Role::EcsCluster => vec![StepId::KeyPair],
        Role::EcsService => vec![StepId::ImagePush, StepId::SidecarPush],
    }
}

fn action(stack: &RenderedStack, deployed: &Deployed, wishes: &Wishes) -> Action {
    let there = deployed.stacks.get(&stack.name);
    let status = there.map(|there| &there.stack.status);
    match (UpStanding::of(status), there) {
        (UpStanding::Create, _) | (_, None) => Action::Create,
        (UpStanding::Wait, Some(there)) => Action::Wait {
            status: there.stack.status.clone(),
        },
        (UpStanding::Replace, Some(there)) => Action::Replace {
            status: there.stack.status.clone(),
        },
        (UpStanding::Continue, Some(there)) => Action::Continue {
            status: there.stack.status.clone(),
        },
        (UpStanding::Blocked(hint), Some(there)) => Action::Blocked {
            status: there.stack.status.clone(),
            hint: hint.to_owned(),
        },
        (UpStanding::Force, Some(there)) => Action::Update {
            changes: compare(stack, known(wishes), there),
        },
        (UpStanding::Compare, Some(there)) => {
            let changes = compare(stack, known(wishes), there);
            if changes.is_empty() {
                Action::Unchanged
            } else if changes.iter().all(super::Change::is_uncertain) {
                Action::MayUpdate { changes }
            } else {
                Action::Update { changes }
            }
        }
    }
}

fn known(wishes: &Wishes) -> KnownImage<'_> {
    match &wishes.image {
        ImagePlan::Build { digest: None } => KnownImage::Nothing,
        ImagePlan::Build {
            digest: Some(digest),
        } => KnownImage::Digest(digest),
        ImagePlan::Given(reference) => KnownImage::Reference(reference),
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::plan::samples::{deployed, lines, stacks, wishes};

    #[test]
    fn what_needs_nothing_may_start_at_once() {
        let plan = Plan::up(stacks(), &Deployed::default(), &wishes()).unwrap();
        insta::assert_snapshot!(lines(&plan), @r"
        key pair: create
        image build: run
        e-vpc: create
        e-ecs-cluster: create, after e-vpc, key pair
        e-ecr-repositories: create
        image push: run, after e-ecr-repositories, image build
        e-mesh: create
        e-ecs-service: create, after e-ecs-cluster, e-mesh, e-vpc, image push
        ");
    }

    #[test]
    fn an_image_of_the_users_own_needs_no_repository() {
        let wishes = Wishes {
            image: ImagePlan::Given("r/app@sha256:1".into()),
            ..wishes()
        };
        let plan = Plan::up(stacks(), &Deployed::default(), &wishes).unwrap();
        assert!(plan.step(&StepId::ImagePush).is_none());
        let service = plan.steps.last().unwrap();
        assert_eq!(service.needs.len(), 3);
    }

    #[test]
    fn what_stands_is_told_from_what_is_broken() {
        let stacks = stacks();
        let mut there = Deployed::default();
        for (stack, status) in stacks.iter().zip([
            "UPDATE_COMPLETE",
            "ROLLBACK_COMPLETE",
            "UPDATE_IN_PROGRESS",
            "UPDATE_ROLLBACK_FAILED",
            "IMPORT_ROLLBACK_FAILED",
        ]) {
            there
                .stacks
                .insert(stack.name.clone(), deployed(stack, status));
        }
        let plan = Plan::up(stacks, &there, &wishes()).unwrap();
        insta::assert_snapshot!(lines(&plan), @r"
        key pair: create
        image build: run
        e-vpc: unchanged
        e-ecs-cluster: replace, after e-vpc, key pair
        e-ecr-repositories: wait
        image push: run, after e-ecr-repositories, image build
        e-mesh: continue
        e-ecs-service: blocked, after e-ecs-cluster, e-mesh, e-vpc, image push
        ");
        assert!(plan.has_changes());
    }

    #[test]
    fn the_plan_shows_what_the_table_says_for_each_status() {
        for row in &crate::plan::TABLE {
            let stack = stacks().remove(0);
            let mut there = Deployed::default();
            let found = deployed(&stack, row.status.as_str());
            there.stacks.insert(stack.name.clone(), found);
            let plan = Plan::up(vec![stack], &there, &wishes()).unwrap();
            let expected = match row.up {
                UpStanding::Create => "create",
                UpStanding::Compare => "unchanged",
                UpStanding::Force => "update",
                UpStanding::Wait => "wait",
                UpStanding::Replace => "replace",
                UpStanding::Continue => "continue",
                UpStanding::Blocked(_) => "blocked",
            };
            let shown = lines(&plan);
            assert!(
                shown.contains(&format!("e-vpc: {expected}")),
                "{}: {shown}",
                row.status
            );
        }
    }

    #[test]
    fn the_walkthrough_has_the_shortest_path_that_its_exports_allow() {
        let stacks = crate::stack::render(&crate::config::Config::default()).unwrap();
        let plan = Plan::up(stacks, &Deployed::default(), &wishes()).unwrap();
        insta::assert_snapshot!(lines(&plan).replace("AppMeshExternalExample", "e"), @r"
        key pair: create
        image build: run
        e-vpc: create
        e-ecr-repositories: create
        image push: run, after e-ecr-repositories, image build
        e-mesh: create
        e-ingress: create, after e-vpc
        e-nat: create, after e-vpc
        e-ecs-cluster: create, after e-vpc, key pair
        e-ecs-service: create, after e-ecs-cluster, e-ingress, e-mesh, e-nat, e-vpc, image push
        ");
    }

    #[test]
    fn a_stack_that_is_not_wanted_any_more_goes_after_what_used_it() {
        let mut config = crate::config::Config::default();
        config.vpc.nat = crate::config::Nat::None;
        let wishes = Wishes {
            unwanted: crate::stack::unwanted(&config).unwrap(),
            ..wishes()
        };
        let planned = |there: &Deployed| {
            let stacks = crate::stack::render(&config).unwrap();
            let plan = Plan::up(stacks, there, &wishes).unwrap();
            lines(&plan).replace("AppMeshExternalExample", "e")
        };
        assert!(!planned(&Deployed::default()).contains("e-nat"));
        let mut there = Deployed::default();
        let nat = &wishes.unwanted[0];
        // Whatever it is in, it is not brought up.
        for status in ["CREATE_COMPLETE", "CREATE_IN_PROGRESS", "DELETE_FAILED"] {
            there.stacks.insert(nat.name.clone(), deployed(nat, status));
            let planned = planned(&there);
            assert!(
                planned.ends_with("\ne-nat: delete, after e-ecs-service"),
                "{planned}"
            );
        }
    }
}
