use std::fmt::Write;

use expect_test::expect;
use model::effect::{LockMode, Work, lock_name};
use model::schema::Born;
use model::trace::Timeout;

use super::explain::{RUNNER, Traced, alone, lock, orders};
use crate::timeline::{Compared, Theme, Timeline, html, svg};
use crate::{Explained, Sources};

fn timeline(it: &Traced) -> Timeline {
    Timeline::of(&[it.explained()], None, &it.world.report.assumed, &it.world.sources)
}

/// The data in few words.
fn drawn(timeline: &Timeline) -> String {
    let mut out = String::new();
    for (at, column) in timeline.columns.iter().enumerate() {
        let group = timeline.transactions.partition_point(|it| it.columns.end <= at);
        let _ = write!(out, "{at}: statement {}", column.statement);
        let _ = write!(out, " x{} line {} {:?} in {group}", column.count, column.line, column.weight);
        let _ = write!(out, "{}", if column.hurts { " hurts" } else { "" });
        let _ = writeln!(out, "{}", column.bound.as_ref().map(|it| format!(" {it:?}")).unwrap_or_default());
    }
    for lane in &timeline.lanes {
        let new = if lane.new { " (new)" } else { "" };
        let _ = writeln!(out, "{}{}{new}", if lane.child { "  " } else { "" }, lane.relation);
        for span in &lane.spans {
            let _ = writeln!(out, "  {:?} {} {:?}", span.columns, lock_name(span.lock), span.shade);
        }
        for mark in &lane.marks {
            let _ = writeln!(out, "  at {} {:?}", mark.column, mark.work);
        }
    }
    for words in &timeline.left_out {
        let _ = writeln!(out, "left out: {words}");
    }
    out
}

