//! What the client writes, as the framework can read it.
//!
//! The framework ends at the first message it cannot read, and editors write such messages: with half of a surrogate pair
//! (an edit may fall between the two), with header names in lower case, with URIs in which `[` or `^` stand as they are, with
//! parameters where there are none. Here they are put right; what is beyond that is answered with an error.

use std::borrow::Cow;
use std::fmt::Display;
use std::io::{self, BufRead, Read};

use serde_json::Value;
use tower_lsp::jsonrpc::{self, Error, Id, Request};

use crate::Server;

/// The request as which the framework hears of what only deserves an error: it answers the same ID.
pub const REFUSE: &str = "safestep/refuse";

/// A line of a header, in bytes. Longer ones are looked at in pieces.
const LINE: u64 = 1 << 16;

impl Server {
    pub async fn refuse(&self, error: Error) -> jsonrpc::Result<()> {
        Err(error)
    }
}

/// Hands every message on until the input ends or nobody takes them any more.
///
/// # Errors
/// The input cannot be read.
pub fn relay(input: &mut impl BufRead, mut hand_on: impl FnMut(&str) -> bool) -> io::Result<()> {
    while let Some(message) = next(input)? {
        if !hand_on(&readable(message)) {
            break;
        }
    }
    Ok(())
}

/// The next message, or why there is none here; `None` at the end of the input.
fn next(input: &mut impl BufRead) -> io::Result<Option<Result<Vec<u8>, &'static str>>> {
    let (mut length, mut is_empty, mut line) = (None, true, Vec::new());
    loop {
        line.clear();
        if input.by_ref().take(LINE).read_until(b'\n', &mut line)? == 0 {
            return Ok(None);
        }
        let text = String::from_utf8_lossy(&line).trim().to_ascii_lowercase();
        // What an earlier message left over may stand in front.
        if let Some((_, value)) = text.rsplit_once("content-length:") {
            length = value.trim().parse::<u64>().ok();
        }
        if text.is_empty() && !is_empty {
            break;
        }
        is_empty &= text.is_empty();
    }
    let Some(length) = length else { return Ok(Some(Err("its header has no Content-Length"))) };
    let mut body = Vec::new();
    input.by_ref().take(length).read_to_end(&mut body)?;
    Ok((body.len() as u64 == length).then_some(Ok(body)))
}

fn readable(message: Result<Vec<u8>, &'static str>) -> String {
    let refused = |error: Error, why: &dyn Display| {
        let message = format!("the message cannot be read: {why}");
        refusal(Id::Null, Error { message: message.into(), ..error })
    };
    let body = match message.map(String::from_utf8) {
        Ok(Ok(body)) => body,
        Ok(Err(error)) => return refused(Error::parse_error(), &error),
        Err(why) => return refused(Error::parse_error(), &why),
    };
    let body = paired(&body);
    let request: Request = match serde_json::from_str(&body) {
        Ok(request) => request,
        Err(error) if error.is_data() => return refused(Error::invalid_request(), &error),
        Err(error) => return refused(Error::parse_error(), &error),
    };
    let (method, id, mut params) = request.into_parts();
    let escaped = params.as_mut().is_some_and(escape);
    match (&*method, id, params) {
        // The framework does not answer these.
        (method, Some(id), _) if method.starts_with("$/") => {
            let message = format!("no such method: {method}");
            refusal(id, Error { message: message.into(), ..Error::method_not_found() })
        }
        // They have no parameters, and the framework insists.
        ("shutdown" | "exit", id, Some(_)) => written(method, id, None),
        (_, id, params) if escaped => written(method, id, params),
        _ => body.into_owned(),
    }
}

fn refusal(id: Id, error: Error) -> String {
    written(Cow::Borrowed(REFUSE), Some(id), serde_json::to_value(error).ok())
}

