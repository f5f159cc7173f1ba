//! The image that Envoy is in: on AWS it is looked up before anything is
//! changed, and from then on named by its digest.

use anyhow::Result;

use super::exit::Exit;
use super::own_image::login;
use super::printer::Printer;
use super::session::Session;
use crate::config::{ImageReference, Target};
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
}

/// Looks up the image of the settings. The local target runs this machine's
/// Envoy whatever the image, so that there is nothing to look up.
pub(crate) async fn find(
    session: &Session,
    processor: Option<Processor>,
    printer: Printer,
) -> Result<EnvoyImage> {
    if session.config.target == Target::Local {
        return Ok(EnvoyImage::default());
    }
    let named = session.config.envoy_image.to_string();
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
            })
        }
        Err(error) if error.is_unreachable() || error.is_denied() => {
            let why = with_causes(&error);
            printer.say(&format!(
                "cannot look at the Envoy image `{named}`: {why}; the tasks take what the name stands for"
            ));
            Ok(EnvoyImage::default())
        }
        Err(error) => Err(Exit::usage(format!(
            "the Envoy image `{named}` cannot be used: {}\n\n\
             hint: `envoy_image` names it; nothing was changed",
            with_causes(&error)
        ))
        .into()),
    }
}
