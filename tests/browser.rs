//! The browser layer in a real browser: bodies from streams, aborts, timers, and whole sessions against a server that
//! is a function.
#![cfg(target_arch = "wasm32")]

mod browser {
    mod bodies;
    mod fakes;
    mod library;
    mod manager;
    mod pages;
    mod payloads;
    mod proxied;
    mod requests;
    mod sessions;
    mod sign_in;
    mod tabs;
    mod timers;
}

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
