//! The cut through the whole program, on an endpoint that takes AWS's times.

use std::collections::BTreeMap;
use std::time::Duration;

use colormesh::account::lab::Speed;
use colormesh::config::Config;
use colormesh::stack::render;

use super::model::Model;
use crate::project::Project;

/// Two minutes are 2.4 s.
const SCALE: f64 = 0.02;

#[test]
#[ignore = "needs root and Envoy"]
fn the_way_in_and_the_way_out_are_made_side_by_side() {
    let project = Project::new()
        .file("colormesh.yaml", "internet: stand-in\nkey_pair: none\n")
        .file("lab.yaml", &format!("latency: {{scale: {SCALE}}}\n"));
    project
        .run(&["local", "start", "--lab", "lab.yaml"])
        .code(0);
    let up = project.run(&["up", "--output", "json"]).code(0).json();
    let steps: BTreeMap<&str, f64> = up["finished"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| {
            let name = step["step"].as_str().unwrap();
            let name = name.rsplit_once("Example-").map_or(name, |(_, end)| end);
            (name, step["elapsed"].as_f64().unwrap())
        })
        .collect();
    // As slow as the model has it, so that the rest is shown in AWS's time.
    let model = Model::of(render(&Config::default()).unwrap(), Speed::Median, 0);
    let bound = model.bound().mul_f64(SCALE);
    let took = Duration::from_secs_f64(up["seconds"].as_f64().unwrap());
    assert!(took >= bound, "{took:?} of {bound:?}");
    // One beside the other: together they are longer than all of it.
    assert!(
        steps["ingress"] + steps["nat"] + steps["ecs-service"] > took.as_secs_f64(),
        "{steps:?} in {took:?}"
    );
    project.run(&["down"]).code(0);
}
