//! Operations that are answered at once, without a task.

use http::header::LOCATION;
use http::{HeaderValue, Method, Response, StatusCode};
use serde_json::{Map, Value};
use tasklife::ResourceId;

use crate::account::Account;
use crate::call::Call;
use crate::describe::{Described, Describer};
use crate::effect::{Effect, Shows};
use crate::kind::{Within, fields_but_secrets};
use crate::operation::{Operation, OperationReply, Shape};
use crate::pace::Pace;
use crate::rejection::Rejection;
use crate::resource::{Provisioning, ResourceKey};
use crate::schema::fields_of;
use crate::text::encoded_segment;
use crate::work::Work;

impl Call<'_> {
    /// Carries out an operation and answers it.
    pub(crate) fn immediate(
        &self,
        account: &mut Account,
        operation: &Operation,
        work: &Work,
        part: (usize, usize),
    ) -> Response<String> {
        if let Some(refused) = self.refused(account, work) {
            return refused;
        }
        let routes = &self.api.routes;
        if let Some(obstacle) = work.obstacle(routes, &account.resources, self.now) {
            let rejection = Rejection::new(StatusCode::CONFLICT, obstacle.description());
            return self.rejected(&rejection);
        }
        let OperationReply::Immediate { status, shape } = &operation.reply else {
            return self.unknown_path();
        };
        let (number, resources) = (account.number(), &mut account.resources);
        match work.shows() {
            Shows::All(kind) => {
                if self.head.method == Method::GET {
                    work.count_reads(routes, resources, self.now);
                }
                let before = work.ids_before(routes, *kind);
                let describer = Describer::new(routes, resources, before, self.now, number);
                let (text, count) = describer.list(&(*kind, before.to_vec()), part);
                let kind = routes.kind(*kind);
                if count == 0 && kind.listing.within == Within::ArrayOrNotFound {
                    let none = format!("there are no {} in this part of the list", kind.plural);
                    return self.not_found(&none);
                }
                return self.replies.document(&self.head, text);
            }
            Shows::One(kind) => {
                let key = (*kind, work.ids_of(routes, *kind));
                // This read may complete a deletion.
                if self.head.method == Method::GET && !resources.read(routes, &key, self.now) {
                    return self.no_resource(&key);
                }
            }
            Shows::Effect | Shows::Nothing | Shows::By(_) => {}
        }
        let next = work.new_id(routes, resources, self.now);
        let target = work.target(routes, resources, next.as_ref());
        let describe = |resources: &_, key: &ResourceKey| {
            Describer::new(routes, resources, &key.1, self.now, number).describe(key)
        };
        let deletes = matches!(work.effect(), Effect::Delete(_) | Effect::DeleteAll(_));
        let before = target.as_ref().filter(|_| deletes);
        let before = before.and_then(|key| describe(resources, key));
        let provisioning = Provisioning { since: self.now, pace: Pace::Immediate, fails: false };
        work.carry_out(routes, resources, target.as_ref(), provisioning, number);
        if let Some(key) = target.as_ref().filter(|_| deletes) {
            resources.is_there(routes, key, self.now);
        }
        let after = || target.as_ref().and_then(|key| describe(resources, key));
        let shown = match work.shows() {
            Shows::Nothing => None,
            _ if deletes => before,
            _ => after(),
        };

        let describer = Describer::new(routes, resources, work.ids(), self.now, number);
        let text = match (work.shows(), shape) {
            (Shows::By(makes), _) => Some(makes(&work.context(&describer)).to_string()),
            (_, Shape::Nothing) => None,
            (_, Shape::Resource(_)) => shown.map(|it| it.text()),
            (_, Shape::Schema { schema, envelope, example }) => {
                let given = given(work, shown, envelope.as_deref());
                let given = over(example.as_ref(), given);
                Some(describer.fill(schema, &given).to_string())
            }
        };
        let mut response = match text {
            Some(text) => self.replies.document(&self.head, text),
            None => Response::new(String::new()),
        };
        *response.status_mut() = *status;
        if let (StatusCode::CREATED, Effect::Create(_), Some(key)) =
            (*status, work.effect(), &target)
            && let Some(location) = self.location(work, key)
        {
            response.headers_mut().insert(LOCATION, location);
        }
        response
    }

    /// Returns the address of a new resource.
    fn location(&self, work: &Work, (kind, ids): &ResourceKey) -> Option<HeaderValue> {
        let path = self.head.uri.path().strip_prefix(&*self.api.base)?.trim_end_matches('/');
        let own = self.api.routes.kind(*kind).own_id(ids);
        let own = own.filter(|_| work.ids().len() < ids.len()).map(ResourceId::to_string);
        let own = own.map(|id| format!("/{}", encoded_segment(&id))).unwrap_or_default();
        HeaderValue::from_str(&format!("{}{path}{own}", self.replies.links().base())).ok()
    }
}

/// Returns the known part of an answer with a schema: the resource that it is about, or the fields
/// of the request.
fn given(work: &Work, described: Option<Described>, envelope: Option<&str>) -> Value {
    let body = work.body();
    let resource = match (described, work.effect()) {
        (
            Some(described),
            Effect::Create(_) | Effect::Change(_) | Effect::Replace(_) | Effect::Delete(_),
        ) => described.into_value(),
        (Some(described), _) if body.is_null() => described.into_value(),
        (Some(described), _) => {
            let mut fields = fields_of(&described.into_value());
            fields.extend(fields_but_secrets(body));
            Value::Object(fields)
        }
        (None, _) => Value::Object(fields_but_secrets(body)),
    };
    match envelope {
        Some(name) => Value::Object(Map::from_iter([(name.to_owned(), resource)])),
        None => resource,
    }
}

/// Returns the known values, completed with those of an example.
fn over(example: Option<&Value>, known: Value) -> Value {
    match (example, known) {
        (Some(Value::Object(example)), Value::Object(known)) => {
            let mut fields = example.clone();
            fields.extend(known);
            Value::Object(fields)
        }
        (Some(example), Value::Object(known)) if known.is_empty() => example.clone(),
        (_, known) => known,
    }
}
