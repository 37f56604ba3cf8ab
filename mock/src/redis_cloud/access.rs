//! Access control: rules, roles that have rules, and users that have a role.

use http::Method;
use serde_json::{Map, Value, json};
use tasklife::{ResourceId, TaskError};

use super::{Conventions, DATABASE, error, rename};
use crate::describe::id_value;
use crate::effect::Edit;
use crate::kind::{ResourceContext, View, Within, fields_but_secrets, visible_fields};
use crate::openapi::OpenApiOptions;
use crate::request_context::RequestContext;

const RULE: &str = "/acl/redisRules/{aclRedisRuleId}";
const RULES: &str = "/acl/redisRules";
const ROLE: &str = "/acl/roles/{aclRoleId}";
const ROLES: &str = "/acl/roles";
const USER: &str = "/acl/users/{aclUserId}";
const USERS: &str = "/acl/users";

/// The rules that every account has.
const DEFAULT_RULES: [(u32, &str, &str); 3] = [
    (1, "Full-Access", "+@all  ~*"),
    (2, "Read-Write", "+@all -@dangerous ~*"),
    (3, "Read-Only", "+@read ~*"),
];

pub(super) fn with_initial_resources(api: OpenApiOptions) -> OpenApiOptions {
    DEFAULT_RULES.into_iter().fold(api, |api, (id, name, rule)| {
        let fields = json!({"name": name, "redisRule": rule, "isDefault": true});
        api.with_existing(&format!("/acl/redisRules/{id}"), fields)
    })
}

pub(super) fn describe(api: &mut Conventions<'_>) {
    let view = View { keeps: Some(visible_fields), shows: Some(rule), status: None };
    api.kind(RULE, "id", ("redisRules", Within::Account), view);
    let view = View { keeps: Some(fields_but_secrets), shows: Some(role), status: None };
    api.kind(ROLE, "id", ("roles", Within::Account), view);
    api.kind(USER, "id", ("users", Within::Account), View::default());

    api.refuse(&Method::POST, RULES, |request| {
        taken(request, RULES, "ACL_REDIS_RULE_NAME_ALREADY_EXISTS")
    });
    api.refuse(&Method::PUT, RULE, |request| {
        let default = is_default(request, "ACL_REDIS_RULE_CANNOT_UPDATE_DEFAULT");
        default.or_else(|| taken(request, RULES, "ACL_REDIS_RULE_NAME_ALREADY_EXISTS"))
    });
    api.edit(&Method::PUT, RULE, rename_rule);
    api.refuse(&Method::DELETE, RULE, |request| {
        let default = is_default(request, "ACL_REDIS_RULE_CANNOT_DELETE_DEFAULT");
        if default.is_some() {
            return default;
        }
        let name = request.resource()?["name"].clone();
        let mut roles = request.context().kept(ROLES, &[]).into_iter();
        let uses = |role: &Map<String, Value>| {
            role.get("redisRules")
                .and_then(Value::as_array)
                .is_some_and(|rules| rules.iter().any(|rule| rule["ruleName"] == name))
        };
        let code = "ACL_REDIS_RULE_CANNOT_DELETE_WHEN_ASSOCIATED_WITH_ROLES";
        roles
            .any(|(_, role)| uses(&role))
            .then(|| error(code, "409 CONFLICT", format!("A role has the rule {name}.")))
    });
    api.refuse(&Method::POST, ROLES, |request| {
        let taken = taken(request, ROLES, "ACL_ROLE_NAME_ALREADY_EXISTS");
        taken.or_else(|| rule_missing(request))
    });
    api.refuse(&Method::PUT, ROLE, |request| {
        let taken = taken(request, ROLES, "ACL_ROLE_NAME_ALREADY_EXISTS");
        taken.or_else(|| rule_missing(request))
    });
    api.edit(&Method::PUT, ROLE, rename_role);
    api.refuse(&Method::DELETE, ROLE, |request| {
        let name = request.resource()?["name"].clone();
        let mut users = request.context().kept(USERS, &[]).into_iter();
        users.any(|(_, user)| user.get("role") == Some(&name)).then(|| {
            let message = format!("A user has the role {name}.");
            error("ACL_ROLE_HAS_ACTIVE_USERS_AND_CANNOT_BE_DELETED", "409 CONFLICT", message)
        })
    });
    api.refuse(&Method::POST, USERS, |request| {
        let taken = taken(request, USERS, "ACL_USER_NAME_ALREADY_EXISTS");
        taken.or_else(|| role_missing(request))
    });
    api.refuse(&Method::PUT, USER, role_missing);
}

/// Returns the error for a default rule.
fn is_default(request: &RequestContext<'_>, code: &'static str) -> Option<TaskError> {
    let rule = request.resource()?;
    (rule["isDefault"] == true).then(|| {
        error(
            code,
            "400 BAD_REQUEST",
            format!("The default rule {} cannot be changed or deleted.", rule["name"]),
        )
    })
}

