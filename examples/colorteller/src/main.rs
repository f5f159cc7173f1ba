//! The walkthrough's colour app.
//!
//! | path | answers |
//! |---|---|
//! | `/` | the colour, from `COLOR` |
//! | `/slow` | the colour, after two seconds |
//! | `/ping` | 200, for health checks |
//! | `/external_<name>` | the page of the outside service `<name>`, from `EXTERNAL_SERVICES` |
//! | `/egress_denied` | tries one fixed host that the mesh does not model, and says what happened |
//! | `/egress` | tries what an ordinary process can to get out, and says as JSON what it saw |
//!
//! No host, port or path ever comes from a request, so the app cannot be made
//! to call what its environment does not name.

mod egress;
mod fetch;
mod server;
mod services;

use std::io;
use std::process::ExitCode;

use services::Settings;

fn main() -> ExitCode {
    let settings = match Settings::from_environment(std::env::vars()) {
        Ok(settings) => settings,
        Err(error) => return fail("cannot read the environment", &error),
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    match runtime.and_then(|runtime| runtime.block_on(run(settings))) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail("cannot serve", &error),
    }
}

async fn run(settings: Settings) -> io::Result<()> {
    let client = fetch::Client::new(settings.extra_roots.as_deref())?;
    server::serve(settings, client).await
}

#[expect(clippy::print_stderr, reason = "the app's log is its stderr")]
fn fail(what: &str, why: &dyn std::fmt::Display) -> ExitCode {
    eprintln!("colorteller: {what}: {why}");
    ExitCode::FAILURE
}
