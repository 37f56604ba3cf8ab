//! Which ids and names are accepted, and the errors for the rest.

use proptest::prelude::*;
use tasklife::{AccountId, CommandType, TaskId};

use crate::support::account;

const UUID: &str = "36d4b04d-72d4-4404-8600-a223120a553e";

#[test]
fn a_task_id_is_a_hyphenated_uuid_in_either_case() {
    let id: TaskId = UUID.parse().unwrap();
    assert_eq!(id.to_string(), UUID);
    assert_eq!(UUID.to_uppercase().parse(), Ok(id));
    assert_eq!(uuid::Uuid::from(id).to_string(), UUID);
    assert_eq!(TaskId::from(id.as_uuid()), id);
    assert_eq!(serde_json::to_string(&id).unwrap(), format!("\"{UUID}\""));
    assert_eq!(serde_json::from_str::<TaskId>(&format!("\"{UUID}\"")).unwrap(), id);
}

#[test]
fn a_task_id_refuses_every_other_form() {
    let braced = format!("{{{UUID}}}");
    let urn = format!("urn:uuid:{UUID}");
    let simple = UUID.replace('-', "");
    let digits = UUID.replace('a', "g");
    let short = &UUID[1..];
    for text in ["", "..", "task-id", "\0", "ü", &braced, &urn, &simple, &digits, short] {
        let message = text.parse::<TaskId>().unwrap_err().to_string();
        assert!(message.starts_with("expected a UUID such as "), "{message}");
        let json = serde_json::to_string(text).unwrap();
        assert!(serde_json::from_str::<TaskId>(&json).is_err(), "{text}");
    }
}

#[test]
fn names_are_1_to_255_bytes_without_control_characters_and_no_dot_segment() {
    let longest = "x".repeat(255);
    for text in ["a", "...", ".a", "Ünïcödé", "a/b", " ", "\u{a0}", "\u{c2}", &longest] {
        assert_eq!(text.parse::<AccountId>().unwrap().as_str(), text);
        assert_eq!(text.parse::<CommandType>().unwrap().as_str(), text);
    }
    let too_long = "x".repeat(256);
    let bad = [
        ("", "of 1 to 255 bytes, got 0"),
        (&too_long, "of 1 to 255 bytes, got 256"),
        (".", "other than the path segments `.` and `..`"),
        ("..", "other than the path segments `.` and `..`"),
        ("a\nb", "without control characters, got one at byte 1"),
        ("\0", "without control characters, got one at byte 0"),
        ("\u{7f}", "without control characters, got one at byte 0"),
        ("ab\u{80}", "without control characters, got one at byte 2"),
        ("\u{9f}", "without control characters, got one at byte 0"),
    ];
    for (text, expected) in bad {
        let account = text.parse::<AccountId>().unwrap_err().to_string();
        assert!(account.starts_with(&format!("expected an account id {expected}")), "{account}");
        let command = text.parse::<CommandType>().unwrap_err().to_string();
        assert!(command.starts_with(&format!("expected a command type {expected}")), "{command}");
    }
}

#[test]
fn an_idempotency_key_gives_the_same_uuid_in_every_release() {
    // uuid5(uuid5(uuid5(DNS, "tasklife"), "acme"), "order-7f3a")
    let id = TaskId::for_key(&account("acme"), "order-7f3a");
    assert_eq!(id.to_string(), "d20545f2-30d2-525a-8114-c447d8f3fe20");
    assert_eq!(id.as_uuid().get_version_num(), 5);
}

proptest! {
    #[test]
    fn a_text_of_valid_length_is_a_name_unless_it_has_control_characters(text in "\\PC{0,9}|.{0,9}") {
        let fits = (1..=255).contains(&text.len())
            && !text.contains(char::is_control)
            && text != "."
            && text != "..";
        prop_assert_eq!(text.parse::<AccountId>().is_ok(), fits);
        prop_assert_eq!(text.parse::<CommandType>().is_ok(), fits);
    }

    #[test]
    fn names_are_read_back_from_json(text in "[^\\pC]{1,50}") {
        // Neither is a valid name.
        prop_assume!(text != "." && text != "..");
        let name: AccountId = text.parse().unwrap();
        let json = serde_json::to_string(&name).unwrap();
        prop_assert_eq!(serde_json::from_str::<AccountId>(&json).unwrap(), name);
    }

    #[test]
    fn different_keys_or_accounts_give_different_ids(
        one in "[a-z]{1,3}", other in "[a-z]{1,3}", key in "[a-z]{0,2}", second in "[a-z]{0,2}",
    ) {
        let equal = TaskId::for_key(&account(&one), &key) == TaskId::for_key(&account(&other), &second);
        prop_assert_eq!(equal, (one, key) == (other, second));
    }
}
