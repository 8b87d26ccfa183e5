//! Histories in the JSON of Protocol Buffers, read into the types of the SDK. These are read by serde, which wants every field,
//! under its name in Rust, numbers as numbers, and enums and choices as Rust has them. In the JSON of Protocol Buffers what is
//! empty is left out, names are in camel case, long numbers and enums are texts, and a choice is a field of its own. So this
//! is a deserializer that stands in between and goes by what the type asks for. Types of packages that the SDK reads in
//! this form itself have full names (with dots), and are left to it.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::value::{MapDeserializer, SeqDeserializer, StrDeserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error as _, IntoDeserializer, VariantAccess, Visitor,
};
use serde_json::{Map, Value};

use super::proto_names::{camel, capital, named};

type Error = serde_json::Error;

/// The one type of which a choice matters: what happened.
const EVENT: &str = "HistoryEvent";
const CHOICE: &str = "attributes";
const CHOICE_END: &str = "EventAttributes";

/// Reads a value of the SDK's types.
pub(super) fn read<T: DeserializeOwned>(json: Value) -> Result<T, Error> {
    T::deserialize(Field::There(json))
}

/// What stands at a place.
enum Field {
    There(Value),
    /// Left out, because it is empty.
    Empty,
    /// The one of several that was chosen.
    Chosen(String, Value),
}

impl Field {
    /// A number: itself, a text with its digits, or the name of an enum's value.
    fn number(&self) -> Result<i64, Error> {
        match self {
            Self::There(Value::Number(number)) => number.as_i64().ok_or_else(|| Error::custom("a number is too large")),
            Self::There(Value::String(text)) => text
                .parse()
                .ok()
                .or_else(|| named(text).map(i64::from))
                .ok_or_else(|| Error::custom(format!("{text} is not known"))),
            Self::There(_) | Self::Chosen(..) => Err(Error::custom("something else stands where a number should")),
            Self::Empty => Ok(0),
        }
    }
}

/// The fields that a type asks for, each as far as it is there.
fn fields(kind: &str, names: &'static [&'static str], mut object: Map<String, Value>) -> Vec<(&'static str, Field)> {
    let mut take = |name: &'static str| {
        if kind == EVENT && name == CHOICE {
            let chosen = object.keys().find(|key| key.ends_with(CHOICE_END)).cloned();
            return chosen.and_then(|key| Some(Field::Chosen(capital(&key), object.remove(&key)?)));
        }
        object.remove(name).or_else(|| object.remove(&camel(name))).map(Field::There)
    };
    names.iter().map(|name| (*name, take(name).unwrap_or(Field::Empty))).collect()
}

macro_rules! numbers {
    ($($method:ident)+) => {
        $(
            fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
                visitor.visit_i64(self.number()?)
            }
        )+
    };
}

impl<'de> Deserializer<'de> for Field {
    type Error = Error;

