//! Our stacks.
