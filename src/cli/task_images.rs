//! The images that stand beside the app's in a task, Envoy's and the one that
//! redirects: on AWS they are looked up before anything is changed, and from
//! then on named by their digests.

use anyhow::Result;

use super::exit::Exit;
use super::own_image::login;
use super::printer::Printer;
use super::session::Session;
use crate::config::{Config, ImageReference, Target};
use crate::diag::with_causes;
use crate::image::{self, Architecture, Base, Reference};
use crate::stack::Processor;

/// One of them, as the settings name it.
pub(crate) struct TaskImage<'a> {
    what: &'static str,
    setting: &'static str,
    named: &'a ImageReference,
}

/// What is known of it.
#[derive(Default)]
pub(crate) struct LookedUp {
    /// Its name with its digest.
    pub(crate) pinned: Option<ImageReference>,
    /// What a configuration can be put over.
    pub(crate) base: Option<Base>,
    /// Why nothing is known of it, although tasks on AWS will be made from it.
    pub(crate) unknown: Option<String>,
}

// === impl TaskImage ===

impl<'a> TaskImage<'a> {
    /// The image that Envoy is in.
    pub(crate) fn envoy(config: &'a Config) -> Self {
        Self {
            what: "Envoy image",
            setting: "envoy_image",
            named: &config.envoy_image,
        }
    }

    /// The image that redirects, where one does.
    pub(crate) fn redirecting(config: &'a Config) -> Option<Self> {
        let named = config.mesh.redirecting_image()?;
        Some(Self {
            what: "redirecting image",
            setting: "mesh.redirect_image",
            named,
        })
    }

    /// Looks it up. The local target runs this machine's Envoy and redirects
    /// by itself whatever the images, so that there is nothing to look up; and
    /// for an endpoint on this machine nobody elsewhere is asked.
    pub(crate) async fn find(
        &self,
        session: &Session,
        processor: Option<Processor>,
        printer: Printer,
    ) -> Result<LookedUp> {
        let (what, named) = (self.what, self.named.as_str());
        let is_here = is_on_this_machine(session.cloud.endpoint());
        if session.config.target == Target::Local || is_here && !is_on_this_machine(named) {
            return Ok(LookedUp::default());
        }
        let reference = named
            .parse::<Reference>()
            .map_err(|error| self.refused(&error.to_string()))?;
        let processor = match processor.unwrap_or_else(Processor::of_this_machine) {
            Processor::X86_64 => Architecture::Amd64,
            Processor::Arm64 => Architecture::Arm64,
        };
        let authorization = login(session, &reference).await;
        match image::base(&reference, authorization, processor).await {
            Ok(base) => Ok(self.found(&reference, base, printer)),
            Err(error) if error.is_unreachable() || error.is_denied() => {
                let why = with_causes(&error);
                printer.say(&format!(
                    "cannot look at the {what} `{named}`: {why}; the tasks take what the name \
                     stands for"
                ));
                Ok(LookedUp {
                    unknown: (!is_here).then_some(why),
                    ..LookedUp::default()
                })
            }
            Err(error) => Err(self.refused(&with_causes(&error)).into()),
        }
    }

    fn found(&self, reference: &Reference, base: Base, printer: Printer) -> LookedUp {
        let pinned = reference.pinned(&base.digest);
        if reference.digest.is_none() {
            let (what, named) = (self.what, self.named);
            printer.say(&format!("the {what} `{named}` is `{pinned}` now"));
        }
        LookedUp {
            pinned: pinned.parse().ok(),
            base: Some(base),
            unknown: None,
        }
    }

    fn refused(&self, why: &str) -> Exit {
        Exit::usage(format!(
            "the {} `{}` cannot be used: {why}\n\n\
             hint: `{}` names it; nothing was changed",
            self.what, self.named, self.setting
        ))
    }
}

/// Whether an endpoint or a registry is here. Such an endpoint makes no tasks
/// on AWS: its images need no Envoy.
fn is_on_this_machine(place: &str) -> bool {
    let host = place.split("://").nth(1).unwrap_or(place);
    ["127.0.0.1", "localhost", "[::1]"]
        .iter()
        .any(|here| host.starts_with(here))
}

/// A configuration that is too long for a task definition goes over Envoy's
/// image, which has to be read for that.
pub(crate) fn needed(config: &Config, why: &str) -> Exit {
    Exit::usage(format!(
        "the mesh is too long for a task definition, and cannot be put over the Envoy image \
         `{}`, which does not answer: {why}\n\n\
         hint: nothing was changed; `up` goes on once the registry answers, or with another \
         `envoy_image`",
        config.envoy_image
    ))
}
