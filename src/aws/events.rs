//! What happened to a stack: the two calls that tell it.

use aws_sdk_cloudformation::types as wire;

use super::{Cloud, CloudError, StackEvent};

/// One page of events, newest first.
#[derive(Debug, Clone)]
pub struct EventPage {
    /// The events.
    pub events: Vec<StackEvent>,
    /// The operations that they belong to, newest first, where the endpoint
    /// tells them.
    pub operations: Vec<Operation>,
    /// Where the older ones begin, if there are any.
    pub next: Option<String>,
}

/// Something that is, or was, done to a stack.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    /// What tells it apart from all others.
    pub id: String,
    /// Whether it takes another one back.
    pub is_rollback: bool,
}

/// Whose events are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventsOf<'a> {
    /// Those of the latest operation on the stack of this ARN.
    Stack(&'a str),
    /// Those of one operation.
    Operation(&'a str),
}

impl Cloud {
    /// One page of a stack's events by the older call, which knows no
    /// operations; `next` comes from the page before.
    pub async fn events(&self, stack: &str, next: Option<String>) -> Result<EventPage, CloudError> {
        let call = self
            .cloudformation
            .describe_stack_events()
            .stack_name(stack)
            .set_next_token(next);
        let answer = call
            .send()
            .await
            .map_err(self.failure("cloudformation:DescribeStackEvents"))?;
        Ok(EventPage {
            events: answer.stack_events().iter().map(StackEvent::from).collect(),
            operations: Vec::new(),
            next: answer.next_token().map(str::to_owned),
        })
    }

    /// One page of events by the newer call, which tells operations apart.
    pub async fn operation_events(
        &self,
        of: EventsOf<'_>,
        next: Option<String>,
    ) -> Result<EventPage, CloudError> {
        let call = self.cloudformation.describe_events().set_next_token(next);
        let call = match of {
            EventsOf::Stack(stack) => call.stack_name(stack),
            EventsOf::Operation(id) => call.operation_id(id),
        };
        let answer = call
            .send()
            .await
            .map_err(self.failure("cloudformation:DescribeEvents"))?;
        let mut operations: Vec<Operation> = Vec::new();
        for event in answer.operation_events() {
            if let Some(id) = event.operation_id()
                && operations.iter().all(|known| known.id != id)
            {
                operations.push(Operation {
                    id: id.to_owned(),
                    is_rollback: event.operation_type().is_some_and(takes_back),
                });
            }
        }
        Ok(EventPage {
            events: answer
                .operation_events()
                .iter()
                .map(StackEvent::from)
                .filter(|event| !event.status.as_str().is_empty())
                .collect(),
            operations,
            next: answer.next_token().map(str::to_owned),
        })
    }

    /// The latest operations on a stack, in the order of the endpoint.
    pub async fn last_operations(&self, stack: &str) -> Result<Vec<Operation>, CloudError> {
        let call = self.cloudformation.describe_stacks().stack_name(stack);
        let answer = call
            .send()
            .await
            .map_err(self.failure("cloudformation:DescribeStacks"))?;
        let entries = answer
            .stacks()
            .iter()
            .flat_map(wire::Stack::last_operations);
        Ok(entries
            .filter_map(|entry| {
                Some(Operation {
                    id: entry.operation_id()?.to_owned(),
                    is_rollback: entry.operation_type().is_some_and(takes_back),
                })
            })
            .collect())
    }
}

fn takes_back(kind: &wire::OperationType) -> bool {
    kind.as_str().contains("ROLLBACK")
}
