//! What the scripted CloudFormation holds, and how it tells it.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::scripted::Script;
use crate::endpoint::query::Query;

/// Whether `DescribeEvents` answers.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Newer {
    #[default]
    Absent,
    Denied,
    There,
}

/// What is played, and what goes wrong on the way.
#[derive(Default)]
pub(super) struct Stage {
    pub(super) stacks: BTreeMap<String, Played>,
    pub(super) scripts: BTreeMap<(String, &'static str), Script>,
    /// Each call whose number this divides is throttled.
    pub(super) throttle_every: usize,
    /// Whether each read of events is throttled.
    pub(super) grants_no_events: bool,
    /// How many more change sets are throttled.
    pub(super) refused_change_sets: usize,
    /// How many more change sets have nothing in them.
    pub(super) empty_change_sets: usize,
    /// Whether change sets are worked out for ever.
    pub(super) pending: bool,
    /// Whether stacks may be made by change sets alone.
    pub(super) only_change_sets: bool,
    /// The change sets that wait: stack, ARN, template.
    pub(super) change_sets: Vec<(String, String, String)>,
    /// What roll-backs were told to skip.
    pub(super) skipped: Vec<String>,
    /// The least time between two reads that are answered.
    pub(super) least_gap: Option<Duration>,
    pub(super) last_read: Option<Instant>,
    /// How many events a page holds.
    pub(super) page: usize,
    /// The time between two lines of a script.
    pub(super) pause: Duration,
    /// How many stacks the account holds besides.
    pub(super) others: usize,
    /// How far the clock is ahead of this machine's, in seconds.
    pub(super) ahead: i64,
    pub(super) newer: Newer,
    /// Every call, by name.
    pub(super) calls: Vec<String>,
    pub(super) numbers: usize,
}

#[derive(Clone, Default)]
pub(super) struct Played {
    pub(super) id: String,
    pub(super) status: String,
    reason: String,
    pub(super) template: String,
    pub(super) events: Vec<Told>,
    /// Ids of the operations, oldest first, and whether each is a roll-back.
    operations: Vec<(String, bool)>,
}

#[derive(Clone)]
pub(super) struct Told {
    who: String,
    status: String,
    reason: String,
    pub(super) token: String,
    id: String,
    operation: String,
    at: String,
}

pub(super) type Refusal = (&'static str, String);

fn is_read(action: &str) -> bool {
    ["Describe", "List", "Get"]
        .iter()
        .any(|verb| action.starts_with(verb))
}

impl Stage {
    /// How often calls of these names were made.
    pub(super) fn count(&self, actions: &[&str]) -> usize {
        let counts = |call: &&String| actions.contains(&call.as_str());
        self.calls.iter().filter(counts).count()
    }

    pub(super) fn reads(&self) -> usize {
        self.calls.iter().filter(|call| is_read(call)).count()
    }

    pub(super) fn is_over_limit(&mut self, action: &str) -> bool {
        let Some(gap) = self.least_gap.filter(|_| is_read(action)) else {
            return false;
        };
        let now = Instant::now();
        let is_early = self.last_read.is_some_and(|last| now - last < gap);
        if !is_early {
            self.last_read = Some(now);
        }
        is_early
    }

    pub(super) fn put(&mut self, stack: &str, status: &str, template: &str) {
        self.numbers += 1;
        let id = format!(
            "arn:aws:cloudformation:us-west-2:1:stack/{stack}/{}",
            self.numbers
        );
        let played = Played {
            id,
            status: status.into(),
            template: template.into(),
            ..Played::default()
        };
        self.stacks.insert(stack.to_owned(), played);
    }

    /// By name, unless it is deleted; by ARN always.
    pub(super) fn find(&self, name: &str) -> Result<(&String, &Played), Refusal> {
        let is_it = |(key, played): &(&String, &Played)| {
            played.id == name || (*key == name && played.status != "DELETE_COMPLETE")
        };
        let absent = || {
            (
                "ValidationError",
                format!("Stack with id {name} does not exist"),
            )
        };
        self.stacks.iter().find(is_it).ok_or_else(absent)
    }

    pub(super) fn template(&self, name: &str) -> Result<&str, Refusal> {
        Ok(&self.find(name)?.1.template)
    }

    /// Begins an operation; one that follows another without a request of ours
    /// takes it back.
    pub(super) fn begin(&mut self, stack: &str) {
        self.numbers += 1;
        let id = format!("operation-{}", self.numbers);
        let played = self.stacks.get_mut(stack).unwrap();
        let is_rollback =
            played.status == "CREATE_IN_PROGRESS" || played.status == "UPDATE_IN_PROGRESS";
        played.operations.push((id, is_rollback));
    }

    pub(super) fn beat(&mut self, stack: &str, line: &str, token: &str) -> bool {
        self.numbers += 1;
        let (number, at) = (self.numbers, self.now());
        let mut words = line.splitn(3, ' ');
        let (who, status) = (words.next().unwrap(), words.next().unwrap());
        let reason = words.next().unwrap_or_default();
        let Some(played) = self.stacks.get_mut(stack) else {
            return false;
        };
        if who == "@template" {
            played.template = line.trim_start_matches("@template ").into();
            return true;
        }
        if who == "@" {
            (played.status, played.reason) = (status.into(), reason.into());
        }
        let operation = played.operations.last().map(|(id, _)| id.clone());
        played.events.push(Told {
            who: if who == "@" { stack } else { who }.into(),
            status: status.into(),
            reason: reason.into(),
            token: token.into(),
            // Ids say nothing of the order.
            id: format!("event-{:04x}", number * 0x6b43 % 0x1_0000),
            operation: operation.unwrap_or_default(),
            at,
        });
        true
    }

    /// The time in whole seconds, as CloudFormation tells it: many events have
    /// the same.
    fn now(&self) -> String {
        let now = std::time::SystemTime::now();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        let now = i64::try_from(now).unwrap() + self.ahead;
        aws_sdk_cloudformation::primitives::DateTime::from_secs(now)
            .fmt(aws_sdk_cloudformation::primitives::DateTimeFormat::DateTime)
            .unwrap()
    }

    /// Those of others come first, a hundred a page.
    pub(super) fn describe(&self, name: &str) -> Result<String, Refusal> {
        let shown: Vec<_> = if !name.is_empty() {
            vec![self.find(name)?]
        } else if self.others >= 100 {
            Vec::new()
        } else {
            let is_there = |(_, played): &(&String, &Played)| played.status != "DELETE_COMPLETE";
            self.stacks.iter().filter(is_there).collect()
        };
        let one = |(name, played): (&String, &Played)| {
            let entry = |(id, is_rollback): &(String, bool)| {
                let kind = if *is_rollback {
                    "ROLLBACK"
                } else {
                    "CREATE_STACK"
                };
                format!(
                    "<member><OperationType>{kind}</OperationType><OperationId>{id}</OperationId></member>"
                )
            };
            let operations: String = played.operations.iter().rev().map(entry).collect();
            format!(
                "<member><StackName>{name}</StackName><StackId>{}</StackId><CreationTime>2026-01-01T00:00:00Z</CreationTime>\
                 <StackStatus>{}</StackStatus><StackStatusReason>{}</StackStatusReason>\
                 <LastOperations>{operations}</LastOperations></member>",
                played.id,
                played.status,
                escape(&played.reason)
            )
        };
        let shown: String = shown.into_iter().map(one).collect();
        let more = if name.is_empty() && self.others >= 100 {
            "<NextToken>2</NextToken>"
        } else {
            ""
        };
        Ok(format!("<Stacks>{shown}</Stacks>{more}"))
    }

    pub(super) fn under_way(&self) -> String {
        let busy = self.stacks.iter().filter(|(_, played)| {
            played.status.ends_with("_IN_PROGRESS") && played.status != "REVIEW_IN_PROGRESS"
        });
        let one = |(name, played): (&String, &Played)| {
            format!(
                "<member><StackName>{name}</StackName><StackId>{}</StackId><CreationTime>2026-01-01T00:00:00Z</CreationTime>\
                 <StackStatus>{}</StackStatus></member>",
                played.id, played.status
            )
        };
        format!(
            "<StackSummaries>{}</StackSummaries>",
            busy.map(one).collect::<String>()
        )
    }

    pub(super) fn events(&self, name: &str, from: Option<&str>) -> Result<String, Refusal> {
        let (stack, played) = self.find(name)?;
        let events: Vec<&Told> = played.events.iter().rev().collect();
        Ok(self.told("StackEvents", (stack, played), &events, from))
    }

    /// Those of the latest operation, or of the one that is asked for.
    pub(super) fn operation_events(&self, query: &Query) -> Result<String, Refusal> {
        let asked = query.get("OperationId");
        let name = query.get("StackName").unwrap_or_default();
        let found = match asked {
            Some(id) => self
                .stacks
                .iter()
                .find(|(_, played)| played.operations.iter().any(|(known, _)| known == id)),
            None => Some(self.find(name)?),
        };
        let (stack, played) = found.unwrap();
        let latest = played.operations.last().map(|(id, _)| id.as_str());
        let wanted = asked.or(latest).unwrap_or_default();
        let events = played
            .events
            .iter()
            .rev()
            .filter(|told| told.operation == wanted);
        let events: Vec<&Told> = events.collect();
        Ok(self.told(
            "OperationEvents",
            (stack, played),
            &events,
            query.get("NextToken"),
        ))
    }

    fn told(
        &self,
        list: &str,
        (stack, played): (&String, &Played),
        events: &[&Told],
        from: Option<&str>,
    ) -> String {
        let from: usize = from.and_then(|text| text.parse().ok()).unwrap_or(0);
        let one = |told: &&Told| {
            let (kind, physical) = if told.who == *stack {
                ("AWS::CloudFormation::Stack", played.id.as_str())
            } else {
                ("T::T", "p")
            };
            let is_rollback = played
                .operations
                .iter()
                .any(|(id, is)| *is && *id == told.operation);
            let operation = if is_rollback {
                "ROLLBACK"
            } else {
                "CREATE_STACK"
            };
            format!(
                "<member><StackId>{}</StackId><EventId>{}</EventId><StackName>{stack}</StackName>\
                 <OperationId>{}</OperationId><OperationType>{operation}</OperationType><EventType>STACK_EVENT</EventType>\
                 <LogicalResourceId>{}</LogicalResourceId><PhysicalResourceId>{physical}</PhysicalResourceId>\
                 <ResourceType>{kind}</ResourceType><Timestamp>{}</Timestamp>\
                 <ResourceStatus>{}</ResourceStatus><ResourceStatusReason>{}</ResourceStatusReason>\
                 <ClientRequestToken>{}</ClientRequestToken></member>",
                played.id,
                told.id,
                told.operation,
                told.who,
                told.at,
                told.status,
                escape(&told.reason),
                told.token
            )
        };
        let page: String = events.iter().skip(from).take(self.page).map(one).collect();
        let next = from + self.page;
        let more = if next < events.len() {
            format!("<NextToken>{next}</NextToken>")
        } else {
            String::new()
        };
        format!("<{list}>{page}</{list}>{more}")
    }

    pub(super) fn create_stack(&mut self, name: &str, query: &Query) -> Result<String, Refusal> {
        if self.find(name).is_ok() {
            return Err((
                "AlreadyExistsException",
                format!("Stack [{name}] already exists"),
            ));
        }
        self.put(
            name,
            "CREATE_IN_PROGRESS",
            query.get("TemplateBody").unwrap_or_default(),
        );
        let played = self.stacks.get_mut(name).unwrap();
        // The operation that is begun now is no roll-back.
        played.status = String::new();
        Ok(played.id.clone())
    }
}

pub(super) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}
