use expect_test::expect;
use rules::Level;
use syntax::Span;

use super::{PLAIN, World, users};
use crate::{FORMATS, Output};

fn render(world: &World, name: &str) -> Output {
    let format = FORMATS.iter().find(|format| format.name == name).expect("the format exists");
    (format.render)(&world.report, &world.sources, PLAIN)
}

/// One finding, with all that needs an escape.
fn strange() -> World {
    let mut world = World::new(&[("db/ä, 100%:1.sql", "SELECT '漢';\r\n\tDROP TABLE t;")]);
    let found =
        world.find(Level::Error, "some-rule", "db/ä, 100%:1.sql", "DROP TABLE t", "100% <b>sure</b>: `a|b` \"x\"");
    found.notes = vec!["first\r\nsecond".to_owned(), "third".to_owned()];
    world
}

#[test]
fn json() {
    expect![[r#"
        {
          "version": 1,
          "tool": "goose",
          "tool_guessed": false,
          "postgres": "14-18",
          "findings": [
            {
              "rule": "no-lock-timeout",
              "level": "warning",
              "message": "no lock_timeout bounds the wait for users",
              "path": "db/migrations/0007_users.sql",
              "section": "up",
              "start": {
                "byte": 13,
                "line": 2,
                "column": 1
              },
              "end": {
                "byte": 30,
                "line": 2,
                "column": 18
              },
              "statement": 0,
              "notes": [],
              "related": [],
              "docs": "https://safestep.dev/rules#no-lock-timeout",
              "fingerprint": "0123456789abcdef0123456789abcdef",
              "fix": null,
              "withheld": "goose runs this file with others in one transaction"
            },
            {
              "rule": "index-blocks-writes",
              "level": "error",
              "message": "writes to users wait until the index is built",
              "path": "db/migrations/0007_users.sql",
              "section": "up",
              "start": {
                "byte": 55,
                "line": 4,
                "column": 1
              },
              "end": {
                "byte": 107,
                "line": 4,
                "column": 53
              },
              "statement": 0,
              "notes": [
                "CREATE INDEX holds SHARE on users until the transaction of goose commits, and it reads the whole table first",
                "build it CONCURRENTLY, in a file that opens no transaction"
              ],
              "related": [
                {
                  "path": "db/migrations/0007_users.sql",
                  "start": {
                    "byte": 13,
                    "line": 2,
                    "column": 1
                  },
                  "end": {
                    "byte": 52,
                    "line": 2,
                    "column": 40
                  },
                  "message": "ACCESS EXCLUSIVE on users since here"
                }
              ],
              "docs": "https://safestep.dev/rules#index-blocks-writes",
              "fingerprint": "0123456789abcdef0123456789abcdef",
              "fix": {
                "title": "split into 2 files",
                "class": "safe",
                "assumptions": [
                  "No other relation is called users_email_idx"
                ],
                "edits": [
                  {
                    "start": {
                      "byte": 55,
                      "line": 4,
                      "column": 1
                    },
                    "end": {
                      "byte": 110,
                      "line": 6,
                      "column": 1
                    },
                    "text": ""
                  },
                  {
                    "start": {
                      "byte": 206,
                      "line": 8,
                      "column": 46
                    },
                    "end": {
                      "byte": 206,
                      "line": 8,
                      "column": 46
                    },
                    "text": " NOT VALID"
                  }
                ],
                "files": [
                  {
                    "path": "db/migrations/0009_users_email_idx.sql",
                    "action": "create",
                    "text": "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY users_email_idx ON users (lower(email));\nALTER TABLE orders VALIDATE CONSTRAINT orders_user_fk;\n"
                  }
                ],
                "same_as": null
              },
              "withheld": null
            },
            {
              "rule": "foreign-key-scans",
              "level": "error",
              "message": "writes to orders and users wait while every row of orders is checked",
              "path": "db/migrations/0007_users.sql",
              "section": "up",
              "start": {
                "byte": 131,
                "line": 7,
                "column": 3
              },
              "end": {
                "byte": 206,
                "line": 8,
                "column": 46
              },
              "statement": 2,
              "notes": [],
              "related": [],
              "docs": "https://safestep.dev/rules#foreign-key-scans",
              "fingerprint": "0123456789abcdef0123456789abcdef",
              "fix": {
                "title": "split into 2 files",
                "class": "safe",
                "assumptions": [
                  "No other relation is called users_email_idx"
                ],
                "edits": [
                  {
                    "start": {
                      "byte": 55,
                      "line": 4,
                      "column": 1
                    },
                    "end": {
                      "byte": 110,
                      "line": 6,
                      "column": 1
                    },
                    "text": ""
                  },
                  {
                    "start": {
                      "byte": 206,
                      "line": 8,
                      "column": 46
                    },
                    "end": {
                      "byte": 206,
                      "line": 8,
                      "column": 46
                    },
                    "text": " NOT VALID"
                  }
                ],
                "files": [
                  {
                    "path": "db/migrations/0009_users_email_idx.sql",
                    "action": "create",
                    "text": "-- +goose NO TRANSACTION\n-- +goose Up\nCREATE INDEX CONCURRENTLY users_email_idx ON users (lower(email));\nALTER TABLE orders VALIDATE CONSTRAINT orders_user_fk;\n"
                  }
                ],
                "same_as": 1
              },
              "withheld": null
            }
          ],
          "skipped": [
            {
              "path": "db/migrations/0006_blob.sql",
              "reason": "not UTF-8"
            }
          ],
          "notes": [
            "no base branch found, so the named files count as pending"
          ],
          "summary": {
            "errors": 2,
            "warnings": 1,
            "infos": 0,
            "files": 2,
            "files_with_findings": 1,
            "fixable": {
              "safe": 2,
              "unsafe": 0,
              "plan": 0
            },
            "fixed": 0,
            "suppressed": 0,
            "written": []
          }
        }
    "#]].assert_eq(&render(&users(), "json").text);
    expect![[r#"
        {
          "version": 1,
          "tool": "goose",
          "tool_guessed": false,
          "postgres": "14-18",
          "findings": [],
          "skipped": [],
          "notes": [],
          "summary": {
            "errors": 0,
            "warnings": 0,
            "infos": 0,
            "files": 0,
            "files_with_findings": 0,
            "fixable": {
              "safe": 0,
              "unsafe": 0,
              "plan": 0
            },
            "fixed": 0,
            "suppressed": 0,
            "written": []
          }
        }
    "#]]
    .assert_eq(&render(&World::new(&[]), "json").text);
}

#[test]
fn json_writes_a_long_fix_once() {
    let mut world = users();
    let mut fix = (**world.report.findings[0].fix.as_ref().expect("it has a fix")).clone();
    fix.files[0].new = Some("x".repeat(1 << 20));
    let fix = std::sync::Arc::new(fix);
    for finding in &mut world.report.findings {
        finding.fix = Some(fix.clone());
    }
    assert!(render(&world, "json").text.len() < (1 << 20) + 20_000);
}

#[test]
fn github_escapes() {
    let output = render(&strange(), "github");
    expect![[r#"
        ::error file=db/ä%2C 100%25%3A1.sql,line=2,endLine=2,col=2,endColumn=14,title=some-rule::100%25 <b>sure</b>: `a|b` "x"%0Afirst%0D%0Asecond%0Athird%0Ahttps://safestep.dev/rules#some-rule
        judged as run by goose on PostgreSQL 14 to 18
        1 error in 1 file
    "#]].assert_eq(&output.text);
    expect![[r####"
        ### Safestep

        | | Place | Rule | Finding |
        |---|---|---|---|
        | :red_circle: error | db/ä, 100%:1.sql:2 | [some-rule](https://safestep.dev/rules#some-rule) | 100% &lt;b&gt;sure&lt;/b&gt;: \`a\|b\` "x" |

        - judged as run by goose on PostgreSQL 14 to 18

        **1 error in 1 file**
    "####]].assert_eq(&output.job_summary.unwrap_or_default());
}

#[test]
fn github_shows_errors_first_and_ten_of_a_level() {
    let mut world = users();
    for line in 0..300 {
        let level = if line % 2 == 0 { Level::Info } else { Level::Error };
        world.find(level, "some-rule", super::USERS, "", "m").span = Span::new(line, line + 1);
    }
    let output = render(&world, "github");
    let count = |prefix: &str| output.text.lines().filter(|line| line.starts_with(prefix)).count();
    assert_eq!((count("::error"), count("::warning"), count("::notice")), (10, 1, 10));
    assert!(output.text.starts_with("::error"));
    let summary = output.job_summary.unwrap_or_default();
    assert_eq!(summary.matches("| :").count(), 303);
}

#[test]
fn github_gives_columns_on_one_line_only() {
    expect![[r#"
        ::error file=db/migrations/0007_users.sql,line=4,endLine=4,col=1,endColumn=53,title=index-blocks-writes::writes to users wait until the index is built%0ACREATE INDEX holds SHARE on users until the transaction of goose commits, and it reads the whole table first%0Abuild it CONCURRENTLY, in a file that opens no transaction%0Ahttps://safestep.dev/rules#index-blocks-writes
        ::error file=db/migrations/0007_users.sql,line=7,endLine=8,title=foreign-key-scans::writes to orders and users wait while every row of orders is checked%0Ahttps://safestep.dev/rules#foreign-key-scans
        ::warning file=db/migrations/0007_users.sql,line=2,endLine=2,col=1,endColumn=18,title=no-lock-timeout::no lock_timeout bounds the wait for users%0Anot fixed: goose runs this file with others in one transaction%0Ahttps://safestep.dev/rules#no-lock-timeout
        ::notice file=db/migrations/0006_blob.sql,title=skipped::not UTF-8
        judged as run by goose on PostgreSQL 14 to 18
        2 errors, 1 warning in 1 of 2 files; 2 fixable with --fix; 1 skipped
    "#]].assert_eq(&render(&users(), "github").text);
}

#[test]
fn sarif() {
    expect![[r#"
        {
          "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
          "version": "2.1.0",
          "runs": [
            {
              "tool": {
                "driver": {
                  "name": "safestep",
                  "version": "0.1.0",
                  "rules": [
                    {
                      "id": "some-rule",
                      "helpUri": "https://safestep.dev/rules#some-rule"
                    }
                  ]
                }
              },
              "invocations": [
                {
                  "executionSuccessful": true,
                  "toolExecutionNotifications": []
                }
              ],
              "columnKind": "unicodeCodePoints",
              "results": [
                {
                  "ruleId": "some-rule",
                  "ruleIndex": 0,
                  "level": "error",
                  "message": {
                    "text": "100% <b>sure</b>: `a|b` \"x\"\nfirst\r\nsecond\nthird"
                  },
                  "locations": [
                    {
                      "physicalLocation": {
                        "artifactLocation": {
                          "uri": "db/%C3%A4%2C%20100%25%3A1.sql"
                        },
                        "region": {
                          "startLine": 2,
                          "startColumn": 2,
                          "endLine": 2,
                          "endColumn": 14
                        }
                      }
                    }
                  ],
                  "partialFingerprints": {
                    "safestep/v1": "0123456789abcdef0123456789abcdef"
                  }
                }
              ]
            }
          ]
        }
    "#]]
    .assert_eq(&render(&strange(), "sarif").text);
    for world in [users(), World::new(&[])] {
        let text = render(&world, "sarif").text;
        assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
    }
}

#[test]
fn gitlab() {
    expect![[r#"
        [
          {
            "description": "100% <b>sure</b>: `a|b` \"x\"",
            "check_name": "some-rule",
            "fingerprint": "0123456789abcdef0123456789abcdef",
            "severity": "critical",
            "location": {
              "path": "db/ä, 100%:1.sql",
              "lines": {
                "begin": 2,
                "end": 2
              }
            }
          }
        ]
    "#]]
    .assert_eq(&render(&strange(), "gitlab").text);
    expect![[r#"
        []
    "#]]
    .assert_eq(&render(&World::new(&[]), "gitlab").text);
}

#[test]
fn formats_have_different_names() {
    let names: std::collections::BTreeSet<&str> = FORMATS.iter().map(|format| format.name).collect();
    assert_eq!(names.len(), FORMATS.len());
}

/// Whatever the texts and the spans, nothing panics and what is drawn fits into a few lines.
#[test]
fn any_text_and_any_span() {
    let pieces =
        ["a", "\t", "\n", "\r\n", "\r", "漢", "é", "😀", "e\u{301}", "\u{FEFF}", "\x1b", "\0", "'", "x y", "%"];
    let mut state = 1_u32;
    let mut random = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    for round in 0..400 {
        let length = if round % 20 == 0 { 2000 } else { 40 };
        let text: String = (0..random(length)).map(|_| pieces[random(pieces.len())]).collect();
        let mut world = World::new(&[("a.sql", &text)]);
        for _ in 0..3 {
            let span =
                |random: &mut dyn FnMut(usize) -> usize| Span::new(random(text.len() + 5), random(text.len() + 5));
            let found = world.find(Level::Error, "some-rule", "a.sql", "", "m");
            found.span = span(&mut random);
            found.related =
                vec![crate::Related { path: "a.sql".into(), span: span(&mut random), message: "here".to_owned() }];
            let edit = crate::Edit { span: span(&mut random), text: "x\n".repeat(random(3)) };
            let fix = crate::Fix {
                title: "change it".to_owned(),
                class: model::plan::Class::Safe,
                assumptions: Vec::new(),
                edits: vec![edit],
                files: Vec::new(),
            };
            found.fix = Some(std::sync::Arc::new(fix));
        }
        for format in FORMATS {
            for style in [PLAIN, crate::Style { unicode: false, width: 0, ..PLAIN }] {
                let output = (format.render)(&world.report, &world.sources, style);
                assert!(output.text.ends_with('\n') && output.text.len() < 30_000, "{round}: {}", output.text.len());
                assert!(!output.text.contains('\x1b') && !output.text.contains('\0'));
            }
        }
    }
}
