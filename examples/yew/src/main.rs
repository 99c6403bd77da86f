//! A page with a button that calls a tool. The server may restart between two clicks.
//!
//! The endpoint comes from the address of the page: `/?http://127.0.0.1:3000/mcp`.

mod mcp;

use mcp_evergreen::Session;
use wasm_bindgen_futures::spawn_local;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
struct Props {
    endpoint: AttrValue,
}

#[component]
fn App(Props { endpoint }: &Props) -> Html {
    let session = use_mut_ref(|| None::<Session>);
    let text = use_state(String::new);
    let onclick = {
        let (endpoint, text) = (endpoint.clone(), text.clone());
        move |_| {
            let (endpoint, text, session) = (endpoint.clone(), text.clone(), session.clone());
            spawn_local(async move {
                let known = session.borrow().clone();
                let called = mcp::whoami(known, &endpoint).await;
                text.set(match called {
                    Ok((used, result)) => {
                        session.replace(Some(used));
                        result
                    }
                    Err(error) => error.to_string(),
                });
            });
        }
    };
    html! { <><button {onclick}>{ "Who is there?" }</button><output>{ (*text).clone() }</output></> }
}

fn main() {
    let search = gloo_utils::window().location().search().unwrap_or_default();
    let endpoint = AttrValue::from(search.trim_start_matches('?').to_owned());
    yew::Renderer::<App>::with_props(Props { endpoint }).render();
}
