//! What the environment tells the app.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use hyper::Uri;

/// The app's settings, read once.
#[derive(Debug)]
pub(crate) struct Settings {
    /// Port to listen on: `SERVER_PORT`, 80 when absent.
    pub(crate) port: u16,
    /// What `/` answers: `COLOR`, `white` when absent.
    pub(crate) color: String,
    /// Outside services by name: `EXTERNAL_SERVICES` and its continuations.
    pub(crate) external: BTreeMap<String, Uri>,
    /// Ports on 127.0.0.1 at which services are, by name, where nothing leads
    /// connections there: `LOCAL_PORTS` and its continuations.
    pub(crate) local_ports: BTreeMap<String, u16>,
    /// PEM file with certificate authorities to trust besides the public
    /// ones: `SSL_CERT_FILE`.
    pub(crate) extra_roots: Option<PathBuf>,
    /// How long to go on after being asked to end: `STOP_DELAY` in seconds.
    pub(crate) stop_delay: Duration,
}

impl Settings {
    /// Reads the settings out of environment variables.
    ///
    /// `EXTERNAL_SERVICES` holds `name=url` entries between spaces, and
    /// `LOCAL_PORTS` holds `name=port`. One variable cannot be longer than the
    /// kernel's limit for one string (128 KiB on Linux), so a long list goes
    /// on in `EXTERNAL_SERVICES_2`, `EXTERNAL_SERVICES_3` and so on.
    pub(crate) fn from_environment(
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<Self, String> {
        let mut settings = Self {
            port: 80,
            color: "white".to_owned(),
            external: BTreeMap::new(),
            local_ports: BTreeMap::new(),
            extra_roots: None,
            stop_delay: Duration::ZERO,
        };
        for (name, value) in variables {
            match name.as_str() {
                "SERVER_PORT" => settings.port = port(&value)?,
                "STOP_DELAY" => settings.stop_delay = seconds(&value)?,
                "COLOR" => settings.color = value,
                "SSL_CERT_FILE" => settings.extra_roots = Some(value.into()),
                _ if is_list(&name, "EXTERNAL_SERVICES") => settings.add_services(&name, &value)?,
                _ if is_list(&name, "LOCAL_PORTS") => settings.add_ports(&name, &value)?,
                _ => {}
            }
        }
        Ok(settings)
    }

    fn add_services(&mut self, variable: &str, list: &str) -> Result<(), String> {
        for entry in list.split_whitespace() {
            let (name, url) = entry
                .split_once('=')
                .ok_or_else(|| format!("{variable}: `{entry}` is not `name=url`"))?;
            let url: Uri = url
                .parse()
                .map_err(|error| format!("{variable}: `{url}` is not a URL: {error}"))?;
            self.external.insert(name.to_owned(), url);
        }
        Ok(())
    }

    fn add_ports(&mut self, variable: &str, list: &str) -> Result<(), String> {
        for entry in list.split_whitespace() {
            let (name, port) = entry
                .split_once('=')
                .ok_or_else(|| format!("{variable}: `{entry}` is not `name=port`"))?;
            let port = port
                .parse()
                .map_err(|error| format!("{variable}: `{port}` is not a port: {error}"))?;
            self.local_ports.insert(name.to_owned(), port);
        }
        Ok(())
    }
}

fn port(value: &str) -> Result<u16, String> {
    value
        .parse()
        .map_err(|error| format!("SERVER_PORT: `{value}` is not a port: {error}"))
}

fn seconds(value: &str) -> Result<Duration, String> {
    let seconds = value.parse();
    seconds
        .map(Duration::from_secs)
        .map_err(|error| format!("STOP_DELAY: `{value}` is no number of seconds: {error}"))
}

fn is_list(name: &str, list: &str) -> bool {
    let Some(rest) = name.strip_prefix(list) else {
        return false;
    };
    rest.is_empty()
        || rest
            .strip_prefix('_')
            .is_some_and(|number| !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    fn read(variables: &[(&str, &str)]) -> Result<Settings, String> {
        Settings::from_environment(
            variables
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        )
    }

    #[test]
    fn an_empty_environment_is_the_white_teller_on_port_80() {
        let settings = read(&[]).unwrap();
        assert_eq!((settings.port, settings.color.as_str()), (80, "white"));
        assert!(settings.external.is_empty());
    }

    #[test]
    fn services_come_from_every_continuation() {
        let settings = read(&[
            (
                "EXTERNAL_SERVICES",
                "github=https://github.com/ a=http://a.test:8080/",
            ),
            ("EXTERNAL_SERVICES_2", "godev=https://go.dev:444/"),
            ("EXTERNAL_SERVICES_X", "no=https://no.test/"),
        ])
        .unwrap();
        let names: Vec<&str> = settings.external.keys().map(String::as_str).collect();
        assert_eq!(names, ["a", "github", "godev"]);
        assert_eq!(settings.external["godev"].port_u16(), Some(444));
    }

    #[test]
    fn ports_come_by_the_services_names() {
        let settings = read(&[
            ("LOCAL_PORTS", "github=20001"),
            ("LOCAL_PORTS_2", "a=20002"),
        ]);
        let ports = settings.unwrap().local_ports;
        assert_eq!(
            ports,
            [("github".to_owned(), 20001), ("a".to_owned(), 20002)].into()
        );
        let error = read(&[("LOCAL_PORTS", "github=x")]).unwrap_err();
        assert!(error.starts_with("LOCAL_PORTS:"), "{error}");
    }

    #[test]
    fn mistakes_name_the_variable() {
        let error = read(&[("EXTERNAL_SERVICES_2", "github")]).unwrap_err();
        assert!(error.starts_with("EXTERNAL_SERVICES_2:"), "{error}");
        let error = read(&[("SERVER_PORT", "http")]).unwrap_err();
        assert!(error.starts_with("SERVER_PORT:"), "{error}");
    }
}
