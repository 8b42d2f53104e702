//! Tokens as PostgreSQL's lexer cuts them.

use expect_test::{Expect, expect};

use crate::lex;

fn check(text: &str, expected: Expect) {
    let drawn: Vec<String> =
        lex::tokens(text).iter().map(|token| format!("{:?} {}", token.kind, token.span.slice(text))).collect();
    expected.assert_eq(&drawn.join("\n"));
}

#[test]
fn strings_and_names() {
    check(
        r#"'it''s' E'a\'b' U&'\0041' n'x' b'01' x'1F' "a""b" U&"d" $$x$$ $t$ $x$ $t$ a$b $1 été 'a' -- c"#,
        expect![[r#"
            String 'it''s'
            PrefixedString E'a\'b'
            PrefixedString U&'\0041'
            PrefixedString n'x'
            BitString b'01'
            BitString x'1F'
            QuotedName "a""b"
            QuotedName U&"d"
            DollarString $$x$$
            DollarString $t$ $x$ $t$
            Word a$b
            Parameter $1
            Word été
            String 'a'
            LineComment -- c"#]],
    );
}

#[test]
fn numbers() {
    check(
        "1 2147483647 2147483648 1_000 0xFF 0o17 0b1 1.5 .5 5. 1e10 1.e-5 1..10 1a 0x 1__0 $1a",
        expect![[r#"
            Integer 1
            Integer 2147483647
            Float 2147483648
            Integer 1_000
            Integer 0xFF
            Integer 0o17
            Integer 0b1
            Float 1.5
            Float .5
            Float 5.
            Float 1e10
            Float 1.e-5
            Integer 1
            DotDot ..
            Integer 10
            Junk 1a
            Junk 0x
            Junk 1__0
            Junk $1a"#]],
    );
}

#[test]
fn operators() {
    check(
        "a::int b:=c d=>-1 e>=f@-1 g*-h i!=-j k<-l /* x */ +/* y */-m n||'o' p[1:2] q.r @> #- ?| ~*",
        expect![[r#"
            Word a
            Cast ::
            Word int
            Word b
            Assign :=
            Word c
            Word d
            Operator =>
            Operator -
            Integer 1
            Word e
            Operator >=
            Word f
            Operator @-
            Integer 1
            Word g
            Operator *
            Operator -
            Word h
            Word i
            Operator !=-
            Word j
            Word k
            Operator <
            Operator -
            Word l
            BlockComment /* x */
            Operator +
            BlockComment /* y */
            Operator -
            Word m
            Word n
            Operator ||
            String 'o'
            Word p
            LeftBracket [
            Integer 1
            Colon :
            Integer 2
            RightBracket ]
            Word q
            Dot .
            Word r
            Operator @>
            Operator #-
            Operator ?|
            Operator ~*"#]],
    );
}

#[test]
fn open_ends() {
    for text in ["'a", "\"a", "$$a", "$t$ $$", "/* /* */", "E'a\\'"] {
        let tokens = lex::tokens(text);
        assert_eq!(tokens.len(), 1, "{text}");
        assert_eq!((tokens[0].kind, tokens[0].span.end as usize), (lex::TokenKind::Unclosed, text.len()));
    }
}

#[test]
fn segments() {
    let text = "a (b, c), d[1, 2], /* , */ e";
    let tokens = lex::tokens(text);
    let parts: Vec<&str> = lex::comma_separated(&tokens)
        .into_iter()
        .map(|range| tokens[range.start].span.to(tokens[range.end - 1].span).slice(text))
        .collect();
    assert_eq!(parts, ["a (b, c)", "d[1, 2]", "/* , */ e"]);
}

#[test]
fn folding() {
    assert_eq!(lex::fold("Users"), "users");
    assert_eq!(lex::fold("\"Us\"\"ers\""), "Us\"ers");
    assert_eq!(lex::fold(&"ü".repeat(40)).len(), 62);
}
