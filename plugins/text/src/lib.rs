//! Figures about a text: vowels, words, sentences, how long it takes to read, which words it uses most.

mod words;

use std::collections::HashMap;

use extism_pdk::{config, plugin_fn, FnResult, FromBytes, Json, ToBytes};
use serde::{Deserialize, Serialize};

const WORDS_PER_MINUTE: f64 = 230.0; // silent reading of prose

#[derive(Serialize, ToBytes)]
#[encoding(Json)]
struct Vowels {
    count: usize,
}

/// text -> {count}
#[plugin_fn]
pub fn count_vowels(text: String) -> FnResult<Vowels> {
    let count = text.chars().filter(|&c| words::is_vowel(c)).count();
    Ok(Vowels { count })
}

#[derive(Serialize, ToBytes)]
#[encoding(Json)]
struct Statistics {
    characters: usize,
    letters: usize,
    words: usize,
    distinct_words: usize,
    sentences: usize,
    paragraphs: usize,
    vowels: usize,
    longest_word: String,
    words_per_sentence: f64,
    reading_s: u64,
}

/// text -> its figures
#[plugin_fn]
pub fn statistics(text: String) -> FnResult<Statistics> {
    let counts = words::count(&text);
    let words: usize = counts.values().sum();
    let sentences = words::sentences(&text);
    Ok(Statistics {
        characters: text.chars().count(),
        letters: text.chars().filter(|c| c.is_alphabetic()).count(),
        words,
        distinct_words: counts.len(),
        sentences,
        paragraphs: words::paragraphs(&text),
        vowels: text.chars().filter(|&c| words::is_vowel(c)).count(),
        longest_word: longest(&counts),
        words_per_sentence: round(words as f64 / sentences.max(1) as f64),
        reading_s: (words as f64 * 60.0 / words_per_minute()?).ceil() as u64,
    })
}

#[derive(Deserialize, FromBytes)]
#[encoding(Json)]
struct Question {
    text: String,
    #[serde(default = "ten")]
    limit: usize,
}

#[derive(Serialize, ToBytes)]
#[encoding(Json)]
struct Frequencies {
    words: Vec<Frequency>,
}

#[derive(Serialize)]
struct Frequency {
    word: String,
    count: usize,
}

/// {text, limit} -> the words used most, and how often
#[plugin_fn]
pub fn frequencies(question: Question) -> FnResult<Frequencies> {
    let mut words: Vec<Frequency> =
        words::count(&question.text).into_iter().map(|(word, count)| Frequency { word, count }).collect();
    words.sort_by(|a, b| b.count.cmp(&a.count).then_with(|| a.word.cmp(&b.word)));
    words.truncate(question.limit);
    Ok(Frequencies { words })
}

/// text -> the same as part of an address: `Hello, World!` becomes `hello-world`
#[plugin_fn]
pub fn slug(text: String) -> FnResult<String> {
    let words: Vec<String> = words::split(&text).map(|word| word.replace(['\'', '’'], "")).collect();
    Ok(words.join("-").to_lowercase())
}

fn words_per_minute() -> FnResult<f64> {
    match config::get("words_per_minute")?.map(|value| value.parse::<f64>()) {
        None => Ok(WORDS_PER_MINUTE),
        Some(Ok(value)) if value >= 1.0 => Ok(value),
        Some(_) => Err(extism_pdk::Error::msg("the setting words_per_minute must be a number from 1 on").into()),
    }
}

fn longest(counts: &HashMap<String, usize>) -> String {
    let length = |word: &&String| (word.chars().count(), std::cmp::Reverse((*word).clone()));
    counts.keys().max_by_key(length).cloned().unwrap_or_default()
}

fn round(value: f64) -> f64 {
    (value * 10.0).round() / 10.0
}

fn ten() -> usize {
    10
}
