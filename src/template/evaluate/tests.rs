#![expect(clippy::unwrap_used, reason = "tests")]
use std::fmt::Write;

use super::*;
use crate::template::StaticScope;
use crate::template::parse::tests::template;
use serde_json::json;

const AROUND: &str = "\
Parameters:
  Name: {Type: String}
  Port: {Type: Number}
  Names: {Type: CommaDelimitedList}
Mappings:
  Zones:
    us-west-2: {Letter: b, Number: 7, All: [x, y]}
Conditions:
  Yes: !Equals [!Ref Port, '80']
  No: !Not [!Condition Yes]
  Both: !And [!Condition Yes, !Equals [!Ref Name, demo]]
  Either: !Or [!Condition No, {Condition: Both}]
  Neither: {'Fn::And': [{Condition: No}, {'Fn::Equals': [!Select [0, !Ref Names], a]}]}
Resources:
  Made: {Type: X::Y::Made}
  Left: {Type: X::Y::Left, Condition: No}
  A:
    Type: X::Y::Z
    Properties:
      P: ";

fn scope() -> StaticScope {
    let mut scope = StaticScope::default()
        .pseudo("AWS::Region", "us-west-2")
        .pseudo("AWS::NotificationARNs", "a,b");
    scope.parameters.insert("Name".to_owned(), json!("demo"));
    scope.parameters.insert("Port".to_owned(), json!(80));
    scope
        .parameters
        .insert("Names".to_owned(), json!(["a", "b"]));
    scope
        .resources
        .insert("Made".to_owned(), "made-1".to_owned());
    scope
        .attributes
        .insert(("Made".to_owned(), "Arn".to_owned()), json!("arn:made"));
    scope
        .attributes
        .insert(("Made".to_owned(), "List.Of".to_owned()), json!(["p", "q"]));
    scope
        .imports
        .insert("demo:VPC".to_owned(), "vpc-1".to_owned());
    scope.zones = vec!["us-west-2a".to_owned(), "us-west-2b".to_owned()];
    scope
}

fn evaluate(value: &str) -> Result<Json, EvaluateError> {
    let template = template(&format!("{AROUND}{value}\n"));
    let properties = template.evaluate(&template.resources["A"].properties, &scope())?;
    Ok(properties.get("P").cloned().unwrap_or(Json::Null))
}

#[test]
fn every_function_comes_to_its_value() {
    let cases = [
        (
            "[1, 1.10, true, '2', 2012-10-17]",
            json!([1, "1.10", true, "2", "2012-10-17"]),
        ),
        ("!Ref Name", json!("demo")),
        ("!Ref Port", json!(80)),
        ("!Ref Names", json!(["a", "b"])),
        ("!Ref Made", json!("made-1")),
        ("!Ref AWS::Region", json!("us-west-2")),
        ("!Ref AWS::NotificationARNs", json!(["a", "b"])),
        ("!GetAtt Made.Arn", json!("arn:made")),
        ("!GetAtt Made.List.Of", json!(["p", "q"])),
        (
            "!Sub '${Name}:${Port} ${Made} ${Made.Arn} ${AWS::Region} ${!Name} $Name ${'",
            json!("demo:80 made-1 arn:made us-west-2 ${Name} $Name ${"),
        ),
        (
            "!Sub ['${Name} ${own}', {Name: x, own: !Sub '<${Name}>'}]",
            json!("x <demo>"),
        ),
        (
            "!Join ['-', [a, 1, true, !Ref Name]]",
            json!("a-1-true-demo"),
        ),
        ("!Join [',', !Ref Names]", json!("a,b")),
        ("!Join [',', [a, !Ref AWS::NoValue, b]]", json!("a,b")),
        ("!Split [':', 'a:b:']", json!(["a", "b", ""])),
        ("!Select [1, !Split [':', 'a:b']]", json!("b")),
        ("!Select ['0', !GetAZs '']", json!("us-west-2a")),
        (
            "!GetAZs {Ref: AWS::Region}",
            json!(["us-west-2a", "us-west-2b"]),
        ),
        ("!If [Yes, y, !Ref Left]", json!("y")),
        (
            "[!If [No, y, n], !If [Both, y, n], !If [Either, y, n], !If [Neither, y, n]]",
            json!(["n", "y", "y", "n"]),
        ),
        (
            "{a: !If [No, y, !Ref AWS::NoValue], b: [!Ref AWS::NoValue]}",
            json!({"b": []}),
        ),
        ("!Ref AWS::NoValue", Json::Null),
        ("!FindInMap [Zones, !Ref AWS::Region, Letter]", json!("b")),
        ("!FindInMap [Zones, us-west-2, All]", json!(["x", "y"])),
        ("!FindInMap [!Sub Zones, us-west-2, Number]", json!("7")),
        ("!ImportValue {'Fn::Sub': '${Name}:VPC'}", json!("vpc-1")),
        ("!Base64 {'Fn::Sub': '${Name}'}", json!("ZGVtbw==")),
        (
            "!Select [1, !Cidr [10.0.0.0/16, 4, 8]]",
            json!("10.0.1.0/24"),
        ),
    ];
    for (value, expected) in cases {
        assert_eq!(evaluate(value), Ok(expected), "{value}");
    }
}

