//! What the cut is for: `up` as fast as the resources allow, by the times that
//! were seen on AWS.

use std::fmt::Write as _;
use std::time::Duration;

use colormesh::account::lab::Speed;
use colormesh::config::Config;
use colormesh::stack::{Needs, RenderedStack, Role, render};

use super::before::walkthrough;
use super::model::Model;

const SPEEDS: [(&str, Speed); 3] = [
    ("fast", Speed::Fast),
    ("median", Speed::Median),
    ("slow", Speed::Slow),
];

fn today() -> Vec<RenderedStack> {
    render(&Config::default()).unwrap()
}

#[test]
fn up_comes_within_a_tenth_of_the_longest_chain_of_resources() {
    let mut table = String::new();
    for (name, speed) in SPEEDS {
        let old = Model::of(walkthrough(), speed, 0);
        let new = Model::of(today(), speed, 0);
        let bound = new.bound();
        // The cut drops nothing that a resource waits for.
        assert_eq!(old.bound(), bound, "{name}");
        let seconds = |time: Duration| time.as_secs_f64().round();
        writeln!(
            table,
            "{name}: scripts {}, five stacks {}, ours {}, resources {}",
            seconds(old.scripts()),
            seconds(old.full_width()),
            seconds(new.full_width()),
            seconds(bound),
        )
        .unwrap();
        assert!(new.full_width() <= bound.mul_f64(1.1), "{table}");
    }
    insta::assert_snapshot!(table, @r"
    fast: scripts 592, five stacks 378, ours 221, resources 207
    median: scripts 646, five stacks 432, ours 249, resources 235
    slow: scripts 842, five stacks 628, ours 411, resources 397
    ");
}

/// Each resource with a time of its own. Where the load balancer is quick and
/// a NAT gateway slow, the addresses show, which are made in the gateways' own
/// stack: an export of another could not go while the gateways use it.
#[test]
fn half_of_all_draws_are_within_a_tenth_and_all_within_a_fifth() {
    let mut ratios: Vec<f64> = (0..100)
        .map(|seed| {
            let model = Model::of(today(), Speed::Drawn, seed);
            model.full_width().div_duration_f64(model.bound())
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    assert!(ratios[49] <= 1.1 && ratios[99] <= 1.2, "{ratios:?}");
}

#[test]
fn what_takes_longest_begins_with_its_stack() {
    let new = Model::of(today(), Speed::Median, 0);
    let mut table = String::new();
    for role in Role::ALL {
        writeln!(table, "{role} {}", new.stack(role).as_secs()).unwrap();
    }
    insta::assert_snapshot!(table, @r"
    vpc 29
    ecr-repositories 8
    mesh 28
    ingress 134
    nat 128
    ecs-cluster 63
    ecs-service 84
    ");
    let needs = Needs::of(&today());
    for role in [Role::Ingress, Role::Nat, Role::EcsCluster] {
        let name = role.stack_name(&Config::default());
        let needed: Vec<String> = needs.of_stack(&name).map(ToString::to_string).collect();
        assert_eq!(needed, ["AppMeshExternalExample-vpc"], "{role}");
    }
}
