//! What tabs tell each other, as a JSON array: its kind, who tells it, and what belongs to the kind. The channel's name
//! carries the version of this format, so that tabs with another one are not met.

use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use crate::protocol::codec::json::{raw, text};

/// Of what JavaScript counts without gaps.
const GREATEST: u64 = (1 << 53) - 1;
/// More sessions than that are not made one after the other.
const SERIALS: u64 = 1 << 40;
/// Milliseconds: whatever a server says, another attempt may be made then.
const FLOOR_MS: u64 = 24 * 3_600_000;

/// Orders the sessions that tabs share: a newer one is greater. The default stands for none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark {
    /// Of the leader that made it.
    pub term: u64,
    pub serial: u64,
}

/// Who tells it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Sender {
    pub tab: u64,
    /// The term of a leader; 0: a follower.
    pub lead: u64,
    /// Of the session that it has, or had last.
    pub mark: Mark,
    /// The newest session that a tab has ended on the server.
    pub ended: Mark,
}

/// Why a tab needs another session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// The server refused it.
    Refused,
    /// It cannot be reached.
    Doubt,
    /// Its host asked for a new one.
    Host,
}

impl Why {
    fn number(self) -> u64 {
        match self {
            Self::Refused => 0,
            Self::Doubt => 1,
            Self::Host => 2,
        }
    }

    fn read(number: u64) -> Option<Self> {
        [Self::Refused, Self::Doubt, Self::Host].into_iter().find(|why| why.number() == number)
    }
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Message {
    /// The tab is there, and wants to hear this. `asks`: who else is?
    Hello { asks: bool, listens: bool, uris: Vec<String> },
    /// It is not there any more.
    Bye,
    /// It needs another session than the sender's, for this reason. What was asked long `at` (milliseconds since the
    /// epoch) a leader that was frozen may not be asked any more.
    Want { why: Why, at: u64 },
    /// Is the leader there?
    Pulse,
    /// The leader is there. `asks`: its user is to authorize.
    Alive { asks: bool },
    /// The sender's session.
    Session { record: String },
    /// The leader's attempt to make a session failed, with the credentials of `owner` as far as that is known.
    Failed { code: String, message: String, retryable: bool, floor_ms: u64, owner: Option<u64> },
    /// A notification; its `params` are the payload.
    Heard { method: String, event_id: Option<String> },
    /// The listening stream of the modern era: the resources that the server was asked for, those that it tells of
    /// (`None`: it has no such stream), and whether changes may have been missed before.
    Stream { asked: Vec<String>, granted: Option<Vec<String>>, stale: bool },
    /// The server's question, on the listening stream: whose is it? `id` as JSON; its `params` are the payload.
    Offer { question: u64, id: String, method: String },
    /// The sender's.
    Claim { question: u64 },
    /// This tab is to answer it.
    Yours { question: u64, to: u64 },
}

impl Message {
    pub fn write(&self, Sender { tab, lead, mark, ended }: Sender) -> String {
        let (kind, rest) = match self {
            Self::Hello { asks, listens, uris } => ("hello", vec![raw(asks), raw(listens), raw(uris)]),
            Self::Bye => ("bye", vec![]),
            Self::Want { why, at } => ("want", vec![raw(&why.number()), raw(at)]),
            Self::Pulse => ("pulse", vec![]),
            Self::Alive { asks } => ("alive", vec![raw(asks)]),
            Self::Session { record } => ("session", vec![raw(record)]),
            Self::Failed { code, message, retryable, floor_ms, owner } => {
                ("failed", vec![raw(code), raw(message), raw(retryable), raw(floor_ms), raw(owner)])
            }
            Self::Heard { method, event_id } => ("heard", vec![raw(method), raw(event_id)]),
            Self::Stream { asked, granted, stale } => ("stream", vec![raw(asked), raw(granted), raw(stale)]),
            Self::Offer { question, id, method } => ("offer", vec![raw(question), raw(id), raw(method)]),
            Self::Claim { question } => ("claim", vec![raw(question)]),
            Self::Yours { question, to } => ("yours", vec![raw(question), raw(to)]),
        };
        let mut parts = vec![raw(kind)];
        parts.extend([tab, lead, mark.term, mark.serial, ended.term, ended.serial].map(|number| raw(&number)));
        parts.extend(rest);
        text(&parts)
    }

