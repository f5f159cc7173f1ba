//! The policy: both tables, brought together by what they are allowed on.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::calls::{CALLS, IMPLIED, PUBLISH};
use super::on_behalf;
use super::scope::{Names, Scope};

/// An identity-based policy of IAM.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
struct Statement {
    sid: &'static str,
    effect: &'static str,
    action: BTreeSet<String>,
    resource: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Value>,
}

/// A type of resource in our own templates that the table does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nobody has written down what CloudFormation needs for a `{0}`")]
pub struct UnknownType(pub String);

/// What a policy is of. Each part but the whole fits where IAM takes no more
/// than 6,144 characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Everything.
    All,
    /// The calls that colormesh makes.
    Calls,
    /// What CloudFormation does in the caller's name for network and load
    /// balancer.
    Network,
    /// What it does for all else.
    Services,
}

/// Whose policy it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The caller's. Without a role CloudFormation does everything in the
    /// caller's name.
    Caller,
    /// That of the role that CloudFormation acts as instead.
    ServiceRole,
}

// === impl Part ===

impl Part {
    fn has_calls(self) -> bool {
        matches!(self, Self::All | Self::Calls)
    }

    /// Whether it has what CloudFormation does.
    fn has(self, action: &str) -> bool {
        match self {
            Self::All => true,
            Self::Calls => false,
            Self::Network => on_behalf::is_network(action),
            Self::Services => !on_behalf::is_network(action),
        }
    }
}

// === impl Whose ===

impl Whose {
    fn makes_calls(self) -> bool {
        self == Self::Caller
    }

    /// Whether CloudFormation does what it does with these permissions.
    fn is_acted_as(self, names: &Names) -> bool {
        match self {
            Self::Caller => names.role_arn.is_none(),
            Self::ServiceRole => true,
        }
    }
}

/// What somebody has to be allowed for an environment whose templates have
/// resources of these types.
pub fn policy(
    names: &Names,
    types: &BTreeSet<String>,
    part: Part,
    whose: Whose,
) -> Result<Policy, UnknownType> {
    let mut actions: BTreeMap<Scope, BTreeSet<String>> = BTreeMap::new();
    let mut allow = |scope: Scope, action: String| {
        if scope.is_wanted(names) {
            actions.entry(scope).or_default().insert(action);
        }
    };
    if part.has_calls() && whose.makes_calls() {
        let calls = CALLS
            .iter()
            .flat_map(|(call, scopes)| scopes.iter().map(move |scope| (call, scope)));
        let implied = IMPLIED.iter().map(|(call, scope)| (call, scope));
        calls
            .chain(implied)
            .for_each(|(call, scope)| allow(*scope, (*call).to_owned()));
    }
    if part.has(PUBLISH) && whose == Whose::ServiceRole {
        allow(Scope::Topics, PUBLISH.to_owned());
    }
    for name in types {
        let needed = on_behalf::of(name).ok_or_else(|| UnknownType(name.clone()))?;
        let is_needed = |action: &&&str| part.has(action) && whose.is_acted_as(names);
        for action in needed.iter().filter(is_needed) {
            allow(on_behalf::scope(action), on_behalf::folded(action));
        }
    }
    let statement = actions.into_iter().map(|(scope, action)| Statement {
        sid: scope.sid(whose),
        effect: "Allow",
        action,
        resource: scope.resources(names),
        condition: scope.condition(names, whose),
    });
    Ok(Policy {
        version: "2012-10-17",
        statement: statement.collect(),
    })
}

// === impl Policy ===

impl Policy {
    /// Whether it allows nothing.
    pub fn is_empty(&self) -> bool {
        self.statement.is_empty()
    }

    /// What IAM counts of a policy: everything but white space.
    pub fn size(&self) -> usize {
        let text = serde_json::to_string(self).unwrap_or_default();
        text.chars().filter(|c| !c.is_whitespace()).count()
    }
}
