//! Redirects: what the driver does not follow, and the address that is tried in its place.

use super::exchange::{Answer, Exchange};
use super::session::Session;
use super::state::Since;
use super::{Code, Error, ExchangeId, Now, Outcome, Output, Payload, Purpose, error::Diagnosis};

const REDIRECT: Diagnosis = Diagnosis {
    kind: "redirect",
    header: None,
    hint: "Use the final address. Often it differs in the last slash only; where the server redirects to a page where the \
           user signs in, let the user sign in first.",
};
const ELSEWHERE: Diagnosis = Diagnosis {
    kind: "other_origin",
    header: None,
    hint: "It leads to another origin, where neither the session nor a token is sent. Use the final address; where that is \
           a page where the user signs in, let the user sign in first.",
};

impl<P: Payload> Session<P> {
    /// Following it would carry the session, and what the host adds, to an address that nobody chose. The same address
    /// with the other final slash is tried once, as long as there was no session: nothing has run.
    pub(super) fn take_redirect(&mut self, id: ExchangeId, elsewhere: bool, now: Now) {
        let Some(exchange) = self.exchanges.get(&id) else { return };
        let establishes = matches!(exchange.purpose, Purpose::Discover | Purpose::Initialize);
        let first = self.state.establishing().is_some_and(|establishing| matches!(establishing.since, Since::First));
        if establishes && first && !elsewhere && !self.past.other_slash {
            let purpose = exchange.purpose;
            self.past.other_slash = true;
            self.output(Output::OtherSlash);
            self.remove_exchange(id, now);
            return if purpose == Purpose::Initialize { self.handshake(now) } else { self.begin(now) };
        }
        self.conclude(id, Answer::Unusable { error: redirect_error(elsewhere) }, now);
    }

    /// The address with the other final slash is no endpoint either: what is to be mended is the redirect.
    pub(super) fn was_redirected(&self, exchange: &Exchange) -> Option<Box<Error<P>>> {
        let missing = self.past.other_slash && matches!(exchange.status(), 404 | 405);
        missing.then(|| redirect_error(false))
    }
}

fn redirect_error<P>(elsewhere: bool) -> Box<Error<P>> {
    let diagnosis = if elsewhere { ELSEWHERE } else { REDIRECT };
    let message = format!("The server answered with a redirect, which is not followed. {}", diagnosis.hint);
    Error::boxed(Code::Http, Outcome::NotExecuted, message).with_diagnosis(diagnosis)
}
