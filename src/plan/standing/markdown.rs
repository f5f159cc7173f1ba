//! The table as a page.

use std::fmt::Write as _;

use super::{Row, TABLE};

const HEAD: &str = "\
# What is done about a stack, by its status

Written from `src/plan/standing/table.rs`; a test holds it to that.
`COLORMESH_BLESS=1 cargo test --lib the_page_of_states` writes it anew.

What is asked for is asked on a terminal. Elsewhere a flag agrees: `--replace-failed` to delete what
failed. On `--target local` that needs no question. Where `up` waits, the row of the status that follows
counts then; where it says why, it names the resource that failed first. Change sets of earlier runs that
were never carried out are removed before a new one is made.

| status | `up` | `plan` | `down` | `status` says |
|---|---|---|---|---|
";

/// The table as Markdown, as it stands in `src/plan/STATES.md`.
pub fn markdown() -> String {
    let mut page = HEAD.to_owned();
    for row in &TABLE {
        let Row {
            status,
            up,
            down,
            shown,
        } = row;
        let (does, plans, removes, says) = (up.done(), up.planned(), down.done(), shown.said());
        writeln!(
            page,
            "| `{status}` | {does} | {plans} | {removes} | {says} |"
        )
        .expect("a string takes every text");
    }
    page
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests")]

    use super::*;

    #[test]
    fn the_page_of_states_is_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/src/plan/STATES.md");
        if std::env::var_os("COLORMESH_BLESS").is_some() {
            std::fs::write(path, markdown()).unwrap();
        }
        assert_eq!(std::fs::read_to_string(path).unwrap(), markdown());
    }
}
