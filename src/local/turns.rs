//! Whose turn it is to be handed a task.
//!
//! Each account has a place in the queue, its ticket, and gets a new one, behind all others, when
//! it is served. An account with nothing to hand out would be looked at in vain at every call, so
//! it sleeps: until something happens to it, or until a clock says that something may have changed.

use alloc::boxed::Box;

use super::ordered::Ordered;
use crate::time::Now;

#[derive(Clone, Debug, Default)]
pub(super) struct Turns {
    /// The last ticket given out.
    last: u64,
    /// The accounts to look at, by ticket.
    awake: Ordered<(u64, u32)>,
    /// The accounts that sleep until an instant is over, by the caller's clock.
    past: Ordered<(Now, u32)>,
    /// The accounts that sleep until an instant is reached, by the caller's clock or the horizon.
    until: Ordered<(Now, u32)>,
    /// The accounts that sleep unless a clock is behind an instant.
    unless_before: Ordered<(Now, u32)>,
}

/// An account's place in the queue.
#[derive(Clone, Debug)]
pub(super) struct Turn {
    ticket: u64,
    state: State,
}

#[derive(Clone, Debug)]
enum State {
    Awake,
    /// Until something happens to it, or until then.
    Asleep(Option<Box<Sleep>>),
}

/// When an account that has nothing to hand out may have something, if nothing happens to it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sleep {
    /// After an instant: a silence has then lasted too long.
    pub(super) past: Option<Now>,
    /// From an instant on: a place in the lane has then expired.
    pub(super) until: Option<Now>,
    /// For a clock that is behind an instant: to it, a task has not yet expired.
    pub(super) unless_before: Option<Now>,
}

impl Sleep {
    pub(super) fn wake_before(&mut self, instant: Now) {
        self.unless_before = self.unless_before.max(Some(instant));
    }
}

impl Turn {
    pub(super) fn ticket(&self) -> u64 {
        self.ticket
    }
}

impl Turns {
    /// With a last ticket as it was saved.
    pub(super) fn after(last: u64) -> Self {
        Self { last, ..Self::default() }
    }

    pub(super) fn last(&self) -> u64 {
        self.last
    }

    /// A place at the end, for an account that is new. It sleeps.
    pub(super) fn join(&mut self) -> Turn {
        self.last += 1;
        Self::rejoin(self.last)
    }

    /// The place of a ticket that was saved. It sleeps.
    pub(super) fn rejoin(ticket: u64) -> Turn {
        Turn { ticket, state: State::Asleep(None) }
    }

    /// The account whose turn it is, of those that are awake.
    pub(super) fn first(&self) -> Option<u32> {
        self.awake.first().map(|(_, account)| account)
    }

    pub(super) fn wake(&mut self, account: u32, turn: &mut Turn) {
        if let State::Asleep(sleep) = &turn.state {
            self.forget_sleep(account, sleep.as_deref());
            self.awake.insert((turn.ticket, account));
            turn.state = State::Awake;
        }
    }

    pub(super) fn sleep(&mut self, account: u32, turn: &mut Turn, sleep: Sleep) {
        if let State::Asleep(known) = &turn.state
            && known.as_deref().copied().unwrap_or_default() == sleep
        {
            return;
        }
        self.leave(account, turn);
        let Sleep { past, until, unless_before } = sleep;
        let sets = [&mut self.past, &mut self.until, &mut self.unless_before];
        for (set, instant) in sets.into_iter().zip([past, until, unless_before]) {
            if let Some(instant) = instant {
                set.insert((instant, account));
            }
        }
        turn.state = State::Asleep((sleep != Sleep::default()).then(|| Box::new(sleep)));
    }

    /// Gives an account that was served a place at the end.
    pub(super) fn serve(&mut self, account: u32, turn: &mut Turn) {
        let served = core::mem::replace(&mut turn.ticket, self.last + 1);
        self.last = turn.ticket;
        if let State::Awake = turn.state {
            self.awake.remove((served, account));
            self.awake.insert((turn.ticket, account));
        }
    }

    /// Takes an account out of the queue.
    pub(super) fn leave(&mut self, account: u32, turn: &Turn) {
        match &turn.state {
            State::Awake => self.awake.remove((turn.ticket, account)),
            State::Asleep(sleep) => self.forget_sleep(account, sleep.as_deref()),
        }
    }

    fn forget_sleep(&mut self, account: u32, sleep: Option<&Sleep>) {
        let Some(Sleep { past, until, unless_before }) = sleep else { return };
        let sets = [&mut self.past, &mut self.until, &mut self.unless_before];
        for (set, instant) in sets.into_iter().zip([past, until, unless_before]) {
            if let Some(instant) = instant {
                set.remove((*instant, account));
            }
        }
    }

    /// An account that sleeps, and should not at this instant, which is `now` or the horizon.
    pub(super) fn overslept(&self, now: Now, instant: Now) -> Option<u32> {
        let past = self.past.first().filter(|(past, _)| *past < now);
        let until = self.until.first().filter(|(until, _)| *until <= instant);
        let before = self.unless_before.last().filter(|(before, _)| instant < *before);
        past.or(until).or(before).map(|(_, account)| account)
    }
}
