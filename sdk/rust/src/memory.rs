// Made from specs/doors by `python -m sdk.generate`; change it there.

//! Remember and recall by meaning, words and time.

use serde::{Deserialize, Serialize};

use crate::{DoorError, Map};

/// Something remembered.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Item {
    /// Given by the host.
    pub id: String,
    /// Where it is kept, one of the twelve tiers.
    pub tier: String,
    /// Word for word what was stored.
    pub text: String,
    /// 0 to 1.
    pub importance: f64,
    /// Seconds since the Unix epoch.
    pub created_at: f64,
    /// What was stored with it.
    pub metadata: Map,
    /// The probability that it answers, 0 to 1; `None` outside of a recall.
    pub score: Option<f64>,
}

/// What can be said to [`store`] beside what must.
#[derive(Clone, Debug, Default)]
pub struct StoreOptions<'a> {
    /// One of the twelve tiers; `episodic` when left out.
    pub tier: Option<&'a str>,
    /// 0 to 1; the host judges when it is left out.
    pub importance: Option<f64>,
    /// Of the text; the host makes one when it is left out.
    pub embedding: Option<&'a [f64]>,
    /// At most 16 KiB; `speaker` and `session`, both text, say who said it in which conversation, which helps
    /// recall.
    pub metadata: Option<Map>,
    /// When it was said, in seconds since the Unix epoch; now when left out.
    pub said_at: Option<f64>,
    /// The user whose it is; a recall with a user finds what is this user's and nothing else.
    pub user: Option<&'a str>,
    /// The agent whose it is.
    pub agent: Option<&'a str>,
    /// The session in which it was said.
    pub session: Option<&'a str>,
    /// The application whose it is.
    pub app: Option<&'a str>,
}

/// Remembers a text and returns its id. The same text again is the same memory.
pub fn store<'a>(text: &str, options: impl Into<Option<StoreOptions<'a>>>) -> Result<String, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        text: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        tier: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        importance: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        embedding: Option<&'a [f64]>,
        #[serde(skip_serializing_if = "Option::is_none")]
        metadata: Option<Map>,
        #[serde(skip_serializing_if = "Option::is_none")]
        said_at: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        agent: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        session: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        app: Option<&'a str>,
    }
    let options = options.into().unwrap_or_default();
    let request = Request {
        text,
        tier: options.tier,
        importance: options.importance,
        embedding: options.embedding,
        metadata: options.metadata,
        said_at: options.said_at,
        user: options.user,
        agent: options.agent,
        session: options.session,
        app: options.app,
    };
    crate::call::field("id", door!(memory_store_v1, &request)?)
}

/// What can be said to [`recall`] beside what must.
#[derive(Clone, Debug, Default)]
pub struct RecallOptions<'a> {
    /// What is looked for; this or `embedding` must be there.
    pub text: Option<&'a str>,
    /// Of what is looked for.
    pub embedding: Option<&'a [f64]>,
    /// Where to look; all that are granted when left out.
    pub tiers: Option<&'a [&'a str]>,
    /// 1 to 100; 10 when left out.
    pub limit: Option<u64>,
    /// 0 to 1; only memories that answer with this probability.
    pub min_score: Option<f64>,
    /// Only what is this user's.
    pub user: Option<&'a str>,
    /// The agent whose memories are asked for.
    pub agent: Option<&'a str>,
    /// The session in which it was said.
    pub session: Option<&'a str>,
    /// The application whose memories are asked for.
    pub app: Option<&'a str>,
    /// What the metadata must fulfil, such as `{"year": {"$gte": 2020}}`; `docs/memory.md` has the operators.
    pub filter: Option<Map>,
}

/// The memories that fit best, best first.
pub fn recall<'a>(options: impl Into<Option<RecallOptions<'a>>>) -> Result<Vec<Item>, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        embedding: Option<&'a [f64]>,
        #[serde(skip_serializing_if = "Option::is_none")]
        tiers: Option<&'a [&'a str]>,
        #[serde(skip_serializing_if = "Option::is_none")]
        limit: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        min_score: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        user: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        agent: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        session: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        app: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        filter: Option<Map>,
    }
    let options = options.into().unwrap_or_default();
    let request = Request {
        text: options.text,
        embedding: options.embedding,
        tiers: options.tiers,
        limit: options.limit,
        min_score: options.min_score,
        user: options.user,
        agent: options.agent,
        session: options.session,
        app: options.app,
        filter: options.filter,
    };
    crate::call::field("items", door!(memory_recall_v1, &request)?)
}

/// One memory, or nothing.
pub fn get(id: &str) -> Result<Option<Item>, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        id: &'a str,
    }
    let request = Request { id };
    crate::call::field("item", door!(memory_get_v1, &request)?)
}

/// Forgets a memory; returns whether there was one.
pub fn forget(id: &str) -> Result<bool, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        id: &'a str,
    }
    let request = Request { id };
    crate::call::field("forgotten", door!(memory_forget_v1, &request)?)
}
