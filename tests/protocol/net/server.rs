//! The scripted server: what it answers by itself, and what a test has it say late.

use super::*;

impl Reply {
    /// With `Retry-After`.
    pub fn busy(status: u16, retry_after: &str) -> Self {
        let head = Head { retry_after: Some(retry_after.to_owned()), ..Head::default() };
        Self::With(status, "text/plain", "busy".to_owned(), head)
    }
}

impl Net {
    pub fn sign_in(&mut self) -> CallId {
        let id = self.session.sign_in(self.now);
        self.names.insert(id, "sign-in".to_owned());
        id
    }

    /// The server takes one request.
    pub(super) fn serve(&mut self, exchange: ExchangeId) {
        let sent = self.sent_as(exchange).clone();
        let name = sent.name();
        self.advance(self.latency);
        let (reply, made) = match self.script.get_mut(&name).and_then(VecDeque::pop_front) {
            Some(reply) => (reply, None),
            None => self.own_reply(&sent),
        };
        let mut reply = reply.to(&sent.body["id"]);
        if let Reply::Followed(followed) = reply {
            reply = *followed;
            self.input(exchange, Input::Followed);
        }
        let shown = match &reply {
            Reply::Body(status, ..) | Reply::With(status, ..) | Reply::Bodiless(status) => status.to_string(),
            Reply::Open(_) | Reply::Stream(_) => "200 stream".to_owned(),
            Reply::Cut(..) => "200 cut".to_owned(),
            Reply::Break => "broke".to_owned(),
            Reply::Unreached(..) => "unreached".to_owned(),
            Reply::Silence => "…".to_owned(),
            Reply::Unsent => "unsent".to_owned(),
            Reply::Unproven => "unproven".to_owned(),
            Reply::Outdated => "outdated".to_owned(),
            Reply::Proxied(said, _) => (*said).to_owned(),
            Reply::Redirect(_) | Reply::Followed(_) => "redirect".to_owned(),
        };
        let made_text = made.as_ref().map(|id| format!(" {id}")).unwrap_or_default();
        self.log.push(format!("{name}→{shown}{made_text}"));
        let head = match &reply {
            Reply::Body(status, media_type, _) => Head {
                status: *status,
                content_type: (!media_type.is_empty()).then(|| (*media_type).to_owned()),
                session_id: made,
                ..Head::default()
            },
            Reply::With(status, media_type, _, head) => {
                Head { status: *status, content_type: Some((*media_type).to_owned()), ..head.clone() }
            }
            Reply::Cut(media_type, _) => {
                Head { status: 200, content_type: Some((*media_type).to_owned()), ..Head::default() }
            }
            Reply::Open(_) | Reply::Stream(_) => {
                Head { status: 200, content_type: Some("text/event-stream".to_owned()), ..Head::default() }
            }
            Reply::Bodiless(status) => Head { status: *status, ..Head::default() },
            Reply::Break => return self.input(exchange, Input::Failed { cause: None }),
            Reply::Unreached(why, unsent) => {
                return self.input(exchange, Input::Unreached { why: *why, unsent: *unsent, cause: None });
            }
            Reply::Silence => {
                if name == "initialize" {
                    self.silent = Some(exchange);
                }
                return;
            }
            Reply::Proxied(said, status) => {
                return self.input(exchange, Input::Proxied { said: (*said).to_owned(), status: *status });
            }
            Reply::Unsent => return self.input(exchange, Input::Unsent { cause: None }),
            Reply::Unproven => return self.input(exchange, Input::Unproven { cause: None }),
            Reply::Outdated => return self.input(exchange, Input::Outdated),
            Reply::Redirect(redirect) => return self.input(exchange, Input::Redirected(*redirect)),
            Reply::Followed(_) => panic!("it was taken off"),
        };
        self.bodies.insert(exchange, reply);
        self.input(exchange, Input::Head(head));
    }

    /// How the authorization under way ends: with the token that the server takes, or with none.
    pub fn authorized(&mut self, authorized: Authorized<Value>) {
        if matches!(authorized, Authorized::Granted { .. }) && !self.loading {
            self.token = self.valid_token.unwrap_or_default();
        }
        self.session.handle_authorized(authorized, self.now);
    }

    /// The next request of this name is answered with this result.
    pub fn answer_next(&mut self, name: &str, result: &Value) {
        self.results_next.entry(name.to_owned()).or_default().push_back(result.clone());
    }

    /// Answers a call that was met with [`Reply::Silence`].
    pub fn answer_late(&mut self, tool: &str, reply: Reply) {
        let sent = self.sent.iter().find(|sent| sent.body["params"]["name"] == tool).expect("was sent").exchange;
        let Reply::Body(status, media_type, body) = reply else { panic!("a body") };
        let head = Head { status, content_type: Some(media_type.to_owned()), ..Head::default() };
        self.bodies.insert(sent, Reply::Body(status, media_type, body));
        self.input(sent, Input::Head(head));
    }

