//! The table of allowed edges between rooms, held.

use std::fs;
use std::path::Path;

/// What each room may use, besides `diag`.
const EDGES: &[(&str, &[&str])] = &[
    ("diag", &[]),
    ("yaml", &[]),
    ("ports", &[]),
    ("config", &["yaml", "ports"]),
    ("template", &["yaml"]),
    ("stack", &["config", "template", "yaml"]),
    ("cost", &["config", "stack", "template"]),
    ("plan", &["stack", "template", "aws", "yaml"]),
    ("aws", &["stack"]),
    ("deploy", &["plan", "stack", "aws", "image"]),
    ("mesh", &["template", "ports"]),
    ("envoy", &["mesh", "ports"]),
    ("image", &[]),
    ("account", &["template", "mesh", "image", "yaml"]),
    ("endpoint", &["account", "image"]),
    ("runtime", &["mesh", "envoy", "image"]),
    ("verify", &["config"]),
];

#[test]
fn rooms_use_only_what_the_table_allows() {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (room, allowed) in EDGES {
        visit(&source.join(room), &mut |path, text| {
            for used in rooms_used(text) {
                let fine = used == *room || used == "diag" || allowed.contains(&used.as_str());
                if !fine {
                    wrong.push(format!("{}: {room} uses {used}", path.display()));
                }
            }
        });
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The rooms named in `crate::…` paths, outside tests.
fn rooms_used(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let paths = code.split("crate::").skip(1);
    let names = paths.map(|rest| {
        rest.chars()
            .take_while(|c| c.is_ascii_lowercase() || *c == '_')
            .collect::<String>()
    });
    names
        .filter(|name| EDGES.iter().any(|(room, _)| room == name) || name == "cli")
        .collect()
}

fn visit(folder: &Path, look: &mut impl FnMut(&Path, &str)) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            // Tests may use what they like.
            if path.file_name().is_none_or(|name| name != "tests") {
                visit(&path, look);
            }
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            look(&path, &fs::read_to_string(&path).unwrap());
        }
    }
}
