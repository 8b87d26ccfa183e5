use muster_domain::RepositoryError;

use super::error::damaged;

/// Counts and numbers are `integer` in Postgres and unsigned here.
pub(super) fn to_i32(number: u32) -> Result<i32, RepositoryError> {
    i32::try_from(number).map_err(|error| RepositoryError::Internal(error.into()))
}

pub(super) fn to_i64(number: u64) -> Result<i64, RepositoryError> {
    i64::try_from(number).map_err(|error| RepositoryError::Internal(error.into()))
}

pub(super) fn to_u32(number: i32) -> Result<u32, RepositoryError> {
    u32::try_from(number).map_err(|_| damaged("number"))
}

pub(super) fn to_u64(number: i64) -> Result<u64, RepositoryError> {
    u64::try_from(number).map_err(|_| damaged("number"))
}

/// A place in a list, counted from 1.
pub(super) fn to_place(place: usize) -> Result<i32, RepositoryError> {
    i32::try_from(place).map_err(|error| RepositoryError::Internal(error.into()))
}
