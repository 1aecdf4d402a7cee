// Made from specs/doors by `python -m sdk.generate`; change it there.

//! Calls the kit's function for a verb of a door.

use std::collections::BTreeMap;

use omnicore::bytes::Bytes;
use omnicore::serde_json::from_value;
use omnicore::{config, connectors, events, http, kv, log, memory, tasks, vectors};
use omnicore::{json, Deserialize, Error, Json, Map};

/// The reply as it was on the wire. The error is the door's, or about a verb that is not there.
pub fn call(door: &str, verb: &str, request: Json) -> Result<Json, Error> {
    match (door, verb) {
        ("log", "write") => log_write(request),
        ("config", "get") => config_get(request),
        ("config", "all") => config_all(request),
        ("kv", "get") => kv_get(request),
        ("kv", "put") => kv_put(request),
        ("kv", "delete") => kv_delete(request),
        ("kv", "list") => kv_list(request),
        ("kv", "cas") => kv_cas(request),
        ("http", "fetch") => http_fetch(request),
        ("events", "publish") => events_publish(request),
        ("events", "subscribe") => events_subscribe(request),
        ("events", "unsubscribe") => events_unsubscribe(request),
        ("events", "subscriptions") => events_subscriptions(request),
        ("tasks", "submit") => tasks_submit(request),
        ("tasks", "get") => tasks_get(request),
        ("tasks", "list") => tasks_list(request),
        ("tasks", "cancel") => tasks_cancel(request),
        ("memory", "store") => memory_store(request),
        ("memory", "recall") => memory_recall(request),
        ("memory", "get") => memory_get(request),
        ("memory", "forget") => memory_forget(request),
        ("vectors", "create") => vectors_create(request),
        ("vectors", "upsert") => vectors_upsert(request),
        ("vectors", "search") => vectors_search(request),
        ("vectors", "delete") => vectors_delete(request),
        ("connectors", "list") => connectors_list(request),
        ("connectors", "call") => connectors_call(request),
        _ => Err(Error::msg(format!("there is no {door}.{verb}"))),
    }
}

fn log_write(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        level: log::Level,
        message: String,
        fields: Option<Map>,
    }
    let request: Request = from_value(request)?;
    let options = log::WriteOptions { fields: request.fields };
    log::write(request.level, &request.message, options)?;
    Ok(json!({}))
}

fn config_get(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        key: String,
    }
    let request: Request = from_value(request)?;
    Ok(json!({"value": config::get::<Json>(&request.key)?}))
}

fn config_all(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {}
    let _request: Request = from_value(request)?;
    Ok(json!({"values": config::all()?}))
}

fn kv_get(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        key: String,
    }
    let request: Request = from_value(request)?;
    let reply = kv::get(&request.key)?;
    Ok(reply.map_or(json!({"value": null, "version": null}), |reply| json!(reply)))
}

fn kv_put(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        key: String,
        value: Bytes,
        ttl_s: Option<f64>,
    }
    let request: Request = from_value(request)?;
    let options = kv::PutOptions { ttl_s: request.ttl_s };
    Ok(json!({"version": kv::put(&request.key, request.value.0, options)?}))
}

fn kv_delete(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        key: String,
    }
    let request: Request = from_value(request)?;
    Ok(json!({"deleted": kv::delete(&request.key)?}))
}

fn kv_list(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        prefix: Option<String>,
        limit: Option<u64>,
        cursor: Option<String>,
    }
    let request: Request = from_value(request)?;
    let options =
        kv::ListOptions { prefix: request.prefix.as_deref(), limit: request.limit, cursor: request.cursor.as_deref() };
    Ok(json!(kv::list(options)?))
}

fn kv_cas(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        key: String,
        expected: Option<u64>,
        value: Bytes,
        ttl_s: Option<f64>,
    }
    let request: Request = from_value(request)?;
    let options = kv::CasOptions { ttl_s: request.ttl_s };
    Ok(json!(kv::cas(&request.key, request.expected, request.value.0, options)?))
}

fn http_fetch(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        url: String,
        method: Option<String>,
        headers: Option<BTreeMap<String, String>>,
        body: Option<Bytes>,
    }
    let request: Request = from_value(request)?;
    let options = http::FetchOptions {
        method: request.method.as_deref(),
        headers: request.headers.as_ref().map(pairs),
        body: request.body.as_ref().map(|bytes| bytes.0.as_slice()),
    };
    Ok(json!(http::fetch(&request.url, options)?))
}

fn events_publish(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        topic: String,
        data: Json,
    }
    let request: Request = from_value(request)?;
    Ok(json!({"id": events::publish(&request.topic, request.data)?}))
}

fn events_subscribe(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        topic: String,
        function: String,
    }
    let request: Request = from_value(request)?;
    Ok(json!({"id": events::subscribe(&request.topic, &request.function)?}))
}

fn events_unsubscribe(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        id: String,
    }
    let request: Request = from_value(request)?;
    Ok(json!({"removed": events::unsubscribe(&request.id)?}))
}

fn events_subscriptions(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {}
    let _request: Request = from_value(request)?;
    Ok(json!({"items": events::subscriptions()?}))
}

