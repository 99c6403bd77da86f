//! What the host says itself: what the server is called, and, where there is no user, what is exchanged for a token (RFC 6749,
//! section 4.4; RFC 7523, section 2.1; RFC 8693).

use super::discovery::Resource;
use super::flow::{Flow, Stage, Step};
use super::registration::Client;
use super::token;

impl Flow {
    /// `found`: what the metadata of the resource says; `None` where there is none.
    pub(super) fn name_resource(&mut self, found: Option<Resource>) {
        if self.settings.names_resource {
            self.steps.push_back(Step::Name { said: found.as_ref().map(|found| found.resource.clone()) });
            self.stage = Stage::Naming(found);
            return;
        }
        self.named(found);
    }

    fn named(&mut self, found: Option<Resource>) {
        match found {
            Some(found) => self.found_resource(found),
            None => self.found_no_resource(),
        }
    }

    /// What the server is called in requests for tokens; `None`: it is not named there.
    pub fn handle_resource(&mut self, resource: Option<&str>) {
        let Stage::Naming(found) = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        self.named(found);
        self.unnamed = resource.is_none();
        self.resource = resource.map_or_else(|| std::mem::take(&mut self.resource), str::to_owned);
    }

    /// There is no user to send away.
    pub(super) fn ask_host(&mut self, client: Client) {
        let server = self.server.clone().unwrap_or_default();
        let scope = self.scope(&server);
        let pending = self.pending(server, client, scope);
        let (issuer, resource, scope) = (pending.issuer.clone(), pending.resource.clone(), pending.scope.clone());
        self.stage = Stage::Granting(pending.client.clone());
        self.pending = Some(pending);
        self.steps.push_back(Step::Grant { issuer, resource, scope });
    }

    /// What is exchanged for a token, as a form: `grant_type` and what belongs to it.
    pub fn handle_grant(&mut self, form: &str) {
        let Stage::Granting(client) = std::mem::replace(&mut self.stage, Stage::Over) else { return };
        let Some(pending) = &mut self.pending else { return };
        // One of many tokens for whom the client stands for.
        pending.state = format!("{} {}", client.id, pending.issuer);
        let fetch = token::exchange_given(pending, form);
        self.stage = Stage::Exchange;
        self.fetch(fetch);
    }
}
