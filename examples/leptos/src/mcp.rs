use mcp_evergreen::{Error, Event, Options, Session, Tool, connect};
use serde_json::Value;

/// A session that lives as long as the page, and the tools of its server.
pub async fn open(endpoint: &str) -> Result<(Session, Vec<Tool>), Box<Error>> {
    let session = connect(endpoint, Options::default()).await?;
    let tools = session.tools().all().await?;
    Ok((session, tools))
}

/// The server may restart between two calls: the second is refused, the session made anew, and the call sent once more.
pub async fn call(session: &Session, tool: &str, arguments: Value) -> Result<String, Box<Error>> {
    let result = session.call_tool(tool, arguments).await?;
    Ok(result["content"][0]["text"].as_str().unwrap_or_default().to_owned())
}

/// Tells of each recovery, until the session is closed.
pub async fn watch(session: Session, tell: impl Fn(String)) {
    let mut events = session.events();
    while let Some(event) = events.next().await {
        if let Event::Recovered { generation, recovery, .. } = event {
            tell(format!("Session {generation}: {}.", recovery.reason));
        }
    }
}
