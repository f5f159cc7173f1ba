//! What the user decides about the odd cases of an `up`: by flags, or asked.

use anyhow::Result;

use super::args::{OnInterrupt, Up};
use super::exit::Exit;
use super::printer::{Printer, talk};
use super::session::Session;
use crate::config::Target;
use crate::deploy::{self, Agreed, Asked, Choices, Review, SkippedResource};
use crate::plan::{Action, Plan, StepId};
use crate::stack::StackName;

/// What the flags decide; those that name what is not there are wrong usage.
pub(crate) fn choices(session: &Session, arguments: &Up, plan: &Plan) -> Result<Choices> {
    let skip = arguments.skip_resources.iter();
    let skip = skip.map(|text| skipped(text, plan));
    Ok(Choices {
        on_interrupt: match arguments.on_interrupt {
            OnInterrupt::Detach => deploy::OnInterrupt::Detach,
            OnInterrupt::Cancel => deploy::OnInterrupt::Cancel,
        },
        allow_replacement: arguments.allow_replacement || session.config.target == Target::Local,
        agreed: Agreed::default(),
        skip: skip.collect::<Result<_>>()?,
    })
}

/// `STACK.LOGICALID`; the stack by its name or by what it is for.
fn skipped(text: &str, plan: &Plan) -> Result<SkippedResource> {
    let usage = |what: String| Exit::usage(format!("`--skip-resource {text}`: {what}"));
    let Some((stack, logical_id)) = text.split_once('.') else {
        return Err(usage("write it as STACK.LOGICALID, such as `mesh.Mesh`".into()).into());
    };
    let found = plan
        .rendered
        .values()
        .find(|rendered| rendered.name.as_str() == stack || rendered.role.as_str() == stack);
    match found {
        Some(found) if !logical_id.is_empty() => Ok(SkippedResource {
            stack: found.name.clone(),
            logical_id: logical_id.to_owned(),
        }),
        Some(_) => Err(usage("the resource's name in the template is missing".into()).into()),
        None => {
            let names: Vec<&str> = plan.rendered.keys().map(StackName::as_str).collect();
            Err(usage(format!(
                "there is no such stack; there are {}",
                names.join(", ")
            ))
            .into())
        }
    }
}

/// Whether what only a deletion helps may be deleted and made anew. On this
/// machine it may; elsewhere it is asked for, whatever `--yes` answered.
pub(crate) async fn may_replace(
    session: &Session,
    arguments: &Up,
    plan: &Plan,
    printer: Printer,
) -> Result<bool> {
    if session.config.target == Target::Local || arguments.replace_failed {
        return Ok(true);
    }
    let broken: Vec<String> = plan.steps.iter().filter_map(broken).collect();
    if broken.is_empty() {
        return Ok(false);
    }
    talk("only a deletion helps these stacks; whatever they still hold goes:");
    broken.iter().for_each(|line| talk(&format!("  {line}")));
    if !printer.asks() {
        return Err(Exit::usage(
            "nobody can be asked here: `--replace-failed` agrees to delete them and make them anew",
        )
        .into());
    }
    if printer.confirm("Delete them and make them anew?").await? {
        return Ok(true);
    }
    Err(Exit::usage("not agreed to; nothing was changed").into())
}

/// Whether what holds data may be replaced or deleted, where the service says
/// that the changes need it.
pub(crate) async fn may_lose(review: &Review, printer: Printer) -> Result<()> {
    let losses = review.losses();
    if losses.is_empty() {
        return Ok(());
    }
    talk("these changes lose data:");
    losses.iter().for_each(|loss| talk(&format!("  {loss}")));
    if !printer.asks() {
        return Err(Exit::usage(
            "nobody can be asked here: `--allow-replacement` agrees to lose it",
        )
        .into());
    }
    if printer.confirm("Lose it?").await? {
        return Ok(());
    }
    Err(Exit::usage("not agreed to; nothing was changed").into())
}

/// The same for what came up only while the run is under way.
pub(crate) async fn answer(asked: Asked, printer: Printer) {
    talk(&format!("{}: the change loses data:", asked.step));
    let losses = asked.losses.iter();
    losses.for_each(|loss| talk(&format!("  it {loss}")));
    // Who cannot answer does not agree.
    let may = printer.confirm("Lose it?").await.unwrap_or(false);
    asked.answer(may);
}

fn broken(step: &crate::plan::Step) -> Option<String> {
    match (&step.id, &step.action) {
        (StepId::Stack(name), Action::Replace { status }) => Some(format!("{name} ({status})")),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;
    use crate::plan::Deployed;
    use crate::plan::samples::{stacks, wishes};

    #[test]
    fn a_skipped_resource_is_named_with_its_stack() {
        let plan = Plan::up(stacks(), &Deployed::default(), &wishes()).unwrap();
        for stack in ["mesh", "e-mesh"] {
            let found = skipped(&format!("{stack}.Mesh"), &plan).unwrap();
            assert_eq!(
                (found.stack.as_str(), found.logical_id.as_str()),
                ("e-mesh", "Mesh")
            );
        }
        for (text, said) in [
            ("Mesh", "STACK.LOGICALID"),
            ("mash.Mesh", "there are e-ecr-repositories"),
            ("mesh.", "missing"),
        ] {
            let error = skipped(text, &plan).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