#[test]
fn what_comes_to_nothing_says_why() {
    let cases = [
        (
            "!Ref Left",
            "Template format error: Unresolved resource dependencies [Left] in the Resources block of the template",
        ),
        (
            "!GetAtt Left.Arn",
            "Template format error: Unresolved resource dependencies [Left] in the Resources block of the template",
        ),
        (
            "!GetAtt Made.Invalid",
            "Resource type X::Y::Made does not support attribute {Invalid}.",
        ),
        ("!Ref AWS::StackName", "`AWS::StackName` has no value here"),
        ("!ImportValue nope", "No export named nope found."),
        (
            "!FindInMap [Zones, us-west-2, Nope]",
            "Template error: Unable to get mapping for Zones::us-west-2::Nope",
        ),
        (
            "!Select [2, !Ref Names]",
            "Template error: Fn::Select cannot select nonexistent value at index 2",
        ),
        (
            "!Select [-1, !Ref Names]",
            "Template error: Fn::Select cannot select nonexistent value at index -1",
        ),
        (
            "!Join ['', !Ref Name]",
            "Template error: Fn::Join needs a list, not text",
        ),
        (
            "!Join ['', [{a: b}]]",
            "Template error: Fn::Join needs a list of text, not a map",
        ),
        (
            "!Sub '${Names}'",
            "Template error: Fn::Sub needs text, not a list",
        ),
        (
            "!GetAZs eu-west-1",
            "Template error: the availability zones of `eu-west-1` are not known here",
        ),
        (
            "!Cidr [10.0.0.0/24, 2, 8]",
            "Template error: Fn::Cidr cannot cut `10.0.0.0/24` into 2 with 8 host bits",
        ),
    ];
    for (value, expected) in cases {
        assert_eq!(
            evaluate(value).unwrap_err().to_string(),
            expected,
            "{value}"
        );
    }
}

#[test]
fn errors_point_into_the_template() {
    let text = format!("{AROUND}!Join ['', [x, !Sub 'a ${{Left}}']]\n");
    let template = template(&text);
    let error = template
        .evaluate(&template.resources["A"].properties, &scope())
        .unwrap_err();
    let span = error.diagnostic(&template.source).span.unwrap();
    assert_eq!(&text[span.start..span.end], "${Left}");
}

#[test]
fn resources_and_outputs_follow_their_condition() {
    let template = template(&format!(
        "{AROUND}x\nOutputs: {{O: {{Value: x, Condition: No}}}}\n"
    ));
    assert_eq!(
        template.wants(&template.resources["Made"], &scope()),
        Ok(true)
    );
    assert_eq!(
        template.wants(&template.resources["Left"], &scope()),
        Ok(false)
    );
    assert_eq!(template.tells(&template.outputs["O"], &scope()), Ok(false));
}

#[test]
fn texts_that_double_at_each_level_are_stopped() {
    let mut value = "x".repeat(1000);
    for _ in 0..25 {
        value = format!("!Sub ['${{v}}${{v}}', {{v: {value}}}]");
    }
    assert_eq!(evaluate(&value).unwrap_err().cause, Unevaluable::TooLong);
}

#[test]
fn a_long_chain_of_conditions_is_decided_once_each() {
    let mut text = "Conditions:\n  C0: !Equals [a, a]\n".to_owned();
    for index in 1..60 {
        let before = index - 1;
        writeln!(
            text,
            "  C{index}: !And [!Condition C{before}, !Condition C{before}]"
        )
        .unwrap();
    }
    let template = template(&format!("{text}Resources: {{A: {{Type: T}}}}\n"));
    assert_eq!(template.holds("C59", &scope()), Ok(true));
}
