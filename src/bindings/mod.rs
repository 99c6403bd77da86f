//! The exports for the JavaScript facade, and for nobody else. Nothing is decided here: the facade has validated what
//! comes in, the core has decided what goes out. The facade has two modules, each with an allocator and memory of its
//! own: one for sessions, and one for authorizations, which is loaded where a session needs it.
//!
//! No method takes `&mut self` or is `async`, every argument arrives as a `JsValue`, and a result comes through
//! `resolve` or `reject`, exactly one of them, once, after the method has returned.
//!
//! What is structured crosses by `serde-wasm-bindgen`: options and how an authorization ended on the way in; the status,
//! events, diagnoses and errors on the way out. What crosses for each message does so as it is: params as texts, results,
//! progress and notifications as the engine has parsed them.

#[cfg(feature = "js-auth")]
mod authorization;
mod error;
#[cfg(feature = "js")]
mod host;
mod members;
mod obtained;
#[cfg(feature = "js")]
mod options;
#[cfg(feature = "js")]
mod session;
mod values;
#[cfg(feature = "js")]
mod view;

use talc::wasm::WasmDynamicTalc;

/// As fast as the default one, and a fifth of its size.
#[global_allocator]
static ALLOCATOR: WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