fn written(method: Cow<'static, str>, id: Option<Id>, params: Option<Value>) -> String {
    let mut request = Request::build(method);
    if let Some(id) = id {
        request = request.id(id);
    }
    if let Some(params) = params {
        request = request.params(params);
    }
    request.finish().to_string()
}

/// Half of a surrogate pair becomes U+FFFD, which is as long in UTF-16.
fn paired(json: &str) -> Cow<'_, str> {
    if !json.contains("\\ud") && !json.contains("\\uD") {
        return Cow::Borrowed(json);
    }
    let unit = |at: usize| u16::from_str_radix(json.get(at..)?.strip_prefix("\\u")?.get(..4)?, 16).ok();
    let (mut whole, mut done, mut at) = (String::with_capacity(json.len()), 0, 0);
    while let Some(escape) = json.as_bytes()[at..].iter().position(|it| *it == b'\\').map(|it| at + it) {
        at = (escape + 2).min(json.len());
        match (unit(escape), unit(escape + 6)) {
            (Some(0xD800..=0xDBFF), Some(0xDC00..=0xDFFF)) => at = escape + 12,
            (Some(0xD800..=0xDFFF), _) => {
                whole.push_str(&json[done..escape]);
                whole.push_str("\\ufffd");
                (done, at) = (escape + 6, escape + 6);
            }
            _ => {}
        }
    }
    whole.push_str(&json[done..]);
    Cow::Owned(whole)
}

/// Escapes what may not stand in a URI (RFC 3986, appendix A), and tells whether there was any.
fn escape(value: &mut Value) -> bool {
    match value {
        Value::Array(values) => values.iter_mut().fold(false, |any, value| escape(value) | any),
        Value::Object(fields) => fields.iter_mut().fold(false, |any, (name, value)| {
            let escaped = match value {
                Value::String(uri) if name.ends_with("uri") || name.ends_with("Uri") => match escaped(uri) {
                    Some(escaped) => {
                        *uri = escaped;
                        true
                    }
                    None => false,
                },
                value => escape(value),
            };
            escaped | any
        }),
        _ => false,
    }
}

