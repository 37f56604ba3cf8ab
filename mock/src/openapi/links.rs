//! The links of tasks to resources.

use std::collections::BTreeMap;

use tasklife::CommandType;

use crate::effect::Effect;
use crate::route::Routes;

/// Returns the title of a link, such as `getDatabase`.
fn getter(singular: &str) -> String {
    let mut letters = singular.chars();
    let first = letters.next().map(|first| first.to_ascii_uppercase());
    format!("get{}{}", first.map(String::from).unwrap_or_default(), letters.as_str())
}

/// Returns the route of each command type: to the resource that its tasks make or change, if the
/// ids in a result identify it. Also returns the command types that delete that resource.
pub(super) fn links(
    routes: &Routes,
    titles: &BTreeMap<String, String>,
) -> (Vec<(CommandType, String, String)>, Vec<CommandType>) {
    let mut found: BTreeMap<CommandType, Option<(String, String)>> = BTreeMap::new();
    let mut deletions = Vec::new();
    for operation in routes.operations() {
        let Some(command) = operation.command() else { continue };
        let effect = routes.effect(operation);
        let kind = match effect {
            Effect::Create(kind)
            | Effect::Change(kind)
            | Effect::Replace(kind)
            | Effect::Delete(kind) => Some(kind),
            _ => routes.innermost(operation),
        };
        let route = kind.and_then(|kind| {
            // A setting without a `GET` links to its parent.
            let of_single = routes.kind(kind).parent.filter(|_| routes.kind(kind).is_single);
            let kind = of_single.filter(|_| !routes.is_readable(kind)).unwrap_or(kind);
            let item = &routes.kind(kind).item;
            let path = item.with_names(&["additionalResourceId", "resourceId"])?;
            routes.is_readable(kind).then_some(())?;
            let title = titles.get(&item.to_string()).cloned();
            Some((path, title.unwrap_or_else(|| getter(routes.kind(kind).singular()))))
        });
        if matches!(effect, Effect::Delete(_)) {
            deletions.push(command.clone());
        }
        let known = found.entry(command.clone()).or_insert_with(|| route.clone());
        if *known != route {
            // Tasks of one type with different routes get no link.
            *known = None;
        }
    }
    let links = found.into_iter().filter_map(|(command, route)| {
        let (path, title) = route?;
        Some((command, path, title))
    });
    (links.collect(), deletions)
}
