//! What it means that resources move from one stack to another, for people.

use std::fmt::Write as _;

use super::layout::wrapped;
use super::printer::{FAINT, WARN};
use crate::plan::{Move, Plan};

/// What is said of types whose moving is felt outside.
const FELT: [(&str, &str); 3] = [
    (
        "AWS::ElasticLoadBalancingV2::LoadBalancer",
        "the load balancer gets another name: the endpoint changes",
    ),
    (
        "AWS::EC2::EIP",
        "what leaves through a NAT gateway gets another address: tell whoever lets in the old one",
    ),
    (
        "AWS::EC2::Route",
        "from when the old routes go until the new ones stand, some minutes on AWS, nothing goes \
         that way",
    ),
];

/// The moves of a plan, a line each, and what they come to; nothing without.
pub(crate) fn text(plan: &Plan, width: Option<usize>) -> String {
    let mut text = String::new();
    if plan.moves.is_empty() {
        return text;
    }
    text.push_str("\nthese move to another stack, where they are made anew:\n");
    for each in &plan.moves {
        let Move {
            logical_id,
            resource_type,
            from,
            to,
        } = each;
        let line = format!("{logical_id} ({resource_type}): {from} -> {to}");
        let _ = writeln!(text, "      {}", wrapped(&line, width, 8, FAINT));
    }
    let moves = |felt: &str| plan.moves.iter().any(|each| each.resource_type == felt);
    for (_, meaning) in FELT.iter().filter(|(felt, _)| moves(felt)) {
        let _ = writeln!(text, "  {}", wrapped(meaning, width, 2, WARN));
    }
    text
}
