//! A result has the list that its type promises, whatever way a server has of writing that there is nothing in it.

use crate::protocol::bounds;
use crate::protocol::codec::json_rpc::is_null;
use crate::protocol::{Code, Error, Field, Outcome, Payload};

/// Where the answer to a request has its list.
fn list_of(method: &str) -> Option<Field> {
    Some(match method {
        "tools/list" => Field::Tools,
        "prompts/list" => Field::Prompts,
        "resources/list" => Field::Resources,
        "resources/templates/list" => Field::ResourceTemplates,
        "resources/read" => Field::Contents,
        "prompts/get" => Field::Messages,
        "tools/call" => Field::Content,
        "completion/complete" => Field::Values,
        _ => return None,
    })
}

/// The error for a page of a list that is longer than [`bounds::ITEMS`].
pub(in crate::protocol) fn too_long<P: Payload>(method: &str, result: &P) -> Option<Box<Error<P>>> {
    let count = result.field(list_of(method)?)?.count()?;
    (count > bounds::ITEMS).then(|| bounds::too_many("items of a list", bounds::ITEMS).with_outcome(Outcome::Executed))
}

/// The result with its list. One that is null, `{}` or left out is empty; in what a tool answered, it is only added beside
/// `structuredContent`. Whatever else is in its place is no list, nor is a page without items that names a next one: it has
/// lost what it was sent for.
pub(in crate::protocol) fn shaped<P: Payload>(method: &str, result: P) -> Result<P, Box<Error<P>>> {
    let Some(list) = list_of(method) else { return Ok(result) };
    let has = |field| result.field(field).is_some();
    if list == Field::Content && !has(list) && result.is_object() && !has(Field::StructuredContent) {
        return Ok(result);
    }
    let whole = if list == Field::Values {
        object(result).and_then(|result| {
            let completion = result.field(Field::Completion).unwrap_or_else(P::empty);
            Some(result.with(Field::Completion, with_list(completion, list)?))
        })
    } else {
        with_list(result, list)
    };
    whole.ok_or_else(|| {
        let name = list.as_str();
        let message = format!("The server's answer to {method} has no array \"{name}\", nor null for an empty one.");
        Error::boxed(Code::Protocol, Outcome::Executed, message)
    })
}

/// What can have members: null has none.
fn object<P: Payload>(value: P) -> Option<P> {
    if value.is_object() { Some(value) } else { is_null(&value).then(P::empty) }
}

fn with_list<P: Payload>(of: P, field: Field) -> Option<P> {
    let of = object(of)?;
    match of.field(field) {
        Some(list) if list.count().is_some() => Some(of),
        Some(list) if !is_null(&list) && list.entries(0).is_none() => None,
        None if of.field(Field::NextCursor).is_some_and(|next| next.is_truthy()) => None,
        Some(_) | None => Some(of.with(field, P::parse("[]")?)),
    }
}
