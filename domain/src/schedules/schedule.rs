use chrono::{DateTime, Utc};

use super::{Cadence, LastRun};
use crate::operations::{OperationKind, UploadFormat};
use crate::{FieldError, ScheduleId};

/// Most schedules of a tenant.
pub const MAX_SCHEDULES: u32 = 50;
/// Longest name, in characters.
const MAX_NAME: usize = 255;

/// Whether a schedule runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ScheduleState {
    /// At its times.
    Active,
    /// When somebody triggers it only.
    Paused,
}

impl ScheduleState {
    /// Both of them.
    pub const ALL: [Self; 2] = [Self::Active, Self::Paused];

    /// The name in storage and on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Paused => "paused",
        }
    }

    /// The state of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// What is asked of a new schedule, once it is known to be right.
#[derive(Debug, Clone, PartialEq)]
pub struct NewSchedule {
    /// For people.
    pub name: Option<String>,
    /// What the operations do that it begins.
    pub kind: OperationKind,
    /// Whom they mean: conditions as a JSON object, as they were given. Each run reads them anew.
    pub filter: String,
    /// How the files of exports are written; none of other kinds.
    pub format: Option<UploadFormat>,
    /// When it runs.
    pub cadence: Cadence,
}

/// An operation that begins again and again.
#[derive(Debug, Clone, PartialEq)]
pub struct Schedule {
    /// Identity.
    pub id: ScheduleId,
    /// What was asked; it does not change.
    pub asked: NewSchedule,
    /// Whether it runs.
    pub state: ScheduleState,
    /// Counts what the engine has to hear of: its making and each change.
    pub revision: u64,
    /// The latest run.
    pub last_run: Option<LastRun>,
    /// When it was made.
    pub created_at: DateTime<Utc>,
    /// When it was last changed.
    pub updated_at: DateTime<Utc>,
}

/// What the engine is to know of a schedule.
#[derive(Debug, Clone, PartialEq)]
pub struct SyncedSchedule {
    /// The revision that this is.
    pub revision: u64,
    /// When it runs, and whether; none when it was deleted.
    pub runs: Option<(Cadence, ScheduleState)>,
}

impl NewSchedule {
    /// What a schedule can begin.
    pub const KINDS: [OperationKind; 4] = [
        OperationKind::UsersExport,
        OperationKind::UsersDelete,
        OperationKind::UsersDeactivate,
        OperationKind::UsersErase,
    ];

    /// Reads a name.
    ///
    /// # Errors
    /// When it is too long, or not one line.
    pub fn parse_name(text: &str) -> Result<Option<String>, FieldError> {
        if text.chars().count() > MAX_NAME {
            return Err(FieldError::new("name", "too_long", format!("must have at most {MAX_NAME} characters")));
        }
        if text.chars().any(char::is_control) {
            let right = "must be one line without control characters";
            return Err(FieldError::new("name", "invalid_characters", right));
        }
        Ok(Some(text.trim().to_owned()).filter(|name| !name.is_empty()))
    }
}

impl Schedule {
    /// A new one, which runs.
    pub const fn new(id: ScheduleId, asked: NewSchedule, now: DateTime<Utc>) -> Self {
        let state = ScheduleState::Active;
        Self { id, asked, state, revision: 1, last_run: None, created_at: now, updated_at: now }
    }

    /// Moves it to a state; `false` if it is there.
    pub fn set_state(&mut self, state: ScheduleState, now: DateTime<Utc>) -> bool {
        let moves = self.state != state;
        if moves {
            self.state = state;
            self.revision += 1;
            self.updated_at = now;
        }
        moves
    }

    /// When it runs next by itself.
    pub fn next_run_at(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        match self.state {
            ScheduleState::Active => self.asked.cadence.next_after(now),
            ScheduleState::Paused => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    #[test]
    fn a_paused_schedule_has_no_next_run_and_each_move_is_a_revision() {
        let asked = NewSchedule {
            name: NewSchedule::parse_name(" Nightly ").unwrap(),
            kind: OperationKind::UsersDelete,
            filter: "{}".to_owned(),
            format: None,
            cadence: Cadence::parse("0 3 * * *", "UTC").unwrap(),
        };
        let now = DateTime::UNIX_EPOCH;
        let mut schedule = Schedule::new(ScheduleId::new(Uuid::from_u128(1)), asked, now);
        assert_eq!(schedule.asked.name.as_deref(), Some("Nightly"));
        assert_eq!(schedule.next_run_at(now), DateTime::from_timestamp(3 * 3600, 0));
        assert!(!schedule.set_state(ScheduleState::Active, now) && schedule.set_state(ScheduleState::Paused, now));
        assert_eq!((schedule.next_run_at(now), schedule.revision), (None, 2));
    }

    #[test]
    fn names_are_read_back() {
        for state in ScheduleState::ALL {
            assert_eq!(ScheduleState::from_name(state.name()), Some(state));
        }
        assert_eq!(NewSchedule::parse_name("a\nb").unwrap_err().code, "invalid_characters");
        assert_eq!(NewSchedule::parse_name(&"x".repeat(256)).unwrap_err().code, "too_long");
        assert_eq!(NewSchedule::parse_name(" ").unwrap(), None);
    }
}
