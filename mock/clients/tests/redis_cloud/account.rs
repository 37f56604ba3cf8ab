//! ACL rules, roles and users, cloud accounts, and lists of options.

use redis_cloud::acl::{AclRedisRuleCreateRequest, AclRoleCreateRequest, AclUserCreateRequest};
use redis_cloud::cloud_accounts::CloudAccountCreateRequest;
use serde_json::{Value, json};
use tasklife_clients::{Session, follow, resource};
use tasklife_mock::MockApi;

/// Makes a request of the client from JSON.
fn from<T: serde::de::DeserializeOwned>(value: Value) -> T {
    serde_json::from_value(value).unwrap()
}

#[tokio::test]
async fn the_client_reads_every_list_of_options() {
    let session = Session::start(MockApi::redis_cloud("/v1").unwrap()).await;
    let (account, plans) = (session.client.account(), session.client.fixed_subscriptions());
    assert!(account.get_current_account().await.unwrap().account.is_some());
    account.get_data_persistence_options().await.unwrap();
    account.get_supported_database_modules().await.unwrap();
    account.get_account_system_logs(None, Some(10)).await.unwrap();
    account.get_account_session_logs(None, None).await.unwrap();
    account.payment_methods().await.unwrap();
    account.get_supported_search_scaling_factors().await.unwrap();
    let regions = |provider: &str| account.get_supported_regions(Some(provider.into()));
    let [aws, gcp] = [regions("AWS").await.unwrap(), regions("GCP").await.unwrap()];
    let counts = [aws, gcp].map(|all| all.regions.map_or(0, |all| all.len()));
    assert!(counts.iter().all(|count| *count > 0), "{counts:?}");
    plans.list_plans(Some("AWS".into()), None).await.unwrap();
    plans.get_plan_by_id(98_183).await.unwrap();
    session.client.subscriptions().get_redis_versions(None).await.unwrap();
    session.client.users().get_all_users().await.unwrap();
    session.client.users().get_user_by_id(1).await.unwrap();
    assert_eq!(session.findings(), []);
}

#[tokio::test]
async fn rules_roles_and_users_are_made_and_refer_to_each_other() {
    let session = Session::start(MockApi::redis_cloud("/v1").unwrap()).await;
    let acl = session.client.acl();
    let rule: AclRedisRuleCreateRequest =
        from(json!({"name": "cached", "redisRule": "+@read ~cache:*"}));
    let rule = resource(&session.completed(acl.create_redis_rule(&rule).await.unwrap()).await);
    let reader: AclRoleCreateRequest =
        from(json!({"name": "reader", "redisRules": [{"ruleName": "cached", "databases": []}]}));
    let reader = resource(&session.completed(acl.create_role(&reader).await.unwrap()).await);
    let user: AclUserCreateRequest =
        from(json!({"name": "ada", "role": "reader", "password": "s3cret!"}));
    let user = resource(&session.completed(acl.create_user(&user).await.unwrap()).await);
    let read = acl.get_user_by_id(user).await.unwrap();
    assert_eq!((read.name.as_deref(), read.role.as_deref()), (Some("ada"), Some("reader")));
    let listed = serde_json::to_value(acl.get_roles().await.unwrap()).unwrap();
    assert_eq!(listed["roles"][0]["users"][0]["name"], "ada", "{listed}");

    let refused = acl.delete_acl_role(reader).await.unwrap();
    let refused = follow(&session.client, refused).await.end.response.unwrap().error.unwrap();
    assert_eq!(refused["type"], "ACL_ROLE_HAS_ACTIVE_USERS_AND_CANNOT_BE_DELETED");
    for task in [
        acl.delete_user(user).await,
        acl.delete_acl_role(reader).await,
        acl.delete_redis_rule(rule).await,
    ] {
        session.completed(task.unwrap()).await;
    }
    assert!(acl.get_user_by_id(user).await.unwrap_err().is_not_found());

    let own: CloudAccountCreateRequest = from(json!({
        "name": "own", "provider": "AWS", "accessKeyId": "k", "accessSecretKey": "s", "consoleUsername": "u",
        "consolePassword": "p", "signInLoginUrl": "https://example.com/login",
    }));
    let accounts = session.client.cloud_accounts();
    let own = resource(&session.completed(accounts.create(&own).await.unwrap()).await);
    let read = serde_json::to_value(accounts.get(own).await.unwrap()).unwrap();
    assert_eq!((&read["name"], &read["status"]), (&json!("own"), &json!("active")));
    assert!(!read.to_string().contains("\"s\""), "{read}");
    session.completed(accounts.delete(own).await.unwrap()).await;
    assert!(accounts.get(own).await.unwrap_err().is_not_found());
    assert_eq!(session.findings(), []);
}
