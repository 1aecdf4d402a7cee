//! As much HTML as the plugin needs: text of the title, destinations of links. Linear in the page, whatever it holds.

use std::collections::HashSet;

const LONGEST_TAG: usize = 8192;
const LONGEST_ENTITY: usize = 10;

/// The text of the first `<title>`, blanks joined, the common entities read.
pub fn title(html: &str) -> Option<String> {
    let lower = html.to_ascii_lowercase();
    let open = tags(&lower, "title").next()?;
    let start = open + lower[open..].find('>')? + 1;
    let end = start + lower[start..].find("</title").unwrap_or(lower.len() - start);
    let text = read_entities(&html[start..end]);
    let words: Vec<&str> = text.split_whitespace().collect();
    (!words.is_empty()).then(|| words.join(" "))
}

/// The `href` of each `<a>`, in order, each once.
pub fn links(html: &str) -> Vec<String> {
    let lower = html.to_ascii_lowercase();
    let mut seen = HashSet::new();
    tags(&lower, "a")
        .filter_map(|open| {
            let length = lower[open..].bytes().take(LONGEST_TAG).position(|byte| byte == b'>')?;
            href(&html[open..open + length], &lower[open..open + length])
        })
        .filter(|link| seen.insert(link.clone()))
        .collect()
}

/// Where `<name` stands with nothing of a longer name behind it.
fn tags<'a>(lower: &'a str, name: &'a str) -> impl Iterator<Item = usize> + 'a {
    lower.match_indices('<').map(|(at, _)| at).filter(move |at| {
        let rest = &lower[at + 1..];
        rest.starts_with(name) && !rest[name.len()..].starts_with(|c: char| c.is_alphanumeric() || c == '-')
    })
}

fn href(tag: &str, lower: &str) -> Option<String> {
    let (at, _) = lower.match_indices("href").find(|(at, _)| lower[..*at].ends_with(char::is_whitespace))?;
    let value = tag[at + 4..].trim_start().strip_prefix('=')?.trim_start();
    let quoted = |quote: char| value.strip_prefix(quote).map(|rest| rest.split(quote).next().unwrap_or(rest));
    let bare = || value.split_whitespace().next().unwrap_or("");
    let link = read_entities(quoted('"').or_else(|| quoted('\'')).unwrap_or_else(bare).trim());
    (!link.is_empty()).then_some(link)
}

fn read_entities(text: &str) -> String {
    const NAMED: [(&str, &str); 6] =
        [("lt", "<"), ("gt", ">"), ("quot", "\""), ("apos", "'"), ("nbsp", " "), ("amp", "&")];
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let end = rest.bytes().take(LONGEST_ENTITY).position(|byte| byte == b';');
        let name = end.map_or("", |end| &rest[..end]);
        let named = NAMED.iter().find(|(known, _)| *known == name).map(|(_, text)| (*text).to_string());
        match named.or_else(|| numbered(name)) {
            Some(text) => {
                out.push_str(&text);
                rest = &rest[name.len() + 1..];
            }
            None => out.push('&'),
        }
    }
    out + rest
}

fn numbered(name: &str) -> Option<String> {
    let digits = name.strip_prefix('#')?;
    let code = match digits.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok()?,
        None => digits.parse().ok()?,
    };
    char::from_u32(code).map(String::from)
}