#[test]
fn spans_last_until_commit() {
    expect![[r#"
        0: statement 0 x1 line 2 Instant in 0 Endless
        1: statement 1 x1 line 4 Grows in 0 hurts Limit("2s")
        2: statement 2 x1 line 6 Grows in 0 hurts
        3: statement 3 x1 line 7 Instant in 0
        4: statement 4 x1 line 8 Grows in 0 hurts Limit("2s")
        5: statement 5 x1 line 10 Grows in 1
        6: statement 6 x1 line 11 Grows in 2
        users
          0..5 ACCESS EXCLUSIVE Everybody
          6..7 SHARE UPDATE EXCLUSIVE Schema
          at 6 Build
        orders
          1..4 SHARE Writes
          4..5 ACCESS EXCLUSIVE Everybody
          at 1 Build
          at 4 Rewrite
        order_items
          2..5 ROW EXCLUSIVE Weak
          5..6 SHARE UPDATE EXCLUSIVE Schema
          at 2 Rows
          at 5 Scan
        audit (new)
          3..5 ACCESS EXCLUSIVE Weak
    "#]]
    .assert_eq(&drawn(&timeline(&orders())));
}

#[test]
fn a_run_of_like_statements_is_one_column() {
    let mut it = Traced::new("INSERT a; INSERT b; INSERT c; INSERT d; ALTER TABLE t");
    let mut new = lock("t", LockMode::RowExclusive, Work::Rows);
    new.born = Born::Here;
    for text in ["INSERT a", "INSERT b", "INSERT c", "INSERT d"] {
        it.statement(text, RUNNER, vec![new.clone()]);
    }
    it.statement("ALTER TABLE t", alone(2), vec![lock("u", LockMode::AccessExclusive, Work::Instant)]);
    expect![[r#"
        0: statement 0 x4 line 1 Instant in 0
        1: statement 4 x1 line 1 Instant in 1 Limit("2s")
        u
          1..2 ACCESS EXCLUSIVE Everybody
        t (new)
          0..1 ROW EXCLUSIVE Weak
    "#]]
    .assert_eq(&drawn(&timeline(&it)));
}

#[test]
fn the_strongest_of_many_relations_are_drawn() {
    let mut it = Traced::new("ALTER TABLE x; INSERT y");
    let many = |prefix: &str, mode| -> Vec<_> {
        (0..20).map(|number| lock(&format!("{prefix}{number}"), mode, Work::Instant)).collect()
    };
    let weak = many("weak", LockMode::AccessShare);
    it.statement("ALTER TABLE x", alone(1), [weak, many("ddl", LockMode::ShareUpdateExclusive)].concat());
    it.statement("INSERT y", alone(2), many("all", LockMode::AccessExclusive));
    let timeline = timeline(&it);
    let lanes = |prefix: &str| timeline.lanes.iter().filter(|lane| lane.relation.starts_with(prefix)).count();
    assert_eq!((lanes("all"), lanes("ddl"), lanes("weak")), (20, 10, 5));
    assert_eq!(timeline.left_out, ["10 more relations", "15 more relations with weak locks"]);
}

#[test]
fn of_very_many_statements_those_that_hurt_are_drawn() {
    let statement = |at: usize| match at {
        400 => ("CREATE INDEX i ON t7 (a)".to_owned(), lock("t7", LockMode::Share, Work::Build)),
        _ => {
            (format!("ALTER TABLE t{at} ADD a int"), lock(&format!("t{at}"), LockMode::AccessExclusive, Work::Instant))
        }
    };
    let texts: Vec<String> = (0..801).map(|at| statement(at).0).collect();
    let mut it = Traced::new(&texts.join("; "));
    for (at, text) in texts.iter().enumerate() {
        it.statement(text, alone(u32::try_from(at).expect("few")), vec![statement(at).1]);
    }
    let timeline = timeline(&it);
    let hurting: Vec<&str> = timeline.columns.iter().filter(|column| column.hurts).map(|it| &*it.sql).collect();
    assert_eq!(hurting, ["CREATE INDEX i ON t7 (a)"]);
    assert_eq!((timeline.columns.len(), &*timeline.left_out[0]), (200, "601 more statements"));
}

fn compared(it: &Traced) -> Vec<Compared<'_>> {
    vec![Compared {
        before: vec![it.explained()],
        planned: None,
        after: vec![it.explained()],
        after_sources: Sources::default(),
    }]
}

#[test]
fn an_editor_finds_the_statements() {
    let it = orders();
    let svg = svg(&compared(&it)[..1], &it.world.report.assumed, &it.world.sources, Theme::Viewer);
    let tags: Vec<&str> = svg.split('<').filter(|tag| tag.contains("data-")).map(str::trim_end).collect();
    expect![[r#"
        g class="file" data-path="db/migrations/0007_orders.sql" data-section="up">
        g class="column instant" data-statement="0">
        g class="column grows hurts" data-statement="1">
        g class="column grows hurts" data-statement="2">
        g class="column instant" data-statement="3">
        g class="column grows hurts" data-statement="4">
        g class="column grows" data-statement="5">
        g class="column grows" data-statement="6">
        g class="lane" data-relation="users">
        g class="lane" data-relation="orders">
        g class="lane" data-relation="order_items">
        g class="lane new" data-relation="audit">"#]]
    .assert_eq(&tags[..tags.len() / 2].join("\n"));
}

#[test]
fn words_of_neighbours_do_not_touch() {
    let mut it = Traced::new("ALTER TABLE a; ALTER TABLE b; ALTER TABLE c");
    for (text, limit) in [
        ("ALTER TABLE a", Timeout::Unset),
        ("ALTER TABLE b", Timeout::Milliseconds(12_500)),
        ("ALTER TABLE c", Timeout::Off),
    ] {
        it.statement(text, RUNNER, vec![lock("t", LockMode::AccessExclusive, Work::Instant)]);
        it.trace.judged.last_mut().expect("just added").timeouts.lock = limit;
    }
    let svg = svg(&compared(&it)[..1], &it.world.report.assumed, &it.world.sources, Theme::Viewer);
    let waits = |tag: &&str| tag.contains("no limit") || tag.contains('≤');
    let middle = |tag: &str| tag.split("x=\"").nth(1)?.split('"').next()?.parse::<f64>().ok();
    let middles: Vec<f64> = svg.split("<text ").filter(waits).filter_map(middle).collect();
    for pair in middles.windows(2).filter(|pair| pair[0] < pair[1]) {
        assert!(pair[1] - pair[0] >= 50.0, "{middles:?}");
    }
}

#[test]
fn names_are_escaped_clipped_and_complete_in_tooltips() {
    let mut it = Traced::new("ALTER TABLE <script>&\"\u{1b}漢字");
    let long = "漢字<&>".repeat(20);
    it.statement("ALTER TABLE <script>&\"\u{1b}漢字", RUNNER, vec![lock(&long, LockMode::Share, Work::Scan)]);
    let assumed = &it.world.report.assumed;
    let svg = svg(&compared(&it), assumed, &it.world.sources, Theme::Viewer);
    for text in [svg, html(&compared(&it), assumed, &it.world.sources)] {
        assert!(!text.contains("<script") && !text.contains('\u{1b}'));
        assert!(text.contains("ALTER TABLE &lt;script&gt;&amp;&quot;\u{FFFD}漢字"));
        assert!(text.contains(&"漢字&lt;&amp;&gt;".repeat(20)), "the whole name is told");
        let names = text.split("text-anchor=\"end\">").skip(1).map(|it| it.split('<').next().unwrap_or_default());
        assert_eq!(
            names.max_by_key(|name| name.len()),
            Some("&quot;漢字&lt;&amp;&gt;漢字&lt;&amp;&gt;漢字&lt;&amp;&gt;漢字&lt;…")
        );
    }
}

#[test]
fn a_file_may_wait_for_a_deploy() {
    let it = orders();
    let planned = super::plan::planned();
    let late = Explained { path: &planned.parts[1].path, ..it.explained() };
    let compared = Compared { planned: Some(&planned), after: vec![it.explained(), late], ..compared(&it).remove(0) };
    let page = html(&[compared], &it.world.report.assumed, &it.world.sources);
    let deploys = page.lines().filter(|line| line.contains("deploy</text>")).count();
    assert_eq!((deploys, page.matches("only after a deploy: no running code writes orders").count()), (1, 1));
}

#[test]
fn pages_stand_alone() {
    let it = orders();
    let page = html(&compared(&it), &it.world.report.assumed, &it.world.sources);
    let outside = ["<script", "<link", "<img", "@import", "src=", "href="];
    assert_eq!(outside.map(|it| page.contains(it)), [false; 6]);
    for id in page.split(" id=\"").skip(1).filter_map(|rest| rest.split('"').next()) {
        assert_eq!(page.matches(&format!(" id=\"{id}\"")).count(), 1, "{id}");
    }
    assert_eq!(page.matches("<style").count(), 1, "it is the same for all pictures");
}

/// Viewers that know little of CSS draw in black what they do not understand.
#[test]
fn every_color_is_plain() {
    let it = orders();
    let picture = |theme| svg(&compared(&it), &it.world.report.assumed, &it.world.sources, theme);
    let plain = picture(Theme::Viewer);
    assert_eq!([plain.contains("var("), plain.contains('$')], [false; 2]);
    let (light, dark) = plain.split_once("@media (prefers-color-scheme: dark)").expect("both");
    for (color, css) in [("#c4242f", light), ("#d1353f", dark)] {
        assert!(css.contains(&format!(".safestep .everybody rect {{ fill: {color}; }}")), "{css}");
    }
    let editor = picture(Theme::Editor);
    assert!(editor.contains(".safestep text { fill: var(--vscode-editor-foreground); }") && !editor.contains('$'));
}
