//! `colormesh doctor --iam-policy`: what a caller, or the role that
//! CloudFormation acts as, has to be allowed.

use crate::aws::{self, Names, Part, Whose};
use crate::cli::args::{Global, PolicyPart, Whom};
use crate::cli::exit::{DONE, Exit, Outcome};
use crate::cli::printer::Printer;
use crate::cli::settings;
use crate::config::Config;
use crate::stack;

/// The most characters that IAM takes in a managed policy.
const MANAGED: usize = 6_144;

pub(crate) fn run(global: &Global, part: PolicyPart, whom: Whom, printer: Printer) -> Outcome {
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
    let whose = match whom {
        Whom::Caller => Whose::Caller,
        Whom::ServiceRole => Whose::ServiceRole,
    };
    let policy = aws::policy(&names(&config), &types, part, whose)?;
    if policy.is_empty() {
        return Err(Exit::usage(nothing(whose)).into());
    }
    let mut text = serde_json::to_string_pretty(&policy)?;
    text.push('\n');
    printer.raw(&text)?;
    if config.account_id.is_none() {
        printer.say("for whichever account: `--account-id` makes it for one");
    }
    let parts = match whose {
        Whose::Caller => "calls`, `network` and `services` print three",
        Whose::ServiceRole => {
            printer
                .say("the role's trust policy has to let `cloudformation.amazonaws.com` assume it");
            "network` and `services` print two"
        }
    };
    let size = policy.size();
    if size > MANAGED {
        printer.say(&format!(
            "IAM counts {size} characters, and a managed policy takes {MANAGED}: `--iam-policy \
             {parts} that fit and come to the same"
        ));
    }
    Ok(DONE)
}

/// Why a part has nothing in it.
fn nothing(whose: Whose) -> &'static str {
    match whose {
        Whose::Caller => {
            "with `--role-arn` CloudFormation does that as the role: `--for service-role` prints \
             what it needs"
        }
        Whose::ServiceRole => {
            "the role makes none of colormesh's calls: `--for caller` prints what they need"
        }
    }
}

fn names(config: &Config) -> Names {
    let topics = config.stacks.notification_arns.iter().flatten();
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
        looked_up: stack::image_repositories(config),
        topics: topics.map(ToString::to_string).collect(),
    }
}
