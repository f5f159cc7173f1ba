//! The file that Envoy starts from.

use std::path::PathBuf;

use super::{Address, Cluster, Listener, Typed};

message!(Bootstrap {
    node: Node,
    admin: Admin,
    dynamic_resources: Option<DynamicResources>,
    static_resources: StaticResources,
});

message!(Node {
    id: String,
    cluster: String,
});

message!(Admin { address: Address });

message!(DynamicResources {
    lds_config: ConfigSource,
    cds_config: ConfigSource,
});

message!(StaticResources {
    listeners: Vec<Listener>,
    clusters: Vec<Cluster>,
});

message!(ConfigSource {
    path_config_source: PathConfigSource,
});

message!(PathConfigSource { path: PathBuf });

message!(DiscoveryResponse {
    resources: Vec<Typed>,
});

message!(
    /// A message without fields.
    #[derive(Copy, Default, Eq)]
    Empty {}
);
