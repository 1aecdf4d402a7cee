//! Where words, sentences and paragraphs begin and end.

use std::collections::HashMap;

/// Vowels of the languages written in Latin letters, with their accents; `y` counts as none.
pub fn is_vowel(c: char) -> bool {
    "aeiouàáâãäåæèéêëìíîïòóôõöøùúûüāēīōūœ".contains(c.to_lowercase().next().unwrap_or(c))
}

/// Runs of letters and digits; an apostrophe or hyphen between two of them belongs to the word.
pub fn split(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && !is_joiner(c))
        .map(|word| word.trim_matches(is_joiner))
        .filter(|word| !word.is_empty())
}

fn is_joiner(c: char) -> bool {
    matches!(c, '\'' | '’' | '-')
}

/// How often each word stands in the text, in lower case.
pub fn count(text: &str) -> HashMap<String, usize> {
    let mut counts = HashMap::new();
    for word in split(text) {
        *counts.entry(word.to_lowercase()).or_insert(0) += 1;
    }
    counts
}

/// Ends of sentences (`.`, `!`, `?`, `…` before a blank or the end), and what is left without one.
pub fn sentences(text: &str) -> usize {
    let mut found = 0;
    let mut open = false;
    let mut characters = text.chars().peekable();
    while let Some(c) = characters.next() {
        open |= c.is_alphanumeric();
        let last = characters.peek().is_none_or(|next| next.is_whitespace() || "\"'”’»)".contains(*next));
        if open && (matches!(c, '。' | '！' | '？') || (matches!(c, '.' | '!' | '?' | '…') && last)) {
            found += 1;
            open = false;
        }
    }
    found + usize::from(open)
}

/// Blocks of lines with something on them.
pub fn paragraphs(text: &str) -> usize {
    let blank = |line: &str| line.trim().is_empty();
    let lines: Vec<&str> = text.lines().collect();
    (0..lines.len()).filter(|&i| !blank(lines[i]) && (i == 0 || blank(lines[i - 1]))).count()
}
