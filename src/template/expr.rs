//! Expressions: literals and intrinsic functions, with their places.

use indexmap::IndexMap;
use serde_json::Value as Json;

use super::LogicalId;
use crate::diag::Span;

/// An expression and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub struct Expr {
    /// What it says.
    pub form: Form,
    /// Its place in the template.
    pub span: Span,
}

/// The forms of an expression.
#[derive(Debug, Clone, PartialEq)]
pub enum Form {
    /// Text, a number or a truth value.
    Literal(Json),
    /// A list.
    List(Vec<Expr>),
    /// A map.
    Map(IndexMap<String, Expr>),
    /// `Ref`.
    Ref(Target),
    /// `Fn::GetAtt`.
    GetAtt {
        /// Of which resource.
        resource: LogicalId,
        /// Which attribute; may itself be a `Ref` to a parameter.
        attribute: Box<Expr>,
    },
    /// `Fn::Sub`.
    Sub {
        /// The text, cut at its variables.
        parts: Vec<Part>,
        /// Variables of its own.
        variables: IndexMap<String, Expr>,
    },
    /// `Fn::Join`.
    Join {
        /// What to put between.
        delimiter: String,
        /// What to join.
        list: Box<Expr>,
    },
    /// `Fn::Select`.
    Select {
        /// Which one, from 0.
        index: Box<Expr>,
        /// Of what.
        list: Box<Expr>,
    },
    /// `Fn::Split`.
    Split {
        /// Where to cut.
        delimiter: String,
        /// What to cut.
        text: Box<Expr>,
    },
    /// `Fn::If`.
    If {
        /// A name from `Conditions`.
        condition: String,
        /// When it holds.
        then: Box<Expr>,
        /// When it does not.
        otherwise: Box<Expr>,
    },
    /// `Fn::FindInMap`.
    FindInMap {
        /// A name from `Mappings`.
        map: Box<Expr>,
        /// The first key.
        top: Box<Expr>,
        /// The second key.
        second: Box<Expr>,
    },
    /// `Fn::ImportValue`.
    ImportValue(Box<Expr>),
    /// `Fn::GetAZs`.
    GetAzs(Box<Expr>),
    /// `Fn::Base64`.
    Base64(Box<Expr>),
    /// `Fn::Cidr`.
    Cidr {
        /// The block to cut.
        block: Box<Expr>,
        /// Into how many.
        count: Box<Expr>,
        /// Host bits of each; 8 when not given.
        bits: Option<Box<Expr>>,
    },
}

/// A piece of the text of `Fn::Sub`.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// As it stands.
    Text(String),
    /// One of the function's own variables.
    Variable(String),
    /// A `Ref` or a `Fn::GetAtt`.
    Reference(Expr),
}

/// What `Ref` names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// `AWS::NoValue`.
    NoValue,
    /// Another `AWS::` name.
    Pseudo(Pseudo),
    /// A parameter or a resource.
    Named(String),
}

/// The parameters that every template has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Pseudo {
    /// `AWS::AccountId`.
    AccountId,
    /// `AWS::NotificationARNs`.
    NotificationArns,
    /// `AWS::Partition`.
    Partition,
    /// `AWS::Region`.
    Region,
    /// `AWS::StackId`.
    StackId,
    /// `AWS::StackName`.
    StackName,
    /// `AWS::URLSuffix`.
    UrlSuffix,
}

// === impl Target ===

impl Target {
    /// The target of a `Ref` to `name`. Unknown `AWS::` names stay names, and
    /// are found unresolved later.
    pub fn new(name: &str) -> Self {
        if name == "AWS::NoValue" {
            return Self::NoValue;
        }
        let pseudo = Pseudo::ALL.into_iter().find(|each| each.as_str() == name);
        pseudo.map_or_else(|| Self::Named(name.to_owned()), Self::Pseudo)
    }
}

// === impl Pseudo ===

impl Pseudo {
    /// All of them.
    pub const ALL: [Self; 7] = [
        Self::AccountId,
        Self::NotificationArns,
        Self::Partition,
        Self::Region,
        Self::StackId,
        Self::StackName,
        Self::UrlSuffix,
    ];

    /// The name, as `Ref` takes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AccountId => "AWS::AccountId",
            Self::NotificationArns => "AWS::NotificationARNs",
            Self::Partition => "AWS::Partition",
            Self::Region => "AWS::Region",
            Self::StackId => "AWS::StackId",
            Self::StackName => "AWS::StackName",
            Self::UrlSuffix => "AWS::URLSuffix",
        }
    }
}

// === impl Expr ===

impl Expr {
    /// An empty map, as of a resource without properties.
    pub fn empty_map(span: Span) -> Self {
        Self {
            form: Form::Map(IndexMap::new()),
            span,
        }
    }

    /// The text of a literal one.
    pub fn as_literal_str(&self) -> Option<&str> {
        if let Form::Literal(Json::String(text)) = &self.form {
            Some(text)
        } else {
            None
        }
    }

    /// The place of the value that a path of keys and list indexes leads to,
    /// or of the last thing on the way that the template writes out. Rooms
    /// that read evaluated documents point into the template with it.
    pub fn locate<'a>(&self, path: impl IntoIterator<Item = &'a str>) -> Span {
        let mut here = self;
        for step in path {
            let next = match &here.form {
                Form::Map(entries) => entries.get(step),
                Form::List(items) => step.parse().ok().and_then(|index: usize| items.get(index)),
                _ => None,
            };
            let Some(next) = next else { break };
            here = next;
        }
        here.span
    }
}
