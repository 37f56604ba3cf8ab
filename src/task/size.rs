//! How many bytes a task counts as, in a store with a limit of bytes.

use super::{State, Task};
use crate::event::{Payload, TaskEvent};
use crate::id::{AccountId, CommandType};
use crate::retention::Retention;
use crate::status::TaskStatus;
use crate::submission::Submission;

impl Task {
    /// Returns how many bytes the task counts as, in a store with a [limit of
    /// bytes](crate::StoreConfig::with_max_bytes).
    ///
    /// This is the sum of:
    ///
    /// - 512 bytes for the task itself,
    /// - its account id and command type,
    /// - its input,
    /// - its description and outcome, at least 256 bytes.
    #[must_use]
    pub fn held_bytes(&self) -> usize {
        let outcome = match &self.state {
            State::Initialized | State::Received | State::InProgress => 0,
            State::Completed(completion) => completion.text_len(),
            State::Failed(error) => error.text_len(),
        };
        let output = self.own_description().map_or(0, str::len) + outcome;
        held_bytes(self.account(), self.command_type(), self.input(), output)
    }

    /// Returns how many bytes the task would count as after an event that its status permits.
    pub(crate) fn held_bytes_after(&self, event: &TaskEvent, retention: Retention) -> usize {
        let ends = self.status().after(event.kind()).is_some_and(TaskStatus::is_terminal);
        let input = if ends && retention.drops_input_at_end() { &[] } else { self.input() };
        let keeps_description =
            matches!(event.payload, Payload::Report(_)) && event.description.is_none();
        let kept = if keeps_description { self.own_description().map_or(0, str::len) } else { 0 };
        held_bytes(self.account(), self.command_type(), input, kept + event.output_len())
    }
}

impl Submission {
    /// Returns how many bytes the task will [count as](Task::held_bytes) at first.
    pub(crate) fn held_bytes(&self) -> usize {
        held_bytes(&self.account, &self.command_type, self.input.bytes(), 0)
    }
}

/// Returns how many bytes a task counts as. `output` is the length of its description and outcome.
fn held_bytes(
    account: &AccountId,
    command_type: &CommandType,
    input: &[u8],
    output: usize,
) -> usize {
    /// The task itself and its entries in the indexes of a store in memory, including an account
    /// with no other task.
    const FIXED: usize = 512;
    /// The room for the description and outcome that each task has from the beginning. It is more
    /// than the error of a task that is given up, so giving up a task never needs more room.
    const RESERVED: usize = 256;
    let names = account.as_str().len() + command_type.as_str().len();
    FIXED + names + input.len() + output.max(RESERVED)
}
