//! What is asked of CloudFormation besides the templates: who acts, who is
//! told, when to give up; and the tags of everything.

use std::collections::BTreeMap;
use std::str::FromStr;
use std::time::Duration;

use super::Invalid;
use super::reader::{Placed, Reader, Section};
use super::text::text;
use super::values::Switch;
use crate::yaml::{Node, Value};

text! {
    /// A role that CloudFormation acts as.
    RoleArn, check_role
}
text! {
    /// A topic that is told of every event of a stack.
    TopicArn, check_topic
}
text! {
    /// An alarm that takes a change back.
    AlarmArn, check_alarm
}
text! {
    /// A bucket of the account's own.
    BucketName, check_bucket
}
/// The most that CloudFormation takes.
const MOST_TOPICS: usize = 5;
const MOST_ALARMS: usize = 5;
/// AWS takes 50 tags; two of them are ours.
const MOST_TAGS: usize = 48;

/// What is asked of CloudFormation for each stack.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StacksConfig {
    /// The role that it acts as, instead of the caller.
    pub role_arn: Option<RoleArn>,
    /// The topics that are told of every event; `None` leaves them as they are.
    pub notification_arns: Option<Vec<TopicArn>>,
    /// The alarms that take a change back while it is made; `None` leaves them
    /// as they are.
    pub rollback_alarms: Option<Vec<AlarmArn>>,
    /// How long an operation on one stack may take.
    pub timeout: Option<Duration>,
    /// Whether stacks are protected from deletion; `None` leaves that as it is.
    pub termination_protection: Option<bool>,
    /// Whether stacks for which that is safe are deployed in express mode.
    pub express: bool,
    /// The bucket through which templates go that are too long for a request.
    pub s3_bucket: Option<BucketName>,
}

impl Reader<'_> {
    pub(super) fn stacks(&mut self, root: Section<'_>) -> StacksConfig {
        let stacks = self.section(root.get("stacks"), "stacks");
        StacksConfig {
            role_arn: self.setting(stacks, "role_arn").map(Placed::into_value),
            notification_arns: self.listed(stacks, "notification_arns", MOST_TOPICS),
            rollback_alarms: self.listed(stacks, "rollback_alarms", MOST_ALARMS),
            timeout: self
                .setting(stacks, "timeout")
                .map(Placed::into_value)
                .map(|TimeLimit(limit)| limit),
            termination_protection: self.switch(stacks, "termination_protection"),
            express: self.switch(stacks, "express").unwrap_or(false),
            s3_bucket: self.setting(stacks, "s3_bucket").map(Placed::into_value),
        }
    }

    fn switch(&mut self, section: Section<'_>, name: &str) -> Option<bool> {
        self.setting(section, name)
            .map(Placed::into_value)
            .map(|Switch(on)| on)
    }

    /// A list in the file, or one with commas as a flag.
    fn listed<T: FromStr<Err = Invalid>>(
        &mut self,
        section: Section<'_>,
        name: &str,
        most: usize,
    ) -> Option<Vec<T>> {
        let given: Option<Placed<Commas<T>>> = self.outside(section, name);
        let list = match given {
            Some(placed) => placed.into_value().0,
            None => self.written_list(section, name)?,
        };
        if list.len() > most
            && let Some(node) = section.get(name)
        {
            let invalid = Invalid::new(
                format!("`{name}` has {} items", list.len()),
                format_args!("CloudFormation takes {most}"),
            );
            self.refuse(&self.in_file(node.span), invalid);
        }
        Some(list)
    }

    /// The user's tags.
    pub(super) fn tags(&mut self, node: Option<&Node>) -> BTreeMap<String, String> {
        let mut tags = BTreeMap::new();
        let Some(node) = node else { return tags };
        if !matches!(node.value, Value::Map(_) | Value::Null) {
            let invalid = Invalid::new("`tags` must be a map", "write `tags: { team: mesh }`");
            self.refuse(&self.in_file(node.span), invalid);
        }
        for (key, value) in node.entries() {
            let text = value.as_str().unwrap_or_default();
            let wrong = match value.as_str() {
                None => Some(Invalid::new(
                    format!("the tag `{}` must have one value", key.text),
                    "write a text",
                )),
                Some(text) => wrong_tag(&key.text, text),
            };
            match wrong {
                Some(invalid) => self.refuse(&self.in_file(key.span), invalid),
                None => _ = tags.insert(key.text.clone(), text.to_owned()),
            }
        }
        if tags.len() > MOST_TAGS {
            let invalid = Invalid::new(
                format!("there are {} tags", tags.len()),
                format_args!("write at most {MOST_TAGS}"),
            );
            self.refuse(&self.in_file(node.span), invalid);
        }
        tags
    }
}

