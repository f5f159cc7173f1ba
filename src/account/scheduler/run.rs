//! The loop that keeps the desired state up to date.

use crate::account::handle::Account;

pub(in crate::account) async fn run(account: Account) {
    let _ = account;
}
