//! What is wanted of an account: the rendered stacks, the app's image, the key
//! pair; and the plan that leads there.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};

use super::exit::Exit;
use super::local::paths;
use super::own_image::{self, OwnImage};
use super::printer::Printer;
use super::session::Session;
use super::task_images::{self, TaskImage};
use super::{mesh_runtime, settings, sidecars};
use crate::aws::Bucket;
use crate::config::{Config, Target};
use crate::deploy::{self, Choices, ImageSource, KeyPairWork, LastLines, Terms, Work};
use crate::image::{self, Derived};
use crate::plan::{Direction, ImagePlan, Plan, Wishes};
use crate::stack::{self, RenderedStack};

/// What is wanted.
pub(crate) struct Wanted {
    stacks: Vec<RenderedStack>,
    sidecars: Vec<Derived>,
    wishes: Wishes,
    image: Option<ImageSource>,
    key_pair: Option<KeyPairWork>,
    terms: Terms,
}

/// Key pairs come through EC2, whose SDK crate a small build leaves out.
pub(crate) fn without_what_is_not_built(mut config: Config, printer: Printer) -> Config {
    let local = config.target == Target::Local;
    if !cfg!(feature = "ec2") && local && config.key_pair.is_some() {
        printer.say("this build has no EC2 client: the bastion gets no key pair");
        config.key_pair = None;
    }
    config
}

impl Wanted {
    /// What the settings want; on the way up the app's image is built.
    pub(crate) fn new(config: &Config, direction: Direction) -> Result<Self> {
        let (mut stacks, sidecars) = match direction {
            Direction::Up => sidecars::stacks(config, mesh_runtime::presumed(config), None)?,
            Direction::Down => (sidecars::rendered(config)?, Vec::new()),
        };
        let mut unwanted =
            stack::unwanted(config).map_err(|mistakes| settings::refused(&mistakes))?;
        if direction == Direction::Down {
            stacks.append(&mut unwanted);
        }
        let environment = config.environment.to_string();
        let name = config.key_pair.as_ref().filter(|_| config.bastion.enabled);
        let name = name.map(ToString::to_string);
        let (image, planned) = match direction {
            Direction::Up => {
                let (image, planned) = image(config)?;
                (Some(image), planned)
            }
            Direction::Down => (None, ImagePlan::Build { digest: None }),
        };
        let key_pair = match (&name, cfg!(feature = "ec2")) {
            (Some(name), true) => Some(KeyPairWork {
                name: name.clone(),
                directory: paths::ssh()?,
            }),
            _ => None,
        };
        let wishes = Wishes {
            environment,
            key_pair: key_pair.as_ref().map(|key_pair| key_pair.name.clone()),
            image: planned,
            unwanted,
        };
        Ok(Self {
            stacks,
            sidecars,
            wishes,
            image,
            key_pair,
            terms: terms(config),
        })
    }

    /// Asks what only others know: who runs the mesh, and which images the
    /// names in the settings stand for.
    pub(crate) async fn settle(&mut self, session: &Session, printer: Printer) -> Result<()> {
        let runtime = mesh_runtime::settle(session, printer).await?;
        let own = own_image::find(session, printer).await?;
        let processor = own.as_ref().map(|own| own.processor);
        let mut config = session.config.clone();
        let envoy = TaskImage::envoy(&session.config);
        let envoy = envoy.find(session, processor, printer).await?;
        if let Some(pinned) = envoy.pinned {
            config.envoy_image = pinned;
        }
        if let Some(redirecting) = TaskImage::redirecting(&session.config) {
            let found = redirecting.find(session, processor, printer).await?;
            if let Some(pinned) = found.pinned {
                config.mesh.redirect_image = pinned;
            }
        }
        let base = envoy.base.as_ref();
        (self.stacks, self.sidecars) = sidecars::stacks(&config, runtime, base)?;
        if let (Some(why), false) = (envoy.unknown, self.sidecars.is_empty()) {
            return Err(task_images::needed(&config, &why).into());
        }
        if let Some(own) = own {
            self.take_image(&own);
        }
        Ok(())
    }

    /// Takes what is known of the user's own image.
    fn take_image(&mut self, own: &OwnImage) {
        for stack in &mut self.stacks {
            stack.take_image(&own.reference, own.processor);
        }
        self.image = Some(ImageSource::Given(own.reference.clone()));
        self.wishes.image = ImagePlan::Given(own.reference.clone());
    }