fn wrong_tag(name: &str, value: &str) -> Option<Invalid> {
    let lower = name.to_ascii_lowercase();
    let taken = ["aws:", "colormesh:"]
        .into_iter()
        .find(|prefix| lower.starts_with(prefix));
    if let Some(prefix) = taken {
        return Some(Invalid::new(
            format!("tags that begin with `{prefix}` are not yours to set"),
            "choose another name",
        ));
    }
    let plain = |c: char| c.is_alphanumeric() || " _.:/=+-@".contains(c);
    let fits = |text: &str, most| text.chars().count() <= most && text.chars().all(plain);
    if !name.is_empty() && fits(name, 128) && fits(value, 256) {
        return None;
    }
    Some(Invalid::new(
        format!("`{name}: {value}` is no tag for AWS"),
        "write letters, digits, spaces and any of `_.:/=+-@`: 128 for the name, 256 for the value",
    ))
}

/// Values with commas between.
struct Commas<T>(Vec<T>);

impl<T: FromStr<Err = Invalid>> FromStr for Commas<T> {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let items = text.split(',').map(|item| item.trim().parse());
        items.collect::<Result<_, _>>().map(Self)
    }
}

/// `45m`, `1h30m`.
struct TimeLimit(Duration);

impl FromStr for TimeLimit {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let wrong = || {
            Invalid::new(
                format!("`{text}` is no time limit"),
                "write minutes or hours, such as `45m` or `2h`",
            )
        };
        let (number, unit) = text
            .find(|c: char| !c.is_ascii_digit())
            .map(|end| text.split_at(end))
            .ok_or_else(wrong)?;
        let seconds = match unit {
            "s" => 1,
            "m" => 60,
            "h" => 3600,
            _ => return Err(wrong()),
        };
        let number: u64 = number.parse().map_err(|_| wrong())?;
        let limit = number.checked_mul(seconds).filter(|limit| *limit > 0);
        limit.map(Duration::from_secs).map(Self).ok_or_else(wrong)
    }
}

// === the checks ===

/// `arn:partition:service:region:account:rest`.
fn check_arn(text: &str, service: &str, rest: &str, example: &str) -> Result<String, Invalid> {
    let parts: Vec<&str> = text.splitn(6, ':').collect();
    if let ["arn", partition, of, _, account, name] = parts.as_slice()
        && partition.starts_with("aws")
        && *of == service
        && account.len() == 12
        && account.bytes().all(|byte| byte.is_ascii_digit())
        && name.starts_with(rest)
        && name.len() > rest.len()
    {
        return Ok(text.to_owned());
    }
    Err(Invalid::new(
        format!("`{text}` is not the ARN that is wanted here"),
        format_args!("write it as `{example}`"),
    ))
}

fn check_role(text: &str) -> Result<String, Invalid> {
    check_arn(
        text,
        "iam",
        "role/",
        "arn:aws:iam::123456789012:role/deploy",
    )
}

fn check_topic(text: &str) -> Result<String, Invalid> {
    check_arn(text, "sns", "", "arn:aws:sns:us-west-2:123456789012:stacks")
}

fn check_alarm(text: &str) -> Result<String, Invalid> {
    let example = "arn:aws:cloudwatch:us-west-2:123456789012:alarm:errors";
    check_arn(text, "cloudwatch", "alarm:", example)
}

