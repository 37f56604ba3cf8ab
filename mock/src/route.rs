//! The paths of an API: its operations, and the kinds of resources that it has.

use crate::text::{Excerpt, decoded_segment};
use http::{Method, StatusCode};
use tasklife::{CommandType, ResourceId};

/// A path template: literal segments, and placeholders that stand for a whole one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Template(Vec<Segment>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Segment {
    Literal(Box<str>),
    Id(Box<str>),
}

impl Template {
    fn parse(path: &str) -> Result<Self, RouteFault> {
        let segments = path.strip_prefix('/').ok_or(RouteFault::NoSlash)?.split('/');
        let segments = segments.map(|segment| {
            let name = segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}'));
            let text = name.unwrap_or(segment);
            let fine = |c: char| c.is_ascii_alphanumeric() || "-_.~:".contains(c);
            if text.is_empty() || !text.chars().all(fine) || matches!(segment, "." | "..") {
                return Err(RouteFault::Segment(Excerpt::of(segment)));
            }
            Ok(match name {
                Some(name) => Segment::Id(name.into()),
                None => Segment::Literal(segment.into()),
            })
        });
        segments.collect::<Result<_, _>>().map(Self)
    }

    /// The ids in a path that has this form.
    fn ids(&self, path: &[&str]) -> Option<Vec<ResourceId>> {
        if path.len() != self.0.len() {
            return None;
        }
        let mut ids = Vec::new();
        for (segment, text) in self.0.iter().zip(path) {
            match segment {
                Segment::Literal(literal) if **literal == **text => {}
                Segment::Literal(_) => return None,
                Segment::Id(_) => ids.push(id_in(text)?),
            }
        }
        Some(ids)
    }

    /// Whether the same paths have this form, up to where this one ends.
    fn begins(&self, other: &Self) -> bool {
        self.0.len() <= other.0.len() && self.0.iter().zip(&other.0).all(|(a, b)| same(a, b))
    }

    fn matches_same(&self, other: &Self) -> bool {
        self.0.len() == other.0.len() && self.begins(other)
    }

    fn literals(&self) -> usize {
        self.0.iter().filter(|segment| matches!(segment, Segment::Literal(_))).count()
    }
}

fn same(one: &Segment, other: &Segment) -> bool {
    match (one, other) {
        (Segment::Literal(one), Segment::Literal(other)) => one == other,
        (Segment::Id(_), Segment::Id(_)) => true,
        _ => false,
    }
}

/// An id as a path has it: a number where it is one, written in the one way that numbers are.
fn id_in(text: &str) -> Option<ResourceId> {
    decoded_segment(text).filter(|text| !text.is_empty()).map(|text| as_in_path(text.into()))
}

/// An id as it is once it has been in a path: a text that looks like a number is one.
pub(crate) fn as_in_path(id: ResourceId) -> ResourceId {
    let ResourceId::Text(text) = &id else { return id };
    let number = text.parse::<i64>().ok().filter(|number| format!("{number}") == **text);
    number.map_or(id, ResourceId::Number)
}

/// A kind of resources: where each is found, and how it names itself.
#[derive(Clone, Debug)]
pub(crate) struct Kind {
    item: Template,
    /// The field with the id of a resource, as it describes itself.
    pub(crate) id_field: Box<str>,
    /// The last literal of the path, such as `databases`.
    pub(crate) plural: Box<str>,
    /// The last placeholder, such as `databaseId`.
    pub(crate) id_name: Box<str>,
    /// How many ids are before its own.
    pub(crate) depth: usize,
    pub(crate) parent: Option<usize>,
    pub(crate) listing: Listing,
}

/// How the resource looks within which others are listed. In the documented API, pro and essentials
/// differ.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Listing {
    /// It is an array of one.
    #[default]
    Array,
    /// It is an array of one; where nothing would be in the list, it is a 404.
    ArrayOrNotFound,
    /// It is an object.
    Object,
}

