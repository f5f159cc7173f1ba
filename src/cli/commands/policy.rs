//! `colormesh doctor --iam-policy`: what a caller has to be allowed.

use crate::aws::{self, Names, Part};
use crate::cli::args::{Global, PolicyPart};
use crate::cli::exit::{DONE, Outcome};
use crate::cli::printer::Printer;
use crate::cli::settings;
use crate::config::Config;
use crate::stack;

/// The most characters that IAM takes in a managed policy.
const MANAGED: usize = 6_144;

pub(crate) fn run(global: &Global, part: PolicyPart, printer: Printer) -> Outcome {
    let config = settings::load(global)?;
    let stacks = stack::render(&config).map_err(|mistakes| settings::refused(&mistakes))?;
    let types = stacks
        .iter()
        .flat_map(stack::RenderedStack::types)
        .collect();
    let part = match part {
        PolicyPart::All => Part::All,
        PolicyPart::Calls => Part::Calls,
        PolicyPart::Network => Part::Network,
        PolicyPart::Services => Part::Services,
    };
    let policy = aws::policy(&names(&config), &types, part)?;
    let mut text = serde_json::to_string_pretty(&policy)?;
    text.push('\n');
    printer.raw(&text)?;
    if config.account_id.is_none() {
        printer.say("for whichever account: `--account-id` makes it for one");
    }
    let size = policy.size();
    if size > MANAGED {
        printer.say(&format!(
            "IAM counts {size} characters, and a managed policy takes {MANAGED}: `--iam-policy \
             calls`, `network` and `services` print three that fit and come to the same"
        ));
    }
    Ok(DONE)
}

fn names(config: &Config) -> Names {
    let key_pair = config.key_pair.as_ref().filter(|_| config.bastion.enabled);
    Names {
        environment: config.environment.to_string(),
        region: config.region.to_string(),
        account: config.account_id.as_ref().map(ToString::to_string),
        repository: config.app.image_name.to_string(),
        mesh: config.mesh.name.to_string(),
        key_pair: key_pair.map(ToString::to_string),
        bucket: config.stacks.s3_bucket.as_ref().map(ToString::to_string),
        role_arn: config.stacks.role_arn.as_ref().map(ToString::to_string),
    }
}
