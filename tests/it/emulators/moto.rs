//! moto: it takes all templates but for one attribute of an address. Its change
//! sets make stacks without outputs, so that our engine, which makes stacks that
//! import nothing by change sets, cannot make those that import from them: after
//! one that fails for that, moto answers no question about any stack.

use colormesh::config::Config;
use colormesh::stack::{self, ParameterValue, RenderedStack};

use super::engine::{Engine, assert_ends};
use super::process::Emulator;
use super::projection::{Lacks, project};

/// What moto's CloudFormation does not know of our templates.
const LACKS: Lacks = Lacks {
    types: &[],
    // Known by its allocation id alone.
    attributes: &["AWS::EC2::EIP.PublicIp"],
};

fn start() -> Emulator {
    Emulator::start("moto_server", |command, address| {
        let port = address.port().to_string();
        command.args(["--host", "127.0.0.1", "--port", &port]);
    })
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the emulators"]
async fn our_engine_deploys_on_moto_what_imports_nothing() {
    let emulator = start();
    let engine = Engine::new(&emulator, Some("color-app")).await;
    let mut stacks = stack::render(&Config::default()).unwrap();
    stacks.retain(|stack| stack.imports.is_empty());
    let up = engine.up(&stacks).await;
    let down = engine.down(&stacks).await;
    assert_ends(
        &up,
        &[
            ("ecr-repositories", "created"),
            ("key pair", "created"),
            // Each of its resources is taken and none is made.
            ("mesh", "created"),
            ("vpc", "created"),
        ],
    );
    let gone = |end: &String| matches!(end.as_str(), "deleted" | "absent");
    assert!(down.values().all(gone), "{down:#?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs the emulators"]
async fn moto_creates_every_template_with_its_exports() {
    let emulator = start();
    let sdk = sdk(&emulator).await;
    let cloudformation = aws_sdk_cloudformation::Client::new(&sdk);
    let (stacks, left_out) = project(stack::render(&Config::default()).unwrap(), &LACKS);
    let cannot = ["nat/NatGateway1Address", "nat/NatGateway2Address"];
    assert_eq!(left_out, cannot.map(str::to_owned).into());
    for stack in &stacks {
        create(&cloudformation, stack).await;
    }
}

async fn create(cloudformation: &aws_sdk_cloudformation::Client, stack: &RenderedStack) {
    let mut call = cloudformation
        .create_stack()
        .stack_name(stack.name.as_str())
        .template_body(&stack.template)
        .capabilities(aws_sdk_cloudformation::types::Capability::CapabilityIam);
    for (name, value) in &stack.parameters {
        let value = match value {
            ParameterValue::Known(value) => value.clone(),
            ParameterValue::AppImage | ParameterValue::PushedImage(_) => {
                "registry.test/app:1".to_owned()
            }
        };
        let parameter = aws_sdk_cloudformation::types::Parameter::builder();
        let parameter = parameter.parameter_key(name).parameter_value(value);
        call = call.parameters(parameter.build());
    }
    let made = call.send().await;
    made.unwrap_or_else(|error| panic!("{}: {error:#?}", stack.name));
    let call = cloudformation
        .describe_stacks()
        .stack_name(stack.name.as_str());
    let found = call.send().await.unwrap();
    let found = &found.stacks()[0];
    assert_eq!(
        found.stack_status().unwrap().as_str(),
        "CREATE_COMPLETE",
        "{}",
        stack.name
    );
    let exports = found
        .outputs()
        .iter()
        .filter_map(|output| output.export_name());
    let exports: std::collections::BTreeSet<String> = exports.map(str::to_owned).collect();
    assert_eq!(exports, stack.exports, "{}", stack.name);
}

async fn sdk(emulator: &Emulator) -> aws_config::SdkConfig {
    let http = aws_smithy_http_client::Builder::new().build_http();
    let credentials = aws_sdk_ecr::config::Credentials::new("test", "test", None, None, "test");
    aws_config::defaults(aws_config::BehaviorVersion::latest())
        .endpoint_url(emulator.url())
        .region(aws_config::Region::new("us-west-2"))
        .credentials_provider(credentials)
        .http_client(http)
        .load()
        .await
}
