//! The app's image: built, pushed, and in the end removed.

use super::pace::Pace;
use super::run::{Outputs, Run};
use super::{ImageSource, Outcome, Progress, StepError};
use crate::aws::{Cloud, CloudError, Repository};
use crate::diag::with_causes;
use crate::image::{self, Image};
use crate::plan::StepId;
use crate::stack::{Role, StackName};

/// The output of the repositories' stack that names the app's.
const REPOSITORY: &str = "ColorTellerRepository";

impl Run {
    /// Tells of the image that was built.
    pub(super) fn built_image(&self, step: &StepId) -> Outcome {
        let built = self.image();
        let digest = built.digest.to_string();
        let bytes = built.layer.len();
        self.tell(step, Progress::ImageBuilt { digest, bytes });
        Outcome::Created
    }

    fn image(&self) -> &Image {
        match &self.work.image {
            Some(ImageSource::Built(image)) => image,
            Some(ImageSource::Given(_)) | None => {
                unreachable!("a plan has steps for an image only when it was built here")
            }
        }
    }

    /// Pushes the image, unless the repository holds it.
    pub(super) async fn push_image(&self, step: &StepId) -> Result<Outcome, StepError> {
        let (repository, target) = self.registry().await?;
        let pushed =
            image::push(self.image(), &target)
                .await
                .map_err(|error| StepError::Image {
                    reason: with_causes(&error),
                })?;
        let reference = format!("{}@{}", repository.uri, pushed.digest);
        let _ = self.app_image.set(reference.clone());
        self.tell(
            step,
            Progress::ImagePushed {
                reference,
                uploaded: pushed.uploaded,
            },
        );
        Ok(if pushed.uploaded {
            Outcome::Created
        } else {
            Outcome::Unchanged
        })
    }

    /// Pushes the images of the Envoys, unless the repository holds them.
    pub(super) async fn push_sidecars(&self, step: &StepId) -> Result<Outcome, StepError> {
        let (repository, target) = self.registry().await?;
        let mut outcome = Outcome::Unchanged;
        for sidecar in &self.work.sidecars {
            let pushed = image::push_derived(sidecar, &target).await;
            let pushed = pushed.map_err(|error| StepError::Image {
                reason: with_causes(&error),
            })?;
            if pushed.uploaded {
                outcome = Outcome::Created;
            }
            let reference = format!("{}@{}", repository.uri, pushed.digest);
            let uploaded = pushed.uploaded;
            self.tell(
                step,
                Progress::ImagePushed {
                    reference,
                    uploaded,
                },
            );
        }
        let _ = self.repository.set(repository.uri);
        Ok(outcome)
    }

    /// The environment's repository, and what opens it.
    async fn registry(&self) -> Result<(Repository, image::Target), StepError> {
        let stack = self
            .of_role(Role::EcrRepositories)
            .expect("a plan that pushes has a repository");
        let repository =
            self.repository(&stack.name)
                .await?
                .ok_or_else(|| StepError::NoRepository {
                    stack: stack.name.to_string(),
                })?;
        let login = self.cloud.registry_login().await?;
        let target = image::Target {
            registry: login.endpoint.clone(),
            repository: repository.name.clone(),
            authorization: Some(login.token().to_owned()),
        };
        Ok((repository, target))
    }

    /// Removes all images of the repository that a stack holds, and the
    /// repositories that it held before, if they are still there.
    pub(super) async fn empty_repository(
        &self,
        step: &StepId,
        stack: &StackName,
    ) -> Result<Outcome, StepError> {
        let there = self.deployed(stack);
        let told = there.as_ref().map(|there| &there.stack.outputs);
        let name = repository_name(&self.cloud, &self.pace, stack.as_str(), told).await?;
        let held = match name {
            Some(name) => self.cloud.repository(&name).await?,
            None => None,
        };
        let held = held.map(|repository| repository.name);
        let was_left = self.remove_left_behind(step, stack, held.as_deref());
        let was_left = was_left.await?;
        let Some(repository) = held else {
            return Ok(removed(was_left));
        };
        let images = self.cloud.empty_repository(&repository).await?;
        self.tell(step, Progress::ImagesRemoved { images });
        Ok(removed(was_left || images > 0))
    }

    /// The repository that a stack holds.
    async fn repository(&self, stack: &StackName) -> Result<Option<Repository>, StepError> {
        let outputs = self.outputs();
        let told = outputs.get(stack);
        match repository_name(&self.cloud, &self.pace, stack.as_str(), told).await? {
            Some(name) => Ok(self.cloud.repository(&name).await?),
            None => Ok(None),
        }
    }
}

/// The name of the repository that a stack holds, from its outputs where they
/// are known.
pub(super) async fn repository_name(
    cloud: &Cloud,
    pace: &Pace,
    stack: &str,
    told: Option<&Outputs>,
) -> Result<Option<String>, CloudError> {
    if let Some(name) = told.and_then(|outputs| outputs.get(REPOSITORY)) {
        return Ok(Some(name.clone()));
    }
    let reader = cloud.without_retries();
    let resources = pace.patiently(|| reader.stack_resources(stack)).await?;
    let found = resources
        .into_iter()
        .find(|resource| resource.resource_type == "AWS::ECR::Repository");
    Ok(found.and_then(|resource| resource.physical_id))
}

/// What a removal came to that found something, or did not.
fn removed(was_any: bool) -> Outcome {
    if was_any {
        Outcome::Deleted
    } else {
        Outcome::Absent
    }
}
