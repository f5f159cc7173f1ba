//! A report as JUnit XML, for the CI systems that show it.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use super::check::{Check, Report, Verdict};

/// `report` as one JUnit test suite.
pub fn junit(report: &Report) -> io::Result<Vec<u8>> {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let name = format!(
        "colormesh verify {} ({})",
        report.environment, report.target
    );
    writer
        .create_element("testsuite")
        .with_attribute(("name", name.as_str()))
        .with_attribute(("tests", report.checks.len().to_string().as_str()))
        .with_attribute((
            "failures",
            report.count(Verdict::Failed).to_string().as_str(),
        ))
        .with_attribute((
            "skipped",
            report.count(Verdict::Skipped).to_string().as_str(),
        ))
        .with_attribute(("errors", "0"))
        .with_attribute((
            "time",
            format!("{:.3}", report.elapsed.as_secs_f64()).as_str(),
        ))
        .write_inner_content(|writer| {
            report
                .checks
                .iter()
                .try_for_each(|check| case(writer, check))
        })?;
    let mut xml = writer.into_inner();
    xml.push(b'\n');
    Ok(xml)
}

fn case(writer: &mut Writer<Vec<u8>>, check: &Check) -> io::Result<()> {
    writer
        .create_element("testcase")
        .with_attribute(("classname", "colormesh.verify"))
        .with_attribute(("name", printable(&check.name).as_str()))
        .with_attribute((
            "time",
            format!("{:.3}", check.elapsed.as_secs_f64()).as_str(),
        ))
        .write_inner_content(|writer| {
            let seen = printable(&format!(
                "expected: {}\nseen: {}\nevidence: {}",
                check.expected, check.seen, check.evidence
            ));
            match check.verdict {
                Verdict::Failed => writer
                    .create_element("failure")
                    .with_attribute(("message", printable(&check.seen).as_str()))
                    .write_text_content(BytesText::new(&seen))
                    .map(drop),
                Verdict::Skipped => writer
                    .create_element("skipped")
                    .with_attribute(("message", printable(&check.evidence).as_str()))
                    .write_empty()
                    .map(drop),
                Verdict::Passed => writer
                    .create_element("system-out")
                    .write_text_content(BytesText::new(&seen))
                    .map(drop),
            }
        })
        .map(drop)
}

/// XML has no way to write most control characters, and what a server outside
/// answered may hold any.
fn printable(text: &str) -> String {
    let is_text = |c: char| matches!(c, '\t' | '\n' | '\r') || !c.is_control();
    text.chars()
        .map(|c| match c {
            '\u{fffe}' | '\u{ffff}' => '\u{fffd}',
            c if is_text(c) => c,
            _ => '\u{fffd}',
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use quick_xml::Reader;

    use super::*;

    fn check(name: &str, verdict: Verdict, evidence: &str) -> Check {
        Check {
            name: name.to_owned(),
            verdict,
            expected: "200".to_owned(),
            seen: "\"<200>\" & 'more'".to_owned(),
            evidence: evidence.to_owned(),
            elapsed: Duration::from_millis(1234),
        }
    }

    /// The elements, each as its parent, its name and its attributes.
    fn elements(xml: &str) -> Vec<(String, String, BTreeMap<String, String>)> {
        let mut reader = Reader::from_str(xml);
        let (mut found, mut open) = (Vec::new(), vec![String::new()]);
        loop {
            let event = reader.read_event().expect("well-formed");
            let (element, stays) = match event {
                Event::Start(element) => (element, true),
                Event::Empty(element) => (element, false),
                Event::End(_) => {
                    open.pop();
                    continue;
                }
                Event::Eof => return found,
                _ => continue,
            };
            let name = element.name().as_ref().to_owned();
            let attributes = element.attributes().map(|attribute| {
                let attribute = attribute.expect("an attribute");
                let key = attribute.key.as_ref().to_owned();
                (key, attribute.value.into_owned())
            });
            let parent = open.last().cloned().unwrap_or_default();
            found.push((parent, name.clone(), attributes.collect()));
            if stays {
                open.push(name);
            }
        }
    }

    /// What Jenkins' schema (junit-10.xsd) has: who may be inside whom, with
    /// which attributes, which of them must be there.
    const SCHEMA: &[(&str, &str, &[&str], &[&str])] = &[
        (
            "",
            "testsuite",
            &["name", "tests", "failures", "errors"],
            &["time", "skipped", "timestamp", "hostname", "id", "package"],
        ),
        ("testsuite", "testcase", &["name"], &["time", "classname"]),
        ("testcase", "failure", &[], &["type", "message"]),
        ("testcase", "skipped", &[], &["type", "message"]),
        ("testcase", "system-out", &[], &[]),
    ];

    #[test]
    fn a_report_is_what_the_schema_has() {
        let checks = vec![
            check("a", Verdict::Passed, "<b> ]]> & \"c\""),
            check(
                "b \u{7}",
                Verdict::Failed,
                "\u{1b}[31mred\u{0}\u{fffe}\u{85}\r\n\té",
            ),
            check("c", Verdict::Skipped, "because\u{c}"),
        ];
        let report = Report {
            environment: "Demo".to_owned(),
            target: "local".to_owned(),
            world: None,
            passed: false,
            checks,
            elapsed: Duration::from_millis(61_234),
        };
        let xml = String::from_utf8(junit(&report).expect("written")).expect("UTF-8");
        let is_allowed =
            |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
        assert!(xml.chars().all(is_allowed), "{xml:?}");
        let elements = elements(&xml);
        for (parent, name, attributes) in &elements {
            let rule = SCHEMA
                .iter()
                .find(|rule| (rule.0, rule.1) == (parent, name));
            let (_, _, must, may) = rule.unwrap_or_else(|| panic!("{name} in {parent}"));
            for attribute in attributes.keys() {
                let known = must.contains(&attribute.as_str()) || may.contains(&attribute.as_str());
                assert!(known, "{attribute} of {name}");
            }
            let missing = must
                .iter()
                .find(|attribute| !attributes.contains_key(**attribute));
            assert_eq!(missing, None, "of {name}");
            if let Some(time) = attributes.get("time") {
                let (whole, thousandths) = time.split_once('.').expect("a fraction");
                assert!(
                    whole.parse::<u32>().is_ok() && thousandths.len() == 3,
                    "{time}"
                );
            }
        }
        let count = |wanted: &str| {
            elements
                .iter()
                .filter(|(_, name, _)| name == wanted)
                .count()
        };
        let suite = &elements[0].2;
        for (attribute, name) in [
            ("tests", "testcase"),
            ("failures", "failure"),
            ("skipped", "skipped"),
        ] {
            assert_eq!(suite[attribute], count(name).to_string(), "{attribute}");
        }
    }
}
