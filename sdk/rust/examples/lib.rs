//! One module for each door: a plugin by itself, and together one plugin that uses them all.

mod config;
mod connectors;
mod events;
mod http;
mod kv;
mod log;
mod memory;
mod tasks;
mod vectors;
