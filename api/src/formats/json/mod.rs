mod element;
mod envelope;
mod nesting;
#[cfg(test)]
mod tests;

use muster_application::imports::ImportRow;

use self::element::read_element;
use self::envelope::Envelope;
use self::nesting::{Malformed, Nesting, is_space};
use super::bom::Bom;
use super::{Fields, FormatError, MAX_ROW_BYTES, RowReader, Trailer, row_too_long, unreadable};

/// Where in the body the next byte is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Start,
    /// Before the name of a member, or the end.
    Name,
    InName,
    Colon,
    Value,
    /// In or after a value.
    InValue,
    /// After `[` of `users`.
    FirstElement,
    /// After a comma in `users`.
    Element,
    InElement,
    AfterElement,
    End,
}

/// Reads a JSON body `{"users": […], …}`: each element of `users`, or of `tasks` where rows are about tasks, is a row.
///
/// Everything beside the elements is kept, up to 64 KiB, and parsed at the end. An element of more than
/// 64 KiB is a `row_too_long`, of which only brackets and strings are checked.
#[derive(Debug)]
pub struct JsonReader {
    fields: Fields,
    bom: Bom,
    phase: Phase,
    nesting: Nesting,
    envelope: Envelope,
    /// Whether the member that is being read is `users`.
    is_users: bool,
    /// Whether `users` has been read.
    has_users: bool,
    /// Elements of `users` that have ended.
    elements: u64,
    /// Start of an element whose end has not arrived.
    held: Vec<u8>,
    /// The element was too long to hold and is skipped up to its end.
    too_long: bool,
}

impl Default for JsonReader {
    fn default() -> Self {
        Self::new(Fields::IMPORT)
    }
}

impl JsonReader {
    /// A reader at the start of an upload.
    pub fn new(fields: Fields) -> Self {
        Self {
            fields,
            bom: Bom::default(),
            phase: Phase::Start,
            nesting: Nesting::default(),
            envelope: Envelope::default(),
            is_users: false,
            has_users: false,
            elements: 0,
            held: Vec::new(),
            too_long: false,
        }
    }

