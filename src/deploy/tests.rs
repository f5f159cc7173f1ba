//! Tests against the endpoint.