fn check_bucket(text: &str) -> Result<String, Invalid> {
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let inner = |c: char| plain(c) || c == '-' || c == '.';
    let fits = (3..=63).contains(&text.len())
        && text.chars().all(inner)
        && text.starts_with(plain)
        && text.ends_with(plain)
        && !text.contains("..");
    if fits {
        return Ok(text.to_owned());
    }
    let name = text
        .strip_prefix("s3://")
        .map(|rest| rest.split('/').next());
    let help = match name.flatten().filter(|name| !name.is_empty()) {
        Some(name) => format!("write its name alone: `{name}`"),
        None => "write 3 to 63 lower-case letters, digits, hyphens and dots".to_owned(),
    };
    Err(Invalid::new(
        format!("`{text}` is not the name of a bucket"),
        help,
    ))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::super::Overrides;
    use super::super::tests::load_layers;
    use super::*;

    fn load(file: &str) -> Result<crate::config::Config, String> {
        load_layers(file, &[], Overrides::default()).map_err(|problems| problems.to_string())
    }

    #[test]
    fn all_of_it_can_be_written() {
        let config = load(
            "stacks:
  role_arn: arn:aws:iam::123456789012:role/deploy
  notification_arns: ['arn:aws:sns:us-west-2:123456789012:stacks']
  rollback_alarms: ['arn:aws:cloudwatch:us-west-2:123456789012:alarm:errors']
  timeout: 45m
  termination_protection: true
  express: true
  s3_bucket: our-templates
tags: { team: mesh, cost-centre: 42 }
",
        )
        .unwrap();
        let stacks = &config.stacks;
        assert_eq!(stacks.timeout, Some(Duration::from_secs(45 * 60)));
        assert_eq!(stacks.termination_protection, Some(true));
        assert_eq!(stacks.notification_arns.as_deref().unwrap().len(), 1);
        assert_eq!(stacks.rollback_alarms.as_deref().unwrap().len(), 1);
        assert_eq!(config.tags["cost-centre"], "42");
    }

    #[test]
    fn flags_are_lists_with_commas() {
        let topic = |name: &str| format!("arn:aws:sns:us-west-2:123456789012:{name}");
        let given = Overrides {
            notification_arn: Some(format!("{},{}", topic("a"), topic("b"))),
            ..Overrides::default()
        };
        let config = load_layers("", &[], given).unwrap();
        let topics = config.stacks.notification_arns.unwrap();
        assert_eq!(topics[1], topic("b").as_str());
    }

    #[test]
    fn an_empty_list_is_not_the_same_as_none() {
        let stacks = load("stacks: { notification_arns: [], rollback_alarms: [] }")
            .unwrap()
            .stacks;
        assert_eq!(stacks.notification_arns, Some(Vec::new()));
        assert_eq!(stacks.rollback_alarms, Some(Vec::new()));
        let stacks = load("stacks: {}").unwrap().stacks;
        assert_eq!(stacks.notification_arns, None);
        assert_eq!(stacks.rollback_alarms, None);
    }

    #[test]
    fn what_aws_would_refuse_is_refused_here() {
        for (file, said) in [
            (
                "stacks: { role_arn: deploy }",
                "arn:aws:iam::123456789012:role/deploy",
            ),
            (
                "stacks: { rollback_alarms: ['arn:aws:sns:us-west-2:123456789012:x'] }",
                "alarm:errors",
            ),
            ("stacks: { timeout: soon }", "`45m`"),
            ("stacks: { s3_bucket: Ours }", "lower-case"),
            ("stacks: { s3_bucket: 's3://ours/x' }", "`ours`"),
            ("stacks: { s3_bucket: a..b }", "lower-case"),
            ("tags: { 'aws:x': 1 }", "not yours to set"),
            ("tags: { 'colormesh:environment': x }", "not yours to set"),
            ("tags: { a: [1] }", "one value"),
            ("tags: { a: 'x;y' }", "no tag for AWS"),
            ("tags: mesh", "must be a map"),
        ] {
            let problems = load(file).unwrap_err();
            assert!(problems.contains(said), "{file}: {problems}");
        }
    }
}
