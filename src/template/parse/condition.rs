//! The `Conditions` section, and conditions inside conditions.

use super::Reader;
use super::functions::call;
use crate::template::Condition;
use crate::yaml::Node;

impl Reader<'_> {
    pub(super) fn condition(&mut self, node: &Node) -> Option<Condition> {
        if let [(key, name)] = node.entries()
            && key.text == "Condition"
        {
            return self.condition_name(node, name);
        }
        let Some(call) = call(node) else {
            let help = "write `!Equals`, `!And`, `!Or`, `!Not` or `!Condition`";
            self.advise(
                node.span,
                "Template format error: Every Conditions member must be a condition function",
                help,
            );
            return None;
        };
        let argument = call.argument;
        match call.name.as_ref() {
            "Condition" => self.condition_name(node, argument),
            "Fn::Equals" => match argument.items() {
                [left, right] => Some(Condition::Equals(self.expression(left), self.expression(right))),
                _ => self.misused(node, "Template error: every Fn::Equals object requires a list of 2 string parameters."),
            },
            "Fn::Not" => match argument.items() {
                [one] => Some(Condition::Not(Box::new(self.condition(one)?))),
                _ => self.misused(node, "Template error: every Fn::Not object requires one boolean parameter."),
            },
            name @ ("Fn::And" | "Fn::Or") => {
                if !(2..=10).contains(&argument.items().len()) {
                    let words = "object requires a list of at least 2 and at most 10 boolean parameters.";
                    return self.misused(node, &format!("Template error: every {name} {words}"));
                }
                let all: Vec<_> = argument.items().iter().filter_map(|item| self.condition(item)).collect();
                Some(if name == "Fn::And" { Condition::And(all) } else { Condition::Or(all) })
            }
            name => self.misused(node, &format!("Template format error: `{name}` is no condition function")),
        }
    }

    fn condition_name(&mut self, node: &Node, argument: &Node) -> Option<Condition> {
        match argument.as_str() {
            Some(name) => Some(Condition::Named(name.to_owned(), argument.span)),
            None => self.misused(
                node,
                "Template format error: `Condition` takes the name of a condition",
            ),
        }
    }

    fn misused(&mut self, node: &Node, message: &str) -> Option<Condition> {
        self.error(node.span, message);
        None
    }
}
