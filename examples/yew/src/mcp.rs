use mcp_evergreen::{Error, Options, Session, connect};
use serde_json::json;

/// The server may restart between two calls.
pub async fn whoami(known: Option<Session>, endpoint: &str) -> Result<(Session, String), Box<Error>> {
    let session = match known {
        Some(session) => session,
        None => connect(endpoint, Options::default()).await?,
    };
    let result = session.call_tool("whoami", json!({})).await?;
    let text = result["content"][0]["text"].as_str().unwrap_or_default().to_owned();
    Ok((session, text))
}