/// Returns the error for a name that is taken.
fn taken(request: &RequestContext<'_>, collection: &str, code: &'static str) -> Option<TaskError> {
    let name = request.body().get("name").filter(|name| !name.is_null())?;
    let mut others = request.context().kept(collection, &[]).into_iter();
    let own = request.ids().last();
    others
        .any(|(id, kept)| Some(&id) != own && kept.get("name") == Some(name))
        .then(|| error(code, "409 CONFLICT", format!("The name {name} is already in use.")))
}

/// Changes a rule, and renames it in the roles that have it.
fn rename_rule(request: &RequestContext<'_>) -> Vec<Edit> {
    let fields = visible_fields(request.body());
    let mut edits = Vec::new();
    if let (Some(before), Some(after)) = (request.resource(), fields.get("name")) {
        for (id, mut role) in request.context().kept(ROLES, &[]) {
            let rules = role.get_mut("redisRules").and_then(Value::as_array_mut);
            let mut is_changed = false;
            for rule in rules.into_iter().flatten().filter(|rule| rule.is_object()) {
                if rule["ruleName"] == before["name"] {
                    rule["ruleName"] = after.clone();
                    is_changed = true;
                }
            }
            if is_changed {
                edits.push(Edit::Put { item: ROLE, ids: vec![id], fields: role });
            }
        }
    }
    edits.push(Edit::Put { item: RULE, ids: request.ids().to_vec(), fields });
    edits
}

/// Changes a role, and renames it for the users that have it.
fn rename_role(request: &RequestContext<'_>) -> Vec<Edit> {
    let fields = fields_but_secrets(request.body());
    let mut edits = Vec::new();
    if let (Some(before), Some(after)) = (request.resource(), fields.get("name")) {
        let users = request.context().kept(USERS, &[]).into_iter();
        let having = users.filter(|(_, user)| user.get("role") == before.get("name"));
        edits.extend(having.map(|(id, _)| {
            let fields = Map::from_iter([("role".to_owned(), after.clone())]);
            Edit::Put { item: USER, ids: vec![id], fields }
        }));
    }
    edits.push(Edit::Put { item: ROLE, ids: request.ids().to_vec(), fields });
    edits
}

fn rule_missing(request: &RequestContext<'_>) -> Option<TaskError> {
    let known = request.context().kept(RULES, &[]);
    let named = request.body()["redisRules"].as_array()?.iter().map(|rule| &rule["ruleName"]);
    let mut missing =
        named.filter(|name| known.iter().all(|(_, rule)| rule.get("name") != Some(*name)));
    let name = missing.next()?;
    let message = format!("There is no rule {name}.");
    Some(error("ACL_REDIS_RULE_DOES_NOT_EXISTS", "404 NOT_FOUND", message))
}

fn role_missing(request: &RequestContext<'_>) -> Option<TaskError> {
    let name = request.body().get("role")?;
    let mut known = request.context().kept(ROLES, &[]).into_iter();
    if known.any(|(_, role)| role.get("name") == Some(name)) {
        return None;
    }
    let message = format!("There is no role {name}.");
    Some(error("ACL_ROLE_DOES_NOT_EXISTS", "404 NOT_FOUND", message))
}

fn rule(_: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    rename(fields, "redisRule", "acl");
    fields.entry("isDefault").or_insert(json!(false));
}

fn role(context: &dyn ResourceContext, fields: &mut Map<String, Value>) {
    let known = context.kept("/acl/redisRules", &[]);
    if let Some(rules) = fields.get_mut("redisRules").and_then(Value::as_array_mut) {
        for rule in rules.iter_mut().filter(|rule| rule.is_object()) {
            let found = known.iter().find(|(_, kept)| kept.get("name") == Some(&rule["ruleName"]));
            if let Some((id, _)) = found {
                rule["ruleId"] = id_value(id);
            }
            let databases =
                rule.get_mut("databases").and_then(Value::as_array_mut).into_iter().flatten();
            for database in databases.filter(|database| database.is_object()) {
                let ids = ["subscriptionId", "databaseId"].map(|name| database[name].as_i64());
                let [Some(subscription), Some(id)] = ids else { continue };
                let ids = [ResourceId::Number(subscription), ResourceId::Number(id)];
                let name =
                    context.kept_of(DATABASE, &ids).and_then(|kept| kept.get("name").cloned());
                if let Some(name) = name {
                    database["databaseName"] = name;
                }
            }
        }
    }
    let name = fields.get("name").cloned().unwrap_or_default();
    let users = context.kept(USERS, &[]).into_iter();
    let users = users.filter(|(_, user)| user.get("role") == Some(&name));
    let users = users.map(|(id, user)| json!({"id": id_value(&id), "name": user.get("name")}));
    let users: Vec<Value> = users.collect();
    fields.insert("users".into(), users.into());
}
