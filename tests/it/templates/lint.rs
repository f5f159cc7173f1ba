//! What cfn-lint says.

use std::process::Command;

use super::{SETTINGS, rendered};

/// No finding but W3696: App Mesh has been shut down; and W6001, which the
/// service's template itself turns off: its endpoint is an output of another
/// stack. What is said here overrules what is said there.
#[test]
#[ignore = "needs cfn-lint"]
fn cfn_lint_finds_nothing_but_the_end_of_app_mesh() {
    for (title, settings) in SETTINGS {
        let (_project, files) = rendered(settings);
        let output = Command::new("cfn-lint")
            .args([
                "--regions",
                "us-west-2",
                "--ignore-checks",
                "W3696,W6001",
                "--",
            ])
            .args(files)
            .output()
            .expect("cfn-lint is installed");
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success(), "{title}: {said}");
    }
}