    /// The stacks as they should be.
    pub(crate) fn stacks(&self) -> &[RenderedStack] {
        &self.stacks
    }

    /// Where templates are kept that are too long for a request, if any is.
    pub(crate) fn kept_templates(&self) -> Option<&Bucket> {
        let is_any_long = || self.stacks.iter().any(stack::is_long);
        self.terms.bucket.as_ref().filter(|_| is_any_long())
    }

    /// Reads what is deployed and plans the way from there.
    pub(crate) async fn plan(&self, session: &Session, direction: Direction) -> Result<Plan> {
        let key_pair = self.wishes.key_pair.as_deref();
        let unwanted = self.wishes.unwanted.iter();
        let all: Vec<RenderedStack> = self.stacks.iter().chain(unwanted).cloned().collect();
        let deployed = deploy::observe(&session.cloud, direction, &all, key_pair).await?;
        let plan = match direction {
            Direction::Up => Plan::up(self.stacks.clone(), &deployed, &self.wishes),
            Direction::Down => Plan::down(self.stacks.clone(), &deployed, &self.wishes),
        };
        plan.context("the stacks need each other")
    }

    /// What the engine works with.
    pub(crate) fn work(
        &self,
        replace_failed: bool,
        choices: Choices,
        last_lines: LastLines,
    ) -> Work {
        Work {
            image: self.image.clone(),
            sidecars: self.sidecars.clone(),
            key_pair: self.key_pair.clone(),
            replace_failed,
            choices,
            terms: self.terms.clone(),
            last_lines,
            ..Work::new(self.wishes.environment.clone())
        }
    }
}

/// What the settings ask of CloudFormation. The account on this machine has no
/// roles but those of its stacks, and needs none to act.
fn terms(config: &Config) -> Terms {
    let stacks = &config.stacks;
    Terms {
        role_arn: role(config),
        notification_arns: texts(&stacks.notification_arns),
        rollback_alarms: texts(&stacks.rollback_alarms),
        timeout: stacks.timeout,
        termination_protection: stacks.termination_protection,
        express: stacks.express,
        bucket: bucket(config),
    }
}

/// The role that CloudFormation acts as, if not as the caller.
pub(crate) fn role(config: &Config) -> Option<String> {
    let role = config.stacks.role_arn.as_ref();
    let role = role.filter(|_| config.target == Target::Aws);
    role.map(ToString::to_string)
}

/// Where long templates are kept on AWS; the local endpoint takes any length.
pub(crate) fn bucket(config: &Config) -> Option<Bucket> {
    let name = config.stacks.s3_bucket.as_ref()?;
    let name = (config.target == Target::Aws).then_some(name)?;
    Some(Bucket::new(name.as_str(), config.environment.as_str()))
}

fn texts(values: &[impl ToString]) -> Vec<String> {
    values.iter().map(ToString::to_string).collect()
}

/// The app's image on the way up; it is built now, for its digest is a part of
/// the plan.
fn image(config: &Config) -> Result<(ImageSource, ImagePlan)> {
    if let Some(own) = &config.app.image {
        let own = own.to_string();
        return Ok((ImageSource::Given(own.clone()), ImagePlan::Given(own)));
    }
    let binary = colour_app()?;
    let built = image::build_with(&binary, stack::image_variables(config))
        .with_context(|| format!("cannot make an image of `{}`", binary.display()))?;
    let digest = Some(built.digest.to_string());
    let source = ImageSource::Built(Arc::new(built));
    Ok((source, ImagePlan::Build { digest }))
}

/// The colour app: beside this executable, or where `cargo app` puts it.
pub(crate) fn colour_app() -> Result<PathBuf> {
    let executable = std::env::current_exe().context("cannot find this executable")?;
    let beside = executable.parent().unwrap_or(Path::new("/"));
    let target = beside.parent().unwrap_or(beside);
    let built = target
        .join(format!("{}-unknown-linux-gnu", std::env::consts::ARCH))
        .join("app/colorteller");
    let candidates = [built, beside.join("colorteller")];
    let found = candidates.iter().find(|path| path.is_file()).cloned();
    found.ok_or_else(|| {
        Exit::usage(format!(
            "the colour app is not built: `{}` is not there\n\n\
             hint: `cargo app` builds it; `--image` takes an image of your own instead",
            candidates[1].display()
        ))
        .into()
    })
}
