//! `verify --egress`: that its probes bite, that nothing gets out of a real
//! app, and that it says so when something does.

mod open;
mod real;
mod told;

use colormesh::runtime::probe::{Attempt, Counts, Expected, Run, Sight, Summary, all};

use open::Open;

/// What this kernel may not have at all; then nobody gets out through it.
const OPTIONAL: [&str; 3] = [
    "SCTP and DCCP",
    "sockets of other families, vsock",
    "kernel modules",
];
/// What it says then.
const MISSING: [&str; 3] = ["not supported", "no such family", "not implemented"];

fn sight(counts: &Counts, run: Run, probe: &Summary) -> Sight {
    let sight = counts.probes.get(&(run, probe.place));
    sight.copied().unwrap_or_default()
}

fn attempt<'a>(attempts: &'a [Attempt], probe: &Summary) -> &'a Attempt {
    let found = attempts.iter().find(|attempt| attempt.probe == probe.name);
    found.unwrap_or_else(|| panic!("no word of {}", probe.name))
}

/// With the protection off every probe gets out, and where packets leave, it
/// is the witness who says so.
#[test]
#[ignore = "needs root and Envoy"]
fn every_probe_gets_out_where_nothing_holds_it() {
    let open = Open::new();
    let probes: Vec<Summary> = all().filter(|probe| !probe.in_copy).collect();
    let names: Vec<&str> = probes.iter().map(|probe| probe.name).collect();
    let (attempts, counts) = open.probe(Run::Root, &names);
    let mut held = Vec::new();
    for probe in &probes {
        let (said, seen) = (attempt(&attempts, probe), sight(&counts, Run::Root, probe));
        let out = match (probe.expected, probe.name) {
            (Expected::Modelled, "TLS to a modelled service") => seen.marked > 0,
            // Gets to somebody who is not the modelled host.
            (Expected::Modelled, _) => seen.foreign > 0,
            // Its word is not asked; the test of the state is.
            (Expected::Refused, "the container's first process") => said.seen == "ignored",
            (Expected::Refused, "the proxy's admin port") => said.reached,
            (Expected::Refused, _) => match probe.shown {
                colormesh::runtime::probe::Shown::ByPackets => seen != Sight::default(),
                _ => said.reached,
            },
        };
        let missing =
            OPTIONAL.contains(&probe.name) && MISSING.iter().any(|word| said.seen.contains(word));
        if !out && !missing {
            held.push(format!("{}: {} {seen:?}", probe.name, said.seen));
        }
    }
    assert!(held.is_empty(), "{}", held.join("\n"));
}

/// Changes of the network get out too, each in a network of its own that was
/// closed before.
#[test]
#[ignore = "needs root and Envoy"]
fn every_change_of_the_network_gets_out_where_nothing_holds_it() {
    let run = Run::RootInCopy;
    for probe in all().filter(|probe| probe.in_copy) {
        let open = Open::new();
        match probe.name {
            "redirection rules flushed" => open.redirect(),
            "another route" => open
                .app
                .shell("ip route del default; ip -6 route del default"),
            _ => {}
        }
        let (attempts, counts) = open.probe(run, &[probe.name]);
        let said = attempt(&attempts, &probe);
        if probe.name == "a veth to the proxy" {
            assert!(said.reached, "{said:?}");
            // The end of the cable is the witness.
            open.world.shell("ip link show | grep -q cm.*p@");
        } else {
            let seen = sight(&counts, run, &probe);
            assert!(seen.foreign > 0, "{said:?} {seen:?}");
        }
    }
}

/// The rules that the test above flushes do hold before.
#[test]
#[ignore = "needs root and Envoy"]
fn a_network_whose_rules_are_not_flushed_holds() {
    let open = Open::new();
    open.redirect();
    let probe = all()
        .find(|probe| probe.name == "TLS, foreign name")
        .unwrap();
    let (_, counts) = open.probe(Run::Root, &[probe.name]);
    assert_eq!(sight(&counts, Run::Root, &probe), Sight::default());
}