    /// `None` where it is none: something else may speak on the channel.
    pub fn read(message: &str) -> Option<(Sender, Self)> {
        let parts: Vec<&RawValue> = serde_json::from_str(message).ok()?;
        let number = |at: usize| part(&parts, at).filter(|number: &u64| *number <= GREATEST);
        let text = |at: usize| part::<String>(&parts, at);
        let is = |at: usize| part::<bool>(&parts, at);
        let texts = |at: usize| part::<Vec<String>>(&parts, at);
        let is_null = |at: usize| parts.get(at).is_some_and(|part| part.get() == "null");
        let serial = |at: usize| number(at).filter(|serial| *serial <= SERIALS);
        let mark = |at: usize| Some(Mark { term: number(at)?, serial: serial(at + 1)? });
        let sender = Sender { tab: number(1)?, lead: number(2)?, mark: mark(3)?, ended: mark(5)? };
        let message = match part::<String>(&parts, 0)?.as_str() {
            "hello" => Self::Hello { asks: is(7)?, listens: is(8)?, uris: texts(9)? },
            "bye" => Self::Bye,
            "want" => Self::Want { why: Why::read(number(7)?)?, at: number(8)? },
            "pulse" => Self::Pulse,
            "alive" => Self::Alive { asks: is(7)? },
            "session" => Self::Session { record: text(7)? },
            "failed" => {
                let owner = if is_null(11) { None } else { Some(number(11)?) };
                let floor_ms = number(10)?.min(FLOOR_MS);
                Self::Failed { code: text(7)?, message: text(8)?, retryable: is(9)?, floor_ms, owner }
            }
            "heard" => Self::Heard { method: text(7)?, event_id: if is_null(8) { None } else { Some(text(8)?) } },
            "stream" => {
                let granted = if is_null(8) { None } else { Some(texts(8)?) };
                Self::Stream { asked: texts(7)?, granted, stale: is(9)? }
            }
            "offer" => Self::Offer { question: number(7)?, id: text(8)?, method: text(9)? },
            "claim" => Self::Claim { question: number(7)? },
            "yours" => Self::Yours { question: number(7)?, to: number(8)? },
            _ => return None,
        };
        Some((sender, message))
    }
}

fn part<T: DeserializeOwned>(parts: &[&RawValue], at: usize) -> Option<T> {
    serde_json::from_str(parts.get(at)?.get()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read() {
        let sender =
            Sender { tab: 7, lead: 1 << 41, mark: Mark { term: 3, serial: 4 }, ended: Mark { term: 3, serial: 2 } };
        let uris = vec!["a\"b".to_owned()];
        let messages = [
            Message::Hello { asks: true, listens: false, uris: uris.clone() },
            Message::Bye,
            Message::Want { why: Why::Refused, at: 5 },
            Message::Want { why: Why::Doubt, at: 5 },
            Message::Want { why: Why::Host, at: 5 },
            Message::Pulse,
            Message::Alive { asks: true },
            Message::Session { record: r#"{"format":1}"#.into() },
            Message::Failed { code: "http".into(), message: "no".into(), retryable: true, floor_ms: 9, owner: None },
            Message::Failed { code: "http".into(), message: "no".into(), retryable: true, floor_ms: 9, owner: Some(7) },
            Message::Heard { method: "notifications/message".into(), event_id: Some("e".into()) },
            Message::Heard { method: "notifications/message".into(), event_id: None },
            Message::Stream { asked: uris.clone(), granted: Some(uris), stale: true },
            Message::Stream { asked: vec![], granted: None, stale: false },
            Message::Offer { question: 1, id: "\"q\"".into(), method: "roots/list".into() },
            Message::Claim { question: 1 },
            Message::Yours { question: 1, to: 2 },
        ];
        for message in messages {
            assert_eq!(Message::read(&message.write(sender)), Some((sender, message)));
        }
    }

    #[test]
    fn what_is_none_is_left_out() {
        for text in [
            "",
            "7",
            "[]",
            r#"["hello",1,2,3,4,0,0]"#,
            r#"["other",1,2,3,4,0,0]"#,
            r#"["bye",-1,2,3,4,0,0]"#,
            r#"["bye",1,9007199254740992,3,4,0,0]"#,
            r#"["bye",1,9223372036854775807,3,4,0,0]"#,
            r#"["bye",1,2,3,9007199254740991,0,0]"#,
            r#"["bye",1,2,3,4,0,9007199254740991]"#,
            r#"["want",1,2,3,4,0,0,3,5]"#,
            r#"["bye",1,2,3,4]"#,
            r#"{"a":1}"#,
        ] {
            assert_eq!(Message::read(text), None, "{text}");
        }
    }
}
