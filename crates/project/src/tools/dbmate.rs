//! dbmate: `N_name.sql` with `-- migrate:up` and `-- migrate:down`; a transaction around each section, which is one message;
//! `transaction:false` behind the marker turns it off (amacneil/dbmate, `pkg/dbmate/migration.go`).

use std::path::Path;

use model::runner::{Messages, Runner, RunnerTransaction};
use syntax::Span;

use crate::emit::Text;
use crate::emit::version::counted;
use crate::lines::lines;
use crate::migration::{Key, Problem, Role, Section, UnitText};
use crate::tool::{Evidence, Place, Reading, Settings, Source, Tool, Writer};
use crate::tools::{bom, no_settings, server_sql};

pub(super) static TOOL: Tool = Tool {
    name: "dbmate",
    label: "dbmate",
    evidence: Evidence {
        signature: |text| text.contains("migrate:") && lines(text).any(|line| marker(line.text).is_some()),
        always_signed: true,
        files: &[],
        dependencies: &[("go.mod", "github.com/amacneil/dbmate"), ("package.json", "dbmate")],
        words: &[],
        by_name: |_| false,
    },
    settings_files: &[],
    settings: no_settings,
    place,
    recursive: false,
    unique_version: true,
    directories: false,
    checksums: false,
    read,
    writer: WRITER,
};

/// Sorted by file name; the leading digits identify it in the database.
fn place(path: &Path, _: &Settings) -> Option<Place> {
    let file = path.file_name()?.to_str()?;
    let stem = file.strip_suffix(".sql")?;
    let digits = stem.find(|c: char| !c.is_ascii_digit()).unwrap_or(stem.len());
    (digits > 0).then(|| Place {
        root: path.parent().unwrap_or(path).to_owned(),
        key: Key::Text(file.to_owned()),
        version: stem[..digits].to_owned(),
        name: stem[digits..].trim_start_matches(['_', '-']).to_owned(),
        role: Role::Up,
    })
}

/// The section that a line opens, and what stands behind the marker.
fn marker(line: &str) -> Option<(Section, &str)> {
    let command = line.strip_prefix("--")?.trim_start().strip_prefix("migrate:")?;
    let (section, rest) = match command.strip_prefix("up") {
        Some(rest) => (Section::Up, rest),
        None => (Section::Down, command.strip_prefix("down")?),
    };
    (rest.is_empty() || rest.starts_with(char::is_whitespace)).then_some((section, rest))
}

fn read(source: &Source, _: &Settings) -> Reading {
    let text = source.text;
    let mut problems = Vec::new();
    let mut sections: Vec<(Section, Span, bool)> = Vec::new();
    let mut early = false;
    for line in lines(text) {
        let here = Span::new(line.range.start, line.range.end);
        let mut problem =
            |message: &str| problems.push(Problem { span: here, message: message.to_owned(), fatal: true });
        match marker(line.text) {
            Some((section, options)) => {
                if sections.iter().any(|(known, ..)| *known == section) {
                    problem(
                        "dbmate runs a second section of one kind, but then fails to record it; move it to a file of its own",
                    );
                } else if section == Section::Down && sections.is_empty() {
                    problem("dbmate refuses `-- migrate:down` before `-- migrate:up`; change their order");
                }
                let opted_out = options.split_whitespace().any(|option| option == "transaction:false");
                sections.push((section, here, opted_out));
            }
            None => {
                let blank = line.text.trim().is_empty() || line.text.trim_start().starts_with("--");
                if sections.is_empty() && !early && !blank {
                    problem("dbmate refuses SQL before `-- migrate:up`; put the marker above it");
                    early = true;
                }
            }
        }
    }
    let end = Span::new(text.len(), text.len());
    for (section, message) in [
        (Section::Up, "dbmate refuses a file without `-- migrate:up`; add it above the first statement"),
        (
            Section::Down,
            "dbmate refuses a file without `-- migrate:down`; add it at the end, with nothing below if need be",
        ),
    ] {
        if !sections.iter().any(|(known, ..)| *known == section) {
            problems.push(Problem { span: end, message: message.to_owned(), fatal: true });
        }
    }
    // What stands above the first marker is judged as if `-- migrate:up` stood there.
    if !sections.iter().any(|(known, ..)| *known == Section::Up) {
        sections.insert(0, (Section::Up, Span::default(), false));
    }
    let units = sections.iter().enumerate().map(|(index, &(section, mark, opted_out))| {
        let start = if index == 0 { 0 } else { mark.start as usize };
        let end = sections.get(index + 1).map_or(text.len(), |(_, next, _)| next.start as usize);
        UnitText {
            section,
            path: source.path.to_owned(),
            text: text.clone(),
            span: Span::new(start, end),
            runner: Runner {
                name: "dbmate",
                transaction: if opted_out { RunnerTransaction::None } else { RunnerTransaction::Unit },
                messages: Messages::Whole,
                opt_out: Some(match section {
                    Section::Up => "-- migrate:up transaction:false".to_owned(),
                    Section::Down => "-- migrate:down transaction:false".to_owned(),
                }),
                opted_out,
                resets_session: false,
            },
            marks: vec![mark],
            options: server_sql(Span::new(start, end)),
        }
    });
    Reading { units: units.collect(), problems }
}

