//! An MCP server on rmcp, without CORS, as the crate leaves it.
//!
//! Environment: PORT, EXECUTIONS (file to append executions to), IDLE_TIMEOUT (seconds).

use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Duration;

use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{ErrorCode, ErrorData, ServerCapabilities, ServerConfig};
use rmcp::transport::streamable_http_server::session::local::LocalSessionManager;
use rmcp::transport::streamable_http_server::{StreamableHttpServerConfig, StreamableHttpService};
use rmcp::{ServerHandler, schemars, tool, tool_handler, tool_router};

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Count {
    key: String,
}

#[derive(serde::Deserialize, schemars::JsonSchema)]
struct Slow {
    key: String,
    seconds: f64,
}

#[derive(Clone)]
struct Tools;

#[tool_router]
impl Tools {
    #[tool(description = "A write: each execution leaves a line in the file.")]
    fn count(&self, Parameters(Count { key }): Parameters<Count>) -> String {
        record("started", "count", &key);
        record("finished", "count", &key);
        format!("counted {key}")
    }

    #[tool(description = "A write that takes its time.")]
    async fn slow(&self, Parameters(Slow { key, seconds }): Parameters<Slow>) -> String {
        record("started", "slow", &key);
        tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
        record("finished", "slow", &key);
        format!("counted {key}")
    }

    #[tool(description = "Runs, then fails with the words of a refused session.")]
    fn fail_session(&self, Parameters(Count { key }): Parameters<Count>) -> Result<String, ErrorData> {
        record("started", "fail_session", &key);
        Err(ErrorData::new(ErrorCode(-32600), "Session not found", None))
    }
}

#[tool_handler]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
    }
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    std::thread::spawn(end_with_parent);
    let mut sessions = LocalSessionManager::default();
    if let Ok(idle) = std::env::var("IDLE_TIMEOUT") {
        let seconds = idle.parse().expect("IDLE_TIMEOUT is a number of seconds");
        sessions.session_config.keep_alive = Some(Duration::from_secs_f64(seconds));
    }
    let service =
        StreamableHttpService::new(|| Ok(Tools), Arc::new(sessions), StreamableHttpServerConfig::default());
    let port = std::env::var("PORT").expect("PORT is set");
    let listener = tokio::net::TcpListener::bind(format!("127.0.0.1:{port}")).await?;
    axum::serve(listener, axum::Router::new().nest_service("/mcp", service)).await
}

/// One short append is atomic: the file counts executions across processes.
fn record(what: &str, tool: &str, key: &str) {
    let path = std::env::var("EXECUTIONS").expect("EXECUTIONS is set");
    let mut file = OpenOptions::new().append(true).open(path).expect("EXECUTIONS can be written");
    let line = format!("{what} {tool} {key} {}\n", std::process::id());
    file.write_all(line.as_bytes()).expect("EXECUTIONS can be written");
}

/// The test holds the other end of stdin for as long as it lives.
fn end_with_parent() {
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
    std::process::exit(0);
}
