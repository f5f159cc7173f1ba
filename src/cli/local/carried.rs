//! A proxy whose container has its whole configuration: where it is, and how
//! it is run.

use std::path::Path;

use super::images::Images;
use crate::account::desired::{DesiredContainer, DesiredTask};
use crate::envoy::Carried;
use crate::runtime::CarriedProxy;

/// What Envoy's command line says.
#[derive(Debug, Default, PartialEq, Eq)]
struct CommandLine {
    source: Option<Source>,
    rest: Vec<String>,
}

/// Where a configuration is.
#[derive(Debug, PartialEq, Eq)]
enum Source {
    /// In the command line.
    Text(String),
    /// In a file of the image.
    File(String),
}

/// Arguments that say what is decided here: with their values.
const OURS: &[&str] = &["--admin-address-path", "--log-path", "--base-id"];
/// The same, without one.
const OUR_FLAGS: &[&str] = &["--disable-hot-restart", "--use-dynamic-base-id"];

/// The proxy of a task, if it brings its configuration along.
pub(super) async fn proxy(
    task: &DesiredTask,
    images: &Images,
) -> Result<Option<CarriedProxy>, String> {
    let name = task.proxy_container.as_ref();
    let container = task.containers.iter().find(|it| Some(&it.name) == name);
    let Some(container) = container else {
        return Ok(None);
    };
    let line = command_line(&container.command)
        .map_err(|why| format!("container `{}`: {why}", container.name))?;
    let text = match line.source {
        Some(Source::Text(text)) => text,
        Some(Source::File(path)) => file(container, &path, images).await?,
        None => return Ok(None),
    };
    let redirection = task.redirection.clone().unwrap_or_default();
    let (egress, ingress) = (redirection.egress_port, redirection.ingress_port);
    let configuration = Carried::parse(&text, egress, ingress)
        .map_err(|error| format!("container `{}`: {error}", container.name))?;
    Ok(Some(CarriedProxy {
        configuration,
        arguments: line.rest,
        app_ports: redirection.app_ports,
    }))
}

async fn file(container: &DesiredContainer, path: &str, images: &Images) -> Result<String, String> {
    let image = images.unpacked(&container.image).await;
    let image =
        image.map_err(|why| format!("CannotPullContainerError: {}: {why}", container.image))?;
    let inside = Path::new(path.trim_start_matches('/'));
    read_inside(&image.root, inside).map_err(|error| {
        format!(
            "container `{}`: cannot read `{path}` of image `{}`: {error}",
            container.name, container.image
        )
    })
}

/// Reads a file of an image, which may not lead out of it.
fn read_inside(root: &Path, inside: &Path) -> std::io::Result<String> {
    let (root, path) = (root.canonicalize()?, root.join(inside).canonicalize()?);
    if !path.starts_with(&root) {
        return Err(std::io::ErrorKind::NotFound.into());
    }
    std::fs::read_to_string(path)
}

/// Takes Envoy's arguments apart.
fn command_line(arguments: &[String]) -> Result<CommandLine, String> {
    let mut line = CommandLine::default();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        let (name, value) = match argument.split_once('=') {
            Some((name, value)) if name.starts_with("--") => (name, Some(value.to_owned())),
            _ => (argument.as_str(), None),
        };
        let mut value = || {
            let value = value.clone().or_else(|| arguments.next().cloned());
            value.ok_or_else(|| format!("`{name}` has no value"))
        };
        let source = match name {
            "--config-yaml" => Source::Text(value()?),
            "-c" | "--config-path" => Source::File(value()?),
            name if OURS.contains(&name) => {
                value()?;
                continue;
            }
            name if OUR_FLAGS.contains(&name) => continue,
            _ => {
                line.rest.push(argument.clone());
                continue;
            }
        };
        if line.source.replace(source).is_some() {
            return Err("its Envoy has two configurations: the local target takes one".to_owned());
        }
    }
    Ok(line)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn read(arguments: &[&str]) -> Result<CommandLine, String> {
        let arguments: Vec<String> = arguments.iter().map(|&it| it.to_owned()).collect();
        command_line(&arguments)
    }

    #[test]
    fn a_configuration_is_a_text_or_a_file_and_the_rest_stays() {
        let line = read(&["--config-yaml", "{}", "--log-level", "info"]).unwrap();
        assert_eq!(line.source, Some(Source::Text("{}".to_owned())));
        assert_eq!(line.rest, ["--log-level", "info"]);
        let line = read(&["--concurrency", "2", "-c", "/a.json", "--base-id", "7"]).unwrap();
        assert_eq!(line.source, Some(Source::File("/a.json".to_owned())));
        assert_eq!(line.rest, ["--concurrency", "2"]);
        let line = read(&["--config-path=/a.json", "--disable-hot-restart"]).unwrap();
        assert_eq!(line.source, Some(Source::File("/a.json".to_owned())));
        assert!(line.rest.is_empty());
    }

    #[test]
    fn what_cannot_be_run_is_told() {
        assert!(read(&["-c"]).unwrap_err().contains("`-c` has no value"));
        let two = read(&["-c", "/a", "--config-yaml", "{}"]).unwrap_err();
        assert!(two.contains("two configurations"));
        assert_eq!(read(&["--log-level", "info"]).unwrap().source, None);
    }

    #[test]
    fn a_link_does_not_lead_out_of_an_image() {
        let folder = tempfile::tempdir().unwrap();
        let (root, outside) = (folder.path().join("root"), folder.path().join("secret"));
        std::fs::create_dir(&root).unwrap();
        std::fs::write(&outside, "secret").unwrap();
        std::os::unix::fs::symlink(&outside, root.join("link")).unwrap();
        std::fs::write(root.join("own"), "own").unwrap();
        assert_eq!(read_inside(&root, Path::new("own")).unwrap(), "own");
        assert!(read_inside(&root, Path::new("link")).is_err());
        assert!(read_inside(&root, Path::new("../secret")).is_err());
    }
}
