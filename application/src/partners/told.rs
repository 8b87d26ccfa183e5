//! What an event of a partner asks for.

use std::borrow::Cow;

use muster_domain::operations::{MatchBy, OnConflict, OnError, OperationKind, OperationOptions};
use muster_domain::partners::PartnerEvent;
use serde_json::{Map, Value};

use crate::imports::ImportRow;

/// What is to be done about an event.
#[derive(Debug)]
pub(super) enum Told {
    /// One row of an operation.
    Change(Box<Change>),
    /// Nothing: this type of event means nothing here.
    Nothing,
    /// Its data is not what its type needs.
    NotUnderstood,
}

/// An operation of one row.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) kind: OperationKind,
    pub(super) options: OperationOptions,
    pub(super) row: ImportRow<'static>,
}

/// Reads an event. Only what has the wrong form is not understood; whether values keep the rules is said by the operation,
/// to the row.
pub(super) fn told(event: &PartnerEvent) -> Told {
    let read = match event.event_type.as_str() {
        "user.created" => created,
        "user.updated" => updated,
        "user.deleted" => deleted,
        _ => return Told::Nothing,
    };
    let data = event.data.as_deref().and_then(|text| serde_json::from_str::<Map<String, Value>>(text).ok());
    match data.map(|data| read(&data)) {
        Some(Ok(change)) => Told::Change(Box::new(change)),
        _ => Told::NotUnderstood,
    }
}

/// A user is made, or becomes what is said of them if somebody with the address is there already.
fn created(data: &Map<String, Value>) -> Result<Change, NotUnderstood> {
    let row = fields(data)?;
    if row.email.is_none() || row.username.is_none() {
        return Err(NotUnderstood);
    }
    let options = OperationOptions { on_conflict: OnConflict::Update, ..silent() };
    Ok(Change { kind: OperationKind::UsersImport, options, row: ImportRow { is_active: None, ..row } })
}

fn updated(data: &Map<String, Value>) -> Result<Change, NotUnderstood> {
    let (match_by, id) = whom(data)?;
    let row = ImportRow { id, ..fields(data)? };
    Ok(Change { kind: OperationKind::UsersUpdate, options: OperationOptions { match_by, ..silent() }, row })
}

fn deleted(data: &Map<String, Value>) -> Result<Change, NotUnderstood> {
    let (match_by, id) = whom(data)?;
    let email = if match_by == MatchBy::Email { text(data, "email")? } else { None };
    let row = ImportRow { line: 1, id, email, ..ImportRow::default() };
    Ok(Change { kind: OperationKind::UsersDelete, options: OperationOptions { match_by, ..silent() }, row })
}

/// Nobody is sent a mail because of what a partner tells.
const fn silent() -> OperationOptions {
    OperationOptions { send_welcome: false, ..OperationOptions::of(OnError::Continue) }
}

/// By our id where it is given, else by the address.
fn whom(data: &Map<String, Value>) -> Result<(MatchBy, Option<Cow<'static, str>>), NotUnderstood> {
    if let Some(id) = text(data, "user_id")? {
        return Ok((MatchBy::Id, Some(id)));
    }
    text(data, "email")?.map(|_| (MatchBy::Email, None)).ok_or(NotUnderstood)
}

fn fields(data: &Map<String, Value>) -> Result<ImportRow<'static>, NotUnderstood> {
    let is_active = match data.get("is_active") {
        None | Some(Value::Null) => None,
        Some(given) => Some(given.as_bool().ok_or(NotUnderstood)?),
    };
    Ok(ImportRow {
        line: 1,
        email: text(data, "email")?,
        username: text(data, "username")?,
        full_name: text(data, "full_name")?,
        clears_name: data.get("full_name").is_some_and(Value::is_null),
        is_active,
        ..ImportRow::default()
    })
}

/// A member is not what it should be.
struct NotUnderstood;

/// A text that may be absent or null.
fn text(data: &Map<String, Value>, name: &str) -> Result<Option<Cow<'static, str>>, NotUnderstood> {
    match data.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(Cow::Owned(text.clone()))),
        Some(_) => Err(NotUnderstood),
    }
}
