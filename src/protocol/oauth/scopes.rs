//! Lists of scopes, which are texts with a space between each two (RFC 6749, section 3.3).

use litemap::LiteMap;

/// More bytes no address takes.
const MAX_BYTES: usize = 8_192;

/// Whether all that are wanted are among these.
pub(super) fn covers(scope: Option<&str>, wanted: &str) -> bool {
    let scopes: LiteMap<_, _> = scope.unwrap_or_default().split(' ').map(|scope| (scope, ())).collect();
    wanted.split(' ').all(|wanted| wanted.is_empty() || scopes.contains_key(wanted))
}

/// Those of both: all of the second, and of the first as many as there is room for.
pub(super) fn union(first: &str, second: &str) -> String {
    let wanted: LiteMap<_, _> = second.split(' ').map(|scope| (scope, ())).collect();
    let mut room = MAX_BYTES.saturating_sub(second.len());
    let mut seen = LiteMap::<_, _>::from_iter([("", ())]);
    let mut all = Vec::new();
    for scope in first.split(' ').chain(second.split(' ')) {
        let rest = if wanted.contains_key(scope) { Some(room) } else { room.checked_sub(scope.len() + 1) };
        if let Some(rest) = rest.filter(|_| seen.insert(scope, ()).is_none()) {
            room = rest;
            all.push(scope);
        }
    }
    all.join(" ")
}