const WRITER: Option<Writer> = Some(Writer {
    one_file: false,
    versions: |version, count, before| counted(version, count, before, 1),
    path: |beside, version, name| Some(beside.path.with_file_name(format!("{version}_{name}.sql"))),
    write: |sheet| {
        let Text { lead, body, tail } = &sheet.up;
        let lead = if sheet.original { lead.as_str() } else { "-- migrate:up\n" };
        let lead = switched(lead, Section::Up, sheet.transaction);
        let mut text = format!("{}{}{lead}{body}{tail}", bom(sheet), sheet.header);
        if let Some(down) = &sheet.down {
            let lead = if down.lead.is_empty() { "\n-- migrate:down\n" } else { &down.lead };
            if !text.ends_with('\n') {
                text.push('\n');
            }
            text.push_str(&switched(lead, Section::Down, sheet.down_transaction));
            text.push_str(&down.body);
            text.push_str(&down.tail);
        }
        Ok(vec![(sheet.path.clone(), Some(text))])
    },
    statement: |sql, _| sql.to_owned(),
    fences: &[],
    one_switch: false,
    sets_freely: true,
    down_required: true,
    nothing: "",
    run: "`dbmate up`",
    undo: Some("`dbmate rollback`"),
    repair: |_, _| String::new(),
    advice: |_| None,
});

