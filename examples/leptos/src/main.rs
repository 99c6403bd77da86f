//! The tools of a server as buttons. The server may restart between two clicks.
//!
//! The endpoint comes from the address of the page: `/?http://127.0.0.1:3000/mcp`.

mod mcp;

use leptos::{prelude::*, task::spawn_local};
use mcp_evergreen::{Session, Tool};

#[component]
fn App(endpoint: String) -> impl IntoView {
    // A session is of the page's one thread.
    let session = StoredValue::new_local(None::<Session>);
    let tools = RwSignal::new(Vec::<Tool>::new());
    let (said, healed) = (RwSignal::new(String::new()), RwSignal::new(String::new()));
    let arguments = RwSignal::new("{}".to_owned());

    spawn_local(async move {
        match mcp::open(&endpoint).await {
            Ok((opened, found)) => {
                session.set_value(Some(opened.clone()));
                tools.set(found);
                mcp::watch(opened, move |text| healed.set(text)).await;
            }
            Err(error) => said.set(error.to_string()),
        }
    });

    let call = move |name: String| {
        spawn_local(async move {
            let (Some(session), Ok(arguments)) =
                (session.get_value(), serde_json::from_str(&arguments.get_untracked()))
            else {
                return said.set("The arguments are no JSON.".into());
            };
            said.set(mcp::call(&session, &name, arguments).await.unwrap_or_else(|error| error.to_string()));
        });
    };
    let button = move |tool: Tool| {
        let (title, label) = (tool.description.clone(), tool.display_name().to_owned());
        view! { <button title=title on:click=move |_| call(tool.name.clone())>{label}</button> }
    };
    view! {
        <label>"Arguments"<textarea bind:value=arguments></textarea></label>
        <p>{move || tools.get().into_iter().map(button).collect_view()}</p>
        <output>{said}</output>
        <p role="status">{healed}</p>
    }
}

fn main() {
    let search = gloo_utils::window().location().search().unwrap_or_default();
    let endpoint = search.trim_start_matches('?').to_owned();
    leptos::mount::mount_to_body(move || view! { <App endpoint=endpoint.clone() /> });
}
