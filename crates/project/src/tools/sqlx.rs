//! sqlx: `N_name.sql`, or `N_name.up.sql` with `N_name.down.sql`; a transaction around each file, which is one message; a
//! file whose first bytes are `-- no-transaction` has none.

use std::path::Path;

use model::runner::{Messages, Runner, RunnerTransaction};
use syntax::Span;

use crate::emit::version::counted;
use crate::emit::{Text, paired};
use crate::migration::{Key, Role};
use crate::tool::{Evidence, Place, Reading, Settings, Source, Tool, Writer};
use crate::tools::{bom, in_other_direction, no_settings, number, pair, plain, server_sql};

pub(super) static TOOL: Tool = Tool {
    name: "sqlx",
    label: "sqlx",
    evidence: Evidence {
        signature: |text| text.starts_with(MARKER),
        always_signed: false,
        files: &["sqlx.toml", ".sqlx", "sqlx-data.json"],
        dependencies: &[("Cargo.toml", "sqlx")],
        by_name: false,
    },
    settings: no_settings,
    place,
    recursive: false,
    unique_version: true,
    directories: false,
    read,
    writer: WRITER,
};

const MARKER: &str = "-- no-transaction";

/// Split at the first `_`; the version fits 64 bits with sign.
fn place(path: &Path, _: &Settings) -> Option<Place> {
    let (stem, role) = pair(path.file_name()?.to_str()?)?;
    let (version, name) = stem.split_once('_')?;
    let number = number(version).filter(|number| *number <= i64::MAX.unsigned_abs().into())?;
    Some(Place {
        root: path.parent()?.to_owned(),
        key: Key::Numbers(vec![number]),
        version: version.to_owned(),
        name: name.to_owned(),
        role: role.unwrap_or(Role::Up),
    })
}

fn read(source: &Source, _: &Settings) -> Reading {
    let runner = Runner {
        name: "sqlx",
        transaction: RunnerTransaction::Unit,
        messages: Messages::Whole,
        opt_out: Some(MARKER.to_owned()),
        opted_out: false,
        resets_session: false,
    };
    let mut units = plain::whole_files(source, &runner, server_sql(Span::default()));
    for unit in units.iter_mut().filter(|unit| unit.text.starts_with(MARKER)) {
        unit.runner.opted_out = true;
        unit.runner.transaction = RunnerTransaction::None;
        unit.marks = vec![Span::new(0, unit.text.find(['\r', '\n']).unwrap_or(unit.text.len()))];
    }
    Reading { units, problems: Vec::new() }
}

const WRITER: Option<Writer> = Some(Writer {
    one_file: false,
    // Two versions that differ by one would make `sqlx migrate add` count instead of reading the clock.
    versions: |version, count, before| counted(version, count, before, 2),
    path: |beside, version, name| {
        let up = beside.path.file_name()?.to_str()?.ends_with(".up.sql");
        Some(beside.path.with_file_name(format!("{version}_{name}{}", if up { ".up.sql" } else { ".sql" })))
    },
    write: |sheet| {
        let mark = |transaction: bool| if transaction { String::new() } else { format!("{MARKER}\n") };
        let lead = match sheet.up.lead.starts_with(MARKER) {
            true => sheet.up.lead.split_once('\n').map_or("", |(_, rest)| rest),
            false => &sheet.up.lead,
        };
        // Behind a byte-order mark the marker would not be the first bytes.
        let bom = if sheet.transaction { bom(sheet) } else { "" };
        let Text { body, tail, .. } = &sheet.up;
        let up = format!("{bom}{}{}{lead}{body}{tail}", mark(sheet.transaction), sheet.header);
        let mut written = paired(sheet, in_other_direction(&sheet.path).unwrap_or_default(), up);
        for text in written.iter_mut().skip(1).filter_map(|(_, text)| text.as_mut()) {
            if !text.starts_with(MARKER) {
                text.insert_str(0, &mark(sheet.down_transaction));
            }
        }
        Ok(written)
    },
    statement: |sql, _| sql.to_owned(),
    fences: &[],
    one_switch: false,
    sets_freely: true,
    down_required: false,
    nothing: "",
    run: "sqlx migrate run",
    undo: Some("sqlx migrate revert"),
    repair: "",
    advice: |_| None,
});

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use crate::testing::{draw, memory};

    #[test]
    fn only_first_bytes_turn_the_transaction_off() {
        let files = memory(&[
            ("Cargo.toml", "[dependencies]\nsqlx = { version = \"0.8\" }\n"),
            ("migrations/20240101000000_a.up.sql", "-- no-transaction, for the index\nSELECT 1;\n"),
            ("migrations/20240101000000_a.down.sql", "SELECT 2;\n"),
            ("migrations/20240102000000_b.up.sql", "\n-- no-transaction\nSELECT 1;\n"),
            ("migrations/20240103000000_c.sql", "\u{feff}-- no-transaction\nSELECT 1;\n"),
            ("migrations/init.sql", "SELECT 1;\n"),
        ]);
        expect![[r#"
            sqlx in migrations, the files beside it say so
              20240101000000_a.up.sql [20240101000000] a
                with migrations/20240101000000_a.down.sql
                up, no transaction, whole
                down, transaction, whole
              20240102000000_b.up.sql [20240102000000] b
                up, transaction, whole
              20240103000000_c.sql [20240103000000] c
                up, transaction, whole
            skipped migrations/init.sql: lies among migrations of sqlx, which does not run a file of this name
        "#]]
        .assert_eq(&draw(&files, &[]));
    }
}