impl Kind {
    /// What is there one of, such as `database`.
    pub(crate) fn singular(&self) -> &str {
        self.id_name.strip_suffix("Id").unwrap_or(&self.id_name)
    }

    /// The code of the error for one that is not there, such as `DATABASE_NOT_FOUND`.
    pub(crate) fn not_found(&self) -> String {
        let mut code = String::new();
        for letter in self.singular().chars() {
            if letter.is_ascii_uppercase() {
                code.push('_');
            }
            code.push(if letter == '-' { '_' } else { letter.to_ascii_uppercase() });
        }
        code + "_NOT_FOUND"
    }
}

#[derive(Clone, Debug)]
struct Operation {
    method: Method,
    path: Template,
    command: CommandType,
}

/// What an operation does to resources, once its task has completed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    Create { kind: usize },
    Change { kind: usize },
    Delete { kind: usize },
    None,
}

/// What a request's method and path ask for.
#[derive(Clone, Debug)]
pub(crate) enum RouteMatch {
    Tasks,
    Task(String),
    Operation {
        command: CommandType,
        effect: Effect,
        /// The innermost kind on the path, and the ids up to its own: what must be there.
        subject: Option<(usize, Vec<ResourceId>)>,
    },
    /// A resource, by the ids on its path.
    Resource(usize, Vec<ResourceId>),
    /// All resources of a kind, by the ids of what they belong to.
    Resources(usize, Vec<ResourceId>),
    /// Something that is there, with another method: these.
    OtherMethod(String),
    Unknown,
}

/// All paths of an API, below its base address.
#[derive(Clone, Debug)]
pub(crate) struct Routes {
    /// The segments of the path of tasks.
    tasks: Vec<Box<str>>,
    operations: Vec<Operation>,
    kinds: Vec<Kind>,
    accepted: Vec<(CommandType, StatusCode)>,
}

impl Routes {
    pub(crate) fn new(tasks: &str) -> Self {
        let (operations, kinds, accepted) = (Vec::new(), Vec::new(), Vec::new());
        Self { tasks: segments(tasks), operations, kinds, accepted }
    }

    /// Sets the path of tasks.
    pub(crate) fn set_tasks(&mut self, path: &str) -> Result<(), RouteFault> {
        let before = std::mem::replace(&mut self.tasks, segments(path));
        let reading = |operation: &&Operation| operation.method == Method::GET;
        let mut operations = self.operations.iter().filter(reading);
        let is_taken = operations.any(|operation| self.is_of_tasks(&operation.path))
            || self.kinds.iter().any(|kind| self.is_read_as_tasks(kind));
        if is_taken {
            self.tasks = before;
            return Err(RouteFault::Taken(Method::GET));
        }
        Ok(())
    }

    /// Whether resources would be read where tasks are.
    fn is_read_as_tasks(&self, kind: &Kind) -> bool {
        self.is_of_tasks(&kind.item) || self.is_of_tasks(&kind.collection())
    }

    /// Whether a `GET` of a path is one of tasks: of the list, of a task, or of what that came to.
    fn is_of_tasks(&self, path: &Template) -> bool {
        let is_literal = |(segment, name): (&Segment, &str)| match segment {
            Segment::Literal(literal) => **literal == *name,
            Segment::Id(_) => false,
        };
        let names = self.tasks.iter().map(|name| &**name);
        let after = path.0.get(self.tasks.len()..);
        path.0.iter().zip(names).all(is_literal)
            && match after {
                Some([] | [_]) => true,
                Some([_, Segment::Literal(last)]) => **last == *"result",
                _ => false,
            }
    }

    pub(crate) fn kind(&self, kind: usize) -> &Kind {
        &self.kinds[kind]
    }

    /// The kinds of what belongs to a resource of this kind.
    pub(crate) fn children(&self, parent: usize) -> impl Iterator<Item = (usize, &Kind)> {
        self.kinds.iter().enumerate().filter(move |(_, kind)| kind.parent == Some(parent))
    }