fn tasks_submit(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        function: String,
        input: Option<Json>,
        queue: Option<String>,
        delay_s: Option<f64>,
        priority: Option<u64>,
        attempts: Option<u64>,
        timeout_s: Option<f64>,
        key: Option<String>,
    }
    let request: Request = from_value(request)?;
    let options = tasks::SubmitOptions {
        input: request.input,
        queue: request.queue.as_deref(),
        delay_s: request.delay_s,
        priority: request.priority,
        attempts: request.attempts,
        timeout_s: request.timeout_s,
        key: request.key.as_deref(),
    };
    Ok(json!({"id": tasks::submit(&request.function, options)?}))
}

fn tasks_get(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        id: String,
    }
    let request: Request = from_value(request)?;
    Ok(json!({"task": tasks::get(&request.id)?}))
}

fn tasks_list(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        state: Option<tasks::State>,
        limit: Option<u64>,
        cursor: Option<String>,
    }
    let request: Request = from_value(request)?;
    let options = tasks::ListOptions { state: request.state, limit: request.limit, cursor: request.cursor.as_deref() };
    Ok(json!(tasks::list(options)?))
}

fn tasks_cancel(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        id: String,
    }
    let request: Request = from_value(request)?;
    Ok(json!({"cancelled": tasks::cancel(&request.id)?}))
}

fn memory_store(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        text: String,
        tier: Option<String>,
        importance: Option<f64>,
        embedding: Option<Vec<f64>>,
        metadata: Option<Map>,
        said_at: Option<f64>,
        user: Option<String>,
        agent: Option<String>,
        session: Option<String>,
        app: Option<String>,
    }
    let request: Request = from_value(request)?;
    let options = memory::StoreOptions {
        tier: request.tier.as_deref(),
        importance: request.importance,
        embedding: request.embedding.as_deref(),
        metadata: request.metadata,
        said_at: request.said_at,
        user: request.user.as_deref(),
        agent: request.agent.as_deref(),
        session: request.session.as_deref(),
        app: request.app.as_deref(),
    };
    Ok(json!({"id": memory::store(&request.text, options)?}))
}

fn memory_recall(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        text: Option<String>,
        embedding: Option<Vec<f64>>,
        tiers: Option<Vec<String>>,
        limit: Option<u64>,
        min_score: Option<f64>,
        user: Option<String>,
        agent: Option<String>,
        session: Option<String>,
        app: Option<String>,
        filter: Option<Map>,
    }
    let request: Request = from_value(request)?;
    let tiers: Vec<&str> = request.tiers.iter().flatten().map(String::as_str).collect();
    let options = memory::RecallOptions {
        text: request.text.as_deref(),
        embedding: request.embedding.as_deref(),
        tiers: request.tiers.is_some().then_some(&tiers[..]),
        limit: request.limit,
        min_score: request.min_score,
        user: request.user.as_deref(),
        agent: request.agent.as_deref(),
        session: request.session.as_deref(),
        app: request.app.as_deref(),
        filter: request.filter,
    };
    Ok(json!({"items": memory::recall(options)?}))
}

fn memory_get(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        id: String,
    }
    let request: Request = from_value(request)?;
    Ok(json!({"item": memory::get(&request.id)?}))
}

fn memory_forget(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        id: String,
    }
    let request: Request = from_value(request)?;
    Ok(json!({"forgotten": memory::forget(&request.id)?}))
}

fn vectors_create(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        collection: String,
        dimensions: u64,
        metric: Option<vectors::Metric>,
    }
    let request: Request = from_value(request)?;
    let options = vectors::CreateOptions { metric: request.metric };
    Ok(json!({"created": vectors::create(&request.collection, request.dimensions, options)?}))
}

fn vectors_upsert(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        collection: String,
        vectors: Vec<vectors::Vector>,
    }
    let request: Request = from_value(request)?;
    Ok(json!({"count": vectors::upsert(&request.collection, &request.vectors)?}))
}

fn vectors_search(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        collection: String,
        values: Vec<f64>,
        limit: Option<u64>,
        filter: Option<Map>,
    }
    let request: Request = from_value(request)?;
    let options = vectors::SearchOptions { limit: request.limit, filter: request.filter };
    Ok(json!(vectors::search(&request.collection, &request.values, options)?))
}

fn vectors_delete(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        collection: String,
        ids: Vec<String>,
    }
    let request: Request = from_value(request)?;
    let ids: Vec<&str> = request.ids.iter().map(String::as_str).collect();
    Ok(json!({"deleted": vectors::delete(&request.collection, &ids)?}))
}

fn connectors_list(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {}
    let _request: Request = from_value(request)?;
    Ok(json!({"connectors": connectors::list()?}))
}

fn connectors_call(request: Json) -> Result<Json, Error> {
    #[derive(Deserialize)]
    #[serde(crate = "omnicore::serde", deny_unknown_fields)]
    struct Request {
        connector: String,
        action: String,
        input: Option<Json>,
    }
    let request: Request = from_value(request)?;
    let options = connectors::CallOptions { input: request.input };
    Ok(json!({"output": connectors::call::<Json>(&request.connector, &request.action, options)?}))
}

fn pairs(map: &BTreeMap<String, String>) -> BTreeMap<&str, &str> {
    map.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}
