//! How the resources are cut into stacks: that an environment of the cut
//! before moves over to this one, and what each cut takes.

mod before;
mod measured;
mod migration;
mod model;
mod times;
