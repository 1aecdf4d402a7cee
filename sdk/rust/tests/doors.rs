//! Doors as a test sees them: what is asked, and what becomes of the answer.

use std::cell::RefCell;
use std::rc::Rc;

use omnicore::{config, connectors, events, http, json, kv, log, map, memory, tasks, testing, vectors, Json};

/// Answers each request with the same reply, and keeps them.
fn host(reply: Json) -> Rc<RefCell<Vec<(String, Json)>>> {
    let seen = Rc::new(RefCell::new(Vec::new()));
    let kept = seen.clone();
    testing::host(move |function, request| {
        kept.borrow_mut().push((function.to_string(), request));
        reply.clone()
    });
    seen
}

#[test]
fn what_is_left_out_is_not_asked_for() {
    let seen = host(json!({"version": 1}));
    kv::put("a", b"text", None).unwrap();
    kv::put("a", [0xff, 0], kv::PutOptions { ttl_s: Some(1.5) }).unwrap();
    let seen = seen.borrow();
    assert_eq!(seen[0], ("kv_put_v1".into(), json!({"key": "a", "value": "text"})));
    assert_eq!(seen[1].1, json!({"key": "a", "value": {"base64": "/wA="}, "ttl_s": 1.5}));
}

#[test]
fn a_null_that_means_something_is_written() {
    let seen = host(json!({"swapped": true, "version": 4}));
    assert_eq!(kv::cas("a", None, "x", None).unwrap(), kv::Swap { swapped: true, version: Some(4) });
    assert_eq!(seen.borrow()[0].1, json!({"key": "a", "expected": null, "value": "x"}));
}

#[test]
fn bytes_come_back_from_text_and_from_base64() {
    host(json!({"value": {"base64": "/wA="}, "version": 1}));
    assert_eq!(kv::get("a").unwrap().unwrap().value, [0xff, 0]);
    host(json!({"status": 200, "headers": {"x": "y"}, "body": "é"}));
    let answer = http::fetch("https://example.com", None).unwrap();
    assert_eq!((answer.status, answer.body, answer.headers["x"].as_str()), (200, "é".into(), "y"));
}

#[test]
fn nothing_is_none() {
    host(json!({"value": null, "version": null, "task": null, "item": null, "output": null}));
    assert_eq!(kv::get("a").unwrap(), None);
    assert_eq!(config::get::<String>("a").unwrap(), None);
    assert_eq!(tasks::get("a").unwrap(), None);
    assert_eq!(memory::get("a").unwrap(), None);
    assert_eq!(connectors::call::<Json>("a", "b", None).unwrap(), None);
}

#[test]
fn a_setting_has_the_type_that_is_asked_for() {
    host(json!({"value": 7}));
    assert_eq!(config::get("n").unwrap(), Some(7));
    assert!(config::get::<String>("n").unwrap_err().message.contains("invalid type"));
}

#[test]
fn a_refusal_says_what_to_do() {
    let refusal = json!({"code": "permission-denied", "message": "no grant", "remedy": "grant it", "limit": "bytes"});
    host(json!({"error": refusal}));
    let error = events::publish("a", 1).unwrap_err();
    assert_eq!(error.to_string(), "no grant; grant it");
    assert_eq!((error.code.as_str(), error.limit.as_deref()), ("permission-denied", Some("bytes")));
    assert_eq!(error.resource, None);
}

#[test]
fn a_reply_that_makes_no_sense_is_an_error() {
    host(json!({"deleted": "perhaps"}));
    assert_eq!(kv::delete("a").unwrap_err().code, "unavailable");
    host(json!([]));
    assert_eq!(kv::delete("a").unwrap_err().code, "unavailable");
}

#[test]
fn without_a_host_the_log_prints_and_no_setting_is_set() {
    log::write(log::Level::Info, "hello", None).unwrap();
    omnicore::warn!("{} more", 1);
    assert_eq!(config::get::<u8>("a").unwrap(), None);
    assert!(config::all().unwrap().is_empty());
    assert!(kv::get("a").unwrap_err().message.contains("omnicore::testing::host"));
}

#[test]
fn a_vector_without_facts_has_none() {
    let seen = host(json!({"count": 2}));
    let bare = vectors::Vector { id: "a".into(), values: vec![1.0], metadata: None };
    let full = vectors::Vector { metadata: Some(map! { "n": 1 }), ..bare.clone() };
    assert_eq!(vectors::upsert("c", &[bare, full]).unwrap(), 2);
    let wanted = json!([{"id": "a", "values": [1.0]}, {"id": "a", "values": [1.0], "metadata": {"n": 1}}]);
    assert_eq!(seen.borrow()[0].1["vectors"], wanted);
}
