//! The policy: both tables, brought together by what they are allowed on.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::Value;

use super::calls::{CALLS, IMPLIED};
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
    action: BTreeSet<&'static str>,
    resource: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    condition: Option<Value>,
}

/// A type of resource in our own templates that the table does not have.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("nobody has written down what CloudFormation needs for a `{0}`")]
pub struct UnknownType(pub String);

/// What a caller has to be allowed for an environment whose templates have
/// resources of these types.
pub fn policy(names: &Names, types: &BTreeSet<String>) -> Result<Policy, UnknownType> {
    let mut actions: BTreeMap<Scope, BTreeSet<&'static str>> = BTreeMap::new();
    let mut allow = |action, scope| {
        if scope != Scope::KeyPair || names.key_pair.is_some() {
            actions.entry(scope).or_default().insert(action);
        }
    };
    for (action, scopes) in CALLS {
        scopes.iter().for_each(|scope| allow(action, *scope));
    }
    for (action, scope) in IMPLIED {
        allow(action, *scope);
    }
    for name in types {
        let needed = on_behalf::of(name).ok_or_else(|| UnknownType(name.clone()))?;
        for action in needed {
            allow(action, on_behalf::scope(action));
        }
    }
    let statement = actions.into_iter().map(|(scope, action)| Statement {
        sid: scope.sid(),
        effect: "Allow",
        action,
        resource: scope.resources(names),
        condition: scope.condition(names),
    });
    Ok(Policy {
        version: "2012-10-17",
        statement: statement.collect(),
    })
}

// === impl Policy ===

impl Policy {
    /// What IAM counts of a policy: everything but white space.
    pub fn size(&self) -> usize {
        let text = serde_json::to_string(self).unwrap_or_default();
        text.chars().filter(|c| !c.is_whitespace()).count()
    }
}
