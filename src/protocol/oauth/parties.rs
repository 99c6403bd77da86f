//! Whether the endpoints of one metadata document belong together.
//!
//! An authorization server that is another's enemy can name that one's authorization endpoint as its own: the user signs in
//! there, and the code goes, with its verifier, to the enemy's token endpoint (a mix-up attack: RFC 9700, section 4.4). Where
//! answers say who sent them (`iss`) that comes out. Where they do not, the user's way is followed: an authorization
//! endpoint at the issuer's own origin is the issuer's, a token endpoint at the origin of the authorization endpoint gives
//! nobody else anything; and where neither is so, the metadata at that origin is asked what belongs to its endpoint. Many
//! have three origins for honest reasons and no metadata there: they are used, which is a risk that remains.

use super::discovery::{Server, document};
use super::flow::{Flow, Stage, Step};
use super::text::{Url, is_one_origin};
use super::trust::difference_without_paths;
use super::{Reply, Trouble};
use crate::protocol::codec::json::Members;
use std::collections::VecDeque;

/// So many folders of the authorization endpoint are asked for metadata, from the root down.
const MAX_FOLDERS: usize = 4;

const MIX_UP: &str = "The authorization server names an authorization endpoint of another server, by whose own metadata codes \
                      are taken elsewhere";
const NOT_BEGUN: &str = "No authorization is begun, or that server's code would go to this one (RFC 9700, section 4.4). Other \
                         clients may not look.";

/// Who shows the user what, and who gets what comes of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parties {
    /// Nobody gets what another one has given.
    One,
    /// The metadata at these places says more.
    Several(Vec<String>),
}

impl Parties {
    /// Of a server that has been checked.
    pub fn of(server: &Server) -> Self {
        let Some(shown) = Url::parse(&server.authorization_endpoint) else { return Self::One };
        let is_shown = |url: &str| is_one_origin(&server.authorization_endpoint, url);
        // Its answers say who sent them: another's are not used.
        let one = is_shown(&server.issuer) || is_shown(&server.token_endpoint) || server.sends_iss || server.trusted;
        if one { Self::One } else { Self::Several(places(&shown)) }
    }
}

/// Where the metadata may be of whoever has this endpoint.
fn places(endpoint: &Url<'_>) -> Vec<String> {
    let (origin, path) = (endpoint.origin(), endpoint.path());
    let folders = path.match_indices('/').skip(1).map(|(end, _)| &path[..end]);
    std::iter::once("")
        .chain(folders)
        .take(MAX_FOLDERS)
        .flat_map(|folder| {
            [
                format!("{origin}/.well-known/oauth-authorization-server{folder}"),
                format!("{origin}{folder}/.well-known/openid-configuration"),
            ]
        })
        .collect()
}

/// What a document says of the endpoints of a server: `None` where it is about others.
fn confirms(text: &str, server: &Server) -> Option<bool> {
    let document: Members = document(text)?;
    let (authorization, token): (String, String) =
        (document.read("authorization_endpoint")?, document.read("token_endpoint")?);
    is_same_place(&authorization, &server.authorization_endpoint).then(|| is_same_place(&token, &server.token_endpoint))
}

/// Whether both are one address, whatever their queries are.
fn is_same_place(one: &str, other: &str) -> bool {
    let pair = Url::parse(one).zip(Url::parse(other));
    pair.is_some_and(|(one, other)| one.has_origin_of(&other) && one.path() == other.path())
}

impl Flow {
    /// Goes on with the authorization once it is known, as far as it can be, that the endpoints belong together.
    pub(super) fn look_at_parties(&mut self, server: Server) {
        match Parties::of(&server) {
            Parties::One => self.ask_user(server),
            Parties::Several(places) => self.ask_party(server, places.into()),
        }
    }

    fn ask_party(&mut self, server: Server, mut places: VecDeque<String>) {
        match places.pop_front() {
            Some(place) => {
                self.get(&place);
                self.stage = Stage::Party { server, places };
            }
            None => self.ask_user(server),
        }
    }

    pub(super) fn party_answered(&mut self, server: Server, places: VecDeque<String>, reply: &Reply) {
        let (status, body) = reply.parts();
        match Some(body).filter(|_| (200..300).contains(&status)).and_then(|body| confirms(body, &server)) {
            None => self.ask_party(server, places),
            Some(true) => self.ask_user(server),
            Some(false) => {
                let what = difference_without_paths(&server.issuer, &server.authorization_endpoint);
                self.end(Step::Failed(Trouble::new("mix_up", format!("{MIX_UP} ({what}). {NOT_BEGUN}"))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(issuer: &str, authorization: &str, token: &str) -> Server {
        let text = |text: &str| text.to_owned();
        Server {
            issuer: text(issuer),
            authorization_endpoint: text(authorization),
            token_endpoint: text(token),
            ..Server::default()
        }
    }

    #[test]
    fn who_shows_the_page_and_who_gets_the_code() {
        let (a, b, c) = ("https://a.example", "https://b.example/x/authorize", "https://c.example/token");
        for (issuer, authorization, token, is_one) in [
            (a, "https://a.example/authorize", c, true),
            (a, "https://A.example:443/authorize", c, true),
            (a, b, "https://b.example/token", true),
            (a, "https://a.example/authorize", "https://a.example/token", true),
            (a, b, "https://a.example/token", false),
            (a, b, c, false),
        ] {
            let mut server = server(issuer, authorization, token);
            assert_eq!(Parties::of(&server) == Parties::One, is_one, "{issuer} {authorization} {token}");
            server.sends_iss = true;
            assert_eq!(Parties::of(&server), Parties::One, "its answers say who sent them");
        }
    }

    #[test]
    fn metadata_is_looked_for_from_the_root_down() {
        let url = Url::parse("https://b.example/x/y/authorize?q=/z/").expect("a URL");
        let rest = places(&url).split_off(2);
        assert_eq!(
            places(&url)[..2],
            [
                "https://b.example/.well-known/oauth-authorization-server",
                "https://b.example/.well-known/openid-configuration",
            ]
        );
        assert_eq!(
            rest,
            [
                "https://b.example/.well-known/oauth-authorization-server/x",
                "https://b.example/x/.well-known/openid-configuration",
                "https://b.example/.well-known/oauth-authorization-server/x/y",
                "https://b.example/x/y/.well-known/openid-configuration",
            ]
        );
        let deep = Url::parse("https://b.example/1/2/3/4/5/6/7").map(|url| places(&url).len());
        assert_eq!((deep, Url::parse("https://b.example").map(|url| places(&url).len())), (Some(8), Some(2)));
    }
}
