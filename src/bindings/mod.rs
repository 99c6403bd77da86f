//! The exports for the JavaScript facade, and for nobody else. Nothing is decided here: the facade has validated what
//! comes in, the core has decided what goes out. The facade has two modules, each with an allocator and memory of its
//! own: one for sessions, and one for authorizations, which is loaded where a session needs it.
//!
//! No method takes `&mut self` or is `async`, every argument arrives as a `JsValue`, and a result comes through
//! `resolve` or `reject`, exactly one of them, once, after the method has returned.

#[cfg(feature = "js-auth")]
mod authorization;
#[cfg(feature = "js")]
mod config;
#[cfg(feature = "js")]
mod convert;
mod error;
#[cfg(feature = "js")]
mod host;
#[cfg(feature = "js")]
mod session;
mod values;

use talc::wasm::WasmDynamicTalc;

/// As fast as the default one, and a fifth of its size.
#[global_allocator]
static ALLOCATOR: WasmDynamicTalc = talc::wasm::new_wasm_dynamic_allocator();
