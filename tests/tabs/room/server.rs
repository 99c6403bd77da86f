//! The server of a room, and how what it answers gets to a tab.

use super::*;

impl Room {
    pub(super) fn serve(&mut self, at: usize) {
        let OnWire { tab, exchange, request, body, .. } = &self.wire[at];
        let (tab, exchange) = (*tab, *exchange);
        let header =
            |name: &str| request.headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.clone());
        let session = header("mcp-session-id");
        let after = header("last-event-id").map(|after| format!(" after {after}"));
        let is_modern = header("mcp-protocol-version").as_deref() == Some(modern::VERSION);
        let id = body["id"].clone();
        let method = match request.method {
            Method::Delete => "DELETE",
            Method::Get => "GET",
            Method::Post => body["method"].as_str().unwrap_or("answer"),
        }
        .to_owned();
        let params = body["params"].clone();
        let held = is_modern || session.as_ref().is_some_and(|session| self.live.contains(session));
        let result = |result: Value| Answer::Body {
            status: 200,
            body: json!({"jsonrpc": "2.0", "id": id, "result": result}),
            session: None,
        };
        let capabilities =
            json!({"tools": {"listChanged": true}, "resources": {"subscribe": true, "listChanged": true}});
        let server = json!({"name": "server", "version": "1"});
        let answer = match method.as_str() {
            "initialize" if self.wants_token && !self.tabs[tab].has_token => {
                Answer::Body { status: 401, body: json!({}), session: None }
            }
            "initialize" => {
                self.made += 1;
                let made = format!("session-{}", self.made);
                self.live.insert(made.clone());
                let told = json!({"protocolVersion": "2025-11-25", "capabilities": capabilities, "serverInfo": server});
                let body = json!({"jsonrpc": "2.0", "id": id, "result": told});
                Answer::Body { status: 200, body, session: Some(made) }
            }
            "server/discover" => result(json!({"supportedVersions": [modern::VERSION], "capabilities": capabilities,
                "ttlMs": 0, "_meta": {"io.modelcontextprotocol/serverInfo": server}})),
            _ if !held => {
                let error = json!({"code": -32001, "message": "Session not found"});
                Answer::Body { status: 404, body: json!({"jsonrpc": "2.0", "id": null, "error": error}), session: None }
            }
            "DELETE" => {
                self.losses += 1;
                self.live.remove(session.as_deref().unwrap_or_default());
                self.refuse_what_runs(session.as_deref());
                self.streams.retain(|stream| stream.session != session);
                Answer::Empty(200)
            }
            "GET" => {
                self.streams.push(Stream { tab, exchange, session: session.clone(), id: Value::Null });
                Answer::Stream(vec![])
            }
            "subscriptions/listen" => {
                self.streams.push(Stream { tab, exchange, session: None, id: id.clone() });
                let meta = json!({"io.modelcontextprotocol/subscriptionId": id});
                let params = json!({"notifications": params["notifications"], "_meta": meta});
                let method = "notifications/subscriptions/acknowledged";
                Answer::Stream(vec![(None, json!({"jsonrpc": "2.0", "method": method, "params": params}))])
            }
            "resources/subscribe" | "resources/unsubscribe" => {
                let pair = (session.clone().unwrap_or_default(), params["uri"].as_str().unwrap_or_default().to_owned());
                if method == "resources/subscribe" {
                    self.subscribed.insert(pair)
                } else {
                    self.subscribed.remove(&pair)
                };
                result(json!({}))
            }
            "tools/call" => {
                let key = params["arguments"]["key"].as_str().expect("a key").to_owned();
                *self.ran.entry(key.clone()).or_default() += 1;
                if self.tools_last {
                    self.wire[at].runs = true;
                    return self.note(format!("{} call runs", letter(tab)));
                }
                let told = json!({"under": session, "resultType": "complete"});
                if key == "tells" {
                    let changed = json!({"jsonrpc": "2.0", "method": "notifications/tools/list_changed"});
                    let result = json!({"jsonrpc": "2.0", "id": id, "result": told});
                    Answer::Stream(vec![(Some("of-the-call".into()), changed), (None, result)])
                } else {
                    result(told)
                }
            }
            _ if id.is_null() || method == "answer" => Answer::Empty(202),
            _ => result(json!({"resultType": "complete"})),
        };
        let (status, made) = match &answer {
            Answer::Body { status, session, .. } => (*status, session.clone()),
            Answer::Empty(status) => (*status, None),
            Answer::Stream(_) => (200, None),
        };
        let name = method.rsplit('/').next().expect("a name");
        let made = made.map(|made| format!(" {made}")).or(after).unwrap_or_default();
        self.note(format!("{} {name}→{status}{made}", letter(tab)));
        self.wire[at].answer = Some(answer);
        if !self.tabs[tab].alive || self.wire[at].aborted {
            self.unheard += u32::from(self.tabs[tab].alive && is_handshake(&method));
            self.wire.remove(at);
            self.streams.retain(|stream| (stream.tab, stream.exchange) != (tab, exchange));
        }
    }

    /// Its session is ended: a server that does not wait for the tool answers at once.
    pub(super) fn refuse_what_runs(&mut self, session: Option<&str>) {
        for it in self.wire.iter_mut().filter(|it| it.runs) {
            let of = it.request.headers.iter().find(|(field, _)| field == "mcp-session-id");
            if of.map(|(_, id)| id.as_str()) == session {
                let error = json!({"code": -32001, "message": "Session terminated"});
                let body = json!({"jsonrpc": "2.0", "id": null, "error": error});
                it.answer = Some(Answer::Body { status: 404, body, session: None });
                it.runs = false;
            }
        }
    }

    pub(super) fn deliver(&mut self, at: usize) {
        let OnWire { tab, exchange, answer, .. } = self.wire.remove(at);
        let Some(answer) = answer else { return };
        let head = match &answer {
            Answer::Body { status, session, .. } => Head {
                status: *status,
                content_type: Some("application/json".into()),
                session_id: session.clone(),
                ..Head::default()
            },
            Answer::Empty(status) => Head { status: *status, ..Head::default() },
            Answer::Stream(_) => {
                Head { status: 200, content_type: Some("text/event-stream".into()), ..Head::default() }
            }
        };
        self.input(tab, exchange, Input::Head(head));
        let how = self.tabs[tab].open.remove(&exchange);
        match (answer, how) {
            (Answer::Body { body, .. }, Some(ReadAs::Json { .. })) => self.input(tab, exchange, Input::Message(body)),
            (Answer::Body { body, .. }, Some(ReadAs::Text { .. })) => {
                self.input(tab, exchange, Input::Text(body.to_string()));
            }
            (Answer::Stream(events), Some(ReadAs::Events { .. })) => {
                events.into_iter().for_each(|(id, message)| self.event(tab, exchange, id, message));
                return;
            }
            _ => {}
        }
        self.input(tab, exchange, Input::End);
    }
}
