//! The image that Envoy is in: on AWS it is looked up before anything is
//! changed, and from then on named by its digest.

use anyhow::Result;

use super::exit::Exit;
use super::own_image::login;
use super::printer::Printer;
use super::session::Session;
use crate::config::{Config, ImageReference, Target};
use crate::diag::with_causes;
use crate::image::{self, Architecture, Base, Reference};
use crate::stack::Processor;

/// What is known of it.
#[derive(Default)]
pub(crate) struct EnvoyImage {
    /// Its name with its digest.
    pub(crate) pinned: Option<ImageReference>,
    /// What a configuration can be put over.
    pub(crate) base: Option<Base>,
    /// Why nothing is known of it, although tasks on AWS will be made from it.
    pub(crate) unknown: Option<String>,
}

/// Looks up the image of the settings. The local target runs this machine's
/// Envoy whatever the image, so that there is nothing to look up; and for an
/// endpoint on this machine nobody elsewhere is asked.
pub(crate) async fn find(
    session: &Session,
    processor: Option<Processor>,
    printer: Printer,
) -> Result<EnvoyImage> {
    if session.config.target == Target::Local {
        return Ok(EnvoyImage::default());
    }
    let named = session.config.envoy_image.to_string();
    if is_on_this_machine(session.cloud.endpoint()) && !is_on_this_machine(&named) {
        return Ok(EnvoyImage::default());
    }
    let reference = named.parse::<Reference>().map_err(|error| {
        Exit::usage(format!(
            "the Envoy image `{named}` cannot be used: {error}\n\nhint: `envoy_image` names it"
        ))
    })?;
    let processor = match processor.unwrap_or_else(Processor::of_this_machine) {
        Processor::X86_64 => Architecture::Amd64,
        Processor::Arm64 => Architecture::Arm64,
    };
    let authorization = login(session, &reference).await;
    match image::base(&reference, authorization, processor).await {
        Ok(base) => {
            let pinned = reference.pinned(&base.digest);
            if reference.digest.is_none() {
                printer.say(&format!("the Envoy image `{named}` is `{pinned}` now"));
            }
            Ok(EnvoyImage {
                pinned: pinned.parse().ok(),
                base: Some(base),
                unknown: None,
            })
        }
        Err(error) if error.is_unreachable() || error.is_denied() => {
            let why = with_causes(&error);
            printer.say(&format!(
                "cannot look at the Envoy image `{named}`: {why}; the tasks take what the name stands for"
            ));
            let unknown = (!is_on_this_machine(session.cloud.endpoint())).then_some(why);
            Ok(EnvoyImage {
                unknown,
                ..EnvoyImage::default()
            })
        }
        Err(error) => Err(Exit::usage(format!(
            "the Envoy image `{named}` cannot be used: {}\n\n\
             hint: `envoy_image` names it; nothing was changed",
            with_causes(&error)
        ))
        .into()),
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