    numbers! { deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::There(value) => value.deserialize_any(visitor),
            Self::Empty => visitor.visit_unit(),
            Self::Chosen(name, _) => Err(Error::custom(format!("{name} stands where nothing can be chosen"))),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Empty | Self::There(Value::Null) => visitor.visit_none(),
            there => visitor.visit_some(there),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Empty => visitor.visit_bool(false),
            there => there.deserialize_any(visitor),
        }
    }

    fn deserialize_f64<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Empty => visitor.visit_f64(0.0),
            there => there.deserialize_any(visitor),
        }
    }

    fn deserialize_f32<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_f64(visitor)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Empty => visitor.visit_str(""),
            there => there.deserialize_any(visitor),
        }
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        self.deserialize_str(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        match self {
            Self::Empty | Self::There(Value::Null) => visitor.visit_seq(SeqDeserializer::new(std::iter::empty::<u8>())),
            // Bytes are text in base64.
            Self::There(Value::String(text)) => {
                let bytes = STANDARD.decode(text).map_err(Error::custom)?;
                visitor.visit_seq(SeqDeserializer::new(bytes.into_iter()))
            }
            Self::There(Value::Array(items)) => {
                visitor.visit_seq(SeqDeserializer::new(items.into_iter().map(Self::There)))
            }
            other => other.deserialize_any(visitor),
        }
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let object = match self {
            Self::Empty | Self::There(Value::Null) => Map::new(),
            Self::There(Value::Object(object)) => object,
            other => return other.deserialize_any(visitor),
        };
        let entries = object.into_iter().map(|(name, value)| (name, Self::There(value)));
        visitor.visit_map(MapDeserializer::new(entries))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        names: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        let object = match self {
            Self::There(value) if name.contains('.') => return value.deserialize_struct(name, names, visitor),
            Self::There(Value::Object(object)) => object,
            Self::Empty => Map::new(),
            _ => return Err(Error::custom(format!("something else stands where {name} should"))),
        };
        visitor.visit_map(MapDeserializer::new(fields(name, names, object).into_iter()))
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Error> {
        match self {
            Self::Chosen(variant, value) => visitor.visit_enum(Choice(variant, value)),
            Self::There(value) => value.deserialize_enum(name, variants, visitor),
            Self::Empty => Err(Error::custom(format!("{name} is missing"))),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    serde::forward_to_deserialize_any! { char bytes byte_buf unit unit_struct tuple tuple_struct identifier }
}

impl IntoDeserializer<'_, Error> for Field {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

/// What was chosen: its name, and what is in it.
struct Choice(String, Value);

impl<'de> EnumAccess<'de> for Choice {
    type Error = Error;
    type Variant = Inside;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Inside), Error> {
        let Self(name, value) = self;
        seed.deserialize(StrDeserializer::<Error>::new(&name)).map(|variant| (variant, Inside(value)))
    }
}

struct Inside(Value);

impl<'de> VariantAccess<'de> for Inside {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(Field::There(self.0))
    }

    fn tuple_variant<V: Visitor<'de>>(self, _: usize, _: V) -> Result<V::Value, Error> {
        Err(Error::custom("no choice has several values"))
    }

    fn struct_variant<V: Visitor<'de>>(self, _: &'static [&'static str], _: V) -> Result<V::Value, Error> {
        Err(Error::custom("no choice has fields of its own"))
    }
}

impl fmt::Debug for Field {
    /// Payloads are not ours to show.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Field")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use temporalio_common::protos::temporal::api::enums::v1::{EventType, TaskQueueKind};
    use temporalio_common::protos::temporal::api::history::v1::History;
    use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;

    use super::*;

    #[test]
    fn names_numbers_enums_choices_and_what_is_left_out_are_read() {
        let history: History = read(json!({ "events": [{
            "eventId": "7",
            "eventTime": "2026-11-23T11:07:20.841158863Z",
            "eventType": "EVENT_TYPE_ACTIVITY_TASK_SCHEDULED",
            "ofTomorrow": {"x": 1},
            "activityTaskScheduledEventAttributes": {
                "activityId": "1",
                "activityType": {"name": "run_range"},
                "taskQueue": {"name": "muster-import", "kind": "TASK_QUEUE_KIND_NORMAL"},
                "input": {"payloads": [{"metadata": {"encoding": "anNvbi9wbGFpbg=="}, "data": "MQ=="}]},
                "startToCloseTimeout": "30s",
                "retryPolicy": {"backoffCoefficient": 2},
            },
        }]}))
        .unwrap();
        let event = &history.events[0];
        assert_eq!((event.event_id, event.event_type), (7, i32::from(EventType::ActivityTaskScheduled)));
        let Some(Attributes::ActivityTaskScheduledEventAttributes(scheduled)) = &event.attributes else {
            panic!("{event:?}")
        };
        let queue = scheduled.task_queue.as_ref().unwrap();
        assert_eq!((queue.name.as_str(), queue.kind), ("muster-import", i32::from(TaskQueueKind::Normal)));
        assert_eq!(scheduled.input.as_ref().unwrap().payloads[0].data, b"1");
        assert_eq!(scheduled.start_to_close_timeout.as_ref().unwrap().seconds, 30);
        assert!(scheduled.heartbeat_timeout.is_none() && scheduled.priority.is_none());
    }

    #[test]
    fn what_stands_at_the_wrong_place_is_an_error() {
        for json in
            [json!({"events": [{"eventId": "x"}]}), json!({"events": [{"eventId": []}]}), json!({"events": [1]})]
        {
            assert!(read::<History>(json.clone()).is_err(), "{json}");
        }
    }
}
