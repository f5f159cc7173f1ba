//! `colormesh local start` as a laboratory.

use crate::project::Project;
use colormesh::account::lab::{Call, CallOutcome};

const LAB: &str = "
faults:
  calls:
    - {operation: 'cloudformation:DescribeStacks', nth: 1, do: internal}
";

#[test]
#[ignore = "needs root and Envoy"]
fn the_program_starts_a_laboratory_and_keeps_it_until_it_is_stopped() {
    let project = Project::new().file("lab.yaml", LAB);
    let start = ["local", "start", "--internet", "stand-in"];
    let url = project.run(&start).code(0).stdout;
    let flags = ["--lab", "lab.yaml", "--call-log", "calls.jsonl"];
    let lab = [&start[..], &flags].concat();
    let said = project.run(&lab).code(0);
    assert!(
        said.stderr.contains("restarting the local endpoint"),
        "{}",
        said.stderr
    );
    // The same again changes nothing, nor does a start without wishes.
    assert_eq!(project.run(&lab).code(0).stderr, "");
    assert_eq!(project.run(&start).code(0).stdout, url);
    // One answer with 500 is not the end: the client asks again.
    project.run(&["plan", "--internet", "stand-in"]).code(0);
    let text = std::fs::read_to_string(project.path().join("calls.jsonl")).unwrap();
    let calls: Vec<Call> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let reads = calls
        .iter()
        .filter(|call| call.operation == "cloudformation:DescribeStacks");
    let outcomes: Vec<CallOutcome> = reads.map(|call| call.outcome).collect();
    assert_eq!(outcomes[0], CallOutcome::Failed);
    assert_ne!(outcomes[1], CallOutcome::Failed);

    project.write("lab.yaml", "faults: {calls: [{operation: a, do: explode}]}");
    let wrong = project.run(&lab).code(1);
    assert!(
        wrong.stderr.contains("is no laboratory"),
        "{}",
        wrong.stderr
    );
    assert!(wrong.stderr.contains("explode"), "{}", wrong.stderr);
}
