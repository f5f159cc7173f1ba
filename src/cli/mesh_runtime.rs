//! Who runs the mesh: App Mesh where it answers, else Envoys with a
//! configuration of ours.

use anyhow::Result;

use super::exit::Exit;
use super::printer::Printer;
use super::session::Session;
use crate::aws::AppMeshAnswer;
use crate::config::{Config, MeshRuntime, Target};

/// Who runs the mesh.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runtime {
    /// App Mesh's control plane, or who answers in its place.
    AppMesh,
    /// Envoys with the configuration that is compiled here.
    Envoy,
}

/// Who runs it when nobody is asked: the local endpoint answers App Mesh, AWS
/// has ended it.
pub(crate) fn presumed(config: &Config) -> Runtime {
    match (config.mesh.runtime, config.target) {
        (MeshRuntime::AppMesh, _) | (MeshRuntime::Auto, Target::Local) => Runtime::AppMesh,
        (MeshRuntime::Envoy, _) | (MeshRuntime::Auto, Target::Aws) => Runtime::Envoy,
    }
}

/// Who runs it at this endpoint, which is asked where it matters.
pub(crate) async fn settle(session: &Session, printer: Printer) -> Result<Runtime> {
    let config = &session.config;
    match (config.mesh.runtime, config.target) {
        (MeshRuntime::Auto | MeshRuntime::AppMesh, Target::Local) | (MeshRuntime::Envoy, _) => {
            Ok(presumed(config))
        }
        (MeshRuntime::Auto, Target::Aws) => {
            let (runtime, why) = match session.cloud.app_mesh().await? {
                AppMeshAnswer::Answers => (Runtime::AppMesh, "App Mesh answers".to_owned()),
                AppMeshAnswer::Silent { why } => (Runtime::Envoy, why),
            };
            let name = match runtime {
                Runtime::AppMesh => MeshRuntime::AppMesh,
                Runtime::Envoy => MeshRuntime::Envoy,
            };
            printer.say(&format!("the mesh runs as `{name}`: {why}"));
            Ok(runtime)
        }
        (MeshRuntime::AppMesh, Target::Aws) => match session.cloud.app_mesh().await? {
            AppMeshAnswer::Answers => Ok(Runtime::AppMesh),
            AppMeshAnswer::Silent { why } => Err(refused(&why).into()),
        },
    }
}

fn refused(why: &str) -> Exit {
    Exit::usage(format!(
        "`mesh.runtime` is `app-mesh`, but {why}\n\n\
         hint: AWS ended App Mesh on 30 September 2026; `mesh.runtime: envoy`, or `auto`, gives \
         each Envoy its configuration without it; nothing was changed"
    ))
}