/// The text with its marker saying whether there is a transaction.
fn switched(text: &str, section: Section, transaction: bool) -> String {
    let Some((line, options)) = lines(text).find_map(|line| {
        let (found, options) = marker(line.text).filter(|(found, _)| *found == section)?;
        Some((line, (found, options).1))
    }) else {
        return text.to_owned();
    };
    let off = |option: &&str| *option == "transaction:false";
    if options.split_whitespace().any(|option| off(&option)) != transaction {
        return text.to_owned();
    }
    let mark = &line.text[..line.text.len() - options.len()];
    let mut options: Vec<&str> =
        options.split_whitespace().filter(|option| !option.starts_with("transaction:")).collect();
    if !transaction {
        options.push("transaction:false");
    }
    let options: String = options.iter().map(|option| format!(" {option}")).collect();
    format!("{}{mark}{options}{}", &text[..line.range.start], &text[line.range.end..])
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use model::plan::Mode;

    use crate::testing::{DOWN, UP, draw, emitted, kept, made, memory, plan, three_parts};

    #[test]
    fn each_section_has_its_own_transaction_and_order_is_by_file_name() {
        let files = memory(&[
            (
                "db/migrations/2_b.sql",
                "-- about\n--migrate:up transaction:false\r\nCREATE INDEX CONCURRENTLY i ON t (a);\r\n--  migrate:down\r\nDROP INDEX i;\r\n",
            ),
            ("db/migrations/10_a.sql", "-- migrate:up\nSELECT 1;\n-- migrate:down foo:bar transaction:false\n"),
        ]);
        expect![[r#"
            dbmate in db/migrations, its own text says so
              10_a.sql Text("10_a.sql") a
                up, transaction, whole
                down, no transaction, whole
              2_b.sql Text("2_b.sql") b
                up, no transaction, whole
                down, transaction, whole
        "#]]
        .assert_eq(&draw(&files, &[]));
    }

    #[test]
    fn what_dbmate_refuses_is_a_problem() {
        let files = memory(&[
            ("m/1_a.sql", "SELECT 0;\n-- migrate:up\nSELECT 1;\n"),
            ("m/1_b.sql", "-- migrate:down\n-- migrate:up\n"),
            ("m/2_c.sql", "-- migrate:up\nSELECT 1;\n-- migrate:down\n-- migrate:up\nSELECT 2;\n-- migrate:down\n"),
            ("m/3_d.sql", ""),
        ]);
        expect![[r#"
            dbmate in m, its own text says so
              1_a.sql Text("1_a.sql") a
                problem at "SELECT 0;": dbmate refuses SQL before `-- migrate:up`; put the marker above it
                problem at "": dbmate refuses a file without `-- migrate:down`; add it at the end, with nothing below if need be
                problem at "": m/1_b.sql has the same version; give one of the two another
                up, transaction, whole
              1_b.sql Text("1_b.sql") b
                problem at "-- migrate:down": dbmate refuses `-- migrate:down` before `-- migrate:up`; change their order
                problem at "": m/1_a.sql has the same version; give one of the two another
                up, transaction, whole
                down, transaction, whole
              2_c.sql Text("2_c.sql") c
                problem at "-- migrate:up": dbmate runs a second section of one kind, but then fails to record it; move it to a file of its own
                problem at "-- migrate:down": dbmate runs a second section of one kind, but then fails to record it; move it to a file of its own
                up, transaction, whole
                up, transaction, whole
                down, transaction, whole
                down, transaction, whole
              3_d.sql Text("3_d.sql") d
                problem at "": dbmate refuses a file without `-- migrate:up`; add it above the first statement
                problem at "": dbmate refuses a file without `-- migrate:down`; add it at the end, with nothing below if need be
                up, transaction, whole
        "#]].assert_eq(&draw(&files, &[]));
    }

    #[test]
    fn parts_become_files_and_each_section_has_its_own_switch() {
        let text = format!("-- migrate:up\n{UP}\n-- migrate:down\n{DOWN}");
        let files = memory(&[("m/20240601235959_orders.sql", &text)]);
        expect![[r#"
            ==== m/20240601235959_orders.sql
            -- Step 1 of 3, split by safestep. Then: 20240602000000_orders_step2_create_orders_note.sql, 20240602000001_orders_step3_validate_orders_total.sql.
            -- Roll back with `dbmate rollback`, once for each step, last step first.
            -- migrate:up
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE orders ADD COLUMN note text;
            ALTER TABLE orders ADD CONSTRAINT orders_total CHECK (total > 0) NOT VALID;

            -- migrate:down
            SET LOCAL lock_timeout = '2s';
            ALTER TABLE orders DROP CONSTRAINT orders_total;
            ALTER TABLE orders DROP COLUMN note;
            ==== m/20240602000000_orders_step2_create_orders_note.sql
            -- Step 2 of 3, split by safestep from 20240601235959_orders.sql.
            -- A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here.
            -- If it is interrupted: -- for the search DROP INDEX CONCURRENTLY orders_note; then `dbmate up`.
            -- Roll back with `dbmate rollback`, once for each step, last step first.
            -- migrate:up transaction:false
            -- for the search
            CREATE INDEX CONCURRENTLY orders_note ON orders (note);

            -- migrate:down transaction:false
            DROP INDEX CONCURRENTLY orders_note;
            ==== m/20240602000001_orders_step3_validate_orders_total.sql
            -- Step 3 of 3, split by safestep from 20240601235959_orders.sql.
            -- Roll back with `dbmate rollback`, once for each step, last step first.
            -- migrate:up
            SET LOCAL statement_timeout = 0;
            ALTER TABLE orders VALIDATE CONSTRAINT orders_total;

            -- migrate:down
            -- There is nothing to undo.
        "#]].assert_eq(&emitted(&files, "m/20240601235959_orders.sql", &three_parts()));
    }

    #[test]
    fn a_file_without_down_statements_keeps_its_markers() {
        let text = "-- migrate:up foo:bar\nALTER TABLE t ADD a int;\nCREATE INDEX i ON t (a);\n\n-- migrate:down\n\n";
        let files = memory(&[("m/20240601235959_a.sql", text)]);
        let index =
            made(1, Mode::NonTx, "create_i", "CREATE INDEX CONCURRENTLY i ON t (a);", "DROP INDEX CONCURRENTLY i;");
        let steps = plan(vec![vec![index], vec![kept(0, "ALTER TABLE t ADD a int;")]]);
        expect![[r#"
            ==== m/20240601235959_a.sql
            -- Step 1 of 2, split by safestep. Then: 20240602000000_a_step2_keep.sql.
            -- A lock_timeout or statement_timeout of the role would stop it half-way, and cannot be lifted here.
            -- If it is interrupted: DROP INDEX CONCURRENTLY i; then `dbmate up`.
            -- There is no Down section; undo the steps by a new migration, last step first.
            -- migrate:up foo:bar transaction:false
            CREATE INDEX CONCURRENTLY i ON t (a);

            -- migrate:down

            ==== m/20240602000000_a_step2_keep.sql
            -- Step 2 of 2, split by safestep from 20240601235959_a.sql.
            -- There is no Down section; undo the steps by a new migration, last step first.
            -- migrate:up
            SET LOCAL lock_timeout = '2s';
            SET LOCAL statement_timeout = '30s';
            ALTER TABLE t ADD a int;

            -- migrate:down
            -- The original has nothing that undoes it.
        "#]]
        .assert_eq(&emitted(&files, "m/20240601235959_a.sql", &steps));
    }
}
