//! What an app may not do: no capability, now or ever again, and no call into
//! the kernel that leads out of its container.

use rustix::thread::{CapabilitySet, CapabilitySets};

use super::{LaunchError, Trying, filter};

/// Empties the bounding set, forbids gaining privileges by `exec`, and filters
/// the calls into the kernel.
///
/// This process keeps the capabilities it has until it gives them up itself;
/// whatever it starts from here on begins with none, as root too.
pub(in crate::runtime) fn forever() -> Result<(), LaunchError> {
    for capability in CapabilitySet::all() {
        let known = rustix::thread::capability_is_in_bounding_set(capability);
        if known.unwrap_or(false) {
            rustix::thread::remove_capability_from_bounding_set(capability)
                .trying(|| "give up capabilities".to_owned())?;
        }
    }
    rustix::thread::clear_ambient_capability_set()
        .trying(|| "give up ambient capabilities".to_owned())?;
    rustix::thread::set_no_new_privs(true).trying(|| "forbid new privileges".to_owned())?;
    filter::install()
}

/// Leaves the container's init able to signal the app and nothing else.
pub(super) fn keep_only_signals() {
    let sets = CapabilitySets {
        effective: CapabilitySet::KILL,
        permitted: CapabilitySet::KILL,
        inheritable: CapabilitySet::empty(),
    };
    // Were it refused, init would keep what nobody in the container can use.
    let _refused = rustix::thread::set_capabilities(None, sets);
}
