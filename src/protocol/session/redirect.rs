//! Redirects: what the driver does not follow, and the address that is tried in its place.

use super::Session;
use crate::protocol::codec::http::Method;
use crate::protocol::exchanges::{Answer, Exchange};
use crate::protocol::lifecycle::Since;
use crate::protocol::policy::retry;
use crate::protocol::policy::safety::Safety;
use crate::protocol::{Code, Error, ExchangeId, Now, Outcome, Output, Payload, Purpose, Redirect, error::Diagnosis};

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
    pub(in crate::protocol) fn take_redirect(&mut self, id: ExchangeId, redirect: Redirect, now: Now) {
        self.exchanges.time_refusal(id, now);
        let Some(exchange) = self.exchanges.get(id) else { return };
        let Redirect { elsewhere, status } = redirect;
        let establishes = matches!(exchange.purpose(), Purpose::Discover | Purpose::Initialize);
        let first =
            self.lifecycle.establishing().is_some_and(|establishing| matches!(establishing.since, Since::First));
        if establishes && first && !elsewhere && !self.lifecycle.took_other_slash() {
            let purpose = exchange.purpose();
            self.lifecycle.take_other_slash();
            self.output(Output::OtherSlash);
            self.remove_exchange(id, now);
            return if purpose == Purpose::Initialize { self.handshake(now) } else { self.begin(now) };
        }
        let outcome = match exchange.purpose().call() {
            Some(_) if !is_before_dispatch(status, exchange) => Outcome::Unknown,
            Some(_) | None => Outcome::NotExecuted,
        };
        self.conclude(id, Answer::Unusable { error: redirect_error(elsewhere, outcome) }, now);
    }

    /// Following it sends the request once more: a call that may have run by now is not sent there.
    pub(in crate::protocol) fn take_following(&mut self, id: ExchangeId, status: u16, now: Now) {
        self.exchanges.time_refusal(id, now);
        let Some(exchange) = self.exchanges.get(id).filter(|exchange| exchange.method() == Method::Post) else {
            return;
        };
        let Purpose::Call(call) = exchange.purpose() else { return };
        let Some(call) = self.calls.get(call) else { return };
        let mode = self.config.recovery.mode;
        // By annotations alone it is not: nothing reads the list again before.
        let safe = call.safety() == Safety::Safe;
        if retry::is_redirect_followed(mode, safe, is_before_dispatch(Some(status), exchange)) {
            return;
        }
        self.output(Output::Abort { exchange: id });
        self.take_redirect(id, Redirect { elsewhere: false, status: Some(status) }, now);
    }

    /// The address with the other final slash is no endpoint either: what is to be mended is the redirect.
    pub(in crate::protocol) fn was_redirected(&self, exchange: &Exchange) -> Option<Box<Error<P>>> {
        let missing = self.lifecycle.took_other_slash() && matches!(exchange.status(), 404 | 405);
        missing.then(|| redirect_error(false, Outcome::NotExecuted))
    }
}

/// Whether it says, before anything has run, that the same request belongs elsewhere (RFC 9110, 15.4.8 and 15.4.9). 303
/// follows upon a POST that was processed (15.4.4), and the others are used so.
fn is_before_dispatch(status: Option<u16>, exchange: &Exchange) -> bool {
    matches!(status, Some(307 | 308)) && !exchange.is_late() || planted!("redirect_is_proof")
}

fn redirect_error<P>(elsewhere: bool, outcome: Outcome) -> Box<Error<P>> {
    let diagnosis = if elsewhere { ELSEWHERE } else { REDIRECT };
    let message = format!("The server answered with a redirect, which is not followed. {}", diagnosis.hint);
    Error::boxed(Code::Http, outcome, message).with_diagnosis(diagnosis)
}
