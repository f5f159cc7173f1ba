//! The TCP proxy, and clusters with shares.

use super::{AccessLog, Seconds};

message!(
    #[derive(Default)]
    TcpProxy {
        stat_prefix: String,
        cluster: Option<String>,
        weighted_clusters: Option<WeightedClusters>,
        idle_timeout: Option<Seconds>,
        access_log: Vec<AccessLog>,
        access_log_options: Option<TcpAccessLogOptions>,
    }
);

message!(TcpAccessLogOptions {
    flush_access_log_on_connected: bool,
});

message!(WeightedClusters {
    clusters: Vec<ClusterWeight>,
});

message!(ClusterWeight {
    name: String,
    weight: u32,
});
