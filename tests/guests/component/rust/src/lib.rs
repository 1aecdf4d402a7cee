//! One function for each shape of value, for each door that answers, and for each thing a guest may try.

wit_bindgen::generate!({ world: "test:guest/guest", path: ["../../../../specs/wit/omnicore-1.0.0", "wit"], generate_all });

use exports::test::guest::greeter::{Guest as Greeter, Person};
use omnicore::plugin::types::{Blob, DoorError};
use omnicore::plugin::{config, events, http, kv, log};
use std::sync::atomic::{AtomicU32, Ordering};

struct Component;

static CALLS: AtomicU32 = AtomicU32::new(0);

fn told(error: DoorError) -> String {
    format!("{}: {}", error.code, error.message)
}

fn bytes(blob: Blob) -> Vec<u8> {
    match blob {
        Blob::Text(text) => text.into_bytes(),
        Blob::Base64(text) => text.into_bytes(),
    }
}

impl Greeter for Component {
    fn greet(who: Person) -> String {
        match who.age {
            Some(age) => format!("Hello, {} ({age})!", who.name),
            None => format!("Hello, {}!", who.name),
        }
    }
}

impl Guest for Component {
    fn shout(text: String) -> String {
        text.to_uppercase()
    }
    fn nothing() {}
    fn add(a: u32, b: i64) -> i64 {
        i64::from(a) + b
    }
    fn reverse(mut data: Vec<u8>) -> Vec<u8> {
        data.reverse();
        data
    }
    fn numbers(values: Vec<f64>) -> Vec<f64> {
        values.into_iter().map(|value| value * 2.0).collect()
    }
    fn divide(a: i32, b: i32) -> Result<i32, String> {
        a.checked_div(b).ok_or_else(|| format!("{a} cannot be divided by {b}"))
    }
    fn area(of: Shape) -> f64 {
        match of {
            Shape::Circle(radius) => radius * radius * std::f64::consts::PI,
            Shape::Square(side) => side * side,
            Shape::Empty => 0.0,
        }
    }
    fn mix(
        a: Colour,
        flags: Toggles,
        c: char,
        pair: (bool, Option<String>),
    ) -> (Colour, Toggles, char, (bool, Option<String>)) {
        (a, flags, c, pair)
    }
    fn check(at: Point) -> Result<(), Point> {
        if at.x == at.y { Ok(()) } else { Err(at) }
    }
    fn remember(key: String, value: String) -> Result<i64, String> {
        kv::put(&key, &Blob::Text(value), None).map_err(told)
    }
    fn recall(key: String) -> Result<Option<String>, String> {
        let entry = kv::get(&key).map_err(told)?;
        Ok(entry.map(|entry| String::from_utf8_lossy(&bytes(entry.value)).into_owned()))
    }
    fn recall_bytes(key: String) -> Result<Option<Vec<u8>>, String> {
        Ok(kv::get(&key).map_err(told)?.map(|entry| bytes(entry.value)))
    }
    fn setting(key: String) -> Result<Option<String>, String> {
        config::get(&key).map_err(told)
    }
    fn publish(topic: String, data: String) -> Result<String, String> {
        events::publish(&topic, &data).map_err(told)
    }
    fn fetch(url: String) -> Result<String, String> {
        let reply = http::fetch(&url, None, None, None).map_err(told)?;
        Ok(format!("{} {}", reply.status, String::from_utf8_lossy(&bytes(reply.body))))
    }
    fn say(text: String) {
        println!("{text}");
        eprintln!("{text}");
        let fields = [("length".to_string(), text.len().to_string())];
        log::write(log::Level::Info, &text, Some(&fields)).expect("the log door is open to all");
    }
    fn sleep(ms: u32) {
        std::thread::sleep(std::time::Duration::from_millis(ms.into()));
    }
    fn dice(count: u32) -> Vec<u8> {
        use std::hash::{BuildHasher, Hasher};
        (0..count)
            .map(|_| std::collections::hash_map::RandomState::new().build_hasher().finish() as u8)
            .collect()
    }
    fn now() -> u64 {
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("a clock after 1970").as_secs()
    }
    fn surroundings() -> Vec<String> {
        let folder = std::env::current_dir().map(|path| path.display().to_string()).unwrap_or_default();
        std::env::args().chain(std::env::vars().map(|(name, value)| format!("{name}={value}"))).chain([folder]).collect()
    }
    fn connect(address: String) -> Result<(), String> {
        std::net::TcpStream::connect(&address).map(|_| ()).map_err(|error| error.to_string())
    }
    fn read_file(path: String) -> Result<String, String> {
        std::fs::read_to_string(path).map_err(|error| error.to_string())
    }
    fn spin() {
        loop {
            CALLS.fetch_add(1, Ordering::Relaxed);
        }
    }
    fn recurse(depth: u32) -> u32 {
        let mut room = [depth; 64];
        room[depth as usize % 64] += 1;
        if depth == 0 { 0 } else { Self::recurse(std::hint::black_box(depth - 1)) + std::hint::black_box(room)[3] % 2 }
    }
    fn hoard(bytes: u64) -> u64 {
        let mut kept: Vec<Vec<u8>> = Vec::new();
        while (kept.len() as u64) << 20 < bytes {
            kept.push(vec![1; 1 << 20]);
        }
        std::hint::black_box(kept).len() as u64
    }
    fn repeat(text: String, times: u32) -> String {
        text.repeat(times as usize)
    }
    fn panic(text: String) {
        panic!("{text}");
    }
    fn leave(code: u8) {
        std::process::exit(code.into());
    }
    fn count() -> u32 {
        CALLS.fetch_add(1, Ordering::Relaxed) + 1
    }
}

export!(Component);
