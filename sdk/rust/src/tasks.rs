// Made from specs/doors by `python -m sdk.generate`; change it there.

//! Run functions of plugins later, with retries.

use serde::{Deserialize, Serialize};

use crate::{DoorError, Json};

/// Where a task stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum State {
    #[serde(rename = "waiting")]
    Waiting,
    #[serde(rename = "running")]
    Running,
    #[serde(rename = "done")]
    Done,
    #[serde(rename = "failed")]
    Failed,
    #[serde(rename = "cancelled")]
    Cancelled,
}

/// A task as it stands.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Task {
    /// Given by the host.
    pub id: String,
    /// What it calls.
    pub function: String,
    /// Where it stands.
    pub state: State,
    /// How often it was begun.
    pub attempts: u64,
    /// What the function returned, once done.
    pub output: Option<Json>,
    /// Why it failed last.
    pub error: Option<String>,
}

/// Some of the plugin's tasks.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct TasksPage {
    /// Newest first.
    pub tasks: Vec<Task>,
    /// For the next page; `None` after the last.
    pub cursor: Option<String>,
}

/// What can be said to [`submit`] beside what must.
#[derive(Clone, Debug, Default)]
pub struct SubmitOptions<'a> {
    /// What the function is called with, at most 64 KiB.
    pub input: Option<Json>,
    /// `default` when left out.
    pub queue: Option<&'a str>,
    /// Seconds before it may begin.
    pub delay_s: Option<f64>,
    /// 0 to 9, higher ones first; 5 when left out.
    pub priority: Option<u64>,
    /// 1 to 20; 3 when left out.
    pub attempts: Option<u64>,
    /// For each attempt.
    pub timeout_s: Option<f64>,
    /// A second task with this key is the first one.
    pub key: Option<&'a str>,
}

/// Stores a task and returns its id; the host runs it, also after a restart.
pub fn submit<'a>(function: &str, options: impl Into<Option<SubmitOptions<'a>>>) -> Result<String, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        function: &'a str,
        #[serde(skip_serializing_if = "Option::is_none")]
        input: Option<Json>,
        #[serde(skip_serializing_if = "Option::is_none")]
        queue: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        delay_s: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        priority: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        attempts: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        timeout_s: Option<f64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        key: Option<&'a str>,
    }
    let options = options.into().unwrap_or_default();
    let request = Request {
        function,
        input: options.input,
        queue: options.queue,
        delay_s: options.delay_s,
        priority: options.priority,
        attempts: options.attempts,
        timeout_s: options.timeout_s,
        key: options.key,
    };
    crate::call::field("id", door!(tasks_submit_v1, &request)?)
}

/// A task of this plugin, or nothing.
pub fn get(id: &str) -> Result<Option<Task>, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        id: &'a str,
    }
    let request = Request { id };
    crate::call::field("task", door!(tasks_get_v1, &request)?)
}

/// What can be said to [`list`] beside what must.
#[derive(Clone, Debug, Default)]
pub struct ListOptions<'a> {
    /// Only those.
    pub state: Option<State>,
    /// 1 to 1000; 100 when left out.
    pub limit: Option<u64>,
    /// Of the page before.
    pub cursor: Option<&'a str>,
}

/// The plugin's own tasks, newest first.
pub fn list<'a>(options: impl Into<Option<ListOptions<'a>>>) -> Result<TasksPage, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        #[serde(skip_serializing_if = "Option::is_none")]
        state: Option<State>,
        #[serde(skip_serializing_if = "Option::is_none")]
        limit: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cursor: Option<&'a str>,
    }
    let options = options.into().unwrap_or_default();
    let request = Request { state: options.state, limit: options.limit, cursor: options.cursor };
    crate::call::record("tasks_page", door!(tasks_list_v1, &request)?)
}

/// Cancels a task that waits or runs; returns whether it did.
pub fn cancel(id: &str) -> Result<bool, DoorError> {
    #[derive(Serialize)]
    struct Request<'a> {
        id: &'a str,
    }
    let request = Request { id };
    crate::call::field("cancelled", door!(tasks_cancel_v1, &request)?)
}
