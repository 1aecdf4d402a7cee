// Made from specs/doors by `python -m sdk.generate`; change it there.
// Run functions of plugins later, with retries.

import { DoorError, NONE, Result, received, refusal, sent } from "./door";
import { Json } from "./json";

@external("extism:host/user", "tasks_submit_v1")
declare function tasks_submit_v1(request: u64): u64;
@external("extism:host/user", "tasks_get_v1")
declare function tasks_get_v1(request: u64): u64;
@external("extism:host/user", "tasks_list_v1")
declare function tasks_list_v1(request: u64): u64;
@external("extism:host/user", "tasks_cancel_v1")
declare function tasks_cancel_v1(request: u64): u64;

/** Where a task stands. */
export abstract class State {
  static readonly Waiting: string = "waiting";
  static readonly Running: string = "running";
  static readonly Done: string = "done";
  static readonly Failed: string = "failed";
  static readonly Cancelled: string = "cancelled";
}

/** A task as it stands. */
export class Task {
  /** given by the host */
  id: string = "";
  /** what it calls */
  functionName: string = "";
  /** where it stands */
  state: string = "";
  /** how often it was begun */
  attempts: i64 = 0;
  /** what the function returned, once done */
  output: Json = Json.none();
  /** why it failed last */
  error: string | null = null;

  static from(json: Json): Task {
    const made = new Task();
    made.id = json.get("id").text;
    made.functionName = json.get("function").text;
    made.state = json.get("state").text;
    made.attempts = json.get("attempts").integer;
    made.output = json.get("output");
    made.error = json.get("error").isNull ? null : json.get("error").text;
    return made;
  }

  toJson(): Json {
    const json = Json.object();
    json.set("id", Json.text(this.id));
    json.set("function", Json.text(this.functionName));
    json.set("state", Json.text(this.state));
    json.set("attempts", Json.integer(this.attempts));
    json.set("output", this.output);
    const errorValue = this.error;
    if (errorValue !== null) json.set("error", Json.text(errorValue));
    else json.set("error", Json.none());
    return json;
  }
}

/** Some of the plugin's tasks. */
export class TasksPage {
  /** newest first */
  tasks: Task[] = [];
  /** for the next page; null after the last */
  cursor: string | null = null;

  static from(json: Json): TasksPage {
    const made = new TasksPage();
    made.tasks = json.get("tasks").items.map<Task>((one: Json): Task => Task.from(one));
    made.cursor = json.get("cursor").isNull ? null : json.get("cursor").text;
    return made;
  }

  toJson(): Json {
    const json = Json.object();
    json.set("tasks", Json.list(this.tasks.map<Json>((one: Task): Json => one.toJson())));
    const cursorValue = this.cursor;
    if (cursorValue !== null) json.set("cursor", Json.text(cursorValue));
    else json.set("cursor", Json.none());
    return json;
  }
}

/** What may be left out of submit. */
export class SubmitOptions {
  /** what the function is called with, at most 64 KiB */
  input: Json | null = null;
  /** `default` when left out */
  queue: string | null = null;
  /** seconds before it may begin; NaN leaves it out */
  delayS: f64 = NaN;
  /** 0 to 9, higher ones first; 5 when left out; NONE leaves it out */
  priority: i64 = NONE;
  /** 1 to 20; 3 when left out; NONE leaves it out */
  attempts: i64 = NONE;
  /** for each attempt; NaN leaves it out */
  timeoutS: f64 = NaN;
  /** a second task with this key is the first one */
  key: string | null = null;

  write(request: Json): void {
    const inputValue = this.input;
    if (inputValue !== null) request.set("input", inputValue);
    const queueValue = this.queue;
    if (queueValue !== null) request.set("queue", Json.text(queueValue));
    if (!isNaN(this.delayS)) request.set("delay_s", Json.number(this.delayS));
    if (this.priority != NONE) request.set("priority", Json.integer(this.priority));
    if (this.attempts != NONE) request.set("attempts", Json.integer(this.attempts));
    if (!isNaN(this.timeoutS)) request.set("timeout_s", Json.number(this.timeoutS));
    const keyValue = this.key;
    if (keyValue !== null) request.set("key", Json.text(keyValue));
  }
}

/** Stores a task and returns its id; the host runs it, also after a restart. */
export function submit(functionName: string, options: SubmitOptions | null = null): Result<string> {
  const request = Json.object();
  request.set("function", Json.text(functionName));
  if (options !== null) options.write(request);
  const block = sent(request);
  const reply = received(tasks_submit_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<string>(error);
  return new Result<string>(reply.get("id").text, null);
}

/** A task of this plugin, or nothing. */
export function get(id: string): Result<Task | null> {
  const request = Json.object();
  request.set("id", Json.text(id));
  const block = sent(request);
  const reply = received(tasks_get_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<Task | null>(error);
  return new Result<Task | null>(reply.get("task").isNull ? null : Task.from(reply.get("task")), null);
}

/** What may be left out of list. */
export class ListOptions {
  /** only those */
  state: string | null = null;
  /** 1 to 1000; 100 when left out; NONE leaves it out */
  limit: i64 = NONE;
  /** of the page before */
  cursor: string | null = null;

  write(request: Json): void {
    const stateValue = this.state;
    if (stateValue !== null) request.set("state", Json.text(stateValue));
    if (this.limit != NONE) request.set("limit", Json.integer(this.limit));
    const cursorValue = this.cursor;
    if (cursorValue !== null) request.set("cursor", Json.text(cursorValue));
  }
}

/** The plugin's own tasks, newest first. */
export function list(options: ListOptions | null = null): Result<TasksPage> {
  const request = Json.object();
  if (options !== null) options.write(request);
  const block = sent(request);
  const reply = received(tasks_list_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<TasksPage>(error);
  return new Result<TasksPage>(TasksPage.from(reply), null);
}

/** Cancels a task that waits or runs; returns whether it did. */
export function cancel(id: string): Result<bool> {
  const request = Json.object();
  request.set("id", Json.text(id));
  const block = sent(request);
  const reply = received(tasks_cancel_v1(block), block);
  const error = DoorError.in(reply);
  if (error !== null) return refusal<bool>(error);
  return new Result<bool>(reply.get("cancelled").isTrue, null);
}
