//! Tests of the engine on content from outside: the hub's items and their recorded outcomes.

mod corpus;
mod grok_corpus;
mod hub;
