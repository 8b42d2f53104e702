//! What the user sets in the editor, below `safestep`.

use std::ops::RangeInclusive;

use engine::Tool;
use serde_json::Value;

/// The same names in every editor; a project's own wishes stand in its safestep.toml.
#[derive(Clone, Debug, PartialEq)]
pub struct Preferences {
    /// `inlayHints.enable`: the strongest lock behind each statement.
    pub inlay_hints: bool,
    /// `codeLens.enable`: what a migration does, above it.
    pub code_lens: bool,
    /// `lintAllSqlFiles`: also files that are no migrations.
    pub all_files: bool,
    /// `tool`: for folders where it cannot be found out.
    pub tool: Option<&'static Tool>,
    /// `postgres`: `16` or `14-18`.
    pub majors: Option<RangeInclusive<u32>>,
}

impl Default for Preferences {
    fn default() -> Self {
        Self { inlay_hints: true, code_lens: true, all_files: false, tool: None, majors: None }
    }
}

/// What a client says under `safestep`; what it does not say stays as it was at the start. The sentences are about what
/// cannot be understood.
pub fn read(settings: &Value, initial: &Preferences) -> (Preferences, Vec<String>) {
    let mut preferences = initial.clone();
    let mut wrong = Vec::new();
    let mut flag = |path: &str, flag: &mut bool| match settings.pointer(path) {
        None | Some(Value::Null) => {}
        Some(Value::Bool(value)) => *flag = *value,
        Some(other) => wrong.push(format!("safestep{} is true or false, not {other}", path.replace('/', "."))),
    };
    flag("/inlayHints/enable", &mut preferences.inlay_hints);
    flag("/codeLens/enable", &mut preferences.code_lens);
    flag("/lintAllSqlFiles", &mut preferences.all_files);
    let text = |name: &str| match settings.get(name) {
        None | Some(Value::Null) => None,
        Some(Value::String(text)) if text.is_empty() => None,
        Some(Value::String(text)) => Some(text.clone()),
        Some(other) => Some(other.to_string()),
    };
    if let Some(name) = text("tool") {
        match engine::tool(&name) {
            Some(tool) => preferences.tool = Some(tool),
            None => {
                let names: Vec<_> = engine::tool_names().collect();
                wrong.push(format!("safestep.tool is one of {}, not `{name}`", names.join(", ")));
            }
        }
    }
    if let Some(majors) = text("postgres") {
        match engine::majors(&majors) {
            Ok(majors) => preferences.majors = Some(majors),
            Err(error) => wrong.push(format!("safestep.postgres: {error}")),
        }
    }
    (preferences, wrong)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_not_said_stays() {
        let initial = Preferences::default();
        assert_eq!(read(&Value::Null, &initial), (Preferences::default(), Vec::new()));
        let said =
            json!({ "inlayHints": { "enable": false }, "lintAllSqlFiles": true, "tool": "goose", "postgres": "15-17" });
        let (preferences, wrong) = read(&said, &initial);
        assert!(wrong.is_empty() && !preferences.inlay_hints && preferences.code_lens && preferences.all_files);
        assert_eq!(
            (preferences.tool.map(|tool| tool.name), preferences.majors.clone()),
            (Some("goose"), Some(15..=17))
        );
        assert_eq!(read(&json!({ "tool": "", "postgres": null }), &preferences), (preferences, Vec::new()));
    }

    #[test]
    fn what_is_not_understood_is_told() {
        let initial = Preferences::default();
        let (preferences, wrong) =
            read(&json!({ "tool": "gose", "postgres": 9, "codeLens": { "enable": "no" } }), &initial);
        assert_eq!(preferences, initial);
        assert_eq!(wrong.len(), 3, "{wrong:?}");
    }
}
