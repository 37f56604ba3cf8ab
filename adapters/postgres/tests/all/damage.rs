//! Records that can't be read.

use tasklife::{AsyncTaskStore, ListError, ListQuery, Scope, StoreConfig};

use crate::support::{account, block_on, chain, fresh, id, run, second, submission};

/// Claims of other accounts skip a damaged record.
#[test]
fn a_damaged_record_is_named_and_blocks_no_other_account() {
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
            ("replace(record, 'received', 'initialized')", "as its row says, got initialized"),
        ] {
            run(&format!(
                "CREATE TABLE {name}.kept AS SELECT record FROM {name}.tasks WHERE {of_acme}"
            ))
            .await;
            run(&format!("UPDATE {name}.tasks SET record = {record} WHERE {of_acme}")).await;
            if !expected.starts_with("as its row") {
                let read = store.get(&account("acme"), id(1), second(0)).await.unwrap_err();
                assert!(chain(&read).contains(expected), "{}", chain(&read));
                assert!(chain(&read).contains(&format!("`id = '{}'`", id(1))), "{}", chain(&read));
                let list = store.list(&account("acme"), &ListQuery::default(), second(0)).await;
                let Err(ListError::Backend(list)) = list else { panic!("{list:?}") };
                assert!(chain(&list).contains(&id(1).to_string()), "{}", chain(&list));
            }
            let claimed = store.claim(Scope::Any, second(0)).await.unwrap().unwrap();
            assert_eq!(claimed.change().task().account().as_str(), "umbrella");
            let left = chain(&store.claim(Scope::Any, second(0)).await.unwrap_err());
            assert!(left.contains(": account acme has a task that can't be claimed: "), "{left}");
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
        // The records were not rewritten, and a sweep drops damaged ones too.
        assert!(store.claim(Scope::Account(&account("acme")), second(0)).await.unwrap().is_some());
        run(&format!("UPDATE {name}.tasks SET record = '{{'")).await;
        assert_eq!(store.sweep(10, second(10_000_000)).await.unwrap().dropped, 5);
        run(&format!("DROP TABLE IF EXISTS {name}.kept")).await;
    });
}
