//! The HTTP connection manager.

use super::{AccessLog, ConfigSource, Extension, RouteConfiguration};

message!(HttpConnectionManager {
    stat_prefix: String,
    rds: Option<Rds>,
    route_config: Option<RouteConfiguration>,
    http_filters: Vec<Extension>,
    access_log: Vec<AccessLog>,
    upgrade_configs: Vec<UpgradeConfig>,
    normalize_path: Option<bool>,
    merge_slashes: Option<bool>,
    path_with_escaped_slashes_action: Option<&'static str>,
});

message!(Rds {
    config_source: ConfigSource,
    route_config_name: String,
});

message!(UpgradeConfig {
    upgrade_type: &'static str,
});
