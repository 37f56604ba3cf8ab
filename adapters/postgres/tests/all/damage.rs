//! Rows that can't be read.

use tasklife::{AsyncTaskStore, ListError, ListQuery, Scope, StoreConfig};

use crate::support::{account, block_on, fresh, id, run, second, submission, words};

/// A record that can't be read stands in no other account's way, and the error says which task it is.
#[test]
fn a_damaged_record_is_named() {
    let (store, schema) = fresh(StoreConfig::default());
    let name = &schema.0;
    block_on(async {
        for account in ["acme", "umbrella"] {
            store.submit(submission(account, 1), second(0)).await.unwrap();
        }
        let of_acme = format!("account = (SELECT key FROM {name}.accounts WHERE name = 'acme')");
        for (record, expected) in [
            ("'{'", "can't be read: it is damaged, or was written by a newer version"),
            ("replace(record, '00000001', '00000002')", "expected the record of task"),
            (
                "replace(record, 'received', 'initialized')",
                "as its row says, got it in initialized",
            ),
        ] {
            run(&format!(
                "CREATE TABLE {name}.kept AS SELECT record FROM {name}.tasks WHERE {of_acme}"
            ))
            .await;
            run(&format!("UPDATE {name}.tasks SET record = {record} WHERE {of_acme}")).await;
            if !expected.starts_with("as its row") {
                let read = store.get(&account("acme"), id(1), second(0)).await.unwrap_err();
                assert!(words(&read).contains(expected), "{}", words(&read));
                assert!(words(&read).contains(&format!("`id = '{}'`", id(1))), "{}", words(&read));
                let list = store.list(&account("acme"), &ListQuery::default(), second(0)).await;
                let Err(ListError::Backend(list)) = list else { panic!("{list:?}") };
                assert!(words(&list).contains(&id(1).to_string()), "{}", words(&list));
            }
            let claimed = store.claim(Scope::Any, second(0)).await.unwrap().unwrap();
            assert_eq!(claimed.change().task().account().as_str(), "umbrella");
            let left = words(&store.claim(Scope::Any, second(0)).await.unwrap_err());
            assert!(
                left.contains(": account acme has a task that can't be handed out: "),
                "{left}"
            );
            assert!(left.contains(expected), "{left}");
            run(&format!(
                "UPDATE {name}.tasks SET record = (SELECT record FROM {name}.kept) WHERE {of_acme}"
            ))
            .await;
            run(&format!("DROP TABLE {name}.kept")).await;
            let number = claimed.change().task().id().as_uuid().as_u128();
            let next = u64::try_from(number & 0xff).unwrap() + 1;
            store.submit(submission("umbrella", next), second(0)).await.unwrap();
        }
        // Nothing was rewritten, and a sweep drops what can't be read like anything else.
        assert!(store.claim(Scope::Account(&account("acme")), second(0)).await.unwrap().is_some());
        run(&format!("UPDATE {name}.tasks SET record = '{{'")).await;
        assert_eq!(store.sweep(10, second(10_000_000)).await.unwrap().dropped, 5);
        run(&format!("DROP TABLE IF EXISTS {name}.kept")).await;
    });
}
