//! The change sets of the scripted CloudFormation.

use super::stage::{Refusal, Stage};
use crate::endpoint::query::Query;

impl Stage {
    pub(super) fn create_change_set(
        &mut self,
        name: &str,
        query: &Query,
    ) -> Result<String, Refusal> {
        let template = query.get("TemplateBody").unwrap_or_default().to_owned();
        if self.find(name).is_err() {
            self.put(name, "REVIEW_IN_PROGRESS", "");
        }
        let played = self.stacks.get_mut(name).unwrap();
        let status = played.status.as_str();
        if query.get("ChangeSetType") == Some("CREATE") && status != "REVIEW_IN_PROGRESS" {
            let text = format!(
                "Stack [{name}] already exists and cannot be created again with the changeSet [c]."
            );
            return Err(("ValidationError", text));
        }
        if status.ends_with("_IN_PROGRESS") && status != "REVIEW_IN_PROGRESS" {
            let text = format!(
                "Stack:{} is in {status} state and can not be updated.",
                played.id
            );
            return Err(("ValidationError", text));
        }
        let (stack_id, id) = (
            played.id.clone(),
            change_set_arn(query.get("ChangeSetName").unwrap_or_default()),
        );
        self.change_sets
            .push((name.to_owned(), id.clone(), template));
        Ok(format!("<Id>{id}</Id><StackId>{stack_id}</StackId>"))
    }

    pub(super) fn list_change_sets(&self, stack: &str) -> String {
        let of_stack = self.change_sets.iter().filter(|(of, ..)| of == stack);
        let sets: String = of_stack
            .map(|(_, id, _)| {
                let name = id.trim_start_matches(CHANGE_SET);
                format!(
                    "<member><ChangeSetId>{id}</ChangeSetId><ChangeSetName>{name}</ChangeSetName>\
                     <Status>CREATE_COMPLETE</Status><ExecutionStatus>AVAILABLE</ExecutionStatus></member>"
                )
            })
            .collect();
        format!("<Summaries>{sets}</Summaries>")
    }

    /// Gives the template of a change set to its stack, whose change sets are
    /// gone then; tells which stack that is.
    pub(super) fn take_change_set(&mut self, id: &str) -> Result<String, Refusal> {
        let found = self.change_sets.iter().find(|(_, set, _)| set == id);
        let Some((stack, _, template)) = found.cloned() else {
            return Err((
                "ChangeSetNotFound",
                format!("ChangeSet [{id}] does not exist"),
            ));
        };
        self.change_sets.retain(|(of, ..)| *of != stack);
        self.stacks.get_mut(&stack).unwrap().template = template;
        Ok(stack)
    }
}

const CHANGE_SET: &str = "arn:change-set/";

pub(super) fn change_set_arn(name: &str) -> String {
    format!("{CHANGE_SET}{name}")
}
