//! How a session's requests go, and who is asked for tokens: from its options.
#![cfg_attr(not(feature = "extras"), allow(dead_code))]

use super::{command::pairs, program::Program};
use crate::browser::{
    authorize::Authorizer,
    exchange::Transport,
    options::{Credentials, Error, Event, Options},
};
use js_sys::Object;
use std::{
    any::Any,
    cell::{OnceCell, RefCell},
    rc::{Rc, Weak},
};

#[cfg(feature = "extras")]
const BOTH: &str = "`auth` cannot go with `authorizer`: either gets the tokens. Choose one.";

thread_local! {
    /// Texts of warnings. They are constants of this crate's JavaScript.
    static WORDS: RefCell<Vec<&'static str>> = const { RefCell::new(Vec::new()) };
}

/// Where a session's requests go, and what belongs to that.
pub(super) struct Environment {
    pub transport: Transport,
    pub authorizer: Option<Rc<Authorizer>>,
    #[cfg(feature = "extras")]
    pub sign_in: Option<super::sign_in::SignIn>,
    /// What JavaScript calls as long as the session has anything under way.
    pub ears: Vec<Box<dyn Any>>,
}

impl Environment {
    /// # Errors
    /// When an option is wrong.
    pub fn of(options: &Options, url: String, warner: &Warner) -> Result<Self, Box<Error>> {
        let transport = Transport {
            url,
            fetch: None,
            headers: Object::from_entries(&pairs(&options.headers)).unwrap_or_default().into(),
            credentials: match options.credentials {
                Credentials::Omit => "omit",
                Credentials::SameOrigin => "same-origin",
                Credentials::Include => "include",
            }
            .into(),
            via: None,
            token: RefCell::default(),
        };
        let environment = Self {
            transport,
            authorizer: options.authorizer.clone(),
            #[cfg(feature = "extras")]
            sign_in: None,
            ears: Vec::new(),
        };
        environment.with_extras(options, warner)
    }

    #[cfg(not(feature = "extras"))]
    fn with_extras(self, _: &Options, _: &Warner) -> Result<Self, Box<Error>> {
        Ok(self)
    }

    #[cfg(feature = "extras")]
    fn with_extras(mut self, options: &Options, warner: &Warner) -> Result<Self, Box<Error>> {
        if let Some(auth) = &options.auth {
            if self.authorizer.is_some() {
                return Err(super::command::invalid(BOTH.into()));
            }
            let (authorizer, sign_in) =
                auth.open(&self.transport.url, options.config.ask, options.identity.as_deref(), warner)?;
            (self.authorizer, self.sign_in) = (Some(Rc::new(authorizer)), Some(sign_in));
        }
        if let Some(proxy) = &options.proxy {
            self.go_by(proxy, warner)?;
        }
        Ok(self)
    }

    #[cfg(feature = "extras")]
    fn go_by(&mut self, proxy: &super::Proxy, warner: &Warner) -> Result<(), Box<Error>> {
        let Self { transport, authorizer, ears, .. } = self;
        let send_oauth = authorizer.as_ref().and_then(|authorizer| authorizer.fetch());
        let send = (transport.fetch.as_ref(), send_oauth);
        let ways = super::proxy::Ways::open(proxy.clone(), &transport.url, send, warner.clone())?;
        transport.fetch = Some(ways.mcp.clone());
        transport.via = Some(ways.url.clone());
        *authorizer = authorizer.take().map(|authorizer| Rc::new(authorizer.by(ways.oauth.clone())));
        ears.push(Box::new(ways));
        Ok(())
    }
}

/// Tells the session's warnings of what is beside its core.
#[derive(Clone, Default)]
pub(super) struct Warner(Rc<OnceCell<Weak<Program>>>);

impl Warner {
    pub fn of(&self, program: &Rc<Program>) {
        let _ = self.0.set(Rc::downgrade(program));
    }

    pub fn program(&self) -> Option<Rc<Program>> {
        self.0.get().and_then(Weak::upgrade)
    }

    pub fn warn(&self, kind: &str, hint: &str) {
        if let Some(program) = self.program() {
            program.tell(&Event::Warning { kind: constant(kind), header: None, hint: constant(hint) });
        }
    }
}

/// Kept for good, once.
fn constant(text: &str) -> &'static str {
    WORDS.with_borrow_mut(|words| {
        if let Some(known) = words.iter().find(|known| **known == text) {
            return *known;
        }
        let kept: &'static str = Box::leak(text.into());
        words.push(kept);
        kept
    })
}
