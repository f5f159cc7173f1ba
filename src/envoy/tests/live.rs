//! What the compiler writes is what the real Envoy reads.

use std::path::PathBuf;
use std::process::Command;

use super::meshes::{external_http, external_tcp, mesh};
use super::{GATEWAY, TELLER, compiled};

/// `COLORMESH_ENVOY`, or the one on `PATH`.
fn envoy() -> PathBuf {
    std::env::var_os("COLORMESH_ENVOY").map_or_else(|| "envoy".into(), PathBuf::from)
}

pub(super) fn assert_valid(name: &str, rendering: &str) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("static.json");
    std::fs::write(&file, rendering).unwrap();
    let output = Command::new(envoy())
        .args([
            "--mode",
            "validate",
            "--log-level",
            "error",
            "--config-path",
        ])
        .arg(&file)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{name}: {said}");
}

#[test]
#[ignore = "needs Envoy"]
fn envoy_accepts_every_form_of_service() {
    let services = [
        external_tcp("github", "github.com", 443, None),
        external_tcp("godev", "go.dev", 443, Some(444)),
        external_tcp("db", "db.test", 5432, None),
        external_tcp("db2", "db2.test", 5432, None),
        external_http("a", "a.test", 80),
        external_http("b", "b.test", 80),
    ];
    for egress in ["DROP_ALL", "ALLOW_ALL"] {
        let resources = mesh(egress, &services);
        for proxy in [TELLER, GATEWAY] {
            let rendering = compiled(&resources, proxy).static_rendering();
            assert_valid(&format!("{egress} {proxy}"), &rendering);
        }
    }
}

#[test]
#[ignore = "needs Envoy"]
fn envoy_accepts_a_mesh_without_services() {
    let rendering = compiled(&mesh("DROP_ALL", &[]), TELLER).static_rendering();
    assert_valid("no services", &rendering);
}