    pub(crate) fn command_types(&self) -> Vec<CommandType> {
        let mut types = Vec::new();
        for operation in &self.operations {
            if !types.contains(&operation.command) {
                types.push(operation.command.clone());
            }
        }
        types
    }

    /// The status of the reply that accepts an operation.
    pub(crate) fn accepted(&self, command: &CommandType) -> StatusCode {
        let set = self.accepted.iter().find(|(known, _)| known == command);
        set.map_or(StatusCode::ACCEPTED, |(_, status)| *status)
    }

    pub(crate) fn set_accepted(&mut self, command: CommandType, status: StatusCode) {
        self.accepted.retain(|(known, _)| *known != command);
        self.accepted.push((command, status));
    }

    pub(crate) fn add_operation(
        &mut self,
        method: Method,
        path: &str,
        command: CommandType,
    ) -> Result<(), RouteFault> {
        let path = Template::parse(path)?;
        let of_tasks = method == Method::GET && self.is_of_tasks(&path);
        let known = |known: &Operation| known.method == method && known.path.matches_same(&path);
        let read = |kind: &Kind| method == Method::GET && kind.is_read_at(&path);
        if of_tasks || self.operations.iter().any(known) || self.kinds.iter().any(read) {
            return Err(RouteFault::Taken(method));
        }
        self.operations.push(Operation { method, path, command });
        Ok(())
    }

    pub(crate) fn add_kind(&mut self, path: &str, id_field: &str) -> Result<(), RouteFault> {
        let item = Template::parse(path)?;
        let [before @ .., Segment::Literal(plural), Segment::Id(id_name)] = &*item.0 else {
            return Err(RouteFault::NoItem);
        };
        let before = Template(before.to_vec());
        let depth = before.0.len() - before.literals();
        let parent = self.kinds.iter().position(|kind| kind.item.matches_same(&before));
        if depth > 0 && parent.is_none() {
            return Err(RouteFault::NoParent);
        }
        let kind = Kind {
            id_field: id_field.into(),
            plural: plural.clone(),
            id_name: id_name.clone(),
            depth,
            parent,
            listing: Listing::default(),
            item,
        };
        let of_tasks = self.is_read_as_tasks(&kind);
        let read = |known: &Operation| known.method == Method::GET && kind.is_read_at(&known.path);
        let known = |known: &Kind| known.item.matches_same(&kind.item);
        if of_tasks || self.operations.iter().any(read) || self.kinds.iter().any(known) {
            return Err(RouteFault::Taken(Method::GET));
        }
        self.kinds.push(kind);
        Ok(())
    }

    /// Sets how the kind that was added last is listed.
    pub(crate) fn set_listing(&mut self, listing: Listing) {
        if let Some(kind) = self.kinds.last_mut() {
            kind.listing = listing;
        }
    }

    /// The resource at a path below the base address.
    pub(crate) fn resource_at(&self, path: &str) -> Option<(usize, Vec<ResourceId>)> {
        let path: Vec<&str> = path.strip_prefix('/')?.split('/').collect();
        let of_kind = |(at, kind): (usize, &Kind)| Some((at, kind.item.ids(&path)?));
        self.kinds.iter().enumerate().find_map(of_kind)
    }

