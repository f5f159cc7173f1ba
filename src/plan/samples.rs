//! Small stacks for the tests of this room and of `deploy`.

use std::collections::{BTreeMap, BTreeSet};

use super::{DeployedStack, ImagePlan, Plan, Wishes};
use crate::aws::Stack;
use crate::stack::{ParameterValue, RenderedStack, Role, StackName, StackTerms};

pub(crate) fn name(text: &str) -> StackName {
    text.parse().expect("a stack name")
}

pub(crate) fn rendered(text: &str, role: Role, template: &str) -> RenderedStack {
    RenderedStack {
        name: name(text),
        role,
        template: template.to_owned(),
        parameters: BTreeMap::new(),
        capabilities: Vec::new(),
        tags: BTreeMap::new(),
        terms: StackTerms::default(),
        exports: BTreeSet::new(),
        imports: BTreeSet::new(),
    }
}

/// Five stacks with the walkthrough's exports and imports.
pub(crate) fn stacks() -> Vec<RenderedStack> {
    let template = "Resources: {A: {Type: AWS::Logs::LogGroup}}";
    let set = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    let of = |text: &str, role, exports: &[&str], imports: &[&str]| RenderedStack {
        exports: set(exports),
        imports: set(imports),
        ..rendered(text, role, template)
    };
    vec![
        of("e-vpc", Role::Vpc, &["e:VPC"], &[]),
        of(
            "e-ecs-cluster",
            Role::EcsCluster,
            &["e:Cluster"],
            &["e:VPC"],
        ),
        of("e-ecr-repositories", Role::EcrRepositories, &[], &[]),
        of("e-mesh", Role::Mesh, &[], &[]),
        of(
            "e-ecs-service",
            Role::EcsService,
            &[],
            &["e:VPC", "e:Cluster"],
        ),
    ]
}

pub(crate) fn wishes() -> Wishes {
    Wishes {
        environment: "e".into(),
        key_pair: Some("color-app".into()),
        image: ImagePlan::Build { digest: None },
        unwanted: Vec::new(),
    }
}

pub(crate) fn deployed(stack: &RenderedStack, status: &str) -> DeployedStack {
    let known = stack
        .parameters
        .iter()
        .filter_map(|(name, value)| match value {
            ParameterValue::Known(value) => Some((name.clone(), value.clone())),
            ParameterValue::AppImage | ParameterValue::PushedImage(_) => None,
        });
    DeployedStack {
        stack: Stack {
            id: format!("arn:{}", stack.name),
            name: stack.name.to_string(),
            status: status.into(),
            status_reason: None,
            parameters: known.collect(),
            tags: stack.tags.clone(),
            outputs: BTreeMap::new(),
            exports: Vec::new(),
            is_protected: false,
            role_arn: stack.terms.role_arn.clone(),
            notification_arns: stack.terms.notification_arns.clone().unwrap_or_default(),
            rollback_alarms: stack.terms.rollback_alarms.clone().unwrap_or_default(),
            changed: None,
        },
        template: Some(stack.template.clone()),
    }
}

/// One line a step.
pub(crate) fn lines(plan: &Plan) -> String {
    let line = |step: &super::Step| {
        let action = serde_json::to_value(&step.action).expect("an action is serializable");
        let needs: Vec<String> = step.needs.iter().map(ToString::to_string).collect();
        let after = if needs.is_empty() {
            String::new()
        } else {
            format!(", after {}", needs.join(", "))
        };
        format!(
            "{}: {}{after}",
            step.id,
            action["action"].as_str().expect("a name")
        )
    };
    plan.steps.iter().map(line).collect::<Vec<_>>().join("\n")
}
