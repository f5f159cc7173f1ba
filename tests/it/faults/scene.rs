//! One environment of five small stacks in an account of its own, brought up
//! and taken down by the real engine.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use colormesh::account::lab::{Lab, LabSettings};
use colormesh::deploy::{ImageSource, KeyPairWork, Work};
use colormesh::image::Image;
use colormesh::plan::{Direction, ImagePlan, Wishes};

use super::run::Account;
use crate::five::five;
use crate::local::Local;

const PAIR: &str = "key";

pub(super) struct Scene {
    account: Account,
    image: Arc<Image>,
}

// === impl Scene ===

impl Scene {
    pub(super) async fn start(image: Arc<Image>) -> Self {
        let local = Local::with_lab(LabSettings::default()).await;
        Self {
            account: Account::of(local).await,
            image,
        }
    }

    pub(super) fn lab(&self) -> Lab {
        self.account.local.account.lab().clone()
    }

    pub(super) async fn attempt(&self, direction: Direction) -> Result<(), String> {
        let (stacks, wishes) = (five(), self.wishes());
        let attempt = self
            .account
            .attempt(direction, &stacks, &wishes, self.work());
        match attempt.await {
            Ok(ended) => ended.map_err(|error| told(&error)),
            Err(before) => Err(before),
        }
    }

    fn wishes(&self) -> Wishes {
        Wishes {
            environment: "e".to_owned(),
            key_pair: Some(PAIR.to_owned()),
            image: ImagePlan::Build {
                digest: Some(self.image.digest.to_string()),
            },
            unwanted: Vec::new(),
        }
    }

    fn work(&self) -> Work {
        Work {
            image: Some(ImageSource::Built(Arc::clone(&self.image))),
            key_pair: Some(KeyPairWork {
                name: PAIR.to_owned(),
                directory: self.account.local.folder.path().join("ssh"),
            }),
            ..Work::new("e")
        }
    }

    /// What is wrong with an environment that should be there, each thing
    /// once.
    pub(super) fn wrong_up(&self) -> Vec<String> {
        let mut wrong = self.account.open_change_sets();
        self.account.local.account.read(|state| {
            // One that only ever had a change set, and went with it, was none.
            let is_reviewed =
                |status: &str| status == "REVIEW_IN_PROGRESS" || status.starts_with("DELETE_");
            let stacks = state.cloudformation.stacks.values();
            let stacks = stacks.filter(|stack| {
                !(stack.status == "DELETE_COMPLETE"
                    && stack.events.iter().all(|event| is_reviewed(&event.status)))
            });
            let made: Vec<String> = stacks
                .clone()
                .map(|stack| format!("{} {}", stack.name, stack.status))
                .collect();
            let names: BTreeSet<&String> = state.cloudformation.names.keys().collect();
            if names.len() != 5 || made.len() != 5 {
                wrong.push(format!("stacks: {made:?}"));
            }
            for stack in stacks {
                if stack.status != "CREATE_COMPLETE" {
                    wrong.push(format!("{} is {}", stack.name, stack.status));
                }
                let creations = stack
                    .events
                    .iter()
                    .filter(|event| {
                        event.physical_id == stack.id && event.status == "CREATE_IN_PROGRESS"
                    })
                    .count();
                if creations != 1 {
                    wrong.push(format!("{} was made {creations} times", stack.name));
                }
            }
            for (kind, count) in [
                ("AWS::EC2::VPC", 1),
                ("AWS::EC2::SecurityGroup", 1),
                ("AWS::ECR::Repository", 1),
                ("AWS::Logs::LogGroup", 2),
            ] {
                let there = state.inventory.of(kind).count();
                if there != count {
                    wrong.push(format!("{there} of {kind}"));
                }
            }
            let images: Vec<_> = state.ecr.repositories["e-app"].images.keys().collect();
            if images != [&self.image.digest] {
                wrong.push(format!("images: {images:?}"));
            }
            if state.key_pairs.pairs.len() != 1 {
                wrong.push(format!("{} key pairs", state.key_pairs.pairs.len()));
            }
        });
        if !self.pem().exists() {
            wrong.push("the private key is lost".to_owned());
        }
        wrong
    }

    fn pem(&self) -> std::path::PathBuf {
        self.account
            .local
            .folder
            .path()
            .join(format!("ssh/{PAIR}.pem"))
    }

    /// What is left of an environment that should be gone.
    pub(super) fn wrong_down(&self) -> Vec<String> {
        let mut wrong = Vec::new();
        self.account.local.account.read(|state| {
            let names = &state.cloudformation.names;
            wrong.extend(names.keys().map(|name| format!("the stack {name}")));
            let left = state.inventory.under("AWS::");
            wrong.extend(left.map(|(kind, id, _)| format!("{kind} {id}")));
            wrong.extend(
                state
                    .ecr
                    .repositories
                    .keys()
                    .map(|it| format!("repository {it}")),
            );
            wrong.extend(
                state
                    .key_pairs
                    .pairs
                    .keys()
                    .map(|it| format!("key pair {it}")),
            );
        });
        if self.pem().exists() {
            wrong.push("the private key".to_owned());
        }
        wrong
    }

    /// How often each operation was called since the last time.
    pub(super) fn calls(&self) -> BTreeMap<String, u64> {
        let lab = self.lab();
        let mut counts = BTreeMap::new();
        for call in lab.calls() {
            *counts.entry(call.operation).or_default() += 1;
        }
        lab.forget_calls();
        counts
    }
}

fn told(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
