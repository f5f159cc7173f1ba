//! How the app's connections come to Envoy: what goes together, and what an
//! app without a redirection can do.

use super::external_services::Draft;
use super::reader::{Place, Placed, Reader, Section};
use super::{CapacityProviderName, Egress, Invalid, MeshConfig, MeshRuntime, Nat, Redirect, Vpc};

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
            (Redirect::InitContainer | Redirect::Ports, MeshRuntime::Auto | MeshRuntime::Envoy) => {
                MeshRuntime::Envoy
            }
            (Redirect::InitContainer | Redirect::Ports, MeshRuntime::AppMesh) => {
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

    /// What runs the tasks has to be able to.
    pub(super) fn check_capacity(
        &mut self,
        root: Section<'_>,
        mesh: &MeshConfig,
        provider: Option<&Placed<CapacityProviderName>>,
        vpc: Vpc,
    ) {
        match (mesh.redirect, provider) {
            (Redirect::InitContainer, None) => self.refuse_fargate(root),
            (_, Some(provider)) if vpc.nat == Nat::None => {
                let message = "without NAT gateways tasks need public addresses, which ECS gives on Fargate alone";
                let help = "let `vpc.nat` be `one` or `per_zone`, or leave `capacity_provider` out";
                self.refuse(&provider.place, Invalid::new(message, help));
            }
            (_, Some(_) | None) => {}
        }
    }

    fn refuse_fargate(&mut self, root: Section<'_>) {
        let section = self.section(root.get("mesh"), "mesh");
        let Some(placed) = self.setting::<Redirect>(section, "redirect") else {
            return;
        };
        let message = "an init container needs NET_ADMIN, which Fargate gives no container";
        let help = "name EC2 instances of your own to run on, `capacity_provider: NAME` beside `mesh`, or write `redirect: ports`";
        self.refuse(&placed.place, Invalid::new(message, help));
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
