//! The tools of a server as buttons. The server may restart between two clicks.
//!
//! The endpoint comes from the address of the page: `/?http://127.0.0.1:3000/mcp`.

mod mcp;

use mcp_evergreen::{Session, Tool};
use wasm_bindgen_futures::spawn_local;
use web_sys::HtmlTextAreaElement;
use yew::prelude::*;

#[derive(Properties, PartialEq)]
struct Props {
    endpoint: AttrValue,
}

#[component]
fn App(Props { endpoint }: &Props) -> Html {
    let session = use_mut_ref(|| None::<Session>);
    let tools = use_state(Vec::<Tool>::new);
    let (said, healed) = (use_state(String::new), use_state(String::new));
    let arguments = use_node_ref();

    {
        let (endpoint, session, tools) = (endpoint.clone(), session.clone(), tools.clone());
        let (said, healed) = (said.clone(), healed.clone());
        use_effect_with((), move |()| {
            spawn_local(async move {
                match mcp::open(&endpoint).await {
                    Ok((opened, found)) => {
                        session.replace(Some(opened.clone()));
                        tools.set(found);
                        mcp::watch(opened, move |text| healed.set(text)).await;
                    }
                    Err(error) => said.set(error.to_string()),
                }
            });
        });
    }

    let button = |tool: &Tool| {
        let (session, name) = (session.clone(), tool.name.clone());
        let (said, arguments) = (said.clone(), arguments.clone());
        let onclick = move |_| {
            let text = arguments.cast::<HtmlTextAreaElement>().map(|field| field.value()).unwrap_or_default();
            let (session, name, said) = (session.borrow().clone(), name.clone(), said.clone());
            spawn_local(async move {
                let (Some(session), Ok(arguments)) = (session, serde_json::from_str(&text)) else {
                    return said.set("The arguments are no JSON.".into());
                };
                said.set(mcp::call(&session, &name, arguments).await.unwrap_or_else(|error| error.to_string()));
            });
        };
        html! { <button key={tool.name.clone()} title={tool.description.clone()} {onclick}>{ tool.display_name().to_owned() }</button> }
    };
    html! {
        <>
            <label>{ "Arguments" }<textarea ref={arguments.clone()} value="{}" /></label>
            <p>{ for tools.iter().map(button) }</p>
            <output>{ (*said).clone() }</output>
            <p role="status">{ (*healed).clone() }</p>
        </>
    }
}

fn main() {
    let search = gloo_utils::window().location().search().unwrap_or_default();
    let endpoint = AttrValue::from(search.trim_start_matches('?').to_owned());
    yew::Renderer::<App>::with_props(Props { endpoint }).render();
}