    fn take(&mut self, mut bytes: &[u8], row: &mut dyn FnMut(ImportRow<'_>)) -> Result<(), FormatError> {
        while let Some((&byte, rest)) = bytes.split_first() {
            match self.phase {
                Phase::InElement => {}
                Phase::FirstElement | Phase::Element | Phase::AfterElement => self.between(byte)?,
                _ => self.outside(byte)?,
            }
            // `between` may just have come upon the first byte of an element.
            bytes = if self.phase == Phase::InElement { self.element(bytes, row)? } else { rest };
        }
        Ok(())
    }

    /// Takes one byte outside `users`.
    fn outside(&mut self, byte: u8) -> Result<(), FormatError> {
        self.phase = match (self.phase, byte) {
            (Phase::Start | Phase::End, b' ' | b'\t' | b'\n' | b'\r') => return Ok(()),
            (Phase::Start, b'{') => self.kept(byte, Phase::Name)?,
            (Phase::Start, _) => return Err(self.invalid("the body must be a JSON object")),
            (Phase::End, _) => {
                return Err(self.invalid("something follows the end of the JSON object"));
            }
            (Phase::InName, _) => {
                self.nested(byte)?;
                self.envelope.push(byte)?;
                if self.nesting.is_outermost() {
                    self.is_users = self.envelope.name_is(self.fields.list().0);
                    Phase::Colon
                } else {
                    Phase::InName
                }
            }
            (Phase::Name, b'"') => {
                self.envelope.start_name();
                self.nested(byte)?;
                self.kept(byte, Phase::InName)?
            }
            (Phase::Name, b'}') => self.kept(byte, Phase::End)?,
            (Phase::Colon, b':') => self.kept(byte, Phase::Value)?,
            (phase @ (Phase::Name | Phase::Colon | Phase::Value), _) if is_space(byte) => self.kept(byte, phase)?,
            (Phase::Name | Phase::Colon, _) => return Err(self.outside_is_wrong()),
            (Phase::Value, _) if self.is_users => self.users(byte)?,
            _ => self.value(byte)?,
        };
        Ok(())
    }

    /// Takes one byte between the elements of `users`.
    fn between(&mut self, byte: u8) -> Result<(), FormatError> {
        self.phase = match (self.phase, byte) {
            (phase, b' ' | b'\t' | b'\n' | b'\r') => phase,
            (Phase::FirstElement | Phase::AfterElement, b']') => Phase::InValue,
            (Phase::AfterElement, b',') => Phase::Element,
            (Phase::AfterElement, _) => {
                return Err(self.invalid(&format!("neither a comma nor the end of `{}` follows", self.fields.list().0)));
            }
            (_, b',' | b']') => return Err(self.invalid(&format!("there is a comma but no {}", self.fields.list().1))),
            _ => Phase::InElement,
        };
        Ok(())
    }

    fn kept(&mut self, byte: u8, next: Phase) -> Result<Phase, FormatError> {
        self.envelope.push(byte)?;
        Ok(next)
    }

    fn value(&mut self, byte: u8) -> Result<Phase, FormatError> {
        let outermost = self.nesting.is_outermost();
        match byte {
            b',' if outermost => self.kept(byte, Phase::Name),
            b'}' if outermost => self.kept(byte, Phase::End),
            // A comma is missing; unnoticed, the next name would pass for part of this value.
            b':' if outermost => Err(self.outside_is_wrong()),
            _ => {
                self.nested(byte)?;
                self.kept(byte, Phase::InValue)
            }
        }
    }

    fn users(&mut self, byte: u8) -> Result<Phase, FormatError> {
        let detail = if self.has_users {
            "is given more than once"
        } else if byte == b'[' {
            self.has_users = true;
            self.envelope.push(b'[')?;
            return self.kept(b']', Phase::FirstElement);
        } else {
            "must be an array"
        };
        Err(self.missing(format!("`{}` {detail}", self.fields.list().0)))
    }

    fn nested(&mut self, byte: u8) -> Result<(), FormatError> {
        self.nesting.step(byte).map_err(|malformed| match malformed {
            Malformed::TooDeep => self.invalid("values may be nested at most 128 levels deep"),
            Malformed::Unbalanced => self.invalid("brackets do not match"),
        })
    }

    /// Takes bytes of an element; gives what follows it.
    fn element<'b>(&mut self, bytes: &'b [u8], row: &mut dyn FnMut(ImportRow<'_>)) -> Result<&'b [u8], FormatError> {
        let mut end = None;
        for (at, &byte) in bytes.iter().enumerate() {
            if self.nesting.is_outermost() && (is_space(byte) || matches!(byte, b',' | b']')) {
                end = Some(at);
                break;
            }
            self.nested(byte)?;
            if matches!(byte, b'}' | b']' | b'"') && self.nesting.is_outermost() {
                end = Some(at + 1);
                break;
            }
        }
        let Some((element, rest)) = end.and_then(|end| bytes.split_at_checked(end)) else {
            self.hold(bytes);
            return Ok(&[]);
        };
        if self.held.is_empty() && !self.too_long {
            self.complete(element, row)?;
        } else {
            self.hold(element);
            let mut held = std::mem::take(&mut self.held);
            self.complete(&held, row)?;
            held.clear();
            self.held = held;
        }
        Ok(rest)
    }

    fn hold(&mut self, bytes: &[u8]) {
        if self.held.len() + bytes.len() > MAX_ROW_BYTES {
            self.too_long = true;
            self.held.clear();
        } else if !self.too_long {
            self.held.extend_from_slice(bytes);
        }
    }

    fn complete(&mut self, element: &[u8], row: &mut dyn FnMut(ImportRow<'_>)) -> Result<(), FormatError> {
        let line = self.elements + 1;
        let too_long = std::mem::take(&mut self.too_long) || element.len() > MAX_ROW_BYTES;
        let user = if too_long {
            unreadable(line, row_too_long())
        } else {
            read_element(element, line, self.fields).ok_or_else(|| self.invalid("it is not valid JSON"))?
        };
        self.elements = line;
        self.phase = Phase::AfterElement;
        row(user);
        Ok(())
    }

    fn missing(&self, detail: String) -> FormatError {
        let code = if self.fields.task.is_some() { "missing_tasks" } else { "missing_users" };
        FormatError::new(code, None, detail)
    }

    fn outside_is_wrong(&self) -> FormatError {
        self.invalid(&format!("the body is not valid JSON outside `{}`", self.fields.list().0))
    }

    fn invalid(&self, detail: &str) -> FormatError {
        let element = match self.phase {
            Phase::FirstElement | Phase::Element | Phase::InElement => Some(self.elements + 1),
            Phase::AfterElement => Some(self.elements),
            _ => None,
        };
        let detail = match element {
            Some(element) => format!("{} {element}: {detail}", self.fields.list().1),
            None => detail.to_owned(),
        };
        FormatError::new("invalid_json", element, detail)
    }
}

impl RowReader for JsonReader {
    fn push(&mut self, bytes: &[u8], row: &mut dyn FnMut(ImportRow<'_>)) -> Result<(), FormatError> {
        let (held_back, bytes) = self.bom.strip(bytes);
        self.take(held_back, row)?;
        self.take(bytes, row)
    }

    fn finish(&mut self, row: &mut dyn FnMut(ImportRow<'_>)) -> Result<Trailer, FormatError> {
        let held_back = self.bom.finish();
        self.take(held_back, row)?;
        if self.phase != Phase::End {
            return Err(self.invalid("the body ends too early"));
        }
        let Some(members) = self.envelope.parse(self.fields.list().0) else {
            return Err(self.outside_is_wrong());
        };
        if !self.has_users {
            return Err(self.missing(format!("the body must have an array `{}`", self.fields.list().0)));
        }
        Ok(Trailer { unknown_fields: Vec::new(), envelope: Some(members) })
    }
}
