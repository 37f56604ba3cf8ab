//! The parts of a database: how requests set them, and how it shows them.

use serde_json::{Map, Value, json};

use super::rename;

/// The default version of Redis.
pub(super) const VERSION: &str = "7.4";

/// Returns the `security` of a database, whose fields have other names in requests.
pub(super) fn security(fields: &mut Map<String, Value>, default_user: &str) -> Value {
    let mut take = |name: &str| fields.remove(name).filter(|value| !value.is_null());
    let certificates = take("clientTlsCertificates").or_else(|| take("tlsCertificates"));
    let has_certificates = certificates.is_some_and(|all| all[0].is_string() || all[0].is_object());
    let ssl = take("clientSslCertificate");
    let has_ssl = ssl.is_some_and(|text| text.as_str().is_some_and(|text| !text.is_empty()));
    let sources = take("sourceIp").or_else(|| take("sourceIps"));
    let mut security = json!({
        "sslClientAuthentication": has_ssl,
        "tlsClientAuthentication": has_certificates || has_ssl,
        "enableTls": take("enableTls").unwrap_or(json!(false)),
        "sourceIps": sources.unwrap_or_else(|| json!(["0.0.0.0/0"])),
    });
    security[default_user] = take("enableDefaultUser").unwrap_or(json!(true));
    if let Some(password) = take("password") {
        security["password"] = password;
    }
    security
}

/// Returns the `backup` of a database, from the backup plan or the older path in its request.
pub(super) fn backup(plan: Option<Value>, path: Option<Value>) -> Value {
    let path = path.filter(|path| path.as_str().is_some_and(|path| !path.is_empty()));
    let plan = plan.filter(Value::is_object);
    let active = plan.as_ref().map_or(path.is_some(), |plan| plan["active"] != false);
    let mut backup = json!({"enableRemoteBackup": active});
    if let Some(plan) = plan {
        for (name, value) in [
            ("interval", &plan["interval"]),
            ("timeUTC", &plan["timeUTC"]),
            ("destination", &plan["storagePath"]),
        ] {
            if !value.is_null() {
                backup[name] = value.clone();
            }
        }
    } else if let Some(path) = path {
        backup["destination"] = path;
    }
    backup
}

/// Removes fields that are shown elsewhere or not at all.
pub(super) fn retain_shown(fields: &mut Map<String, Value>) {
    fields.retain(|name, _| {
        !name.contains('/') && name != "port" && name != "averageItemSizeInBytes"
    });
}

/// Renames several fields.
pub(super) fn rename_all(fields: &mut Map<String, Value>, names: &[(&str, &str)]) {
    for (from, to) in names {
        rename(fields, from, to);
    }
}

/// Returns the field under which a setting of a region is stored.
pub(super) fn local_key(region: &Value, name: &str) -> String {
    format!("{}/{name}", region.as_str().unwrap_or_default())
}

/// Stores the settings of a database in one region. Later requests can add to them.
pub(super) fn keep_local(kept: &mut Map<String, Value>, list: &str, local: &Value) {
    let region = &local["region"];
    if list == "localThroughputMeasurement" {
        kept.insert(local_key(region, list), local.clone());
        return;
    }
    for (name, value) in local.as_object().into_iter().flatten() {
        if name != "region" {
            kept.insert(local_key(region, name), value.clone());
        }
    }
}
