//! A copy of an app's network: the same address, the same rules, and nobody
//! who needs it.

use std::path::Path;

use crate::runtime::netns::{Netns, NetnsError};
use crate::runtime::redirect;

/// Makes one; it is gone when this goes.
pub(super) async fn of_network(folder: &Path, name: &str) -> Result<Netns, NetnsError> {
    let network = Netns::create(folder, name).await?;
    network.ip(redirect::app_addresses()).await?;
    network
        .nft(redirect::app_redirection(redirect::EGRESS_PORT))
        .await?;
    network.open_low_ports().await?;
    Ok(network)
}
