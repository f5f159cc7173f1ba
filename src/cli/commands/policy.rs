//! `colormesh doctor --iam-policy`: what a caller has to be allowed.

use crate::aws::{self, Names};
use crate::cli::args::Global;
use crate::cli::exit::{DONE, Outcome};
use crate::cli::printer::Printer;
use crate::cli::settings;
use crate::config::Config;
use crate::stack;

/// The most characters that IAM takes in a managed policy, and in those that
/// are written into one role.
const MANAGED: usize = 6_144;
const INLINE: usize = 10_240;

pub(crate) fn run(global: &Global, printer: Printer) -> Outcome {
    let config = settings::load(global)?;
    let stacks = stack::render(&config).map_err(|mistakes| settings::refused(&mistakes))?;
    let types = stacks
        .iter()
        .flat_map(stack::RenderedStack::types)
        .collect();
    let policy = aws::policy(&names(&config), &types)?;
    let mut text = serde_json::to_string_pretty(&policy)?;
    text.push('\n');
    printer.raw(&text)?;
    if config.account_id.is_none() {
        printer.say("for whichever account: `--account-id` makes it for one");
    }
    let size = policy.size();
    if size > MANAGED {
        printer.say(&format!(
            "IAM counts {size} characters: too many for a managed policy ({MANAGED}); write it \
             into the role itself (`aws iam put-role-policy`), which takes {INLINE}"
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
    }
}
