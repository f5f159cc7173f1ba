//! From what was typed to checked settings: reads the file, hands it with the
//! environment and the flags to `config`, and tells every mistake at once.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Result;

use super::args::{Global, Settings};
use super::exit::Exit;
use super::job;
use super::printer::talk;
use crate::config::{self, Config, FILE_NAME, Input, Overrides};
use crate::diag::{self, Diagnostics, Severity, Source, Style};

/// The settings for this call, after telling what in them may not be meant.
pub(crate) fn load_and_warn(global: &Global) -> Result<Config> {
    let (config, warnings) = read_all(global)?;
    if !warnings.0.is_empty() {
        talk(&diag::render(&warnings.0, Style::Colour));
        job::annotate_mistakes(&warnings.0);
    }
    Ok(config)
}

/// The settings for this call.
pub(crate) fn load(global: &Global) -> Result<Config> {
    read_all(global).map(|(config, _)| config)
}

fn read_all(global: &Global) -> Result<(Config, Diagnostics)> {
    let input = Input {
        file: read(global.file.as_deref())?,
        environment: &|name| std::env::var(name).ok().filter(|value| !value.is_empty()),
        overrides: overrides(&global.settings),
    };
    config::load_with_warnings(&input).map_err(|found| refused(&found).into())
}

/// The named file, or the usual one when it is there.
fn read(named: Option<&Path>) -> Result<Option<Arc<Source>>> {
    let path = named.map_or_else(|| PathBuf::from(FILE_NAME), Path::to_path_buf);
    match fs::read_to_string(&path) {
        Ok(text) => Ok(Some(Arc::new(Source {
            name: path.display().to_string(),
            text,
        }))),
        Err(error) if error.kind() == io::ErrorKind::NotFound && named.is_none() => Ok(None),
        Err(error) => {
            let message = format!(
                "cannot read the settings file `{}`: {error}",
                path.display()
            );
            Err(Exit::usage(message).into())
        }
    }
}

/// How an item gets into the list of external services of the settings file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum List {
    /// The file has the list, an item a line, with this many spaces before.
    Items { file: String, indentation: usize },
    /// It has none that could be added to: the whole list is to be written.
    Whole { file: String },
}

/// How the list of the settings file is written.
pub(crate) fn list(global: &Global) -> Result<List> {
    let source = read(global.file.as_deref())?;
    Ok(source.map_or_else(
        || List::Whole {
            file: FILE_NAME.to_owned(),
        },
        |source| list_in(&source.name, &source.text),
    ))
}

fn list_in(file: &str, text: &str) -> List {
    let file = file.to_owned();
    let mut lines = text.lines();
    let key = lines.find_map(|line| line.strip_prefix("external_services:"));
    let opens = key.is_some_and(|rest| rest.trim().is_empty() || rest.trim().starts_with('#'));
    let mut items = lines.filter(|line| !matches!(line.trim().chars().next(), None | Some('#')));
    let item = items
        .next()
        .filter(|line| opens && line.trim_start().starts_with("- "));
    match item {
        Some(item) => List::Items {
            file,
            indentation: item.len() - item.trim_start().len(),
        },
        None => List::Whole { file },
    }
}

fn overrides(typed: &Settings) -> Overrides {
    let typed = typed.clone();
    Overrides {
        environment: typed.environment,
        target: typed.target,
        region: typed.region,
        account_id: typed.account_id,
        profile: typed.profile,
        mesh_name: typed.mesh_name,
        egress: typed.egress.filter(|value| !value.is_empty()),
        mesh_runtime: typed.mesh_runtime,
        mesh_redirect: typed.mesh_redirect,
        services_domain: typed.services_domain,
        image_name: typed.image_name,
        image: typed.image,
        key_pair: typed.key_pair,
        envoy_image: typed.envoy_image,
        ssh_from: typed.ssh_from,
        role_arn: typed.role_arn,
        s3_bucket: typed.s3_bucket,
        notification_arn: (!typed.notification_arns.is_empty())
            .then(|| typed.notification_arns.join(",")),
        internet: typed.internet,
    }
}

/// Mistakes in the settings, drawn and noted, with the count of them.
pub(crate) fn refused(mistakes: &Diagnostics) -> Exit {
    let drawn = diag::render(&mistakes.0, Style::Colour);
    job::annotate_mistakes(&mistakes.0);
    let errors = mistakes
        .0
        .iter()
        .filter(|each| each.severity == Severity::Error);
    let count = errors.count();
    let plural = if count == 1 { "" } else { "s" };
    Exit::usage(format!(
        "{drawn}\n{count} mistake{plural} in the settings; nothing was changed"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_added_to_where_it_can_be() {
        let items = |indentation| List::Items {
            file: "f".to_owned(),
            indentation,
        };
        let whole = List::Whole {
            file: "f".to_owned(),
        };
        for (text, expected) in [
            (
                "a: 1\nexternal_services:\n  - { name: a, host: a.b }\n",
                items(2),
            ),
            ("external_services: # mine\n\n# none\n- name: a\n", items(0)),
            ("external_services: []\n", whole.clone()),
            (
                "external_services: [{ name: a, host: a.b }]\n",
                whole.clone(),
            ),
            ("environment: x\n", whole),
        ] {
            assert_eq!(list_in("f", text), expected, "{text}");
        }
    }
}