    /// What is asked for at a path below the base address, such as `/tasks`.
    pub(crate) fn find(&self, method: &Method, path: &str) -> RouteMatch {
        let Some(path) = path.strip_prefix('/') else { return RouteMatch::Unknown };
        let path: Vec<&str> = path.split('/').collect();
        let is_of_tasks = path.len() >= self.tasks.len()
            && path.iter().zip(&self.tasks).all(|(segment, tasks)| **segment == **tasks);
        let below = if is_of_tasks { path.get(self.tasks.len()..) } else { None };
        let read = match below {
            Some([]) => Some(RouteMatch::Tasks),
            Some([id] | [id, "result"]) => Some(RouteMatch::Task((*id).to_owned())),
            _ => self.find_read(&path),
        };
        // A literal says more than a placeholder.
        let mut fitting: Vec<(&Operation, Vec<ResourceId>)> = (self.operations.iter())
            .filter_map(|operation| Some((operation, operation.path.ids(&path)?)))
            .collect();
        fitting.sort_by_key(|(operation, _)| std::cmp::Reverse(operation.path.literals()));
        if matches!(*method, Method::GET | Method::HEAD)
            && let Some(read) = read
        {
            return read;
        }
        let sought = if *method == Method::HEAD { &Method::GET } else { method };
        let asked = fitting.iter().find(|(operation, _)| operation.method == *sought);
        if let Some((operation, ids)) = asked {
            return self.operation(operation, ids);
        }
        let methods = fitting.iter().map(|(operation, _)| operation.method.as_str());
        let mut methods: Vec<&str> = methods.collect();
        methods.extend(read.iter().map(|_| "GET"));
        if methods.contains(&"GET") {
            methods.push("HEAD");
        }
        methods.sort_unstable();
        methods.dedup();
        if methods.is_empty() {
            RouteMatch::Unknown
        } else {
            RouteMatch::OtherMethod(methods.join(", "))
        }
    }

    fn find_read(&self, path: &[&str]) -> Option<RouteMatch> {
        self.kinds.iter().enumerate().find_map(|(at, kind)| {
            if let Some(ids) = kind.item.ids(path) {
                return Some(RouteMatch::Resource(at, ids));
            }
            Some(RouteMatch::Resources(at, kind.collection().ids(path)?))
        })
    }

    fn operation(&self, operation: &Operation, ids: &[ResourceId]) -> RouteMatch {
        let subject = (self.kinds.iter().enumerate())
            .filter(|(_, kind)| kind.item.begins(&operation.path))
            .max_by_key(|(_, kind)| kind.depth);
        let at = |template: &Template| template.matches_same(&operation.path);
        let effect = match operation.method {
            Method::POST => (self.kinds.iter().position(|kind| at(&kind.collection())))
                .map(|kind| Effect::Create { kind }),
            Method::PUT | Method::PATCH => (self.kinds.iter().position(|kind| at(&kind.item)))
                .map(|kind| Effect::Change { kind }),
            Method::DELETE => (self.kinds.iter().position(|kind| at(&kind.item)))
                .map(|kind| Effect::Delete { kind }),
            _ => None,
        };
        RouteMatch::Operation {
            command: operation.command.clone(),
            effect: effect.unwrap_or(Effect::None),
            subject: subject.map(|(at, kind)| (at, ids[..=kind.depth].to_vec())),
        }
    }
}

/// The segments of a path from the root.
fn segments(path: &str) -> Vec<Box<str>> {
    path.split('/').filter(|segment| !segment.is_empty()).map(Box::from).collect()
}

impl Kind {
    fn collection(&self) -> Template {
        Template(self.item.0.split_last().map(|(_, before)| before.to_vec()).unwrap_or_default())
    }

    fn is_read_at(&self, path: &Template) -> bool {
        self.item.matches_same(path) || self.collection().matches_same(path)
    }
}

/// What is wrong with a path of an API.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum RouteFault {
    #[error("expected a path that begins with a slash")]
    NoSlash,
    #[error(
        "expected segments of letters, digits and `-_.~:`, or placeholders such as `{{databaseId}}`; got {0}"
    )]
    Segment(Excerpt),
    #[error(
        "expected a path that ends with a name and a placeholder, such as `/databases/{{databaseId}}`"
    )]
    NoItem,
    #[error("expected that what it belongs to has been added before")]
    NoParent,
    #[error("expected the path of a kind of resources, with an id for each placeholder")]
    NoResource,
    #[error("expected a path that is free for {0}")]
    Taken(Method),
}
