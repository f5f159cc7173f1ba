//! How the app's connections come to Envoy: what goes together, and what an
//! app without a redirection can do.

use super::external_services::Draft;
use super::reader::{Place, Reader, Section};
use super::{Egress, Invalid, MeshConfig, MeshRuntime, Redirect};

impl Reader<'_> {
    /// Adds the way to Envoy to the mesh. App Mesh knows `ProxyConfiguration`
    /// alone, so `auto` is `envoy` with any other.
    pub(super) fn redirect(&mut self, section: Section<'_>, mesh: MeshConfig) -> MeshConfig {
        let Some(placed) = self.setting::<Redirect>(section, "redirect") else {
            return mesh;
        };
        let (redirect, place) = (placed.value, placed.place);
        let runtime = match (redirect, mesh.runtime) {
            (Redirect::ProxyConfiguration, runtime) => runtime,
            (Redirect::Ports, MeshRuntime::Auto | MeshRuntime::Envoy) => MeshRuntime::Envoy,
            (Redirect::Ports, MeshRuntime::AppMesh) => {
                self.refuse(&place, without_app_mesh(redirect));
                MeshRuntime::AppMesh
            }
        };
        if redirect == Redirect::Ports {
            self.check_ports(&place, mesh.egress);
        }
        MeshConfig {
            runtime,
            redirect,
            ..mesh
        }
    }

    fn check_ports(&mut self, place: &Place, egress: Egress) {
        if egress == Egress::AllowAll {
            let message = "with `ports` nothing leads to Envoy but what is modelled, so it can let nothing else out";
            let help = "leave `mesh.egress` out, or write `redirect: proxy-configuration`";
            return self.refuse(place, Invalid::new(message, help));
        }
        let message = "with `ports` an app that connects elsewhere is not stopped by Envoy, nor noted: on AWS the security group (443 and the modelled ports, to any host) and the DNS firewall alone hold it";
        let help = "write `proxy-configuration` unless ECS refuses it";
        self.warn(place, Invalid::new(message, help));
    }
}

fn without_app_mesh(redirect: Redirect) -> Invalid {
    let message = format!(
        "`redirect: {redirect}` is for Envoys that are configured here, and `mesh.runtime` is `app-mesh`"
    );
    Invalid::new(
        message,
        "write `runtime: envoy`, or leave `redirect` out for ECS's `ProxyConfiguration`",
    )
}

/// A service's own port on loopback.
pub(super) fn written(draft: &Draft) -> Option<(u16, &Place)> {
    Some((draft.local_port.value??, draft.local_port.place.as_ref()?))
}
