//! The settings as a JSON schema, for editors: made from the one table, so
//! that it knows what the reader knows.

use serde_json::{Map, Value, json};

use super::settings::{Kind, SETTINGS, Setting};

/// The schema of `colormesh.yaml`, by JSON Schema 2020-12.
pub fn schema() -> Value {
    let mut schema = map_of("");
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "colormesh.yaml".into();
    // A file may be empty: everything has a default.
    schema["type"] = json!(["object", "null"]);
    schema
}

/// The schema of a map: of all settings in it, and of the maps in it.
fn map_of(map: &str) -> Value {
    let mut properties = Map::new();
    let mut required = Vec::new();
    for setting in SETTINGS {
        let Some(rest) = below(map, setting.key) else {
            continue;
        };
        match rest.split_once('.') {
            None => {
                properties.insert(rest.to_owned(), of(setting));
                // What has no default in a list's item and may not be left out.
                let is_named = map.ends_with("[]") && matches!(rest, "name" | "host");
                required.extend(is_named.then(|| rest.to_owned()));
            }
            Some((inner, _)) if !inner.ends_with("[]") && !properties.contains_key(inner) => {
                properties.insert(inner.to_owned(), map_of(&joined(map, inner)));
            }
            Some(_) => {}
        }
    }
    let mut schema = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        schema["required"] = required.into();
    }
    schema
}

fn joined(map: &str, name: &str) -> String {
    if map.is_empty() {
        name.to_owned()
    } else {
        format!("{map}.{name}")
    }
}

/// What is left of a key behind the map that it stands in.
fn below<'a>(map: &str, key: &'a str) -> Option<&'a str> {
    if map.is_empty() {
        return Some(key);
    }
    key.strip_prefix(map)?.strip_prefix('.')
}

fn of(setting: &Setting) -> Value {
    let mut schema = match setting.kind {
        // Digits are a number to YAML.
        Kind::Text(_) => json!({ "type": ["string", "integer"] }),
        Kind::Port => json!({ "type": "integer", "minimum": 1, "maximum": 65535 }),
        Kind::Switch => json!({ "type": "boolean" }),
        Kind::Choice(words) => json!({ "enum": words }),
        Kind::Words(words) => json!({ "type": "array", "items": { "enum": words } }),
        Kind::Texts(_) => json!({ "type": "array", "items": { "type": "string" } }),
        Kind::Tags => json!({
            "type": "object",
            "additionalProperties": { "type": ["string", "integer", "boolean"] },
        }),
        Kind::List => {
            json!({ "type": "array", "items": map_of(&format!("{}[]", setting.key)) })
        }
    };
    schema["description"] = setting.meaning.into();
    let default = match setting.kind {
        Kind::Text(_) | Kind::Choice(_) => Some(Value::from(setting.default)),
        Kind::Port | Kind::Switch => serde_json::from_str(setting.default).ok(),
        Kind::Words(_) | Kind::Texts(_) | Kind::Tags | Kind::List => None,
    };
    if let Some(default) = default.filter(|_| !setting.default.is_empty()) {
        schema["default"] = default;
    }
    schema
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_setting_has_its_place() {
        let schema = schema();
        for setting in SETTINGS {
            let mut there = &schema;
            for part in setting.key.split('.') {
                let name = part.trim_end_matches("[]");
                there = &there["properties"][name];
                if part.ends_with("[]") {
                    there = &there["items"];
                }
            }
            assert_eq!(there["description"], setting.meaning, "{}", setting.key);
        }
        assert_eq!(
            schema["properties"]["app"]["properties"]["port"]["default"],
            80
        );
        assert_eq!(schema["properties"]["mesh"]["additionalProperties"], false);
        let item = &schema["properties"]["external_services"]["items"];
        assert_eq!(item["required"], json!(["name", "host"]));
        assert_eq!(item["properties"]["nodes"]["items"]["enum"], json!(["app"]));
    }
}