    /// Answers the first `initialize` that was met with [`Reply::Silence`], under this id.
    pub fn initialize_late(&mut self, id: &str) {
        let sent = self.silent.expect("an `initialize` that was not answered");
        let wire_id = self.sent_as(sent).body["id"].clone();
        let result = json!({"protocolVersion": self.version, "capabilities": {}, "serverInfo": {"name": "server", "version": "1"}});
        let body = json!({"jsonrpc": "2.0", "id": wire_id, "result": result});
        let session_id = Some(id.to_owned());
        let head =
            Head { status: 200, content_type: Some("application/json".to_owned()), session_id, ..Head::default() };
        self.bodies.insert(sent, Reply::json(200, &body));
        self.input(sent, Input::Head(head));
    }

    /// Answers an exchange that was met with [`Reply::Silence`].
    pub fn answer_to(&mut self, exchange: ExchangeId, body: &Value) {
        let head = Head { status: 200, content_type: Some("application/json".to_owned()), ..Head::default() };
        self.bodies.insert(exchange, Reply::json(200, body));
        self.input(exchange, Input::Head(head));
    }

    fn own_reply(&mut self, sent: &Sent) -> (Reply, Option<String>) {
        let held = sent.session.as_ref().is_some_and(|id| self.live.contains(id)) || self.stateless;
        let id = &sent.body["id"];
        if self.valid_token.is_some_and(|valid| valid != sent.token) {
            let head = Head { www_authenticate: Some("Bearer".to_owned()), ..Head::default() };
            return (Reply::With(401, "text/plain", "no".to_owned(), head), None);
        }
        let era = Era::of(sent.header("mcp-protocol-version").unwrap_or_default());
        if era == Era::Modern && self.eras.contains(&era) {
            return (self.modern_reply(sent), None);
        }
        if !self.eras.contains(&Era::Legacy) {
            let data = json!({"supported": [modern::VERSION], "requested": "?"});
            let error = json!({"code": -32022, "message": "Unsupported protocol version", "data": data});
            return (Reply::json(400, &json!({"jsonrpc": "2.0", "id": id, "error": error})), None);
        }
        let result = |result: Value| Reply::json(200, &json!({"jsonrpc": "2.0", "id": id, "result": result}));
        match (sent.request.method, sent.name().as_str()) {
            (_, "initialize") => {
                assert_eq!(sent.session, None, "initialize carries no session id");
                self.made += 1;
                let made = if self.one_id { "s1".to_owned() } else { format!("s{}", self.made) };
                let server = json!({"name": "server", "version": self.made.min(self.last_version).to_string()});
                let reply =
                    json!({"protocolVersion": self.version, "capabilities": self.capabilities, "serverInfo": server});
                self.stateless |= std::mem::take(&mut self.stateless_next);
                let made = (!self.stateless).then(|| {
                    self.live.insert(made.clone());
                    self.made_by.push((made.clone(), sent.exchange));
                    made
                });
                (result(reply), made)
            }
            (_, "initialized") if self.forgetful => {
                self.live.clear();
                (Reply::Body(202, "", String::new()), None)
            }
            _ if !held => (self.refusal.clone(), None),
            (Method::Delete, _) => {
                self.live.remove(sent.session.as_deref().unwrap_or_default());
                (Reply::Body(200, "", String::new()), None)
            }
            (Method::Get, _) => (Reply::Body(405, "", String::new()), None),
            _ if id.is_null() || sent.name() == "answer" => (Reply::Body(202, "", String::new()), None),
            (_, name) => {
                if name == "call" {
                    let tool = sent.body["params"]["name"].as_str().unwrap_or_default().to_owned();
                    *self.executions.entry(tool).or_default() += 1;
                }
                let next = self.results_next.get_mut(name).and_then(VecDeque::pop_front);
                (result(next.unwrap_or_else(|| json!({"under": sent.session}))), None)
            }
        }
    }

    fn modern_reply(&mut self, sent: &Sent) -> Reply {
        let meta = &sent.body["params"]["_meta"];
        assert_eq!(meta["io.modelcontextprotocol/protocolVersion"], modern::VERSION, "{}", sent.body);
        assert!(meta["io.modelcontextprotocol/clientCapabilities"].is_object(), "{}", sent.body);
        assert_eq!(sent.header("mcp-method"), sent.body["method"].as_str());
        assert_eq!((sent.session.as_deref(), sent.request.method), (None, Method::Post));
        let id = &sent.body["id"];
        let name = sent.name();
        let next = self.results_next.get_mut(&name).and_then(VecDeque::pop_front);
        let result = match (next, name.as_str()) {
            (Some(result), _) => result,
            (None, "discover") => {
                let server = json!({"name": "server", "version": "1"});
                json!({"supportedVersions": [modern::VERSION], "capabilities": self.capabilities, "ttlMs": 0,
                    "_meta": {"io.modelcontextprotocol/serverInfo": server}})
            }
            (None, "listen") => {
                let params = json!({"notifications": sent.body["params"]["notifications"],
                    "_meta": {"io.modelcontextprotocol/subscriptionId": id}});
                return Reply::Open(event("notifications/subscriptions/acknowledged", &params));
            }
            (None, "call") => {
                let tool = sent.body["params"]["name"].as_str().unwrap_or_default().to_owned();
                *self.executions.entry(tool).or_default() += 1;
                json!({"content": [], "resultType": "complete"})
            }
            (None, _) => json!({"resultType": "complete"}),
        };
        Reply::json(200, &json!({"jsonrpc": "2.0", "id": id, "result": result}))
    }
}
