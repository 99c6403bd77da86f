//! Lists that come in pages, as one: which page is asked for next, and what of it is told (2025-11-25, Pagination).

use std::collections::BTreeSet;

use super::era::modern;
use serde_json::Value;

/// "Invalid cursors SHOULD result in an error with code -32602" (2025-11-25, Pagination, Error Handling).
const INVALID_PARAMS: i64 = -32602;

/// Where the reader of a list is. What there is is never lost to a cursor that leads nowhere: the list ends there. Cursors
/// are the session's: where it was lost meanwhile, the list is begun anew, once, and what was told already is left out.
#[derive(Debug)]
pub struct Paging {
    most: usize,
    /// Cursors that were asked with; of each page the one that it was had by.
    seen: BTreeSet<Option<String>>,
    /// Keys of items that were told.
    told: BTreeSet<String>,
    is_second: bool,
    cursor: Option<String>,
    before: Option<Vec<Value>>,
    /// The generation of the session that the cursor is of.
    under: u32,
    /// … that is asked now.
    asked: u32,
}

/// What follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Then {
    /// There is another page.
    More,
    /// That was all.
    Ends,
    /// The list ends before its end, and why, in a sentence.
    BreaksOff(&'static str),
    /// The error is the caller's.
    Fails,
}

impl Paging {
    /// Of at most so many pages.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            most,
            seen: BTreeSet::new(),
            told: BTreeSet::new(),
            is_second: false,
            cursor: None,
            before: None,
            under: 0,
            asked: 0,
        }
    }

    /// The cursor to ask with, of a session of this generation; `None` where there are too many pages.
    pub fn ask(&mut self, generation: u32) -> Option<Option<&str>> {
        if self.seen.len() >= self.most {
            return None;
        }
        self.asked = generation;
        Some(self.cursor.as_deref())
    }

    /// A page has come, by this version of the protocol. Gives those of its items that are news; `key` names one.
    pub fn page(
        &mut self,
        items: Vec<Value>,
        next: &Value,
        version: Option<&str>,
        key: impl Fn(&Value) -> Option<String>,
    ) -> (Vec<Value>, Then) {
        self.seen.insert(self.cursor.take());
        let repeats = next.as_str().is_some_and(|next| self.seen.contains(&Some(next.to_owned())));
        // A server that does not heed its cursors gives the same page again.
        let told = if repeats && self.before.as_ref() == Some(&items) { Vec::new() } else { items.clone() };
        let news = told.into_iter().filter(|item| self.is_news(item, &key)).collect();
        let then = match next {
            Value::Null => Then::Ends,
            // To 2026-07-28 alone an empty string is a cursor like any other.
            Value::String(next) if next.is_empty() && version != Some(modern::VERSION) => Then::Ends,
            Value::String(_) if repeats => Then::BreaksOff("A list of the server's repeats a cursor: it has no end."),
            Value::String(next) => {
                self.cursor = Some(next.clone());
                Then::More
            }
            Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
                Then::BreaksOff("The cursor of a list of the server's is no string.")
            }
        };
        (self.before, self.under) = (Some(items), self.asked);
        (news, then)
    }

    /// The page was refused, while the session is of this generation.
    pub fn refused(&mut self, rpc_code: Option<i64>, generation: u32) -> Then {
        if self.cursor.is_none() || rpc_code != Some(INVALID_PARAMS) {
            return Then::Fails;
        }
        if generation == self.under {
            return Then::BreaksOff("The server refused its own cursor for a list.");
        }
        if self.is_second {
            return Then::Fails;
        }
        self.is_second = true;
        self.seen.clear();
        (self.cursor, self.before) = (None, None);
        Then::More
    }

    fn is_news(&mut self, item: &Value, key: impl Fn(&Value) -> Option<String>) -> bool {
        let Some(key) = key(item) else { return true };
        let is_new = self.told.insert(key);
        is_new || !self.is_second
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const LEGACY: Option<&str> = Some("2025-11-25");

    fn name(item: &Value) -> Option<String> {
        item["name"].as_str().map(str::to_owned)
    }

    fn page(paging: &mut Paging, names: &[&str], next: &Value) -> (Vec<String>, Then) {
        let items = names.iter().map(|name| json!({ "name": name })).collect();
        let (news, then) = paging.page(items, next, LEGACY, name);
        (news.iter().filter_map(name).collect(), then)
    }

    #[test]
    fn pages_are_asked_for_by_the_cursor_of_the_one_before() {
        let mut paging = Paging::new(64);
        assert_eq!(paging.ask(1), Some(None));
        assert_eq!(page(&mut paging, &["a"], &json!("2")), (vec!["a".into()], Then::More));
        assert_eq!(paging.ask(1), Some(Some("2")));
        assert_eq!(page(&mut paging, &["b", "b"], &Value::Null), (vec!["b".into(), "b".into()], Then::Ends));
    }

    #[test]
    fn a_cursor_that_leads_nowhere_ends_the_list() {
        let broken = |next: &Value| {
            let mut paging = Paging::new(64);
            paging.ask(1);
            page(&mut paging, &["a"], &json!("2"));
            paging.ask(1);
            page(&mut paging, &["a"], next)
        };
        let (news, then) = broken(&json!("2"));
        assert!(news.is_empty() && matches!(then, Then::BreaksOff(why) if why.contains("repeats")));
        assert!(matches!(broken(&json!(3)).1, Then::BreaksOff(why) if why.contains("no string")));
        assert_eq!(broken(&json!("")).1, Then::Ends);
        let modern = |paging: &mut Paging| paging.page(vec![], &json!(""), Some("2026-07-28"), name).1;
        assert_eq!(modern(&mut Paging::new(64)), Then::More);
    }

    #[test]
    fn a_list_has_no_more_pages_than_are_allowed() {
        let mut paging = Paging::new(2);
        for at in ["1", "2"] {
            assert!(paging.ask(1).is_some());
            page(&mut paging, &[at], &json!(at));
        }
        assert_eq!(paging.ask(1), None);
    }

    #[test]
    fn a_list_of_a_lost_session_is_begun_anew_once_and_tells_nothing_twice() {
        let mut paging = Paging::new(64);
        paging.ask(1);
        page(&mut paging, &["a", "b"], &json!("2"));
        paging.ask(1);
        assert_eq!(paging.refused(Some(-32602), 2), Then::More);
        assert_eq!(paging.ask(2), Some(None));
        assert_eq!(page(&mut paging, &["a", "c"], &json!("2")), (vec!["c".into()], Then::More));
        paging.ask(2);
        assert_eq!(paging.refused(Some(-32602), 3), Then::Fails, "the second time it is the caller's");
    }

    #[test]
    fn the_refusal_of_a_cursor_by_the_session_that_gave_it_ends_the_list() {
        let mut paging = Paging::new(64);
        paging.ask(1);
        assert_eq!(paging.refused(Some(-32602), 1), Then::Fails, "there was no cursor");
        page(&mut paging, &["a"], &json!("2"));
        paging.ask(1);
        assert!(matches!(paging.refused(Some(-32602), 1), Then::BreaksOff(_)));
        assert_eq!(paging.refused(Some(-32603), 1), Then::Fails);
    }
}