fn escaped(uri: &str) -> Option<String> {
    let stands = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~:/?#@!$&'()*+,;=%".contains(byte);
    if uri.as_bytes().iter().all(stands) {
        return None;
    }
    let mut escaped = String::with_capacity(uri.len() + 16);
    for byte in uri.bytes() {
        if stands(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    Some(escaped)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(input: &[u8], expect: Expect) {
        let mut messages = String::new();
        relay(&mut io::Cursor::new(input), |message| {
            messages.push_str(message);
            messages.push('\n');
            true
        })
        .expect("it lies in memory");
        expect.assert_eq(&messages);
    }

    fn framed(bodies: &[&str]) -> Vec<u8> {
        bodies.iter().flat_map(|body| format!("Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()).collect()
    }

    #[test]
    fn headers_are_written_in_many_ways() {
        let body = r#"{"jsonrpc":"2.0","method":"x"}"#;
        let heads =
            ["content-length: 30\r\n", "Content-Type: text/x\r\nCONTENT-LENGTH:30\r\n", "\r\n\nContent-Length: 30\n"];
        let input: String = heads.iter().map(|head| format!("{head}\r\n{body}")).collect();
        check(
            input.as_bytes(),
            expect![[r#"
            {"jsonrpc":"2.0","method":"x"}
            {"jsonrpc":"2.0","method":"x"}
            {"jsonrpc":"2.0","method":"x"}
        "#]],
        );
    }

    #[test]
    fn what_is_no_message_is_refused_and_the_next_one_is_read() {
        let mut input = framed(&[r#"{"id": 7,"#, "[]", "{}", ""]);
        input.extend(b"Content-Length: many\r\n\r\nContent-Length: 2\r\n\r\n\xff{rest");
        input.extend(framed(&[r#"{"jsonrpc":"2.0","method":"x"}"#]));
        input.extend(b"Content-Length: 99999999999999\r\n\r\nends before");
        check(
            &input,
            expect![[r#"
            {"jsonrpc":"2.0","method":"safestep/refuse","params":{"code":-32700,"message":"the message cannot be read: EOF while parsing a value at line 1 column 9"},"id":null}
            {"jsonrpc":"2.0","method":"safestep/refuse","params":{"code":-32600,"message":"the message cannot be read: invalid length 0, expected struct Request with 4 elements at line 1 column 2"},"id":null}
            {"jsonrpc":"2.0","method":"safestep/refuse","params":{"code":-32600,"message":"the message cannot be read: missing field `jsonrpc` at line 1 column 2"},"id":null}
            {"jsonrpc":"2.0","method":"safestep/refuse","params":{"code":-32700,"message":"the message cannot be read: EOF while parsing a value at line 1 column 0"},"id":null}
            {"jsonrpc":"2.0","method":"safestep/refuse","params":{"code":-32700,"message":"the message cannot be read: its header has no Content-Length"},"id":null}
            {"jsonrpc":"2.0","method":"safestep/refuse","params":{"code":-32700,"message":"the message cannot be read: invalid utf-8 sequence of 1 bytes from index 0"},"id":null}
            {"jsonrpc":"2.0","method":"x"}
        "#]],
        );
    }

    #[test]
    fn half_of_a_surrogate_pair_is_replaced() {
        check(
            &framed(&[
                r#"{"jsonrpc":"2.0","method":"\ud83d\ude00 \uD83D \\ud83d \uDE00\ud83d\u0041\ud83d"}"#,
                "\\ud83d\\",
            ]),
            expect![[r#"
            {"jsonrpc":"2.0","method":"\ud83d\ude00 \ufffd \\ud83d \ufffd\ufffd\u0041\ufffd"}
            {"jsonrpc":"2.0","method":"safestep/refuse","params":{"code":-32700,"message":"the message cannot be read: expected value at line 1 column 1"},"id":null}
        "#]],
        );
    }

    #[test]
    fn uris_are_escaped() {
        let open = |uri: &str| {
            format!(
                r#"{{"jsonrpc":"2.0","id":1,"method":"x","params":{{"rootUri":"{uri}","a":[{{"uri":"{uri}"}}],"text":"[^]"}}}}"#
            )
        };
        check(
            &framed(&[&open("file:///a/[b]^|é %20"), &open("file:///a/%5Bb%5D?q#f")]),
            expect![[r#"
            {"jsonrpc":"2.0","method":"x","params":{"a":[{"uri":"file:///a/%5Bb%5D%5E%7C%C3%A9%20%20"}],"rootUri":"file:///a/%5Bb%5D%5E%7C%C3%A9%20%20","text":"[^]"},"id":1}
            {"jsonrpc":"2.0","id":1,"method":"x","params":{"rootUri":"file:///a/%5Bb%5D?q#f","a":[{"uri":"file:///a/%5Bb%5D?q#f"}],"text":"[^]"}}
        "#]],
        );
    }

    #[test]
    fn what_the_framework_does_not_take_is_simplified() {
        check(
            &framed(&[
                r#"{"jsonrpc":"2.0","id":"a","method":"$/unheard","params":{}}"#,
                r#"{"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}"#,
                r#"{"jsonrpc":"2.0","id":2,"method":"shutdown","params":{}}"#,
                r#"{"jsonrpc":"2.0","method":"exit","params":null}"#,
                r#"{"jsonrpc":"2.0","id":3,"result":[1]}"#,
            ]),
            expect![[r#"
            {"jsonrpc":"2.0","method":"safestep/refuse","params":{"code":-32601,"message":"no such method: $/unheard"},"id":"a"}
            {"jsonrpc":"2.0","method":"$/cancelRequest","params":{"id":1}}
            {"jsonrpc":"2.0","method":"shutdown","id":2}
            {"jsonrpc":"2.0","method":"exit"}
            {"jsonrpc":"2.0","id":3,"result":[1]}
        "#]],
        );
    }
}
