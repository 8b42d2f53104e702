//! Plain SQL files run by psql: statement by statement, each its own transaction unless the file says BEGIN.

use std::path::Path;

use model::runner::{Messages, Runner, RunnerTransaction};
use syntax::{Options, Span};

use crate::emit::paired;
use crate::migration::{Key, Role, Section, UnitText};
use crate::tool::{Evidence, Place, Reading, Settings, Source, Tool, Writer};
use crate::tools::{bom, no_settings, pair};

pub(super) static TOOL: Tool = Tool {
    name: "plain",
    label: "plain psql",
    evidence: Evidence { signature: |_| false, always_signed: false, files: &[], dependencies: &[], by_name: false },
    settings: no_settings,
    place,
    recursive: false,
    unique_version: false,
    directories: false,
    read,
    writer: WRITER,
};

/// Files of one directory in the order in which a shell lists them. `a.down.sql` undoes `a.up.sql` or `a.sql`.
pub(super) fn place(path: &Path, _: &Settings) -> Option<Place> {
    let (stem, role) = pair(path.file_name()?.to_str()?)?;
    let version = &stem[..stem.find(|c: char| !c.is_ascii_digit()).unwrap_or(stem.len())];
    Some(Place {
        root: path.parent()?.to_owned(),
        key: Key::Text(stem.to_owned()),
        version: version.to_owned(),
        name: stem[version.len()..].trim_start_matches(['_', '-', '.', ' ']).to_owned(),
        role: role.unwrap_or(Role::Up),
    })
}

fn read(source: &Source, _: &Settings) -> Reading {
    let runner = Runner {
        name: "plain psql",
        transaction: RunnerTransaction::None,
        messages: Messages::Each,
        opt_out: None,
        opted_out: false,
        resets_session: true,
    };
    Reading { units: whole_files(source, &runner, Options::default()), problems: Vec::new() }
}

/// The file is the Up section, and the paired down file, when there is one, is the Down section.
pub(super) fn whole_files(source: &Source, runner: &Runner, options: Options) -> Vec<UnitText> {
    let up = (Section::Up, source.path, source.text);
    let down = source.companions.iter().filter(|companion| companion.role == Role::Down);
    let down = down.map(|companion| (Section::Down, companion.path.as_path(), &companion.text));
    std::iter::once(up)
        .chain(down)
        .map(|(section, path, text)| UnitText {
            section,
            path: path.to_owned(),
            text: text.clone(),
            span: Span::new(0, text.len()),
            runner: runner.clone(),
            marks: Vec::new(),
            options: Options { range: Some(Span::new(0, text.len())), ..options.clone() },
        })
        .collect()
}

const WRITER: Option<Writer> = Some(Writer {
    one_file: true,
    versions: |_, _, _| None,
    path: |_, _, _| None,
    write: |sheet| {
        let down = sheet.path.with_extension("down.sql");
        Ok(paired(sheet, down, format!("{}{}{}", bom(sheet), sheet.header, sheet.up.joined())))
    },
    statement: |sql, _| sql.to_owned(),
    fences: &[],
    one_switch: false,
    sets_freely: true,
    down_required: false,
    nothing: "",
    run: "psql -f",
    undo: None,
    repair: "",
    advice: |_| None,
});
