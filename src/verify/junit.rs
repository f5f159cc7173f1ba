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
        .with_attribute(("name", check.name.as_str()))
        .with_attribute((
            "time",
            format!("{:.3}", check.elapsed.as_secs_f64()).as_str(),
        ))
        .write_inner_content(|writer| {
            let seen = format!(
                "expected: {}\nseen: {}\nevidence: {}",
                check.expected, check.seen, check.evidence
            );
            match check.verdict {
                Verdict::Failed => writer
                    .create_element("failure")
                    .with_attribute(("message", check.seen.as_str()))
                    .write_text_content(BytesText::new(&seen))
                    .map(drop),
                Verdict::Skipped => writer
                    .create_element("skipped")
                    .with_attribute(("message", check.evidence.as_str()))
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
