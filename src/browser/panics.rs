//! Panics in words, for a build that is made to look into. In others a panic is a trap without a text: the text may hold
//! what a server sent, and what writes texts weighs a tenth of the package.

use std::panic;

use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen(start)]
fn say_panics() {
    panic::set_hook(Box::new(|panic| web_sys::console::error_1(&panic.to_string().into())));
}
