//! Virtual hosts and routes.

use super::{Extension, Int64Range, RegexMatcher, Seconds, StringMatcher, WeightedClusters};

message!(RouteConfiguration {
    name: String,
    virtual_hosts: Vec<VirtualHost>,
});

message!(VirtualHost {
    name: String,
    domains: Vec<String>,
    routes: Vec<Route>,
});

message!(Route {
    name: Option<String>,
    r#match: RouteMatch,
    route: RouteAction,
});

message!(
    #[derive(Default)]
    RouteMatch {
        prefix: Option<String>,
        path: Option<String>,
        safe_regex: Option<RegexMatcher>,
        headers: Vec<HeaderMatcher>,
        query_parameters: Vec<QueryParameterMatcher>,
        grpc: Option<super::Empty>,
    }
);

message!(
    #[derive(Default)]
    HeaderMatcher {
        name: String,
        string_match: Option<StringMatcher>,
        range_match: Option<Int64Range>,
        present_match: Option<bool>,
        invert_match: Option<bool>,
        treat_missing_header_as_empty: Option<bool>,
    }
);

message!(QueryParameterMatcher {
    name: String,
    string_match: Option<StringMatcher>,
    present_match: Option<bool>,
});

message!(
    #[derive(Default)]
    RouteAction {
        cluster: Option<String>,
        weighted_clusters: Option<WeightedClusters>,
        timeout: Option<Seconds>,
        idle_timeout: Option<Seconds>,
        prefix_rewrite: Option<String>,
        regex_rewrite: Option<RegexRewrite>,
        host_rewrite_literal: Option<String>,
        retry_policy: Option<RetryPolicy>,
    }
);

message!(RegexRewrite {
    pattern: RegexMatcher,
    substitution: String,
});

message!(RetryPolicy {
    retry_on: String,
    num_retries: u32,
    per_try_timeout: Option<Seconds>,
    retriable_status_codes: Vec<u32>,
    retry_host_predicate: Vec<Extension>,
    host_selection_retry_max_attempts: Option<String>,
});
