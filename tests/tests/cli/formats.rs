//! Reports for other programs.

use std::collections::BTreeSet;

use expect_test::expect;
use serde_json::Value;

use crate::goose;

/// A workflow may run it below the root, but annotations, merge requests and code scanning start at the root.
#[test]
fn reports_for_others_name_files_from_the_root() {
    let place = goose();
    for format in ["github", "gitlab", "sarif", "text"] {
        let output = place.command(&["lint", "--format", format]).current_dir(place.root.path().join("db")).output();
        let out = String::from_utf8(output.unwrap().stdout).unwrap();
        assert!(out.contains("migrations/00002_more.sql"), "{out}");
        assert_eq!(out.contains("db/migrations/00002_more.sql"), format != "text", "{out}");
    }
}

#[test]
fn a_workflow_gets_annotations_and_a_summary() {
    let place = goose();
    place.write("summary.md", "before\n");
    let mut command = place.command(&["lint", "--format", "github"]);
    let output = command.env("GITHUB_STEP_SUMMARY", place.root.path().join("summary.md")).output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    expect![[r#"
        before
        ### Safestep

        | | Place | Rule | Finding |
        |---|---|---|---|
        | :red_circle: error | db/migrations/00002\_more.sql:2 | [blocking-index-creation](https://github.com/safestep/safestep/blob/main/rules.md#blocking-index-creation) | building index users\_email holds SHARE on users: writes wait until it is built |
        | :yellow_circle: warning | db/migrations/00002\_more.sql:3 | [missing-lock-timeout](https://github.com/safestep/safestep/blob/main/rules.md#missing-lock-timeout) | no lock\_timeout is set: while this waits for ACCESS EXCLUSIVE on users, reads and writes wait behind it |

        - judged as run by goose on PostgreSQL 14 to 18

        **1 error, 1 warning in 1 file; 2 fixable with --fix**
    "#]].assert_eq(&place.read("summary.md"));
}

#[test]
fn other_formats_are_json() {
    let place = goose();
    let sarif = place.run(&["lint", "--format", "sarif"]).json();
    assert_eq!((&sarif["version"], &sarif["runs"][0]["tool"]["driver"]["name"]), (&"2.1.0".into(), &"safestep".into()));
    assert_eq!(sarif["runs"][0]["results"].as_array().unwrap().len(), 2);
    let gitlab = place.run(&["lint", "--format", "gitlab"]).json();
    assert_eq!(gitlab.as_array().unwrap().len(), 2);
    assert_eq!(gitlab[0]["location"]["path"], "db/migrations/00002_more.sql");
}

/// The fields that programs may rely on. New ones are compatible; one that goes or changes its type is not.
#[test]
fn json_keeps_its_contract() {
    let place = goose();
    place.write(
        "db/migrations/00004_type.sql",
        "-- +goose Up\nALTER TABLE users ALTER COLUMN email TYPE int USING 1;\nVACUUM users;\n",
    );
    place.write("db/migrations/notes.sql", "-- +goose Up\nSELECT 1;\n");
    let mut drawn = String::new();
    for (line, contract) in [
        (
            "lint --format json",
            "version:number tool:string postgres:string findings[].rule:string findings[].level:string \
             findings[].message:string findings[].path:string findings[].section:string findings[].start.byte:number \
             findings[].start.line:number findings[].start.column:number findings[].end.byte:number \
             findings[].statement:number findings[].notes[]:string findings[].docs:string findings[].fingerprint:string \
             findings[].fix.title:string findings[].fix.class:string findings[].fix.files[].path:string \
             findings[].withheld:null skipped[].path:string skipped[].reason:string summary.errors:number",
        ),
        (
            "explain --format json",
            "version:number tool:string postgres:string files[].path:string files[].statements[].index:number \
             files[].statements[].start.byte:number files[].statements[].kind:string \
             files[].statements[].in_transaction:boolean files[].statements[].effects[].relation:string \
             files[].statements[].effects[].kind:string files[].statements[].effects[].on:null \
             files[].statements[].effects[].lock:string files[].statements[].effects[].work:string \
             files[].statements[].effects[].reads_blocked:boolean files[].statements[].effects[].writes_blocked:boolean \
             files[].statements[].effects[].until:string files[].statements[].fails.sqlstate:string \
             files[].statements[].fails.message:string files[].statements[].fails.when:string",
        ),
        (
            "plan --format json",
            "version:number files[].path:string files[].class:string files[].parts[].path:string \
             files[].parts[].transaction:boolean files[].parts[].sql:string files[].parts[].from[]:number \
             files[].parts[].locks_before[].lock:string files[].parts[].locks_after[].work:string",
        ),
    ] {
        let mut fields = BTreeSet::new();
        flatten(&place.run(&line.split_whitespace().collect::<Vec<_>>()).json(), "", &mut fields);
        for field in contract.split_whitespace() {
            assert!(fields.contains(field), "{line} has no {field}: {fields:#?}");
        }
        drawn += &format!("$ safestep {line}\n{}\n", fields.into_iter().collect::<Vec<_>>().join("\n"));
    }
    expect![[r#"
        $ safestep lint --format json
        findings[].docs:string
        findings[].end.byte:number
        findings[].end.column:number
        findings[].end.line:number
        findings[].fingerprint:string
        findings[].fix.assumptions:[]
        findings[].fix.class:string
        findings[].fix.edits:[]
        findings[].fix.files[].action:string
        findings[].fix.files[].path:string
        findings[].fix.files[].text:string
        findings[].fix.same_as:null
        findings[].fix.same_as:number
        findings[].fix.title:string
        findings[].fix:null
        findings[].level:string
        findings[].message:string
        findings[].notes[]:string
        findings[].path:string
        findings[].related:[]
        findings[].rule:string
        findings[].section:string
        findings[].start.byte:number
        findings[].start.column:number
        findings[].start.line:number
        findings[].statement:number
        findings[].withheld:null
        findings[].withheld:string
        notes:[]
        postgres:string
        skipped[].path:string
        skipped[].reason:string
        summary.errors:number
        summary.files:number
        summary.files_with_findings:number
        summary.fixable.plan:number
        summary.fixable.safe:number
        summary.fixable.unsafe:number
        summary.fixed:number
        summary.infos:number
        summary.suppressed:number
        summary.warnings:number
        summary.written:[]
        tool:string
        tool_guessed:boolean
        version:number
        $ safestep explain --format json
        files[].path:string
        files[].section:string
        files[].statements[].effects[].kind:string
        files[].statements[].effects[].lock:string
        files[].statements[].effects[].on:null
        files[].statements[].effects[].on:string
        files[].statements[].effects[].reads_blocked:boolean
        files[].statements[].effects[].relation:string
        files[].statements[].effects[].until:string
        files[].statements[].effects[].work:string
        files[].statements[].effects[].writes_blocked:boolean
        files[].statements[].end.byte:number
        files[].statements[].end.column:number
        files[].statements[].end.line:number
        files[].statements[].fails.message:string
        files[].statements[].fails.only_with_rows:boolean
        files[].statements[].fails.postgres:string
        files[].statements[].fails.sqlstate:string
        files[].statements[].fails.when:string
        files[].statements[].fails:null
        files[].statements[].in_transaction:boolean
        files[].statements[].index:number
        files[].statements[].kind:string
        files[].statements[].start.byte:number
        files[].statements[].start.column:number
        files[].statements[].start.line:number
        files[].statements[].transaction:number
        files[].statements[].waits_for:[]
        postgres:string
        tool:string
        tool_guessed:boolean
        version:number
        $ safestep plan --format json
        files[].assumptions:[]
        files[].class:string
        files[].parts[].after_deploy:null
        files[].parts[].from[]:number
        files[].parts[].locks_after[].kind:string
        files[].parts[].locks_after[].lock:string
        files[].parts[].locks_after[].on:null
        files[].parts[].locks_after[].on:string
        files[].parts[].locks_after[].reads_blocked:boolean
        files[].parts[].locks_after[].relation:string
        files[].parts[].locks_after[].work:string
        files[].parts[].locks_after[].writes_blocked:boolean
        files[].parts[].locks_before[].kind:string
        files[].parts[].locks_before[].lock:string
        files[].parts[].locks_before[].on:null
        files[].parts[].locks_before[].on:string
        files[].parts[].locks_before[].reads_blocked:boolean
        files[].parts[].locks_before[].relation:string
        files[].parts[].locks_before[].work:string
        files[].parts[].locks_before[].writes_blocked:boolean
        files[].parts[].path:string
        files[].parts[].sql:string
        files[].parts[].transaction:boolean
        files[].path:string
        files[].withheld:[]
        files[].withheld[].end.byte:number
        files[].withheld[].end.column:number
        files[].withheld[].end.line:number
        files[].withheld[].reason:string
        files[].withheld[].start.byte:number
        files[].withheld[].start.column:number
        files[].withheld[].start.line:number
        files[].withheld[].statement:number
        version:number
    "#]]
    .assert_eq(&drawn);
}

/// Every field with its type: `findings[].start.byte:number`.
fn flatten(value: &Value, path: &str, fields: &mut BTreeSet<String>) {
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(items) if items.is_empty() => "[]",
        Value::Array(items) => return items.iter().for_each(|item| flatten(item, &format!("{path}[]"), fields)),
        Value::Object(members) => {
            let dot = if path.is_empty() { "" } else { "." };
            return members.iter().for_each(|(name, value)| flatten(value, &format!("{path}{dot}{name}"), fields));
        }
    };
    fields.insert(format!("{path}:{kind}"));
}
